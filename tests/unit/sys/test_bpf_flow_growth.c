// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The flow table grows in this machine's kernel, with packets going through both programs
 * meanwhile: connections begin, are answered, and whoever answers is turned back to the VIP, at any
 * time. The agent's clock is the test's; between two turns it sleeps as long as programs may take.
 */
#include "bpf_packets.h"

#include "sys/loop.h"
#include "sys/worker.h"

#include <poll.h>
#include <pthread.h>

#define N_BACKENDS 3
#define N_FLOWS    40000u /* of 65,536 places at first */
#define CLIENTS    0x0b000000u

/* --- traffic ---------------------------------------------------------------------------------- */

struct traffic {
	pthread_t thread;
	int xdp, tc;
	uint32_t first; /* of its flows */
	uint32_t may_make, n_made;
	bool stop;
	uint32_t n_answers, n_lost;
	uint8_t backend[N_FLOWS]; /* last octet of its address */
};

static struct ends request(const struct traffic *t, uint32_t i)
{
	uint32_t flow = t->first + i;

	return (struct ends){CLIENTS + (flow >> 5), VIP, (uint16_t)(1024 + (flow & 31)), PORT};
}

static void connect_one(struct traffic *t)
{
	struct ends e = request(t, t->n_made);
	struct packet out;

	assert_int_equal(through(t->xdp, &e, PACKET_SYN, &out), 2); /* XDP_PASS */
	t->backend[t->n_made++] = (uint8_t)ntohl(out.ip.daddr);
}

/* The backend of a flow sends: it must be the VIP's packet afterwards. */
static void answer(struct traffic *t, uint32_t i)
{
	struct ends e = request(t, i), back = {0x0a000000u + t->backend[i], e.saddr, 8080, e.sport};
	struct packet out;

	(void)through(t->tc, &back, PACKET_ACK, &out);
	t->n_answers++;
	t->n_lost += ntohl(out.ip.saddr) != VIP || ntohs(out.tcp.source) != PORT;
}

static void *traffic_main(void *arg)
{
	struct traffic *t = arg;
	struct rng rng;

	rng_seed(&rng, t->first + 1);
	while (!__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE)) {
		if (t->n_made < __atomic_load_n(&t->may_make, __ATOMIC_RELAXED)) {
			connect_one(t);
			answer(t, t->n_made - 1);
		}
		if (t->n_made > 0)
			answer(t, (uint32_t)rng_below(&rng, t->n_made));
	}
	return NULL;
}

static void traffic_begin(struct traffic *t, const struct under_test *u, uint32_t first)
{
	*t = (struct traffic){.first = first};
	t->xdp = pinned(u, "progs/xdp_lb");
	t->tc = pinned(u, "progs/tc_reply");
	assert_int_equal(pthread_create(&t->thread, NULL, traffic_main, t), 0);
}

static void traffic_end(struct traffic *t)
{
	__atomic_store_n(&t->stop, true, __ATOMIC_RELEASE);
	pthread_join(t->thread, NULL);
	for (uint32_t i = 0; i < t->n_made; i++)
		answer(t, i);
	close(t->xdp);
	close(t->tc);
	assert_int_equal(t->n_lost, 0);
}

/* --- the agent -------------------------------------------------------------------------------- */

static uint64_t flows_word(const struct under_test *u)
{
	struct lb_config config;
	int fd = pinned(u, "maps/config");
	__u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &config), 0);
	close(fd);
	return config.flows;
}

/* Chunks that are there, as a bit each. */
static uint64_t chunks(const struct under_test *u)
{
	int fd = pinned(u, "maps/flows");
	uint64_t bits = 0;
	__u32 id;

	for (__u32 at = 0; at < 64; at++)
		if (bpf_map_lookup_elem(fd, &at, &id) == 0)
			bits |= 1ull << at;
	close(fd);
	return bits;
}

