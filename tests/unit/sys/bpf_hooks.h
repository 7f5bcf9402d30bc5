// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A data plane under test brought to a device, and what hangs there then.
 */
#pragma once

#include "bpf_under_test.h"

#include "sys/bpf_clsact.h"
#include "sys/bpf_tcx.h"

#include "bpf/beside_slots.h"

static inline const struct plan_actual_device *the_device(struct under_test *u)
{
	const struct plan_actual_device *devices;
	size_t n;

	bpf_dataplane_devices(u->dp, u->arena, &devices, &n);
	assert_int_equal(n, 1);
	return devices;
}

static inline const struct plan_actual_device *apply(struct under_test *u, const char *name,
						     bool generic)
{
	const struct plan_device device = {.ifindex = (int)if_nametoindex(name),
					   .name = name,
					   .xdp = true,
					   .tc = true,
					   .allow_generic = generic};

	bpf_dataplane_apply_devices(u->dp, &device, 1);
	return the_device(u);
}

static inline uint32_t xdp_on(const char *name)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex(name), 0, &id), 0);
	return id;
}

static inline uint32_t id_of(int prog_fd)
{
	struct bpf_prog_info info = {.id = 0};
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(prog_fd, &info, &len), 0);
	return info.id;
}

/* The id of our pinned program. */
static inline uint32_t our_id(const struct under_test *u, const char *name)
{
	char what[64];
	uint32_t id;
	int fd;

	snprintf(what, sizeof(what), "progs/%s", name);
	fd = pinned(u, what);
	id = id_of(fd);
	return close(fd) == 0 ? id : 0;
}

/* Slots that are taken of what is pinned there, an array of programs. */
static inline unsigned n_slots(const struct under_test *u, const char *what)
{
	const int fd = pinned(u, what);
	unsigned n = 0;

	for (__u32 at = 0, id; at < BESIDE_SLOTS; at++)
		n += bpf_map_lookup_elem(fd, &at, &id) == 0;
	return close(fd) == 0 ? n : 0;
}

/* By tcx alone. */
static inline uint32_t first_at_egress(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_tcx_first(device_index(), BPF_TC_EGRESS, &id), 0);
	return id;
}

/* By whichever of the two this kernel has. */
static inline bool ours_is_first(const struct under_test *u)
{
	if (bpf_tcx_is_there())
		return first_at_egress() == our_id(u, "tc_reply");
	return bpf_clsact_is_first(device_index(), BPF_TC_EGRESS) == 1;
}

static inline bool nothing_at_egress(void)
{
	return bpf_tcx_is_there() ? first_at_egress() == 0
				  : bpf_clsact_is_first(device_index(), BPF_TC_EGRESS) != 1;
}

/* What only a list of programs can show. */
#define SKIP_WITHOUT_TCX()                                                                         \
	do {                                                                                       \
		if (!bpf_tcx_is_there())                                                           \
			skip();                                                                    \
	} while (0)
