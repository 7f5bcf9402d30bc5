// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench about packets that go to another node or come from one, IPv4 in IPv4 and IPv6
 * in IPv6, and to real servers by each way, against floors that push and pull the same headers.
 */
#include "tests/bench/bench_outer.h"
#include "tests/bench/bench_rows.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BAR      1.5
#define NO_FLOOR N_PROGRAMS /* it is not measured */

/* A way through the tunnel, in one family. */
struct way {
	const char *what;
	enum bench_way way;
	enum program floor;
	enum program reads, claims; /* that with the flow's line read, or an entry claimed there */
	struct rig_service *service;
	unsigned n_backends; /* in its rows */
};

static struct bench_plan plan_of(const struct way *w, uint32_t flows, uint8_t flags)
{
	struct bench_plan plan = bench_tcp_plan(w->service->port, flows, flags);

	plan.way = (uint8_t)w->way;
	return plan;
}

/* What the floor is said to do, it does: the frames are the same. */
static void compare(struct bench *b, const struct way *w)
{
	struct series s[] = {{DEFAULT, w->floor, plan_of(w, 1, TCP_ACK), false, 0},
			     {DEFAULT, LB, plan_of(w, 1, TCP_ACK), false, 0}};
	uint8_t frames[2][2 * BENCH_FRAME];
	size_t len[2];

	for (unsigned i = 0; i < 2; i++)
		len[i] = bench_one_frame(b, &s[i], frames[i], sizeof(frames[i]));
	if (len[0] == len[1] && memcmp(frames[0], frames[1], len[0]) == 0 &&
	    (w->way == BENCH_FROM_NODE || w->floor == FLOOR_L2 ? len[0] == BENCH_FRAME
							       : len[0] > BENCH_FRAME))
		return;
	printf("  the floor makes another frame of it: the rows below say nothing\n");
	b->missed = true;
}

static void established(struct bench *b, const struct way *w, uint32_t flows)
{
	struct series s[] = {{DEFAULT, w->floor, plan_of(w, flows, TCP_ACK), false, 0},
			     {DEFAULT, LB, plan_of(w, flows, TCP_ACK), false, 0},
			     {DEFAULT, w->reads, plan_of(w, flows, TCP_ACK), false, 0}};
	struct series syns = {DEFAULT, LB, plan_of(w, flows, TCP_SYN), false, 0};
	struct rig *rig = b->beds[DEFAULT].rig;
	char what[64];

	bench_measure(b, s, 2);
	snprintf(what, sizeof(what), "%u flows: floor", flows);
	bench_note(what, s[0].ns);
	snprintf(what, sizeof(what), "%u flows, settled rows", flows);
	bench_row(b, what, s[1].ns, s[0].ns, BAR);
	bench_series_window(b, &syns);
	rig_set_mixed_rows(rig, w->service, w->n_backends, 0, LB_ROW_UNSETTLED);
	compare(b, w);
	bench_measure(b, s, w->reads == NO_FLOOR ? 2 : 3);
	snprintf(what, sizeof(what), "%u flows, unsettled rows, with entries", flows);
	bench_row(b, what, s[1].ns, s[0].ns, BAR);
	if (w->reads != NO_FLOOR)
		bench_note("the floor and a read of the flow's line", s[2].ns);
	rig_set_mixed_rows(rig, w->service, w->n_backends, 0, 0);
	rig_forget_flows(rig);
}

static void newcomers(struct bench *b, const struct way *w)
{
	struct series s[] = {{DEFAULT, w->floor, plan_of(w, 0, TCP_SYN), true, 0},
			     {DEFAULT, LB, plan_of(w, 0, TCP_SYN), true, 0},
			     {DEFAULT, w->claims, plan_of(w, 0, TCP_SYN), true, 0}};

	s[0].plan.first = s[1].plan.first = s[2].plan.first = NEWCOMERS;
	bench_measure(b, s, w->claims == NO_FLOOR ? 2 : 3);
	bench_note("new flows: floor", s[0].ns);
	bench_row(b, "new flows with their entries", s[1].ns, s[0].ns, BAR);
	if (w->claims != NO_FLOOR)
		bench_note("the floor that claims an entry", s[2].ns);
	rig_forget_flows(b->beds[DEFAULT].rig);
}

static void rows(struct bench *b, const struct way *w)
{
	printf("%s, IPv%u in the same\n", w->what, bench_is_v6() ? 6 : 4);
	compare(b, w);
	for (unsigned i = 1; i < 3; i++)
		established(b, w, bench_n_flows[i]);
	newcomers(b, w);
}

void bench_tunnels(struct bench *b)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct bench_outer outer;
		struct bed_tunnel t;

		frame_use_family(v6 ? AF_INET6 : AF_INET);
		t = bed_add_tunnel(&b->beds[DEFAULT]);
		outer = bench_outer(VIP, OPENED_PORT);
		bench_set_outer(b, &outer);
		rows(b, &(struct way){"to a backend on another node", BENCH_TO_NODE, FLOOR_PUSH,
				      FLOOR_PUSH_READS, FLOOR_PUSH_CLAIMS, &t.remote, N_BACKENDS});
		rows(b,
		     &(struct way){"from another node to a backend here", BENCH_FROM_NODE,
				   FLOOR_PULL, FLOOR_PULL_READS, FLOOR_PULL_CLAIMS, &t.opened, 1});
	}
	frame_use_family(AF_INET);
}

void bench_servers(struct bench *b)
{
	static const struct {
		const char *what;
		unsigned way;
		enum program floor;
	} ways[] = {{"to a real server by its MAC address", LB_WAY_L2, FLOOR_L2},
		    {"to a real server in IP", LB_WAY_IPIP, FLOOR_IPIP},
		    {"to a real server in GUE", LB_WAY_GUE, FLOOR_GUE}};
	struct rig_service service;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		frame_use_family(v6 ? AF_INET6 : AF_INET);
		for (unsigned i = 0; i < 3; i++) {
			service = bed_add_servers(&b->beds[DEFAULT], ways[i].way);
			rows(b, &(struct way){ways[i].what, BENCH_TO_NODE, ways[i].floor, NO_FLOOR,
					      NO_FLOOR, &service, N_BACKENDS});
		}
	}
	frame_use_family(AF_INET);
}
