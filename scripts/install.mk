# SPDX-License-Identifier: GPL-2.0-or-later
# make install: DESTDIR and PREFIX are honoured. Part of the Makefile, and apart from it so that a
# change here builds nothing anew.

# Where zsh looks: what packages bring is apart from what is installed beside them.
ZSHDIR   := share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
EXAMPLES := $(notdir $(wildcard share/examples/*))
UNITS    := $(patsubst share/systemd/%,%,$(wildcard share/systemd/*.service share/systemd/*.socket share/systemd/*.timer share/systemd/*/*.conf))

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1' \
	    '$(DESTDIR)$(PREFIX)/share/man/man5' '$(DESTDIR)$(PREFIX)/share/man/man7' \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
	    '$(DESTDIR)$(PREFIX)/$(ZSHDIR)' \
	    '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d' \
	    '$(DESTDIR)$(PREFIX)/share/media-toolkit/schema'
	install -m 755 $(PROGRAMS:%=$(O)/bin/%) $(wildcard scripts/media-*) '$(DESTDIR)$(PREFIX)/bin'
	for n in 1 5 7; do for f in man/*.$$n; do [ ! -f "$$f" ] || \
	    install -m 644 "$$f" '$(DESTDIR)$(PREFIX)/share/man/man'$$n; done; done
	for p in $(PROGRAMS) media-orchestrate; do install -m 644 completions/bash/$$p \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions'; \
	    install -m 644 completions/zsh/_$$p '$(DESTDIR)$(PREFIX)/$(ZSHDIR)'; \
	    install -m 644 completions/fish/$$p.fish \
	    '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d'; done
	install -m 644 share/schema/*.json '$(DESTDIR)$(PREFIX)/share/media-toolkit/schema'
	install -d '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/engines'
	install -m 755 $(ENGINES:%=$(O)/$(LIBEXEC)/engines/%) '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/engines'
	install -d '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/parts'
	install -m 644 $(PARTS:%=$(O)/$(LIBEXEC)/parts/%.so) '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/parts'
	install -d '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/jobs'
	install -m 644 scripts/orchestrate.sh '$(DESTDIR)$(PREFIX)/$(LIBEXEC)'
	install -m 755 $(filter-out %.sh,$(JOBS:%=scripts/jobs/%)) '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/jobs'
	install -m 644 $(filter %.sh,$(JOBS:%=scripts/jobs/%)) '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/jobs'
	for d in $(EXAMPLES); do \
	    install -d '$(DESTDIR)$(PREFIX)/share/media-toolkit/examples/'$$d; \
	    cp share/examples/$$d/* '$(DESTDIR)$(PREFIX)/share/media-toolkit/examples/'$$d; \
	    chmod a+rX '$(DESTDIR)$(PREFIX)/share/media-toolkit/examples/'$$d/*; done
	install -d '$(DESTDIR)$(PREFIX)/lib/systemd/system/media-worker@gpu.service.d' \
	    '$(DESTDIR)$(PREFIX)/lib/sysusers.d' '$(DESTDIR)$(PREFIX)/lib/tmpfiles.d'
	for u in $(UNITS); do sed 's|@BINDIR@|$(PREFIX)/bin|g' share/systemd/$$u \
	    >'$(DESTDIR)$(PREFIX)/lib/systemd/system/'$$u && \
	    chmod 644 '$(DESTDIR)$(PREFIX)/lib/systemd/system/'$$u || exit 1; done
	install -m 644 share/systemd/media-toolkit.sysusers '$(DESTDIR)$(PREFIX)/lib/sysusers.d/media-toolkit.conf'
	install -m 644 share/systemd/media-toolkit.tmpfiles '$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/media-toolkit.conf'
	install -d '$(DESTDIR)$(PREFIX)/share/media-toolkit/cron'
	sed 's|@BINDIR@|$(PREFIX)/bin|g' share/cron/media-toolkit >'$(DESTDIR)$(PREFIX)/share/media-toolkit/cron/media-toolkit'
	install -d '$(DESTDIR)$(PREFIX)/share/media-toolkit/nginx/snippets' '$(DESTDIR)$(PREFIX)/share/media-toolkit/www'
	cd share/nginx && for f in *.conf snippets/*.conf; do sed -e 's|@BINDIR@|$(PREFIX)/bin|g' \
	    -e 's|@DATADIR@|$(PREFIX)/share/media-toolkit|g' -e 's|@NGINXDIR@|$(PREFIX)/share/media-toolkit/nginx|g' $$f \
	    >'$(DESTDIR)$(PREFIX)/share/media-toolkit/nginx/'$$f || exit 1; done
	install -m 644 share/www/* '$(DESTDIR)$(PREFIX)/share/media-toolkit/www'
