# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# make deb: a Debian package, into build/deb. make deb-test: lintian, and a life of it in a new system. make sbom: what the
# programs are made of.

sbom: all ## what the programs are made of, with licences, as CycloneDX, into build/sbom.json
	$(Q)scripts/sbom $(AGENT_BIN) $(CLI_BIN) $(FEEDER_BIN) >$(B)/sbom.json

deb: ## a Debian package, by dpkg-buildpackage, into build/deb
	$(Q)scripts/deps build && scripts/deps deb
	$(Q)tests/install/deb build

deb-test: ## lintian, then the package installed, run and removed in a new Debian (root; minutes)
	$(Q)scripts/deps deb
	$(Q)tests/install/deb test

reproducible: ## programs, image and Debian package built twice, in two folders: one digest each (root; minutes)
	$(Q)scripts/deps build && scripts/deps image && scripts/deps deb
	$(Q)scripts/reproducible

docs-test: ## the quick start's commands from the pages, in a new Debian with a clean checkout (root; minutes)
	$(Q)scripts/deps deb
	$(Q)tests/docs/run

.PHONY: sbom deb deb-test docs-test reproducible
