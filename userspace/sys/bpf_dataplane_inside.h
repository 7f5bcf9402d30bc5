// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What bpf_dataplane.c and bpf_store.c share. */
#pragma once

#include "sys/bpf_dataplane.h"
#include "sys/bpf_far.h"

struct bpf_dataplane {
	char *pin_dir; /* owned */
	struct bpf_programs programs;
	struct bpf_maps maps;
	struct lb_tables *tables;      /* owned */
	struct bpf_grow *grow;         /* owned */
	struct bpf_flows *flows;       /* owned */
	struct bpf_ports *ports;       /* owned */
	struct bpf_hooks *hooks;       /* owned */
	struct bpf_far *far;           /* owned */
	struct bpf_capture *capture;   /* owned */
	struct bpf_ranges *ranges;     /* owned */
	struct lb_deny *deny;          /* owned */
	struct bpf_rates *rates;       /* owned */
	struct bpf_discards *discards; /* owned */
	struct bpf_nodes *nodes;       /* owned */
	struct arena *scratch;         /* reset by whoever begins to use it; owned */
	nsec_t turn;                   /* length of one; 0 = without end */
	nsec_t turn_until;             /* ... which ends so long after its `now` */
	nsec_t turn_now;               /* of the store's last call */
	nsec_t turn_ends_at;           /* by the clock */
};

/* Now, and since when no reader can hold an old number. */
struct lb_clock bpf_dataplane_clock(const struct bpf_dataplane *dp, nsec_t now);
