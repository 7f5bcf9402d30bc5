// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Whether programs are attached is known by their number: that of the pinned one, and what the
 * pinned links say. So a start that was killed before it attached anything leaves nothing behind.
 */
#include "sys/bpf_former.h"

#include "sys/bpf_pins.h"
#include "sys/log.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/abi.h"

/* --- the version of its maps ------------------------------------------------------------------ */

int bpf_former_config(const char *pin_dir, struct lb_config *ret)
{
	struct bpf_map_info info = {.id = 0};
	_cleanup_(freep) void *value = NULL;
	__u32 len = sizeof(info), zero = 0;
	char path[BPF_PINS_PATH];
	int fd, error = bpf_pins_path(path, pin_dir, BPF_PINS_MAPS, "config");

	*ret = (struct lb_config){.abi_version = 0};
	if (error != 0)
		return error;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -ENOENT;
	error = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (error == 0) {
		value = xcalloc(info.value_size, 1);
		error = bpf_map_lookup_elem(fd, &zero, value);
	}
	if (error == 0)
		memcpy(ret, value, info.value_size < sizeof(*ret) ? info.value_size : sizeof(*ret));
	close(fd);
	return error;
}

bool bpf_former_is_readable(uint32_t abi_version)
{
	return abi_version >= LB_ABI_OLDEST && abi_version <= LB_ABI_VERSION;
}

/* --- what its programs go on with ------------------------------------------------------------- */

struct search {
	const char *pin_dir;
	__u32 program;
	bool is_attached;
};

/* 0: there is none. */
static __u32 program_of(const char *pin_dir)
{
	struct bpf_prog_info info = {.id = 0};
	__u32 len = sizeof(info);
	char path[BPF_PINS_PATH];
	int fd;

	if (bpf_pins_path(path, pin_dir, BPF_PINS_PROGS, "xdp_lb") != 0)
		return 0;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) != 0)
		info.id = 0;
	close(fd);
	return info.id;
}

static void look_at_link(void *ctx, const char *name)
{
	struct bpf_link_info info = {.id = 0};
	struct search *s = ctx;
	__u32 len = sizeof(info);
	char path[BPF_PINS_PATH];
	int fd;

	if (bpf_pins_path(path, s->pin_dir, BPF_PINS_LINKS, name) != 0)
		return;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	s->is_attached |=
		bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.prog_id == s->program;
	close(fd);
}

int bpf_former_keep(const char *pin_dir)
{
	struct search s = {.pin_dir = pin_dir, .program = program_of(pin_dir)};
	char from[BPF_PINS_PATH], to[BPF_PINS_PATH], name[32];
	int error = bpf_pins_path(from, pin_dir, BPF_PINS_LINKS, NULL);

	if (error == 0 && s.program != 0)
		error = bpf_pins_each(from, look_at_link, &s);
	if (error != 0 || !s.is_attached)
		return error;
	snprintf(name, sizeof(name), "beside-%u", s.program);
	error = bpf_pins_folder(to, pin_dir, BPF_PINS_FORMER);
	if (error == 0)
		error = bpf_pins_path(to, pin_dir, BPF_PINS_FORMER, name);
	if (error == 0)
		error = bpf_pins_path(from, pin_dir, BPF_PINS_MAPS, "beside");
	if (error == 0 && rename(from, to) != 0 && errno != ENOENT)
		error = -errno;
	return error;
}

void bpf_former_sweep(const char *pin_dir)
{
	char path[BPF_PINS_PATH];
	int error = bpf_pins_path(path, pin_dir, BPF_PINS_FORMER, NULL);

	if (error == 0)
		error = bpf_pins_remove_folder(path);
	if (error != 0)
		log_warn("bpf: pins of former programs stay", "error=%d", -error);
}
