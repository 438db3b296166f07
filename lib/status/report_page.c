/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_page.c - the frame of the page: style, escaping, what all sections use. */
#include "status/report.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- writing --- */

static void note_failure(struct mt_page_text *page, int ret, const struct mt_err *why)
{
    if (ret < 0 && !page->failed) {
        page->failed = true;
        page->failure = *why;
    }
}

void mt_page_add(struct mt_page_text *page, const char *fmt, ...)
{
    struct mt_err why = {.code = MT_OK};
    char small[1024];
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof small)
        n = mt_fail(&why, MT_ERR_BUG, "a piece of markup is too long: '%.80s'", fmt);
    else
        n = mt_buf_add(&page->buf, small, (size_t)n, &why);
    note_failure(page, n, &why);
}

static const char *entity_of(uint32_t cp)
{
    switch (cp) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Controls become U+FFFD: they are no characters of HTML, or turn the text around. */
void mt_page_text(struct mt_page_text *page, const char *text)
{
    char *clean = mt_utf8_clean(text, strlen(text));
    size_t n = strlen(clean);
    struct mt_err why = {.code = MT_OK};
    uint32_t cp;
    int ret = 0;

    for (size_t i = 0; i < n && ret == 0;) {
        size_t len = mt_utf8_next(clean + i, n - i, &cp);
        const char *as = entity_of(cp);
        if (cp == '\n' || cp == '\t')
            as = " ";
        else if (mt_utf8_is_control(cp))
            as = "\xef\xbf\xbd";
        ret = as ? mt_buf_add(&page->buf, as, strlen(as), &why)
                 : mt_buf_add(&page->buf, clean + i, len, &why);
        i += len;
    }
    note_failure(page, ret, &why);
    free(clean);
}

/* --- what sections are made of --- */

void mt_page_open(struct mt_page_text *page, const char *title)
{
    mt_page_add(page, "<section>\n<h2>%s</h2>\n", mt_page_word(page, title));
}

void mt_page_close(struct mt_page_text *page)
{
    mt_page_add(page, "</section>\n");
}

void mt_page_figure(struct mt_page_text *page, const char *label, const char *value)
{
    mt_page_add(page, "<div class=\"figure\"><span>%s</span><b><bdi>", mt_page_word(page, label));
    mt_page_text(page, value);
    mt_page_add(page, "</bdi></b></div>\n");
}

void mt_page_note(struct mt_page_text *page, const char *word)
{
    mt_page_add(page, "<p class=\"note\">%s</p>\n", mt_page_word(page, word));
}

/* --- the frame --- */

/*
 * Colours are told apart by lightness too, and by place and text: none of them
 * is the only thing that says something.
 */
static const char *const style[] = {
    ":root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#1a1d21;--soft:#5b636d;"
    "--line:#d9dee4;--good:#2f6fb5;--bad:#c4432b;--mid:#8a6d1d;--faint:#e9edf2}\n",
    "@media (prefers-color-scheme:dark){:root{--ground:#14171a;--card:#1d2125;--ink:#e8eaed;"
    "--soft:#a2abb5;--line:#363c43;--good:#6aa9ec;--bad:#f0806a;--mid:#d9b54a;--faint:#282d33}}\n",
    "*{box-sizing:border-box}body{margin:0 auto;padding:1.5rem;max-width:64rem;"
    "background:var(--ground);color:var(--ink);"
    "font:1rem/1.5 system-ui,\"Segoe UI\",\"Noto Sans\",\"Noto Naskh Arabic\",sans-serif}\n",
    "h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:0 0 .75rem}"
    "header p{margin:.25rem 0 1.25rem;color:var(--soft)}\n",
    "section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;"
    "padding:1rem 1.25rem;margin-block-end:1rem}\n",
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:1rem}"
    ".figure span{display:block;color:var(--soft);font-size:.85rem}.figure b{font-size:1.35rem;"
    "font-weight:600}\n",
    "table{border-collapse:collapse;width:100%%;font-variant-numeric:tabular-nums}"
    "th,td{padding:.3rem .6rem;text-align:start;border-block-end:1px solid var(--line);"
    "overflow-wrap:anywhere}th{color:var(--soft);font-weight:500;font-size:.85rem}"
    "th.n,td.n{text-align:end;white-space:nowrap}tr:last-child td{border:0}\n",
    ".scroll{overflow-x:auto}.note{color:var(--soft);font-size:.85rem;margin:.5rem 0 0}"
    "svg{display:block;width:100%%;height:auto}svg text{fill:var(--soft);font-size:11px}\n",
    ".good{fill:var(--good);background:var(--good)}.bad{fill:var(--bad);background:var(--bad)}"
    ".mid{fill:var(--mid);background:var(--mid)}.axis{stroke:var(--line)}"
    ".curve{fill:none;stroke:var(--good);stroke-width:1.2}.span{stroke:var(--card);"
    "stroke-width:.5}\n",
    ".bars{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr max-content;"
    "gap:.35rem .75rem;align-items:center}.bars i{display:block;height:.9rem;min-width:1px;"
    "border-radius:.15rem}.bars span:last-of-type{font-variant-numeric:tabular-nums}"
    ".bars .name{overflow-wrap:anywhere}\n",
    ".key{display:inline-block;width:.8em;height:.8em;border-radius:.15em;"
    "margin-inline:.75rem .35rem}.pictures{display:grid;gap:.75rem;"
    "grid-template-columns:repeat(auto-fill,minmax(9rem,1fr))}figure{margin:0}"
    "figure.wide{grid-column:1/-1}figure img{display:block;max-width:100%%;height:auto;"
    "border-radius:.25rem}figcaption{color:var(--soft);font-size:.8rem}\n",
    "@media print{:root{color-scheme:light;--ground:#fff;--card:#fff;--ink:#000;--soft:#444;"
    "--line:#bbb;--good:#2f6fb5;--bad:#c4432b;--mid:#8a6d1d;--faint:#eee}body{padding:0;"
    "max-width:none;font-size:10pt}section{break-inside:avoid;border-width:0 0 1px;"
    "border-radius:0;padding:.5rem 0}section:has(.pictures),section:has(table){break-inside:auto}"
    "h2{break-after:avoid}figure.wide "
    "img{max-height:9cm}.span{stroke:none}*{-webkit-print-color-adjust:exact;"
    "print-color-adjust:exact}.scroll{overflow:visible}tr,figure{break-inside:avoid}}\n",
};

