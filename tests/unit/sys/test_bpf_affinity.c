// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Affinity as clients see it, beside a naive model of what kube-proxy does: for each client and
 * service port one backend and when the last connection to it began. Endpoints come, go and drain
 * at random, connections begin, time passes, and the agent's walk is run between any two of these
 * or is not. Real programs, the agent's store and walk over real maps; the seed is printed.
 */
#include "bpf_tables.h"

#include "base/rng.h"

#include <time.h>

#define N_TARGETS  9
#define N_CLIENTS  12
#define N_SERVICES 2 /* in front of the same endpoints */
#define N_FLOWS    64
#define STEPS      700
#define CLIENTS    0xcb007101u
#define AWHILE     (15 * NSEC_PER_SEC)

enum endpoint { GONE, DRAINS, READY };

/* What the model knows of a client. */
struct affinity {
	int backend;    /* whose last connection it was; -1: nobody's */
	unsigned since; /* units of age */
	/* It could have lost its backend, but nobody had to do with it since. */
	enum { HAS_IT, HAS_LOST_IT, MAY_HAVE_IT } certainty;
};

struct flow {
	uint32_t client, service;
	uint16_t port;
	int backend;
};

struct world {
	struct under_test u;
	struct tables tables;
	struct rng rng;
	int xdp, tc;
	uint32_t time_s;
	bool is_long;
	unsigned ages;     /* of the time */
	unsigned unwalked; /* ages since the agent's last walk */
	enum endpoint endpoints[N_TARGETS];
	struct affinity model[N_SERVICES][N_CLIENTS];
	struct flow flows[N_FLOWS]; /* the last ones that began */
	unsigned n_flows;
	uint16_t next_port;
	unsigned n_kept, n_kept_against_row, n_over; /* what was tried */
};

/* --- endpoints -------------------------------------------------------------------------------- */

static uint32_t address_of(int backend)
{
	return 0x0a000001u + (uint32_t)backend;
}

static void put_endpoints(struct world *w)
{
	struct lb_target targets[N_TARGETS];
	size_t n = 0;

	for (int i = 0; i < N_TARGETS; i++)
		if (w->endpoints[i] != GONE)
			targets[n++] = (struct lb_target){.addr = ip_addr_from_v4(address_of(i)),
							  .port = 8080,
							  .weight = 1,
							  .state = w->endpoints[i] == READY
									   ? LB_BACKEND_READY
									   : LB_BACKEND_DRAINING};
	for (uint32_t i = 0; i < N_SERVICES; i++) {
		struct lb_frontend f = {.key = web_key(i),
					.rows_log2 = LB_DEFAULT_ROWS_LOG2,
					.seed = lb_seed("default", i ? "other" : "web"),
					.flags = LB_F_AFFINITY,
					.affinity_s = w->time_s,
					.targets = targets,
					.n_targets = n};

		f.table = lb_table_name(&f);
		assert_int_equal(put(&w->u, &f), 0);
	}
}

/* Who takes no new connection has lost its clients; whether anybody noticed is another matter. */
static void forget(struct world *w)
{
	for (unsigned i = 0; i < N_SERVICES * N_CLIENTS; i++) {
		struct affinity *a = &w->model[i / N_CLIENTS][i % N_CLIENTS];

		if (a->backend < 0)
			continue;
		if (w->endpoints[a->backend] == GONE)
			a->backend = -1; /* what comes back is another one */
		else if (w->endpoints[a->backend] != READY)
			a->certainty = HAS_LOST_IT;
		else if (a->certainty == HAS_LOST_IT)
			a->certainty = MAY_HAVE_IT;
	}
}

static void step_change(struct world *w)
{
	const int i = (int)rng_below(&w->rng, N_TARGETS);
	int n_ready = 0;

	w->endpoints[i] = rng_below(&w->rng, 3) ? READY : (enum endpoint)rng_below(&w->rng, 2);
	for (int k = 0; k < N_TARGETS; k++)
		n_ready += w->endpoints[k] == READY;
	if (n_ready == 0)
		w->endpoints[i] = READY;
	for (unsigned k = 0; k < w->n_flows; k++)
		if (w->endpoints[w->flows[k].backend] == GONE)
			w->flows[k--] = w->flows[--w->n_flows];
	put_endpoints(w);
	forget(w);
}

