/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervise.c - media-queue work: the loop; see supervise.h. */
#include "work/supervise.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "catalog/owner.h"
#include "cli/signals.h"
#include "proc/proc.h"
#include "work/tree.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECOND_US = 1000000, ROUND_MS = 250, GIVE_UP_US = 30 * SECOND_US };

/* --- handlers --- */

/* The directory of the handlers: as told, else beside the programs, else where they are installed.
 */
static char *find_handlers(const struct mt_work *w)
{
    static const char *const places[] = {"jobs", "../libexec/media-toolkit/jobs"};

    if (w->handlers)
        return mt_strdup(w->handlers);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = mt_path_join(*w->run->dir ? w->run->dir : ".", places[i]);
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return mt_path_join(mt_libexec(), "jobs");
}

static bool is_handler(const char *dir, const char *name)
{
    char *path = mt_path_join(dir, name);
    struct stat st;
    bool is = mt_queue_word_ok(name) && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
              access(path, X_OK) == 0;

    free(path);
    return is;
}

static bool has_word(const json_t *words, const char *word)
{
    size_t i;
    json_t *w;

    json_array_foreach(words, i, w)
    {
        if (strcmp(json_string_value(w), word) == 0)
            return true;
    }
    return words == NULL;
}

/* The types that there are handlers for, and that are wanted: what is claimed. */
static int scan_handlers(struct mt_supervisor *s, struct mt_err *err)
{
    DIR *dir = opendir(s->dir);
    const struct dirent *entry;

    json_decref(s->types);
    s->types = json_array();
    while (dir && (entry = readdir(dir)))
        if (has_word(s->wanted, entry->d_name) && is_handler(s->dir, entry->d_name))
            json_array_append_new(s->types, json_string(entry->d_name));
    if (dir)
        closedir(dir);
    if (json_array_size(s->types) > 0)
        return 0;
    mt_fail(err, MT_ERR_UNAVAILABLE, "there is no handler for any wanted job in '%s'", s->dir);
    return mt_hint(err, "an executable file called like the type of its jobs; --handlers DIR");
}

/* --- signals --- */

static int open_signals(struct mt_supervisor *s, struct mt_err *err)
{
    static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        sigaddset(&set, wanted[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return s->signals < 0 ? mt_fail_errno(err, "cannot wait for signals") : 0;
}

/* Asked to end: no more claims, and what runs is given back. A second time: at once. */
static void leave(struct mt_supervisor *s)
{
    int64_t grace = s->leaving ? 0 : s->w->grace_us;

    mt_notify_send(&s->notify, "STOPPING=1\nSTATUS=giving jobs back");
    s->draining = s->leaving = true;
    s->leave_us = mt_mono_us() + grace + GIVE_UP_US;
    for (int i = 0; i < s->n; i++) {
        mt_slot_stop(&s->slots[i], MT_STOP_LEAVE, grace);
        if (grace == 0 && s->slots[i].kill_us)
            s->slots[i].kill_us = 1;
    }
}

static void reload(struct mt_supervisor *s)
{
    char text[96];
    struct mt_err err;

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)mt_mono_us());
    mt_notify_send(&s->notify, text);
    if (scan_handlers(s, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err);
    mt_patient_close(&s->db);
    s->db.retry_us = 0;
    s->claim_us = s->tick_us = 0;
    mt_log(MT_LOG_INFO, "handlers for %zu types, and a new connection", json_array_size(s->types));
    mt_notify_send(&s->notify, "READY=1");
}

static void take_signals(struct mt_supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload(s);
        else if (info.ssi_signo != SIGCHLD)
            leave(s);
    }
    pid_t *pids = mt_alloc(((size_t)s->n + 1) * sizeof *pids);
    for (int i = 0; i < s->n; i++)
        pids[i] = s->slots[i].handler.pid;
    mt_tree_reap(pids, s->n);
    free(pids);
}

/* --- the loop --- */

static void say_status(struct mt_supervisor *s)
{
    char text[160];
    int64_t now = mt_mono_us();
    bool asked = mt_status_wanted();

    snprintf(text, sizeof text, "STATUS=%d of %d at work, %lld done, %lld failed, %lld retried%s",
             mt_supervisor_busy(s), s->n, (long long)s->done, (long long)s->failed,
             (long long)s->retried, s->db.db ? "" : ", the database is away");
    if (asked)
        fprintf(stderr, "%s: %s\n", s->w->run->cli->name, text + strlen("STATUS="));
    if (now >= s->status_us) {
        s->status_us = now + 5 * SECOND_US;
        mt_notify_send(&s->notify, text);
    }
    if (s->notify.watchdog_us && now >= s->dog_us) {
        s->dog_us = now + s->notify.watchdog_us;
        mt_notify_send(&s->notify, "WATCHDOG=1");
    }
}

static void add(struct pollfd *fds, nfds_t *n, int fd, short events)
{
    if (fd >= 0)
        fds[(*n)++] = (struct pollfd){.fd = fd, .events = events};
}

