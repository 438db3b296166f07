/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload_faults.c - resumable uploads whose writers are killed, pushed aside and starved. */
#include "upload_help.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* --- two writers --- */

/* In a child: appends until it is stopped; its status tells how. */
static pid_t writer(const char *area_name, const char *id, struct feed f, int acks)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    struct mt_uploads *area = open_area(area_name, (struct mt_upload_rules){0});
    struct mt_db *db = open_db();
    struct mt_upload *up = NULL;
    int status = 3;
    if (mt_upload_take(&up, area, db, &alice, id, NULL, &err) == 0) {
        int64_t offset;
        mt_db_close(&db);
        f.at = mt_upload_offset(up);
        int ret = append(up, &f, NULL);
        status = ret == 0 ? 0 : err.code == MT_ERR_LOCKED ? 1 : 2;
        offset = mt_upload_offset(up);
        if (write(acks, &offset, sizeof offset) != (ssize_t)sizeof offset)
            status = 4;
    }
    mt_upload_release(&up);
    mt_db_close(&db);
    mt_uploads_close(&area);
    free(url);
    _exit(status);
}

static void wait_for_bytes(struct mt_uploads *area, struct mt_db *db, const char *id, int64_t n)
{
    struct mt_upload_info info = {0};
    const struct timespec pause = {.tv_nsec = 5000000};

    for (int i = 0; i < 2000 && info.offset < n; i++) {
        nanosleep(&pause, NULL);
        if (mt_upload_look(area, db, &alice, id, &info, &err) < 0)
            return;
        mt_upload_info_free(&info);
        info.offset = info.offset;
        struct stat st;
        char *name = mt_asprintf("%s/%s", mt_uploads_rules(area)->dir, id);
        if (stat(name, &st) == 0 && st.st_size >= n)
            info.offset = n;
        free(name);
    }
}

static void test_take_over(struct mt_db *db)
{
    struct mt_uploads *area = open_area("two", (struct mt_upload_rules){0});
    struct mt_upload_spec spec = {.length = 1000000};
    struct mt_upload *up = NULL;
    char id[MT_UUID_TEXT];
    int acks[2];
    int64_t offset = -1;
    int status = -1;
    struct feed f = from_to(0, 1000000);

    if (mt_upload_create(area, db, &alice, &spec, id, &err) < 0 || pipe(acks) < 0)
        return;
    f.freeze_at = 500000;
    pid_t pid = writer("two", id, f, acks[1]);
    wait_for_bytes(area, db, id, 500000);
    DOES(mt_upload_take(&up, area, db, &alice, id, NULL, &err),
         "the writer of a frozen connection is pushed aside");
    OK(mt_upload_offset(up) == 500000, "what it had is not lost");
    OK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1,
       "it knows why it was stopped");
    OK(read(acks[0], &offset, sizeof offset) == (ssize_t)sizeof offset && offset == 500000,
       "... and acknowledges what it wrote");
    pid = fork();
    if (pid == 0) { /* a newcomer while we do not write, and so do not look */
        struct mt_upload *other = NULL;
        struct mt_db *own = open_db();
        int ret = mt_upload_take(&other, area, own, &alice, id, NULL, &err);
        _exit(ret < 0 && err.code == MT_ERR_LOCKED ? 7 : 0);
    }
    OK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7,
       "one who does not let go is not overrun: the newcomer is told to come back");
    f = from_to(500000, 1000000);
    DOES(append(up, &f, NULL), "the rest");
    mt_upload_release(&up);
    close(acks[0]);
    close(acks[1]);
    mt_uploads_close(&area);
}

static void test_removed_while_written(struct mt_db *db)
{
    struct mt_uploads *area = open_area("removed", (struct mt_upload_rules){0});
    struct mt_upload_spec spec = {.length = 1000000};
    char id[MT_UUID_TEXT];
    int acks[2];
    int status = -1;
    struct feed f = from_to(0, 1000000);

    if (mt_upload_create(area, db, &alice, &spec, id, &err) < 0 || pipe(acks) < 0)
        return;
    f.freeze_at = 100000;
    pid_t pid = writer("removed", id, f, acks[1]);
    wait_for_bytes(area, db, id, 100000);
    struct mt_upload_swept swept;
    if (mt_db_exec(db, NULL, &err, "UPDATE uploads SET expires_at = $2 WHERE id = $1", "ss", id,
                   "2020-01-01T00:00:00.000Z") < 0)
        return;
    DOES(mt_upload_sweep(area, db, &swept, &err), "a sweep");
    OK(is_there(area, id, ""), "... leaves alone what a living writer holds");
    DOES(mt_upload_remove(area, db, &alice, id, &err), "removing stops the writer");
    OK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1,
       "... at once");
    OK(!is_there(area, id, "") && !is_there(area, id, ".state"), "nothing is left");
    close(acks[0]);
    close(acks[1]);
    mt_uploads_close(&area);
}

/* --- writers that are killed --- */