/* --- connections ------------------------------------------------------------------------------ */

static struct ends request(const struct flow *f)
{
	return (struct ends){CLIENTS + f->client, VIP + f->service, f->port, PORT};
}

/* The backend that a packet of the client's goes to. */
static int send_one(const struct world *w, const struct flow *f, unsigned flags)
{
	const struct ends e = request(f);
	struct packet out;

	assert_int_equal(through(w->xdp, &e, flags, &out), 2); /* XDP_PASS */
	return (int)(ntohl(out.ip.daddr) - address_of(0));
}

static void answer(const struct world *w, const struct flow *f, unsigned flags)
{
	const struct ends back = {address_of(f->backend), CLIENTS + f->client, 8080, f->port};
	struct packet out;

	(void)through(w->tc, &back, flags, &out);
	assert_int_equal(ntohl(out.ip.saddr), VIP + f->service);
}

/* Time is counted in whole units here; the clock itself may have gone on by one. */
static void check(struct world *w, const struct affinity *a, const struct flow *f, int stranger)
{
	if (a->backend < 0 || a->certainty != HAS_IT)
		return;
	if (a->since > w->ages)
		w->n_over += f->backend != a->backend;
	if (a->since + 1 > w->ages)
		return;
	if (f->backend != a->backend)
		fail_msg("client %u of service %u: backend %d after %u of %u ages, not %d",
			 f->client, f->service, f->backend, a->since, w->ages, a->backend);
	w->n_kept++;
	w->n_kept_against_row += stranger != f->backend;
}

/* Whom the row has first; asked by a packet that makes nothing, of nobody's connection. */
static int first_of_row(const struct world *w, const struct flow *f)
{
	struct flow nobody = *f;

	nobody.port = 1;
	return send_one(w, &nobody, PACKET_RST);
}

static void step_connect(struct world *w)
{
	struct flow f = {.client = (uint32_t)rng_below(&w->rng, N_CLIENTS),
			 .service = (uint32_t)rng_below(&w->rng, N_SERVICES),
			 .port = w->next_port++};
	struct affinity *a = &w->model[f.service][f.client];
	const int first = first_of_row(w, &f);

	f.backend = send_one(w, &f, PACKET_SYN);
	assert_in_range(f.backend, 0, N_TARGETS - 1);
	assert_int_equal(w->endpoints[f.backend], READY);
	answer(w, &f, PACKET_SYN | PACKET_ACK);
	assert_int_equal(send_one(w, &f, PACKET_ACK), f.backend);
	answer(w, &f, PACKET_ACK);
	check(w, a, &f, first);
	*a = (struct affinity){.backend = f.backend};
	w->flows[w->n_flows < N_FLOWS ? w->n_flows++ : rng_below(&w->rng, N_FLOWS)] = f;
}

static void connections_go_on(const struct world *w)
{
	for (unsigned i = 0; i < w->n_flows; i++)
		assert_int_equal(send_one(w, &w->flows[i], PACKET_ACK), w->flows[i].backend);
}

/* --- time ------------------------------------------------------------------------------------- */

static void walk(struct world *w)
{
	agent_works(&w->u, AWHILE);
	w->unwalked = 0;
	for (unsigned i = 0; i < N_SERVICES * N_CLIENTS; i++) {
		struct affinity *a = &w->model[i / N_CLIENTS][i % N_CLIENTS];

		if (a->backend >= 0 && a->certainty == HAS_LOST_IT)
			a->backend = -1;
	}
}

/*
 * An age is eight bits: what is over must be walked before it comes round. The agent walks every
 * few seconds; here it may leave out as much as is harmless.
 */
