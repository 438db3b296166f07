/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * speech-pocketsphinx.c - English speech to text, by CMU Sphinx, offline.
 *
 * Options: hmm, lm, dict - an acoustic model, a language model and a dictionary in its formats; all
 * three or none: those of Debian's pocketsphinx-en-us are taken then.
 */
#include "base/mem.h"
#include "engine-kit/kit.h"
#include "json/json.h"

#include <pocketsphinx/pocketsphinx.h>
#include <sphinxbase/err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL "/usr/share/pocketsphinx/model/en-us/"
#define FRAME_S 0.01 /* of the recogniser */
#define PAUSE_S 0.6  /* ends a cue */
#define CUE_S 7.0
#define FRAMES_PER_S "100"

enum { PARTS = 3 };

static const char *const names[PARTS] = {"hmm", "lm", "dict"};
static const char *const usual[PARTS] = {MODEL "en-us", MODEL "en-us.lm.bin",
                                         MODEL "cmudict-en-us.dict"};

static const char *part(const json_t *options, int i)
{
    return mt_json_str(options, names[i], usual[i]);
}

static json_t *about(const json_t *options)
{
    json_t *doc = json_pack("{s:i, s:s, s:s, s:[s], s:[s], s:{s:s, s:i}, s:b, s:i}", "protocol", 1,
                            "name", "speech-pocketsphinx", "version", "1", "types", "transcription",
                            "languages", "en", "needs", "input", "audio", "rate_hz", 16000,
                            "parallel", 1, "preference", -10);

    for (int i = 0; i < PARTS; i++) {
        if (access(part(options, i), R_OK) == 0)
            continue;
        json_object_set_new(doc, "ready", json_false());
        json_object_set_new(doc, "missing", mt_json_text(part(options, i)));
        json_object_set_new(doc, "hint", json_string("apt-get install pocketsphinx-en-us"));
        break;
    }
    return doc;
}

/* The library ends the process when it meets a model that is none. */
static bool loading;

static void explain_exit(void)
{
    static const char line[] =
        "{\"type\": \"error\", \"code\": \"unavailable\", \"message\": \"what hmm, lm and dict "
        "name is no model of CMU Sphinx\", \"hint\": \"apt-get install pocketsphinx-en-us, or set "
        "them to a model\"}\n";

    if (loading && write(STDOUT_FILENO, line, sizeof line - 1) < 0)
        loading = false;
}

static int open_decoder(ps_decoder_t **decoder, cmd_ln_t **config, const json_t *options,
                        struct mt_err *err)
{
    err_set_logfp(NULL);
    loading = atexit(explain_exit) == 0;
    *config =
        cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", part(options, 0), "-lm", part(options, 1),
                    "-dict", part(options, 2), "-bestpath", "yes", "-frate", FRAMES_PER_S, NULL);
    *decoder = *config ? ps_init(*config) : NULL;
    loading = false;
    if (*decoder)
        return 0;
    mt_fail(err, MT_ERR_UNAVAILABLE, "the model in '%s' cannot be loaded", part(options, 0));
    return mt_hint(err, "apt-get install pocketsphinx-en-us, or set hmm, lm and dict to a model");
}

/* "the(2)" is a way to pronounce "the". Fillers such as <sil> and [NOISE] are no words: false. */
static bool clean_word(char *word)
{
    char *variant = strchr(word, '(');

    if (*word == '<' || *word == '[' || *word == '+' || !*word)
        return false;
    if (variant && variant > word)
        *variant = '\0';
    return true;
}

/* Words that are gathered until they make a cue. */
struct cue {
    json_t *words;
    double start, end, sure;
};

