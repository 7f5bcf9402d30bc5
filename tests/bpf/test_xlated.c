// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An established packet of a settled row calls nothing and looks at no flow's entry. The program is
 * loaded, and the kernel's translation of it is executed here, an instruction at a time, with such
 * a packet (xlated.h): what is proven is that between its first instruction and its verdict this
 * packet meets no call of a helper and none of another function, and that it is counted and
 * delivered all the same. A call on another path, of another packet, is not seen, nor looked for.
 *
 * That needs a kernel that inlines the look-up in an array per CPU (6.10 and later, on x86): the
 * counters lie in one. Elsewhere that one call is all that may be there.
 */
#include "bpf/bed.h"
#include "bpf/rig_private.h"
#include "bpf/xlated.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

static int setup(void **state)
{
	(void)bed_make(state, 4, 0);
	return 0;
}

/* What becomes of a frame, by this program. */
static struct xlated_run run(struct bed *x, const struct frame_spec *s)
{
	int fd = bpf_program__fd(x->rig->xdp->progs.xdp_lb);
	struct xlated *program = xlated_new(fd);
	struct xlated_run ret;

	frame_make(&x->in, s);
	ret = xlated_run(program, &x->in);
	xlated_free(program);
	return ret;
}

/* A look-up of this kernel in an array per CPU is a call. */
static bool counting_is_a_call(struct bed *x)
{
	int map = bpf_map__fd(x->rig->xdp->maps.drops), fd;
	const struct bpf_insn insns[] = {
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{.code = 0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct frame f = {.len = 64};
	struct xlated *program;
	struct xlated_run ret;

	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", insns,
			   sizeof(insns) / sizeof(insns[0]), NULL);
	rig_must(fd, "load the probe");
	program = xlated_new(fd);
	ret = xlated_run(program, &f);
	assert_int_not_equal(ret.end, XLATED_UNKNOWN);
	xlated_free(program);
	close(fd);
	return ret.end == XLATED_CALL;
}

static void an_established_packet_of_a_settled_row_calls_nothing(void **state)
{
	struct bed *x = bed_begin(state);

	if (counting_is_a_call(x)) {
		print_message("this kernel does not inline look-ups in arrays per CPU\n");
		skip();
	}
	for (uint16_t port = 1000; port < 1100; port++) {
		struct frame_spec s = bed_request(&x->tcp, port, TCP_ACK_FLAG);
		struct frame by_kernel, in;
		struct xlated_run ret = run(x, &s);

		assert_int_equal(ret.end, XLATED_EXIT);
		assert_int_equal(ret.verdict, XDP_PASS);
		assert_true(ret.wrote_counter);
		assert_false(ret.looked_for_a_flow);
		frame_make(&in, &s);
		assert_int_equal(rig_xdp(x->rig, &in, &by_kernel), XDP_PASS);
		assert_true(frame_equal(&x->in, &by_kernel));
	}
}

/* Flags, a tag and options that an established connection sends are no other path; extension
 * headers are. */
static void nor_does_one_that_ends_or_has_a_tag_or_options(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_FIN_FLAG | TCP_ACK_FLAG);

	if (counting_is_a_call(x))
		skip();
	assert_int_equal(run(x, &s).end, XLATED_EXIT);
	s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	s.vlan = 100;
	assert_int_equal(run(x, &s).end, XLATED_EXIT);
	assert_int_equal(run(x, &s).verdict, XDP_PASS);
	s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	s.options = 3;
	assert_int_equal(run(x, &s).end, bed_is_v6() ? XLATED_CALL : XLATED_EXIT);
	if (!bed_is_v6())
		assert_int_equal(run(x, &s).verdict, XDP_PASS);
}

/* With a deny list, too, as long as no denied source is near the packet's own. */
static void nor_does_one_beside_a_deny_list(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	unsigned n;

	if (counting_is_a_call(x))
		skip();
	n = run(x, &s).n_executed;
	rig_deny(x->rig, CLIENT ^ 0x00010001, bed_whole());
	assert_int_equal(run(x, &s).end, XLATED_EXIT);
	assert_int_equal(run(x, &s).verdict, XDP_PASS);
	assert_in_range(run(x, &s).n_executed, n + 1, n + 30);
	rig_set_denies(x->rig, false);
	assert_int_equal(run(x, &s).n_executed, n);
	rig_deny(x->rig, bed_is_v6() ? CLIENT ^ 0x00010000 : CLIENT ^ 1, bed_whole());
	assert_int_equal(run(x, &s).end, XLATED_CALL);
}

/* The interpreter knows no jiffies: its time is 0, and no entry is to be made younger. */
static void make_it_the_first_moment(struct bed *x)
{
	for (unsigned i = 0; i < rig_n_lines(x->rig); i++)
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++)
			rig_line(x->rig, i)->way[way].age = 0;
}

/* A datagram reads its flow's entry, and finds it without a call. */
static void nor_does_a_datagram_of_a_known_flow(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);
	struct xlated_run ret;

	if (counting_is_a_call(x))
		skip();
	assert_int_equal(bed_xdp(x, &s), XDP_PASS);
	make_it_the_first_moment(x);
	ret = run(x, &s);
	assert_int_equal(ret.end, XLATED_EXIT);
	assert_int_equal(ret.verdict, XDP_PASS);
	assert_true(ret.looked_for_a_flow);
	assert_true(frame_equal(&x->in, &x->out));
}

/* A first packet, for whose entry there is room. */
static void nor_does_a_flow_that_begins(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s[] = {bed_request(&x->tcp, 1000, TCP_SYN_FLAG),
				 bed_request(&x->udp, 1001, 0)};

	if (counting_is_a_call(x))
		skip();
	for (unsigned i = 0; i < 2; i++) {
		struct xlated_run ret = run(x, &s[i]);

		assert_int_equal(ret.end, XLATED_EXIT);
		assert_int_equal(ret.verdict, XDP_PASS);
		assert_int_equal(bed_xdp(x, &s[i]), XDP_PASS); /* so what it made is not there */
		assert_int_equal(rig_n_flows(x->rig), i + 1);
	}
}

/* Neither does what is not ours; but a SYN that comes again does, and what needs to ask the
 * sockets, so that calls are seen here. */
static void other_packets_call_as_they_must(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	const unsigned in_order[] = {0, 1, 2, 3};

	assert_int_equal(bed_xdp(x, &s), XDP_PASS);
	assert_int_equal(run(x, &s).end, XLATED_CALL);
	s = bed_request(&x->tcp, 1001, TCP_ACK_FLAG);
	rig_set_rows(x->rig, &x->tcp, in_order, 4, LB_ROW_UNSETTLED);
	assert_int_equal(run(x, &s).end, XLATED_CALL);
	s.dst = VIP + 1;
	assert_int_equal(run(x, &s).end, XLATED_EXIT);
	assert_int_equal(run(x, &s).verdict, XDP_PASS);
	assert_false(run(x, &s).wrote_counter);
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(an_established_packet_of_a_settled_row_calls_nothing),
		CLAIM(nor_does_one_that_ends_or_has_a_tag_or_options),
		CLAIM(nor_does_one_beside_a_deny_list),
		CLAIM(nor_does_a_datagram_of_a_known_flow),
		CLAIM(nor_does_a_flow_that_begins),
		CLAIM(other_packets_call_as_they_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
