/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_damage.c - where a file is damaged, and what cannot be known of it. */
#include "av/probe.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include "../tap.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { PER_FILE_S = 60, TAGS = 20000 };

static char dir[PATH_MAX];

static bool make(const char *arguments)
{
    char *cmd = mt_asprintf("cd '%s' && ffmpeg -v error -nostdin -y %s </dev/null", dir, arguments);
    int rc = system(cmd);

    free(cmd);
    return rc == 0;
}

static void slurp(const char *name, struct mt_buf *buf)
{
    char *path = mt_asprintf("%s/%s", dir, name);
    struct mt_err err;

    mt_buf_init(buf, 64 * 1024 * 1024);
    OK(mt_read_file(path, buf, &err) == 0, name);
    free(path);
}

static json_t *probe_data(const void *data, size_t n, bool thorough, struct mt_err *err)
{
    char *path = mt_asprintf("%s/probed", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct mt_av_probe how = {.limits = &mt_av_default_limits, .thorough = thorough};
    json_t *j = NULL;

    *err = (struct mt_err){0};
    if (OK(fd >= 0 && mt_write_all(fd, data, n) == 0, "a file is written")) {
        alarm(PER_FILE_S);
        j = mt_av_probe(fd, &how, err);
        alarm(0);
    }
    close(fd);
    free(path);
    return j;
}

static json_t *issue(const json_t *j, const char *kind)
{
    json_t *list = mt_json_at(j, "damage.issues"), *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (strcmp(mt_json_str(one, "kind", ""), kind) == 0)
            return one;
    }
    return NULL;
}

static void show(const json_t *j)
{
    char *text = mt_json_compact(mt_json_at(j, "damage"));

    printf("# %s\n", text);
    free(text);
}

/* Sound of 4 s, damaged at its middle: found when all is decoded, and said where. */
static void test_stretch(void)
{
    struct mt_err err;
    struct mt_buf b;

    OK(make("-f lavfi -i sine=f=440:d=4 -c:a aac -b:a 64k tone.mp4"), "a tone is made");
    slurp("tone.mp4", &b);
    char *mdat = memmem(b.data, b.len, "mdat", 4);
    size_t at = mdat ? (size_t)(mdat - b.data) : 0, middle = at + (b.len - at) / 2;
    for (size_t i = middle; mdat && i < middle + 300; i++)
        b.data[i] = (char)(b.data[i] ^ 0x55);

    json_t *j = probe_data(b.data, b.len, false, &err);
    IS_STR(mt_json_str(j, "damage.checked.decoded", ""), "sample", "a quick look says so");
    OK(mt_json_bool(j, "damage.checked.length_declared", false), "an MP4 says where it ends");
    json_decref(j);
    j = probe_data(b.data, b.len, true, &err);
    IS_STR(mt_json_str(j, "damage.state", ""), "degraded", "decoding all finds it");
    IS_STR(mt_json_str(j, "damage.checked.decoded", ""), "all", "and says that it did");
    json_t *one = issue(j, "decode_error");
    double start = mt_json_num(one, "start_s", -1), end = mt_json_num(one, "end_s", -1);
    if (!OK(start > 1 && start < 2.5 && end > start && end < 3, "the stretch is in the middle"))
        show(j);
    OK(fabs(mt_json_num(j, "damage.lost_s", 0) - (end - start)) < 0.5, "its length is told");
    json_decref(j);
    mt_buf_free(&b);
}

/* A FLAC whose frames are all right, but whose checksum of all samples is of others. */
static void test_sum(void)
{
    struct mt_err err;
    struct mt_buf b;

    OK(make("-f lavfi -i sine=f=440:d=1 -sample_fmt s32 tone.flac"), "a FLAC is made");
    slurp("tone.flac", &b);
    json_t *j = probe_data(b.data, b.len, true, &err);
    IS_STR(mt_json_str(j, "damage.state", ""), "ok", "its samples are those of the checksum");
    json_decref(j);
    if (b.len > 42)
        b.data[4 + 4 + 20] ^= 1;
    j = probe_data(b.data, b.len, false, &err);
    IS_STR(mt_json_str(j, "damage.state", ""), "ok", "a quick look does not add up samples");
    json_decref(j);
    j = probe_data(b.data, b.len, true, &err);
    OK(issue(j, "checksum") != NULL, "another checksum is found when all is decoded");
    json_decref(j);
    mt_buf_free(&b);
}

