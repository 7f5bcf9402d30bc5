// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The objects that bench_turns puts into the agent's folder. */
#pragma once

#include "bench_agent.h"

#include <stdbool.h>
#include <stddef.h>

/* Peers, pool and an advertisement, which gives a community of this number; 0: none. */
void turns_put_bgp(const struct bench_agent *a, unsigned community);

/* Service i of one port, and its EndpointSlice of ten, of which the first is ready or not. */
void turns_put_service(const struct bench_agent *a, size_t i);
void turns_put_slice(const struct bench_agent *a, size_t i, bool first_is_ready);

/* Huge Service i: n endpoints in slices of a hundred, all in one file; that at `except` is not
 * ready. */
void turns_put_huge(const struct bench_agent *a, size_t i, size_t n, size_t except);

/* One YAML document of nearly 4 MB, whose objects nothing follows from; another one each round. */
void turns_put_document(const struct bench_agent *a, unsigned round);

/* A list of so many denied prefixes in one object; others in the next round. */
void turns_put_denied(const struct bench_agent *a, size_t n, unsigned round);

/*
 * A peer that is the feeder, with a limit of accepted routes, and what its FRRConfiguration allows;
 * NULL: there is no such peer.
 */
void turns_put_received(const struct bench_agent *a, const char *allowed, unsigned max);
