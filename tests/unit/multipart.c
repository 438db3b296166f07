/* SPDX-License-Identifier: GPL-2.0-or-later */
/* multipart.c - forms, whole and cut anywhere. */
#include "multipart/multipart.h"

#include "../tap.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define CD "Content-Disposition: form-data; "

/* What a message came to: its parts as text, and how it ended. */
struct transcript {
    struct mt_buf text;
    enum mt_code code;
    int refuse_after; /* bytes after which the sink says no; 0: never */
    int seen;
};

static int begin(void *ctx, const struct mt_part *part, struct mt_err *err)
{
    struct transcript *t = ctx;

    return mt_buf_printf(&t->text, err, "<%s|%s%s|%s>", part->name, part->has_filename ? "+" : "-",
                         part->filename, part->type);
}

static int data(void *ctx, const void *bytes, size_t n, struct mt_err *err)
{
    struct transcript *t = ctx;

    t->seen += (int)n;
    if (n == 0 || (t->refuse_after && t->seen > t->refuse_after))
        return mt_fail(err, MT_ERR_POLICY, "no");
    return mt_buf_add(&t->text, bytes, n, err);
}

static int end(void *ctx, struct mt_err *err)
{
    struct transcript *t = ctx;

    return mt_buf_add(&t->text, "</>", 3, err);
}

static void begin_transcript(struct transcript *t, int refuse_after)
{
    memset(t, 0, sizeof *t);
    mt_buf_init(&t->text, 1 << 20);
    t->refuse_after = refuse_after;
}

/* Reads a message given in pieces that end at cuts[0] < cuts[1] ... */
static void read_cut(struct transcript *t, const char *msg, size_t n, const size_t cuts[], int k)
{
    struct mt_part_sink sink = {begin, data, end, t};
    struct mt_multipart *m = NULL;
    struct mt_err err = {0};
    size_t at = 0;
    int ret = 0;

    mt_multipart_open(&m, "xyz", &sink);
    for (int i = 0; i <= k && ret == 0; i++) {
        size_t to = i < k ? cuts[i] : n;
        /* a copy of just that size, so that reading over its end is noticed */
        char *piece = mt_alloc(to - at + 1);
        char *exact = realloc(piece, to - at ? to - at : 1);
        memcpy(exact, msg + at, to - at);
        ret = mt_multipart_add(m, exact, to - at, &err);
        free(exact);
        at = to;
    }
    if (ret == 0)
        ret = mt_multipart_end(m, &err);
    t->code = ret == 0 ? MT_OK : err.code;
    mt_multipart_close(&m);
}

static void read_whole(struct transcript *t, const char *msg, size_t n)
{
    begin_transcript(t, 0);
    read_cut(t, msg, n, NULL, 0);
}

static bool same(const struct transcript *a, const struct transcript *b)
{
    return a->code == b->code &&
           (a->code != MT_OK || (a->text.len == b->text.len &&
                                 memcmp(a->text.data ? a->text.data : "",
                                        b->text.data ? b->text.data : "", a->text.len) == 0));
}

/* Whether every cut into two and three, and single bytes, come to the same. */
static bool holds_everywhere(const char *msg, size_t n, bool threes)
{
    struct transcript whole;
    struct transcript cut;
    size_t *ones = mt_realloc(NULL, n + 1, sizeof *ones);
    bool ok = true;

    read_whole(&whole, msg, n);
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = threes ? i : n; j <= n; j++) {
            size_t cuts[] = {i, j};
            begin_transcript(&cut, 0);
            read_cut(&cut, msg, n, cuts, 2);
            ok = ok && same(&whole, &cut);
            mt_buf_free(&cut.text);
        }
        ones[i] = i;
    }
    begin_transcript(&cut, 0);
    read_cut(&cut, msg, n, ones, (int)n);
    ok = ok && same(&whole, &cut);
    mt_buf_free(&cut.text);
    mt_buf_free(&whole.text);
    free(ones);
    return ok;
}

