// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two VIPs in front of the same pods, and a client that uses one port for both: the pods would see
 * one connection. Each gets a pod of its own, its row is looked up in the flow table for as long as
 * that lasts, and the agent's walk settles it again. Real programs, the agent's store and walk over
 * real maps.
 */
#include "bpf_tables.h"

#define N_VIPS  3
#define CLIENT  0xcb007107u
#define AWHILE  (15 * NSEC_PER_SEC) /* two walks */
#define DROPPED 1                   /* XDP_DROP */
#define PASSED  2                   /* XDP_PASS */

struct meeting {
	struct under_test u;
	struct tables tables;
	int xdp, tc;
	uint16_t port; /* for which all VIPs have one pod first */
	int first;     /* that one */
};

static struct ends request(uint32_t i, uint16_t port)
{
	return (struct ends){CLIENT, VIP + i, port, PORT};
}

/* The pod that a packet goes to, or -1. */
static int send_from(const struct meeting *m, uint32_t i, uint16_t port, unsigned flags)
{
	const struct ends e = request(i, port);
	struct packet out;
	const uint32_t verdict = through(m->xdp, &e, flags, &out);

	assert_true(verdict == PASSED || verdict == DROPPED);
	return verdict == PASSED ? (int)(ntohl(out.ip.daddr) - 0x0a000001u) : -1;
}

static int send_one(const struct meeting *m, uint32_t i, unsigned flags)
{
	return send_from(m, i, m->port, flags);
}

/* The VIP that a pod's answer comes from; -1: it is no answer of any. */
static int answer(const struct meeting *m, int pod, unsigned flags)
{
	const struct ends back = {0x0a000001u + (uint32_t)pod, CLIENT, 8080, m->port};
	struct packet out;

	(void)through(m->tc, &back, flags, &out);
	if (ntohl(out.ip.saddr) == back.saddr)
		return -1;
	assert_int_equal(ntohs(out.tcp.source), PORT);
	return (int)(ntohl(out.ip.saddr) - VIP);
}

static int connect_to(const struct meeting *m, uint32_t i)
{
	const int pod = send_one(m, i, PACKET_SYN);

	if (pod < 0)
		return pod;
	assert_int_equal(answer(m, pod, PACKET_SYN | PACKET_ACK), i);
	assert_int_equal(send_one(m, i, PACKET_ACK), pod);
	assert_int_equal(answer(m, pod, PACKET_ACK), i);
	return pod;
}

static void goes_on(const struct meeting *m, uint32_t i, int pod)
{
	assert_int_equal(send_one(m, i, PACKET_ACK), pod);
	assert_int_equal(answer(m, pod, PACKET_ACK), i);
}

static unsigned unsettled(const struct meeting *m, uint32_t i)
{
	const struct lb_key key = web_key(i);

	return tables_unsettled(&m->tables, &key);
}

/* Asked by packets that make no entry. */
static void find_port(struct meeting *m)
{
	for (m->port = 1024;; m->port++) {
		unsigned n = 1;

		assert_in_range(m->port, 1024, 20000);
		m->first = send_one(m, 0, PACKET_RST);
		while (n < N_VIPS && send_one(m, n, PACKET_RST) == m->first)
			n++;
		if (n == N_VIPS)
			return;
	}
}

/* Other VIPs than the first have its pods, and other rows, since they are of other Services. */
static void begin_meeting(struct meeting *m, void **state, uint32_t n_pods)
{
	begin_sized(&m->u, state, 1024);
	for (uint32_t i = 0; i < N_VIPS; i++) {
		struct lb_frontend address = vip(i), f = web(&m->u, 0, n_pods);

		f.key = web_key(i);
		f.seed += i;
		f.table = lb_table_name(&f);
		assert_int_equal(put(&m->u, &address), 0);
		assert_int_equal(put(&m->u, &f), 0);
	}
	m->xdp = pinned(&m->u, "progs/xdp_lb");
	m->tc = pinned(&m->u, "progs/tc_reply");
	tables_open(&m->tables, &m->u);
	agent_works(&m->u, AWHILE);
	find_port(m);
	for (uint32_t i = 0; i < N_VIPS; i++)
		assert_int_equal(unsettled(m, i), 0);
}

