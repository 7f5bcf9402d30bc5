// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fuzzes what reads single values (libFuzzer): addresses, prefixes, ranges, communities, durations.
 * What one of them takes is the same when it is written and read again, and what it refuses leaves
 * the result alone.
 */
#include "api/scalar.h"
#include "base/addr.h"
#include "base/community.h"
#include "base/mem.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(const char *text)
{
	struct ip_addr a = {.b = {7}}, again;
	char out[IP_ADDR_TEXT];

	if (!ip_addr_parse(text, &a)) {
		assert(a.b[0] == 7);
		return;
	}
	assert(ip_addr_parse(ip_addr_text(&a, out), &again));
	assert(ip_addr_equal(&a, &again));
}

static void check_prefix(const char *text)
{
	struct ip_prefix p, again;
	char out[IP_PREFIX_TEXT];

	if (!ip_prefix_parse(text, &p))
		return;
	assert(p.len <= ip_addr_bits(&p.addr) && ip_prefix_has(&p, &p.addr));
	assert(ip_prefix_parse(ip_prefix_text(&p, out), &again));
	assert(ip_prefix_cmp(&p, &again) == 0);
}

static void check_range(const char *text)
{
	struct ip_range r;

	if (!ip_range_parse(text, &r))
		return;
	assert(ip_addr_cmp(&r.first, &r.last) <= 0);
	assert(ip_range_has(&r, &r.first) && ip_range_has(&r, &r.last));
	assert(ip_range_count(&r) >= 1 && ip_range_overlaps(&r, &r));
	assert(ip_range_shortest_cidr(&r) <= ip_addr_bits(&r.first));
}

static void check_community(const char *text)
{
	struct community c = {0}, again = {0};
	char out[COMMUNITY_TEXT], large[COMMUNITY_TEXT + sizeof("large:")];

	if (community_parse(text, &c) != COMMUNITY_OK)
		return;
	if (c.type == COMMUNITY_STANDARD) {
		assert(community_parse(community_text(c.standard, out), &again) == COMMUNITY_OK);
	} else {
		(void)snprintf(large, sizeof(large), "large:%s",
			       large_community_text(&c.large, out));
		assert(community_parse(large, &again) == COMMUNITY_OK);
	}
	assert(community_cmp(&c, &again) == 0);
}

static void check_duration(const char *text)
{
	int64_t ns = 7;

	if (!api_parse_duration(text, &ns))
		assert(ns == 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xcalloc(1, size + 1);

	memcpy(text, data, size);
	check_address(text);
	check_prefix(text);
	check_range(text);
	check_community(text);
	check_duration(text);
	free(text);
	return 0;
}
