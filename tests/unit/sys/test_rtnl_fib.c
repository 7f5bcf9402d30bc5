// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Received routes in the kernel of a fresh network namespace: whatever is there, ours or somebody
 * else's, a look and what follows from it bring it to what is wanted, and the next pass finds
 * nothing to do. And faults at every n-th message: what was lost then is found by the looks that
 * follow.
 */
#include "base/rng.h"
#include "sys/loop.h"
#include "sys/nlsock.h"
#include "sys/rtnl_fib.h"

#include "sys_test.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define N_TABLES   2
#define N_PREFIXES 400
#define N_HOPS     FIB_HOPS_MAX /* a batch then takes more than one call */

static const uint32_t tables[N_TABLES] = {19800, 1000};

/* --- faults ---------------------------------------------------------------------------------- */

/* Messages so far, the helper's; of which number and its multiples none gets through; 0: all do. */
static atomic_uint n_messages, fails_at;

static bool fails_now(void)
{
	const unsigned n = ++n_messages;

	return fails_at > 0 && n % fails_at == 0;
}

/* In the place of libmnl's, by which all that is sent and received goes. */
ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *buf, size_t len)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (fails_now()) {
		errno = ENOBUFS;
		return -1;
	}
	return sendto(mnl_socket_get_fd(s), buf, len, 0, (const struct sockaddr *)&kernel,
		      sizeof(kernel));
}

/* What cannot be received is lost, as when the socket has no room for it. */
ssize_t mnl_socket_recvfrom(const struct mnl_socket *s, void *buf, size_t size)
{
	const ssize_t n = recv(mnl_socket_get_fd(s), buf, size, 0);

	if (!fails_now())
		return n;
	errno = ENOBUFS;
	return -1;
}

/* --- bed ------------------------------------------------------------------------------------- */

struct bed {
	struct loop *loop;
	struct rtnl_fib *rtnl;
	struct fib *fib;
	struct rng rng;
	unsigned wanted[N_TABLES][N_PREFIXES]; /* which of the sets of hops; 0: none */
	unsigned n_changes;                    /* passes of the loop that changed something */
};

static struct bed *bed_up(void)
{
	struct bed *b = xcalloc(1, sizeof(*b));

	netns_enter();
	run("ip link add d0 type veth peer name d1; ip link set d1 up; ip link set d0 up;"
	    " ip addr add 10.9.0.1/24 dev d0; ip addr add fd00:9::1/64 dev d0 nodad");
	n_messages = fails_at = 0;
	b->loop = loop_new();
	b->fib = fib_new();
	fib_sweep(b->fib);
	assert_int_equal(rtnl_fib_open(b->loop, &b->rtnl), 0);
	rng_seed(&b->rng, 5);
	return b;
}

static void bed_down(struct bed *b)
{
	rtnl_fib_free(b->rtnl);
	fib_free(b->fib);
	loop_free(b->loop);
	free(b);
}

static struct ip_prefix prefix_of(size_t i)
{
	const struct ip_addr v4 = ip_addr_from_v4(0x0b000000 + (uint32_t)(i << 8));
	const struct ip_addr v6 = {.b = {0x20, 1, [2] = (uint8_t)(i >> 8), [3] = (uint8_t)i}};

	return i % 2 ? ip_prefix_of(&v4, 24) : ip_prefix_of(&v6, 48);
}

static struct fib_hops hops_of(size_t prefix, unsigned which)
{
	const int ifindex = (int)if_nametoindex("d0");
	struct fib_hops ret = {.n = which};

	for (unsigned i = 0; i < which; i++)
		ret.items[i] = (struct fib_hop){
			prefix % 2
				? ip_addr_from_v4(0x0a090002 + i)
				: (struct ip_addr){.b = {0xfd, [3] = 9, [15] = (uint8_t)(2 + i)}},
			ifindex};
	return ret;
}

static void want(struct bed *b, size_t table, size_t prefix, unsigned which)
{
	const struct ip_prefix p = prefix_of(prefix);
	const struct fib_hops hops = hops_of(prefix, which);

	b->wanted[table][prefix] = which;
	fib_want(b->fib, tables[table], &p, &hops);
}

/* Until the helper has nothing to do any more. */
static nsec_t apply_step(void *ctx, nsec_t now)
{
	struct bed *b = ctx;
	const bool was_away = rtnl_fib_is_away(b->rtnl);

	(void)now;
	if (!was_away && !rtnl_fib_apply(b->rtnl, b->fib))
		loop_stop(b->loop);
	else
		b->n_changes += !was_away;
	return NSEC_NEVER;
}

static void apply(struct bed *b)
{
	b->n_changes = 0;
	assert_int_equal(loop_run(b->loop, apply_step, b), 0);
}

