/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * speech-openai.c - speech to text by any server with OpenAI's API of transcriptions.
 *
 * Its options stand in media-engine(7). Pieces of the sound go out several at a time; what is
 * refused for the moment is tried again. Redirects are not followed, so that neither the
 * key nor the sound goes anywhere but where the configuration says.
 */
#include "asr/asr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine-kit/kit.h"
#include "engine-kit/pieces.h"
#include "language/language.h"
#include "json/json.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GAP_S 2.0 /* of silence that may be sent along */
#define BEAT_US INT64_C(20000000)
#define WAIT_MAX_S 60

enum { ANSWER_MAX = 32 << 20, CALLS_MAX = 16, KEY_MAX = 4096 };

enum state { WAITING, RUNNING, DONE };

struct piece {
    struct mt_kit_piece at;
    enum state state;
    int64_t attempts, not_before_us;
    char language[16]; /* that it is asked for in; "": the server is to find out */
    bool asked_again;
};

struct call {
    CURL *easy;
    curl_mime *form;
    struct mt_buf answer;
    char words[CURL_ERROR_SIZE];
    size_t piece;
    bool busy;
};

struct job {
    const json_t *task, *options;
    char *url, *key;
    struct curl_slist *headers;
    int64_t parallel, timeout_s, retries, length_s;
    struct piece *pieces;
    size_t n, done;
    CURLM *multi;
    struct call calls[CALLS_MAX];
    int64_t told_us;
};

static const char *option(const struct job *job, const char *name, const char *fallback)
{
    return mt_json_str(job->options, name, fallback);
}

static json_t *about(const json_t *options)
{
    const char *url = mt_json_str(options, "url", "");
    char *version = mt_asprintf("1 %s", mt_json_str(options, "model", "whisper-1"));
    char *printable = mt_text_printable(version, 200);
    json_t *doc = json_pack("{s:i, s:s, s:o, s:[s], s:[s], s:{s:s, s:i, s:b}, s:i}", "protocol", 1,
                            "name", "speech-openai", "version", mt_json_text(printable), "types",
                            "transcription", "languages", "*", "needs", "input", "audio", "rate_hz",
                            16000, "network", 1, "preference", 20);

    free(version);
    free(printable);
    if (mt_str_starts(url, "http://") || mt_str_starts(url, "https://"))
        return doc;
    json_object_set_new(doc, "ready", json_false());
    json_object_set_new(doc, "missing", json_string("the URL of a server of transcriptions"));
    json_object_set_new(
        doc, "hint",
        json_string("set engines.speech-openai.url in media.yaml, as http://127.0.0.1:8080/v1"));
    return doc;
}

/* Whether what is sent there stays on this machine. */
static bool is_local(const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    bool local = false;

    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        local = strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
                strcmp(host, "[::1]") == 0;
    curl_free(host);
    curl_url_cleanup(parts);
    return local;
}

static int read_key(struct job *job, const char *path, struct mt_err *err)
{
    struct mt_buf buf;

    mt_buf_init(&buf, KEY_MAX);
    if (mt_read_file(path, &buf, err) < 0) {
        err->code = MT_ERR_CONFIG;
        mt_hint(err, "key_file is the absolute path of a file that holds the key and nothing else");
        return -1;
    }
    size_t n = buf.len ? strcspn(buf.data, "\r\n") : 0;
    bool bad = n == 0;
    for (size_t i = 0; i < n; i++)
        bad = bad || buf.data[i] <= ' ' || buf.data[i] >= 127;
    if (!bad)
        job->key = mt_strndup(buf.data, n);
    mt_buf_free(&buf);
    if (bad)
        return mt_fail(err, MT_ERR_CONFIG, "the first line of '%s' is not a key", path);
    if (mt_str_starts(job->url, "https://") || is_local(job->url))
        return 0;
    mt_fail(err, MT_ERR_CONFIG, "the key would go over the network for all to read");
    return mt_hint(err, "use an https URL, or leave key_file out");
}

