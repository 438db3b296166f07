/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.c - see log.h. */
#include "base/log.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *program;
    enum mt_log_format format;
    enum mt_log_level level;
    bool color;
    void (*around)(bool before);
} state = {.program = "media-toolkit", .level = MT_LOG_WARN};

void mt_log_setup(const char *program, enum mt_log_format format, enum mt_log_level level,
                  bool color)
{
    state.program = program;
    state.format = format;
    state.level = level;
    state.color = color;
}

enum mt_log_level mt_log_level(void)
{
    return state.level;
}

void mt_log_on_output(void (*around)(bool before))
{
    state.around = around;
}

char *mt_log_json_string(const char *s)
{
    char *clean = mt_utf8_clean(s, strlen(s));
    char *out = mt_realloc(NULL, strlen(clean) * 6 + 3, 1);
    char *p = out;

    *p++ = '"';
    for (const char *c = clean; *c; c++) {
        if (*c == '"' || *c == '\\') {
            *p++ = '\\';
            *p++ = *c;
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            p += sprintf(p, "\\u%04x", (unsigned char)*c);
        } else {
            *p++ = *c;
        }
    }
    strcpy(p, "\"");
    free(clean);
    return out;
}

static char *format_json(enum mt_log_level level, const char *msg, const struct mt_err *err)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    char now[MT_TIME_TEXT];
    char *text = mt_log_json_string(msg);
    const char *hint = err ? mt_err_hint(err) : NULL;
    char *hint_text = hint ? mt_log_json_string(hint) : NULL;
    char *line = mt_asprintf("{\"type\":\"log\",\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%"
                             "s\",\"message\":%s%s%s%s%s%s}\n",
                             mt_time_text(mt_now_us(), now), names[level], state.program, text,
                             err ? ",\"code\":\"" : "", err ? mt_code_name(err->code) : "",
                             err ? "\"" : "", hint ? ",\"hint\":" : "", hint ? hint_text : "");
    free(hint_text);
    free(text);
    return line;
}

static char *format_text(enum mt_log_level level, const char *msg, const struct mt_err *err)
{
    static const int priority[] = {3, 4, 6, 7};
    static const char *const colors[] = {"\033[31m", "\033[33m", "", "\033[2m"};
    char prefix[8] = "";
    char *text = mt_text_printable(msg, 4096);
    const char *hint = err ? mt_err_hint(err) : NULL;
    char *hint_text = hint ? mt_text_printable(hint, 1024) : NULL;
    const char *on = state.color ? colors[level] : "";

    if (state.format == MT_LOG_JOURNAL)
        snprintf(prefix, sizeof prefix, "<%d>", priority[level]);
    char *line = mt_asprintf("%s%s%s: %s%s%s\n%s%s%s%s%s%s", prefix, on, state.program,
                             level == MT_LOG_WARN ? "warning: " : "", text, *on ? "\033[0m" : "",
                             hint ? prefix : "", hint ? state.program : "", hint ? ": " : "",
                             hint ? "hint: " : "", hint ? hint_text : "", hint ? "\n" : "");
    free(hint_text);
    free(text);
    return line;
}

static void emit(enum mt_log_level level, const char *msg, const struct mt_err *err)
{
    if (level > state.level)
        return;
    char *line =
        state.format == MT_LOG_JSON ? format_json(level, msg, err) : format_text(level, msg, err);
    if (state.around)
        state.around(true);
    if (mt_write_all(STDERR_FILENO, line, strlen(line)) < 0) {
        /* There is no one left to tell. */
    }
    if (state.around)
        state.around(false);
    free(line);
}

void mt_log(enum mt_log_level level, const char *fmt, ...)
{
    char msg[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    emit(level, msg, NULL);
}

void mt_log_err(enum mt_log_level level, const struct mt_err *err)
{
    emit(level, err->msg, err);
}
