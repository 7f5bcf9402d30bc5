// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Frames that end where their headers end: nothing behind them is needed, and no octet less does.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>

static int setup(void **state)
{
	(void)bed_make(state, 1, 0);
	return 0;
}

/* The last octets of a frame are the last of its L4 header. */
static void a_frame_without_a_payload_is_served(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *services[] = {&x->tcp, &x->udp};

	for (size_t i = 0; i < 2; i++) {
		struct frame_spec s = bed_request(services[i], 1000, TCP_ACK_FLAG);

		s.bare = true;
		frame_make(&x->in, &s);
		assert_int_equal(x->in.len, FRAME_IP + frame_ip_len() + (i == 0 ? 20 : 8));
		s.dst = rig_backend_addr(0);
		s.dport = RIG_BACKEND_PORT;
		frame_make(&x->want, &s);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
		assert_true(frame_equal(&x->out, &x->want));
	}
}

static void a_frame_that_ends_within_its_header_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *services[] = {&x->tcp, &x->udp};

	for (size_t i = 0; i < 2; i++) {
		struct frame_spec s = bed_request(services[i], 1000, TCP_ACK_FLAG);

		s.bare = true;
		frame_make(&x->in, &s);
		x->in.len--;
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
		/* The same by what the IP header says, though more octets are there. */
		frame_make(&x->in, &s);
		frame_set_bytes(&x->in, (uint16_t)(frame_bytes(&x->in) - 1));
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_frame_without_a_payload_is_served),
		CLAIM(a_frame_that_ends_within_its_header_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
