/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * direct.c - what speech-pocketsphinx does, without any protocol: for scripts/bench-analyze.
 *
 *   direct PCM STEP_S    recognises s16le sound of 16 kHz in pieces of STEP_S seconds; prints
 *                        seconds of the clock and of the processor, and how many words
 */
#include <pocketsphinx/pocketsphinx.h>
#include <sphinxbase/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define MODEL "/usr/share/pocketsphinx/model/en-us/"

enum { RATE = 16000 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double processor(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    double from = now();
    FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;
    size_t step = argc == 3 ? (size_t)(atof(argv[2]) * RATE) : 0, n;
    int16_t *samples = malloc((step + 1) * sizeof *samples);
    int words = 0;

    if (!f || step == 0 || !samples) {
        fprintf(stderr, "usage: direct PCM STEP_S\n");
        return 2;
    }
    err_set_logfp(NULL);
    cmd_ln_t *config =
        cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", MODEL "en-us", "-lm", MODEL "en-us.lm.bin",
                    "-dict", MODEL "cmudict-en-us.dict", "-bestpath", "yes", "-frate", "100", NULL);
    ps_decoder_t *decoder = config ? ps_init(config) : NULL;
    if (!decoder)
        return 1;
    while ((n = fread(samples, sizeof *samples, step, f)) > 0) {
        ps_start_utt(decoder);
        ps_process_raw(decoder, samples, n, FALSE, TRUE);
        ps_end_utt(decoder);
        for (ps_seg_t *seg = ps_seg_iter(decoder); seg; seg = ps_seg_next(seg)) {
            int32 acoustic, language, back;
            ps_seg_prob(seg, &acoustic, &language, &back);
            words += *ps_seg_word(seg) != '<';
        }
    }
    ps_free(decoder);
    cmd_ln_free_r(config);
    fclose(f);
    free(samples);
    printf("%.3f %.3f %d\n", now() - from, processor(), words);
    return 0;
}
