// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Maps as memory. The outer maps hold their inner ones, so adoption asks them for the chunks in
 * turn, which are pinned, too (bpf_inner.h). A chunk of backends consists of two inner maps; the
 * one that says that the chunk exists is inserted last, so that an agent that dies in between
 * leaves no half. Adding chunks is the work of bpf_grow.c, and of bpf_flows.c.
 */
#include "sys/bpf_maps.h"

#include "sys/bpf_inner.h"
#include "sys/bpf_pins.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>

#define COUNTERS_MAX 256u /* counters in one call */

/* --- objects ---------------------------------------------------------------------------------- */

static bool has_shape(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) != 0)
		return false;
	return info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.map_flags == bpf_map__map_flags(map) &&
	       info.max_entries == bpf_map__max_entries(map);
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

/*
 * Those of the programs and not of the tables: what they go on with, and a packet while they look
 * at it. Programs of another version would find others there than theirs.
 */
static bool is_each_programs(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return strcmp(name, "beside") == 0 || strcmp(name, "scratch") == 0;
}

/*
 * Counts, what the agent fills by itself when it starts, what lasts for little longer than a
 * packet; and the flows of the kernel, of which older versions knew none.
 */
static bool may_be_fresh(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return strcmp(name, "drops") == 0 || strcmp(name, "uplinks") == 0 ||
	       strcmp(name, "backend_ports") == 0 || strcmp(name, "backend_bits") == 0 ||
	       strcmp(name, "kernel_flows") == 0 || is_each_programs(map) ||
	       strcmp(name, "fragments") == 0 || strcmp(name, "rejects") == 0 ||
	       strcmp(name, "ranges") == 0 || strcmp(name, "range_names") == 0 ||
	       strcmp(name, "deny_bits") == 0 || strcmp(name, "new_flows") == 0 ||
	       strcmp(name, "unrecorded") == 0 || strcmp(name, "unrecorded_at") == 0 ||
	       strcmp(name, "sources") == 0 || strcmp(name, "proven") == 0 ||
	       strcmp(name, "rates") == 0 || strcmp(name, "bfd_sessions") == 0 ||
	       strcmp(name, "bfd_echoes") == 0 || strcmp(name, "bfd_timers") == 0 ||
	       strcmp(name, "bfd_woken") == 0 || strcmp(name, "vrfs") == 0 ||
	       strcmp(name, "blackholes") == 0 || strcmp(name, "blackhole_drops") == 0 ||
	       strcmp(name, "nodes") == 0 || strcmp(name, "node_places") == 0 ||
	       strcmp(name, "tunnel") == 0 || strcmp(name, "next_devices") == 0 ||
	       strcmp(name, "hops") == 0 || strcmp(name, "retired") == 0 ||
	       strcmp(name, "nat") == 0;
}

int bpf_maps_reuse(struct bpf_object *obj, const char *dir)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		int error = bpf_map__is_internal(map) || is_each_programs(map)
				    ? 0
				    : reuse_pin(map, dir);

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
		error = inner_of(obj, "flows", &ret->flows);
	if (error == 0)
		error = inner_of(obj, "backends", &ret->backends);
	if (error == 0)
		error = inner_of(obj, "counters", &ret->counters);
	if (error == 0)
		error = inner_of(obj, "nodes", &ret->nodes);
	if (error == 0)
		error = inner_of(obj, "kernel_flows", &ret->kernel_flows);
	if (error == 0)
		error = inner_of(obj, "nat", &ret->nat);
	return error;
}

