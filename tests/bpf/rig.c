// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fills the maps by system calls and by the one inner map of each kind. Any failure after loading
 * is a bug of the rig or of the programs, so it ends the process; only "BPF is refused" is an
 * answer.
 */
#include "bpf/rig.h"
#include "bpf/rig_nodes.h"
#include "bpf/rig_private.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void rig_must(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
		abort();
	}
}

static __attribute__((format(printf, 2, 0))) int quiet(enum libbpf_print_level level,
						       const char *format, va_list args)
{
	if (level == LIBBPF_WARN && getenv("RIG_VERBOSE"))
		return vfprintf(stderr, format, args);
	return 0;
}

#define ARRAY BPF_MAP_TYPE_ARRAY
/* The inner maps that go with the templates of maps.h. */
static const struct {
	enum bpf_map_type type;
	uint32_t value, entries, flags, key;
} inner[RIG_N_OUTER] = {
	[RIG_ROWS_MAP] = {ARRAY, 8, LB_ROWS_CHUNK, BPF_F_MMAPABLE, 4},
	[RIG_BACKENDS_MAP] = {ARRAY, sizeof(struct lb_backend), LB_BACKEND_CHUNK, BPF_F_MMAPABLE,
			      4},
	[RIG_COUNTERS_MAP] = {BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct lb_counter),
			      LB_BACKEND_CHUNK, 0, 4},
	[RIG_FLOWS_MAP] = {ARRAY, sizeof(struct lb_flow_line), LB_FLOW_CHUNK, BPF_F_MMAPABLE, 4},
	[RIG_NODES_MAP] = {ARRAY, sizeof(struct lb_node), LB_NODE_CHUNK, BPF_F_MMAPABLE, 4},
	[RIG_KERNEL_FLOWS_MAP] = {BPF_MAP_TYPE_HASH, 4, LB_KERNEL_FLOWS_MAX, BPF_F_NO_PREALLOC,
				  sizeof(struct lb_kernel_flow)},
	[RIG_NAT_MAP] = {ARRAY, sizeof(struct lb_nat_line), LB_NAT_LINES, BPF_F_MMAPABLE, 4},
};

static struct bpf_map *outer_map(const struct rig *r, enum rig_outer which)
{
	struct bpf_map *maps[RIG_N_OUTER] = {
		[RIG_ROWS_MAP] = r->xdp->maps.rows,
		[RIG_BACKENDS_MAP] = r->xdp->maps.backends,
		[RIG_COUNTERS_MAP] = r->xdp->maps.counters,
		[RIG_FLOWS_MAP] = r->xdp->maps.flows,
		[RIG_NODES_MAP] = r->xdp->maps.nodes,
		[RIG_KERNEL_FLOWS_MAP] = r->xdp->maps.kernel_flows,
		[RIG_NAT_MAP] = r->xdp->maps.nat,
	};

	return maps[which];
}

int rig_chunk(struct rig *r, enum rig_outer which, uint32_t chunk)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = inner[which].flags,
		    .btf_fd = (uint32_t)bpf_object__btf_fd(r->xdp->obj),
		    .btf_key_type_id = r->inner_btf[which].key,
		    .btf_value_type_id = r->inner_btf[which].value);
	int *fd = &r->chunks[which][chunk];

	if (chunk >= RIG_CHUNKS)
		abort();
	if (*fd)
		return *fd;
	*fd = bpf_map_create(inner[which].type, "inner", inner[which].key, inner[which].value,
			     inner[which].entries, &opts);
	rig_must(*fd, "create inner map");
	rig_must(bpf_map_update_elem(bpf_map__fd(outer_map(r, which)), &chunk, fd, BPF_ANY),
		 "add inner map");
	return *fd;
}

void rig_note_templates(struct rig *r)
{
	for (enum rig_outer i = 0; i < RIG_N_OUTER; i++) {
		struct bpf_map *map = bpf_map__inner_map(outer_map(r, i));

		r->inner_btf[i].key = bpf_map__btf_key_type_id(map);
		r->inner_btf[i].value = bpf_map__btf_value_type_id(map);
	}
}

/* That on which it is: another test program may have another one. */
static void bind_to_one_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	rig_must(cpu, "ask for the CPU");
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	rig_must(sched_setaffinity(0, sizeof(set), &set), "bind to a CPU");
}

/* The lines, and the word that says where they are. */
void rig_add_flows(struct rig *r)
{
	struct lb_config config = {.abi_version = LB_ABI_VERSION, .flows = r->n_flow_chunks};
	uint32_t zero = 0;

	for (uint32_t i = 0; i < r->n_flow_chunks; i++) {
		r->lines[i] =
			mmap(NULL, LB_FLOW_CHUNK * sizeof(struct lb_flow_line),
			     PROT_READ | PROT_WRITE, MAP_SHARED, rig_chunk(r, RIG_FLOWS_MAP, i), 0);
		rig_must(r->lines[i] == MAP_FAILED ? -1 : 0, "map flows");
	}
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.config), &zero, &config, BPF_ANY),
		 "write config");
}

