# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# make arm64: the programs for arm64, built here into build/arm64 with Debian's arm64 libraries (scripts/arm64-root).
# make arm64-test: they run under qemu, and so do the tests that say which octets nodes of different processors exchange.
# make image-arm64: their image.

# Outside of the tree, as what tests/kube/build makes.
ARM_ROOT ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lodestone/arm64-bookworm
ARM_QEMU := qemu-aarch64-static -L $(ARM_ROOT)
ARM_ENV  := PKG_CONFIG_LIBDIR=$(ARM_ROOT)/usr/lib/aarch64-linux-gnu/pkgconfig PKG_CONFIG_SYSROOT_DIR=$(ARM_ROOT)
ARM_MAKE := $(ARM_ENV) $(MAKE) --no-print-directory B=$(B)/arm64 CC="aarch64-linux-gnu-gcc --sysroot=$(ARM_ROOT) -ffile-prefix-map=$(ARM_ROOT)=" RELR=

arm64: ## the programs for arm64, into build/arm64 (root once, for debootstrap)
	$(Q)scripts/deps build && scripts/deps arm64
	$(Q)scripts/arm64-root $(ARM_ROOT)
	+$(Q)$(ARM_MAKE) all plain-tests

# Without sanitizers, which qemu does not take.
PLAIN := $(patsubst tests/unit/%.c,$(B)/plain/%,tests/unit/lb/test_wire.c $(wildcard tests/unit/base/test_*.c))
$(PLAIN): $(B)/plain/%: $(B)/obj/tests/unit/%.o $(B)/liblb.a $(B)/libbase.a
	$(folder)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ -lcmocka -lcjson
$(B)/obj/tests/%.o: CPPFLAGS += -Itests
plain-tests: $(PLAIN)

arm64-test: all arm64 ## versions, a configuration and the golden octets of arm64's programs, under qemu
	$(Q)tests/install/arm64 $(B)/arm64 $(ARM_QEMU)

image-arm64: arm64 ## the image for arm64, by buildah
	$(Q)scripts/deps image
	$(Q)BUILD=$(B)/arm64 SYSROOT=$(ARM_ROOT) STRIP=aarch64-linux-gnu-strip LDD="$(ARM_QEMU) -E LD_TRACE_LOADED_OBJECTS=1" \
		scripts/image-root $(B)/image-arm64
	buildah build --isolation chroot --platform linux/arm64 --timestamp $(IMAGE_TIME) -t $(IMAGE)-arm64 -f deploy/Containerfile $(B)/image-arm64
	$(Q)for program in sbin/lodestoned bin/lodectl bin/lodestone-kube; do \
		qemu-aarch64-static -L $(B)/image-arm64 $(B)/image-arm64/usr/$$program --version || exit 1; done

.PHONY: arm64 arm64-test image-arm64 plain-tests
