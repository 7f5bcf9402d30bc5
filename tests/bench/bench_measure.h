// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Measuring one program under one plan of packets, and saying what came out of it.
 */
#pragma once

#include "bpf/rig.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_bed.h"
#include "tests/bench/bench_katran.h"

#define DEFAULT_CHUNKS   8 /* what the agent takes by default: 262,144 flows at half load */
#define LARGE_CHUNKS     32
#define BENCH_WINDOW_LEN 100000
#define N_FLOWS          4           /* numbers of flows that the rows are measured with */
#define FILLING          0x04000000u /* first of the flows that fill a table */
#define NEWCOMERS        0x08000000u /* first of the flows that begin */
#define ANSWERED         0x02000000u /* first of those that backend 0 answers */

enum bed_id { DEFAULT, LARGE, CROWD, N_BEDS };
enum { TCP_SYN = 0x02, TCP_ACK = 0x10 };

struct bench {
	struct bench_driver_bpf *driver;
	struct bench_reply_driver_bpf *reply_driver;
	struct bed beds[N_BEDS];
	struct katran *katran; /* NULL: there is none */
	bool missed;           /* a bar */
};

/* What is measured: one program of one bed under one plan. */
struct series {
	enum bed_id bed;
	enum program program;
	struct bench_plan plan;
	bool fresh; /* with an empty table for each window; Katran: recorded, as long as there is
		       room */
	double ns;  /* result */
};

extern const uint32_t bench_n_flows[N_FLOWS];

/* Loads the drivers; the beds are the caller's. False: BPF is refused here. */
bool bench_open(struct bench *b);
void bench_close(struct bench *b);
/* A program for a device at which all frames are to end, and how many it ended. */
int bench_drop_program(const struct bench *b);
uint64_t bench_n_dropped(const struct bench *b);

/* Whether frame_use_family() chose IPv6. */
bool bench_is_v6(void);
/* Packets of `flows` flows (0: each packet begins one) to VIP, in the family of frame_use_family().
 */
struct bench_plan bench_tcp_plan(uint16_t port, uint32_t flows, uint8_t flags);
/* To another address, in that family too. */
void bench_aim(struct bench_plan *plan, uint32_t addr);

/*
 * One window on live frames, which the kernel takes from this device and goes on with as the
 * program's verdict says: ns per packet, everything included. The plan is one for_real.
 */
double bench_live_window(struct bench *b, const struct series *s, uint32_t ifindex,
			 uint32_t packets);

/* The outer headers that packets from other nodes have, in the family of frame_use_family(). */
void bench_set_outer(struct bench *b, const struct bench_outer *outer);
/* What a series' program makes of its plan's next frame: octets of it. */
size_t bench_one_frame(struct bench *b, const struct series *s, uint8_t *ret, size_t room);

/* One window: ns per packet, everything included; a plan without an end goes on where it was. */
double bench_series_window(struct bench *b, struct series *s);
/*
 * Best window of each series, net of the best empty one. They take turns, round by round. The
 * packets of all go the same way.
 */
void bench_measure(struct bench *b, struct series *series, unsigned n);

/* Entries that a bed's flow table has room for. */
uint32_t bench_room(const struct bed *bed);
/* So many flows from the first on send a SYN, and all that the table holds is established. */
void bench_add_flows(struct bench *b, struct bed *bed, uint16_t port, uint32_t first, uint32_t n);
/*
 * A table of this load, in percent, in which so many flows of the unsettled service are: they came
 * before all others; or last, when it was filled already.
 */
void bench_fill(struct bench *b, struct bed *bed, uint32_t flows, unsigned load);
void bench_fill_first(struct bench *b, struct bed *bed, uint32_t flows, unsigned load);

/* A line with a bar: ns may be at most base * bar. */
void bench_row(struct bench *b, const char *what, double ns, double base, double bar);
void bench_note(const char *what, double ns);
