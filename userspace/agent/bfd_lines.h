// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The BFD sessions of the plan's peers, on the agent's side: which are wanted, by which number the
 * thread (sys/bfd_engine.h) knows each, what it has reported, and what follows for BGP. Down closes
 * the BGP session of its peer at once (RFC 5882 3.2), the one thing that no plan is asked about
 * first: it learns that the way is lost as an input of its own. AdminDown, ours or the peer's,
 * closes nothing.
 *
 * The thread begins with the first session that is wanted, so a node without a BFDProfile has none.
 */
#pragma once

#include "agent/peers.h"
#include "sys/bfd_engine.h"

#define BFD_CHANGES 64 /* that are kept of a session */

struct bfd_line {
	bool is_used, is_wanted;
	struct bfd_config config;
	enum bfd_state state;
	bool permits; /* BGP, where it waits for BFD: Up, or out of use by the router (RFC 5882) */
	struct plan_path path;                 /* for the plan */
	struct bfd_event changes[BFD_CHANGES]; /* ring: the next one goes to n_changes % size */
	size_t n_changes;
	uint64_t flaps;
	bool is_mute; /* passive, and the router has been silent for long: nobody begins */
	bool is_reported;
	struct bfd_session_report report; /* the last, if is_reported */
};

struct bpf_dataplane;

struct agent_bfd {
	struct loop *loop;            /* borrowed */
	struct agent_peers *peers;    /* borrowed */
	struct bfd_engine *engine;    /* owned; NULL: no session was wanted yet */
	struct bfd_engine_report how; /* the thread's last */
	struct bfd_line *lines;       /* owned, BFD_ENGINE_SESSIONS, by number; NULL as engine */
	size_t next;                  /* where a free line is looked for */
	const char *pin_dir;          /* borrowed */
	uint64_t seed;
	const struct bpf_dataplane *dataplane; /* whose map the thread has; not to be used */
};

/* Borrows all. pin_dir: where a former agent may have left sessions to the programs. */
void agent_bfd_init(struct agent_bfd *b, struct loop *loop, struct agent_peers *peers,
		    const char *pin_dir, uint64_t seed);
/* Ends the thread without a word to the peers. Before the peers are freed. */
void agent_bfd_done(struct agent_bfd *b);

/* Begins, changes and ends sessions, so that they are those of the peers' configurations. */
void agent_bfd_apply(struct agent_bfd *b);
/* Another picture of the node: a session over a single hop whose link is down, or gone, is Down
 * without being waited for (RFC 5880 4.1, diagnostic 5). */
void agent_bfd_node(struct agent_bfd *b, const struct plan_node *node);
/* The programs look after the sessions from now on, where they can; NULL: there are none any more.
 */
void agent_bfd_carry(struct agent_bfd *b, const struct bpf_dataplane *dp);
/* All say AdminDown, when their BGP sessions are closed: that is no failure to anybody. */
void agent_bfd_leave(struct agent_bfd *b);

/* The session of a peer; NULL: it has none. */
const struct bfd_line *agent_bfd_of(const struct agent_bfd *b, const struct agent_peer *p);