struct rig *rig_make(unsigned flow_chunks, bool again, const char **ret_why)
{
	struct rig *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		abort();
	r->n_flow_chunks = flow_chunks;
	r->again = again;
	libbpf_set_print(quiet);
	bind_to_one_cpu();
	r->n_cpus = (unsigned)libbpf_num_possible_cpus();
	err = rig_load(r);
	if (err == -EPERM || err == -ENOSYS) {
		*ret_why = strerror(-err);
		rig_destroy(r);
		return NULL;
	}
	errno = -err;
	rig_must(err, "load the programs");
	rig_add_flows(r);
	return r;
}

struct rig *rig_new_sized(unsigned flow_chunks, const char **ret_why)
{
	return rig_make(flow_chunks, false, ret_why);
}

void rig_drop_chunks(struct rig *r)
{
	for (unsigned i = 0; i < RIG_CHUNKS && r->lines[i]; i++) {
		munmap(r->lines[i], LB_FLOW_CHUNK * sizeof(struct lb_flow_line));
		r->lines[i] = NULL;
	}
	for (enum rig_outer which = 0; which < RIG_N_OUTER; which++)
		for (uint32_t chunk = 0; chunk < RIG_CHUNKS; chunk++) {
			int *fd = &r->chunks[which][chunk];

			if (!*fd)
				continue;
			rig_must(bpf_map_delete_elem(bpf_map__fd(outer_map(r, which)), &chunk),
				 "take out an inner map");
			close(*fd);
			*fd = 0;
		}
}

void rig_destroy(struct rig *r)
{
	rig_drop_chunks(r);
	rig_unload(r);
	free(r);
}

static void address(uint32_t out[4], uint32_t v4)
{
	frame_address((uint8_t *)out, v4);
}

static struct lb_service_key key_of(const struct rig_service *s)
{
	struct lb_service_key key = {
		.port = htons(s->port), .proto = s->proto, .domain = s->domain};

	address(key.addr, s->vip);
	return key;
}

static struct lb_service read_service(struct rig *r, uint32_t slot)
{
	struct lb_service ret;

	rig_must(bpf_map_lookup_elem(bpf_map__fd(r->xdp->maps.services), &slot, &ret), "read slot");
	return ret;
}

static void write_service(struct rig *r, uint32_t slot, const struct lb_service *s)
{
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.services), &slot, s, BPF_ANY),
		 "write slot");
}

/* The first of the key's two slots, or the second if that is another's. */
static void put_service(struct rig *r, const struct lb_service *s)
{
	uint32_t slot = lb_service_hash(&s->key, 0);
	struct lb_service have = read_service(r, slot);

	if (have.live && memcmp(&have.key, &s->key, sizeof(s->key)))
		slot = lb_service_hash(&s->key, 1);
	write_service(r, slot, s);
}

void rig_add_vip(struct rig *r, uint32_t vip, uint32_t flags)
{
	struct lb_service s = {
		.live = LB_LIVE_IN_USE | (uint64_t)flags << LB_LIVE_FLAGS_SHIFT,
		.id = ++r->n_services,
	};

	address(s.key.addr, vip);
	put_service(r, &s);
	rig_set_vip_bit(r, vip);
}

void rig_set_rows_none(struct rig *r, const struct rig_service *s)
{
	struct lb_service service = read_service(r, rig_slot(r, s));

	service.live &= ~(LB_LIVE_LOG2_MASK << LB_LIVE_LOG2_SHIFT);
	write_service(r, rig_slot(r, s), &service);
}

static uint32_t rows_of(const struct rig_service *s)
{
	return 1u << s->rows_log2;
}

void rig_add_service(struct rig *r, struct rig_service *s)
{
	uint32_t n = ++r->n_services;
	struct lb_service slot = {
		.id = s->id ? s->id : n,
		.seed = RIG_SEED + s->vip,
		.ranges = (uint16_t)s->ranges,
		.affinity = s->affinity,
	};

	rig_need_for(r, s->flags);
	s->id = slot.id;
	s->rows_log2 = s->rows_log2 ? s->rows_log2 : LB_ROWS_LOG2_MIN;
	s->rows_base = r->n_rows;
	r->n_rows += rows_of(s);
	s->backends_base = n * LB_BACKEND_UNIT;
	slot.live = LB_LIVE_IN_USE | (uint64_t)s->flags << LB_LIVE_FLAGS_SHIFT |
		    (uint64_t)s->rows_log2 << LB_LIVE_LOG2_SHIFT |
		    (uint64_t)(s->rows_base / LB_ROWS_UNIT) << LB_LIVE_ROWS_SHIFT |
		    (uint64_t)(s->backends_base / LB_BACKEND_UNIT) << LB_LIVE_BACKENDS_SHIFT;
	slot.key = key_of(s);
	put_service(r, &slot);
	rig_set_rows(r, s, NULL, 0, 0);
}

