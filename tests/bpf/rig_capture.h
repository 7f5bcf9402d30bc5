// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The programs that capture, over the maps of a rig, and what they put into their ring buffer.
 */
#pragma once

#include "bpf/rig.h"

#define RIG_CAPTURED 8 /* records that are looked at, at a time */

struct rig_capture;

/* Loads them, or has those of the test before; what is captured may be said anew. */
struct rig_capture *rig_capture_new(struct rig *r);
struct rig_capture *rig_capture_free(struct rig_capture *c);
/* Everything but `until` is the test's; that is far away unless it is set. */
void rig_capture_ask(struct rig_capture *c, const struct lb_capture *asked);

/* As rig_xdp() and rig_tc(). */
int rig_capture_xdp(struct rig_capture *c, const struct frame *in, struct frame *out);
int rig_capture_tc(struct rig_capture *c, const struct frame *in, struct frame *out);

struct rig_captured {
	struct lb_captured head;
	uint8_t bytes[LB_CAPTURE_BYTES];
};
/* Records that came since this was asked last: how many, and the first of them. */
unsigned rig_capture_take(struct rig_capture *c, struct rig_captured ret[RIG_CAPTURED]);
/* Frames that were missed and not looked at so far. */
void rig_capture_missed(struct rig_capture *c, uint64_t *ret_missed, uint64_t *ret_unseen);
/* Instructions that the verifier went through. */
uint32_t rig_capture_verified(const struct rig_capture *c, enum rig_program which);
