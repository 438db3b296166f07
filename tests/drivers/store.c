/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store.c - what every store driver must do; run against each of them. */
#include "../tap.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "store-fs/store_fs.h"
#include "store-mem/store_mem.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct mt_store_driver *const drivers[] = {&mt_store_fs, &mt_store_mem, NULL};
static const char *label; /* of the store under test */
static struct mt_err err;

static void ok_at(int pass, const char *what, int line)
{
    char name[256];

    snprintf(name, sizeof name, "%s: %s", label, what);
    if (!tap_ok(pass, name, __FILE__, line))
        printf("#   last error: %s: %s\n", mt_code_name(err.code), err.msg);
}
#define T(cond, what) ok_at((cond) != 0, what, __LINE__)
#define FAILS(call, wanted, what)                                                                  \
    do {                                                                                           \
        err.code = MT_OK;                                                                          \
        T((call) < 0 && err.code == (wanted), what);                                               \
    } while (0)

static int put(struct mt_store *s, const char *key, const char *text)
{
    struct mt_put *p;

    if (mt_store_begin(s, key, &p, &err) < 0)
        return -1;
    if (mt_put_write(p, text, strlen(text), &err) < 0) {
        mt_put_abort(&p);
        return -1;
    }
    return mt_put_commit(&p, NULL, &err);
}

/* Whether fd, which is closed, gives exactly text from where it stands. */
static int gives(int fd, const char *text)
{
    char got[256] = "";
    ssize_t n = fd < 0 ? -1 : mt_read_full(fd, got, sizeof got - 1);

    mt_fd_close(&fd);
    return n == (ssize_t)strlen(text) && strcmp(got, text) == 0;
}

static int holds(struct mt_store *s, const char *key, const char *text)
{
    return gives(mt_store_get(s, key, &err), text);
}

static int count_one(void *ctx, const struct mt_object *object, struct mt_err *e)
{
    (void)object;
    (void)e;
    ++*(int *)ctx;
    return 0;
}

static int count(struct mt_store *s, const char *prefix)
{
    int n = 0;

    return mt_store_list(s, prefix, count_one, &n, &err) < 0 ? -1 : n;
}

