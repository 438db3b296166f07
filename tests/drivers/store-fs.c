/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store-fs.c - what only a store of files can get wrong: deaths, links, races. */
#include "fs_help.h"

#include <sys/socket.h>

static int mode_of(const char *name)
{
    struct stat st;
    char *path = below(name);
    int mode = stat(path, &st) < 0 ? -1 : (int)(st.st_mode & 07777);

    free(path);
    return mode;
}

static void test_open(void)
{
    char *path = below("open/there"), *url = mt_path_to_file_url(path);
    char *file = below("plainfile"), *file_url = mt_path_to_file_url(file);
    char *typo = mt_asprintf("%s?plian", url);
    struct mt_store *s;

    FAILS(mt_store_open(&s, url, drivers, false, &err), MT_ERR_NOT_FOUND, "missing store, to read");
    OK(strstr(err.msg, path) != NULL, "the message names the directory");
    OK(entries("open") == -1, "nothing was created");
    FAILS(mt_store_open(&s, typo, drivers, true, &err), MT_ERR_CONFIG, "an unknown option");
    FAILS(mt_store_open(&s, "file:srv", drivers, true, &err), MT_ERR_CONFIG, "no absolute path");
    FAILS(mt_store_open(&s, "file://far/x", drivers, true, &err), MT_ERR_CONFIG, "another host");
    OK(mt_write_file(file, "x", 1, &err) == 0, "a file");
    FAILS(mt_store_open(&s, file_url, drivers, true, &err), MT_ERR_CONFIG, "is no store");
    umask(027);
    OK(mt_store_open(&s, url, drivers, true, &err) == 0, "missing store, to write: is created");
    OK(mode_of("open") == 0750 && mode_of("open/there") == 0750, "directory modes");
    OK(entries("open/there") == 0, "nothing in it before it is used");
    OK(put(s, "a/b", "x") == 0 && mode_of("open/there/a") == 0750 &&
           mode_of("open/there/a/b") == 0640,
       "object modes");
    mt_store_close(&s);
    umask(022);
    s = open_store("open//there/", "", false);
    char *found = s ? mt_store_url(s, "a/b") : mt_strdup("");
    char *want = mt_asprintf("%s/a/b", url);
    IS_STR(found, want, "doubled and trailing slashes do not show in URLs");
    free(want);
    free(found);
    mt_store_close(&s);
    free(typo);
    free(file_url);
    free(file);
    free(url);
    free(path);
}

static void test_plain(void)
{
    struct mt_store *a = open_store("plain", "?plain", true);
    struct mt_store *b = open_store("plain", "?plain", true);
    struct mt_put *p;

    OK(put(a, "film.mp4", "x") == 0 && mode_of("plain/film.mp4") == 0644, "plain file mode");
    OK(mt_store_begin(a, "sub/x", &p, &err) == 0, "begin in a");
    OK(put(b, "y", "y") == 0, "put in b");
    mt_store_close(&b);
    OK(entries("plain/.tmp") == 1, "closing b leaves what a is writing");
    OK(mt_put_commit(&p, NULL, &err) == 0 && mode_of("plain/sub") == 0755, "a commits");
    b = open_store("plain", "?plain", true);
    OK(put(b, "z", "z") == 0, "b again");
    mt_store_close(&b);
    OK(entries("plain/.tmp") == -1, "closing b takes the empty .tmp away");
    OK(put(a, "v", "v") == 0, "a makes it again");
    mt_store_close(&a);
    OK(entries("plain") == 5, "what is left are the objects and their directory");
}

