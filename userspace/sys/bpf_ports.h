// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The maps `backend_bits` and `backend_ports`: every address and port of a backend of ours, so that
 * tc_reply leaves all other traffic alone, and can tell a reply whose entry was lost. Several
 * frontends share a backend, so uses are counted; the maps are written only when the first use
 * comes or the last goes.
 */
#pragma once

#include "lb/lb.h"

#include "base/nsec.h"

struct bpf_ports;

/*
 * On the fd of `backend_ports` and the words of `backend_bits`, both borrowed. What they hold of a
 * former run stays until bpf_ports_prune().
 */
struct bpf_ports *bpf_ports_new(int map_fd, uint64_t *bits);
struct bpf_ports *bpf_ports_free(struct bpf_ports *p);

/*
 * What a frontend is about to have is used ahead: answers are known by it before the first request
 * is delivered there. Ten thousand keys take longer than others are to wait, so this goes on until
 * `until`, by the clock; false: call again. It begins anew if that is for other targets.
 */
bool bpf_ports_use_ahead(struct bpf_ports *p, const struct lb_frontend *f, nsec_t until);
/* ... which is over: it has them now, or will not. */
void bpf_ports_leave_ahead(struct bpf_ports *p);

/* A frontend had `before` and has `after` now; either may be NULL. */
void bpf_ports_change(struct bpf_ports *p, const struct lb_actual *before,
		      const struct lb_actual *after);

/* Removes from the maps what nobody uses. */
void bpf_ports_prune(struct bpf_ports *p);
