#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules.t - each rule of the architecture, broken once on purpose, is named by make check.
. "$(dirname "$0")/../tap.sh"

mkdir "$T/tree"
cp -R "$MT_TOP"/{Makefile,VERSION,lib,cmd,scripts,tests,share} "$T/tree"
cd "$T/tree" || exit 1
ok 'the tree itself keeps the layers' scripts/check-layers

# broken FILE LINE REGEX NAME: with LINE added to FILE, check-layers fails and says so
broken() {
    cp "$1" "$T/saved"
    printf '%s\n' "$2" >>"$1"
    run scripts/check-layers
    exits 1 "$4"
    stderr_like "$3" "$4: and it is named"
    cp "$T/saved" "$1"
}
broken lib/base/text.c '#include "json/json.h"' "text.c: 'base' may not include .json/json.h" \
    'base includes a tool'
broken lib/store/store.c '#include "store-fs/store_fs.h"' "store.c: 'store' may not include" \
    'a port includes a driver'
broken lib/store-fs/list.c '#include "db-sqlite/db_sqlite.h"' "list.c: 'store-fs' may not include" \
    'a driver includes another'
broken lib/thumbs/thumbs.c '#include "db-sqlite/db_sqlite.h"' "thumbs.c: 'thumbs' may not include" \
    'a flow includes a driver'
broken lib/db/db.c '#include "ingest/ingest.h"' "db.c: 'db' may not include" 'a port includes a flow'
broken lib/thumbs/thumbs.c '#include <libavformat/avformat.h>' 'libavformat.* belongs in lib/av only' \
    'FFmpeg outside lib/av'
broken lib/stage/stage.h '#include <libavutil/frame.h>' 'libavutil.* belongs in lib/av only' \
    'an FFmpeg type in a header'
broken lib/catalog/job.c '#include <sqlite3.h>' 'sqlite3.h> belongs in lib/db-sqlite only' \
    'SQLite outside its driver'
broken lib/thumbs/thumbs.c 'int x(void) { return printf("x"); }' 'only cmd/ and lib/cli print' \
    'a flow prints to stdout'
broken lib/store/store.c 'void x(void) { exit(1); }' 'only cmd/ and lib/cli print' 'a port exits'
broken lib/worker/worker.c 'const char *x(void) { return getenv("HOME"); }' 'only cmd/ and lib/cli' \
    'a module reads the environment'
mkdir lib/stray
printf '/* stray.c */\n' >lib/stray/stray.c
run scripts/check-layers
exits 1 'a module that the architecture does not know'
stderr_like "module 'stray' is not in lib/modules.mk" 'is named'
rm -r lib/stray

printf 'struct mt_err *mt_bare(size_t n);\n' >lib/base/bare.h
run make O="$T/headers" "$T/headers/lib/base/bare.h.ok"
not_ok 'a header that does not compile alone' test "$status" = 0
stderr_like 'bare\.h' 'is named'
rm lib/base/bare.h

mkdir "$T/links"
cp tests/link/* "$T/links"
grep -v libsqlite3 tests/link/media-status >"$T/links/media-status"
run scripts/check-links "$bin" "$T/links"
exits 1 'a program that loads more than its list'
stderr_like 'media-status: loads libsqlite3' 'is named'
done_testing
