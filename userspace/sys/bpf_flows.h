// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The flow table as maps: how large it is made, and its growth (lb/lb_growth.c says when). Making
 * chunks and giving them back waits for the kernel, so while it runs it is done by the helper
 * thread.
 */
#pragma once

#include "sys/bpf_maps.h"

struct bpf_flows;
struct worker;

/*
 * Hands the flow table to the tables: the one that is there, also one that was growing, else a new
 * one for so many flows (0: as many as the kernel would track), which then is there for the
 * programs. 0 or -errno. What is given outlives *ret.
 */
int bpf_flows_open(struct bpf_maps *m, struct lb_tables *t, const struct lb_clock *c,
		   uint32_t flow_entries, struct bpf_flows **ret) must_check;
/* From now on the worker does what takes long; by the thread whose worker it is. NULL: nobody. */
void bpf_flows_use_worker(struct bpf_flows *f, struct worker *worker);
/* Waits for what is under way. NULL is fine. */
struct bpf_flows *bpf_flows_close(struct bpf_flows *f);

/* Makes what the tables want, and gives back what they have left. After each lb_tables_tick(). */
void bpf_flows_tick(struct bpf_flows *f, const struct lb_clock *c);

/* Flows that the first table was made for. */
uint32_t bpf_flows_entries(const struct bpf_flows *f);