static void test_put_get(struct mt_store *s)
{
    struct mt_put *p;
    int64_t size = -1;
    char c;

    FAILS(mt_store_stat(s, "a/none", &size, &err), MT_ERR_NOT_FOUND, "stat of an absent object");
    FAILS(mt_store_get(s, "a/none", &err), MT_ERR_NOT_FOUND, "get of an absent object");
    T(strstr(err.msg, "a/none") != NULL, "the message names the key");
    T(mt_store_begin(s, "a/x.txt", &p, &err) == 0, "begin");
    T(mt_put_write(p, "hello ", 6, &err) == 0 && mt_put_write(p, "world", 5, &err) == 0, "write");
    FAILS(mt_store_stat(s, "a/x.txt", &size, &err), MT_ERR_NOT_FOUND, "not visible before commit");
    T(count(s, "") == 0, "not listed before commit");
    T(mt_put_commit(&p, "64ec88ca00b268e5ba1a35678a1b5316d212f4f366b2477232534a8aeca37f3c", &err) ==
              0 &&
          !p,
      "commit");
    T(mt_store_stat(s, "a/x.txt", &size, &err) == 0 && size == 11, "stat gives the size");
    T(mt_store_stat(s, "a/x.txt", NULL, &err) == 0, "stat without a size");
    T(holds(s, "a/x.txt", "hello world"), "get gives the bytes");
    int a = mt_store_get(s, "a/x.txt", &err), b = mt_store_get(s, "a/x.txt", &err);
    T(read(a, &c, 1) == 1 && lseek(a, 4, SEEK_SET) == 4 && read(b, &c, 1) == 1 && c == 'h',
      "descriptors of one object are independent");
    T(write(a, "!", 1) < 0 && errno == EBADF, "they cannot write");
    T((fcntl(a, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(a, F_GETFL) & O_NONBLOCK) == 0,
      "they are close-on-exec and block");
    mt_fd_close(&b);
    T(put(s, "a/x.txt", "new") == 0 && holds(s, "a/x.txt", "new"), "put replaces");
    T(lseek(a, 0, SEEK_SET) == 0 && gives(a, "hello world"), "a reader keeps the old object");
    T(put(s, "empty", "") == 0 && holds(s, "empty", ""), "an empty object");
    FAILS(mt_store_stat(s, "a", &size, &err), MT_ERR_NOT_FOUND, "a directory is no object");
    FAILS(mt_store_get(s, "empty/below", &err), MT_ERR_NOT_FOUND, "nothing lies below an object");
    T(mt_store_remove(s, "empty", &err) == 0, "remove");
}

static void test_many(struct mt_store *s)
{
    static const char *const keys[] = {"m/a", "m/b", "n/c", "m/n/d", "m/e", "top"};
    enum { MANY = 6 };
    const char *sums[MANY] = {NULL};
    struct mt_put *puts[MANY];
    bool written = true;
    bool all = true;

    for (int i = 0; i < MANY; i++)
        written = written && mt_store_begin(s, keys[i], &puts[i], &err) == 0 &&
                  mt_put_write(puts[i], keys[i], strlen(keys[i]), &err) == 0;
    T(written && count(s, "") == 0, "many are written and none is visible");
    T(mt_puts_commit(puts, sums, MANY, &err) == 0 && !puts[0] && !puts[MANY - 1],
      "they are committed together");
    for (int i = 0; i < MANY; i++)
        all = all && holds(s, keys[i], keys[i]);
    T(all && count(s, "") == MANY, "each is what was written");
    sums[1] = "no sum";
    T(mt_store_begin(s, "m/a", &puts[0], &err) == 0 &&
          mt_store_begin(s, "m/x", &puts[1], &err) == 0,
      "two more");
    FAILS(mt_puts_commit(puts, sums, 2, &err), MT_ERR_BUG, "one of them with a wrong sum");
    T(!puts[0] && !puts[1] && count(s, "") == MANY, "none is left to abort");
    for (int i = 0; i < MANY; i++)
        all = all && mt_store_remove(s, keys[i], &err) == 0;
    T(all && count(s, "") == 0, "and removed");
}

static void test_seek_and_abort(struct mt_store *s)
{
    struct mt_put *p, *q;
    char c = 0;

    T(mt_store_begin(s, "a/seek", &p, &err) == 0, "begin for a seeking writer");
    int fd = mt_put_fd(p);
    T(mt_write_all(fd, "....body", 8) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
          mt_write_all(fd, "HEAD", 4) == 0 && pread(fd, &c, 1, 4) == 1 && c == 'b',
      "the descriptor seeks and reads");
    T(mt_put_commit(&p, NULL, &err) == 0 && holds(s, "a/seek", "HEADbody"), "put by descriptor");
    T(mt_store_begin(s, "a/seek", &p, &err) == 0 && mt_put_write(p, "junk", 4, &err) == 0,
      "begin what will be aborted");
    mt_put_abort(&p);
    T(!p && holds(s, "a/seek", "HEADbody"), "abort leaves the older object");
    mt_put_abort(&p);
    T(mt_store_begin(s, "b/gone", &p, &err) == 0, "begin a new one");
    mt_put_abort(&p);
    T(count(s, "b/") == 0, "abort leaves nothing");
    T(mt_store_begin(s, "same", &p, &err) == 0 && mt_store_begin(s, "same", &q, &err) == 0 &&
          mt_put_write(p, "first", 5, &err) == 0 && mt_put_write(q, "second", 6, &err) == 0 &&
          mt_put_commit(&q, NULL, &err) == 0 && mt_put_commit(&p, NULL, &err) == 0,
      "two puts of one key at once");
    T(holds(s, "same", "first"), "the last commit wins");
    T(mt_store_begin(s, "sum", &p, &err) == 0, "begin with a bad sum");
    FAILS(mt_put_commit(&p, "abc", &err), MT_ERR_BUG, "a checksum that is none is refused");
    FAILS(mt_store_stat(s, "sum", NULL, &err), MT_ERR_NOT_FOUND, "and nothing is stored");
}

struct seen {
    char text[512];
    int64_t bytes, newest;
};

static int see(void *ctx, const struct mt_object *object, struct mt_err *e)
{
    struct seen *seen = ctx;

    (void)e;
    snprintf(seen->text + strlen(seen->text), sizeof seen->text - strlen(seen->text), "%s;",
             object->key);
    seen->bytes += object->size;
    if (object->modified_us > seen->newest)
        seen->newest = object->modified_us;
    return 0;
}

static int refuse(void *ctx, const struct mt_object *object, struct mt_err *e)
{
    ++*(int *)ctx;
    return mt_fail(e, MT_ERR_CANCELLED, "not '%s'", object->key);
}

static void test_list_remove(struct mt_store *s)
{
    struct seen seen = {.text = ""};
    int calls = 0;

    T(mt_store_remove_below(s, "a/", &err) == 0 && mt_store_remove(s, "same", &err) == 0 &&
          count(s, "") == 0,
      "everything goes");
    T(put(s, "a/b/1", "12345") == 0 && put(s, "a/b/c/2", "1") == 0 && put(s, "a/bc", "1") == 0 &&
          put(s, "a/b2/3", "1") == 0 && put(s, "z", "1") == 0,
      "five objects");
    T(count(s, "") == 5 && count(s, "a/") == 4 && count(s, "a/b/") == 2 && count(s, "a") == 4,
      "list with prefixes");
    T(count(s, "a/b") == 4 && count(s, "a/bc") == 1 && count(s, "a/b/c/2") == 1,
      "a prefix may be half a name, or a whole key");
    T(count(s, "q/") == 0 && count(s, "a/bc/") == 0 && count(s, "zz") == 0, "prefixes of nothing");
    T(mt_store_list(s, "a/b/1", see, &seen, &err) == 0 && strcmp(seen.text, "a/b/1;") == 0 &&
          seen.bytes == 5 && seen.newest > 1600000000000000,
      "list gives key, size and time");
    FAILS(mt_store_list(s, "", refuse, &calls, &err), MT_ERR_CANCELLED, "each() ends the list");
    T(calls == 1 && strncmp(err.msg, "not ", 4) == 0, "at once, with its own error");
    FAILS(mt_store_remove_below(s, "a/b", &err), MT_ERR_BUG, "remove_below wants a '/'");
    T(mt_store_remove_below(s, "a/b/", &err) == 0 && count(s, "a/b/") == 0, "remove_below");
    T(holds(s, "a/bc", "1") && holds(s, "a/b2/3", "1"), "does not touch its likes");
    T(mt_store_remove(s, "a/bc", &err) == 0, "remove");
    FAILS(mt_store_stat(s, "a/bc", NULL, &err), MT_ERR_NOT_FOUND, "is gone");
    T(mt_store_remove(s, "a/bc", &err) == 0 && mt_store_remove(s, "no/such/thing", &err) == 0,
      "remove again");
    T(mt_store_remove(s, "a/b2", &err) == 0 && holds(s, "a/b2/3", "1"),
      "removing a directory's name does nothing");
    for (int i = 0; i < 1003; i++) {
        char key[32];
        snprintf(key, sizeof key, "many/%04d", i);
        calls += put(s, key, "");
    }
    T(calls == 1 && count(s, "many/") == 1003, "more than one batch");
    T(mt_store_remove_below(s, "many/", &err) == 0 && count(s, "many/") == 0, "goes as well");
}

static void test_unsafe_keys(struct mt_store *s)
{
    static const char *const bad[] = {
        "",       "/etc/passwd", "..",     "../x",   "a/../x",  "a/..",      "a//b",
        "a/",     "./a",         "a/./b",  "a\nb",   "a\x7f",   "bad\xff",   ".tmp",
        ".tmp/x", "a/.tmp-1",    "\x1b[m", ".tmp-x", "\u202ex", "a/\u2028b", ".tmp/../x"};
    char key[502];
    struct mt_put *p;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int refused = 0;
        refused += mt_store_begin(s, bad[i], &p, &err) < 0 && err.code == MT_ERR_OUTSIDE_STORE;
        refused += mt_store_stat(s, bad[i], NULL, &err) < 0 && err.code == MT_ERR_OUTSIDE_STORE;
        refused += mt_store_get(s, bad[i], &err) < 0 && err.code == MT_ERR_OUTSIDE_STORE;
        refused += mt_store_remove(s, bad[i], &err) < 0 && err.code == MT_ERR_OUTSIDE_STORE;
        refused += !mt_store_url(s, bad[i]);
        char *shown = mt_text_printable(bad[i], 80);
        char *name = mt_asprintf("the key '%s' is refused everywhere", shown);
        T(refused == 5, name);
        free(name);
        free(shown);
    }
    FAILS(mt_store_list(s, "../", count_one, &(int){0}, &err), MT_ERR_OUTSIDE_STORE, "list ../");
    FAILS(mt_store_list(s, "/", count_one, &(int){0}, &err), MT_ERR_OUTSIDE_STORE, "list /");
    FAILS(mt_store_remove_below(s, "a/../", &err), MT_ERR_OUTSIDE_STORE, "remove_below a/../");
    for (size_t i = 0; i < 500; i++)
        key[i] = i % 100 == 99 ? '/' : 'k';
    memcpy(key + 499, "k", 2);
    T(put(s, key, "long") == 0 && holds(s, key, "long"), "a key of 500 bytes");
    T(mt_store_remove(s, key, &err) == 0, "can be removed");
    memcpy(key + 500, "k", 2);
    FAILS(put(s, key, "long"), MT_ERR_OUTSIDE_STORE, "one of 501 is refused");
    T(strlen(err.msg) < 500 && strstr(err.msg, "..."), "with a message of bounded length");
}