/* A FLAC that lost one whole frame at its end: 0.1 s that only the count of samples shows. */
static void test_whole_frames(void)
{
    struct mt_err err;
    struct mt_buf b;

    slurp("tone.flac", &b);
    size_t last = 0;
    for (size_t i = 42; i + 2 < b.len; i++)
        if ((unsigned char)b.data[i] == 0xFF && (unsigned char)b.data[i + 1] == 0xF8)
            last = i;
    json_t *j = probe_data(b.data, last, false, &err);
    IS_STR(mt_json_str(j, "damage.state", ""), "degraded", "FLAC: one missing frame shows");
    OK(mt_json_num(j, "damage.missing", 0) > 0.01, "and how long it was");
    json_decref(j);
    mt_buf_free(&b);
}

static void declares(const char *arguments, const char *name, bool wanted)
{
    struct mt_err err;
    struct mt_buf b;

    if (!make(arguments)) {
        OK(1, "# SKIP no encoder");
        return;
    }
    slurp(name, &b);
    json_t *j = probe_data(b.data, b.len, false, &err);
    IS_STR(mt_json_str(j, "damage.state", err.msg), "ok", "it is whole");
    OK(mt_json_bool(j, "damage.checked.length_declared", !wanted) == wanted, arguments);
    json_decref(j);
    mt_buf_free(&b);
}

static void test_declared(void)
{
    declares("-f lavfi -i sine=d=1 -c:a ac3 a.ac3", "a.ac3", false);
    declares("-f lavfi -i sine=d=1 a.aac", "a.aac", false);
    declares("-f lavfi -i sine=d=1 -write_xing 0 a.mp3", "a.mp3", false);
    declares("-f lavfi -i sine=d=1 x.mp3", "x.mp3", true);
    declares("-f lavfi -i sine=d=1 -f flac pipe:1 >live.flac", "live.flac", false);
    declares("-f lavfi -i sine=d=1 whole.flac", "whole.flac", true);
    declares("-f lavfi -i testsrc2=d=1 -c:v mpeg2video -f vob a.mpg", "a.mpg", false);
    declares("-f lavfi -i testsrc2=d=1 -f matroska pipe:1 >live.mkv", "live.mkv", false);
    declares("-f lavfi -i testsrc2=d=1 a.mkv", "a.mkv", true);
    declares("-f lavfi -i testsrc2=d=1 -c:v libx264 -pix_fmt yuv420p -movflags "
             "frag_keyframe+empty_moov+skip_trailer frag.mp4",
             "frag.mp4", false);
    declares("-f lavfi -i testsrc2=d=1 -frames:v 1 a.tiff", "a.tiff", true);
}

/* An end code, or half of one, behind a program stream. */
static void test_end_code(void)
{
    static const char code[4] = {0, 0, 1, (char)0xB9};
    struct mt_err err;
    struct mt_buf b;

    slurp("a.mpg", &b);
    char *more = mt_alloc(b.len + 4);
    memcpy(more, b.data, b.len);
    memcpy(more + b.len, code, sizeof(code));
    json_t *j = probe_data(more, b.len + 4, false, &err);
    OK(mt_json_bool(j, "damage.checked.length_declared", false), "an end code declares the end");
    IS_STR(mt_json_str(j, "damage.state", ""), "ok", "and is no damage");
    json_decref(j);
    j = probe_data(more, b.len + 3, false, &err);
    IS_STR(mt_json_str(j, "damage.state", ""), "degraded", "half an end code is");
    json_decref(j);
    free(more);
    mt_buf_free(&b);
}