/* Until something happens, or something may be due. */
static void wait_for(const struct mt_supervisor *s)
{
    struct pollfd *fds = mt_alloc((3 * (size_t)s->n + 2) * sizeof *fds);
    bool room = mt_supervisor_busy(s) < s->n && !s->draining;
    bool idle = mt_supervisor_busy(s) == 0;
    int64_t left = (s->claim_us - mt_mono_us()) / 1000;
    int64_t beat = s->w->lease_us / 24000;
    int most = beat < ROUND_MS ? (int)beat : ROUND_MS;
    int wait = idle && left < most ? (int)(left > 1 ? left : 1) : most;
    nfds_t n = 0;

    add(fds, &n, s->signals, POLLIN);
    add(fds, &n, room && s->db.db ? mt_db_wake_fd(s->db.db) : -1, POLLIN);
    for (int i = 0; i < s->n; i++) {
        const struct mt_handler *h = &s->slots[i].handler;
        if (s->slots[i].state != MT_SLOT_RUNNING)
            continue;
        add(fds, &n, h->in, POLLOUT);
        add(fds, &n, h->out.fd, POLLIN);
        add(fds, &n, h->err.fd, POLLIN);
    }
    (void)poll(fds, n, wait);
    free(fds);
}

/* Whether there is nothing left to be done here. */
static bool is_over(const struct mt_supervisor *s)
{
    bool idle = mt_supervisor_busy(s) == 0;

    if (s->leaving && mt_mono_us() > s->leave_us)
        return true; /* the database does not come back: the leases will lapse */
    if (!idle)
        return false;
    return s->draining || (s->w->once && s->asked) || (s->w->until_empty && s->asked && s->empty);
}

static void loop(struct mt_supervisor *s)
{
    mt_notify_send(&s->notify, "READY=1");
    while (!is_over(s)) {
        take_signals(s);
        for (int i = 0; i < s->n; i++)
            mt_slot_poll(&s->slots[i], s->w->grace_us);
        mt_supervisor_finish(s);
        mt_supervisor_beat(s);
        mt_supervisor_relay(s);
        mt_supervisor_tick(s);
        mt_supervisor_claim(s);
        say_status(s);
        if (!is_over(s))
            wait_for(s);
    }
}

/* --- from begin to end --- */

static int prepare(struct mt_supervisor *s, struct mt_err *err)
{
    const struct mt_work *w = s->w;
    const char *tmp = mt_env_get(w->run->env, "TMPDIR");

    if (mt_work_words("--types", w->filter.types, &s->wanted, err) < 0 ||
        mt_work_words("--class", w->filter.classes, &s->classes, err) < 0 ||
        mt_work_words("--has", w->filter.has, &s->has, err) < 0 || scan_handlers(s, err) < 0 ||
        mt_scratch_open(&s->scratch, tmp ? tmp : "/tmp", err) < 0 || open_signals(s, err) < 0)
        return -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    mt_notify_open(&s->notify, w->run->env);
    s->slots = mt_alloc((size_t)s->n * sizeof *s->slots);
    for (int i = 0; i < s->n; i++)
        mt_slot_clear(&s->slots[i]);
    s->plan = (struct mt_slot_plan){.dir = s->dir,
                                    .bin = w->run->dir,
                                    .env = w->run->env,
                                    .db = w->common->db,
                                    .store = w->common->store,
                                    .scratch = &s->scratch,
                                    .beat_us = (int64_t)(s->times.heartbeat_s * SECOND_US),
                                    .loud = w->common->verbose > 0};
    return mt_patient_open(&s->db, w->common->db, w->dbs, mt_supervisor_pause(w), err);
}

static void tear_down(struct mt_supervisor *s)
{
    struct mt_err err;

    for (int i = 0; i < s->n && s->slots; i++)
        mt_slot_clear(&s->slots[i]);
    if (s->db.db && mt_queue_worker_gone(s->db.db, &s->worker, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err);
    mt_patient_close(&s->db);
    mt_scratch_close(&s->scratch);
    mt_notify_close(&s->notify);
    mt_fd_close(&s->signals);
    json_decref(s->types);
    json_decref(s->wanted);
    json_decref(s->classes);
    json_decref(s->has);
    free(s->slots);
    free(s->dir);
}

static int print_sums(const struct mt_supervisor *s, struct mt_err *err)
{
    json_t *sums = json_pack("{s:i, s:s, s:I, s:I, s:I}", "schema", 1, "worker", s->name,
                             "completed", (json_int_t)s->done, "failed", (json_int_t)s->failed,
                             "retried", (json_int_t)s->retried);
    int ret = mt_print(sums, err);

    json_decref(sums);
    return ret;
}

int mt_work_work(struct mt_work *w, struct mt_err *err)
{
    char owner[MT_OWNER_TEXT];
    struct mt_supervisor s = {.w = w,
                              .n = (int)w->count,
                              .times = mt_work_times(w),
                              .signals = -1,
                              .notify = {.fd = -1},
                              .dir = find_handlers(w)};

    s.worker = (struct mt_queue_worker){
        .id = mt_work_name(w, s.name), .owner = mt_owner_self(owner), .slots = s.n};
    int ret = w->run->n_operands ? mt_fail(err, MT_ERR_USAGE, "'work' takes no operands")
                                 : mt_work_check(w, err);
    if (ret == 0)
        ret = prepare(&s, err);
    if (ret == 0) {
        s.worker.classes = s.classes;
        s.worker.has = s.has;
        loop(&s);
        ret = print_sums(&s, err);
    }
    tear_down(&s);
    return ret;
}
