// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Services that are shared with the kernel: a packet of the kernel's flows is passed as it came,
 * all others are served. Which of them a packet is shows in the frame: rewritten, or not one byte
 * of it.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define ROUTER 0x0afe0001

enum whose { OURS, THE_KERNELS, DROPPED };

static const unsigned reversed[] = {3, 2, 1, 0};

static int setup(void **state)
{
	(void)bed_make(state, 4, 0);
	return 0;
}

static enum whose frame_goes(struct bed *x, const struct frame_spec *spec)
{
	struct frame in, out;

	frame_make(&in, spec);
	if (rig_xdp(x->rig, &in, &out) != XDP_PASS)
		return DROPPED;
	if (frame_equal(&in, &out))
		return THE_KERNELS;
	assert_true(frame_is_valid(&out));
	return OURS;
}

static enum whose packet(struct bed *x, const struct rig_service *s, uint16_t sport, uint8_t flags)
{
	const struct frame_spec spec = bed_request(s, sport, flags);

	return frame_goes(x, &spec);
}

static void give_to_kernel(struct bed *x, const struct rig_service *s, uint16_t sport)
{
	const struct frame_spec spec = bed_request(s, sport, 0);

	rig_add_kernel_flow(x->rig, &spec);
}

static int state_of(struct bed *x, uint16_t sport)
{
	const struct frame_spec spec = bed_request(&x->tcp, sport, 0);

	return rig_kernel_flow(x->rig, &spec);
}

static struct lb_flow *entry_of(struct bed *x, const struct rig_service *s, uint16_t sport,
				unsigned backend)
{
	const struct frame_spec spec = bed_request(s, sport, 0);

	return rig_flow(x->rig, &spec, backend);
}

static void share(struct bed *x, uint32_t flags)
{
	rig_set_flags(x->rig, &x->tcp, flags);
	rig_set_flags(x->rig, &x->udp, flags);
	rig_set_vip_flags(x->rig, VIP, flags);
}

/* --- kernel flows ----------------------------------------------------------------------------- */

static void what_the_table_names_is_passed_and_nothing_else(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec other = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	share(x, LB_SVC_KERNEL_FLOWS);
	give_to_kernel(x, &x->tcp, 1000);
	give_to_kernel(x, &x->udp, 1001);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), THE_KERNELS);
	assert_int_equal(packet(x, &x->udp, 1001, 0), THE_KERNELS);
	assert_int_equal(rig_n_flows(x->rig), 0);
	assert_int_equal(packet(x, &x->tcp, 1001, TCP_ACK_FLAG), OURS);
	assert_int_equal(packet(x, &x->udp, 1000, 0), OURS);
	other.src++;
	assert_int_equal(frame_goes(x, &other), OURS);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 2);
}

static void a_service_that_is_not_shared_does_not_ask(void **state)
{
	struct bed *x = bed_begin(state);

	give_to_kernel(x, &x->tcp, 1000);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), OURS);
}

static void a_syn_on_a_living_connection_is_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);

	share(x, LB_SVC_KERNEL_FLOWS);
	give_to_kernel(x, &x->tcp, 1000);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_SYN_FLAG), THE_KERNELS);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), THE_KERNELS);
	assert_int_equal(state_of(x, 1000), LB_KERNEL_FLOW_OPEN);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

/* The last packets of the old connection still go where the others went. */
static void ports_that_are_used_again_are_ours(void **state)
{
	struct bed *x = bed_begin(state);
	const uint8_t ends[] = {TCP_FIN_FLAG | TCP_ACK_FLAG, TCP_RST_FLAG};

	share(x, LB_SVC_KERNEL_FLOWS);
	for (uint16_t i = 0; i < 2; i++) {
		give_to_kernel(x, &x->tcp, 1000 + i);
		assert_int_equal(packet(x, &x->tcp, 1000 + i, ends[i]), THE_KERNELS);
		assert_int_equal(state_of(x, 1000 + i), LB_KERNEL_FLOW_CLOSING);
		assert_int_equal(packet(x, &x->tcp, 1000 + i, TCP_ACK_FLAG), THE_KERNELS);
		assert_int_equal(packet(x, &x->tcp, 1000 + i, TCP_SYN_FLAG), OURS);
		assert_int_equal(state_of(x, 1000 + i), LB_KERNEL_FLOW_OVER);
		assert_int_equal(packet(x, &x->tcp, 1000 + i, TCP_ACK_FLAG), OURS);
		assert_int_equal(packet(x, &x->tcp, 1000 + i, TCP_SYN_FLAG), OURS);
	}
}

