// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fragments of TCP and UDP, there and back. What a test expects is a whole packet as the backend or
 * the client must get it, cut at the same places, so that its checksum is the one that counts when
 * it is put together.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <stdlib.h>

#define NEXT   (-1)
#define CUT    1480
#define CUT_V6 1448 /* a multiple of 8 */

static int setup(void **state)
{
	(void)bed_make(state, 3, 0);
	return 0;
}

/* A packet to be cut, as it comes and as it is to go on. */
struct whole {
	struct frame in, out;
	uint32_t id;
	unsigned backend;
};

static size_t cut(void)
{
	return bed_is_v6() ? CUT_V6 : CUT;
}

static void whole_make(struct whole *w, struct frame_spec s, unsigned backend, uint32_t id)
{
	s.payload = s.payload ? s.payload : 4000;
	frame_make(&w->in, &s);
	s.dst = rig_backend_addr(backend);
	s.dport = RIG_BACKEND_PORT;
	frame_make(&w->out, &s);
	w->id = id;
	w->backend = backend;
}

/* The same for an answer of the backend to a request. */
static void whole_answer(struct whole *w, const struct frame_spec *req, unsigned backend,
			 uint32_t id)
{
	struct frame_spec s = {.src = rig_backend_addr(backend),
			       .dst = req->src,
			       .sport = RIG_BACKEND_PORT,
			       .dport = req->sport,
			       .proto = req->proto,
			       .payload = 4000};

	frame_make(&w->in, &s);
	s.src = req->dst;
	s.sport = req->dport;
	frame_make(&w->out, &s);
	w->id = id;
}

static bool has_piece(const struct whole *w, unsigned i)
{
	return FRAME_IP + frame_ip_len() + i * cut() < w->in.len;
}

/* Lays the i-th piece, from 0, in x->in, and what it must become in x->want. */
static void lay_piece(struct bed *x, const struct whole *w, unsigned i, bool turned)
{
	frame_cut(&x->in, &w->in, i * cut(), cut(), w->id);
	frame_cut(&x->want, turned ? &w->out : &w->in, i * cut(), cut(), w->id);
}

static void deliver_piece(struct bed *x, const struct whole *w, unsigned i)
{
	lay_piece(x, w, i, true);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_true(frame_equal(&x->out, &x->want));
}

static void drop_piece(struct bed *x, const struct whole *w, unsigned i, enum lb_drop reason)
{
	uint64_t before = rig_drops(x->rig, reason);

	lay_piece(x, w, i, false);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	assert_true(frame_equal(&x->out, &x->want));
	assert_int_equal(rig_drops(x->rig, reason), before + 1);
}

static void pass_piece(struct bed *x, const struct whole *w, unsigned i)
{
	lay_piece(x, w, i, false);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_true(frame_equal(&x->out, &x->want));
}

static void answer_piece(struct bed *x, const struct whole *w, unsigned i, bool turned)
{
	lay_piece(x, w, i, turned);
	assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
	assert_true(frame_equal(&x->out, &x->want));
}

static void deliver_whole(struct bed *x, const struct whole *w)
{
	for (unsigned i = 0; has_piece(w, i); i++)
		deliver_piece(x, w, i);
}

/* --- to a VIP --------------------------------------------------------------------------------- */

static void the_pieces_of_a_packet_go_to_one_backend(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);
	struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec ack = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	struct whole w;

	whole_make(&w, udp, 0, 1);
	deliver_whole(x, &w);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &udp, 0)), LB_FLOW_NEW);
	assert_int_equal(rig_count(x->rig, &x->udp, 0).packets, 3);
	assert_int_equal(rig_count(x->rig, &x->udp, 0).bytes,
			 3 * (frame_ip_len() + (bed_is_v6() ? 8 : 0)) + 4008);
	whole_make(&w, syn, 0, 2);
	deliver_whole(x, &w);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &syn, 0)), LB_FLOW_NEW);
	whole_make(&w, ack, 0, 3);
	deliver_whole(x, &w);
	udp.no_udp_checksum = true;
	whole_make(&w, udp, 0, 4);
	deliver_whole(x, &w);
}