unsigned rig_slot(struct rig *r, const struct rig_service *s)
{
	struct lb_service_key key = key_of(s);
	uint32_t first = lb_service_hash(&key, 0);
	struct lb_service have = read_service(r, first);

	return have.live && !memcmp(&have.key, &key, sizeof(key)) ? first
								  : lb_service_hash(&key, 1);
}

void rig_set_ranges(struct rig *r, const struct rig_service *s, uint32_t set)
{
	uint32_t slot = rig_slot(r, s);
	struct lb_service service = read_service(r, slot);

	service.ranges = (uint16_t)set;
	write_service(r, slot, &service);
}

void rig_set_affinity(struct rig *r, const struct rig_service *s, uint16_t affinity)
{
	uint32_t slot = rig_slot(r, s);
	struct lb_service service = read_service(r, slot);

	service.affinity = affinity;
	write_service(r, slot, &service);
}

void rig_set_region(struct rig *r, const struct rig_service *s, uint32_t n)
{
	uint32_t slot = rig_slot(r, s);
	struct lb_service service = read_service(r, slot);

	service.n_backends = n;
	write_service(r, slot, &service);
}

void rig_move_service(struct rig *r, const struct rig_service *s)
{
	struct lb_service_key key = key_of(s);
	uint32_t from = rig_slot(r, s),
		 to = lb_service_hash(&key, lb_service_hash(&key, 0) == from);
	struct lb_service service = read_service(r, from);

	write_service(r, to, &service);
	service.live = 0;
	write_service(r, from, &service);
}

void rig_set_service_id(struct rig *r, const struct rig_service *s, uint32_t id)
{
	struct lb_service service = read_service(r, rig_slot(r, s));

	service.id = id;
	write_service(r, rig_slot(r, s), &service);
}

void rig_del_service(struct rig *r, const struct rig_service *s)
{
	uint32_t slot = rig_slot(r, s);
	struct lb_service service = read_service(r, slot);

	service.live = 0;
	write_service(r, slot, &service);
}

uint32_t rig_backend_addr(unsigned i)
{
	return 0x0a010001 + i;
}

void rig_change_backend(struct rig *r, const struct rig_service *s, unsigned i,
			const struct lb_backend *be)
{
	uint32_t index = s->backends_base + i, in = index % LB_BACKEND_CHUNK;

	rig_must(bpf_map_update_elem(rig_chunk(r, RIG_BACKENDS_MAP, index / LB_BACKEND_CHUNK), &in,
				     be, BPF_ANY),
		 "write backend");
	rig_chunk(r, RIG_COUNTERS_MAP, index / LB_BACKEND_CHUNK);
}

struct lb_backend rig_read_backend(struct rig *r, const struct rig_service *s, unsigned i)
{
	uint32_t index = s->backends_base + i, in = index % LB_BACKEND_CHUNK;
	struct lb_backend be;

	rig_must(bpf_map_lookup_elem(rig_chunk(r, RIG_BACKENDS_MAP, index / LB_BACKEND_CHUNK), &in,
				     &be),
		 "read backend");
	return be;
}

static void add_backend_bit(struct rig *r, const struct lb_backend *be, uint8_t proto)
{
	uint32_t bit = lb_backend_bit(be->addr, be->port, proto), word = bit / 64;
	int fd = bpf_map__fd(r->xdp->maps.backend_bits);
	uint64_t bits;

	rig_must(bpf_map_lookup_elem(fd, &word, &bits), "read backend bits");
	bits |= 1ull << bit % 64;
	rig_must(bpf_map_update_elem(fd, &word, &bits, BPF_ANY), "write backend bits");
}

void rig_clear_backend_bits(struct rig *r)
{
	uint64_t none = 0;

	for (uint32_t word = 0; word < LB_BACKEND_WORDS; word++)
		rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.backend_bits), &word, &none,
					     BPF_ANY),
			 "clear backend bits");
}

void rig_add_backend(struct rig *r, const struct rig_service *s, unsigned i)
{
	struct lb_backend be = {.port = htons(RIG_BACKEND_PORT)};
	uint32_t vip[4];

	address(be.addr, rig_backend_addr(i));
	address(vip, s->vip);
	be.l3_delta = lb_l3_delta(vip, be.addr);
	be.l4_delta = lb_l4_delta(be.l3_delta, htons(s->port), be.port);
	rig_change_backend(r, s, i, &be);
	add_backend_bit(r, &be, s->proto);
	rig_set_backend(r, s, i, LB_BE_IN_USE | LB_BE_READY | LB_BE_LOCAL, 1);
}

