/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_nginx.c - what a configuration of nginx does to uploads. */
#include "status/doctor.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, DEPTH_MAX = 16 };
#define WANTED_BYTES (INT64_C(5) << 30) /* the largest file that is accepted by default */

/* --- text into directives: {"words": [...], "block": [...] or null} --- */

struct text {
    const char *at;
    const char *dir; /* where relative includes lie */
    int depth;
};

static int parse_file(const char *path, const char *dir, int depth, json_t *block,
                      struct mt_err *err);

static void skip_space(struct text *t)
{
    for (;;) {
        t->at += strspn(t->at, " \t\r\n");
        if (*t->at != '#')
            return;
        t->at += strcspn(t->at, "\n");
    }
}

/* The next word, unquoted; NULL at ; { } or the end. free() it. */
static char *next_word(struct text *t)
{
    skip_space(t);
    if (!*t->at || strchr(";{}", *t->at))
        return NULL;
    char quote = *t->at == '"' || *t->at == '\'' ? *t->at++ : 0;
    const char *start = t->at;
    while (*t->at && (quote ? *t->at != quote : !strchr(" \t\r\n;{}", *t->at)))
        t->at += t->at[0] == '\\' && t->at[1] ? 2 : 1;
    char *word = mt_strndup(start, (size_t)(t->at - start));
    if (quote && *t->at)
        t->at++;
    return word;
}

/* Files that are not there are nginx's own complaint; here they hold nothing. */
static int include(struct text *t, const char *pattern, json_t *block, struct mt_err *err)
{
    char *whole = *pattern == '/' ? mt_strdup(pattern) : mt_path_join(t->dir, pattern);
    glob_t found;
    int ret = 0;

    if (glob(whole, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && ret == 0; i++)
            ret = parse_file(found.gl_pathv[i], t->dir, t->depth + 1, block, err);
        globfree(&found);
    }
    free(whole);
    return ret;
}

static int parse_block(struct text *t, json_t *block, struct mt_err *err);

static int parse_directive(struct text *t, json_t *block, struct mt_err *err)
{
    json_t *words = json_array();
    json_t *inner = NULL;
    char *word;
    int ret = 0;

    while ((word = next_word(t))) {
        json_array_append_new(words, mt_json_text(word));
        free(word);
    }
    if (*t->at == '{') {
        t->at++;
        inner = json_array();
        t->depth++;
        ret = t->depth > DEPTH_MAX ? mt_fail(err, MT_ERR_CONFIG, "blocks lie too deep")
                                   : parse_block(t, inner, err);
        t->depth--;
    } else if (*t->at == ';') {
        t->at++;
    } else {
        ret = mt_fail(err, MT_ERR_CONFIG, "a directive has no end");
    }
    const char *name = json_string_value(json_array_get(words, 0));
    const char *arg = json_string_value(json_array_get(words, 1));
    if (ret == 0 && !inner && name && arg && strcmp(name, "include") == 0)
        ret = include(t, arg, block, err);
    json_array_append_new(
        block, json_pack("{s:o, s:o}", "words", words, "block", inner ? inner : json_null()));
    return ret;
}

/* Up to the closing brace, or the end of the file. */
static int parse_block(struct text *t, json_t *block, struct mt_err *err)
{
    for (;;) {
        skip_space(t);
        if (!*t->at)
            return 0;
        if (*t->at == '}') {
            t->at++;
            return 0;
        }
        if (parse_directive(t, block, err) < 0)
            return -1;
    }
}

static int parse_file(const char *path, const char *dir, int depth, json_t *block,
                      struct mt_err *err)
{
    struct mt_buf buf;
    int ret = -1;

    mt_buf_init(&buf, FILE_MAX);
    if (depth > DEPTH_MAX)
        mt_fail(err, MT_ERR_CONFIG, "'%s' is included too deep", path);
    else if (mt_read_file(path, &buf, err) == 0) {
        struct text t = {buf.data ? buf.data : "", dir, depth};
        ret = parse_block(&t, block, err);
        if (ret < 0)
            mt_fail_in(err, "'%s'", path);
    }
    mt_buf_free(&buf);
    return ret;
}

/* --- what holds where FastCGI is used --- */

/* Directives are inherited; those of fastcgi_param only by blocks that have none. */
struct level {
    bool buffering;  /* fastcgi_request_buffering */
    int64_t bytes;   /* client_max_body_size; 0: any */
    bool cleared;    /* fastcgi_param HTTP_PROXY "" */
    bool has_params; /* of its own */
    bool passes;     /* fastcgi_pass */
};

