// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From a Service's loadBalancerSourceRanges to the sources that may come to its address of one
 * family. Where all ranges are of the other family nobody may: somebody wrote a list of who may,
 * and these are not on it. (kube-proxy lets everybody in then.)
 */
#include "plan/plan_service.h"

#include "base/prefixes.h"

#include <assert.h>

struct service_ranges plan_service_ranges(const struct api_service *s, enum ip_family family,
					  struct arena *arena)
{
	struct ip_prefix *items = arena_array_of(arena, s->n_source_ranges, struct ip_prefix);
	struct service_ranges ret = {.items = items};

	assert(s->n_source_ranges > 0);
	for (size_t i = 0; i < s->n_source_ranges; i++)
		if (ip_family_of(&s->source_ranges[i].addr) == family)
			items[ret.n++] = s->source_ranges[i];
	ret.n = prefixes_make(items, ret.n);
	ret.name = lb_ranges_name(items, ret.n);
	return ret;
}