static void what_is_no_flow_yet_makes_none_of_the_kernels_end(void **state)
{
	struct bed *x = bed_begin(state);

	share(x, LB_SVC_KERNEL_FLOWS);
	give_to_kernel(x, &x->tcp, 1001);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_FIN_FLAG), OURS);
	assert_int_equal(state_of(x, 1000), -1);
}

/* As after an upgrade to another format of it: what it named has no entry. */
static void without_a_table_what_goes_on_without_an_entry_is_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);

	share(x, LB_SVC_KERNEL_FLOWS);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_SYN_FLAG), OURS);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), OURS);
	assert_int_equal(packet(x, &x->tcp, 1001, TCP_ACK_FLAG), THE_KERNELS);
	assert_int_equal(packet(x, &x->udp, 1001, 0), THE_KERNELS);
	give_to_kernel(x, &x->tcp, 1002);
	assert_int_equal(packet(x, &x->tcp, 1001, TCP_ACK_FLAG), OURS);
	assert_int_equal(packet(x, &x->tcp, 1002, TCP_ACK_FLAG), THE_KERNELS);
}

/* A port that nobody serves any more, or not yet. */
static void the_kernels_flows_to_other_ports_of_the_vip_are_passed(void **state)
{
	struct bed *x = bed_begin(state);
	struct rig_service none = {.vip = VIP, .port = 81, .proto = IPPROTO_TCP};

	give_to_kernel(x, &none, 1000);
	assert_int_equal(packet(x, &none, 1000, TCP_ACK_FLAG), DROPPED);
	for (uint32_t flag = LB_SVC_KERNEL_FLOWS; flag <= LB_SVC_TAKING_OVER; flag <<= 1) {
		share(x, flag);
		assert_int_equal(packet(x, &none, 1000, TCP_ACK_FLAG), THE_KERNELS);
		assert_int_equal(packet(x, &none, 1001, TCP_ACK_FLAG), DROPPED);
		assert_int_equal(packet(x, &none, 1001, TCP_SYN_FLAG), DROPPED);
	}
}

static void a_flow_lives_on_though_its_service_has_no_backends(void **state)
{
	struct bed *x = bed_begin(state);

	give_to_kernel(x, &x->tcp, 1000);
	for (unsigned i = 0; i < 2; i++) {
		share(x, LB_SVC_KERNEL_FLOWS | (i ? 0 : LB_SVC_NO_BACKENDS));
		rig_set_rows(x->rig, &x->tcp, NULL, 0, 0);
		assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), THE_KERNELS);
		assert_int_equal(packet(x, &x->tcp, 1001, TCP_ACK_FLAG), DROPPED);
	}
}

/* --- taking over ------------------------------------------------------------------------------ */

static void while_taking_over_what_begins_is_ours(void **state)
{
	struct bed *x = bed_begin(state);

	share(x, LB_SVC_TAKING_OVER);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), THE_KERNELS);
	assert_int_equal(packet(x, &x->udp, 1000, 0), THE_KERNELS);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_RST_FLAG), THE_KERNELS);
	assert_int_equal(packet(x, &x->tcp, 1001, TCP_SYN_FLAG), OURS);
	assert_int_equal(packet(x, &x->tcp, 1001, TCP_ACK_FLAG), OURS);
	assert_int_equal(packet(x, &x->tcp, 1001, TCP_FIN_FLAG), OURS);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

