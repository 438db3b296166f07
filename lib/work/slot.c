/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slot.c - see slot.h. */
#include "work/slot.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cli.h"
#include "work/internal.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VARIABLES = 12, SIGNAL_STATUS = 128 };

/* --- starting --- */

/* Variables of the handler; free them with free_env(). */
static void make_env(const struct mt_slot *s, const json_t *row, const struct mt_slot_plan *plan,
                     char *set[VARIABLES])
{
    const char *asset = mt_json_str(row, "media_asset_id", NULL);
    const char *path = mt_env_get(plan->env, "PATH");
    int n = 0;

    memset(set, 0, VARIABLES * sizeof *set);
    set[n++] = mt_asprintf("MEDIA_LEASE=%s:%lld", s->id, (long long)s->token);
    set[n++] = mt_asprintf("MEDIA_JOB=%s", s->id);
    set[n++] = mt_asprintf("MEDIA_LEASE_TOKEN=%lld", (long long)s->token);
    set[n++] = mt_asprintf("MEDIA_JOB_TYPE=%s", s->type);
    set[n++] = mt_asprintf("MEDIA_ATTEMPT=%lld", (long long)mt_json_int(row, "attempts", 1));
    set[n++] = mt_asprintf("MEDIA_DB=%s", plan->db);
    set[n++] = mt_asprintf("MEDIA_STORE=%s", plan->store);
    if (asset)
        set[n++] = mt_asprintf("MEDIA_ASSET=%s", asset);
    if (!plan->foreground)
        set[n++] = mt_strdup("MEDIA_PROGRESS=json");
    if (s->scratch)
        set[n++] = mt_asprintf("TMPDIR=%s", s->scratch);
    if (plan->bin && *plan->bin)
        set[n++] = mt_asprintf("PATH=%s:%s", plan->bin, path ? path : "/usr/bin:/bin");
}

static void free_env(char *set[VARIABLES])
{
    for (int i = 0; i < VARIABLES; i++)
        free(set[i]);
}

static int start(struct mt_slot *s, const json_t *row, const struct mt_slot_plan *plan,
                 struct mt_err *err)
{
    char *path = plan->argv ? NULL : mt_path_join(plan->dir, s->type);
    const char *argv[] = {path, NULL};
    char *set[VARIABLES];
    json_t *job = mt_work_job_json(row);
    char *input = plan->foreground ? NULL : mt_json_compact(job);
    int ret = -1;

    s->scratch = plan->scratch ? mt_scratch_make(plan->scratch, err) : NULL;
    make_env(s, row, plan, set);
    struct mt_handler_spec spec = {.argv = plan->argv ? plan->argv : argv,
                                   .env = plan->env,
                                   .set = (const char *const *)set,
                                   .tag = set[0],
                                   .input = input,
                                   .foreground = plan->foreground,
                                   .loud = plan->loud};
    if (s->scratch || !plan->scratch)
        ret = mt_handler_start(&s->handler, &spec, err);
    free_env(set);
    free(input);
    free(path);
    json_decref(job);
    return ret;
}

/* --- judging --- */

static const char *code_of(const struct mt_slot *s)
{
    return s->stop == MT_STOP_TIMEOUT                     ? "timeout"
           : s->exit_status > SIGNAL_STATUS               ? "worker_crashed"
           : mt_queue_status_is_temporary(s->exit_status) ? "busy"
                                                          : "failed";
}

static void describe(const struct mt_slot *s, struct mt_err *why)
{
    int sig = s->exit_status - SIGNAL_STATUS;

    if (s->handler.error)
        mt_err_from_json(s->handler.error, why);
    else if (s->stop == MT_STOP_TIMEOUT)
        mt_fail(why, MT_ERR_TIMEOUT, "'%s' took longer than the job allows", s->type);
    else if (sig > 0)
        mt_fail(why, mt_code_by_name(code_of(s)), "'%s' was ended by signal %d (%s)", s->type, sig,
                strsignal(sig));
    else
        mt_fail(why, mt_code_by_name(code_of(s)), "'%s' ended with status %d", s->type,
                s->exit_status);
    if (sig > 0)
        why->trace.signal = sig;
    else
        why->trace.exit_status = s->exit_status;
    if (s->words) {
        char *words = mt_text_printable(s->words, MT_WORDS - 1);
        mt_fail_words(why, words);
        free(words);
    }
}

static json_t *error_of(const struct mt_slot *s, bool temporary)
{
    struct mt_err why;

    describe(s, &why);
    json_t *error = mt_err_to_json(&why);
    json_object_set_new(error, "retryable", json_boolean(temporary));
    json_object_set_new(error, "stage",
                        mt_json_text(mt_json_str(s->handler.error, "stage", s->type)));
    return error;
}

