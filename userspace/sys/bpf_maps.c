// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Maps as memory. The outer maps are pinned and hold their inner ones, so adoption asks them for
 * the ids of the chunks in turn. A chunk consists of two inner maps; the one that says that the
 * chunk exists (rows, backends) is inserted last, so that an agent that dies in between leaves no
 * half.
 *
 * Every insertion into an outer map waits for a grace period of the kernel (8 to 30 ms), or, in one
 * batch and from Linux 6.8 on, all of them together for one. A node that gets a Service now and
 * then adds a chunk now and then; but when chunks are asked for again and again at one time, a
 * whole configuration is being loaded, and each growth is five times the one before it.
 */
#include "sys/bpf_maps.h"

#include "sys/bpf_pins.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>

#define GROW_MAX   64u
#define GROW_TIMES 5u
#define GROW_BYTES (40u << 20) /* at a time */

/* --- objects -------------------------------------------------------------------------------------
 */

static bool is_resizable(const char *name)
{
	return strcmp(name, "flow4") == 0 || strcmp(name, "reply") == 0 ||
	       strcmp(name, "reply_new") == 0;
}

static bool has_shape(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) != 0)
		return false;
	return info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.map_flags == bpf_map__map_flags(map) &&
	       (is_resizable(bpf_map__name(map)) || info.max_entries == bpf_map__max_entries(map));
}

static int reuse_pin(struct bpf_map *map, const char *dir)
{
	char path[BPF_PINS_PATH];
	int fd, error = bpf_pins_path(path, dir, bpf_map__name(map), NULL);

	if (error != 0)
		return error;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	error = has_shape(fd, map) ? bpf_map__reuse_fd(map, fd) : -ESTALE;
	close(fd);
	return error;
}

/* Counts, what the agent fills by itself when it starts, and what lasts for one packet. */
static bool may_be_fresh(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return strcmp(name, "drops") == 0 || strcmp(name, "uplinks") == 0 ||
	       strcmp(name, "backend_ports") == 0 || strcmp(name, "scratch") == 0;
}

int bpf_maps_reuse(struct bpf_object *obj, const char *dir)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		int error = bpf_map__is_internal(map) ? 0 : reuse_pin(map, dir);

		if (error == -ENOENT || error == -ESTALE)
			error = may_be_fresh(map) ? 0 : error;
		if (error != 0)
			return error;
	}
	return 0;
}

int bpf_maps_pin_fresh(const struct bpf_object *obj, const char *dir)
{
	const struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		char path[BPF_PINS_PATH];
		int error;

		if (bpf_map__is_internal(map) || !may_be_fresh(map))
			continue;
		error = bpf_pins_path(path, dir, bpf_map__name(map), NULL);
		if (error == 0)
			error = bpf_pins_put(bpf_map__fd(map), path);
		if (error != 0)
			return error;
	}
	return 0;
}

static int inner_of(const struct bpf_object *obj, const char *outer, struct bpf_inner *ret)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, outer);
	const struct bpf_map *inner = map ? bpf_map__inner_map(map) : NULL;

	if (!inner)
		return -ENOENT;
	*ret = (struct bpf_inner){.type = bpf_map__type(inner),
				  .key_size = bpf_map__key_size(inner),
				  .value_size = bpf_map__value_size(inner),
				  .max_entries = bpf_map__max_entries(inner),
				  .flags = bpf_map__map_flags(inner),
				  .btf_key = bpf_map__btf_key_type_id(inner),
				  .btf_value = bpf_map__btf_value_type_id(inner)};
	return 0;
}

int bpf_maps_inners(const struct bpf_object *obj, struct bpf_inners *ret)
{
	int error = inner_of(obj, "rows", &ret->rows);

	if (error == 0)
		error = inner_of(obj, "late", &ret->late);
	if (error == 0)
		error = inner_of(obj, "backends", &ret->backends);
	if (error == 0)
		error = inner_of(obj, "counters", &ret->counters);
	return error;
}

int bpf_maps_share(const struct bpf_object *from, struct bpf_object *to)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, to)
	{
		const struct bpf_map *same;
		int error;

		if (bpf_map__is_internal(map))
			continue;
		same = bpf_object__find_map_by_name(from, bpf_map__name(map));
		error = same ? bpf_map__reuse_fd(map, bpf_map__fd(same)) : -ENOENT;
		if (error != 0)
			return error;
	}
	return 0;
}

