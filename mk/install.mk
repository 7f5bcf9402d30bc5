# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# make install [PREFIX=/usr/local] [DESTDIR=...]: programs, the unit, sysusers.d, tmpfiles.d and the docs.
# make image [IMAGE=lodestone:latest]: the container image, from the same programs.
# The unit's paths follow PREFIX. Nothing is enabled or started; README says what comes next.

PREFIX      ?= /usr/local
SBINDIR     ?= $(PREFIX)/sbin
BINDIR      ?= $(PREFIX)/bin
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
DOCDIR      ?= $(PREFIX)/share/doc/lodestone

DOCS := README.md LICENSE $(wildcard LICENSES/* docs/*.md docs/*/*.md)

install: all ## install programs, unit and docs (DESTDIR, PREFIX)
	install -D -m 755 $(AGENT_BIN) $(DESTDIR)$(SBINDIR)/lodestoned
	install -D -m 755 $(CLI_BIN) $(DESTDIR)$(BINDIR)/lodectl
	install -D -m 755 $(FEEDER_BIN) $(DESTDIR)$(BINDIR)/lodestone-kube
	install -D -m 644 deploy/sysusers.d/lodestone.conf $(DESTDIR)$(SYSUSERSDIR)/lodestone.conf
	install -D -m 644 deploy/tmpfiles.d/lodestone.conf $(DESTDIR)$(TMPFILESDIR)/lodestone.conf
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|/usr/local/sbin|$(SBINDIR)|; s|/usr/local/share/doc/lodestone|$(DOCDIR)|' \
		deploy/systemd/lodestoned.service >$(DESTDIR)$(UNITDIR)/lodestoned.service
	chmod 644 $(DESTDIR)$(UNITDIR)/lodestoned.service
	for doc in $(DOCS); do install -D -m 644 $$doc $(DESTDIR)$(DOCDIR)/$$doc || exit 1; done

uninstall: ## remove what install put there; lodestoned --cleanup comes first
	rm -f $(DESTDIR)$(SBINDIR)/lodestoned $(DESTDIR)$(BINDIR)/lodectl $(DESTDIR)$(BINDIR)/lodestone-kube
	rm -f $(DESTDIR)$(UNITDIR)/lodestoned.service
	rm -f $(DESTDIR)$(SYSUSERSDIR)/lodestone.conf $(DESTDIR)$(TMPFILESDIR)/lodestone.conf
	rm -rf $(DESTDIR)$(DOCDIR)

install-test: all ## an installed tree, and the unit's command with the unit's rights (root)
	+$(Q)tests/install/run

IMAGE ?= lodestone:latest

image: all ## the container image, by buildah
	$(Q)scripts/deps image
	$(Q)scripts/image-root $(B)/image
	buildah build --isolation chroot -t $(IMAGE) -f deploy/Containerfile $(B)/image

.PHONY: image install uninstall install-test