/* A SYN that is sent again: the kernel has answered the first one. */
static void while_taking_over_the_table_is_asked_about_what_begins(void **state)
{
	struct bed *x = bed_begin(state);

	share(x, LB_SVC_TAKING_OVER);
	give_to_kernel(x, &x->tcp, 1000);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_SYN_FLAG), THE_KERNELS);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), THE_KERNELS);
}

/* Whichever candidate it is, and also when it has begun to close. */
static void entries_of_ours_are_found_while_taking_over(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec spec = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	assert_int_equal(packet(x, &x->tcp, 1000, TCP_SYN_FLAG), OURS);
	assert_int_equal(packet(x, &x->udp, 1000, 0), OURS);
	rig_set_rows(x->rig, &x->tcp, reversed, 4, LB_ROW_UNSETTLED);
	rig_set_rows(x->rig, &x->udp, reversed, 4, LB_ROW_UNSETTLED);
	share(x, LB_SVC_TAKING_OVER);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), OURS);
	assert_int_equal(packet(x, &x->udp, 1000, 0), OURS);
	bed_answer(x, &spec, 0, TCP_FIN_FLAG | TCP_ACK_FLAG);
	assert_int_equal(rig_flow_state(entry_of(x, &x->tcp, 1000, 0)), LB_FLOW_CLOSING);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), OURS);
}

/* --- handing back ----------------------------------------------------------------------------- */

static void while_handing_back_ours_go_on_and_what_begins_is_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);

	assert_int_equal(packet(x, &x->tcp, 1000, TCP_SYN_FLAG), OURS);
	assert_int_equal(packet(x, &x->udp, 1000, 0), OURS);
	share(x, LB_SVC_HANDING_BACK);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), OURS);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_SYN_FLAG), OURS);
	assert_int_equal(packet(x, &x->udp, 1000, 0), OURS);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(packet(x, &x->tcp, 1001, TCP_SYN_FLAG), THE_KERNELS);
		assert_int_equal(packet(x, &x->tcp, 1001, TCP_ACK_FLAG), THE_KERNELS);
		assert_int_equal(packet(x, &x->udp, 1001, 0), THE_KERNELS);
	}
	assert_int_equal(rig_n_flows(x->rig), 2);
}

/* The entry of the old connection would claim the packets of the new one. */
static void ports_that_are_used_again_are_the_kernels_while_handing_back(void **state)
{
	struct bed *x = bed_begin(state);

	packet(x, &x->tcp, 1000, TCP_SYN_FLAG);
	rig_set_rows(x->rig, &x->tcp, reversed, 4, LB_ROW_UNSETTLED);
	share(x, LB_SVC_HANDING_BACK);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_RST_FLAG), OURS);
	assert_int_equal(rig_flow_state(entry_of(x, &x->tcp, 1000, 0)), LB_FLOW_CLOSING);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), OURS);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_SYN_FLAG), THE_KERNELS);
	assert_null(entry_of(x, &x->tcp, 1000, 0));
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), THE_KERNELS);
}

/* Its backend's tuple is held by another front end, which still needs it. */
static void what_others_hold_is_not_forgotten(void **state)
{
	struct bed *x = bed_begin(state);

	packet(x, &x->tcp, 1000, TCP_SYN_FLAG);
	bed_add(x, &x->other, 443, IPPROTO_TCP, 4);
	rig_set_flags(x->rig, &x->other, LB_SVC_HANDING_BACK);
	assert_int_equal(packet(x, &x->other, 1000, TCP_SYN_FLAG), THE_KERNELS);
	assert_non_null(entry_of(x, &x->tcp, 1000, 0));
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_ACK_FLAG), OURS);
}

