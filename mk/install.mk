# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# make install [PREFIX=/usr/local] [DESTDIR=...]: programs, man pages, completion, the unit, sysusers.d, tmpfiles.d and the docs.
# make image [IMAGE=lodestone:latest]: the container image, from the same programs.
# The unit's paths follow PREFIX. Nothing is enabled or started; README says what comes next.

PREFIX      ?= /usr/local
SBINDIR     ?= $(PREFIX)/sbin
BINDIR      ?= $(PREFIX)/bin
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
LIBEXECDIR  ?= $(PREFIX)/lib/lodestone
DOCDIR      ?= $(PREFIX)/share/doc/lodestone
MANDIR      ?= $(PREFIX)/share/man
BASHDIR     ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR      ?= $(PREFIX)/share/zsh/site-functions
FISHDIR     ?= $(PREFIX)/share/fish/vendor_completions.d

DOCS := $(wildcard *.md) LICENSE $(wildcard LICENSES/* docs/*.md docs/*/*.md docs/casts/*.svg)

# --- man pages and completion: what the programs say of themselves, in other forms ---------------------

MAN := $(patsubst man/%.in,$(B)/man/%,$(wildcard man/*.in))
COMPLETION := $(patsubst %,$(B)/completion/lodectl.%,bash zsh fish)
VERSION := $(shell sed -n 's/^\#define LODESTONE_VERSION *"\(.*\)"/\1/p' userspace/base/names.h)

$(B)/man/%.8: man/%.8.in scripts/man $(B)/%
	$(call begin,MAN  ,$@)
	$(Q)$(B)/$* --help | scripts/man $< $(VERSION) >$@
$(B)/man/lodestone.yaml.5: man/lodestone.yaml.5.in scripts/man $(B)/reference
	$(call begin,MAN  ,$@)
	$(Q)$(B)/reference | scripts/man $< $(VERSION) >$@
$(B)/completion/lodectl.%: $(CLI_BIN)
	$(folder)
	$(Q)$< completion $* >$@

man: $(MAN) ## man pages, into build/man

install: all $(MAN) $(COMPLETION) ## install programs, man pages, completion, unit and docs (DESTDIR, PREFIX)
	install -D -m 755 $(AGENT_BIN) $(DESTDIR)$(SBINDIR)/lodestoned
	install -D -m 755 $(CLI_BIN) $(DESTDIR)$(BINDIR)/lodectl
	ln -sf lodectl $(DESTDIR)$(BINDIR)/kubectl-lodestone
	install -D -m 755 $(FEEDER_BIN) $(DESTDIR)$(BINDIR)/lodestone-kube
	for page in $(notdir $(MAN)); do install -D -m 644 $(B)/man/$$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page || exit 1; done
	ln -sf lodectl.8 $(DESTDIR)$(MANDIR)/man8/kubectl-lodestone.8
	install -D -m 644 $(B)/completion/lodectl.bash $(DESTDIR)$(BASHDIR)/lodectl
	install -D -m 644 $(B)/completion/lodectl.zsh $(DESTDIR)$(ZSHDIR)/_lodectl
	install -D -m 644 $(B)/completion/lodectl.fish $(DESTDIR)$(FISHDIR)/lodectl.fish
	install -D -m 644 deploy/sysusers.d/lodestone.conf $(DESTDIR)$(SYSUSERSDIR)/lodestone.conf
	install -D -m 644 deploy/tmpfiles.d/lodestone.conf $(DESTDIR)$(TMPFILESDIR)/lodestone.conf
	install -d $(DESTDIR)$(UNITDIR)
	install -d $(DESTDIR)$(LIBEXECDIR)
	sed 's|/usr/local/bin|$(BINDIR)|' deploy/systemd/shutdown >$(DESTDIR)$(LIBEXECDIR)/shutdown
	chmod 755 $(DESTDIR)$(LIBEXECDIR)/shutdown
	sed 's|/usr/local/sbin|$(SBINDIR)|; s|/usr/local/share/doc/lodestone|$(DOCDIR)|; s|/usr/local/lib/lodestone|$(LIBEXECDIR)|' \
		deploy/systemd/lodestoned.service >$(DESTDIR)$(UNITDIR)/lodestoned.service
	chmod 644 $(DESTDIR)$(UNITDIR)/lodestoned.service
	for doc in $(DOCS); do install -D -m 644 $$doc $(DESTDIR)$(DOCDIR)/$$doc || exit 1; done

uninstall: ## remove what install put there; lodestoned --cleanup comes first
	rm -f $(DESTDIR)$(SBINDIR)/lodestoned $(DESTDIR)$(BINDIR)/lodectl $(DESTDIR)$(BINDIR)/kubectl-lodestone $(DESTDIR)$(BINDIR)/lodestone-kube
	rm -f $(DESTDIR)$(UNITDIR)/lodestoned.service $(DESTDIR)$(LIBEXECDIR)/shutdown
	rm -f $(DESTDIR)$(SYSUSERSDIR)/lodestone.conf $(DESTDIR)$(TMPFILESDIR)/lodestone.conf
	for page in $(notdir $(MAN)); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
	rm -f $(DESTDIR)$(MANDIR)/man8/kubectl-lodestone.8
	rm -f $(DESTDIR)$(BASHDIR)/lodectl $(DESTDIR)$(ZSHDIR)/_lodectl $(DESTDIR)$(FISHDIR)/lodectl.fish
	rm -rf $(DESTDIR)$(DOCDIR)
	[ ! -d $(DESTDIR)$(LIBEXECDIR) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(LIBEXECDIR)

install-test: all ## an installed tree, and the unit's command with the unit's rights (root)
	+$(Q)tests/install/run

IMAGE ?= lodestone:latest
# The time that is written into it: that of what it was made from.
IMAGE_TIME = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || date +%s))

image: all ## the container image, by buildah
	$(Q)scripts/deps image
	$(Q)scripts/image-root $(B)/image
	buildah build --isolation chroot --timestamp $(IMAGE_TIME) -t $(IMAGE) -f deploy/Containerfile $(B)/image

.PHONY: image man install uninstall install-test