/* What a message comes to, wherever it is cut. */
static void comes_to(const char *name, const char *msg, const char *want, enum mt_code code)
{
    struct transcript t;
    size_t n = strlen(msg);

    read_whole(&t, msg, n);
    if (code == MT_OK)
        IS_STR(t.text.data ? t.text.data : "", want, name);
    if (!OK(t.code == code, name))
        printf("#   code %s\n", mt_code_name(t.code));
    OK(holds_everywhere(msg, n, n < 200), "... wherever it is cut");
    mt_buf_free(&t.text);
}

static void test_forms(void)
{
    comes_to("one field", "--xyz\r\n" CD "name=a\r\n\r\nv\r\n--xyz--\r\n", "<a|-|>v</>", MT_OK);
    comes_to("a file and a field",
             "--xyz\r\n" CD "name=\"file\"; filename=\"t.mov\"\r\nContent-Type: video/quicktime\r\n"
             "\r\n\r\nbytes\r\n\r\n--xyz\r\n" CD "name=\"b\"\r\n\r\n\r\n--xyz--",
             "<file|+t.mov|video/quicktime>\r\nbytes\r\n</><b|-|></>", MT_OK);
    comes_to("a preamble and an epilogue",
             "read\r\nme\r\n--xyz\r\n" CD "name=a\r\n\r\nv\r\n--xyz-- \r\nthe end", "<a|-|>v</>",
             MT_OK);
    comes_to("blanks after a boundary", "--xyz \t\r\n" CD "name=a\r\n\r\nv\r\n--xyz  --",
             "<a|-|>v</>", MT_OK);
    comes_to("an empty part without a line of its own", "--xyz\r\n" CD "name=a\r\n\r\n--xyz--\r\n",
             "<a|-|></>", MT_OK);
    comes_to("what looks like a boundary for long",
             "--xyz\r\n" CD "name=a\r\n\r\n\r\n--xy\r\n-xyz--xyz\r\r\n\r\n--xy\r\n--xyz--",
             "<a|-|>\r\n--xy\r\n-xyz--xyz\r\r\n\r\n--xy</>", MT_OK);
    comes_to("no part at all", "--xyz--\r\n", "", MT_OK);
    comes_to("other headers",
             "--xyz\r\nX-A: b\r\ncontent-disposition:form-data;name=a\r\n"
             "Content-Transfer-Encoding: binary\r\n\r\nv\r\n--xyz--",
             "<a|-|>v</>", MT_OK);
}

static void test_names(void)
{
    comes_to("quotes in a name, as browsers write them",
             "--xyz\r\n" CD "name=f; filename=\"a%22b%0D%0Ac\"\r\n\r\nv\r\n--xyz--",
             "<f|+a\"b\r\nc|>v</>", MT_OK);
    comes_to("quotes in a name, as curl writes them",
             "--xyz\r\n" CD "name=f; filename=\"a\\\"b\\\\c;d\"\r\n\r\nv\r\n--xyz--",
             "<f|+a\"b\\c;d|>v</>", MT_OK);
    comes_to("the path of a Windows machine",
             "--xyz\r\n" CD "name=f; filename=\"C:\\dir\\a.mov\"\r\n\r\nv\r\n--xyz--",
             "<f|+C:\\dir\\a.mov|>v</>", MT_OK);
    comes_to("an Arabic name",
             "--xyz\r\n" CD "name=f; filename=\"\xd9\x81\xd9\x8a.mp4\"\r\n\r\nv\r\n--xyz--",
             "<f|+\xd9\x81\xd9\x8a.mp4|>v</>", MT_OK);
    comes_to("a name that is no UTF-8",
             "--xyz\r\n" CD "name=f; filename=\"\xff\"\r\n\r\nv\r\n--xyz--", "",
             MT_ERR_BAD_DOCUMENT);
}