int bpf_maps_pin(const struct bpf_object *obj, const char *dir)
{
	const struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		char path[BPF_PINS_PATH];
		int error;

		if (bpf_map__is_internal(map))
			continue;
		error = bpf_pins_path(path, dir, bpf_map__name(map), NULL);
		if (error == 0)
			error = bpf_obj_pin(bpf_map__fd(map), path);
		if (error != 0)
			return error;
	}
	return 0;
}

/* --- mappings ------------------------------------------------------------------------------------
 */

static int map_memory(struct bpf_maps *m, int fd, size_t size, void *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct bpf_mapping *mapping;
	void *at;

	size = (size + page - 1) / page * page;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	mapping = xpush(&m->mappings, &m->n_mappings, &m->cap_mappings, sizeof(*mapping));
	*mapping = (struct bpf_mapping){.at = at, .size = size};
	*(void **)ret = at;
	return 0;
}

int bpf_maps_fd(const struct bpf_maps *m, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(m->obj, name);

	return map ? bpf_map__fd(map) : -1;
}

int bpf_maps_open(struct bpf_maps *m, const struct bpf_object *obj, const struct bpf_inners *inners)
{
	int error;

	*m = (struct bpf_maps){.obj = obj, .inners = *inners, .n_cpus = libbpf_num_possible_cpus()};
	if (m->n_cpus < 0)
		return m->n_cpus;
	error = map_memory(m, bpf_maps_fd(m, "services"),
			   LB_SERVICE_SLOTS * sizeof(struct lb_service), &m->images.services);
	if (error == 0)
		error = map_memory(m, bpf_maps_fd(m, "vip_bits"), LB_VIP_WORDS * sizeof(uint64_t),
				   &m->images.vip_bits);
	if (error == 0)
		error = map_memory(m, bpf_maps_fd(m, "config"), sizeof(struct lb_config),
				   &m->images.config);
	if (error == 0)
		error = map_memory(m, bpf_maps_fd(m, "uplinks"), LB_UPLINKS * sizeof(uint64_t),
				   &m->uplinks.words);
	if (error != 0)
		bpf_maps_close(m);
	return error;
}

void bpf_maps_close(struct bpf_maps *m)
{
	for (size_t i = 0; i < m->n_mappings; i++)
		munmap(m->mappings[i].at, m->mappings[i].size);
	for (size_t i = 0; i < m->n_counters; i++)
		close(m->counter_fds[i]);
	free(m->mappings);
	free(m->counter_fds);
	*m = (struct bpf_maps){.obj = NULL};
}

/* --- chunks --------------------------------------------------------------------------------------
 */

/* A chunk's two inner maps; the caller owns the fds. */
struct pair {
	int main, beside;
};

