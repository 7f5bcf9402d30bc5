// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* One service, 192.0.2.1:80, with backends 10.0.0.1:8080 and up: for tests of single claims. */
#pragma once

#include "fixture.h"

#define ROWS 256

static inline void put_targets(struct fixture *x, const struct lb_target *targets, size_t n)
{
	struct lb_frontend f = frontend_of(key_of(0xc0000201, 80), targets, n);

	assert_int_equal(fixture_put(x, &f), 0);
}

static inline uint32_t targets_upto(struct lb_target *targets, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		targets[i] = target_of_v4(0x0a000001 + i, 8080, true);
	return n;
}

static inline const struct lb_service *the_service(const struct fixture *x, uint64_t *ret_live)
{
	struct lb_key key = key_of(0xc0000201, 80);

	return reader_find(x, &key, ret_live);
}

/* The entry of an address in the service's region, in use or not. */
static inline const struct lb_backend *entry_of(const struct fixture *x, uint32_t v4,
						uint32_t *ret_index)
{
	struct ip_addr addr = ip_addr_from_v4(v4);
	uint64_t live;
	const struct lb_service *svc = the_service(x, &live);

	for (uint32_t i = 0; i < svc->n_backends; i++) {
		const struct lb_backend *be =
			reader_backend(x, (uint32_t)(live & 0xfffff) * 16 + i);

		if (memcmp(be->addr, addr.b, 16) == 0) {
			*ret_index = i;
			return be;
		}
	}
	return NULL;
}
