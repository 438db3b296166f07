/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names.c - operands, and lists of operands in a file. */
#include "cli/cli.h"

#include "base/mem.h"
#include "cli/signals.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 65536 };

struct mt_name_list {
    struct mt_lines lines;
    int fd;
};

void mt_names_init(struct mt_names *names, struct mt_run *run, const struct mt_common *common)
{
    *names = (struct mt_names){.run = run, .common = common};
}

static int open_list(struct mt_names *names, struct mt_err *err)
{
    const char *file = names->common->files_from;
    int fd = strcmp(file, "-") == 0 ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return mt_fail_errno(err, "cannot open the list '%s'", file);
    names->list = mt_alloc(sizeof *names->list);
    names->list->fd = fd;
    mt_lines_init(&names->list->lines, fd, names->common->null ? '\0' : '\n', NAME_MAX_BYTES);
    names->list->lines.name = "the list";
    names->list->lines.interrupted = mt_stop_signal;
    return 0;
}

int mt_names_next(struct mt_names *names, const char **name, struct mt_err *err)
{
    char *line;
    size_t n;
    int ret;

    if (names->next < names->run->n_operands) {
        *name = names->run->operands[names->next++];
        return 1;
    }
    if (!names->common->files_from)
        return 0;
    if (!names->list && open_list(names, err) < 0)
        return -1;
    do
        ret = mt_lines_next(&names->list->lines, &line, &n, err);
    while (ret == 1 && n == 0);
    if (ret == 1)
        *name = line;
    if (ret < 0 && err->code == MT_ERR_BAD_DOCUMENT)
        mt_hint(err, "it takes one name a line, or with -0 one before each NUL");
    return ret < 0 ? mt_fail_in(err, "--files-from '%s'", names->common->files_from) : ret;
}

bool mt_names_waiting(const struct mt_names *names)
{
    const struct mt_name_list *list = names->list;

    if (names->next < names->run->n_operands || !names->common->files_from || !list)
        return false;
    const struct mt_lines *l = &list->lines;
    if (l->eof ||
        (l->buf.len > l->used && memchr(l->buf.data + l->used, l->separator, l->buf.len - l->used)))
        return false;
    struct pollfd fd = {.fd = list->fd, .events = POLLIN};
    return poll(&fd, 1, 0) == 0;
}

void mt_names_free(struct mt_names *names)
{
    if (!names->list)
        return;
    mt_lines_free(&names->list->lines);
    close(names->list->fd);
    free(names->list);
    names->list = NULL;
}
