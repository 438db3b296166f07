/* SPDX-License-Identifier: GPL-2.0-or-later */
/* windows.c - large files in parts, and which files that does not do for. */
#include "scan/scan.h"

#include "base/buf.h"
#include "base/file.h"

#include <string.h>

enum { ZIP_TAIL = 65557 }; /* the end record with the longest comment (APPNOTE 4.3.16) */

int mt_windows_count(const struct mt_windows *w)
{
    int64_t step = w->window - MT_SCAN_OVERLAP;

    return w->size <= w->window ? 1 : (int)(1 + (w->size - w->window + step - 1) / step);
}

int64_t mt_windows_at(const struct mt_windows *w, int i, int64_t *from, int64_t *len)
{
    *from = i * (w->window - MT_SCAN_OVERLAP);
    *len = w->size - *from < w->window ? w->size - *from : w->window;
    return i == 0 ? *len : *len - MT_SCAN_OVERLAP;
}

/* First bytes of what is compressed, or a document that hides its parts. */
static const struct {
    unsigned short at, n;
    const char *bytes;
} marks[] = {
    {0, 4, "PK\3\4"},
    {0, 4, "PK\5\6"},
    {0, 6, "7z\274\257\047\034"},
    {0, 6, "Rar!\032\007"},
    {0, 2, "\037\213"}, /* gzip */
    {0, 3, "BZh"},      /* bzip2 */
    {0, 6,
     "\375"
     "7zXZ\0"},
    {0, 4, "\050\265\057\375"},                 /* zstd */
    {0, 4, "MSCF"},                             /* cabinet */
    {0, 8, "\320\317\021\340\241\261\032\341"}, /* OLE 2 */
    {0, 5, "%PDF-"},
    {0, 2, "\140\352"}, /* ARJ */
    {0, 4, "xar!"},
    {0, 4, "ITSF"},             /* compiled help */
    {0, 4, "\355\253\356\333"}, /* RPM */
    {0, 7, "!<arch>"},
    {0, 6, "070701"}, /* cpio */
    {2, 3, "-lh"},    /* LHA */
    {257, 5, "ustar"},
    {32769, 5, "CD001"}, /* ISO 9660 */
};

static bool has_mark(int fd)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char have[8];
        if (mt_pread_full(fd, have, marks[i].n, marks[i].at) == marks[i].n &&
            memcmp(have, marks[i].bytes, marks[i].n) == 0)
            return true;
    }
    return false;
}

bool mt_scan_is_archive(int fd, int64_t size)
{
    struct mt_buf tail;
    struct mt_err err;
    bool found = true; /* what cannot be read is not taken for harmless */

    if (has_mark(fd))
        return true;
    int64_t n = size < ZIP_TAIL ? size : ZIP_TAIL;
    mt_buf_init(&tail, ZIP_TAIL);
    if (mt_buf_reserve(&tail, (size_t)n, &err) == 0 &&
        mt_pread_full(fd, tail.data, (size_t)n, size - n) == (ssize_t)n)
        found = memmem(tail.data, (size_t)n, "PK\5\6", 4) != NULL;
    mt_buf_free(&tail);
    return found;
}