static int refers(struct mt_store *s, const char *base, const char *tail, const char *want)
{
    char *url = mt_asprintf("%s%s", base, tail);
    char *key = mt_store_key_of(s, url);
    int ok = want ? key && strcmp(key, want) == 0 : !key;

    free(key);
    free(url);
    return ok;
}

static void test_urls(struct mt_store *s)
{
    static const char *const keys[] = {"a/b.mp4", "with space", "100%", "%2e%2e/x", "سلام/فيلم.mp4",
                                       "a?b#c",   "a&b=c+d;e",  "~x",   "\"q\"\\"};
    char *url = mt_store_url(s, "k");
    char *base = mt_strndup(url, strlen(url) - 2);

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *u = mt_store_url(s, keys[i]);
        char *name = mt_asprintf("URL and back: %s", u);
        T(strspn(u, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%/:-._~!$&'()*+,"
                    ";=@") == strlen(u) &&
              refers(s, u, "", keys[i]),
          name);
        free(name);
        free(u);
    }
    T(refers(s, base, "/a%2Fb", "a/b"), "an encoded slash is one");
    T(refers(s, base, "/../x", NULL) && refers(s, base, "/a/../../x", NULL), "no '..'");
    T(refers(s, base, "/%2e%2e/x", NULL) && refers(s, base, "/a/%2E./x", NULL), "no encoded '..'");
    T(refers(s, base, "/a%00b", NULL) && refers(s, base, "/a%0ab", NULL), "no control characters");
    T(refers(s, base, "/a%2", NULL) && refers(s, base, "/a%zz", NULL), "no broken encoding");
    T(refers(s, base, "", NULL) && refers(s, base, "/", NULL), "the store itself is no object");
    T(refers(s, base, "2/x", NULL), "not a store that only looks alike");
    T(refers(s, base, "//x", NULL) && refers(s, base, "/.tmp/x", NULL), "no unsafe key");
    T(refers(s, base, "/x?y", NULL) && refers(s, base, "/x#y", NULL), "no query, no fragment");
    T(refers(s, "", "file:///etc/passwd", NULL) && refers(s, "", "/etc/passwd", NULL) &&
          refers(s, "", "s3://b/x", NULL) && refers(s, "", "", NULL),
      "not another place");
    T(put(s, "سلام 100%/x y?.txt", "x") == 0 && holds(s, "سلام 100%/x y?.txt", "x"), "such a key");
    T(mt_store_remove_below(s, "سلام 100%/", &err) == 0, "and its removal");
    free(base);
    free(url);
}

