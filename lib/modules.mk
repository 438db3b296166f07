# SPDX-License-Identifier: GPL-2.0-or-later
# lib/modules.mk - the architecture, as data. Read by make and by scripts/check-layers.
#
#   uses.M  the modules whose headers M may include (its own apart)
#   pkgs.M  the pkg-config packages M needs, and no other module may include
#   hdrs.M  the headers of those packages (shell patterns), for check-layers
#   late.M  modules whose headers M may include too, but whose functions it only calls through a
#           table: they need not be in the program, see lib/late
#   part.P  the program that loads module P, and what of it the program lacks, when it needs it

# base: libc only
uses.base      :=

# tools
uses.json      := base
uses.conf      := base
uses.cli       := base conf json
uses.digest    := base
uses.doc       := base json
uses.proc      := base
uses.http      := base json
uses.multipart := base
uses.jwt       := base json digest
uses.access    := base json digest
uses.net       := base

# ports: interface and dispatcher, no driver named
uses.store     := base
uses.db        := base json
uses.scan      := base json

# drivers
uses.store-fs  := base store
uses.store-mem := base store
uses.db-sqlite := base db
uses.db-pg     := base db
uses.scan-clamd  := base proc scan
uses.scan-clamav := base json proc scan

# media
uses.jail      := base
uses.worker    := base json jail
uses.sniff     := base
uses.heif      := base
uses.typeset   := base
uses.fonts     := base
uses.av        := base json typeset heif
uses.exif      := base json heif
uses.clam      := base json jail worker proc scan
uses.engine    := base json jail
uses.picture   := base json jail worker proc
uses.voice     := base json
uses.language  := base
uses.asr       := base json language
uses.captions  := base json language
uses.engine-kit := base json

# flow: behaviour, written against ports only
uses.probe     := base json proc jail worker sniff av exif
uses.each      := base json cli doc store
uses.catalog   := base json doc db store
uses.queue     := base json db catalog
uses.upload    := base json digest db queue
uses.stage     := base json cli doc digest proc db store catalog worker jail
late.stage     := film av probe
uses.film      := base av probe
uses.late      := base
late.late      := film
uses.transcode := base json cli doc digest db store catalog queue stage worker av language typeset fonts
uses.ingest    := base json conf cli doc digest proc net db store scan catalog
uses.thumbs    := base json cli doc proc store stage worker
late.thumbs    := film av
uses.analyze   := base json cli doc store stage worker av engine voice language captions
uses.work      := base json cli doc proc db dbcopy catalog queue
uses.status    := base json cli doc proc db store catalog
uses.dbcopy    := base json db
uses.api       := base json conf cli digest db store catalog queue doc http jwt access net upload multipart

pkgs.json      := jansson
hdrs.json      := jansson.h
pkgs.conf      := yaml-0.1
hdrs.conf      := yaml.h
# For their headers: these libraries are loaded when something needs them.
pkgs.digest    := libcrypto
hdrs.digest    := openssl/*
pkgs.jwt       := cjose
hdrs.jwt       := cjose/*
pkgs.db-sqlite := sqlite3
hdrs.db-sqlite := sqlite3.h
# For its header: the library itself is loaded when a URL asks for it.
pkgs.db-pg     := libpq
hdrs.db-pg     := libpq-fe.h
pkgs.jail      := libseccomp
hdrs.jail      := seccomp.h linux/landlock.h
pkgs.sniff     := libmagic
hdrs.sniff     := magic.h
pkgs.av        := libavformat libavfilter libavcodec libswscale libswresample libavutil
hdrs.av        := libav* libsw*
pkgs.exif      := libexif expat zlib
hdrs.exif      := libexif/* expat.h zlib.h

pkgs.typeset   := libass
hdrs.typeset   := ass/*
pkgs.fonts     := fontconfig
hdrs.fonts     := fontconfig/*

pkgs.picture   := vips gmodule-2.0
hdrs.picture   := vips/* glib* gmodule.h

pkgs.voice     := opus
hdrs.voice     := opus.h opus_*.h
pkgs.clam      := libclamav
hdrs.clam      := clamav.h

# jansson's value type is the toolkit's own: any module that uses json may name it.
open.json      := jansson.h

# The drivers that cmd/drivers.h and cmd/scanners.h name.
uses.drivers   := store-fs db-sqlite db-pg
uses.scanners  := scan-clamd scan-clamav

# Which driver keeps the migrations in share/sql/KIND.
sql.sqlite     := db-sqlite
sql.postgresql := db-pg

# What each program is made of. Its link line follows from this and the above.
uses.media-ingest    := ingest drivers scanners
uses.media-scan      := clam cli doc each scanners store-fs
uses.media-probe     := probe cli doc each store-fs
uses.media-transcode := transcode film drivers
uses.media-picture   := picture cli
uses.media-thumbs    := thumbs late drivers
uses.media-analyze   := analyze film drivers
uses.media-status    := status drivers
uses.media-queue     := work drivers
uses.media-api       := api cli drivers

# What media-thumbs needs for films, not for photographs.
part.film            := media-thumbs

# The engines: programs of their own, some with packages that nobody else may use.
uses.speech-pocketsphinx := engine-kit
pkgs.speech-pocketsphinx := pocketsphinx sphinxbase
hdrs.speech-pocketsphinx := pocketsphinx/* sphinxbase/*

uses.speech-openai := engine-kit asr language
pkgs.speech-openai := libcurl
hdrs.speech-openai := curl/*

uses.speech-whisper-cli := engine-kit asr language
