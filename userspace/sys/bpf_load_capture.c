// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Loads the programs that capture (bpf/capture_note.h). They have the maps and the constants of
 * those that run, whose work they do meanwhile, and maps of their own for what they capture. All of
 * them are loaded, so that none is missing when the others' far programs come meanwhile.
 */
#include "sys/bpf_load.h"

#include "sys/bpf_beside.h"
#include "sys/bpf_pins.h"
#include "sys/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual" /* generated code */
#include "tc_reply_capture.skel.h"
#include "xdp_lb_capture.skel.h"
#pragma GCC diagnostic pop

/* Of the programs that run they have all maps but the one that says what tail calls lead to. */
static int share_kept(const struct bpf_kept *maps, const struct bpf_object *to)
{
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map(map, to)
	{
		const char *name = bpf_map__name(map);
		const int fd = bpf_map__is_internal(map) || strcmp(name, "beside") == 0
				       ? -1
				       : bpf_kept_map(maps, name);

		if (fd >= 0 && error == 0)
			error = bpf_map__reuse_fd(map, fd);
	}
	return error;
}

static int keep(int fd, int *ret_fd)
{
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? -errno : 0;
}

static int open_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static int pin_beside(const struct bpf_map *beside, const char *pin_dir)
{
	char path[BPF_PINS_PATH];
	int error = bpf_pins_folder(path, pin_dir, BPF_PINS_CAPTURE);

	if (error == 0)
		error = bpf_pins_path(path, pin_dir, BPF_PINS_CAPTURE, "beside");
	return error ? error : bpf_pins_put(bpf_map__fd(beside), path);
}

/* *ret, also after an error: the object, for the caller to close. */
static int load_xdp_capture(const struct bpf_kept *maps, const struct lb_flow_keys *keys,
			    const struct lb_capture *asked, struct xdp_lb_capture_bpf **ret)
{
	struct xdp_lb_capture_bpf *xdp = *ret = xdp_lb_capture_bpf__open();
	__u32 zero = 0;
	int error;

	if (!xdp)
		return open_error();
	xdp->rodata->age_shift = bpf_load_age_shift();
	memcpy(&xdp->rodata->flow_keys, keys, sizeof(*keys));
	error = share_kept(maps, xdp->obj);
	if (error == 0)
		error = xdp_lb_capture_bpf__load(xdp);
	if (error == 0)
		error = bpf_beside_fill(xdp->obj);
	if (error == 0)
		error = bpf_map_update_elem(bpf_map__fd(xdp->maps.capture), &zero, asked, BPF_ANY);
	return error;
}

/* The keys of the flow table, which lie with it. */
static int read_keys(const struct bpf_kept *maps, struct lb_flow_keys *ret)
{
	struct lb_config config;
	__u32 zero = 0;
	const int error = bpf_map_lookup_elem(bpf_kept_map(maps, "config"), &zero, &config);

	if (error == 0)
		lb_flow_keys(config.flow_secret, ret);
	return error;
}

int bpf_load_capture_tc(const struct bpf_kept *maps, const struct bpf_capture_programs *p,
			int *ret_fd)
{
	struct tc_reply_capture_bpf *tc = tc_reply_capture_bpf__open();
	struct lb_flow_keys keys;
	int error;

	if (!tc)
		return open_error();
	error = read_keys(maps, &keys);
	tc->rodata->age_shift = bpf_load_age_shift();
	if (error == 0) {
		memcpy(&tc->rodata->flow_keys, &keys, sizeof(keys));
		error = share_kept(maps, tc->obj);
	}
	if (error == 0)
		error = bpf_map__reuse_fd(tc->maps.capture, p->capture_fd);
	if (error == 0)
		error = bpf_map__reuse_fd(tc->maps.capturing, p->capturing_fd);
	if (error == 0)
		error = bpf_map__reuse_fd(tc->maps.capture_ring, p->ring_fd);
	if (error == 0)
		error = tc_reply_capture_bpf__load(tc);
	if (error == 0)
		error = keep(bpf_program__fd(tc->progs.tc_reply), ret_fd);
	tc_reply_capture_bpf__destroy(tc);
	return error;
}

int bpf_load_capture(const struct bpf_kept *maps, const char *pin_dir,
		     const struct lb_capture *asked, struct bpf_capture_programs *ret)
{
	struct xdp_lb_capture_bpf *xdp = NULL;
	struct lb_flow_keys keys;
	int error = read_keys(maps, &keys);

	*ret = BPF_CAPTURE_NO_PROGRAMS;
	if (error != 0)
		return error;
	error = load_xdp_capture(maps, &keys, asked, &xdp);
	if (error == 0)
		error = keep(bpf_program__fd(xdp->progs.xdp_lb), &ret->xdp_fd);
	if (error == 0)
		error = keep(bpf_map__fd(xdp->maps.capture), &ret->capture_fd);
	if (error == 0)
		error = keep(bpf_map__fd(xdp->maps.capturing), &ret->capturing_fd);
	if (error == 0)
		error = keep(bpf_map__fd(xdp->maps.capture_ring), &ret->ring_fd);
	if (error == 0)
		error = bpf_load_capture_tc(maps, ret, &ret->tc_fd);
	if (error == 0)
		error = pin_beside(xdp->maps.beside, pin_dir);
	xdp_lb_capture_bpf__destroy(xdp);
	return error;
}

void bpf_unload_capture(struct bpf_capture_programs *p)
{
	const int fds[] = {p->xdp_fd, p->tc_fd, p->capture_fd, p->capturing_fd, p->ring_fd};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*p = BPF_CAPTURE_NO_PROGRAMS;
}

void bpf_unpin_capture(const char *pin_dir)
{
	char path[BPF_PINS_PATH];
	int error = bpf_pins_path(path, pin_dir, BPF_PINS_CAPTURE, NULL);

	if (error == 0)
		error = bpf_pins_remove_folder(path);
	if (error != 0)
		log_warn("bpf: pins of a capture stay", "error=%d", -error);
}
