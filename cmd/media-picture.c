/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-picture.c - the jailed helper of media-thumbs for photographs and drawings. */
#include "cli/cli.h"
#include "picture/picture.h"

#include <unistd.h>

struct settings {
    struct mt_common common;
    bool serve;
};

static const struct mt_opt opts[] = {
    MT_FLAG(struct settings, serve, 0, "serve", "answer media-thumbs on a socket at stdin"),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_example examples[] = {
    {"Which imaging library it has:", "media-picture -V"},
    {"What it is for:", "media-thumbs --size 320x,1280x -o out photo.jpg"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-picture",
    .summary = "Converts pictures for media-thumbs, each in a jail of its own.",
    .operands = "",
    .opts = opts,
    .examples = examples,
    .versions = mt_picture_versions,
};

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *set = settings;

    (void)r;
    if (!set->serve) {
        mt_fail(err, MT_ERR_USAGE, "this is a helper, there is nothing to do");
        return mt_hint(err, "use media-thumbs FILE ...");
    }
    return mt_picture_open(err) < 0 ? -1 : mt_picture_serve(STDIN_FILENO, err);
}

int main(int argc, char **argv)
{
    struct settings set = {0};

    return mt_main(&cli, argc, argv, &set, run);
}