static void while_handing_back_ports_that_are_not_served_are_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);
	struct rig_service none = {.vip = VIP, .port = 81, .proto = IPPROTO_TCP};

	share(x, LB_SVC_HANDING_BACK);
	assert_int_equal(packet(x, &none, 1000, TCP_SYN_FLAG), THE_KERNELS);
	assert_int_equal(packet(x, &none, 1000, TCP_ACK_FLAG), THE_KERNELS);
	share(x, LB_SVC_HANDING_BACK | LB_SVC_NO_BACKENDS);
	assert_int_equal(packet(x, &x->tcp, 1000, TCP_SYN_FLAG), THE_KERNELS);
}

/* --- others who speak of a flow --------------------------------------------------------------- */

static enum whose error_about(struct bed *x, const struct rig_service *s, uint16_t sport)
{
	const struct frame_spec answer = {
		.src = VIP, .dst = CLIENT, .sport = s->port, .dport = sport, .proto = s->proto};
	struct frame_spec error = {
		.src = ROUTER, .dst = VIP, .proto = bed_icmp(), .icmp_type = bed_is_v6() ? 1 : 3};
	struct frame quote, in, out;

	frame_make(&quote, &answer);
	error.quote = &quote;
	error.quote_len = (uint16_t)(frame_ip_len() + 8);
	frame_make(&in, &error);
	if (rig_xdp(x->rig, &in, &out) != XDP_PASS)
		return DROPPED;
	return frame_equal(&in, &out) ? THE_KERNELS : OURS;
}

static void an_icmp_error_goes_to_whom_its_flow_belongs(void **state)
{
	struct bed *x = bed_begin(state);

	packet(x, &x->tcp, 1001, TCP_SYN_FLAG);
	give_to_kernel(x, &x->tcp, 1000);
	for (uint32_t flag = LB_SVC_KERNEL_FLOWS; flag <= LB_SVC_HANDING_BACK; flag <<= 1) {
		share(x, flag);
		assert_int_equal(error_about(x, &x->tcp, 1000), THE_KERNELS);
		assert_int_equal(error_about(x, &x->tcp, 1001), OURS);
	}
	assert_int_equal(state_of(x, 1000), LB_KERNEL_FLOW_OPEN);
	rig_set_rows(x->rig, &x->tcp, NULL, 0, 0);
	assert_int_equal(error_about(x, &x->tcp, 1001), THE_KERNELS);
	share(x, 0);
	assert_int_equal(error_about(x, &x->tcp, 1000), DROPPED);
}

static void the_self_test_is_ours_whatever_is_shared(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec test = bed_request(&x->tcp, 1, TCP_ACK_FLAG);

	test.src = 0;
	rig_add_kernel_flow(x->rig, &test);
	for (uint32_t flag = LB_SVC_KERNEL_FLOWS; flag <= LB_SVC_HANDING_BACK; flag <<= 1) {
		share(x, flag);
		assert_int_equal(frame_goes(x, &test), OURS);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(what_the_table_names_is_passed_and_nothing_else),
		CLAIM(a_service_that_is_not_shared_does_not_ask),
		CLAIM(a_syn_on_a_living_connection_is_the_kernels),
		CLAIM(ports_that_are_used_again_are_ours),
		CLAIM(what_is_no_flow_yet_makes_none_of_the_kernels_end),
		CLAIM(without_a_table_what_goes_on_without_an_entry_is_the_kernels),
		CLAIM(the_kernels_flows_to_other_ports_of_the_vip_are_passed),
		CLAIM(a_flow_lives_on_though_its_service_has_no_backends),
		CLAIM(while_taking_over_what_begins_is_ours),
		CLAIM(while_taking_over_the_table_is_asked_about_what_begins),
		CLAIM(entries_of_ours_are_found_while_taking_over),
		CLAIM(while_handing_back_ours_go_on_and_what_begins_is_the_kernels),
		CLAIM(ports_that_are_used_again_are_the_kernels_while_handing_back),
		CLAIM(what_others_hold_is_not_forgotten),
		CLAIM(while_handing_back_ports_that_are_not_served_are_the_kernels),
		CLAIM(an_icmp_error_goes_to_whom_its_flow_belongs),
		CLAIM(the_self_test_is_ours_whatever_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