static void test_directories(void)
{
    struct mt_store *s = open_store("dirs", "", true);

    OK(put(s, "a/b/c/1", "x") == 0 && put(s, "a/b/c/2", "x") == 0 && put(s, "a/q", "x") == 0,
       "three objects");
    OK(mt_store_remove(s, "a/b/c/1", &err) == 0 && entries("dirs/a/b/c") == 1, "remove one");
    OK(mt_store_remove_below(s, "a/b/", &err) == 0 && entries("dirs/a/b") == -1 &&
           entries("dirs/a") == 1,
       "empty directories go");
    OK(mt_store_remove_below(s, "a/", &err) == 0 && entries("dirs/a") == -1 && entries("dirs") == 1,
       "the store itself stays");
    OK(put(s, "x", "x") == 0, "a file");
    FAILS(put(s, "x/y", "x"), MT_ERR_FAILED, "no object below an object");
    OK(put(s, "d/e", "x") == 0, "a directory");
    FAILS(put(s, "d", "x"), MT_ERR_FAILED, "no object in place of a directory");
    OK(count(s) == 2 && entries("dirs/.tmp") == 0, "nothing is left of those");
    char *lost = below("dirs/lost+found"), *odd = below("dirs/odd\xff"),
         *tmp = below("dirs/.tmp-1");
    OK(mt_write_file(lost, "", 0, &err) == 0 && mt_write_file(odd, "", 0, &err) == 0 &&
           mt_write_file(tmp, "", 0, &err) == 0 && count(s) == 2,
       "what is no object is not listed");
    free(tmp);
    free(odd);
    free(lost);
    mt_store_close(&s);
}

static int ready[2]; /* written when the child has begun */

static int begin_and_die(void)
{
    struct mt_store *s = open_store("sweep", "", true);
    struct mt_put *p;

    if (!s || mt_store_begin(s, "dead", &p, &err) < 0 || mt_put_write(p, "half", 4, &err) < 0)
        return 1;
    return 0;
}

static int begin_and_live(void)
{
    struct mt_store *s = open_store("sweep", "", true);
    struct mt_put *p;

    if (!s || mt_store_begin(s, "alive", &p, &err) < 0 || mt_put_write(p, "ha", 2, &err) < 0)
        return 1;
    if (write(ready[1], "x", 1) != 1 || read(ready[1], &(char){0}, 1) != 1)
        return 1;
    return mt_put_write(p, "lf", 2, &err) < 0 || mt_put_commit(&p, NULL, &err) < 0;
}

