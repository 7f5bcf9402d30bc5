// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The self-test of gate 1 (DESIGN 7.1): a packet of an established connection is sent through the
 * loaded program by BPF_PROG_TEST_RUN and must come out rewritten to a backend of its frontend. Its
 * source is 0.0.0.0 or ::, by which the program knows it and leaves no trace of it. It sees the
 * maps as the wire will, but not the hooks; those are read back apart.
 */
#pragma once

#include "lb/lb.h"

/*
 * 0, also for a frontend without a backend that drops the packet, or with one on another node;
 * -ECOMM: the packet was dropped or not rewritten; -EBADMSG: it came out with another destination
 * than a backend, or with wrong checksums; another -errno of the call. ifindex: a device of the
 * key's domain, 0 = any.
 */
int bpf_selftest(int prog_fd, const struct lb_actual *frontend, int ifindex) must_check;
