# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# make arm64: the programs for arm64, built here into build/arm64 with Debian's arm64 libraries (scripts/arm64-root).
# make arm64-test: the programs of the image run under qemu, and so do the tests that say which octets nodes of different
# processors exchange. make image-arm64: their image. make vm-arm64: the image, the verifier and packet tests on an arm64 kernel.

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

# What scripts/image-root and scripts/vm ask of another processor's programs.
ARM_FILES := BUILD=$(B)/arm64 SYSROOT=$(ARM_ROOT) STRIP=aarch64-linux-gnu-strip LDD="$(ARM_QEMU) -E LD_TRACE_LOADED_OBJECTS=1"

image-root-arm64: arm64
	$(Q)$(ARM_FILES) scripts/image-root $(B)/image-arm64

arm64-test: all image-root-arm64 ## versions, configurations and the golden octets of arm64's programs, from their image, under qemu
	$(Q)tests/install/arm64 $(B)/arm64 $(B)/image-arm64 $(ARM_QEMU)

image-arm64: image-root-arm64 ## the image for arm64, by buildah
	$(Q)scripts/deps image
	buildah build --isolation chroot --platform linux/arm64 --timestamp $(IMAGE_TIME) -t $(IMAGE)-arm64 -f deploy/Containerfile $(B)/image-arm64

# Of the packet tests those in which the processor has a say: rewriting and checksums, also of SCTP and of what ICMP quotes, sums and
# keyed hashes that the JIT makes, octets that nodes and sockets exchange. All of them: ARM_BPF='*'.
ARM_BPF ?= xdp_forward tc_reply fragments icmp_error ipv6 sctp source_check xdp_select xdp_tunnel xdp_inner xdp_bfd_answer xdp_nat
VM_ARM_BPF = $(if $(filter *,$(ARM_BPF)),$(VM_BPF),$(ARM_BPF:%=$(B)/vm/tests/bpf/test_%))
VM_ARM = $(patsubst $(B)/%,$(B)/arm64/%,$(B)/vm/tests/verify/test_verify $(VM_ARM_BPF))

vm-arm64: image-root-arm64 ## the arm64 image, the verifier and chosen packet tests on Debian 12's arm64 kernel, in qemu (minutes)
	$(Q)scripts/deps vm
	+$(Q)$(ARM_MAKE) $(VM_ARM)
	$(Q)$(ARM_FILES) VM_ARCH=arm64 VM_ONLY=$${VM_ONLY:-verify,bpf,path,image} VM_IMAGE=$(B)/image-arm64 scripts/vm $(VM_ARM)

.PHONY: arm64 arm64-test image-arm64 image-root-arm64 plain-tests vm-arm64
