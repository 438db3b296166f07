/* SPDX-License-Identifier: GPL-2.0-or-later */
/* patient.c - see patient.h. */
#include "work/patient.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "queue/queue.h"

int mt_patient_open(struct mt_patient *p, const char *url,
                    const struct mt_db_driver *const *drivers, int64_t pause_us, struct mt_err *err)
{
    *p = (struct mt_patient){.url = url, .drivers = drivers, .pause_us = pause_us};
    return mt_db_open(&p->db, url, drivers, MT_DB_WRITE, err);
}

void mt_patient_close(struct mt_patient *p)
{
    mt_db_close(&p->db);
}

/* Reading first, which creates nothing: a database that was moved away is not one that is empty. */
static int reopen(struct mt_patient *p, struct mt_err *err)
{
    if (mt_db_open(&p->db, p->url, p->drivers, MT_DB_READ, err) < 0)
        return -1;
    mt_db_close(&p->db);
    return mt_db_open(&p->db, p->url, p->drivers, MT_DB_WRITE, err);
}

bool mt_patient_ready(struct mt_patient *p)
{
    char age[MT_FIGURE];
    struct mt_err err;

    if (p->db)
        return true;
    if (mt_mono_us() < p->retry_us)
        return false;
    if (reopen(p, &err) < 0) {
        p->db = NULL;
        p->retry_us = mt_mono_us() + (int64_t)((double)p->pause_us * (0.5 + mt_queue_random()));
        return false;
    }
    mt_log(MT_LOG_WARN, "database '%s' is back after %s", mt_db_name(p->db),
           mt_show_duration(mt_mono_us() - p->down_us, age));
    p->down_us = 0;
    return true;
}

bool mt_patient_lost(struct mt_patient *p, const struct mt_err *err)
{
    if (err->code == MT_ERR_LEASE || err->code == MT_ERR_NOT_FOUND || err->code == MT_ERR_USAGE)
        return false;
    if (!p->down_us) {
        p->down_us = mt_mono_us();
        mt_log_err(MT_LOG_WARN, err);
        mt_log(MT_LOG_WARN, "the database is away: what runs goes on, what has ended is kept");
    }
    mt_db_close(&p->db);
    p->retry_us = mt_mono_us() + (int64_t)((double)p->pause_us * (0.5 + mt_queue_random()));
    return true;
}
