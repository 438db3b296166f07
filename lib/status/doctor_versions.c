/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_versions.c - which versions are known to have holes. */
#include "status/doctor.h"

#include <stdio.h>
#include <string.h>

/* "8.0.3", "n8.0.3", "5.1.9-0+deb12u1"; false if it is no release. */
static bool parse(const char *text, int v[3])
{
    v[0] = v[1] = v[2] = 0;
    return sscanf(text, *text == 'n' ? "n%d.%d.%d" : "%d.%d.%d", &v[0], &v[1], &v[2]) >= 2;
}

static bool older(const int v[3], int major, int minor, int patch)
{
    if (v[0] != major)
        return v[0] < major;
    return v[1] != minor ? v[1] < minor : v[2] < patch;
}

/* A distribution repairs its own old version: only it knows what the package has. */
static struct mt_judgement judge_package(const char *version, const int v[3])
{
    if (strstr(version, "deb12") && older(v, 5, 1, 9))
        return (struct mt_judgement){MT_VERDICT_WARNING,
                                     "a package of Debian 12 older than 5.1.9, which was a "
                                     "security update",
                                     "apt update && apt upgrade"};
    return (struct mt_judgement){
        MT_VERDICT_UNKNOWN,
        "a package of a distribution, which repairs holes without changing the version: nobody "
        "can see from here whether CVE-2026-8461 and later ones are closed",
        "keep security updates on, and look it up: "
        "security-tracker.debian.org/tracker/source-package/ffmpeg"};
}

/*
 * 8.1.2 and 8.0.3 of 2026: CVE-2026-8461, a write beyond the heap in the MagicYUV decoder
 * (ffmpeg.org/security.html). Debian 12's 5.1.9 came by its security archive.
 */
struct mt_judgement mt_judge_ffmpeg(const char *version)
{
    int v[3];

    if (!parse(version, v))
        return (struct mt_judgement){MT_VERDICT_UNKNOWN,
                                     "built from no release, so its holes are not known",
                                     "build a release, 8.1.2 or newer"};
    if (strstr(version, "deb") || strstr(version, "ubuntu"))
        return judge_package(version, v);
    if (older(v, 8, 0, 3) || (v[0] == 8 && v[1] == 1 && v[2] < 2))
        return (struct mt_judgement){MT_VERDICT_PROBLEM,
                                     "older than 8.1.2 and 8.0.3, which closed holes that a file "
                                     "can use (CVE-2026-8461 and others)",
                                     "install 8.1.2, 8.0.3 or newer, or your distribution's "
                                     "repaired package"};
    return (struct mt_judgement){MT_VERDICT_OK, "has the fixes known to this program", NULL};
}

/*
 * The WAL-reset bug: in 3.7.0 to 3.51.2, repaired in 3.51.3 of 2026-03-13, and in 3.50.7 and
 * 3.44.6 of older branches (sqlite.org/wal.html, sqlite.org/changes.html).
 */
struct mt_judgement mt_judge_sqlite(const char *version, bool wal)
{
    int v[3];
    bool known = parse(version, v);
    bool repaired = known && v[0] == 3 &&
                    ((v[1] == 44 && v[2] >= 6) || (v[1] == 50 && v[2] >= 7) || !older(v, 3, 51, 3));

    if (!known)
        return (struct mt_judgement){MT_VERDICT_UNKNOWN, "a version nobody knows", NULL};
    if (repaired || older(v, 3, 7, 0))
        return (struct mt_judgement){MT_VERDICT_OK, "is not among those that can corrupt a WAL",
                                     NULL};
    if (!wal)
        return (struct mt_judgement){MT_VERDICT_OK,
                                     "could corrupt a WAL database that several programs write "
                                     "(3.7.0 to 3.51.2), so a rollback journal is used",
                                     NULL};
    return (struct mt_judgement){
        MT_VERDICT_PROBLEM,
        "can corrupt this database, which is in WAL mode (3.7.0 to 3.51.2; sqlite.org/wal.html)",
        "stop all programs, then run any that writes: it switches to a rollback journal; or "
        "install SQLite 3.51.3"};
}