static void turn(struct under_test *u)
{
	u->now = nsec_min(bpf_dataplane_tick(u->dp, u->now), u->now + NSEC_PER_SEC);
	poll(NULL, 0, 1);
	if (u->worker)
		worker_finish(u->worker);
}

static void make_connections(struct traffic *t, uint32_t n)
{
	__atomic_store_n(&t->may_make, n, __ATOMIC_RELAXED);
	while (__atomic_load_n(&t->n_made, __ATOMIC_RELAXED) < n)
		poll(NULL, 0, 1);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_table_grows_under_traffic_and_nothing_is_lost(void **state)
{
	static struct traffic t;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_sized(&u, state, 1024);
	put_web(&u, 0, N_BACKENDS);
	traffic_begin(&t, &u, 0);
	make_connections(&t, 20000);
	for (unsigned i = 0; i < 40; i++)
		turn(&u);
	assert_true(flows_word(&u) == 1);
	make_connections(&t, 26000);
	while (flows_word(&u) == 1)
		turn(&u);
	assert_true(flows_word(&u) == (1ull << 32 | 1 << 16 | 2));
	assert_true(chunks(&u) == 7);
	assert_int_equal(n_chunk_pins(&u, "flows-"), 3);
	for (unsigned i = 0; flows_word(&u) >> 32; i++) {
		__atomic_store_n(&t.may_make, 26000 + i * 100 < N_FLOWS ? 26000 + i * 100 : N_FLOWS,
				 __ATOMIC_RELAXED);
		turn(&u);
	}
	while (chunks(&u) != 6)
		turn(&u);
	assert_int_equal(n_chunk_pins(&u, "flows-"), 2);
	assert_true(flows_word(&u) == (1 << 16 | 2));
	traffic_end(&t);
	assert_true(t.n_made > 26000 && t.n_answers > 2 * t.n_made);
	end(&u);
}

static void an_agent_that_ends_while_it_grows_is_followed_by_one_that_goes_on(void **state)
{
	static struct traffic t;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_sized(&u, state, 1024);
	put_web(&u, 0, N_BACKENDS);
	traffic_begin(&t, &u, 0);
	make_connections(&t, 26000);
	traffic_end(&t);
	while (flows_word(&u) == 1)
		turn(&u);
	reopen(&u);
	for (unsigned i = 0; i < 5; i++)
		turn(&u);
	reopen(&u);
	assert_true(flows_word(&u) >> 32);
	while (flows_word(&u) >> 32)
		turn(&u);
	assert_true(chunks(&u) == 7);
	reopen(&u); /* which finds a chunk that nobody has any more */
	assert_true(chunks(&u) == 6);
	assert_int_equal(n_chunk_pins(&u, "flows-"), 2);
	t.xdp = pinned(&u, "progs/xdp_lb");
	t.tc = pinned(&u, "progs/tc_reply");
	for (uint32_t i = 0; i < t.n_made; i++)
		answer(&t, i);
	assert_int_equal(t.n_lost, 0);
	close(t.xdp);
	close(t.tc);
	end(&u);
}

static void chunks_are_made_by_the_helper(void **state)
{
	static struct traffic t;
	struct under_test u;
	struct loop *loop;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	loop = loop_new();
	begin_sized(&u, state, 1024);
	put_web(&u, 0, N_BACKENDS);
	u.worker = worker_new(loop);
	bpf_dataplane_use_worker(u.dp, u.worker);
	traffic_begin(&t, &u, 0);
	make_connections(&t, 26000);
	for (unsigned i = 0; chunks(&u) != 6; i++) {
		assert_in_range(i, 0, 2000);
		turn(&u);
	}
	traffic_end(&t);
	end(&u);
	worker_free(u.worker);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_grows_under_traffic_and_nothing_is_lost),
		cmocka_unit_test(an_agent_that_ends_while_it_grows_is_followed_by_one_that_goes_on),
		cmocka_unit_test(chunks_are_made_by_the_helper),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