static int read_options(struct job *job, struct mt_err *err)
{
    const char *key_file = option(job, "key_file", NULL);

    if (mt_kit_number(job->options, "parallel", 1, CALLS_MAX, 4, &job->parallel, err) < 0 ||
        mt_kit_number(job->options, "timeout", 1, 3600, 300, &job->timeout_s, err) < 0 ||
        mt_kit_number(job->options, "retries", 0, 20, 5, &job->retries, err) < 0 ||
        mt_kit_number(job->options, "length", 1, 600, 45, &job->length_s, err) < 0)
        return -1;
    job->url = mt_asr_endpoint(option(job, "url", ""));
    if (key_file && read_key(job, key_file, err) < 0)
        return -1;
    char *auth = mt_asprintf("Authorization: Bearer %s", job->key ? job->key : "");
    if (job->key)
        job->headers = curl_slist_append(job->headers, auth);
    /* Servers need not ask for the body to be sent: a round trip less. */
    job->headers = curl_slist_append(job->headers, "Expect:");
    free(auth);
    return 0;
}

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
    struct mt_err ignored;

    return mt_buf_add(ctx, data, size * n, &ignored) < 0 ? 0 : size * n;
}

static void add_field(curl_mime *form, const char *name, const char *value)
{
    curl_mimepart *part = curl_mime_addpart(form);

    curl_mime_name(part, name);
    curl_mime_data(part, value, CURL_ZERO_TERMINATED);
}

static void add_fields(const struct job *job, curl_mime *form, const char *language)
{
    const char *format = option(job, "format", "verbose_json");
    const char *automatic = option(job, "auto_language", NULL);

    add_field(form, "model", option(job, "model", "whisper-1"));
    add_field(form, "response_format", format);
    add_field(form, "temperature", option(job, "temperature", "0"));
    if (strcmp(format, "verbose_json") == 0) {
        add_field(form, "timestamp_granularities[]", "word");
        add_field(form, "timestamp_granularities[]", "segment");
    }
    if (*language || automatic)
        add_field(form, "language", *language ? language : automatic);
    if (option(job, "prompt", NULL))
        add_field(form, "prompt", option(job, "prompt", ""));
}

static void set_up(const struct job *job, struct call *call)
{
    CURL *easy = call->easy;

    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, job->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 15L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)job->timeout_s);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, job->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "media-toolkit/" MT_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &call->answer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->words);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    if (option(job, "ca_file", NULL))
        curl_easy_setopt(easy, CURLOPT_CAINFO, option(job, "ca_file", ""));
}

static int send_piece(struct job *job, struct call *call, size_t i, struct mt_err *err)
{
    struct piece *piece = &job->pieces[i];
    size_t bytes = 0;
    void *wav = mt_kit_wav(job->task, &piece->at, &bytes, err);

    if (!wav)
        return -1;
    mt_buf_clear(&call->answer);
    *call->words = '\0';
    set_up(job, call);
    call->form = curl_mime_init(call->easy);
    curl_mimepart *part = curl_mime_addpart(call->form);
    curl_mime_name(part, "file");
    curl_mime_filename(part, "speech.wav");
    curl_mime_type(part, "audio/wav");
    curl_mime_data(part, wav, bytes);
    free(wav);
    add_fields(job, call->form, piece->language);
    curl_easy_setopt(call->easy, CURLOPT_MIMEPOST, call->form);
    call->piece = i;
    call->busy = true;
    piece->state = RUNNING;
    piece->attempts++;
    if (curl_multi_add_handle(job->multi, call->easy) == CURLM_OK)
        return 0;
    return mt_fail(err, MT_ERR_BUG, "a request cannot be started");
}

/* Puts the piece off: what the server wants, else 1, 2, 4 ... s and some chance. false: enough. */
static bool put_off(struct job *job, struct call *call)
{
    struct piece *piece = &job->pieces[call->piece];
    curl_off_t wanted = 0;
    int64_t wait = INT64_C(1000000) << (piece->attempts < 6 ? piece->attempts - 1 : 5);

    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &wanted);
    if (piece->attempts > job->retries || wanted > WAIT_MAX_S)
        return false;
    wait = wanted > 0 ? wanted * 1000000 : wait / 2 + rand() % (wait / 2);
    piece->not_before_us = mt_mono_us() + wait;
    piece->state = WAITING;
    return true;
}