/* In a child: chunks with and without checksums; after each it tells what was acknowledged. */
static pid_t mortal(const char *id, int64_t length, int acks, unsigned seed)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    struct mt_uploads *area = open_area("killed", (struct mt_upload_rules){0});
    struct mt_db *db = open_db();
    struct mt_upload *up = NULL;
    int ret = mt_upload_take(&up, area, db, &alice, id, NULL, &err);
    srand(seed);
    while (ret == 0 && mt_upload_offset(up) < length) {
        int64_t from = mt_upload_offset(up);
        int64_t to = from + 1 + rand() % 900000;
        struct feed f = from_to(from, to < length ? to : length);
        struct mt_upload_checksum want = sum_of("sha1", from, f.end);
        f.pause_ns = 20000;
        f.piece = 1 + (size_t)rand() % 40000;
        ret = append(up, &f, rand() % 2 ? &want : NULL);
        from = mt_upload_offset(up);
        if (write(acks, &from, sizeof from) != (ssize_t)sizeof from)
            ret = -1;
    }
    mt_upload_release(&up);
    _exit(ret == 0 ? 0 : 1);
}

static int64_t last_ack(int fd, int64_t before)
{
    int64_t ack;

    while (read(fd, &ack, sizeof ack) == (ssize_t)sizeof ack)
        before = ack;
    return before;
}

static void test_killed(struct mt_db *db)
{
    enum { LENGTH = 6000000, ROUNDS = 25 };
    struct mt_uploads *area = open_area("killed", (struct mt_upload_rules){0});
    struct mt_upload_spec spec = {.length = LENGTH};
    struct mt_upload_done done = {.sha256 = ""};
    struct mt_upload *up = NULL;
    char id[MT_UUID_TEXT];
    char right[MT_SHA256_TEXT];
    int acks[2];
    int kills = 0;
    int64_t ack = 0;
    bool kept = true;

    if (mt_upload_create(area, db, &alice, &spec, id, &err) < 0 || pipe2(acks, O_NONBLOCK) < 0)
        return;
    srand(3);
    for (int i = 0; i < ROUNDS && ack < LENGTH; i++) {
        struct timespec life = {.tv_nsec = (5 + rand() % 60) * 1000000L};
        pid_t pid = mortal(id, LENGTH, acks[1], (unsigned)i);
        if (i < ROUNDS - 1) {
            nanosleep(&life, NULL);
            kills += kill(pid, SIGKILL) == 0;
        }
        waitpid(pid, NULL, 0);
        ack = last_ack(acks[0], ack);
        if (mt_upload_take(&up, area, db, &alice, id, NULL, &err) < 0) {
            kept = false;
            break;
        }
        kept = kept && mt_upload_offset(up) >= ack;
        ack = mt_upload_offset(up);
        mt_upload_release(&up);
    }
    OK(kept, "what was acknowledged outlives any number of killed writers");
    OK(kills > 2 && ack == LENGTH, "and the upload comes to its end");
    printf("# %d kills\n", kills);
    if (mt_upload_take(&up, area, db, &alice, id, NULL, &err) == 0)
        DOES(mt_upload_finish(up, db, NULL, NULL, &done, &err), "it is handed on");
    mt_upload_release(&up);
    hash_of(LENGTH, right);
    IS_STR(done.sha256, right, "with the right hash");
    char *name = mt_asprintf("%s/killed/%s", top, id);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    char real[MT_SHA256_TEXT] = "";
    OK(fd >= 0 && mt_sha256_fd(fd, real, &err) == 0 && strcmp(real, right) == 0,
       "which is that of its bytes");
    mt_fd_close(&fd);
    free(name);
    close(acks[0]);
    close(acks[1]);
    mt_uploads_close(&area);
}

/* A state file that says anything. */
static void test_bad_state(struct mt_db *db)
{
    struct mt_uploads *area = open_area("state", (struct mt_upload_rules){0});
    struct mt_upload_spec spec = {.length = 300000};
    struct mt_upload_done done = {.sha256 = ""};
    struct mt_upload *up = NULL;
    char id[MT_UUID_TEXT];
    char right[MT_SHA256_TEXT];
    bool ok = true;

    hash_of(300000, right);
    for (int i = 0; i < 3; i++) {
        up = begin(area, db, &spec, id);
        struct feed f = from_to(0, 200000);
        ok = ok && append(up, &f, NULL) == 0;
        mt_upload_release(&up);
        char *name = mt_asprintf("%s/state/%s.state", top, id);
        int fd = open(name, O_RDWR | O_CLOEXEC);
        char slots[1024];
        ok = ok && mt_pread_full(fd, slots, sizeof slots, 0) == (ssize_t)sizeof slots;
        for (size_t at = 0; at < sizeof slots; at += 512) /* one flipped digit of the state */
            slots[at + 60] = slots[at + 60] == '0' ? '1' : '0';
        ok = ok && (i == 0   ? ftruncate(fd, 0) == 0
                    : i == 1 ? pwrite(fd, slots, sizeof slots, 0) == (ssize_t)sizeof slots
                             : ftruncate(fd, 700) == 0);
        mt_fd_close(&fd);
        free(name);
        f = from_to(200000, 300000);
        ok = ok && mt_upload_take(&up, area, db, &alice, id, NULL, &err) == 0 &&
             mt_upload_offset(up) == 200000 && append(up, &f, NULL) == 0 &&
             mt_upload_finish(up, db, NULL, NULL, &done, &err) == 0 &&
             strcmp(done.sha256, right) == 0;
        mt_upload_release(&up);
    }
    OK(ok, "a state that is damaged or cut is not believed, and the hash is right all the same");
    mt_uploads_close(&area);
}

