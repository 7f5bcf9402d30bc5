// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows of the bench about who is kept out: denied sources, and limits of packets a second. Each
 * beside the same packets without it, in its own call of bench_measure(), since it is the maps that
 * differ.
 */
#include "tests/bench/bench_rows.h"

#include <netinet/in.h>
#include <stdio.h>

#define N_DENIED 100000u
#define CLIENTS  0x0b000000u /* bench_client(): all of them in one /16 */
#define ELSE     0x0c000000u
#define NEAR     20000u /* of N_DENIED, in the clients' /16 */

/* ns for one flow, and for so many that they lie in no cache. */
static void note_both(struct bench *b, const char *what)
{
	struct series s[] = {{DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 1, TCP_ACK), false, 0},
			     {DEFAULT, LB, bench_tcp_plan(SETTLED_PORT, 64000, TCP_ACK), false, 0}};
	char text[80];

	bench_measure(b, s, 2);
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "%s, %s", what, i ? "64000 flows" : "1 flow");
		bench_note(text, s[i].ns);
	}
}

/* Addresses that none of the clients has. */
static uint32_t denied(uint32_t i)
{
	return i < NEAR ? CLIENTS + 0x4000 + 2 * i : ELSE + (i << 4);
}

void bench_denied_sources(struct bench *b)
{
	struct rig *rig = b->beds[DEFAULT].rig;

	printf("established TCP, settled rows, denied sources\n");
	note_both(b, "none");
	rig_set_denies(rig, true);
	rig_add_range(rig, LB_DENY_SET_V4, denied(0), 32);
	note_both(b, "1 prefix, no bit hit");
	rig_set_deny_bit(rig, CLIENTS, true);
	note_both(b, "1 prefix, bit hit");
	rig_set_deny_bit(rig, CLIENTS, false);
	for (uint32_t i = 1; i < N_DENIED; i++)
		rig_add_range(rig, LB_DENY_SET_V4, denied(i), 32);
	note_both(b, "100,000 prefixes, no bit hit");
	rig_set_deny_bit(rig, CLIENTS, true);
	note_both(b, "100,000 prefixes, bit hit");
	rig_add_range(rig, LB_DENY_SET_V4, CLIENTS, 18);
	note_both(b, "100,000 prefixes, denied");
	rig_del_range(rig, LB_DENY_SET_V4, CLIENTS, 18);
	for (uint32_t i = 0; i < N_DENIED; i++)
		rig_del_range(rig, LB_DENY_SET_V4, denied(i), 32);
	rig_set_deny_bit(rig, CLIENTS, false);
	rig_set_denies(rig, false);
}

void bench_limits(struct bench *b)
{
	const struct rig_service svc = {.vip = VIP, .port = SETTLED_PORT, .proto = IPPROTO_TCP};
	struct rig *rig = b->beds[DEFAULT].rig;

	printf("established TCP, settled rows, a limit of packets a second\n");
	note_both(b, "none");
	rig_set_flags(rig, &svc, LB_SVC_RATE);
	rig_set_rate(rig, VIP, 0, 100000000, 0);
	note_both(b, "within it");
	rig_set_rate(rig, VIP, 0, 1, 3600000000000ull);
	note_both(b, "beyond it");
	rig_set_flags(rig, &svc, 0);
}