static void test_bad(void)
{
    static const struct {
        const char *name, *msg;
        enum mt_code code;
    } bad[] = {
        {"nothing", "", MT_ERR_TRUNCATED},
        {"no last boundary", "--xyz\r\n" CD "name=a\r\n\r\nv\r\n--xyz\r\n", MT_ERR_TRUNCATED},
        {"a cut within the bytes", "--xyz\r\n" CD "name=a\r\n\r\nv\r\n--xy", MT_ERR_TRUNCATED},
        {"a cut after one dash", "--xyz\r\n" CD "name=a\r\n\r\nv\r\n--xyz-", MT_ERR_TRUNCATED},
        {"text after a boundary", "--xyzA\r\n" CD "name=a\r\n\r\nv\r\n--xyz--",
         MT_ERR_BAD_DOCUMENT},
        {"lines that end with LF", "--xyz\r\n" CD "name=a\n\nv\n--xyz--", MT_ERR_BAD_DOCUMENT},
        {"a CR in a header", "--xyz\r\n" CD "na\rme=a\r\n\r\nv\r\n--xyz--", MT_ERR_BAD_DOCUMENT},
        {"a part without a name", "--xyz\r\nX: y\r\n\r\nv\r\n--xyz--", MT_ERR_BAD_DOCUMENT},
        {"a part without headers", "--xyz\r\n\r\nv\r\n--xyz--", MT_ERR_BAD_DOCUMENT},
        {"an attachment", "--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\nv\r\n--xyz--",
         MT_ERR_BAD_DOCUMENT},
        {"two dispositions", "--xyz\r\n" CD "name=a\r\n" CD "name=b\r\n\r\nv\r\n--xyz--",
         MT_ERR_BAD_DOCUMENT},
        {"a quote that does not end", "--xyz\r\n" CD "name=\"a\r\n\r\nv\r\n--xyz--",
         MT_ERR_BAD_DOCUMENT},
        {"base 64",
         "--xyz\r\n" CD "name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nv\r\n--xyz--",
         MT_ERR_BAD_DOCUMENT},
        {"a folded header", "--xyz\r\n" CD "\r\n name=a\r\n\r\nv\r\n--xyz--", MT_ERR_BAD_DOCUMENT},
        {"a header without a colon", "--xyz\r\nhello\r\n\r\nv\r\n--xyz--", MT_ERR_BAD_DOCUMENT},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        comes_to(bad[i].name, bad[i].msg, "", bad[i].code);
}

/* n times a piece between two others. */
static void limit(const char *name, const char *before, const char *piece, int n, const char *after)
{
    struct transcript t;
    struct mt_buf buf;
    struct mt_err err;
    int ret;

    mt_buf_init(&buf, 1 << 20);
    ret = mt_buf_add(&buf, before, strlen(before), &err);
    for (int i = 0; i < n && ret == 0; i++)
        ret = mt_buf_add(&buf, piece, strlen(piece), &err);
    if (ret == 0)
        ret = mt_buf_add(&buf, after, strlen(after), &err);
    read_whole(&t, buf.data, buf.len);
    OK(ret == 0 && t.code == MT_ERR_LIMIT, name);
    OK(holds_everywhere(buf.data, buf.len, false), "... wherever it is cut");
    mt_buf_free(&t.text);
    mt_buf_free(&buf);
}

static void test_limits(void)
{
    limit("too many parts", "", "--xyz\r\n" CD "name=a\r\n\r\nv\r\n", MT_MULTIPART_PARTS_MAX + 1,
          "--xyz--");
    limit("too many headers", "--xyz\r\n", "A: b\r\n", MT_MULTIPART_HEADERS_MAX + 1,
          CD "name=a\r\n\r\n\r\n--xyz--");
    limit("a header that is too long", "--xyz\r\nX: ", "y", MT_MULTIPART_HEADER_BYTES, "\r\n");
    limit("a name that is too long", "--xyz\r\n" CD "name=", "y", MT_MULTIPART_NAME_MAX + 1,
          "\r\n\r\n\r\n--xyz--");
    limit("a preamble that is too long", "", "y", MT_MULTIPART_OUTSIDE_MAX + 1, "");
    limit("an epilogue that is too long", "--xyz--", "y", MT_MULTIPART_OUTSIDE_MAX + 1, "");
}

/* Messages of pieces that mean something, in any order, cut anywhere. */
static void test_random(void)
{
    static const char *const pieces[] = {"--xyz",  "\r\n", "\r", "\n",       "--",       "-",
                                         "\r\n--", "xyz",  "v",  "\r\n\r\n", CD "name=a"};
    enum { N = sizeof pieces / sizeof *pieces, ROUNDS = 4000 };
    bool ok = true;

    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        struct transcript whole;
        struct transcript cut;
        char msg[512] = "--xyz\r\n" CD "name=a\r\n\r\n";
        for (int i = 0; i < 8; i++)
            strcat(msg, pieces[rand() % N]);
        strcat(msg, rand() % 2 ? "\r\n--xyz--" : "");
        size_t n = strlen(msg);
        size_t cuts[4] = {(size_t)rand() % n, (size_t)rand() % n, (size_t)rand() % n, n};
        for (int i = 1; i < 4; i++)
            cuts[i] = cuts[i] < cuts[i - 1] ? cuts[i - 1] : cuts[i];
        read_whole(&whole, msg, n);
        begin_transcript(&cut, 0);
        read_cut(&cut, msg, n, cuts, 4);
        ok = ok && same(&whole, &cut);
        mt_buf_free(&whole.text);
        mt_buf_free(&cut.text);
    }
    OK(ok, "4,000 random messages come to the same, however they are cut");
}