int bpf_maps_share(const struct bpf_kept *from, struct bpf_object *to)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, to)
	{
		int fd, error;

		if (bpf_map__is_internal(map))
			continue;
		fd = bpf_kept_map(from, bpf_map__name(map));
		error = fd >= 0 ? bpf_map__reuse_fd(map, fd) : -ENOENT;
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

/* --- mappings --------------------------------------------------------------------------------- */

static int map_inner(int fd, size_t size, struct bpf_mapping *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at;

	size = (size + page - 1) / page * page;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	*ret = (struct bpf_mapping){.at = at, .size = size};
	return 0;
}

static void keep_mapping(struct bpf_maps *m, const struct bpf_mapping *mapping)
{
	*(struct bpf_mapping *)xpush(&m->mappings, &m->n_mappings, &m->cap_mappings,
				     sizeof(*mapping)) = *mapping;
}

int bpf_maps_map(struct bpf_maps *m, int fd, size_t size, void *ret)
{
	struct bpf_mapping mapping;
	int error = map_inner(fd, size, &mapping);

	if (error != 0)
		return error;
	keep_mapping(m, &mapping);
	*(void **)ret = mapping.at;
	return 0;
}

int bpf_maps_fd(const struct bpf_maps *m, const char *name)
{
	return bpf_kept_map(m->kept, name);
}

int bpf_maps_open(struct bpf_maps *m, const struct bpf_kept *kept, const struct bpf_inners *inners,
		  const char *pin_dir)
{
	int error;

	*m = (struct bpf_maps){.kept = kept,
			       .pin_dir = pin_dir,
			       .inners = *inners,
			       .retired_fd = -1,
			       .kernel_flows_fd = -1,
			       .sums_fd = kept->sums_fd,
			       .n_cpus = libbpf_num_possible_cpus()};
	if (m->n_cpus < 0)
		return m->n_cpus;
	m->retired_fd = bpf_maps_fd(m, "retired");
	error = bpf_maps_map(m, bpf_maps_fd(m, "services"),
			     LB_SERVICE_SLOTS * sizeof(struct lb_service), &m->images.services);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "vip_bits"), LB_VIP_WORDS * sizeof(uint64_t),
				     &m->images.vip_bits);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "config"), sizeof(struct lb_config),
				     &m->images.config);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "range_names"),
				     LB_RANGE_SETS * sizeof(uint64_t), &m->images.range_names);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "new_flows"),
				     LB_SERVICE_SLOTS * sizeof(struct lb_new_flows),
				     &m->images.new_flows);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "node_places"),
				     LB_NODE_PLACES * sizeof(uint64_t), &m->images.node_places);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "tunnel"), sizeof(struct lb_tunnel),
				     &m->images.tunnel);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "uplinks"), LB_UPLINKS * sizeof(uint64_t),
				     &m->uplinks.words);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "backend_bits"),
				     LB_BACKEND_WORDS * sizeof(uint64_t), &m->backend_bits);
	if (error == 0)
		error = bpf_maps_map(m, bpf_maps_fd(m, "deny_bits"),
				     LB_DENY_WORDS * sizeof(uint64_t), &m->deny_bits);
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
	if (m->kernel_flows_fd >= 0)
		close(m->kernel_flows_fd);
	free(m->mappings);
	free(m->counter_fds);
	*m = (struct bpf_maps){.kept = NULL, .kernel_flows_fd = -1};
}

/* --- chunks ----------------------------------------------------------------------------------- */

static const struct bpf_chunk_kind kinds[BPF_N_CHUNK_KINDS] = {
	[BPF_CHUNK_ROWS] = {.main = "rows",
			    .main_bytes = LB_ROWS_CHUNK * sizeof(uint64_t),
			    .max = LB_ROWS_CHUNKS},
	[BPF_CHUNK_BACKENDS] = {.main = "backends",
				.beside = "counters",
				.main_bytes = LB_BACKEND_CHUNK * sizeof(struct lb_backend),
				.max = LB_BACKEND_CHUNKS},
	[BPF_CHUNK_NODES] = {.main = "nodes",
			     .main_bytes = LB_NODE_CHUNK * sizeof(struct lb_node),
			     .max = LB_NODE_CHUNKS},
	[BPF_CHUNK_KERNEL_FLOWS] = {.main = "kernel_flows", .max = 1},
	[BPF_CHUNK_NAT] = {.main = "nat", .max = 1},
	[BPF_CHUNK_FLOWS] = {.main = "flows",
			     .main_bytes = LB_FLOW_CHUNK * sizeof(struct lb_flow_line),
			     .max = LB_FLOW_CHUNKS},
};

