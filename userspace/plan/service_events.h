// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is told of a Service in events: that it was given addresses, that they were taken from it,
 * why it gets none, and that this node announces it. Each is told when it becomes so and not
 * again; reasons and sentences are MetalLB's. Pure: what was told last is a few words of memory,
 * which whoever tells keeps beside the Service's name.
 */
#pragma once

#include "api/objects.h"
#include "base/arena.h"

#define SERVICE_EVENTS_MAX 3 /* of one Service at a time */

/* All zero of a Service of which nothing was told. */
struct service_told {
	/* service_addresses() of what this node's allocator asked for and did not see yet. */
	uint64_t asked;   /* 0: nothing */
	uint64_t failure; /* hash of the last one that was told; 0: none is in force */
	bool is_announced;
	bool has_been; /* announced once, by this process */
};

struct service_now {
	const struct api_object *object; /* as it stands at the API server */
	const char *node;
	bool is_announced;   /* from that node */
	bool was_served;     /* ... and was before this process came: that was told then */
	bool is_holder;      /* the allocator is this node's */
	const char *failure; /* why the allocator gives it no address; NULL: it does, or need not */
};

/* A number for these addresses in any order, none of them too; never 0. */
uint64_t service_addresses(const struct ip_addr *addrs, size_t n);

/* What the API server takes; type and reason are static, the message is the arena's. */
struct service_event {
	const char *type, *reason, *message;
};

/* What is to be told now, and by that is told. Returns how many. */
size_t service_events(const struct service_now *now, struct service_told *told, struct arena *arena,
		      struct service_event ret[SERVICE_EVENTS_MAX]);
