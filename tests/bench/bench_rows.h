// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The rows of the bench, by subject; each prints its lines and leaves the beds' tables empty.
 */
#pragma once

#include "tests/bench/bench_measure.h"

/* bench_flows.c */
void bench_not_ours(struct bench *b);
void bench_settled_rows(struct bench *b);
void bench_unsettled_rows(struct bench *b, enum bed_id id, unsigned load, const char *table);
void bench_while_the_table_grows(struct bench *b);
void bench_new_flows(struct bench *b, enum bed_id id, const char *table);
void bench_replies(struct bench *b, enum bed_id id, const char *table);

/* bench_kinds.c */
void bench_udp_flows(struct bench *b);
void bench_source_ranges(struct bench *b);
void bench_many_services(struct bench *b);
void bench_shared_with_the_kernel(struct bench *b);
void bench_tagged(struct bench *b);
void bench_odd_packets(struct bench *b);

/* bench_keeping_out.c */
void bench_denied_sources(struct bench *b);
void bench_limits(struct bench *b);

/* bench_flood.c */
void bench_floods(struct bench *b);
void bench_beyond_the_rate(struct bench *b);

/* bench_families.c */
void bench_families(struct bench *b);

/* bench_tunnel.c */
void bench_tunnels(struct bench *b);
void bench_servers(struct bench *b);

/* bench_nat.c */
void bench_nat(struct bench *b);

/* bench_beside_katran.c */
void bench_beside_katran(struct bench *b);
void bench_encapsulating(struct bench *b);

/* bench_beside_kernel.c; they leave the process in a network namespace of its own. */
void bench_beside_kernel(struct bench *b);
void bench_node_to_node(struct bench *b);
