// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A naive allocator, to hold the real one against. It walks address by address, pool by pool and
 * user by user, over a few addresses of each family, and knows no sorted set, no cursor and no
 * index.
 */
#pragma once

#include "fake/plan_fixture.h"
#include "plan/plan_objects.h"

#define NAIVE_SERVICES  20
#define NAIVE_ADDRESSES 18u

/* What a Service asks for, has had, and gets in one family. */
struct naive_part {
	bool wanted;
	struct ip_addr asked, owned;
	const char *owned_pool;
	bool waits, by_wish;
	struct ip_addr has, leaves; /* leaves: has that as well, until all have moved */
	const struct api_object *pool;
};
struct naive_service {
	const struct api_object *o; /* NULL: kept for one that cannot be seen */
	const char *wish, *key;
	bool refused, all;
	enum ip_family primary;
	struct naive_part parts[IP_N_FAMILIES];
};

struct naive {
	struct object_list pools;
	struct ip_addr router; /* never given */
	struct naive_service services[NAIVE_SERVICES];
	size_t n;
};

/* 10.0.0.248 and 2001:db8::f8 on: last bytes of 255 and 0 lie in between. */
struct ip_addr naive_address(enum ip_family f, uint32_t i);

/* Fills `has` and `pool` of all parts; the Services are in the order of their names. */
void naive_allocate(struct naive *m);