const struct bpf_chunk_kind *bpf_chunk_kind(enum bpf_chunk_which which)
{
	return &kinds[which];
}

int bpf_chunk_map(struct bpf_chunk *c, const struct bpf_chunk_kind *kind)
{
	return kind->main_bytes ? map_inner(c->main, kind->main_bytes, &c->main_at) : 0;
}

void bpf_chunk_discard(struct bpf_chunk *c)
{
	if (c->main_at.at)
		munmap(c->main_at.at, c->main_at.size);
	if (c->main >= 0)
		close(c->main);
	if (c->beside >= 0)
		close(c->beside);
	*c = (struct bpf_chunk){.main = -1, .beside = -1};
}

int bpf_maps_nat(const struct bpf_maps *m, struct bpf_mapping *ret)
{
	const int fd = bpf_inner_open(m, kinds[BPF_CHUNK_NAT].main, 0);
	int error;

	if (fd < 0)
		return fd;
	error = map_inner(fd, LB_NAT_LINES * sizeof(struct lb_nat_line), ret);
	close(fd);
	return error;
}

/* Counters and the kernel's flows are read by their fd; all else of a chunk is its memory. */
void bpf_maps_add_chunk(struct bpf_maps *m, struct lb_tables *t, enum bpf_chunk_which which,
			struct bpf_chunk *c)
{
	m->n_chunks[which]++;
	if (which == BPF_CHUNK_KERNEL_FLOWS) {
		m->kernel_flows_fd = c->main;
		return;
	}
	if (which == BPF_CHUNK_NAT) {
		close(c->main);
		return;
	}
	keep_mapping(m, &c->main_at);
	close(c->main);
	if (which == BPF_CHUNK_ROWS) {
		lb_tables_add_rows_chunk(t, c->main_at.at);
		return;
	}
	if (which == BPF_CHUNK_NODES) {
		lb_nodes_add_chunk(lb_tables_nodes(t), c->main_at.at);
		return;
	}
	*(int *)xpush(&m->counter_fds, &m->n_counters, &m->cap_counters, sizeof(int)) = c->beside;
	lb_tables_add_backend_chunk(t, c->main_at.at);
}

static int load_kind(struct bpf_maps *m, struct lb_tables *t, enum bpf_chunk_which which)
{
	const struct bpf_chunk_kind *kind = &kinds[which];

	for (uint32_t at = 0; at < kind->max; at++) {
		struct bpf_chunk c = {.main = bpf_inner_open(m, kind->main, at), .beside = -1};
		int error;

		if (c.main == -ENOENT)
			return 0;
		if (kind->beside)
			c.beside = bpf_inner_open(m, kind->beside, at);
		error = c.main < 0 ? c.main : kind->beside && c.beside < 0 ? c.beside : 0;
		if (error == 0)
			error = bpf_chunk_map(&c, kind);
		if (error != 0) {
			bpf_chunk_discard(&c);
			return error;
		}
		bpf_maps_add_chunk(m, t, which, &c);
	}
	return 0;
}

int bpf_maps_load_chunks(struct bpf_maps *m, struct lb_tables *t)
{
	int error = bpf_inner_sweep(m);

	if (error == 0)
		error = load_kind(m, t, BPF_CHUNK_ROWS);
	if (error == 0)
		error = load_kind(m, t, BPF_CHUNK_NODES);
	if (error == 0)
		error = load_kind(m, t, BPF_CHUNK_KERNEL_FLOWS);
	if (error == 0)
		error = load_kind(m, t, BPF_CHUNK_NAT);
	return error ? error : load_kind(m, t, BPF_CHUNK_BACKENDS);
}