#include "store_large.h"

/* A store that need not be there yet: only what things are called can be asked. */
static void test_named(const char *url)
{
    struct mt_store *s = NULL;
    int64_t size;
    int n = 0;

    T(mt_store_name(&s, url, drivers, &err) == 0, "is named before it exists");
    if (!s)
        return;
    char *object = mt_store_url(s, "a/b c.mp4");
    char *key = object ? mt_store_key_of(s, object) : NULL;
    T(key && strcmp(key, "a/b c.mp4") == 0, "a key becomes a URL and comes back");
    FAILS(mt_store_stat(s, "x", &size, &err), MT_ERR_BUG, "stat needs an open store");
    FAILS(mt_store_get(s, "x", &err), MT_ERR_BUG, "so does get");
    FAILS(mt_store_list(s, "", count_one, &n, &err), MT_ERR_BUG, "so does list");
    FAILS(mt_store_remove(s, "x", &err), MT_ERR_BUG, "so does remove");
    free(key);
    free(object);
    mt_store_close(&s);
}

static void conformance(const char *name, const char *url)
{
    struct mt_store *s = NULL;
    int64_t removed = -1;

    label = name;
    test_named(url);
    T(mt_store_open(&s, url, drivers, true, &err) == 0, "open");
    if (!s)
        return;
    T(strncmp(url, mt_store_scheme(s), strlen(mt_store_scheme(s))) == 0, "scheme");
    test_many(s);
    test_put_get(s);
    test_seek_and_abort(s);
    test_list_remove(s);
    test_unsafe_keys(s);
    test_urls(s);
    test_large(s);
    test_uncached(s);
    T(mt_store_remove_below(s, "a/", &err) == 0 && mt_store_remove(s, "z", &err) == 0, "clean up");
    T(count(s, "") == 0, "nothing is left");
    T(mt_store_sweep(s, &removed, &err) == 0 && removed == 0, "there is nothing to sweep");
    mt_store_close(&s);
    T(!s, "close");
    mt_store_close(&s);
    if (mt_store_open(&s, url, drivers, false, &err) == 0) {
        struct mt_put *p;
        FAILS(mt_store_begin(s, "x", &p, &err), MT_ERR_BUG, "begin in a store opened to read");
        FAILS(mt_store_remove(s, "x", &err), MT_ERR_BUG, "remove in it");
        FAILS(mt_store_remove_below(s, "x/", &err), MT_ERR_BUG, "remove_below in it");
        FAILS(mt_store_sweep(s, NULL, &err), MT_ERR_BUG, "sweep in it");
        FAILS(mt_store_get(s, "x", &err), MT_ERR_NOT_FOUND, "get in it");
        mt_store_close(&s);
    }
}

