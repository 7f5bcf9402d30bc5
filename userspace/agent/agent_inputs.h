// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What has changed since it was last looked at, and which sources have delivered their first
 * complete picture. Whoever notices that an input changed says so here, by one function and in the
 * input's own words; what that makes due is a table in agent_inputs.c, and the step (reconcile.c)
 * does it. Nobody else sets a flag. A new input is a row of that table, a new
 * source one call of agent_source_add().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What may change. */
enum agent_input {
	INPUT_START,        /* everything: nothing was looked at yet */
	INPUT_FOLDER,       /* something happened to the configuration's files */
	INPUT_RELOAD,       /* all files are to be read again, whatever they look like (SIGHUP) */
	INPUT_OBJECTS,      /* the world changed, from which the plan borrows */
	INPUT_PEER_OBJECTS, /* ... and BGPPeers are among what changed */
	INPUT_LINKS,        /* the kernel speaks of links, addresses or routes */
	INPUT_NODE,         /* the picture of the node is another one */
	INPUT_ROUTERS,      /* another router was heard on a link */
	INPUT_REMOTES,      /* another node answers, or answers no more */
	INPUT_HOOKS,        /* the kernel speaks of attached programs */
	INPUT_NEIGHBOURS,   /* the kernel has learned where an address or a MAC is */
	INPUT_KERNEL,       /* somebody changed routes or rules where ours are */
	INPUT_PLACED,       /* the helper has tried to bring the kernel to what was wanted */
	INPUT_VERIFIED,     /* the hooks were looked at again */
	INPUT_SESSIONS,     /* a session came up */
	INPUT_WRITTEN,      /* UPDATEs went out */
	INPUT_SESSION_DOWN, /* a session went down */
	INPUT_SAVED,        /* what had to be on disk first is */
	INPUT_STATE,        /* writing the state, or the feed, began to fail or went well again */
	INPUT_CONNTRACK,    /* what the kernel translates is known of more VIPs */
	INPUT_SINKS,        /* applying changed what sinks confirm */
	INPUT_DRAIN,        /* the node is to be left alone, or not any more */
	INPUT_BLACKHOLES,   /* one was asked for on demand, or ended */
	INPUT_DATAPLANE,    /* it was opened, or could not be */
	INPUT_FEED,         /* the feeder has said something */
	INPUT_ASKED,        /* somebody wants the plan to say why it is as it is */
	AGENT_N_INPUTS,
};

/* What is due because of it, as bits. */
enum agent_due {
	DUE_SCAN = 1 << 0,     /* look for files that changed */
	DUE_SCAN_ALL = 1 << 1, /* ... and read all of them, without waiting */
	DUE_NODE = 1 << 2,     /* read links, addresses and routes */
	DUE_HOOKS = 1 << 3,    /* look at the attached programs */
	DUE_PODS = 1 << 4,     /* ask for the pods' namespaces again */
	DUE_PLAN = 1 << 5,
	DUE_PLAN_NOW = 1 << 6, /* ... and it must not wait */
	DUE_NEW_PODS = 1 << 7, /* ask for the namespaces of those pods of which none is known */
	DUE_FEED = 1 << 8,     /* take what the feeder has said */
	DUE_KERNEL = 1 << 9,   /* look at the blackholes, with the next plan */
};

/* Who delivers pictures that begin incomplete (gate complete, DESIGN 1). */
struct agent_source {
	const char *name; /* as status shows it; borrowed */
	bool is_complete; /* delivered once */
};
#define AGENT_SOURCES_MAX 8

struct agent_inputs {
	unsigned due; /* enum agent_due */
	struct agent_source sources[AGENT_SOURCES_MAX];
	size_t n_sources;
};

void agent_input_changed(struct agent_inputs *in, enum agent_input what);

/* Some of these is due. */
static inline bool agent_inputs_due(const struct agent_inputs *in, unsigned due)
{
	return in->due & due;
}

/* These were done, or are about to be. */
static inline void agent_inputs_done(struct agent_inputs *in, unsigned due)
{
	in->due &= ~due;
}

/* One source more, whose first complete picture is waited for; the name outlives the inputs. */
void agent_source_add(struct agent_inputs *in, const char *name);
/* The source of that name has delivered it. */
void agent_source_complete(struct agent_inputs *in, const char *name);

/* Gate complete: every source has delivered its first complete picture. */
bool agent_inputs_are_complete(const struct agent_inputs *in);