/* Many tags of one kind, each written by put; refused by name, and soon. */
static void refuse_tags(const char *title, const void *head, size_t n_head, const void *tag,
                        size_t n_tag, const void *rest, size_t n_rest)
{
    char *data = mt_alloc(n_head + TAGS * n_tag + n_rest), *p = data;
    struct mt_err err;

    memcpy(p, head, n_head);
    p += n_head;
    for (int i = 0; i < TAGS; i++, p += n_tag)
        memcpy(p, tag, n_tag);
    memcpy(p, rest, n_rest);
    json_t *j = probe_data(data, (size_t)(p - data) + n_rest, false, &err);
    if (!OK(!j && err.code == MT_ERR_LIMIT && strstr(err.msg, "tags"), title))
        printf("# %s: %s\n", mt_code_name(err.code), err.msg);
    json_decref(j);
    free(data);
}

static void test_tags(void)
{
    static const char simple[] = "\x67\xC8\x89\x45\xA3\x81\x41\x44\x87\x81\x42\x00";
    static const char frame[] = "TXXX\0\0\0\4\0\0\0A\0B";
    const size_t n_simple = 12, n_frame = 14;
    char head[64], id3[10] = "ID3\3\0\0";
    size_t bytes = TAGS * n_frame;
    struct mt_buf b;

    for (int i = 0; i < 4; i++)
        id3[6 + i] = (char)(bytes >> (21 - 7 * i) & 0x7F);
    slurp("a.mp3", &b);
    refuse_tags("MP3: too many tags", id3, sizeof(id3), frame, n_frame, b.data, b.len);
    mt_buf_free(&b);

    /* Tags and Tag with sizes of four bytes, in place of what follows the segment's header. */
    slurp("live.mkv", &b);
    char *segment = memmem(b.data, b.len, "\x18\x53\x80\x67", 4);
    size_t at = segment ? (size_t)(segment - b.data) + 12 : 0, inner = TAGS * n_simple;
    memcpy(head, "\x12\x54\xC3\x67\x10\0\0\0\x73\x73\x10\0\0\0", 14);
    for (int i = 0; i < 3; i++) {
        head[5 + i] = (char)((inner + 6) >> (16 - 8 * i));
        head[11 + i] = (char)(inner >> (16 - 8 * i));
    }
    if (OK(segment && at < b.len, "a segment")) {
        char *start = mt_alloc(at + 14);
        memcpy(start, b.data, at);
        memcpy(start + at, head, 14);
        refuse_tags("Matroska: too many tags", start, at + 14, simple, n_simple, b.data + at,
                    b.len - at);
        free(start);
    }
    mt_buf_free(&b);
}

static void test_rate(void)
{
    struct mt_err err;
    struct mt_buf b;

    OK(make("-f lavfi -i anullsrc=r=8000:cl=mono -t 700 -c:a pcm_u8 long.wav"), "700 s of silence");
    slurp("long.wav", &b);
    json_t *j = probe_data(b.data, b.len, false, &err);
    json_t *bps = mt_json_at(j, "bit_rate_over_time.bps");
    double step = mt_json_num(j, "bit_rate_over_time.step_s", 0);
    size_t n = json_array_size(bps);
    OK(n > 0 && n <= 600, "the bit rate over time is bounded");
    OK(fabs(step * (double)n - 700) <= step, "and covers all of it");
    OK(llabs(json_integer_value(json_array_get(bps, n / 2)) - 64000) < 3000, "64 kbit/s it is");
    json_decref(j);
    mt_buf_free(&b);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof(dir), "%s/av_damage.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir) || system("ffmpeg -version >/dev/null 2>&1") != 0) {
        printf("1..0 # SKIP no temporary directory or no ffmpeg\n");
        return 0;
    }
    mt_av_log_capture();
    test_stretch();
    test_sum();
    test_whole_frames();
    test_declared();
    test_end_code();
    test_tags();
    test_rate();
    char *cmd = mt_asprintf("rm -rf '%s'", dir);
    OK(system(cmd) == 0, "clean up");
    free(cmd);
    return tap_done();
}