static void pass(struct world *w, unsigned units)
{
	if (w->ages + w->unwalked + units >= 255)
		walk(w);
	w->unwalked += units;
	tables_age(&w->tables, units, w->is_long);
	for (unsigned i = 0; i < N_SERVICES * N_CLIENTS; i++)
		w->model[i / N_CLIENTS][i % N_CLIENTS].since += units;
	for (unsigned i = 0; i < w->n_flows && !w->is_long; i++)
		answer(w, &w->flows[i], PACKET_ACK);
	if (w->is_long)
		w->n_flows = 0;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void begin_world(struct world *w, void **state, uint32_t time_s)
{
	struct lb_clock c = {.now = 0};
	nsec_t unit;

	*w = (struct world){.time_s = time_s, .next_port = 1024};
	bpf_load_age(&c);
	w->is_long = time_s * NSEC_PER_SEC > LB_AFFINITY_AGES_MAX * c.age_unit;
	unit = w->is_long ? c.age_unit << LB_AGE_LONG_SHIFT : c.age_unit;
	w->ages = (unsigned)((time_s * NSEC_PER_SEC + unit - 1) / unit);
	begin_sized(&w->u, state, 1024);
	w->xdp = pinned(&w->u, "progs/xdp_lb");
	w->tc = pinned(&w->u, "progs/tc_reply");
	for (int i = 0; i < N_TARGETS; i++)
		w->endpoints[i] = i < 4 ? READY : GONE;
	for (unsigned i = 0; i < N_SERVICES; i++) {
		struct lb_frontend address = vip(i);

		assert_int_equal(put(&w->u, &address), 0);
	}
	for (unsigned i = 0; i < N_SERVICES * N_CLIENTS; i++)
		w->model[i / N_CLIENTS][i % N_CLIENTS].backend = -1;
	put_endpoints(w);
	tables_open(&w->tables, &w->u);
}

static void end_world(struct world *w)
{
	tables_close(&w->tables);
	close(w->xdp);
	close(w->tc);
	end(&w->u);
}

static unsigned unsettled(const struct world *w, uint32_t service)
{
	const struct lb_key key = web_key(service);

	return tables_unsettled(&w->tables, &key);
}

static void clients_are_where_kube_proxy_would_have_them(void **state, uint32_t time_s)
{
	const uint64_t seed = (uint64_t)time(NULL);
	struct world w;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	print_message("  seed %llu\n", (unsigned long long)seed);
	begin_world(&w, state, time_s);
	rng_seed(&w.rng, seed);
	for (unsigned i = 0; i < STEPS; i++) {
		switch (rng_below(&w.rng, 8)) {
		case 0:
			step_change(&w);
			break;
		case 1:
			pass(&w, (unsigned)rng_below(&w.rng, w.ages / 4 + 1));
			break;
		case 2:
		case 3:
			walk(&w);
			break;
		default:
			step_connect(&w);
		}
		connections_go_on(&w);
	}
	assert_true(w.n_kept > 50);
	assert_true(w.n_kept_against_row > 0);
	assert_true(w.n_over > 0);
	/* Once nobody keeps anybody, and the connections have ended, it is as it was. */
	for (unsigned units = 0; units < w.ages + LB_FLOW_AGES; units += 12) {
		tables_age(&w.tables, 12, w.is_long);
		agent_works(&w.u, AWHILE);
	}
	for (uint32_t i = 0; i < N_SERVICES; i++)
		assert_int_equal(unsettled(&w, i), 0);
	end_world(&w);
}

static void for_ten_minutes(void **state)
{
	clients_are_where_kube_proxy_would_have_them(state, 600);
}

static void for_three_hours(void **state)
{
	clients_are_where_kube_proxy_would_have_them(state, 10800);
}

static void for_a_day(void **state)
{
	clients_are_where_kube_proxy_would_have_them(state, 86400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(for_ten_minutes),
		cmocka_unit_test(for_three_hours),
		cmocka_unit_test(for_a_day),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
