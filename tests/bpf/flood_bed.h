// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The bed of tests about new flows beyond the rate of their service: two VIPs with one backend, a
 * clock that stands still, and a rate that is soon used up.
 */
#pragma once

#include "bpf/bed.h"

#include <linux/bpf.h>

#define RATE      4u
#define OTHER_VIP 0xc6336402 /* 198.51.100.2 */

/* One backend each, so that all rows agree; `other` is another VIP's. */
static inline int setup(void **state)
{
	struct bed *x;

	rig_stop_clock();
	x = bed_make(state, 1, LB_SVC_ECHO_ANSWER);
	if (!x->rig)
		return 0;
	rig_add_vip(x->rig, OTHER_VIP, LB_SVC_ECHO_ANSWER);
	x->other = (struct rig_service){.vip = OTHER_VIP, .port = 81, .proto = IPPROTO_TCP};
	rig_add_service(x->rig, &x->other);
	rig_add_backend(x->rig, &x->other, 0);
	rig_set_rows(x->rig, &x->other, (const unsigned[]){0}, 1, 0);
	rig_add_backend_port(x->rig, 0, IPPROTO_TCP);
	rig_add_backend_port(x->rig, 0, IPPROTO_UDP);
	return 0;
}

static inline int send_spec(struct bed *x, const struct frame_spec *s)
{
	frame_make(&x->in, s);
	return rig_xdp(x->rig, &x->in, &x->out);
}

static inline struct frame_spec syn_from(const struct rig_service *s, uint32_t i)
{
	struct frame_spec req = bed_request(s, (uint16_t)(1 + i % 60000), TCP_SYN_FLAG);

	req.src = 0x0b000000 + i / 60000;
	return req;
}

/* So many flows begin that no more get an entry. */
static inline void use_up(struct bed *x, const struct rig_service *s)
{
	struct frame_spec req = bed_request(s, 50000, TCP_SYN_FLAG);

	rig_set_limit(x->rig, s, RATE);
	req.src = CLIENT + rig_slot(x->rig, s) + 1;
	for (unsigned i = rig_new_flows(x->rig, s); i < RATE; i++) {
		req.sport++;
		assert_int_equal(send_spec(x, &req), XDP_PASS);
		assert_non_null(rig_flow(x->rig, &req, 0));
	}
	assert_int_equal(rig_new_flows(x->rig, s), RATE);
}

static inline void expect_given_to_backend(struct bed *x, const struct frame_spec *req)
{
	struct frame_spec s = *req;

	assert_int_equal(send_spec(x, req), XDP_PASS);
	s.dst = rig_backend_addr(0);
	s.dport = RIG_BACKEND_PORT;
	frame_make(&x->want, &s);
	assert_true(frame_equal(&x->out, &x->want));
}
