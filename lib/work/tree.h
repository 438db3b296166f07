/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tree.h - a process with all that it has started, without cgroups. */
#ifndef MT_WORK_TREE_H
#define MT_WORK_TREE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Sends sig to the process, which has not been waited for, to the process group
 * that it leads, if it leads one, and to all its descendants, whatever group they
 * are in. tag (may be NULL): "NAME=value"; children of our own with that in their
 * environment are descendants that have lost their parents, as this process is a
 * subreaper (prctl(2)). Those that end are waited for.
 */
void mt_tree_signal(pid_t pid, const char *tag, int sig);

/*
 * Kills all processes of this machine that we may kill and that have the entry in their
 * environment: what the handlers of a dead supervisor have left. Returns how many.
 */
int mt_tree_kill_tagged(const char *tag);

/* Waits for those children of ours that have ended, except the n pids. */
void mt_tree_reap(const pid_t *but, int n);

/* The children of a process; at most max. Returns how many. */
int mt_tree_children(pid_t pid, pid_t *children, int max);

#endif