static int inner_at(const struct bpf_maps *m, const char *outer, uint32_t at)
{
	__u32 id;
	int fd;

	if (bpf_map_lookup_elem(bpf_maps_fd(m, outer), &at, &id) != 0)
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

static int add_rows(struct bpf_maps *m, struct lb_tables *t, const struct pair *fds)
{
	uint64_t *rows;
	uint16_t *late;
	int error = map_memory(m, fds->beside, LB_ROWS_CHUNK * sizeof(*late), &late);

	if (error == 0)
		error = map_memory(m, fds->main, LB_ROWS_CHUNK * sizeof(*rows), &rows);
	if (error != 0)
		return error;
	lb_tables_add_rows_chunk(t, rows, late);
	return 0;
}

static int add_backends(struct bpf_maps *m, struct lb_tables *t, const struct pair *fds)
{
	struct lb_backend *backends;
	int fd = dup(fds->beside), error;

	if (fd < 0)
		return -errno;
	error = map_memory(m, fds->main, LB_BACKEND_CHUNK * sizeof(*backends), &backends);
	if (error != 0) {
		close(fd);
		return error;
	}
	*(int *)xpush(&m->counter_fds, &m->n_counters, &m->cap_counters, sizeof(int)) = fd;
	lb_tables_add_backend_chunk(t, backends);
	return 0;
}

/* How the two kinds of chunk differ. */
struct kind {
	unsigned which;                  /* of bpf_maps.growth */
	const char *main, *beside;       /* names of the outer maps */
	size_t main_inner, beside_inner; /* where in struct bpf_inners */
	uint32_t max;
	int (*add)(struct bpf_maps *m, struct lb_tables *t, const struct pair *fds);
};

static const struct kind rows_kind = {
	.which = 0,
	.main = "rows",
	.beside = "late",
	.main_inner = offsetof(struct bpf_inners, rows),
	.beside_inner = offsetof(struct bpf_inners, late),
	.max = LB_ROWS_CHUNKS,
	.add = add_rows,
};
static const struct kind backends_kind = {
	.which = 1,
	.main = "backends",
	.beside = "counters",
	.main_inner = offsetof(struct bpf_inners, backends),
	.beside_inner = offsetof(struct bpf_inners, counters),
	.max = LB_BACKEND_CHUNKS,
	.add = add_backends,
};

static const struct bpf_inner *inner_like(const struct bpf_maps *m, size_t offset)
{
	return (const struct bpf_inner *)((const char *)&m->inners + offset);
}

static void close_pair(const struct pair *fds)
{
	if (fds->main >= 0)
		close(fds->main);
	if (fds->beside >= 0)
		close(fds->beside);
}

static int add_one(struct bpf_maps *m, struct lb_tables *t, const struct kind *kind,
		   const struct pair *fds)
{
	int error = kind->add(m, t, fds);

	if (error == 0)
		m->growth[kind->which].n_chunks++;
	return error;
}

static int load_kind(struct bpf_maps *m, struct lb_tables *t, const struct kind *kind)
{
	for (uint32_t at = 0; at < kind->max; at++) {
		struct pair fds = {.main = inner_at(m, kind->main, at), .beside = -1};
		int error;

		if (fds.main == -ENOENT)
			return 0;
		fds.beside = inner_at(m, kind->beside, at);
		error = fds.main < 0 ? fds.main : fds.beside < 0 ? fds.beside : 0;
		if (error == 0)
			error = add_one(m, t, kind, &fds);
		close_pair(&fds);
		if (error != 0)
			return error;
	}
	return 0;
}

int bpf_maps_load_chunks(struct bpf_maps *m, struct lb_tables *t)
{
	int error = load_kind(m, t, &rows_kind);

	return error ? error : load_kind(m, t, &backends_kind);
}

/* An inner map like the object's template, with its BTF where the kernel takes it. */
static int create_inner(const struct bpf_maps *m, const char *name, const struct bpf_inner *like)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = like->flags,
		    .btf_key_type_id = like->btf_key, .btf_value_type_id = like->btf_value);
	int fd = -EINVAL, btf_fd = bpf_object__btf_fd(m->obj);

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

