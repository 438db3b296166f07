/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mark.c - what is known of the bytes, in a file that survives a torn write.
 *
 * Two slots of one sector each, written in turn. A slot is a line of text,
 *
 *     media-upload 1 SEQ GUARD STATE CHECK
 *
 * STATE being that of the hash and CHECK the SHA-256 of what stands before it,
 * both in hex. The blocks are there from the beginning, so that a full
 * disk does not keep a mark from being written.
 */
#include "upload/internal.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_TEXT = 2 * MT_RUNNING_STATE + 1 };

int mt_upload_mark_create(int fd, struct mt_err *err)
{
    char blank[2 * MT_UPLOAD_SLOT];

    memset(blank, '\n', sizeof blank);
    if (mt_write_all(fd, blank, sizeof blank) < 0 || fsync(fd) < 0)
        return mt_fail_errno(err, "cannot write the state of an upload");
    return 0;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(const char *text, unsigned char *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
        if (low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return text[2 * n] == '\0';
}

static bool parse_slot(const char *slot, struct mt_upload_mark *mark)
{
    char state[STATE_TEXT];
    char check[MT_SHA256_TEXT];
    char real[MT_SHA256_TEXT];
    unsigned long long seq;
    long long guard;
    int end = 0;
    struct mt_err err;

    if (sscanf(slot, "media-upload 1 %20llu %20lld %208s %n%64s", &seq, &guard, state, &end,
               check) != 4 ||
        end <= 0 || mt_sha256_of(slot, (size_t)end, real, &err) < 0 || strcmp(check, real) != 0)
        return false;
    mark->seq = seq;
    mark->guard = guard;
    return parse_hex(state, mark->hash, MT_RUNNING_STATE);
}

void mt_upload_mark_read(int fd, struct mt_upload_mark *mark)
{
    *mark = (struct mt_upload_mark){.guard = -1};
    mt_running_blank(mark->hash);
    for (int i = 0; i < 2; i++) {
        char slot[MT_UPLOAD_SLOT + 1];
        struct mt_upload_mark found;
        ssize_t n = mt_pread_full(fd, slot, MT_UPLOAD_SLOT, (int64_t)i * MT_UPLOAD_SLOT);

        slot[n > 0 ? n : 0] = '\0';
        if (parse_slot(slot, &found) && found.seq > mark->seq)
            *mark = found;
    }
}

int mt_upload_mark_write(int fd, struct mt_upload_mark *mark, bool sync, struct mt_err *err)
{
    char slot[MT_UPLOAD_SLOT];
    char state[STATE_TEXT];
    char check[MT_SHA256_TEXT];

    mark->seq++;
    for (size_t i = 0; i < MT_RUNNING_STATE; i++)
        snprintf(state + 2 * i, 3, "%02x", mark->hash[i]);
    memset(slot, '\n', sizeof slot);
    int n = snprintf(slot, sizeof slot, "media-upload 1 %llu %lld %s ",
                     (unsigned long long)mark->seq, (long long)mark->guard, state);
    if (mt_sha256_of(slot, (size_t)n, check, err) < 0)
        return -1;
    memcpy(slot + n, check, MT_SHA256_TEXT - 1);
    slot[n + MT_SHA256_TEXT - 1] = '\n';
    off_t at = (off_t)(mark->seq % 2) * MT_UPLOAD_SLOT;
    if (pwrite(fd, slot, sizeof slot, at) != (ssize_t)sizeof slot || (sync && fdatasync(fd) < 0))
        return mt_fail_errno(err, "cannot write the state of an upload");
    return 0;
}