static void test_sweep(void)
{
    struct mt_store *s = open_store("sweep", "", true);
    int64_t removed = -1;
    char c;

    OK(mt_store_sweep(s, &removed, &err) == 0 && removed == 0, "sweep an unused store");
    OK(status_of(spawn(begin_and_die)) == 0 && entries("sweep/.tmp") == 1, "a dead writer's file");
    int fds[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socket pair");
    ready[1] = fds[1];
    pid_t living = spawn(begin_and_live);
    OK(read(fds[0], &c, 1) == 1 && entries("sweep/.tmp") == 2, "and a living one's");
    char *other = below("sweep/.tmp/notes.txt");
    OK(mt_write_file(other, "mine", 4, &err) == 0, "and a stranger's");
    struct mt_put *own;
    OK(mt_store_begin(s, "own", &own, &err) == 0, "and our own");
    OK(mt_store_sweep(s, &removed, &err) == 0 && removed == 1, "sweep removes one");
    OK(entries("sweep/.tmp") == 3, "and leaves the others");
    OK(write(fds[0], "x", 1) == 1 && status_of(living) == 0, "the living one commits");
    OK(mt_put_commit(&own, NULL, &err) == 0, "and so do we");
    int64_t size = 0;
    OK(mt_store_stat(s, "alive", &size, &err) == 0 && size == 4, "its object is whole");
    OK(count(s) == 2, "the dead one's does not exist");
    close(fds[0]);
    close(fds[1]);
    free(other);
    mt_store_close(&s);
}

static void link_to(const char *target, const char *name)
{
    char *path = below(name);

    OK(symlink(target, path) == 0, "plant a link");
    free(path);
}

static void test_links(void)
{
    struct mt_store *s = open_store("links", "", true);
    char *outside = below("outside"), *secret = below("outside/secret");
    struct mt_buf text;

    mt_buf_init(&text, 100);
    OK(mt_mkdirs(outside, &err) == 0 && mt_write_file(secret, "s", 1, &err) == 0, "a secret");
    link_to(outside, "links/dir");
    link_to(secret, "links/file");
    link_to("../outside/new", "links/dangling");
    OK(count(s) == 0, "links are neither listed nor walked");
    FAILS(mt_store_get(s, "dir/secret", &err), MT_ERR_OUTSIDE_STORE, "get through a directory");
    FAILS(mt_store_get(s, "file", &err), MT_ERR_OUTSIDE_STORE, "get of a link");
    FAILS(mt_store_stat(s, "dir/secret", NULL, &err), MT_ERR_OUTSIDE_STORE, "stat through one");
    FAILS(mt_store_stat(s, "file", NULL, &err), MT_ERR_OUTSIDE_STORE, "stat of a link");
    FAILS(put(s, "dir/new", "x"), MT_ERR_OUTSIDE_STORE, "put through a directory");
    FAILS(put(s, "dir/deep/new", "x"), MT_ERR_OUTSIDE_STORE, "put deeper through it");
    FAILS(mt_store_remove(s, "dir/secret", &err), MT_ERR_OUTSIDE_STORE, "remove through it");
    OK(put(s, "file", "mine") == 0 && put(s, "dangling", "mine") == 0, "put in place of links");
    OK(entries("outside") == 1 && mt_read_file(secret, &text, &err) == 0 && text.len == 1,
       "nothing outside has changed");
    OK(count(s) == 2, "what was put is listed");
    OK(entries("links/.tmp") == 0, "nothing is left of what was refused");
    char *fifo = below("links/fifo");
    OK(mkfifo(fifo, 0600) == 0, "a FIFO");
    FAILS(mt_store_get(s, "fifo", &err), MT_ERR_NOT_FOUND, "is no object, and does not block");
    free(fifo);
    mt_store_close(&s);
    char *tmp = below("links/.tmp");
    OK(rmdir(tmp) == 0, "no .tmp");
    free(tmp);
    link_to(outside, "links/.tmp");
    s = open_store("links", "", true);
    FAILS(put(s, "k", "x"), MT_ERR_OUTSIDE_STORE, "a link in place of .tmp is not followed");
    OK(mt_store_sweep(s, NULL, &err) < 0 && entries("outside") == 1, "nor swept through");
    mt_store_close(&s);
    mt_buf_free(&text);
    free(secret);
    free(outside);
}

enum { COMMITTERS = 8, ROUNDS = 20, WHOLE = 30000 };

static int commit_block(struct mt_store *s, const char *key, const char *block)
{
    struct mt_put *p;

    return mt_store_begin(s, key, &p, &err) < 0 || mt_put_write(p, block, WHOLE, &err) < 0 ||
           mt_put_commit(&p, NULL, &err) < 0;
}

/* Others' directories vanish below each, others' new files may be swept. */
static int commit_many(void)
{
    struct mt_store *s = open_store("race", "", true);
    char *block = mt_alloc(WHOLE);
    int bad = s == NULL;

    memset(block, 'a' + getpid() % 26, WHOLE);
    for (int i = 0; i < ROUNDS && !bad; i++)
        bad = commit_block(s, "one/key", block) || commit_block(s, "going/down/key", block) ||
              mt_store_remove_below(s, "going/", &err) < 0 ||
              mt_store_sweep(s, &(int64_t){0}, &err) < 0;
    if (bad) {
        printf("# %s\n", err.msg);
        fflush(stdout);
    }
    free(block);
    mt_store_close(&s);
    return bad;
}

static void test_race(void)
{
    struct mt_store *s = open_store("race", "", true);
    char *block = mt_alloc(WHOLE + 1);
    pid_t pids[COMMITTERS];
    int64_t removed = -1;
    int good = 0, same = 1;

    for (int i = 0; i < COMMITTERS; i++)
        pids[i] = spawn(commit_many);
    for (int i = 0; i < COMMITTERS; i++)
        good += status_of(pids[i]) == 0;
    OK(good == COMMITTERS, "all committers of one key succeed");
    int fd = mt_store_get(s, "one/key", &err);
    ssize_t n = mt_read_full(fd, block, WHOLE + 1);
    for (ssize_t i = 0; i < n; i++)
        same &= block[i] == block[0];
    OK(n == WHOLE && same, "the object is that of one of them, whole");
    OK(count(s) == 1 && entries("race") == 2 && entries("race/.tmp") == 0, "nothing else is left");
    OK(mt_store_sweep(s, &removed, &err) == 0 && removed == 0, "nor to be swept");
    mt_fd_close(&fd);
    free(block);
    mt_store_close(&s);
}

int main(void)
{
    umask(022);
    make_top();
    test_open();
    test_plain();
    test_directories();
    test_sweep();
    test_links();
    test_race();
    remove_top();
    return tap_done();
}
