# SPDX-License-Identifier: GPL-2.0-or-later
# make            build everything below $(O)
# make check      every check of the tree: headers, layers, links, docs
# make tests      build the unit and driver tests
# make install    honours DESTDIR, PREFIX
# make V=1        show the commands       make O=dir   build elsewhere
# make WERROR=1   warnings are errors     make SAN=1   AddressSanitizer and UBSan

O          ?= build
PREFIX     ?= /usr/local
CC         ?= cc
PKG_CONFIG ?= pkg-config
VERSION    := $(shell cat VERSION)

CFLAGS   ?= -O2 -g
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wvla -Wundef \
            -Wimplicit-fallthrough -Wno-format-nonliteral $(if $(WERROR),-Werror)
# -fPIC for the parts that are loaded late; nothing of ours is overridden by another library.
HARDEN   := -fstack-protector-strong -fPIC -fno-semantic-interposition $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS := $(if $(SAN),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
STD      := -std=c11
CPPFLAGS += -Ilib -Icmd -I$(O)/gen -D_GNU_SOURCE -DMT_VERSION='"$(VERSION)"'
ALLFLAGS  = $(STD) $(CPPFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
LINKFLAGS = $(CFLAGS) $(SANFLAGS) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

PROGRAMS := $(basename $(notdir $(wildcard cmd/*.c)))
ENGINES  := $(basename $(notdir $(wildcard cmd/engines/*.c)))
PARTS    := film
JOBS     := $(notdir $(wildcard scripts/jobs/*))
LIBEXEC  := libexec/media-toolkit
MODULES  := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard lib/*/*.c)))))
TESTS    := $(patsubst tests/%.c,%,$(wildcard tests/unit/*.c tests/drivers/*.c tests/torture/*.c tests/bench/*.c))
Q        := $(if $(V),,@)
say       = $(if $(V),@:,@printf '  %-5s %s\n' $1 $2)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: $(PROGRAMS:%=$(O)/bin/%) $(ENGINES:%=$(O)/$(LIBEXEC)/engines/%) $(JOBS:%=$(O)/$(LIBEXEC)/jobs/%) \
     $(PARTS:%=$(O)/$(LIBEXEC)/parts/%.so)

include lib/modules.mk

# closure(list): the list and all it uses, directly or not
closure = $(sort $1 $(foreach m,$1,$(call closure,$(uses.$m))))
pkgs    = $(sort $(foreach m,$(call closure,$1),$(pkgs.$m)))
flags   = $(if $1,$(shell $(PKG_CONFIG) --cflags $1))
libs    = $(if $1,$(shell $(PKG_CONFIG) --libs $1))

# Objects are rebuilt when the flags change, not only when a file does.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	$(Q)echo '$(CC) $(subst ','\'',$(ALLFLAGS))' | cmp -s - $@ || \
	    echo '$(CC) $(subst ','\'',$(ALLFLAGS))' >$@

$(O)/%.o: %.c $(O)/flags Makefile lib/modules.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALLFLAGS) $(pkg_cflags) -MMD -MP -c -o $@ $<

# Where it is to be installed stands in a file of its own, so that another PREFIX rebuilds little.
$(O)/gen/prefix.h: FORCE
	@mkdir -p $(@D)
	$(Q)echo '#define MT_PREFIX "$(PREFIX)"' | cmp -s - $@ || echo '#define MT_PREFIX "$(PREFIX)"' >$@
$(O)/lib/proc/proc.o $(O)/lib/late/late.o: $(O)/gen/prefix.h

define module
objs.$1 := $$(patsubst %.c,$(O)/%.o,$$(wildcard lib/$1/*.c))
$$(objs.$1): pkg_cflags = $$(call flags,$$(call pkgs,$1))
endef
$(foreach m,$(MODULES),$(eval $(call module,$m)))

define program
$(O)/cmd/$1.o: pkg_cflags = $$(call flags,$$(call pkgs,$$(uses.$1)))
$(O)/bin/$1: $(O)/cmd/$1.o $$(foreach m,$$(call closure,$$(uses.$1)),$$(objs.$$m))
	@mkdir -p $$(@D)
	$$(call say,LINK,$1)
	$$(Q)$$(CC) $$(LINKFLAGS) $$(EXPORT) -o $$@ $$^ $$(call libs,$$(call pkgs,$$(uses.$1))) -lm
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$p)))

# A part is what its module needs and the program that loads it has not. It finds the rest there.
define part
lacks.$1 := $$(filter-out $$(call closure,$$(uses.$$(part.$1))),$$(call closure,$1))
$(O)/bin/$$(part.$1): EXPORT := -rdynamic
$(O)/$(LIBEXEC)/parts/$1.so: $$(foreach m,$$(lacks.$1),$$(objs.$$m))
	@mkdir -p $$(@D)
	$$(call say,LINK,parts/$1.so)
	$$(Q)$$(CC) $$(filter-out -pie,$$(LINKFLAGS)) -shared -o $$@ $$^ \
	    $$(call libs,$$(sort $$(foreach m,$$(lacks.$1),$$(pkgs.$$m)))) -lm
endef
$(foreach p,$(PARTS),$(eval $(call part,$p)))

# An engine may have packages of its own: it is the only one to use them.
define engine
$(O)/cmd/engines/$1.o: pkg_cflags = $$(call flags,$$(call pkgs,$$(uses.$1)) $$(pkgs.$1))
$(O)/$(LIBEXEC)/engines/$1: $(O)/cmd/engines/$1.o $$(foreach m,$$(call closure,$$(uses.$1)),$$(objs.$$m))
	@mkdir -p $$(@D)
	$$(call say,LINK,$1)
	$$(Q)$$(CC) $$(LINKFLAGS) -o $$@ $$^ $$(call libs,$$(call pkgs,$$(uses.$1)) $$(pkgs.$1)) -lm
endef
$(foreach e,$(ENGINES),$(eval $(call engine,$e)))

# The handlers of jobs are scripts: what media-queue work finds beside the programs.
$(O)/$(LIBEXEC)/jobs/%: scripts/jobs/%
	@mkdir -p $(@D)
	$(Q)cp -p $< $@

# The migrations are part of the programs that write.
define migrations
$$(objs.$(sql.$1)): $(O)/gen/sql-$1.h
$(O)/gen/sql-$1.h: $$(wildcard share/sql/$1/*.sql) scripts/embed-sql
	@mkdir -p $$(@D)
	$$(call say,GEN,$$@)
	$$(Q)scripts/embed-sql share/sql/$1 >$$@
endef
$(foreach d,$(notdir $(wildcard share/sql/*)),$(eval $(call migrations,$d)))

# The schemas of the API are part of what it answers.
$(objs.api): $(O)/gen/api-schema.h
$(O)/gen/api-schema.h: share/schema/api.json scripts/embed-text
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)scripts/embed-text api_schema $< >$@

# Tests link against everything; the linker keeps what they use.
$(O)/libmt.a: $(foreach m,$(MODULES),$(objs.$m))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
ALLPKGS := $(sort $(foreach m,$(MODULES),$(pkgs.$m)))
$(TESTS:%=$(O)/tests/%.o): pkg_cflags = $(call flags,$(ALLPKGS))
$(TESTS:%=$(O)/tests/%): %: %.o $(O)/libmt.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINKFLAGS) -o $@ $< $(O)/libmt.a $(call libs,$(ALLPKGS)) -lm -lpthread
tests: all $(TESTS:%=$(O)/tests/%)

HEADERS := $(wildcard lib/*/*.h)
check-headers: $(HEADERS:%=$(O)/%.ok)
$(O)/%.h.ok: %.h $(O)/flags
	@mkdir -p $(@D)
	$(call say,HDR,$<)
	$(Q)$(CC) $(ALLFLAGS) $(call flags,$(ALLPKGS)) -Werror -Wno-unused -fsyntax-only -x c $<
	$(Q)touch $@

check-layers:
	$(Q)scripts/check-layers
check-links: all
	$(Q)scripts/check-links $(O)/bin tests/link
	$(Q)scripts/check-links $(O)/$(LIBEXEC)/engines tests/link
	$(Q)scripts/check-links $(O)/$(LIBEXEC)/parts tests/link
check-docs: all
	$(Q)scripts/check-docs $(O)/bin
check-lengths:
	$(Q)scripts/check-lengths
check: check-headers check-layers check-links check-docs check-lengths

# Completions are generated from the option tables and committed; check-docs finds drift.
completions: all
	$(Q)scripts/make-completions $(O)/bin completions

include scripts/install.mk

clean:
	rm -rf '$(O)'

FORCE:
.PHONY: all tests check check-headers check-layers check-links check-docs check-lengths completions \
        install clean FORCE

-include $(shell find $(O) -name '*.d' 2>/dev/null)