/* --- many at once --- */

static void test_quota_at_once(struct mt_db *db)
{
    enum { PROCESSES = 8, EACH = 4, ROOM = 13 };
    struct mt_upload_rules rules = {.user_files = ROOM};
    struct mt_upload_spec spec = {.length = 10};
    int made = 0;
    int gate[2];
    int status;

    if (mt_db_exec(db, NULL, &err, "DELETE FROM uploads", "") < 0 || pipe(gate) < 0)
        return;
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() != 0)
            continue;
        struct mt_uploads *area = open_area("many", rules);
        struct mt_db *own = open_db();
        char id[MT_UUID_TEXT];
        close(gate[1]);
        if (read(gate[0], id, 1) != 0) /* until all are there */
            _exit(100);
        for (int j = 0; j < EACH; j++)
            if (mt_upload_create(area, own, &alice, &spec, id, &err) == 0)
                made++;
            else if (err.code != MT_ERR_LIMIT)
                made += 100;
        _exit(made);
    }
    usleep(500000);
    close(gate[1]);
    close(gate[0]);
    while (wait(&status) > 0)
        made += WIFEXITED(status) ? WEXITSTATUS(status) : 100;
    if (!OK(made == ROOM, "a quota holds however many begin at once"))
        printf("#   %d\n", made);
}

/* --- a disk that is full --- */

static int write_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int ret = fd >= 0 ? mt_write_all(fd, text, strlen(text)) : -1;

    mt_fd_close(&fd);
    return ret;
}

/* Mounts that nobody else sees: as root, or as the root of a user namespace. */
static int own_mounts(void)
{
    char *uid = mt_asprintf("0 %u 1", (unsigned)getuid());
    char *gid = mt_asprintf("0 %u 1", (unsigned)getgid());
    int ret = unshare(CLONE_NEWNS);

    if (ret < 0)
        ret = unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
                      write_map("/proc/self/setgroups", "deny") < 0 ||
                      write_map("/proc/self/uid_map", uid) < 0 ||
                      write_map("/proc/self/gid_map", gid) < 0
                  ? -1
                  : 0;
    free(uid);
    free(gid);
    return ret < 0 ? -1 : mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* In a child with a file system of its own; 77: that cannot be had here. */
static int starve(void)
{
    struct mt_uploads *area;
    struct mt_upload_spec spec = {.length = 3000000};
    struct mt_upload *up = NULL;
    char id[MT_UUID_TEXT];
    char fill[4096] = "x";
    struct mt_db *db;

    if (own_mounts() < 0)
        return 77;
    char *dir = mt_path_join(top, "small");
    if (mkdir(dir, 0755) < 0 || mount("none", dir, "tmpfs", 0, "size=2m") < 0)
        return 77;
    area = open_area("small", (struct mt_upload_rules){0});
    db = open_db();
    if (mt_upload_create(area, db, &alice, &spec, id, &err) == 0 || err.code != MT_ERR_NO_SPACE)
        return 1;
    spec.length = 1900000;
    up = begin(area, db, &spec, id);
    char *other = mt_path_join(dir, "other");
    int fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (int i = 0; i < 256; i++)
        if (write(fd, fill, sizeof fill) < 0)
            return 2;
    struct feed f = from_to(0, 1900000);
    if (append(up, &f, NULL) == 0 || err.code != MT_ERR_NO_SPACE)
        return 3;
    int64_t kept = mt_upload_offset(up);
    mt_upload_release(&up);
    if (kept < 500000 || kept >= 1900000)
        return 4;
    close(fd);
    unlink(other);
    if (mt_upload_take(&up, area, db, &alice, id, NULL, &err) < 0 || mt_upload_offset(up) != kept)
        return 5;
    struct mt_upload_done done;
    char right[MT_SHA256_TEXT];
    f = from_to(kept, 1900000);
    hash_of(1900000, right);
    if (append(up, &f, NULL) < 0 || mt_upload_finish(up, db, NULL, NULL, &done, &err) < 0 ||
        strcmp(done.sha256, right) != 0)
        return 6;
    return 0;
}

static void test_full(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(starve());
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        printf("ok %d # SKIP no file system of our own to fill\n", ++tap_count);
        return;
    }
    if (!OK(WIFEXITED(status) && WEXITSTATUS(status) == 0,
            "on a full disk what was acknowledged is kept, and goes on when there is room"))
        printf("#   step %d\n", WEXITSTATUS(status));
}

/* --- */

static void test_all(struct mt_db *db)
{
    test_take_over(db);
    test_removed_while_written(db);
    test_killed(db);
    test_bad_state(db);
    test_quota_at_once(db);
    test_full();
}

int main(void)
{
    return on_all(test_all);
}
