/* SPDX-License-Identifier: GPL-2.0-or-later */
/* openapi.c - the table of routes, as OpenAPI 3.1 tells it. */
#include "api/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-schema.h"

/* "#/$defs/X" of the file is "#/components/schemas/X" of the document. */
static void move_refs(json_t *value)
{
    static const char from[] = "#/$defs/";
    const char *key;
    json_t *member;
    size_t i;

    json_object_foreach(value, key, member)
    {
        const char *ref = strcmp(key, "$ref") == 0 ? json_string_value(member) : NULL;
        if (ref && mt_str_starts(ref, from)) {
            char *moved = mt_asprintf("#/components/schemas/%s", ref + sizeof from - 1);
            json_string_set(member, moved);
            free(moved);
        }
        move_refs(member);
    }
    json_array_foreach(value, i, member)
    {
        move_refs(member);
    }
}

static json_t *ref_to(const char *schema)
{
    char *ref = mt_asprintf("#/components/schemas/%s", schema);
    json_t *out = json_pack("{s:s}", "$ref", ref);

    free(ref);
    return out;
}

static json_t *content_of(const char *type, const char *schema)
{
    return json_pack("{s:{s:o}}", type, "schema",
                     schema ? ref_to(schema) : json_pack("{s:s}", "type", "string"));
}

/* "TYPE:schema", "schema" (JSON), or "TYPE". */
static json_t *content(const char *what)
{
    const char *colon = strchr(what, ':');

    if (!strchr(what, '/'))
        return content_of("application/json", what);
    if (!colon)
        return content_of(what, NULL);
    char *type = mt_strndup(what, (size_t)(colon - what));
    json_t *out = content_of(type, colon + 1);
    free(type);
    return out;
}

static const char *meaning_of(int status)
{
    switch (status) {
    case 200:
        return "As asked";
    case 201:
        return "Created";
    case 202:
        return "Accepted: it is done later";
    case 204:
        return "Done; there is nothing to tell";
    case 304:
        return "What the client has is still so";
    default:
        return "See the description";
    }
}

static json_t *answers_of(const struct mt_api_route *r)
{
    json_t *answers = json_object();
    char code[12];

    for (int i = 0; i < MT_API_ANSWERS && r->answers[i].status; i++) {
        json_t *one = json_pack("{s:s}", "description", meaning_of(r->answers[i].status));
        if (r->answers[i].schema)
            json_object_set_new(one, "content", content(r->answers[i].schema));
        snprintf(code, sizeof code, "%d", r->answers[i].status);
        json_object_set_new(answers, code, one);
    }
    json_object_set_new(answers, "default",
                        json_pack("{s:s, s:o}", "description", "A problem (RFC 9457)", "content",
                                  content_of("application/problem+json", "Problem")));
    return answers;
}

static json_t *parameter(const char *name, size_t n, const char *in, bool required)
{
    char *text = mt_strndup(name, n);
    bool whole = strcmp(text, "limit") == 0;
    bool id = mt_str_ends(text, "_id");
    json_t *schema = json_pack("{s:s}", "type", whole ? "integer" : "string");

    if (id)
        json_object_set_new(schema, "format", json_string("uuid"));
    if (whole)
        json_object_set_new(schema, "minimum", json_integer(1));
    json_t *out = json_pack("{s:s, s:s, s:b, s:o}", "name", text, "in", in, "required",
                            (int)required, "schema", schema);
    free(text);
    return out;
}

static json_t *parameters_of(const struct mt_api_route *r)
{
    json_t *list = json_array();
    const char *at = r->path;

    while ((at = strchr(at, '{'))) {
        size_t n = strcspn(++at, "}");
        json_array_append_new(list, parameter(at, n, "path", true));
    }
    for (at = r->query; at && *at;) {
        size_t n = strcspn(at, ",");
        json_array_append_new(list, parameter(at, n, "query", false));
        at += n + (at[n] == ',');
    }
    if (r->flags & MT_API_ONCE)
        json_array_append_new(list, parameter("Idempotency-Key", 15, "header", false));
    if (strstr(r->path, "/events"))
        json_array_append_new(list, parameter("Last-Event-ID", 13, "header", false));
    return list;
}

/* The roles that the permissions are given by. */
static json_t *roles_of(unsigned needs)
{
    json_t *roles = json_array();

    for (int i = 0; mt_roles[i]; i++)
        if ((mt_role_may(mt_roles[i]) & needs) == needs)
            json_array_append_new(roles, json_string(mt_roles[i]));
    return roles;
}

static json_t *operation_of(const struct mt_api_route *r)
{
    json_t *op = json_pack("{s:s, s:s, s:o, s:o}", "operationId", r->operation, "summary",
                           r->summary, "parameters", parameters_of(r), "responses", answers_of(r));

    if (r->body)
        json_object_set_new(op, "requestBody",
                            json_pack("{s:b, s:o}", "required", 1, "content", content(r->body)));
    if (r->needs)
        json_object_set_new(op, "x-roles", roles_of(r->needs));
    else
        json_object_set_new(op, "security", json_array());
    return op;
}

static void add_routes(json_t *paths, const struct mt_api_route *table)
{
    char method[16];

    for (const struct mt_api_route *r = table; r->path; r++) {
        json_t *path = json_object_get(paths, r->path);
        if (!path) {
            path = json_object();
            json_object_set_new(paths, r->path, path);
        }
        snprintf(method, sizeof method, "%s", mt_http_method_name(r->method));
        json_object_set_new(path, mt_str_lower(method), operation_of(r));
    }
}

json_t *mt_api_openapi(void)
{
    struct mt_err err;
    json_t *file = mt_json_parse("api.json", api_schema, sizeof api_schema - 1, &err);
    json_t *schemas = json_object_get(file, "$defs");
    json_t *paths = json_object();
    json_t *document;

    if (schemas)
        move_refs(schemas);
    add_routes(paths, mt_api_routes);
    add_routes(paths, mt_api_upload_routes);
    document = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:o, s:{s:O?, s:{s:{s:s, s:s, s:s}}}, s:[{s:[]}]}",
        "openapi", "3.1.0", "jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema",
        "info", "title", "Media processing service", "version", MT_VERSION, "license", "name",
        "GPL-2.0-or-later", "paths", paths, "components", "schemas", schemas, "securitySchemes",
        "token", "type", "http", "scheme", "bearer", "bearerFormat", "JWT", "security", "token");
    json_decref(file);
    return document;
}
