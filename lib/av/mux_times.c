/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mux_times.c - decoding times from presentation times. */
#include "av/mux_parts.h"

#include <string.h>

bool mt_depth_see(struct mt_depth *depth, int64_t pts)
{
    int later = 0;

    for (int i = 0; i < depth->n; i++)
        later += depth->last[i] > pts;
    if (later > depth->depth)
        depth->depth = later;
    depth->last[depth->at] = pts;
    depth->at = (depth->at + 1) % (MT_REORDER_MAX + 1);
    if (depth->n <= MT_REORDER_MAX)
        depth->n++;
    return depth->depth < MT_REORDER_MAX;
}

int64_t mt_order_next(struct mt_order *order, int64_t pts)
{
    int64_t dts, i = order->given++;
    int at = order->n++;

    for (; at > 0 && order->held[at - 1] > pts; at--)
        order->held[at] = order->held[at - 1];
    order->held[at] = pts;
    if (i < order->depth)
        return order->first - (order->depth - i) * order->step;
    dts = order->held[0];
    memmove(order->held, order->held + 1, (size_t)--order->n * sizeof *order->held);
    return dts;
}
