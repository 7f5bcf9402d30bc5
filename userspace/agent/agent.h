// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The agent: one struct that owns every long-lived object of the process, built up in one order and
 * taken down in the reverse. The parts below are driven by the loop's step (agent_step): inputs are
 * read, the plan is computed when something changed, and its differences are applied to the sinks.
 */
#pragma once

#include "agent/agent_inputs.h"
#include "agent/bfd_lines.h"
#include "agent/blackholes.h"
#include "agent/discards.h"
#include "agent/metrics.h"
#include "agent/nat_ports.h"
#include "agent/options.h"
#include "agent/page.h"
#include "agent/peers.h"
#include "agent/pods.h"
#include "agent/problem_log.h"
#include "agent/promised.h"
#include "agent/receiving.h"
#include "agent/source_changes.h"
#include "agent/state_served.h"
#include "agent/takeover.h"
#include "agent/tunnel_hops.h"
#include "agent/tunnels.h"
#include "agent/vrfs.h"
#include "plan/ipam.h"
#include "plan/plan_explain.h"
#include "plan/sink.h"
#include "sys/loop.h"

struct agent_feed;
struct agent_metrics;
struct bpf_dataplane;
struct bpf_opening;
struct health_server;
struct netlink;
struct netlink_pods;
struct saved_world;
struct takeover_job;
struct unix_server;
struct worker;
struct watch;

/* Plan N is built in one arena while N-1 lives in the other. */
struct agent_plan {
	struct arena *arena; /* owned; holds all below */
	struct plan plan;
	struct plan_addresses given;     /* what these were computed from */
	struct plan_addresses addresses; /* that Services have */
	struct plan_addresses wanted;    /* that those of the API server are to have */
	struct problems unwanted;        /* why some of these are to have none */
	struct plan_node node;
	struct plan_actual actual;
	struct problems problems; /* the world's, the allocator's and the plan's, sorted */
	uint64_t question;        /* the number of the one that it answers; 0: none */
	struct plan_explain explained;
};

/* What plans are to say of themselves until then; of several who ask the last is answered first. */
struct agent_question {
	struct plan_explain asked; /* its strings are owned */
	uint64_t number;           /* 0: nobody has asked yet */
	nsec_t until;
};

/* What the data plane's store did not take, until it does. */
struct agent_refused {
	size_t n;          /* 0: nothing */
	int error;         /* -errno of the first */
	struct lb_key key; /* the first */
	nsec_t since;
};

/* The lists of denied sources on their way into the data plane. */
struct agent_denying {
	bool is_under_way;
	int error;       /* -errno of the last time; 0: it went well */
	nsec_t since;    /* it is so */
	size_t n;        /* prefixes that were said to be denied */
	int rates_error; /* the same of the limits, which go with them */
};