static const char *outcome_of(const json_t *result)
{
    static const char *const outcomes[] = {"ok", "degraded", "not_applicable"};
    const char *word = mt_json_str(result, "outcome", "ok");

    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (strcmp(outcomes[i], word) == 0)
            return outcomes[i];
    return "ok";
}

/* A copy without the last newline; NULL if it said nothing. */
static char *words_of(const struct mt_handler *h)
{
    size_t n = strlen(h->words);

    while (n > 0 && h->words[n - 1] == '\n')
        n--;
    return n ? mt_strndup(h->words, n) : NULL;
}

/* What the handler's end means for the job. */
static void judge(struct mt_slot *s)
{
    bool ok = s->exit_status == 0;
    bool temporary = s->stop == MT_STOP_TIMEOUT || mt_queue_status_is_temporary(s->exit_status);

    s->state = MT_SLOT_ENDED;
    s->release = !ok && s->stop == MT_STOP_LEAVE;
    free(s->words);
    s->words = words_of(&s->handler);
    s->end = (struct mt_queue_end){
        .job_id = s->id,
        .token = s->token,
        .status = ok                          ? "completed"
                  : s->stop == MT_STOP_CANCEL ? "cancelled"
                                              : "failed",
        .temporary = temporary,
        .outcome = ok ? outcome_of(s->handler.result) : NULL,
        .results = s->handler.result,
        .waits_for = ok ? json_object_get(s->handler.result, "waits_for") : NULL,
        .exit_status = s->exit_status > SIGNAL_STATUS ? -1 : s->exit_status,
        .signal = s->exit_status > SIGNAL_STATUS ? s->exit_status - SIGNAL_STATUS : 0,
        .words = s->words};
    if (ok)
        return;
    s->error = error_of(s, temporary);
    s->end.error = s->error;
}

void mt_slot_start(struct mt_slot *s, const json_t *row, const struct mt_slot_plan *plan)
{
    int64_t timeout_s = mt_json_int(row, "timeout_s", 0);
    struct mt_err err;

    mt_slot_clear(s);
    snprintf(s->id, sizeof s->id, "%s", mt_json_str(row, "id", ""));
    snprintf(s->type, sizeof s->type, "%s", mt_json_str(row, "job_type", ""));
    s->token = mt_json_int(row, "lease_token", 0);
    s->started_us = mt_mono_us();
    s->beat_us = s->started_us + plan->beat_us;
    s->deadline_us = timeout_s ? s->started_us + timeout_s * 1000000 : 0;
    s->state = MT_SLOT_RUNNING;
    if (start(s, row, plan, &err) == 0)
        return;
    mt_log_err(MT_LOG_ERROR, &err);
    s->exit_status = 127;
    s->state = MT_SLOT_ENDED;
    s->error = mt_err_to_json(&err);
    json_object_set_new(s->error, "retryable", json_true());
    json_object_set_new(s->error, "stage", json_string(s->type));
    s->end = (struct mt_queue_end){.job_id = s->id,
                                   .token = s->token,
                                   .status = "failed",
                                   .temporary = true,
                                   .error = s->error,
                                   .exit_status = -1};
}

/* --- going on --- */

void mt_slot_stop(struct mt_slot *s, enum mt_slot_stop why, int64_t grace_us)
{
    if (s->state != MT_SLOT_RUNNING || (s->stop && why != MT_STOP_LOST))
        return;
    if (!s->stop) {
        mt_handler_signal(&s->handler, SIGTERM);
        mt_handler_signal(&s->handler, SIGCONT);
        s->kill_us = mt_mono_us() + grace_us;
    }
    s->stop = why;
}

void mt_slot_poll(struct mt_slot *s, int64_t grace_us)
{
    if (s->state != MT_SLOT_RUNNING)
        return;
    mt_handler_pump(&s->handler);
    if (mt_handler_done(&s->handler)) {
        s->exit_status = WIFEXITED(s->handler.status) ? WEXITSTATUS(s->handler.status)
                                                      : SIGNAL_STATUS + WTERMSIG(s->handler.status);
        judge(s);
        mt_scratch_remove(&s->scratch);
        return;
    }
    int64_t now = mt_mono_us();
    if (s->deadline_us && now >= s->deadline_us)
        mt_slot_stop(s, MT_STOP_TIMEOUT, grace_us);
    if (s->kill_us && now >= s->kill_us)
        mt_handler_signal(&s->handler, SIGKILL);
}

void mt_slot_clear(struct mt_slot *s)
{
    if (s->state != MT_SLOT_FREE)
        mt_handler_free(&s->handler);
    mt_scratch_remove(&s->scratch);
    json_decref(s->error);
    free(s->words);
    *s = (struct mt_slot){.state = MT_SLOT_FREE};
    s->handler.in = s->handler.out.fd = s->handler.err.fd = -1;
}