struct verdicts {
    int places; /* with fastcgi_pass */
    int buffered, small, open;
    int64_t least;
};

static int64_t size_of(const char *text)
{
    char *end;
    int64_t n = strtoll(text, &end, 10);
    int shift = *end == 'k' || *end == 'K'   ? 10
                : *end == 'm' || *end == 'M' ? 20
                : *end == 'g' || *end == 'G' ? 30
                                             : 0;

    return n >= 0 && n < (INT64_MAX >> shift) ? n << shift : 0;
}

static void apply(struct level *l, const json_t *words)
{
    const char *name = json_string_value(json_array_get(words, 0));
    const char *one = json_string_value(json_array_get(words, 1));
    const char *two = json_string_value(json_array_get(words, 2));

    if (!name || !one)
        return;
    if (strcmp(name, "fastcgi_request_buffering") == 0)
        l->buffering = strcmp(one, "off") != 0;
    else if (strcmp(name, "client_max_body_size") == 0)
        l->bytes = size_of(one);
    else if (strcmp(name, "fastcgi_pass") == 0)
        l->passes = true;
    else if (strcmp(name, "fastcgi_param") == 0) {
        l->cleared =
            (l->has_params && l->cleared) || (strcmp(one, "HTTP_PROXY") == 0 && two && !*two);
        l->has_params = true;
    }
}

static void judge(const json_t *block, struct level l, struct verdicts *v)
{
    size_t i;
    json_t *directive;

    l.has_params = l.passes = false;
    json_array_foreach(block, i, directive)
    {
        if (json_is_null(json_object_get(directive, "block")))
            apply(&l, json_object_get(directive, "words"));
    }
    if (l.passes) {
        v->places++;
        v->buffered += l.buffering;
        v->open += !l.cleared;
        if (l.bytes > 0 && l.bytes < WANTED_BYTES) {
            v->least = v->small == 0 || l.bytes < v->least ? l.bytes : v->least;
            v->small++;
        }
    }
    json_array_foreach(block, i, directive)
    {
        if (json_is_array(json_object_get(directive, "block")))
            judge(json_object_get(directive, "block"), l, v);
    }
}

static void tell(struct mt_doctor *d, const struct verdicts *v)
{
    char size[MT_FIGURE];

    if (v->buffered)
        mt_doctor_say(d, "nginx_buffering", MT_VERDICT_PROBLEM,
                      "fastcgi_request_buffering off; where fastcgi_pass is",
                      "requests are buffered in %d of %d places: an upload that breaks off is lost "
                      "whole, and cannot be resumed",
                      v->buffered, v->places);
    else
        mt_doctor_say(d, "nginx_buffering", MT_VERDICT_OK, NULL, "requests are passed on at once");
    if (v->small)
        mt_doctor_say(d, "nginx_body_size", MT_VERDICT_PROBLEM,
                      "client_max_body_size 0; (or 5g) where fastcgi_pass is",
                      "uploads above %s are refused in %d of %d places",
                      mt_show_bytes(v->least, size), v->small, v->places);
    else
        mt_doctor_say(d, "nginx_body_size", MT_VERDICT_OK, NULL, "uploads of 5 GiB pass");
    if (v->open)
        mt_doctor_say(d, "nginx_http_proxy", MT_VERDICT_PROBLEM,
                      "fastcgi_param HTTP_PROXY \"\"; where fastcgi_pass is",
                      "a client can choose the proxy of what runs behind in %d of %d places "
                      "(CVE-2016-5385)",
                      v->open, v->places);
    else
        mt_doctor_say(d, "nginx_http_proxy", MT_VERDICT_OK, NULL, "HTTP_PROXY is cleared");
}

void mt_doctor_nginx(struct mt_doctor *d)
{
    const char *path = d->s->nginx;
    struct verdicts v = {0};
    struct mt_err err;

    if (!path)
        return;
    const struct level defaults = {.buffering = true, .bytes = 1 << 20};
    char *dir = mt_strndup(path, (size_t)(mt_path_base(path) - path));
    json_t *block = json_array();
    if (parse_file(path, *dir ? dir : ".", 0, block, &err) < 0) {
        mt_doctor_say(d, "nginx", MT_VERDICT_PROBLEM, mt_err_hint(&err), "%s", err.msg);
    } else {
        judge(block, defaults, &v);
        if (v.places > 0)
            tell(d, &v);
        else
            mt_doctor_say(d, "nginx", MT_VERDICT_WARNING, "name the file that has fastcgi_pass",
                          "'%s' passes nothing on by FastCGI", path);
    }
    json_decref(block);
    free(dir);
}
