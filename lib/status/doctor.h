/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor.h - shared by the checks of media-status doctor; each group of them is a file. */
#ifndef MT_STATUS_DOCTOR_H
#define MT_STATUS_DOCTOR_H

#include "status/internal.h"

enum mt_verdict {
    MT_VERDICT_OK,
    MT_VERDICT_UNKNOWN, /* nobody here can tell */
    MT_VERDICT_WARNING, /* it works, and something is to be done */
    MT_VERDICT_PROBLEM, /* it does not work, or is not safe */
};

struct mt_doctor {
    struct mt_status *s;
    json_t *checks; /* what share/schema/doctor.json calls so */
};

/* Records one check: what was looked at, what was found, and (unless NULL) what to do. */
void mt_doctor_say(struct mt_doctor *d, const char *name, enum mt_verdict verdict,
                   const char *remedy, const char *fmt, ...) MT_PRINTF(5, 6);

/* The groups. They report; they never fail. */
void mt_doctor_programs(struct mt_doctor *d); /* siblings, libraries, codecs, engines, fonts */
void mt_doctor_scanner(struct mt_doctor *d);  /* clamd, signatures */
void mt_doctor_machine(struct mt_doctor *d);  /* kernel, clock, temporary space */
void mt_doctor_database(struct mt_doctor *d);
void mt_doctor_server(struct mt_doctor *d, struct mt_db *db); /* of PostgreSQL */
void mt_doctor_replica(struct mt_doctor *d);                  /* only with --db-read */
void mt_doctor_store(struct mt_doctor *d);
void mt_doctor_nginx(struct mt_doctor *d); /* only with --nginx */
void mt_doctor_api(struct mt_doctor *d);   /* what of the HTTP API is configured */

/* Free space and inodes where path is, or will be. */
void mt_doctor_space(struct mt_doctor *d, const char *name, const char *path);

/* --- judgements, for tests too --- */

struct mt_judgement {
    enum mt_verdict verdict;
    const char *reason; /* constant texts */
    const char *remedy; /* or NULL */
};

/* Of an FFmpeg that calls itself "5.1.9-0+deb12u1", "n8.0.3", "8.1.2" ... */
struct mt_judgement mt_judge_ffmpeg(const char *version);

/* Of an SQLite "3.40.1" with databases in WAL mode or not. */
struct mt_judgement mt_judge_sqlite(const char *version, bool wal);

/*
 * Seconds since the newest signature file in dir was built, by the date in its
 * head (or, if it has none, of the file); -1 if there is none.
 */
int64_t mt_signature_age(const char *dir);

/* The directory in which signatures lie unless --signatures says otherwise. */
const char *mt_signature_dir(const struct mt_status *s);

#endif