static nsec_t look_step(void *ctx, nsec_t now)
{
	struct bed *b = ctx;

	(void)now;
	if (!rtnl_fib_is_away(b->rtnl) && !rtnl_fib_look(b->rtnl))
		loop_stop(b->loop);
	return NSEC_NEVER;
}

static int look(struct bed *b)
{
	rtnl_fib_look_begin(b->rtnl, b->fib, tables, N_TABLES);
	assert_true(rtnl_fib_is_looking(b->rtnl));
	assert_int_equal(loop_run(b->loop, look_step, b), 0);
	assert_false(rtnl_fib_is_looking(b->rtnl));
	return rtnl_fib_looked(b->rtnl);
}

/* As iproute2 sees it: how many of ours are in the table. */
static size_t n_ours(uint32_t table)
{
	char command[160];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command),
		 "(ip -N -4 route show table %u proto 196; ip -N -6 route show table %u proto 196)"
		 " 2>/dev/null | grep -c metric",
		 table, table);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%zu", &n), 1);
	(void)pclose(f);
	return n;
}

static void check(struct bed *b, size_t n_in_the_way)
{
	const struct fib_counts c = fib_counts(b->fib);

	assert_int_equal(c.n_failed, 0);
	assert_int_equal(c.n_waiting, 0);
	assert_int_equal(c.n_taken, n_in_the_way);
	assert_int_equal(c.n_placed + c.n_taken, c.n_wanted);
	for (size_t t = 0, all = 0; t < N_TABLES; t++) {
		all += n_ours(tables[t]);
		if (t + 1 == N_TABLES)
			assert_int_equal(all, c.n_placed);
	}
}

/* --- tests ----------------------------------------------------------------------------------- */

/* Somebody's hand, by iproute2: ours taken away, changed, added; his own of our metric. */
static size_t mess_up(struct bed *b)
{
	char *dir = temp_make(), path[128];
	FILE *ip;
	bool is_his[N_TABLES][N_PREFIXES] = {{false}};
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/batch", dir);
	ip = fopen(path, "we");
	assert_non_null(ip);
	fprintf(ip, "route flush table %u\n", tables[rng_below(&b->rng, N_TABLES)]);
	for (unsigned i = 0; i < 60; i++) {
		const size_t t = rng_below(&b->rng, N_TABLES), p = 2 * rng_below(&b->rng, 200) + 1;
		const struct ip_prefix prefix = prefix_of(p);
		char text[IP_PREFIX_TEXT];

		(void)ip_prefix_text(&prefix, text);
		fprintf(ip, "route del %s table %u metric 19600\n", text, tables[t]);
		is_his[t][p] = rng_below(&b->rng, 3) == 0;
		if (rng_below(&b->rng, 2) || is_his[t][p])
			fprintf(ip, "route add %s via 10.9.0.77 table %u metric 19600 proto %s\n",
				text, tables[t], is_his[t][p] ? "5" : "196");
	}
	assert_int_equal(fclose(ip), 0);
	run("ip -force -batch %s/batch 2>/dev/null; true", dir);
	temp_remove(dir);
	for (size_t t = 0; t < N_TABLES; t++)
		for (size_t p = 0; p < N_PREFIXES; p++)
			n += is_his[t][p] && b->wanted[t][p] > 0;
	return n;
}

static void clear_his(void)
{
	run("for t in 19800 1000; do ip route flush table $t proto 5 2>/dev/null; done; true");
}

static void any_kernel_comes_to_what_is_wanted_in_one_pass(void **state)
{
	struct bed *b = bed_up();

	(void)state;
	for (unsigned round = 0; round < 15; round++) {
		size_t n_his;

		for (unsigned i = 0; i < 300; i++)
			want(b, rng_below(&b->rng, N_TABLES), rng_below(&b->rng, N_PREFIXES),
			     (unsigned)rng_below(&b->rng, N_HOPS + 1));
		n_his = mess_up(b);
		assert_int_equal(look(b), 0);
		apply(b);
		check(b, n_his);
		assert_int_equal(look(b), 0);
		apply(b);
		assert_int_equal(b->n_changes, 0); /* the second pass is empty */
		clear_his();
		assert_int_equal(look(b), 0);
		apply(b);
		check(b, 0);
	}
	bed_down(b);
}

/* More than is done at a time, of which each is changed in the second half. */
static void run_with_faults(struct bed *b)
{
	for (size_t p = 0; p < N_PREFIXES; p++)
		want(b, 0, p, 1);
	apply(b);
	for (size_t p = 0; p < N_PREFIXES; p++)
		want(b, p % N_TABLES, p, p % 5 ? 2 : 0);
	apply(b);
	(void)look(b);
	apply(b);
}