/* Inserts n inner maps from `first` on, in one call if the kernel can. */
static int insert(const struct bpf_maps *m, const char *outer, uint32_t first, const __u32 *fds,
		  uint32_t n)
{
	int outer_fd = bpf_maps_fd(m, outer);
	__u32 keys[GROW_MAX], count = n;

	for (uint32_t i = 0; i < n; i++)
		keys[i] = first + i;
	if (n > 1 && bpf_map_update_batch(outer_fd, keys, fds, &count, NULL) == 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (bpf_map_update_elem(outer_fd, &keys[i], &fds[i], BPF_ANY) != 0)
			return -errno;
	return 0;
}

static int add_all(struct bpf_maps *m, struct lb_tables *t, const struct kind *kind,
		   const struct pair *pairs, uint32_t n)
{
	uint32_t first = m->growth[kind->which].n_chunks;
	__u32 main[GROW_MAX] = {0}, beside[GROW_MAX] = {0};
	int error;

	for (uint32_t i = 0; i < n; i++) {
		main[i] = (__u32)pairs[i].main;
		beside[i] = (__u32)pairs[i].beside;
	}
	error = insert(m, kind->beside, first, beside, n);
	if (error == 0)
		error = insert(m, kind->main, first, main, n);
	for (uint32_t i = 0; error == 0 && i < n; i++)
		error = add_one(m, t, kind, &pairs[i]);
	return error;
}

static size_t inner_bytes(const struct bpf_maps *m, const struct bpf_inner *like)
{
	bool per_cpu = like->type == BPF_MAP_TYPE_PERCPU_ARRAY;

	return (size_t)like->max_entries * like->value_size * (per_cpu ? (size_t)m->n_cpus : 1);
}

/* How many chunks to add now: one, or many if this is a part of a load. */
static uint32_t growth_of(struct bpf_maps *m, const struct kind *kind, nsec_t now)
{
	struct bpf_growth *g = &m->growth[kind->which];
	size_t bytes = inner_bytes(m, inner_like(m, kind->main_inner)) +
		       inner_bytes(m, inner_like(m, kind->beside_inner));
	uint32_t most = GROW_BYTES / bytes < GROW_MAX ? (uint32_t)(GROW_BYTES / bytes) : GROW_MAX;
	uint32_t n = g->last > 0 && g->at == now ? g->last * GROW_TIMES : 1;

	n = n < most ? n : most;
	n = n > 0 ? n : 1;
	g->at = now;
	g->last = n;
	return n < kind->max - g->n_chunks ? n : kind->max - g->n_chunks;
}

static int create_pair(const struct bpf_maps *m, const struct kind *kind, struct pair *ret)
{
	ret->main = create_inner(m, kind->main, inner_like(m, kind->main_inner));
	if (ret->main < 0)
		return ret->main;
	ret->beside = create_inner(m, kind->beside, inner_like(m, kind->beside_inner));
	if (ret->beside < 0)
		close(ret->main);
	return ret->beside < 0 ? ret->beside : 0;
}

/* As many of the wanted chunks as there is memory for; the error if there is none for one. */
static int grow(struct bpf_maps *m, struct lb_tables *t, const struct kind *kind, nsec_t now)
{
	uint32_t n = growth_of(m, kind, now), made = 0;
	struct pair pairs[GROW_MAX];
	int error = 0;

	while (error == 0 && made < n) {
		error = create_pair(m, kind, &pairs[made]);
		made += error == 0;
	}
	if (made > 0)
		error = add_all(m, t, kind, pairs, made);
	for (uint32_t i = 0; i < made; i++)
		close_pair(&pairs[i]);
	return error;
}

int bpf_maps_grow(struct bpf_maps *m, struct lb_tables *t, int need, nsec_t now)
{
	if (need == LB_NEED_ROWS_CHUNK)
		return grow(m, t, &rows_kind, now);
	assert(need == LB_NEED_BACKEND_CHUNK);
	return grow(m, t, &backends_kind, now);
}

/* --- counters ------------------------------------------------------------------------------------
 */

/* All CPUs' values of a counter; to be freed. Zeroes if it cannot be read. */
static struct lb_counter *read_counter(const struct bpf_maps *m, uint32_t index)
{
	struct lb_counter *values = xcalloc((size_t)m->n_cpus, sizeof(*values));
	__u32 in = index % LB_BACKEND_CHUNK;

	assert(index / LB_BACKEND_CHUNK < m->n_counters);
	if (bpf_map_lookup_elem(m->counter_fds[index / LB_BACKEND_CHUNK], &in, values) != 0)
		memset(values, 0, (size_t)m->n_cpus * sizeof(*values));
	return values;
}

struct lb_counter bpf_maps_counter(const struct bpf_maps *m, uint32_t index)
{
	_cleanup_(freep) struct lb_counter *values = read_counter(m, index);
	struct lb_counter sum = {.packets = 0};

	for (int i = 0; i < m->n_cpus; i++) {
		sum.packets += values[i].packets;
		sum.bytes += values[i].bytes;
	}
	return sum;
}

/* What the programs count between the reads and the write is lost; a move is rare and short. */
void bpf_maps_move_counter(const struct bpf_maps *m, const struct lb_counter_move *move)
{
	_cleanup_(freep) struct lb_counter *to = read_counter(m, move->to);
	__u32 in = move->to % LB_BACKEND_CHUNK;

	if (move->from == LB_NO_COUNTER) {
		memset(to, 0, (size_t)m->n_cpus * sizeof(*to));
	} else {
		_cleanup_(freep) struct lb_counter *from = read_counter(m, move->from);

		for (int i = 0; i < m->n_cpus; i++) {
			to[i].packets += from[i].packets;
			to[i].bytes += from[i].bytes;
		}
	}
	(void)bpf_map_update_elem(m->counter_fds[move->to / LB_BACKEND_CHUNK], &in, to, BPF_ANY);
}
