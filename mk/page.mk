# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The status page in a real browser. Skipped, and counted so, where there is none: scripts/deps page.

page-test: all $(LAB_NET) ## the status page in headless Chromium, where it is installed (root)
	$(Q)tests/page/run

.PHONY: page-test