/* So many turns in a row, and it is a problem: two states that lead to each other. */
#define AGENT_RESTLESS 200
struct agent {
	const struct options *options; /* borrowed */
	struct plan_settings settings;
	nsec_t started_at;
	struct loop *loop;      /* owned, as all pointers below */
	struct worker *worker;  /* the helper */
	struct worker *network; /* one for what waits for the kernel's lock of its network */
	struct worker *disk;    /* another one for the files of the state: a disk may hang */
	struct worker *reader;  /* one for large texts, which the others do not hold up */
	struct world *world;
	const char *cluster; /* sources of the API server begin so; NULL: there is none; static */
	struct plan_cache *cache;
	struct plan_cache *check; /* of the plan from nothing at a resync; NULL: not now */
	struct ipam_cache *ipam_cache, *wanted_cache; /* the latter: of agent_plan.wanted */
	struct watch *watch;
	struct netlink *netlink;
	struct loop_fd *watch_fd, *netlink_fd;
	int lock; /* on the pin directory; -1 = not held */
	struct unix_server *server;
	struct health_server *health;
	size_t n_unhealthy; /* of its ports: that could not be answered on */
	struct agent_metrics *metrics;
	struct agent_page *page;
	struct bpf_dataplane *dataplane; /* NULL: could not be loaded, or mode off so far */
	struct bpf_opening *opening;     /* of the next; NULL: not now */
	struct arena *dataplane_arena;   /* holds the failure text */
	const char *dataplane_failure;   /* NULL: none */
	nsec_t dataplane_retry_at;
	struct agent_refused refused;
	struct agent_denying denying;
	struct agent_taken taken;
	struct agent_conntrack conntrack;
	struct agent_nat_ports nat_ports;
	struct plan_apply applying; /* the current plan to the data plane */
	struct arena *apply_arena;  /* of that */
	unsigned hooks_seen;        /* generation of what the data plane tells of devices */
	bool adopted;               /* the pinned maps of an earlier process were taken over */
	struct agent_peers peers;
	struct agent_bfd bfd;
	struct agent_blackholes blackholes;
	struct agent_vrfs vrfs;
	struct agent_discards discards;
	struct agent_receiving receiving;
	struct agent_tunnels tunnels;
	struct agent_hops hops;
	struct pods pods;
	struct netlink_pods *pods_helper; /* owned */
	struct agent_plan plans[2];
	struct agent_plan *current; /* the applied plan; NULL before the first */
	struct agent_question question;
	struct plan_ledger ledger; /* in ledger_arena */
	struct arena *ledger_arena;
	struct plan_ledger saved_ledger; /* on disk or on its way, in saved_ledger_arena */
	struct arena *saved_ledger_arena;
	struct state_served served;
	nsec_t ledger_at;            /* the ledger is written then; NSEC_NEVER: it is as saved */
	struct plan_addresses given; /* addresses this agent gave, in given_arena */
	struct arena *given_arena;
	struct agent_promised promised;    /* those that were asked for of the API server */
	bool is_given_lost;                /* ... by the file, which was not there or damaged */
	uint64_t noted_given, saved_given; /* generations: of the allocator's result, of given */
	uint64_t ipam_hash, ledger_hash;   /* of what is saved, to write only changes */
	unsigned addresses_away;           /* writes of them that are not on disk yet */
	nsec_t addresses_since;            /* when the first of these was given away */
	bool is_put_off;                   /* the current plan is not applied yet */
	int state_error;           /* -errno of the last write under --state; 0: it went well */
	struct saved_world *saved; /* owned */
	uint64_t peer_objects;     /* generation of the BGPPeers whose ways were asked for */
	uint64_t repeated_at;      /* generation of the world when all files were asked for again */
	struct problem_log problem_log;

	struct agent_inputs inputs;    /* what changed */
	struct source_changes changes; /* of the files, read and not yet in the world */
	struct agent_feed *feed;       /* owned; NULL: objects come from files alone */
	bool awaits_services;          /* ... and of the feed's it is not known which there are */
	nsec_t scan_until;             /* of the turn's time for reading */
	bool is_scanned;               /* what was read is a picture of all files */
	bool is_node_read;             /* or at least it was tried */
	bool config_failing;           /* the path of --config itself cannot be read */
	unsigned preparing; /* turns so far; the current plan may name objects that are gone */
	unsigned n_late;    /* turns in a row that had no time left for a plan that is due */
	/* Turns in a row without time for what is to be saved, and for asking about pods. */
	unsigned n_unsaved, n_unasked;

	nsec_t scan_at, plan_at, planned_at, resync_at, dataplane_at, alive_at;
	bool is_node_back;        /* a helper has brought something of the node */
	nsec_t hooks_at, node_at; /* the hooks are looked at; the node is not read before */
	nsec_t pods_at;           /* pods of which nothing is known are not asked for before */
	nsec_t retry_at;          /* a sink failed */
	nsec_t plan_pause;        /* what the last plan and its apply took, times so many */
	unsigned restless;        /* turns in a row whose last round still changed something */
	bool has_rounds_left;     /* the last such turn had no time for another */
	nsec_t quiet_at;          /* no plan was made for a while: memory can be given back */
	nsec_t watchdog_at;
	nsec_t slow_said_at; /* no slow turn is told of before */
	nsec_t drain_at;     /* the routers have been told for long enough; NSEC_NEVER: no drain */
	bool ready_said;     /* READY=1 was sent */
	bool was_ready;      /* ... once; a reload does not end that */
	bool stopping;       /* what is left is to close the sessions' connections */
	nsec_t stop_at;      /* ... until then */
};

/*
 * Builds the agent: lock, state, configuration, data plane (loaded or adopted), control socket. 0,
 * or -errno after saying on stderr what could not be done.
 */
int agent_start(struct agent *a, const struct options *options) must_check;

/* Runs until a signal ends it. */
int agent_run(struct agent *a);
/* Takes everything down in reverse order. What is pinned in the kernel stays. */
void agent_done(struct agent *a);
/* Validates and prints problems: the exit code of --check. */
int agent_check(const struct options *options);