/* All begin, then all go on: whoever mixed them up would give one the other's backend. */
static void packets_of_many_clients_are_told_apart(void **state)
{
	enum { N = 64 };
	struct bed *x = bed_begin(state);
	struct whole *w = calloc(N, sizeof(*w));

	for (unsigned i = 0; i < N; i++) {
		const unsigned order[] = {i % 3};
		struct rig_service *service = i & 1 ? &x->tcp : &x->udp;
		struct frame_spec s = bed_request(service, (uint16_t)(1000 + i), TCP_ACK_FLAG);

		s.src += i >> 1 & 3;
		rig_set_rows(x->rig, service, order, 1, 0);
		whole_make(&w[i], s, i % 3, i & 1 ? 1 + i / 8 : (1 + i / 8) * 65535);
		deliver_piece(x, &w[i], 0);
	}
	for (unsigned i = 0; i < N; i++) {
		deliver_piece(x, &w[i], 2);
		deliver_piece(x, &w[i], 1);
	}
	free(w);
}

static void a_later_piece_without_its_first_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct whole w, other;

	whole_make(&w, bed_request(&x->udp, 1000, 0), 0, 7);
	drop_piece(x, &w, 1, LB_DROP_FRAGMENT);
	drop_piece(x, &w, 2, LB_DROP_FRAGMENT);
	deliver_whole(x, &w);
	other = w;
	other.id = bed_is_v6() ? 0x10007 : 8;
	drop_piece(x, &other, 1, LB_DROP_FRAGMENT);
	whole_make(&other, bed_request(&x->tcp, 1000, TCP_ACK_FLAG), 0, 7);
	if (!bed_is_v6()) /* whose key has no protocol */
		drop_piece(x, &other, 1, LB_DROP_FRAGMENT);
	whole_make(&other, bed_request(&x->udp, 1000, 0), 0, 7);
	deliver_piece(x, &other, 1);
}

static void an_identification_that_is_used_again_is_another_packet(void **state)
{
	const unsigned second[] = {1};
	struct bed *x = bed_begin(state);
	struct whole w;

	whole_make(&w, bed_request(&x->udp, 1000, 0), 0, 7);
	deliver_whole(x, &w);
	rig_set_rows(x->rig, &x->udp, second, 1, 0);
	whole_make(&w, bed_request(&x->udp, 1001, 0), 1, 7);
	deliver_whole(x, &w);
}

static void a_first_piece_without_its_ports_is_malformed(void **state)
{
	struct bed *x = bed_begin(state);
	struct whole w;

	whole_make(&w, bed_request(&x->tcp, 1000, TCP_SYN_FLAG), 0, 7);
	for (size_t len = 8; len < 24; len += 8) {
		frame_cut(&x->in, &w.in, 0, len, w.id);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), 2);
	drop_piece(x, &w, 1, LB_DROP_FRAGMENT);
	frame_cut(&x->in, &w.in, 0, 24, w.id);
	frame_cut(&x->want, &w.out, 0, 24, w.id);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_true(frame_equal(&x->out, &x->want));
}

static void pieces_of_what_is_not_served_go_as_the_first_did(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0), icmp = s;
	struct whole w;

	s.dport++;
	whole_make(&w, s, 0, 7);
	drop_piece(x, &w, 0, LB_DROP_UNKNOWN_PORT);
	drop_piece(x, &w, 1, LB_DROP_FRAGMENT);
	rig_add_vip(x->rig, VIP, LB_SVC_UNKNOWN_PASS);
	pass_piece(x, &w, 0);
	pass_piece(x, &w, 1);
	pass_piece(x, &w, 2);

	icmp.proto = bed_icmp();
	icmp.icmp_type = bed_is_v6() ? 128 : 8;
	whole_make(&w, icmp, 0, 8);
	drop_piece(x, &w, 0, LB_DROP_FRAGMENT);
	drop_piece(x, &w, 1, LB_DROP_FRAGMENT);
	s = bed_request(&x->udp, 1000, 0);
	s.dst++;
	whole_make(&w, s, 0, 9);
	pass_piece(x, &w, 1);
}

static void pieces_of_a_flow_of_the_kernel_are_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);
	struct whole w;

	rig_set_flags(x->rig, &x->udp, LB_SVC_KERNEL_FLOWS);
	rig_add_kernel_flow(x->rig, &s);
	whole_make(&w, s, 0, 7);
	pass_piece(x, &w, 0);
	pass_piece(x, &w, 1);
	s.sport++;
	whole_make(&w, s, 0, 8);
	deliver_whole(x, &w);
}

