/* SPDX-License-Identifier: GPL-2.0-or-later */
/* progress.c - see progress.h. There is one stderr, so there is one state. */
#include "cli/progress.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/signals.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum mode { NONE, BAR, PLAIN, JSON };
enum { TOLD_MAX = 16 };
enum { REDRAW_US = 100000, PLAIN_US = 10000000 };

static struct {
    enum mode mode;
    const char *program;
    bool ended; /* the input called name is finished */
    bool drawn; /* a bar stands on the terminal's last line */
    int64_t expected, finished;
    int64_t batch_start_us;
    char *name;
    const char *stage;
    enum mt_progress_unit unit;
    int64_t done, total;
    int64_t resumed; /* of done: was there before */
    json_t *parts;   /* or NULL */
    int64_t start_us, shown_us;
    int n_told;
    struct {
        const char *name;
        int64_t value;
    } told[TOLD_MAX];
} now;

static void say(const char *text)
{
    if (mt_write_all(STDERR_FILENO, text, strlen(text)) < 0) {
        /* Progress is a courtesy. */
    }
}

static void around_message(bool before)
{
    if (before && now.drawn) {
        say("\r\033[K");
        now.drawn = false;
    }
}

void mt_progress_setup(const char *program, const struct mt_common *common)
{
    const char *how = common->progress ? common->progress : "auto";

    now.program = program;
    now.batch_start_us = mt_mono_us();
    if (strcmp(how, "bar") == 0)
        now.mode = BAR;
    else if (strcmp(how, "plain") == 0)
        now.mode = PLAIN;
    else if (strcmp(how, "json") == 0)
        now.mode = JSON;
    else if (strcmp(how, "auto") == 0 && isatty(STDERR_FILENO) && !common->quiet)
        now.mode = BAR;
    if (now.mode == BAR)
        mt_log_on_output(around_message);
}

void mt_progress_expect(int64_t n)
{
    now.expected = n;
}

static double elapsed_s(void)
{
    return (double)(mt_mono_us() - now.start_us) / 1e6;
}

/* In this run. */
static double made(void)
{
    return now.done > now.resumed ? (double)(now.done - now.resumed) : 0;
}

/* Microseconds to go, or -1 while that cannot be said. */
static int64_t left_us(void)
{
    if (now.done <= now.resumed || now.total <= now.done)
        return now.total > 0 && now.done >= now.total ? 0 : -1;
    double rest = (double)(now.total - now.done) / (double)(now.done - now.resumed);
    return (int64_t)(rest * elapsed_s() * 1e6);
}

static int64_t batch_left_us(void)
{
    double fraction = now.total > 0 ? (double)now.done / (double)now.total : 0;
    double done = (double)now.finished + fraction;

    if (now.expected <= 1 || done < 0.05)
        return -1;
    double spent = (double)(mt_mono_us() - now.batch_start_us);
    return (int64_t)(spent * ((double)now.expected - done) / done);
}

static void show_rate(char out[MT_FIGURE + 8])
{
    double s = elapsed_s();
    double rate = s > 0.01 ? made() / s : 0;
    char figure[MT_FIGURE];

    if (now.unit == MT_UNIT_BYTES)
        snprintf(out, MT_FIGURE + 8, "%s/s", mt_show_bytes((int64_t)rate, figure));
    else if (now.unit == MT_UNIT_MEDIA)
        snprintf(out, MT_FIGURE + 8, "%.1fx", rate / 1e6);
    else
        snprintf(out, MT_FIGURE + 8, "%.1f/s", rate);
}