static struct mt_asr_refusal refusal_of(const struct job *job, const struct call *call, long status)
{
    char *to = NULL;

    curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &to);
    return (struct mt_asr_refusal){.status = status,
                                   .text = call->answer.data,
                                   .n = call->answer.len,
                                   .redirect = to,
                                   .attempts = job->pieces[call->piece].attempts};
}

static int fail_transfer(const struct job *job, const struct call *call, CURLcode code,
                         struct mt_err *err)
{
    const char *words = *call->words ? call->words : curl_easy_strerror(code);

    if (code == CURLE_WRITE_ERROR)
        return mt_fail(err, MT_ERR_LIMIT, "the server's answer has more than %d bytes", ANSWER_MAX);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        mt_fail(err, MT_ERR_CONFIG, "the server at '%s' cannot be trusted: %s", job->url, words);
        return mt_hint(err, "set ca_file to the certificate of the authority that signed it");
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        mt_fail(err, MT_ERR_CONFIG, "'%s' is no URL of a server: %s", job->url, words);
        return mt_hint(err, "set 'url' as http://127.0.0.1:8080/v1");
    }
    mt_fail(err, MT_ERR_BUSY, "no answer from '%s': %s", job->url, words);
    return mt_hint(err, "see whether the server runs and 'url' is its address");
}

static bool may_help_to_wait(CURLcode code)
{
    return code != CURLE_WRITE_ERROR && code != CURLE_PEER_FAILED_VERIFICATION &&
           code != CURLE_SSL_CACERT_BADFILE && code != CURLE_URL_MALFORMAT &&
           code != CURLE_UNSUPPORTED_PROTOCOL;
}

/*
 * A language that the caller did not speak of is mostly a mistake of the detection: then the
 * piece is asked for again in the one that its script is of, if that may be spoken.
 */
static bool ask_again(struct job *job, struct piece *piece, const json_t *segments)
{
    const json_t *allowed = json_object_get(job->task, "languages");
    const json_t *first = json_array_get(segments, 0);
    const char *said = mt_json_str(first, "language", "");
    const char *script = mt_language_by_script(mt_json_str(first, "text", ""));
    bool foreign = json_array_size(allowed) > 0 && *said, fits = false;
    const json_t *language;
    size_t i;

    json_array_foreach(allowed, i, language)
    {
        const char *code = json_string_value(language);
        foreign = foreign && strncmp(code, said, strcspn(said, "-")) != 0;
        fits = fits || (script && strncmp(code, script, 2) == 0);
    }
    if (piece->asked_again || *piece->language || !foreign || !fits)
        return false;
    piece->asked_again = true;
    piece->attempts = 0;
    piece->state = WAITING;
    snprintf(piece->language, sizeof piece->language, "%s", script);
    return true;
}

static int say(struct job *job, struct piece *piece, json_t *segments, struct mt_err *err)
{
    json_t *segment;
    size_t i;

    mt_asr_fit(segments, piece->at.start_s, piece->at.end_s - piece->at.start_s);
    json_array_foreach(segments, i, segment)
    {
        if (*piece->language && !json_object_get(segment, "language"))
            json_object_set_new(segment, "language", json_string(piece->language));
        if (mt_kit_finding(json_incref(segment), err) < 0)
            return -1;
    }
    piece->state = DONE;
    job->done++;
    job->told_us = mt_mono_us();
    return mt_kit_progress((double)job->done / (double)job->n, err);
}

static int take_answer(struct job *job, struct call *call, struct mt_err *err)
{
    struct piece *piece = &job->pieces[call->piece];
    const char *text = call->answer.len ? call->answer.data : "";
    json_t *segments =
        mt_asr_openai(text, call->answer.len, piece->at.end_s - piece->at.start_s, err);

    if (!segments)
        return err->code == MT_ERR_BUSY && put_off(job, call) ? 0 : -1;
    int ret = ask_again(job, piece, segments) ? 0 : say(job, piece, segments, err);
    json_decref(segments);
    return ret;
}