/* Who has a whole packet by the state of its service has its pieces. */
static void pieces_of_a_shared_service_go_as_the_first_does(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec ours = bed_request(&x->udp, 1000, 0), s = bed_request(&x->udp, 1001, 0);
	struct whole w;

	whole_make(&w, ours, 0, 7);
	deliver_whole(x, &w);
	for (unsigned i = 0; i < 2; i++) {
		rig_set_flags(x->rig, &x->udp, i ? LB_SVC_HANDING_BACK : LB_SVC_TAKING_OVER);
		whole_make(&w, s, 0, 8 + i);
		pass_piece(x, &w, 0);
		pass_piece(x, &w, 1);
		whole_make(&w, ours, 0, 10 + i);
		deliver_whole(x, &w);
	}
}

/* The row is empty, or the backend went between two pieces. */
static void without_the_firsts_backend_pieces_are_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct whole w;

	whole_make(&w, bed_request(&x->udp, 1000, 0), 0, 7);
	deliver_piece(x, &w, 0);
	rig_set_backend(x->rig, &x->udp, 0, 0, 1);
	drop_piece(x, &w, 1, LB_DROP_NO_BACKEND);
	rig_set_backend(x->rig, &x->udp, 0, LB_BE_IN_USE | LB_BE_READY | LB_BE_LOCAL, 2);
	drop_piece(x, &w, 1, LB_DROP_NO_BACKEND);
	rig_set_backend(x->rig, &x->udp, 0, LB_BE_IN_USE | LB_BE_LOCAL, 1);
	deliver_piece(x, &w, 1);
	rig_set_rows(x->rig, &x->udp, NULL, 0, 0);
	w.id++;
	drop_piece(x, &w, 0, LB_DROP_NO_BACKEND);
	drop_piece(x, &w, 1, LB_DROP_FRAGMENT);
}

static void the_self_test_leaves_no_trace_in_pieces_either(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);
	struct whole w;

	s.src = 0;
	whole_make(&w, s, 0, 7);
	deliver_piece(x, &w, 0);
	lay_piece(x, &w, 1, false);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_FRAGMENT), 0);
	assert_int_equal(rig_count(x->rig, &x->udp, 0).packets, 0);
}

/* The same client and the same identification in another domain. */
static void pieces_of_another_domain_are_not_mistaken(void **state)
{
	const unsigned second[] = {1};
	struct bed *x = bed_begin(state);
	struct rig_service red = {.vip = VIP, .port = 53, .proto = IPPROTO_UDP, .domain = 9};
	struct rig_service vip = {.vip = VIP, .domain = 9};
	struct whole here, there;

	rig_add_service(x->rig, &red);
	rig_add_service(x->rig, &vip);
	rig_add_backend(x->rig, &red, 1);
	rig_set_rows(x->rig, &red, second, 1, 0);
	whole_make(&here, bed_request(&x->udp, 1000, 0), 0, 7);
	whole_make(&there, bed_request(&x->udp, 1001, 0), 1, 7);
	deliver_piece(x, &here, 0);
	rig_set_domain(x->rig, 9);
	drop_piece(x, &there, 1, LB_DROP_FRAGMENT);
	deliver_whole(x, &there);
	rig_set_domain(x->rig, 0);
	deliver_piece(x, &here, 1);
}

/* They lie all over the table; what a flood that fills it costs is tested on the host. */
static void first_pieces_of_others_do_not_take_a_packets_place(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);
	struct whole honest, forged;

	whole_make(&honest, s, 0, 7);
	deliver_piece(x, &honest, 0);
	deliver_piece(x, &honest, 1);
	s.payload = 64;
	for (unsigned i = 0; i < LB_FRAGMENT_LINES / 2; i++) {
		s.src++;
		frame_make(&forged.in, &s);
		frame_cut(&x->in, &forged.in, 0, 16, i);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	}
	deliver_piece(x, &honest, 2);
}

/* --- back ------------------------------------------------------------------------------------- */

