#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# page-ar.t - the page in a real browser, in Arabic; see page.t.
MT_PAGE_LANGUAGE='ar' . "$(dirname "$0")/page.t"