static int flush_cue(struct cue *cue, struct mt_err *err)
{
    size_t n = json_array_size(cue->words);
    char *text = mt_strdup("");
    json_t *word;
    size_t i;

    if (n == 0) {
        free(text);
        return 0;
    }
    json_array_foreach(cue->words, i, word)
    {
        char *longer = mt_asprintf("%s%s%s", text, i ? " " : "", mt_json_str(word, "text", ""));
        free(text);
        text = longer;
    }
    int ret = mt_kit_finding(
        json_pack("{s:o, s:o, s:o, s:o, s:s, s:O}", "start_s", mt_json_real(cue->start, 3), "end_s",
                  mt_json_real(cue->end, 3), "text", mt_json_text(text), "confidence",
                  mt_json_real(cue->sure / (double)n, 3), "language", "en", "words", cue->words),
        err);
    free(text);
    json_decref(cue->words);
    *cue = (struct cue){.words = json_array()};
    return ret;
}

static int add_word(struct cue *cue, const char *word, double start, double end, double sure,
                    struct mt_err *err)
{
    if (json_array_size(cue->words) > 0 &&
        (start - cue->end > PAUSE_S || end - cue->start > CUE_S) && flush_cue(cue, err) < 0)
        return -1;
    if (json_array_size(cue->words) == 0)
        cue->start = start;
    cue->end = end;
    cue->sure += sure;
    json_array_append_new(cue->words,
                          json_pack("{s:o, s:o, s:o, s:o}", "text", mt_json_text(word), "start_s",
                                    mt_json_real(start, 3), "end_s", mt_json_real(end, 3),
                                    "confidence", mt_json_real(sure, 3)));
    return 0;
}

static double share(ps_decoder_t *decoder, int32 log_probability)
{
    double p = logmath_exp(ps_get_logmath(decoder), log_probability);

    return p < 0 ? 0 : p > 1 ? 1 : p;
}

static int take_words(ps_decoder_t *decoder, const json_t *span, struct mt_err *err)
{
    double from = mt_json_num(span, "start_s", 0), to = mt_json_num(span, "end_s", 0);
    struct cue cue = {.words = json_array()};
    int ret = 0;

    for (ps_seg_t *seg = ps_seg_iter(decoder); seg; seg = ps_seg_next(seg)) {
        char *word = mt_strdup(ps_seg_word(seg));
        int first, last;
        int32 acoustic, language, back;

        ps_seg_frames(seg, &first, &last);
        int32 posterior = ps_seg_prob(seg, &acoustic, &language, &back);
        double end = from + (last + 1) * FRAME_S;
        if (ret == 0 && clean_word(word))
            ret = add_word(&cue, word, from + first * FRAME_S, end < to ? end : to,
                           share(decoder, posterior), err);
        free(word);
    }
    if (ret == 0)
        ret = flush_cue(&cue, err);
    json_decref(cue.words);
    return ret;
}

static int recognise(ps_decoder_t *decoder, const json_t *task, const json_t *span,
                     struct mt_err *err)
{
    size_t n = 0;
    int16_t *samples = mt_kit_samples(task, span, &n, err);

    if (!samples)
        return -1;
    int ret = ps_start_utt(decoder) < 0 || ps_process_raw(decoder, samples, n, FALSE, TRUE) < 0 ||
                      ps_end_utt(decoder) < 0
                  ? mt_fail(err, MT_ERR_FAILED, "the recogniser gave up at %.1f s",
                            mt_json_num(span, "start_s", 0))
                  : take_words(decoder, span, err);
    free(samples);
    return ret;
}

static int run(const json_t *task, struct mt_err *err)
{
    const json_t *spans = json_object_get(task, "spans");
    ps_decoder_t *decoder = NULL;
    cmd_ln_t *config = NULL;
    json_t *span;
    size_t i;
    int ret = open_decoder(&decoder, &config, json_object_get(task, "options"), err);

    json_array_foreach(spans, i, span)
    {
        if (ret == 0)
            ret = recognise(decoder, task, span, err);
        if (ret == 0)
            ret = mt_kit_progress((double)(i + 1) / (double)json_array_size(spans), err);
    }
    ps_free(decoder);
    cmd_ln_free_r(config);
    return ret;
}

int main(int argc, char **argv)
{
    static const struct mt_kit_engine engine = {about, run};

    return mt_kit_main(&engine, argc, argv);
}