static void test_sink(void)
{
    const char *msg = "--xyz\r\n" CD "name=a\r\n\r\n0123456789\r\n--xyz--";
    struct transcript t;

    begin_transcript(&t, 5);
    read_cut(&t, msg, strlen(msg), NULL, 0);
    OK(t.code == MT_ERR_POLICY, "what the sink says ends it");
    mt_buf_free(&t.text);
}

static void test_boundary(void)
{
    static const char *const bad[] = {
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/mixed; boundary=a",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a\xc3\xa9",
        ("multipart/form-data; "
         "boundary=12345678901234567890123456789012345678901234567890123456789012345678901")};
    char b[MT_MULTIPART_BOUNDARY_MAX + 1];
    struct mt_err err;
    bool ok = true;

    OK(mt_multipart_boundary("multipart/form-data; boundary=----WebKitFormBoundaryAB12", b, &err) ==
               0 &&
           strcmp(b, "----WebKitFormBoundaryAB12") == 0,
       "a browser's boundary");
    OK(mt_multipart_boundary("Multipart/Form-Data;charset=utf-8; Boundary=\"a b:?=\"", b, &err) ==
               0 &&
           strcmp(b, "a b:?=") == 0,
       "a quoted one");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mt_multipart_boundary(bad[i], b, &err) == 0) {
            printf("# accepted '%s'\n", bad[i]);
            ok = false;
        }
    OK(ok, "what is none is refused");
}

static void names(const char *value, const char *want)
{
    char name[MT_MULTIPART_FILE_MAX + 1];

    IS_STR(mt_disposition_filename(value, name) ? name : "(none)", want, value);
}

static void test_disposition(void)
{
    names("inline; filename=\"file name.jpg\"; filename*=UTF-8''file%20n%C3%A4me.jpg",
          "file n\xc3\xa4me.jpg");
    names("inline; filename=a.mov", "a.mov");
    names("inline; filename*=UTF-8'ar'%D9%81.mp4", "\xd9\x81.mp4");
    names("inline; filename*=UTF-8''%FF; filename=b", "b");
    names("inline; filename*=UTF-8''a%00b", "(none)");
    names("inline; filename*=UTF-8''%4", "(none)");
    names("inline", "(none)");
    names("", "(none)");
}

int main(void)
{
    test_disposition();
    test_forms();
    test_names();
    test_bad();
    test_limits();
    test_random();
    test_sink();
    test_boundary();
    return tap_done();
}
