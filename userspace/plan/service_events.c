// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses are told of by who asked for them, once they stand in the object: a write that is
 * refused was none, and what another allocator wrote is his to tell.
 */
#include "plan/service_events.h"

#include "base/hash.h"
#include "plan/plan_objects.h"

#include <assert.h>

/* "10.0.0.1" "fd00::1", as MetalLB prints a list. */
static const char *addresses_text(struct arena *arena, const struct api_service *s)
{
	const char *text = "";
	char addr[IP_ADDR_TEXT];

	for (size_t i = 0; i < s->n_ingress; i++)
		text = arena_printf(arena, "%s%s\"%s\"", text, i > 0 ? " " : "",
				    ip_addr_text(&s->ingress[i], addr));
	return text;
}

uint64_t service_addresses(const struct ip_addr *addrs, size_t n)
{
	uint64_t sum = n;

	for (size_t i = 0; i < n; i++)
		sum += hash_bytes(HASH_INIT, &addrs[i], sizeof(addrs[i]));
	return sum | 1ull << 63;
}

static bool tell_written(const struct service_now *now, struct service_told *told,
			 struct arena *arena, struct service_event *ret)
{
	const struct api_service *s = &now->object->service;

	if (!now->is_holder)
		told->asked = 0;
	if (told->asked != service_addresses(s->ingress, s->n_ingress))
		return false;
	told->asked = 0;
	*ret = (struct service_event){.type = "Normal"};
	if (s->n_ingress > 0) {
		ret->reason = "IPAllocated";
		ret->message = arena_printf(arena, "Assigned IP [%s]", addresses_text(arena, s));
	} else {
		ret->reason = "ClearAssignment";
		ret->message = "the addresses that it had were taken back: no pool that it may "
			       "have them of holds them any more, or it is no LoadBalancer";
	}
	return true;
}

static bool tell_failure(const struct service_now *now, struct service_told *told,
			 struct arena *arena, struct service_event *ret)
{
	const char *why = now->is_holder ? now->failure : NULL;
	const uint64_t hash = why ? hash_str(HASH_INIT, why) | 1 : 0;
	const bool is_news = hash != 0 && hash != told->failure;

	told->failure = hash;
	if (is_news)
		*ret = (struct service_event){
			.type = "Warning",
			.reason = "AllocationFailed",
			.message = arena_printf(arena, "Failed to allocate IP for \"%s/%s\": %s",
						plan_text(now->object->meta.ns),
						now->object->meta.name, why)};
	return is_news;
}

static bool tell_announced(const struct service_now *now, struct service_told *told,
			   struct arena *arena, struct service_event *ret)
{
	const bool is_taken_over = now->was_served && !told->has_been;
	const bool is_news = now->is_announced && !told->is_announced && !is_taken_over;

	told->is_announced = now->is_announced;
	told->has_been |= now->is_announced;
	if (is_news)
		*ret = (struct service_event){
			.type = "Normal",
			.reason = "nodeAssigned",
			.message = arena_printf(arena,
						"announcing from node \"%s\" with protocol \"bgp\"",
						now->node)};
	return is_news;
}

size_t service_events(const struct service_now *now, struct service_told *told, struct arena *arena,
		      struct service_event ret[SERVICE_EVENTS_MAX])
{
	size_t n = 0;

	n += tell_written(now, told, arena, &ret[n]);
	n += tell_failure(now, told, arena, &ret[n]);
	n += tell_announced(now, told, arena, &ret[n]);
	assert(n <= SERVICE_EVENTS_MAX);
	return n;
}