static void the_pieces_of_an_answer_leave_with_the_vip(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);
	struct frame_spec tcp = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct whole w, a, b;

	whole_make(&w, udp, 0, 1);
	deliver_whole(x, &w);
	whole_make(&w, tcp, 0, 2);
	deliver_whole(x, &w);
	rig_add_backend_port(x->rig, 0, IPPROTO_UDP);
	rig_add_backend_port(x->rig, 0, IPPROTO_TCP);
	whole_answer(&a, &udp, 0, 1);
	whole_answer(&b, &tcp, 0, 2);
	answer_piece(x, &a, 1, false);
	answer_piece(x, &a, 0, true);
	answer_piece(x, &b, 0, true);
	for (unsigned i = 1; has_piece(&a, i); i++) {
		answer_piece(x, &a, i, true);
		answer_piece(x, &b, i, true);
	}
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &udp, 0)), LB_FLOW_ANSWERED);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_FRAGMENT), 0);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_MISS), 0);
}

/* The pod was reached by its own address, or what it sends is no answer at all. */
static void pieces_that_are_no_answer_leave_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);
	struct whole w, a;

	whole_make(&w, udp, 0, 1);
	deliver_whole(x, &w);
	rig_add_backend_port(x->rig, 0, IPPROTO_UDP);
	udp.sport++;
	whole_answer(&a, &udp, 0, 9);
	answer_piece(x, &a, 0, false);
	answer_piece(x, &a, 1, false);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_MISS), 1);
}

/* Pods count their packets each for itself. */
static void pieces_of_another_pod_with_the_same_number_are_left_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);
	struct whole w, a, other;

	whole_make(&w, udp, 0, 1);
	deliver_whole(x, &w);
	rig_add_backend_port(x->rig, 0, IPPROTO_UDP);
	whole_answer(&a, &udp, 0, 1);
	whole_answer(&other, &udp, 1, 1);
	answer_piece(x, &a, 0, true);
	answer_piece(x, &other, 1, false);
	answer_piece(x, &a, 1, true);
}

/* Its slot became another's while the pieces were under way. */
static void an_answer_of_a_service_that_is_gone_is_left_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);
	struct whole w, a;

	whole_make(&w, udp, 0, 1);
	deliver_whole(x, &w);
	rig_add_backend_port(x->rig, 0, IPPROTO_UDP);
	whole_answer(&a, &udp, 0, 1);
	answer_piece(x, &a, 0, true);
	rig_set_service_id(x->rig, &x->udp, x->udp.id + 1);
	answer_piece(x, &a, 1, false);
	rig_set_service_id(x->rig, &x->udp, x->udp.id);
	answer_piece(x, &a, 1, true);
}

/* The two directions have entries of their own, whatever addresses are the same. */
static void an_answers_pieces_are_no_requests(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);
	struct whole w;

	whole_make(&w, s, 0, 7);
	deliver_piece(x, &w, 0);
	lay_piece(x, &w, 1, false);
	assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
	assert_true(frame_equal(&x->out, &x->want));
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(the_pieces_of_a_packet_go_to_one_backend),
		CLAIM(packets_of_many_clients_are_told_apart),
		CLAIM(a_later_piece_without_its_first_is_dropped),
		CLAIM(an_identification_that_is_used_again_is_another_packet),
		CLAIM(a_first_piece_without_its_ports_is_malformed),
		CLAIM(pieces_of_what_is_not_served_go_as_the_first_did),
		CLAIM_V4(pieces_of_a_flow_of_the_kernel_are_the_kernels, setup),
		CLAIM_V4(pieces_of_a_shared_service_go_as_the_first_does, setup),
		CLAIM(without_the_firsts_backend_pieces_are_dropped),
		CLAIM(the_self_test_leaves_no_trace_in_pieces_either),
		CLAIM(pieces_of_another_domain_are_not_mistaken),
		CLAIM(first_pieces_of_others_do_not_take_a_packets_place),
		CLAIM(the_pieces_of_an_answer_leave_with_the_vip),
		CLAIM(pieces_that_are_no_answer_leave_untouched),
		CLAIM(pieces_of_another_pod_with_the_same_number_are_left_alone),
		CLAIM(an_answer_of_a_service_that_is_gone_is_left_alone),
		CLAIM(an_answers_pieces_are_no_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
