// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A fast 64-bit hash for names of things (recipes, generations). Not keyed: never use it on what an
 * outsider can choose and would gain from colliding; the flow hash is in bpf/wire.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_INIT UINT64_C(0x9e3779b97f4a7c15)

uint64_t hash_bytes(uint64_t h, const void *data, size_t len);
uint64_t hash_u64(uint64_t h, uint64_t v);
uint64_t hash_str(uint64_t h, const char *s); /* NULL and "" differ; includes an end mark */
