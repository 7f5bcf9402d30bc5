// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The hooks of all devices, brought to what the plan wants. Attaching waits for grace periods and
 * for the lock of the kernel's network configuration, which anybody may hold for long, so the
 * helper does it if there is one: what is told of the devices is as of the last time that it came
 * back.
 */
#pragma once

#include "sys/bpf_load.h"

#include "plan/plan.h"

struct bpf_hooks;
struct worker;

/*
 * Looks for what an earlier run has left attached. All is borrowed and outlives the hooks; nobody
 * else writes the uplinks and the map `vrfs`.
 */
struct bpf_hooks *bpf_hooks_new(const char *pin_dir, const struct bpf_programs *programs,
				const struct lb_uplinks *uplinks, int vrfs_fd);
/* From now on the worker does it; by the thread whose worker it is. NULL: at once, as before. */
void bpf_hooks_use_worker(struct bpf_hooks *h, struct worker *worker);
/* Waits for what is under way. NULL is fine. */
struct bpf_hooks *bpf_hooks_free(struct bpf_hooks *h);

/*
 * Attaches, adopts or replaces pinned links, detaches what is not wanted, sees to it that ours is
 * first at tc. Failures are remembered per device. Nothing is asked of the kernel for devices that
 * are as they were brought up. While the helper is at others, nothing happens: the generation
 * changes when it is back, for the caller to come again.
 */
void bpf_hooks_apply(struct bpf_hooks *h, const struct plan_device *devices, size_t n);
/* Looks at the hooks of these devices again; once more if the helper is at it already. */
void bpf_hooks_verify(struct bpf_hooks *h);

/*
 * The programs that devices are to have instead of those that were loaded, or NULL: those again.
 * Copied; whoever gives them away closes them not before bpf_hooks_are_using() others. They take
 * each other's place at a hook without a gap.
 */
struct bpf_hook_programs {
	int xdp_fd, tc_fd;
	/* That of tc once more, as bpf_hook_args has it. */
	int (*load_again)(const void *programs, int *ret_fd);
	const void *programs;
};
void bpf_hooks_use(struct bpf_hooks *h, const struct bpf_hook_programs *programs);
/* All devices have these by now; NULL: those that were loaded. */
bool bpf_hooks_are_using(const struct bpf_hooks *h, const struct bpf_hook_programs *programs);

/* The helper is at it. */
bool bpf_hooks_are_away(const struct bpf_hooks *h);
/* Programs of a former run hang there, until the first apply is over. */
bool bpf_hooks_are_formers(const struct bpf_hooks *h);
/* There is no device any more, as far as is told. */
bool bpf_hooks_are_gone(const struct bpf_hooks *h);
/* Changes when what is told of the devices does, and when an apply was put off. */
unsigned bpf_hooks_generation(const struct bpf_hooks *h);
/* As bpf_dataplane_devices(). */
void bpf_hooks_devices(const struct bpf_hooks *h, struct arena *arena,
		       const struct plan_actual_device **ret, size_t *ret_n);
/* A program hangs somewhere, or did, or may by now. */
bool bpf_hooks_have_readers(const struct bpf_hooks *h);
/* A device of the domain, for the program takes the domain from it; 0: none is needed or known. */
int bpf_hooks_device_of(const struct bpf_hooks *h, uint16_t domain);
