// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How long it takes to say all routes of one attribute set to a router, from Established to the
 * last octet: a connection above a full Adj-RIB-Out writes into the driver's buffer of 64 KB until
 * it has nothing to say. 100,000 and 1,000 routes of either family. The fastest of several runs
 * counts, since noise only adds. Prints value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar
 * that is missed fails the run.
 */
#include "bgp/bgp_conn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_RUNS   10
#define BUFFER   (64u << 10)
#define N_ROUTES 100000u

static nsec_t now_of(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (nsec_t)t.tv_sec * NSEC_PER_SEC + (nsec_t)t.tv_nsec;
}

struct took {
	nsec_t cpu, wall;
	size_t octets;
};

static struct bgp_rib *full_rib(enum bgp_family family, uint32_t n)
{
	static const uint32_t communities[] = {0xfc000064, 0xfc0000c8};
	const struct bgp_attrs attrs = {.communities = communities, .n_communities = 2};
	struct bgp_rib *rib = bgp_rib_new(NULL);

	for (uint32_t i = 0; i < n; i++) {
		struct ip_addr a = ip_addr_from_v4(0x0a000000 + i);
		struct ip_prefix p;

		if (family == BGP_IPV6_UNICAST)
			a.b[0] = 0x20;
		p = ip_prefix_of(&a, ip_addr_bits(&a));
		if (!bgp_rib_set(rib, &p, &attrs))
			abort();
	}
	return rib;
}

/* The other side's OPEN and KEEPALIVE. */
static void establish(struct bgp_conn *c, uint8_t *buf)
{
	const struct bgp_open open = {.asn = 64512,
				      .hold_s = 90,
				      .router_id = 0x0a000002,
				      .has_as4 = true,
				      .families = c->config->families,
				      .route_refresh = true};
	size_t n = bgp_open_encode(buf, BUFFER, &open);

	bgp_conn_notify(c, 1, BGP_NOTE_START);
	bgp_conn_notify(c, 1, BGP_NOTE_TCP_UP);
	(void)bgp_conn_transmit(c, 1, buf + BUFFER / 2, BUFFER / 2);
	for (size_t at = 0; at < n;)
		at += bgp_conn_receive(c, 1, buf + at, n - at);
	n = bgp_keepalive_encode(buf, BUFFER);
	for (size_t at = 0; at < n;)
		at += bgp_conn_receive(c, 1, buf + at, n - at);
	bgp_conn_notify(c, 1, BGP_NOTE_SYNCED);
	assert(c->state == BGP_ESTABLISHED);
}

static struct took say_all(enum bgp_family family, uint32_t n)
{
	const struct bgp_peer_config config = {.local_asn = 64513,
					       .remote_asn = 64512,
					       .families = {(uint8_t)BGP_FAMILY_BIT(family)},
					       .router_id = 0x0a000001,
					       .hold_s = 90,
					       .keepalive_s = 30,
					       .restart_time_s = 120};
	const struct bgp_next_hops hops = {.ipv4 = ip_addr_from_v4(0x0a000001),
					   .ipv6 = {.b = {0xfd, [15] = 1}}};
	struct bgp_rib *rib = full_rib(family, n);
	struct bgp_rib_in *rib_in = bgp_rib_in_new(1);
	uint8_t *buf = xmalloc(BUFFER);
	struct took took = {0};
	struct bgp_conn conn;
	struct rng rng;
	size_t len;

	rng_seed(&rng, 1);
	bgp_conn_init(&conn, &config, rib, rib_in, &rng);
	bgp_conn_set_local(&conn, &hops);
	establish(&conn, buf);
	took.cpu = now_of(CLOCK_PROCESS_CPUTIME_ID);
	took.wall = now_of(CLOCK_MONOTONIC);
	while ((len = bgp_conn_transmit(&conn, 1, buf, BUFFER)) > 0)
		took.octets += len;
	took.cpu = now_of(CLOCK_PROCESS_CPUTIME_ID) - took.cpu;
	took.wall = now_of(CLOCK_MONOTONIC) - took.wall;
	assert(bgp_rib_n_advertised(rib) == n && bgp_conn_end_of_rib_sent(&conn));
	free(buf);
	bgp_rib_free(rib);
	bgp_rib_in_free(rib_in);
	return took;
}

static bool row(const char *what, nsec_t ns, nsec_t bar)
{
	printf("  %-44s %8.2f ms  ratio %5.2f  bar %5.2f  %s\n", what, (double)ns / 1e6,
	       (double)ns / (double)bar, (double)bar / 1e6, ns <= bar ? "ok" : "MISSED");
	return ns > bar;
}

static struct took best(enum bgp_family family, uint32_t n)
{
	struct took least = say_all(family, n);

	for (int i = 1; i < N_RUNS; i++) {
		const struct took t = say_all(family, n);

		least.cpu = nsec_min(least.cpu, t.cpu);
		least.wall = nsec_min(least.wall, t.wall);
	}
	return least;
}

int main(void)
{
	const char *strict = getenv("BENCH_STRICT");
	bool missed = false;

	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		const struct took many = best(f, N_ROUTES), few = best(f, 1000);

		printf("%s routes with one attribute set, from Established to the last octet (%zu)\n",
		       f == BGP_IPV4_UNICAST ? "IPv4" : "IPv6", many.octets);
		missed |= row("100,000, on the clock", many.wall, 30 * NSEC_PER_MSEC);
		missed |= row("100,000, of the processor", many.cpu, 20 * NSEC_PER_MSEC);
		missed |= row("1,000, on the clock", few.wall, NSEC_PER_MSEC);
	}
	return missed && strict && strict[0] == '1';
}
