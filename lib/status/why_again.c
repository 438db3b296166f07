/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why_again.c - the exact command that tries a job again, from what its row remembers. */
#include "status/why.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "proc/proc.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { COMMAND_MAX = 64 * 1024 };

/* --- one word of a shell --- */

static bool is_plain(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "@%+=:,./_-";

    return *text && text[strspn(text, plain)] == '\0';
}

/* Whether nothing in it would be lost or would do something on a terminal. */
static bool is_showable(const char *text)
{
    size_t n = strlen(text);

    while (n > 0) {
        uint32_t cp;
        size_t len = mt_utf8_next(text, n, &cp);
        if (len == 0 || mt_utf8_is_control(cp))
            return false;
        text += len;
        n -= len;
    }
    return true;
}

/* Every byte that is not plain ASCII as \xNN; the digits end at the closing quote or a \. */
static char *quote_bytes(const char *text)
{
    char *out = mt_alloc(strlen(text) * 4 + 4);
    char *to = out;

    to += sprintf(to, "$'");
    for (; *text; text++)
        to += sprintf(to, "\\x%02x", (unsigned)(unsigned char)*text);
    strcpy(to, "'");
    return out;
}

static char *quote_simply(const char *text)
{
    char *out = mt_alloc(strlen(text) * 4 + 3);
    char *to = out;

    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            to += sprintf(to, "'\\''");
        else
            *to++ = *text;
    }
    strcpy(to, "'");
    return out;
}

char *mt_why_quote(const char *text)
{
    if (is_plain(text))
        return NULL;
    return is_showable(text) ? quote_simply(text) : quote_bytes(text);
}

/* --- the line --- */

/* One word; "--option=value" is quoted behind its '='. */
static int add_word(struct mt_buf *line, const char *word, struct mt_err *err)
{
    const char *equals = mt_str_starts(word, "--") ? strchr(word, '=') : NULL;
    int head = equals ? (int)(equals + 1 - word) : 0;
    char *quoted = mt_why_quote(word + head);
    int ret = mt_buf_printf(line, err, "%s%.*s%s", line->len ? " " : "", head, word,
                            quoted ? quoted : word + head);

    free(quoted);
    return ret;
}

/* The programs that do what the types of jobs say. */
static const char *program_of(const char *type)
{
    static const char *const programs[][2] = {{"ingest", "media-ingest"},
                                              {"transcode", "media-transcode"},
                                              {"thumbnail", "media-thumbs"},
                                              {"analyze", "media-analyze"}};

    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (strcmp(programs[i][0], type) == 0)
            return programs[i][1];
    return NULL;
}

static bool has_option(const json_t *command, const char *prefix)
{
    size_t i;
    json_t *word;

    json_array_foreach(command, i, word)
    {
        if (mt_str_starts(json_string_value(word) ? json_string_value(word) : "", prefix))
            return true;
    }
    return false;
}

/* What this very run was told, so that the other program finds the same rows and objects. */
static int add_places(const struct mt_status *s, const json_t *command, struct mt_buf *line,
                      struct mt_err *err)
{
    const struct {
        const char *name, *prefix, *url;
    } places[] = {{"db", "--db=", s->common->db}, {"store", "--store=", s->common->store}};
    json_t *own = mt_run_command(s->run);
    int ret = 0;

    for (size_t i = 0; i < sizeof places / sizeof *places && ret == 0; i++) {
        if (!has_option(own, places[i].prefix) || has_option(command, places[i].prefix))
            continue;
        char *word = mt_asprintf("--%s=%s", places[i].name, places[i].url);
        ret = add_word(line, word, err);
        free(word);
    }
    json_decref(own);
    return ret;
}

static int add_program(const struct mt_status *s, const json_t *row, struct mt_buf *line,
                       const char **note, struct mt_err *err)
{
    const json_t *command = mt_json_at(row, "input_parameters.command");
    const char *program = program_of(mt_json_str(row, "job_type", ""));
    size_t i;
    json_t *word;

    if (json_array_size(command) == 0 && !program)
        return mt_fail(err, MT_ERR_NOT_FOUND, "nobody knows what did it");
    if (json_array_size(command) == 0) {
        *note = "its options were not recorded: add those that it was called with";
        if (add_word(line, program, err) < 0)
            return -1;
    }
    json_array_foreach(command, i, word)
    {
        if (json_is_string(word) && add_word(line, json_string_value(word), err) < 0)
            return -1;
    }
    return add_places(s, command, line, err);
}

/* --- what it worked on --- */

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Base 64 back to the text it was. free() it. */
static char *decode(const char *text)
{
    char *out = mt_alloc(strlen(text) + 1);
    size_t n = 0;
    unsigned bits = 0;
    int have = 0;

    for (; digit_of(*text) >= 0; text++) {
        bits = bits << 6 | (unsigned)digit_of(*text);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xff);
        }
    }
    out[n] = '\0';
    return out;
}

static int add_file(const json_t *row, struct mt_buf *line, const char **note, struct mt_err *err)
{
    const char *bytes = mt_json_str(row, "input_parameters.path_base64", NULL);
    const char *path = mt_json_str(row, "input_parameters.path", NULL);
    const char *name = mt_json_str(row, "input_parameters.name", "-");
    bool piped = !path && json_object_get(mt_json_at(row, "input_parameters"), "path");

    if (piped) {
        *note = "its bytes came on standard input: name the file in place of FILE";
        return mt_buf_printf(line, err, " - <FILE");
    }
    if (mt_json_bool(row, "input_parameters.path_cut", false))
        *note = "what followed the '?' was not recorded, as it may be a secret: add it";
    if (!path)
        *note = "the directory was not recorded: run it where the file is";
    char *exact = bytes ? decode(bytes) : mt_strdup(path ? path : name);
    int ret = add_word(line, exact, err);
    free(exact);
    return ret;
}

static int compose(const struct mt_status *s, const json_t *row, struct mt_buf *line,
                   const char **note, struct mt_err *err)
{
    bool ingest = strcmp(mt_json_str(row, "job_type", ""), "ingest") == 0;
    const char *asset = mt_json_str(row, "media_asset_id", NULL);

    if (mt_json_int(row, "lease_token", 0) > 0) {
        char *queue = mt_sibling(s->run->dir, "media-queue");
        int ret = queue
                      ? mt_buf_printf(line, err, "media-queue retry %s", mt_json_str(row, "id", ""))
                      : 0;
        free(queue);
        if (line->len > 0 || ret < 0)
            return ret;
    }
    if (add_program(s, row, line, note, err) < 0)
        return -1;
    if (ingest)
        return add_file(row, line, note, err);
    return asset ? add_word(line, asset, err)
                 : mt_fail(err, MT_ERR_NOT_FOUND, "nobody knows what it worked on");
}

void mt_why_again(const struct mt_status *s, const json_t *row, json_t *story)
{
    const char *note = NULL;
    struct mt_buf line;
    struct mt_err err;

    mt_buf_init(&line, COMMAND_MAX);
    bool known = compose(s, row, &line, &note, &err) == 0;
    json_object_set_new(story, "command", known ? mt_json_text(line.data) : json_null());
    json_object_set_new(story, "command_note", mt_json_text(known ? note : err.msg));
    mt_buf_free(&line);
}
