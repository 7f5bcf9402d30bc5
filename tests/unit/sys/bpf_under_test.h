// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A data plane on this machine's kernel, to be tested: opened on an empty pin directory by begin(),
 * closed and cleaned up by end(), which also says that nothing is left.
 */
#pragma once

#include "bpf_fixture.h"

#include "sys/bpf_dataplane.h"
#include "sys/bpf_load.h"
#include "sys/bpf_pins.h"
#include "sys/clock.h"

#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <netinet/ip.h>
#include <sys/stat.h>

#include "bpf/abi.h"
#define VIP  0xc0000201u
#define PORT 80

struct under_test {
	struct bpf_fixture *fixture;
	struct arena *arena;
	struct bpf_dataplane *dp;
	struct lb_store store;
	uint32_t flow_entries;
	nsec_t now, turn; /* of bpf_dataplane_args */
	struct worker *worker;
	bool adopted;
};

static inline void open_dp(struct under_test *u)
{
	const struct bpf_dataplane_args args = {
		.pin_dir = u->fixture->pin_dir, .flow_entries = u->flow_entries, .turn = u->turn};
	const char *failure = NULL;
	int error = bpf_dataplane_open(&args, u->arena, u->now, &u->dp, &u->adopted, &failure);

	if (error != 0)
		fail_msg("open: %d %s", error, failure);
	bpf_dataplane_use_worker(u->dp, u->worker);
	u->store = bpf_dataplane_store(u->dp);
}

/* With the flow entries, the turn and the worker of `like`. */
static inline void begin_like(struct under_test *u, void **state, const struct under_test *like)
{
	*u = *like;
	u->fixture = *state;
	u->arena = arena_new();
	u->now = clock_now();
	assert_int_equal(bpf_dataplane_cleanup(u->fixture->pin_dir), 0);
	open_dp(u);
	assert_false(u->adopted);
}

static inline void begin_sized(struct under_test *u, void **state, uint32_t flow_entries)
{
	begin_like(u, state, &(struct under_test){.flow_entries = flow_entries});
}

static inline void begin(struct under_test *u, void **state)
{
	begin_sized(u, state, 0);
}

static inline void end(struct under_test *u)
{
	struct stat st;

	bpf_dataplane_close(u->dp);
	arena_free(u->arena);
	assert_int_equal(bpf_dataplane_cleanup(u->fixture->pin_dir), 0);
	assert_int_equal(stat(u->fixture->pin_dir, &st), -1);
}

static inline void reopen(struct under_test *u)
{
	bpf_dataplane_close(u->dp);
	open_dp(u);
}

static inline int pinned(const struct under_test *u, const char *what)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", u->fixture->pin_dir, what);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

struct chunk_pins {
	const char *begins;
	size_t n;
};

static inline void count_chunk_pin(void *ctx, const char *name)
{
	struct chunk_pins *c = ctx;

	c->n += strncmp(name, c->begins, strlen(c->begins)) == 0;
}

/* Inner maps that are pinned by a name that begins so. */
static inline size_t n_chunk_pins(const struct under_test *u, const char *begins)
{
	struct chunk_pins c = {.begins = begins};
	char path[BPF_PINS_PATH];

	assert_int_equal(bpf_pins_path(path, u->fixture->pin_dir, BPF_PINS_CHUNKS, NULL), 0);
	assert_int_equal(bpf_pins_each(path, count_chunk_pin, &c), 0);
	return c.n;
}

static inline struct lb_key web_key(uint32_t i)
{
	struct lb_key key = {.port = PORT, .proto = IPPROTO_TCP};

	key.addr = ip_addr_from_v4(VIP + i);
	return key;
}

static inline struct lb_frontend web(struct under_test *u, uint32_t i, uint32_t n)
{
	struct lb_target *targets = arena_array_of(u->arena, n, struct lb_target);
	struct lb_frontend f = {.key = web_key(i), .rows_log2 = LB_DEFAULT_ROWS_LOG2};

	for (uint32_t k = 0; k < n; k++)
		targets[k] = (struct lb_target){.addr = ip_addr_from_v4(0x0a000001 + i * 256 + k),
						.port = 8080,
						.weight = 1};
	f.targets = targets;
	f.n_targets = n;
	f.seed = lb_seed("default", "web");
	f.table = lb_table_name(&f);
	return f;
}

/* The same, but for its first target, which is on another node. */
static inline struct lb_frontend far_web(struct under_test *u, uint32_t i, uint32_t n)
{
	struct lb_frontend f = web(u, i, n);
	struct lb_target *targets = arena_memdup(u->arena, f.targets, n * sizeof(*targets));

	targets[0].node = ip_addr_from_v4(0x0a090001);
	f.targets = targets;
	f.table = lb_table_name(&f);
	return f;
}

static inline struct lb_frontend vip(uint32_t i)
{
	struct lb_frontend f = {.flags = LB_F_ECHO_ANSWER};

	f.key.addr = ip_addr_from_v4(VIP + i);
	return f;
}

static inline int put(struct under_test *u, const struct lb_frontend *f)
{
	return u->store.ops->put(u->store.ctx, u->now, f);
}

static inline int test(struct under_test *u, uint32_t i)
{
	struct lb_key key = web_key(i);

	return u->store.ops->test(u->store.ctx, u->now, &key);
}

static inline void put_web(struct under_test *u, uint32_t i, uint32_t n)
{
	struct lb_frontend address = vip(i), f = web(u, i, n);

	assert_int_equal(put(u, &address), 0);
	assert_int_equal(put(u, &f), 0);
}

static inline size_t dump(struct under_test *u, const struct lb_actual **ret)
{
	size_t n;

	u->store.ops->dump(u->store.ctx, u->arena, ret, &n);
	return n;
}
