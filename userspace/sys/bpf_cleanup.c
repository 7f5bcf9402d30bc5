// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What of ours is in the kernel whether or not this process has opened it: whether something is
 * pinned, and removing every trace.
 */
#include "sys/bpf_dataplane.h"

#include "sys/bpf_attach.h"
#include "sys/bpf_former.h"
#include "sys/bpf_pins.h"
#include "sys/clock.h"

#include <linux/types.h>

#include "bpf/abi.h"

static bool keep_nothing(const void *ctx, int ifindex, enum bpf_hook hook)
{
	(void)ctx;
	(void)ifindex;
	(void)hook;
	return false;
}

static void count_pin(void *ctx, const char *name)
{
	(void)name;
	++*(size_t *)ctx;
}

bool bpf_dataplane_is_pinned(const char *pin_dir)
{
	static const char *const folders[] = {BPF_PINS_LINKS, BPF_PINS_MAPS};
	char path[BPF_PINS_PATH];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (bpf_pins_path(path, pin_dir, folders[i], NULL) == 0)
			(void)!bpf_pins_each(path, count_pin, &n); /* cannot be read: not ours */
	return n > 0;
}

uint32_t bpf_dataplane_strange_abi(const char *pin_dir)
{
	struct lb_config config;

	if (bpf_former_config(pin_dir, &config) != 0 || config.boot != clock_boot_id() ||
	    bpf_former_is_readable(config.abi_version))
		return 0;
	return config.abi_version;
}

int bpf_dataplane_cleanup(const char *pin_dir)
{
	int error = bpf_attach_sweep(pin_dir, keep_nothing, NULL);
	int one = bpf_attach_sweep_filters(keep_nothing, NULL);

	error = error ? error : one;
	one = bpf_pins_remove(pin_dir);
	bpf_pins_remove_tried(pin_dir);
	return error ? error : one;
}