static void what_faults_have_cost_is_found_by_the_looks_that_follow(void **state)
{
	struct bed *b = bed_up();
	unsigned n = 0, n_runs = 0, step = 1;
	bool was_hit;

	(void)state;
	do {
		n_messages = 0;
		n += step;
		step += n_runs % 8 == 7 ? step : 0; /* steps of 1, 2, 4, 8 ... */
		fails_at = n;
		run_with_faults(b);
		was_hit = n_messages >= n;
		fails_at = 0;
		/* The first may still meet what a broken one has left in the socket. */
		for (int i = 0; i < 2; i++) {
			(void)look(b);
			apply(b);
		}
		assert_int_equal(look(b), 0);
		check(b, 0);
		apply(b);
		assert_int_equal(b->n_changes, 0); /* the second pass is empty */
		for (size_t p = 0; p < N_PREFIXES; p++) {
			want(b, 0, p, 0);
			want(b, 1, p, 0);
		}
		apply(b);
		assert_int_equal(n_ours(tables[0]) + n_ours(tables[1]), 0);
		n_runs++;
	} while (was_hit);
	assert_true(n_runs > 20 && n > 100);
	bed_down(b);
}

/* Both of them are pieces, which nobody waits for. */
static nsec_t turns_step(void *ctx, nsec_t now)
{
	struct bed *b = ctx;

	(void)now;
	if (rtnl_fib_is_away(b->rtnl))
		return NSEC_NEVER;
	b->n_changes++;
	if (b->n_changes % 2 ? !rtnl_fib_look(b->rtnl) && !rtnl_fib_apply(b->rtnl, b->fib)
			     : !rtnl_fib_apply(b->rtnl, b->fib) && !rtnl_fib_look(b->rtnl))
		loop_stop(b->loop);
	return NSEC_NEVER;
}

static void a_look_and_changes_in_turns_come_to_what_is_wanted(void **state)
{
	struct bed *b = bed_up();

	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		(void)mess_up(b);
		rtnl_fib_look_begin(b->rtnl, b->fib, tables, N_TABLES);
		for (unsigned i = 0; i < 600; i++)
			want(b, rng_below(&b->rng, N_TABLES), rng_below(&b->rng, N_PREFIXES),
			     (unsigned)rng_below(&b->rng, N_HOPS + 1));
		assert_int_equal(loop_run(b->loop, turns_step, b), 0);
		clear_his();
		for (int i = 0; i < 2; i++) {
			assert_int_equal(look(b), 0);
			apply(b);
		}
		check(b, 0);
		assert_int_equal(b->n_changes, 0);
	}
	bed_down(b);
}

static int clean_up(void)
{
	struct rtnl_fib *r;
	int err;

	assert_int_equal(rtnl_fib_open(NULL, &r), 0);
	err = rtnl_fib_cleanup(r);
	rtnl_fib_free(r);
	return err;
}

static void picture(const char *dir, const char *name)
{
	run("(ip -N route show table all; ip -N -6 route show table all) > %s/%s", dir, name);
}

/* Whatever the table, and whatever is lost on the way: what is left then, the next one takes. */
static void cleanup_takes_ours_from_every_table_and_nothing_else(void **state)
{
	struct bed *b = bed_up();
	char *dir = temp_make();

	(void)state;
	run("ip route add 11.0.0.0/24 via 10.9.0.2 proto 196 metric 5;"
	    " ip route add 11.0.0.0/24 via 10.9.0.2 proto 5 metric 19600 table 1000;"
	    " ip route add blackhole 11.0.0.0/24 proto 196 metric 19600 table 19800;"
	    " ip -6 route add 2001:db8::/48 via fd00:9::2 proto 5 metric 19600 table 1000");
	picture(dir, "before");
	for (fails_at = 0; fails_at < 6; fails_at++) {
		const unsigned n = fails_at;

		run("for t in 254 1000 19800 4000000; do for i in $(seq 150); do"
		    " echo route add 12.0.$i.0/24 via 10.9.0.2 proto 196 metric 19600 table $t;"
		    " echo route add 2001:db8:$i::/48 via fd00:9::2 proto 196 metric 19600 table $t;"
		    " done; done | ip -batch -");
		if (n > 0)
			(void)clean_up();
		fails_at = 0;
		assert_int_equal(clean_up(), 0);
		fails_at = n;
		picture(dir, "after");
		run("cmp %s/before %s/after", dir, dir);
	}
	fails_at = 0;
	temp_remove(dir);
	bed_down(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_kernel_comes_to_what_is_wanted_in_one_pass),
		cmocka_unit_test(what_faults_have_cost_is_found_by_the_looks_that_follow),
		cmocka_unit_test(a_look_and_changes_in_turns_come_to_what_is_wanted),
		cmocka_unit_test(cleanup_takes_ours_from_every_table_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
