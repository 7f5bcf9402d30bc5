// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two names for one thing, the place in the outer map and the pin, cannot change together. So the
 * pin comes first and goes last, and whoever opens it looks whether it is the map of that place.
 */
#include "sys/bpf_inner.h"

#include "sys/bpf_pins.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

/* --- one -------------------------------------------------------------------------------------- */

int bpf_inner_create(int btf_fd, const char *name, const struct bpf_inner *like)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = like->flags,
		    .btf_key_type_id = like->btf_key, .btf_value_type_id = like->btf_value);
	int fd = -EINVAL;

	if (btf_fd >= 0) {
		opts.btf_fd = (__u32)btf_fd;
		fd = bpf_map_create(like->type, name, like->key_size, like->value_size,
				    like->max_entries, &opts);
	}
	if (fd >= 0)
		return fd;
	opts.btf_fd = opts.btf_key_type_id = opts.btf_value_type_id = 0;
	return bpf_map_create(like->type, name, like->key_size, like->value_size, like->max_entries,
			      &opts);
}

static int path_of(char path[BPF_PINS_PATH], const char *pin_dir, const char *outer, uint32_t at)
{
	char name[BPF_PINS_PATH];
	int len = snprintf(name, sizeof(name), "%s-%u", outer, at);

	return len < BPF_PINS_PATH ? bpf_pins_path(path, pin_dir, BPF_PINS_CHUNKS, name)
				   : -ENAMETOOLONG;
}

int bpf_inner_pin(const char *pin_dir, const char *outer, uint32_t at, int fd)
{
	char path[BPF_PINS_PATH];
	int error = path_of(path, pin_dir, outer, at);

	return error ? error : bpf_pins_put(fd, path);
}

void bpf_inner_unpin(const char *pin_dir, const char *outer, uint32_t at)
{
	char path[BPF_PINS_PATH];

	if (path_of(path, pin_dir, outer, at) == 0)
		(void)unlink(path);
}

int bpf_inner_insert(int outer_fd, uint32_t first, const uint32_t *fds, uint32_t n)
{
	__u32 keys[BPF_INSERT_MAX], count = n;

	assert(n <= BPF_INSERT_MAX);
	for (uint32_t i = 0; i < n; i++)
		keys[i] = first + i;
	if (n > 1 && bpf_map_update_batch(outer_fd, keys, fds, &count, NULL) == 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (bpf_map_update_elem(outer_fd, &keys[i], &fds[i], BPF_ANY) != 0)
			return -errno;
	return 0;
}

/* --- those that are there --------------------------------------------------------------------- */

/* The id of the one at a place; 0: there is none. */
static int id_at(const struct bpf_maps *m, const char *outer, uint32_t at, __u32 *ret)
{
	if (bpf_map_lookup_elem(bpf_maps_fd(m, outer), &at, ret) == 0)
		return 0;
	*ret = 0;
	return errno == ENOENT || errno == E2BIG ? 0 : -errno;
}

/* What is pinned at a path, if it is the map of that id; else -ENOENT. */
static int open_pin(const char *path, __u32 id)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return -ENOENT;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.id == id)
		return fd;
	close(fd);
	return -ENOENT;
}

int bpf_inner_open(const struct bpf_maps *m, const char *outer, uint32_t at)
{
	char path[BPF_PINS_PATH];
	__u32 id;
	int fd, error = id_at(m, outer, at, &id);

	if (error != 0 || id == 0)
		return error ? error : -ENOENT;
	error = path_of(path, m->pin_dir, outer, at);
	if (error != 0)
		return error;
	fd = open_pin(path, id);
	if (fd >= 0)
		return fd;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	error = bpf_pins_put(fd, path);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

/* --- strays ----------------------------------------------------------------------------------- */

struct sweep {
	const struct bpf_maps *m;
	int error; /* the first */
};

/* "OUTER-AT", of an outer map of ours: the id at that place. 0: there is none, or no such map. */
static int id_by_name(const struct bpf_maps *m, const char *name, __u32 *ret)
{
	const char *dash = strrchr(name, '-');
	char outer[BPF_PINS_PATH], *end = NULL;
	unsigned long at;

	*ret = 0;
	if (!dash)
		return 0;
	(void)snprintf(outer, sizeof(outer), "%.*s", (int)(dash - name), name);
	at = strtoul(dash + 1, &end, 10);
	if (end == dash + 1 || *end || at > UINT32_MAX || bpf_maps_fd(m, outer) < 0)
		return 0;
	return id_at(m, outer, (uint32_t)at, ret);
}

static void sweep_one(void *ctx, const char *name)
{
	struct sweep *s = ctx;
	char path[BPF_PINS_PATH];
	__u32 id;
	int fd = -ENOENT, error = bpf_pins_path(path, s->m->pin_dir, BPF_PINS_CHUNKS, name);

	if (error == 0)
		error = id_by_name(s->m, name, &id);
	if (error == 0) {
		fd = id ? open_pin(path, id) : -ENOENT;
		if (fd >= 0)
			close(fd);
		else if (unlink(path) != 0 && errno != ENOENT)
			error = -errno;
	}
	s->error = s->error ? s->error : error;
}

int bpf_inner_sweep(const struct bpf_maps *m)
{
	struct sweep s = {.m = m};
	char path[BPF_PINS_PATH];
	int error = bpf_pins_path(path, m->pin_dir, BPF_PINS_CHUNKS, NULL);

	if (error == 0)
		error = bpf_pins_each(path, sweep_one, &s);
	return error ? error : s.error;
}