static int columns(void)
{
    struct winsize w;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

/* "talk.mov  transcode  42%  3.1x  0:41 left  (3/20, 12:00 left)" */
static char *state_line(void)
{
    char rate[MT_FIGURE + 8];
    char left[MT_FIGURE + 16] = "";
    char batch[2 * MT_FIGURE + 32] = "";
    char percent[16] = "";
    char figure[MT_FIGURE];
    char *name = mt_text_printable(now.name ? now.name : "", 40);
    int64_t to_go = left_us();
    int64_t batch_to_go = batch_left_us();

    if (now.total > 0)
        snprintf(percent, sizeof percent, "  %3d%%", (int)(now.done * 100 / now.total));
    if (to_go >= 0)
        snprintf(left, sizeof left, "  %s left", mt_show_duration(to_go, figure));
    if (now.expected > 1)
        snprintf(batch, sizeof batch, "  (%lld/%lld%s%s)", (long long)now.finished + 1,
                 (long long)now.expected, batch_to_go >= 0 ? ", all in " : "",
                 batch_to_go >= 0 ? mt_show_duration(batch_to_go, figure) : "");
    show_rate(rate);
    char *line = mt_asprintf("%s  %s%s  %s%s%s", name, now.stage ? now.stage : "", percent, rate,
                             left, batch);
    free(name);
    return line;
}

static void draw_bar(void)
{
    char *line = state_line();
    size_t room = (size_t)columns() - 1;
    char *out;

    if (strlen(line) > room) {
        line[room] = '\0';
        while (room > 0 && !mt_utf8_valid(line, strlen(line)))
            line[--room] = '\0';
    }
    out = mt_asprintf("\r\033[K%s", line);
    say(out);
    now.drawn = true;
    free(out);
    free(line);
}

static void say_line(void)
{
    char *line = state_line();
    char *out = mt_asprintf("%s: %s\n", now.program, line);

    around_message(true);
    say(out);
    free(out);
    free(line);
}

static json_t *event(const char *type)
{
    char at[MT_TIME_TEXT];

    return json_pack("{s:s, s:i, s:s, s:s}", "type", type, "schema", 1, "time",
                     mt_time_text(mt_now_us(), at), "program", now.program);
}

static void send(json_t *e)
{
    char *text = mt_json_compact(e);
    char *line = mt_asprintf("%s\n", text);

    say(line);
    free(line);
    free(text);
    json_decref(e);
}

static const char *unit_name(void)
{
    return now.unit == MT_UNIT_BYTES ? "bytes" : now.unit == MT_UNIT_MEDIA ? "media_us" : "count";
}

static void send_progress(const char *status)
{
    json_t *e = event("progress");
    double s = elapsed_s();
    int64_t to_go = left_us();

    json_object_set_new(e, "name", mt_json_text(now.name));
    json_object_set_new(e, "stage", mt_json_text(now.stage));
    json_object_set_new(e, "unit", json_string(unit_name()));
    json_object_set_new(e, "done", json_integer(now.done));
    json_object_set_new(e, "total", now.total > 0 ? json_integer(now.total) : json_null());
    if (now.total > 0)
        json_object_set_new(e, "percent",
                            mt_json_real(100.0 * (double)now.done / (double)now.total, 1));
    json_object_set_new(
        e, "rate",
        mt_json_real(s > 0.01 ? made() / s / (now.unit == MT_UNIT_MEDIA ? 1e6 : 1) : 0, 2));
    json_object_set_new(e, "eta_s",
                        to_go >= 0 ? mt_json_real((double)to_go / 1e6, 1) : json_null());
    int64_t batch_to_go = batch_left_us();
    if (batch_to_go >= 0)
        json_object_set_new(e, "batch_eta_s", mt_json_real((double)batch_to_go / 1e6, 1));
    if (now.parts)
        json_object_set(e, "renditions", now.parts);
    if (status)
        json_object_set_new(e, "status", json_string(status));
    send(e);
}

static void show(void)
{
    if (now.mode == BAR)
        draw_bar();
    else if (now.mode == PLAIN)
        say_line();
    else if (now.mode == JSON)
        send_progress(NULL);
}

/* The same input again keeps its place on the screen and its time. */
void mt_progress_begin(const char *name, const char *stage, enum mt_progress_unit unit,
                       int64_t total)
{
    char *clean = mt_utf8_clean(name ? name : "", strlen(name ? name : ""));

    if (!now.name || now.ended || strcmp(now.name, clean) != 0 || strcmp(now.stage, stage) != 0) {
        now.start_us = mt_mono_us();
        now.shown_us = now.mode == JSON ? now.shown_us : 0;
        now.done = now.resumed = 0;
        mt_progress_parts(NULL);
    }
    now.ended = false;
    free(now.name);
    now.name = clean;
    now.stage = stage;
    now.unit = unit;
    now.total = total;
    mt_progress_update(now.done, total);
}

void mt_progress_parts(json_t *parts)
{
    json_decref(now.parts);
    now.parts = parts;
}

void mt_progress_resumed(int64_t done)
{
    now.resumed = done;
}

void mt_progress_since(int64_t start_us)
{
    now.start_us = start_us;
}

bool mt_progress_shown(void)
{
    return now.mode != NONE;
}

void mt_progress_tell(const char *name, int64_t value)
{
    if (now.n_told == TOLD_MAX)
        return;
    now.told[now.n_told].name = name;
    now.told[now.n_told++].value = value;
}

void mt_progress_report(const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    around_message(true);
    if (now.mode != BAR && now.mode != PLAIN) {
        mt_log(MT_LOG_INFO, "%s", text);
        return;
    }
    char *line = mt_asprintf("%s: %s\n", now.program, text);
    say(line);
    free(line);
}

/* "media-transcode:   720p  encoding  42%" */
static void say_parts(void)
{
    json_t *part;
    size_t i;

    json_array_foreach(now.parts, i, part)
    {
        char *line =
            mt_asprintf("%s:   %s  %s  %3d%%\n", now.program, mt_json_str(part, "name", "?"),
                        mt_json_str(part, "state", "?"), (int)mt_json_num(part, "percent", 0));

        say(line);
        free(line);
    }
}

void mt_progress_poll(void)
{
    if (!mt_status_wanted())
        return;
    say_line();
    say_parts();
}

void mt_progress_update(int64_t done, int64_t total)
{
    int64_t t = mt_mono_us();

    now.done = total > 0 && done > total ? total : done;
    if (total > 0)
        now.total = total;
    mt_progress_poll();
    if (now.mode == NONE || t - now.shown_us < (now.mode == PLAIN ? PLAIN_US : REDRAW_US))
        return;
    if (now.mode == PLAIN && now.shown_us == 0) {
        now.shown_us = t; /* short work needs no lines */
        return;
    }
    now.shown_us = t;
    show();
}

void mt_progress_end(const char *status, const char *code, const char *message)
{
    around_message(true);
    if (now.total > now.done &&
        (strcmp(status, "completed") == 0 || strcmp(status, "degraded") == 0))
        now.done = now.total; /* the last steps told of no more */
    if (now.mode == JSON) {
        send_progress(status);
        if (code) {
            json_t *e = event("error");
            json_object_set_new(e, "name", mt_json_text(now.name));
            json_object_set_new(e, "stage", mt_json_text(now.stage));
            json_object_set_new(e, "code", json_string(code));
            json_object_set_new(e, "message", mt_json_text(message));
            send(e);
        }
    }
    mt_progress_parts(NULL);
    now.finished++;
    now.ended = true;
}

void mt_progress_summary(const struct mt_outcome *outcome, int exit_status)
{
    around_message(true);
    if (now.mode == JSON) {
        json_t *e = event("summary");
        json_object_set_new(e, "ok", json_integer(outcome->ok));
        json_object_set_new(e, "failed", json_integer(outcome->failed));
        json_object_set_new(e, "exit_status", json_integer(exit_status));
        json_object_set_new(e, "took_ms", json_integer((mt_mono_us() - now.batch_start_us) / 1000));
        for (int i = 0; i < now.n_told; i++)
            json_object_set_new(e, now.told[i].name, json_integer(now.told[i].value));
        send(e);
    }
    free(now.name);
    now.name = NULL;
}