static void end_meeting(struct meeting *m)
{
	tables_close(&m->tables);
	close(m->xdp);
	close(m->tc);
	end(&m->u);
}

/* Both flows are heard of, so that only what is silent grows old. */
static void pass(struct meeting *m, unsigned units)
{
	for (unsigned i = 0; i < units; i++) {
		tables_age(&m->tables, 1, false);
		agent_works(&m->u, AWHILE);
	}
}

static void both_live_and_the_row_settles_when_one_has_ended(void **state)
{
	struct meeting m;
	int other;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_meeting(&m, state, 4);
	assert_int_equal(connect_to(&m, 0), m.first);
	assert_int_equal(unsettled(&m, 0), 0);
	other = connect_to(&m, 1);
	assert_in_range(other, 0, 3);
	assert_int_not_equal(other, m.first);
	assert_int_equal(unsettled(&m, 1), 1);
	for (unsigned i = 0; i < 20; i++) { /* of which only one of the two is foreign to its row */
		goes_on(&m, 0, m.first);
		goes_on(&m, 1, other);
		pass(&m, 1);
		assert_int_equal(unsettled(&m, 0), 0);
		assert_int_equal(unsettled(&m, 1), 1);
	}
	/* Its client resets the second; what is left of it goes after its time, by one walk. */
	goes_on(&m, 1, other);
	assert_int_equal(send_one(&m, 1, PACKET_RST), other);
	pass(&m, LB_FLOW_AGES_SHORT);
	goes_on(&m, 0, m.first);
	assert_int_equal(unsettled(&m, 1), 1);
	tables_age(&m.tables, 1, false);
	agent_works(&m.u, AWHILE / 2);
	assert_int_equal(unsettled(&m, 1), 0);
	goes_on(&m, 0, m.first);
	/* The first still has its pod's tuple; once it has ended the second may have that. */
	assert_int_equal(connect_to(&m, 1), other);
	assert_int_equal(send_one(&m, 1, PACKET_RST), other);
	assert_int_equal(send_one(&m, 0, PACKET_RST), m.first);
	pass(&m, LB_FLOW_AGES_SHORT + 1);
	assert_int_equal(connect_to(&m, 1), m.first);
	assert_int_equal(unsettled(&m, 1), 0);
	end_meeting(&m);
}

static void an_agent_that_starts_finds_both(void **state)
{
	struct meeting m;
	int other;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_meeting(&m, state, 4);
	assert_int_equal(connect_to(&m, 0), m.first);
	other = connect_to(&m, 1);
	assert_int_not_equal(other, m.first);
	reopen(&m.u);
	assert_true(m.u.adopted);
	goes_on(&m, 0, m.first);
	goes_on(&m, 1, other);
	agent_works(&m.u, 4 * AWHILE);
	goes_on(&m, 0, m.first);
	goes_on(&m, 1, other);
	assert_int_equal(unsettled(&m, 1), 1);
	end_meeting(&m);
}

/* Of more VIPs than pods one has none left for this port; other ports are as ever. */
static void who_finds_no_pod_free_is_dropped(void **state)
{
	struct meeting m;
	int other;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_meeting(&m, state, 2);
	assert_int_equal(connect_to(&m, 0), m.first);
	other = connect_to(&m, 1);
	assert_int_equal(other, 1 - m.first);
	assert_int_equal(connect_to(&m, 2), -1);
	goes_on(&m, 0, m.first);
	goes_on(&m, 1, other);
	assert_in_range(send_from(&m, 2, 65000, PACKET_SYN), 0, 1);
	assert_int_equal(send_one(&m, 0, PACKET_RST), m.first);
	assert_int_equal(connect_to(&m, 2), m.first);
	goes_on(&m, 1, other);
	end_meeting(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_live_and_the_row_settles_when_one_has_ended),
		cmocka_unit_test(an_agent_that_starts_finds_both),
		cmocka_unit_test(who_finds_no_pod_free_is_dropped),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
