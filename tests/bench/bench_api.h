// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Writes to the API server that tests/bench/kube-up has started, as its administrator: one after
 * the other over one connection, or many at once over eight. What it refuses ends the benchmark.
 */
#pragma once

#include "base/nsec.h"

#include <stddef.h>

#define BENCH_NS     "/api/v1/namespaces/shop"
#define BENCH_SLICES "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"

void bench_api_begin(void);
void bench_api_end(void);

/* Sends one and waits for the answer: when it had come (CLOCK_MONOTONIC). A body may be NULL. */
nsec_t bench_api_send(const char *method, const char *path, const char *body);

/* Reads all Services and EndpointSlices, one list after the other, and throws them away: how long
 * that took. */
nsec_t bench_api_read_all(void);

/* Calls of the same method, n of them: make() writes path and body of each, the latter is freed. */
struct bench_api_calls {
	const char *method;
	void (*make)(void *ctx, size_t i, char path[static 256], char **ret_body);
	void *ctx;
};
void bench_api_send_all(const struct bench_api_calls *calls, size_t n);
