// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Random sets of objects of all kinds that a world may hold, mostly such that there is something to
 * announce and somebody to announce it to. A set is made from its seed.
 */
#pragma once

#include "base/rng.h"
#include "fake/plan_fixture.h"

enum { RANDOM_OBJECTS_MAX = 20 };

struct random_object {
	const char *kind;
	char name[8], meta[200], body[400];
};
struct random_set {
	struct rng rng;
	struct random_object items[RANDOM_OBJECTS_MAX];
	size_t n;
};

/* One name once. */
struct random_set random_set(uint64_t seed);
/* Puts one of them into the fixture's world. */
void random_put(struct fixture *f, const struct random_object *m);