/* --- counters --------------------------------------------------------------------------------- */

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

static struct lb_counter sum_of(const struct bpf_maps *m, const struct lb_counter *values)
{
	struct lb_counter sum = {.packets = 0};

	for (int i = 0; i < m->n_cpus; i++) {
		sum.packets += values[i].packets;
		sum.bytes += values[i].bytes;
	}
	return sum;
}

struct lb_counter bpf_maps_counter(const struct bpf_maps *m, uint32_t index)
{
	_cleanup_(freep) struct lb_counter *values = read_counter(m, index);

	return sum_of(m, values);
}

/* At the head of them; how many they were. The program bpf/sums.h adds them up in the kernel. */
static size_t read_counters(const struct bpf_maps *m, const uint32_t *index, size_t n,
			    struct lb_counter *ret)
{
	struct lb_sums sums = {.n = n < LB_SUMS ? (__u32)n : LB_SUMS, .cpus = (__u32)m->n_cpus};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &sums, .data_size_in = sizeof(sums),
		    .data_out = &sums, .data_size_out = sizeof(sums), .repeat = 1);

	n = sums.n;
	memcpy(sums.index, index, n * sizeof(*index));
	if (bpf_prog_test_run_opts(m->sums_fd, &opts) != 0 || opts.retval != XDP_PASS) {
		*ret = bpf_maps_counter(m, *index);
		return 1;
	}
	memcpy(ret, sums.of, n * sizeof(*ret));
	return n;
}

void bpf_maps_counters(const struct bpf_maps *m, const uint32_t *index, size_t n,
		       struct lb_counter *ret)
{
	for (size_t done = 0; done < n;)
		done += read_counters(m, index + done, n - done, ret + done);
}

/*
 * New backends begin at nothing: those at the head of the moves that are of one chunk, in one call,
 * where the kernel can. How many that were.
 */
static size_t clear_counters(const struct bpf_maps *m, const struct lb_counter_move *moves,
			     size_t n)
{
	_cleanup_(freep) struct lb_counter *zeroes = NULL;
	const uint32_t chunk = moves[0].to / LB_BACKEND_CHUNK;
	__u32 keys[COUNTERS_MAX], count = 0, done;

	while (count < n && count < COUNTERS_MAX && moves[count].from == LB_NO_COUNTER &&
	       moves[count].to / LB_BACKEND_CHUNK == chunk) {
		keys[count] = moves[count].to % LB_BACKEND_CHUNK;
		count++;
	}
	done = count;
	zeroes = xcalloc((size_t)count * (size_t)m->n_cpus, sizeof(*zeroes));
	if (bpf_map_update_batch(m->counter_fds[chunk], keys, zeroes, &done, NULL) == 0)
		return count;
	for (__u32 i = 0; i < count; i++)
		(void)bpf_map_update_elem(m->counter_fds[chunk], &keys[i], zeroes, BPF_ANY);
	return count;
}

/* What the programs count between the reads and the write is lost; a move is rare and short. */
static void move_counter(const struct bpf_maps *m, const struct lb_counter_move *move)
{
	_cleanup_(freep) struct lb_counter *to = read_counter(m, move->to);
	_cleanup_(freep) struct lb_counter *from = read_counter(m, move->from);
	__u32 in = move->to % LB_BACKEND_CHUNK;

	for (int i = 0; i < m->n_cpus; i++) {
		to[i].packets += from[i].packets;
		to[i].bytes += from[i].bytes;
	}
	(void)bpf_map_update_elem(m->counter_fds[move->to / LB_BACKEND_CHUNK], &in, to, BPF_ANY);
}

void bpf_maps_move_counters(const struct bpf_maps *m, const struct lb_counter_move *moves, size_t n)
{
	for (size_t i = 0; i < n;) {
		if (moves[i].from == LB_NO_COUNTER)
			i += clear_counters(m, &moves[i], n - i);
		else
			move_counter(m, &moves[i++]);
	}
}