static void test_dispatcher(void)
{
    struct mt_store_driver broken = mt_store_mem;
    const struct mt_store_driver *const some[] = {&mt_store_fs, &broken, NULL};
    struct mt_store *s;

    label = "dispatcher";
    FAILS(mt_store_open(&s, "ftp://x/y", drivers, true, &err), MT_ERR_CONFIG, "unknown scheme");
    T(!s && strstr(mt_err_hint(&err), "file:, mem:"), "the hint names those there are");
    FAILS(mt_store_open(&s, "mem", drivers, true, &err), MT_ERR_CONFIG, "no scheme");
    FAILS(mt_store_open(&s, "files:///tmp", drivers, true, &err), MT_ERR_CONFIG, "a longer one");
    FAILS(mt_store_open(&s, "/srv/media", drivers, true, &err), MT_ERR_CONFIG, "a path");
    T(strstr(mt_err_hint(&err), "file:///srv/media"), "the hint says how to write it");
    FAILS(mt_store_open(&s, "mem://a/b", drivers, true, &err), MT_ERR_CONFIG, "mem with a path");
    FAILS(mt_store_name(&s, "ftp://x/y", drivers, &err), MT_ERR_CONFIG, "nor can it be named");
    FAILS(mt_store_name(&s, "file://host/x", drivers, &err), MT_ERR_CONFIG,
          "nor another machine's");
    broken.sweep = NULL;
    FAILS(mt_store_open(&s, "mem:", some, true, &err), MT_ERR_BUG, "a driver without a slot");
}

/* From now on the kernel of this process does not know openat2(). */
static int forget_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof code / sizeof *code, code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
               ? -1
               : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int main(void)
{
    char *dir = mt_path_join(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", "mt-store-XXXXXX");

    if (!mkdtemp(dir))
        return 1;
    char *url = mt_path_to_file_url(dir);
    char *fs = mt_asprintf("%s/one/st%%20ore", url);
    char *plain = mt_asprintf("%s/out/?plain", url);

    test_dispatcher();
    conformance("mem", "mem:");
    conformance("mem named", "mem://x");
    conformance("file", fs);
    conformance("file plain", plain);
    label = "file without openat2";
    T(forget_openat2() == 0, "take the call away");
    conformance(label, fs);
    free(plain);
    free(fs);
    free(url);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
    return tap_done();
}
