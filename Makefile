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
HARDEN   := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS := $(if $(SAN),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
STD      := -std=c11
CPPFLAGS += -Ilib -Icmd -I$(O)/gen -D_GNU_SOURCE -DMT_VERSION='"$(VERSION)"'
ALLFLAGS  = $(STD) $(CPPFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
LINKFLAGS = $(CFLAGS) $(SANFLAGS) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

PROGRAMS := $(basename $(notdir $(wildcard cmd/*.c)))
ENGINES  := $(basename $(notdir $(wildcard cmd/engines/*.c)))
LIBEXEC  := libexec/media-toolkit
MODULES  := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard lib/*/*.c)))))
TESTS    := $(patsubst tests/%.c,%,$(wildcard tests/unit/*.c tests/drivers/*.c tests/torture/*.c tests/bench/*.c))
Q        := $(if $(V),,@)
say       = $(if $(V),@:,@printf '  %-5s %s\n' $1 $2)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: $(PROGRAMS:%=$(O)/bin/%) $(ENGINES:%=$(O)/$(LIBEXEC)/engines/%)

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
$(O)/lib/proc/proc.o: $(O)/gen/prefix.h

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
	$$(Q)$$(CC) $$(LINKFLAGS) -o $$@ $$^ $$(call libs,$$(call pkgs,$$(uses.$1))) -lm
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$p)))

# An engine may have packages of its own: it is the only one to use them.
define engine
$(O)/cmd/engines/$1.o: pkg_cflags = $$(call flags,$$(call pkgs,$$(uses.$1)) $$(pkgs.$1))
$(O)/$(LIBEXEC)/engines/$1: $(O)/cmd/engines/$1.o $$(foreach m,$$(call closure,$$(uses.$1)),$$(objs.$$m))
	@mkdir -p $$(@D)
	$$(call say,LINK,$1)
	$$(Q)$$(CC) $$(LINKFLAGS) -o $$@ $$^ $$(call libs,$$(call pkgs,$$(uses.$1)) $$(pkgs.$1)) -lm
endef
$(foreach e,$(ENGINES),$(eval $(call engine,$e)))

# The migrations are part of the programs that write.
define migrations
$$(objs.$(sql.$1)): $(O)/gen/sql-$1.h
$(O)/gen/sql-$1.h: $$(wildcard share/sql/$1/*.sql) scripts/embed-sql
	@mkdir -p $$(@D)
	$$(call say,GEN,$$@)
	$$(Q)scripts/embed-sql share/sql/$1 >$$@
endef
$(foreach d,$(notdir $(wildcard share/sql/*)),$(eval $(call migrations,$d)))

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
check-docs: all
	$(Q)scripts/check-docs $(O)/bin
check-lengths:
	$(Q)scripts/check-lengths
check: check-headers check-layers check-links check-docs check-lengths

# Completions are generated from the option tables and committed; check-docs finds drift.
completions: all
	$(Q)scripts/make-completions $(O)/bin completions

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1' \
	    '$(DESTDIR)$(PREFIX)/share/man/man5' '$(DESTDIR)$(PREFIX)/share/man/man7' \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
	    '$(DESTDIR)$(PREFIX)/share/zsh/vendor-completions' \
	    '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d' \
	    '$(DESTDIR)$(PREFIX)/share/media-toolkit/schema'
	install -m 755 $(PROGRAMS:%=$(O)/bin/%) scripts/media-pipeline '$(DESTDIR)$(PREFIX)/bin'
	for n in 1 5 7; do for f in man/*.$$n; do [ ! -f "$$f" ] || \
	    install -m 644 "$$f" '$(DESTDIR)$(PREFIX)/share/man/man'$$n; done; done
	for p in $(PROGRAMS); do install -m 644 completions/bash/$$p \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions'; \
	    install -m 644 completions/zsh/_$$p '$(DESTDIR)$(PREFIX)/share/zsh/vendor-completions'; \
	    install -m 644 completions/fish/$$p.fish \
	    '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d'; done
	install -m 644 share/schema/*.json '$(DESTDIR)$(PREFIX)/share/media-toolkit/schema'
	install -d '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/engines'
	install -m 755 $(ENGINES:%=$(O)/$(LIBEXEC)/engines/%) '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/engines'
	install -d '$(DESTDIR)$(PREFIX)/share/media-toolkit/examples/engines'
	install -m 755 share/examples/engines/* '$(DESTDIR)$(PREFIX)/share/media-toolkit/examples/engines'

clean:
	rm -rf '$(O)'

FORCE:
.PHONY: all tests check check-headers check-layers check-links check-docs check-lengths completions \
        install clean FORCE

-include $(shell find $(O) -name '*.d' 2>/dev/null)