static int judge(struct job *job, struct call *call, struct mt_err *err)
{
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return take_answer(job, call, err);
    struct mt_asr_refusal refusal = refusal_of(job, call, status);
    if (mt_asr_is_temporary(&refusal) && put_off(job, call))
        return 0;
    return mt_asr_refuse(&refusal, err);
}

static int finish(struct job *job, struct call *call, CURLcode code, struct mt_err *err)
{
    int ret = code == CURLE_OK                               ? judge(job, call, err)
              : may_help_to_wait(code) && put_off(job, call) ? 0
                                                             : fail_transfer(job, call, code, err);

    curl_multi_remove_handle(job->multi, call->easy);
    curl_mime_free(call->form);
    call->form = NULL;
    call->busy = false;
    return ret;
}

/* Gives idle calls something to do. */
static int occupy(struct job *job, struct mt_err *err)
{
    int64_t now = mt_mono_us();
    size_t next = 0;

    for (int64_t c = 0; c < job->parallel; c++) {
        if (job->calls[c].busy)
            continue;
        while (next < job->n &&
               (job->pieces[next].state != WAITING || job->pieces[next].not_before_us > now))
            next++;
        if (next < job->n && send_piece(job, &job->calls[c], next++, err) < 0)
            return -1;
    }
    return 0;
}

static int collect(struct job *job, struct mt_err *err)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(job->multi, &left))) {
        CURLcode code = message->data.result;
        char *private = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        if (finish(job, (struct call *)(void *)private, code, err) < 0)
            return -1;
    }
    return 0;
}

static int work(struct job *job, struct mt_err *err)
{
    int running;

    while (job->done < job->n) {
        if (occupy(job, err) < 0)
            return -1;
        if (curl_multi_perform(job->multi, &running) != CURLM_OK ||
            curl_multi_poll(job->multi, NULL, 0, 200, NULL) != CURLM_OK)
            return mt_fail(err, MT_ERR_BUG, "requests cannot be made");
        if (collect(job, err) < 0)
            return -1;
        /* A sign of life: each request has a limit of its own. */
        if (mt_mono_us() - job->told_us > BEAT_US) {
            job->told_us = mt_mono_us();
            if (mt_kit_progress((double)job->done / (double)job->n, err) < 0)
                return -1;
        }
    }
    return 0;
}

static void prepare_pieces(struct job *job)
{
    bool times = strcmp(option(job, "format", "verbose_json"), "verbose_json") == 0;
    const char *language = mt_kit_only_language(job->task);
    struct mt_kit_piece *spans =
        mt_kit_pieces(job->task, times ? (double)job->length_s : 0, GAP_S, &job->n);

    job->pieces = mt_alloc((job->n + 1) * sizeof *job->pieces);
    for (size_t i = 0; i < job->n; i++) {
        job->pieces[i].at = spans[i];
        if (language)
            snprintf(job->pieces[i].language, 16, "%.*s", (int)strcspn(language, "-"), language);
    }
    free(spans);
}

static void clean_up(struct job *job)
{
    for (int c = 0; c < CALLS_MAX; c++) {
        struct call *call = &job->calls[c];
        if (call->busy)
            curl_multi_remove_handle(job->multi, call->easy);
        curl_mime_free(call->form);
        curl_easy_cleanup(call->easy);
        mt_buf_free(&call->answer);
    }
    curl_multi_cleanup(job->multi);
    curl_slist_free_all(job->headers);
    curl_global_cleanup();
    free(job->pieces);
    free(job->key);
    free(job->url);
}

static int run(const json_t *task, struct mt_err *err)
{
    struct job job = {.task = task, .options = json_object_get(task, "options")};
    int ret = -1;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    job.multi = curl_multi_init();
    job.told_us = mt_mono_us();
    srand((unsigned)job.told_us);
    for (int c = 0; c < CALLS_MAX; c++) {
        job.calls[c].easy = curl_easy_init();
        mt_buf_init(&job.calls[c].answer, ANSWER_MAX);
    }
    if (read_options(&job, err) < 0)
        goto out;
    prepare_pieces(&job);
    ret = work(&job, err);
out:
    clean_up(&job);
    return ret;
}

int main(int argc, char **argv)
{
    static const struct mt_kit_engine engine = {about, run};

    return mt_kit_main(&engine, argc, argv);
}
