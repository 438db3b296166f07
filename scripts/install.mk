# SPDX-License-Identifier: GPL-2.0-or-later
# make install: DESTDIR and PREFIX are honoured. Part of the Makefile, and apart from it so that a
# change here builds nothing anew.

install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1' \
	    '$(DESTDIR)$(PREFIX)/share/man/man5' '$(DESTDIR)$(PREFIX)/share/man/man7' \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
	    '$(DESTDIR)$(PREFIX)/share/zsh/vendor-completions' \
	    '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d' \
	    '$(DESTDIR)$(PREFIX)/share/media-toolkit/schema'
	install -m 755 $(PROGRAMS:%=$(O)/bin/%) $(wildcard scripts/media-*) '$(DESTDIR)$(PREFIX)/bin'
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
	install -d '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/jobs'
	install -m 644 scripts/orchestrate.sh '$(DESTDIR)$(PREFIX)/$(LIBEXEC)'
	install -m 755 $(filter-out %.sh,$(JOBS:%=scripts/jobs/%)) '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/jobs'
	install -m 644 $(filter %.sh,$(JOBS:%=scripts/jobs/%)) '$(DESTDIR)$(PREFIX)/$(LIBEXEC)/jobs'
	install -d '$(DESTDIR)$(PREFIX)/share/media-toolkit/examples/engines'
	install -m 755 share/examples/engines/* '$(DESTDIR)$(PREFIX)/share/media-toolkit/examples/engines'