static void put_head(struct mt_page_text *page, const char *title)
{
    mt_page_add(page,
                "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "img-src data:; style-src 'unsafe-inline'\">\n<title>",
                page->arabic ? "ar" : "en", page->arabic ? "rtl" : "ltr");
    mt_page_text(page, title);
    mt_page_add(page, "</title>\n<style>\n");
    for (size_t i = 0; i < sizeof style / sizeof *style; i++)
        mt_page_add(page, style[i], 0);
    mt_page_add(page, "</style>\n</head>\n<body>\n");
}

static void put_day(struct mt_page_text *page, const char *time)
{
    char *text = mt_asprintf("%.10s %.5s UTC", time, strlen(time) > 16 ? time + 11 : "");

    mt_page_add(page, "<bdi dir=\"ltr\">");
    mt_page_text(page, text);
    mt_page_add(page, "</bdi>");
    free(text);
}

static void put_title(struct mt_page_text *page, const char *title, const json_t *report)
{
    const char *since = mt_json_str(report, "since", NULL);
    const char *until = mt_json_str(report, "until", NULL);

    mt_page_add(page, "<header>\n<h1><bdi>");
    mt_page_text(page, title);
    mt_page_add(page, "</bdi></h1>\n<p>%s ", mt_page_word(page, "Made"));
    put_day(page, mt_json_str(report, "generated_at", ""));
    if (since) {
        mt_page_add(page, " \xc2\xb7 %s ", mt_page_word(page, "From"));
        put_day(page, since);
    }
    if (until) {
        mt_page_add(page, " \xc2\xb7 %s ", mt_page_word(page, "Before"));
        put_day(page, until);
    }
    mt_page_add(page, "</p>\n</header>\n");
}

int mt_report_page(struct mt_page_text *page, const json_t *report, struct mt_store *store,
                   struct mt_err *err)
{
    bool all = strcmp(mt_json_str(report, "report", ""), "all") == 0;
    const char *title = all ? mt_page_word(page, "Media report")
                            : mt_json_str(report, "document.asset.original_filename", "");

    put_head(page, title);
    put_title(page, title, report);
    if (all)
        mt_page_all(page, report);
    else
        mt_page_asset(page, report, store);
    mt_page_add(page, "</body>\n</html>\n");
    if (!page->failed)
        return 0;
    *err = page->failure;
    mt_fail_in(err, "the page");
    return -1;
}
