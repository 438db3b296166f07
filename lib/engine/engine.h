/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - programs that find things in media: which there are, and how they are run.
 *
 * An engine is an executable. Asked with --describe it says in JSON what it can do;
 * started without arguments it is given one task: a line of JSON on its
 * standard input, and the material (sound, pictures, text, or the file itself) as
 * an open, seekable file on descriptor 3. It answers with lines of JSON. The protocol
 * is described for its authors in media-engine(7); this module is its one reader.
 *
 * An engine runs in a jail of its own (mt_jail_enter_program()): it reads the system, its own
 * directory and the paths that its options name, writes into an empty directory that is
 * removed afterwards, and reaches the network only if it declares that it must. Its environment
 * is made anew. Nothing that it does fails anything but its own analysis, by name.
 */
#ifndef MT_ENGINE_ENGINE_H
#define MT_ENGINE_ENGINE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    MT_ENGINE_PROTOCOL = 1,
    MT_ENGINES_MAX = 64,              /* in all directories together */
    MT_ENGINE_FINDINGS_MAX = 1 << 18, /* of one task */
};

/* What it wants to be handed. */
enum mt_engine_input {
    MT_ENGINE_AUDIO,  /* PCM: s16le, one channel, at rate_hz */
    MT_ENGINE_FRAMES, /* pictures: rgb24, upright, square pixels, none longer than side_px */
    MT_ENGINE_TEXT,   /* NDJSON: {"start_s", "end_s", "text", "language"} a line */
    MT_ENGINE_FILE,   /* the original, bytes as they are */
};

/* One program, as it describes itself. */
struct mt_engine {
    char *path;
    char *name;    /* the file's name; what --engine and documents call it */
    char *version; /* as it says; part of the recipe of what it finds */
    json_t *about; /* the whole description */
    enum mt_engine_input input;
    int rate_hz;          /* of audio: 8000 to 48000 */
    int side_px;          /* of frames: 16 to 4096 */
    int max_frames;       /* of frames: how many are of use to it in one task; 1 to 100000 */
    bool network;         /* cannot work without it */
    bool parallel;        /* spans of one task may go to several processes */
    int64_t memory_bytes; /* 0: the jail's usual limit */
    bool ready;           /* what it needs is there; else missing and hint say what is not */
    char *missing, *hint;
};

struct mt_engines {
    struct mt_engine list[MT_ENGINES_MAX]; /* in order of directory, then name */
    int n;
    json_t *broken; /* [{"name", "path", "error"}]: executables that did not describe themselves */
};

/* Where engines live and work. All lent. */
struct mt_engine_host {
    const char *path;      /* absolute directories parted by ':' */
    const char *tmp;       /* below it each gets its directory; NULL: /tmp */
    const json_t *options; /* {"NAME": {...}} from the configuration, or NULL */
};

/*
 * Asks every executable in the directories (those missing are passed over; of two engines
 * of one name the first counts; names with a dot are not engines) to describe itself, several at
 * once, each for at most ten seconds, jailed and without network. An engine gets its options
 * with --describe too, as a line on its standard input, so that it can say whether the model it
 * is to use is there. What fails to answer goes to broken. mt_engines_free() afterwards.
 */
void mt_engines_find(struct mt_engines *engines, const struct mt_engine_host *host);
void mt_engines_free(struct mt_engines *engines);

/*
 * The engine for an analysis type. wanted: its name, or NULL for the best: ready ones that
 * know all of the languages (codes "en", "ar", parted by ','; NULL: any) before those that know
 * some, a higher "preference" before a lower one, then in order of the list.
 * MT_ERR_UNAVAILABLE, naming what to install: none of that name or type, not ready, broken, or
 * none that was not named knows any of the languages;
 * MT_ERR_USAGE: the wanted one does not do this type.
 */
const struct mt_engine *mt_engine_choose(const struct mt_engines *engines, const char *type,
                                         const char *wanted, const char *languages,
                                         struct mt_err *err);

/* Whether it declares the type, and how many of the languages (as above) it knows. */
bool mt_engine_does(const struct mt_engine *engine, const char *type);
int mt_engine_languages(const struct mt_engine *engine, const char *languages);

/* One process to be started. */
struct mt_engine_task {
    const json_t *start; /* members of the first line besides "type", "protocol", "analysis" and
                            "options"; lent */
    int fd;              /* the material; the engine gets a descriptor of its own to it,
                            read-only, positioned at 0 */
};

struct mt_engine_run {
    const char *type; /* "transcription" */
    const struct mt_engine_host *host;
    int64_t wall_us, stall_us; /* the whole; between two lines of one. 0: no limit */
    double duration_s;         /* of the material: no finding may lie outside; 0: not checked */

    /*
     * A finding of task i, already checked: times finite, ordered, within the duration; confidence
     * and box in 0..1; texts valid. Lent. -1 with *err ends the run.
     */
    int (*finding)(void *ctx, int i, const json_t *finding, struct mt_err *err);
    void (*progress)(void *ctx, double done); /* 0..1 of all tasks together; may be NULL */
    int (*cancelled)(void *ctx);              /* asked every 100 ms; may be NULL */
    void *ctx;
};

/*
 * Runs the tasks, at most jobs at once, in order. 0 when each
 * has ended well; otherwise -1, all others ended, and *err names the engine:
 * MT_ERR_UNAVAILABLE, BUSY (temporary), FAILED as the engine said itself;
 * MT_ERR_CRASHED: it died, ended without its last line, or wrote what the protocol does not
 * know (err->trace has its last words); TIMEOUT; LIMIT; CANCELLED.
 */
int mt_engine_run(const struct mt_engine *engine, const struct mt_engine_task *tasks, int n,
                  int jobs, const struct mt_engine_run *run, struct mt_err *err) MT_MUST_USE;

#endif