void rig_set_backend(struct rig *r, const struct rig_service *s, unsigned i, uint8_t flags,
		     uint8_t gen)
{
	struct lb_backend be = rig_read_backend(r, s, i);

	be.state = (uint64_t)flags << LB_BE_FLAGS_SHIFT | (uint64_t)gen << LB_BE_GEN_SHIFT |
		   (be.state & 0xffffffff);
	rig_change_backend(r, s, i, &be);
}

void rig_set_remote(struct rig *r, const struct rig_service *s, unsigned i, uint32_t number)
{
	struct lb_backend be = rig_read_backend(r, s, i);

	rig_need_far(r);
	be.state = (uint64_t)(LB_BE_IN_USE | LB_BE_READY) << LB_BE_FLAGS_SHIFT |
		   UINT64_C(1) << LB_BE_GEN_SHIFT | (uint64_t)number << LB_BE_NODE_SHIFT;
	rig_change_backend(r, s, i, &be);
}

void rig_set_server(struct rig *r, const struct rig_service *s, unsigned i, uint32_t number,
		    unsigned way)
{
	struct lb_backend be;

	rig_set_remote(r, s, i, number);
	be = rig_read_backend(r, s, i);
	be.state |= (uint64_t)way << LB_BE_WAY_SHIFT;
	rig_change_backend(r, s, i, &be);
}

void rig_set_nsid(struct rig *r, const struct rig_service *s, unsigned i, uint32_t nsid)
{
	struct lb_backend be = rig_read_backend(r, s, i);

	be.state = (be.state & ~0xffffffffull) | nsid;
	rig_change_backend(r, s, i, &be);
}

static void write_row(struct rig *r, uint32_t index, uint64_t row)
{
	uint32_t in = index % LB_ROWS_CHUNK;

	rig_must(bpf_map_update_elem(rig_chunk(r, RIG_ROWS_MAP, index / LB_ROWS_CHUNK), &in, &row,
				     BPF_ANY),
		 "write row");
}

static uint64_t read_row(struct rig *r, uint32_t index)
{
	uint32_t in = index % LB_ROWS_CHUNK;
	uint64_t row;

	rig_must(bpf_map_lookup_elem(rig_chunk(r, RIG_ROWS_MAP, index / LB_ROWS_CHUNK), &in, &row),
		 "read row");
	return row;
}

static uint64_t row_of(const unsigned *candidates, unsigned n)
{
	uint64_t row = LB_ROW_EMPTY;

	for (unsigned i = 0; i < n; i++) {
		row &= ~((uint64_t)LB_ROW_NONE << (i * LB_ROW_BITS));
		row |= (uint64_t)candidates[i] << (i * LB_ROW_BITS);
	}
	return row;
}

void rig_set_rows(struct rig *r, const struct rig_service *s, const unsigned *candidates,
		  unsigned n, uint64_t bits)
{
	uint64_t row = row_of(candidates, n) | bits;

	for (uint32_t i = 0; i < rows_of(s); i++)
		write_row(r, s->rows_base + i, row);
}

void rig_set_mixed_rows(struct rig *r, const struct rig_service *s, unsigned n, unsigned lead,
			uint64_t bits)
{
	for (uint32_t i = 0; i < rows_of(s); i++) {
		const unsigned order[] = {(i + lead) % n, i % n};

		write_row(r, s->rows_base + i, row_of(order, lead ? 2 : 1) | bits);
	}
}

unsigned rig_unsettled(struct rig *r, const struct rig_service *s)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < rows_of(s); i++)
		n += !!(read_row(r, s->rows_base + i) & LB_ROW_UNSETTLED);
	return n;
}

unsigned rig_marked(struct rig *r, const struct rig_service *s)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < rows_of(s); i++)
		n += !!(read_row(r, s->rows_base + i) & LB_ROW_MARKED);
	return n;
}

int rig_run(int prog, const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes,
		    .data_size_in = (uint32_t)in->len, .data_out = out->bytes,
		    .data_size_out = sizeof(out->bytes));

	rig_must(bpf_prog_test_run_opts(prog, &opts), "test run");
	out->len = opts.data_size_out;
	return (int)opts.retval;
}

int rig_xdp(struct rig *r, const struct frame *in, struct frame *out)
{
	return rig_run(bpf_program__fd(r->xdp->progs.xdp_lb), in, out);
}

int rig_tc(struct rig *r, const struct frame *in, struct frame *out)
{
	return rig_run(bpf_program__fd(r->tc->progs.tc_reply), in, out);
}
