// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Loads Katran's object, fills its maps, and reads its counters.
 */
#include "tests/bench/bench_katran.h"

#include "tests/bench/bench_bed.h"

#include "bpf/rig_private.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RING       65537u /* places of a VIP in ch_rings */
#define MISSES     0u     /* places of `stats` behind those of the VIPs */
#define RATE       2u
#define RATE_ABOVE (1ull << 32)

/* Layouts of keys and values; addresses and ports in network order, IPv4 in the first word. */
struct katran_vip {
	uint32_t addr[4];
	uint16_t port;
	uint8_t proto;
	uint8_t zero;
};

struct katran_vip_meta {
	uint32_t flags;
	uint32_t number;
};

struct katran_real {
	uint32_t addr[4];
	uint8_t flags;
	uint8_t zero[3];
};

struct katran_pair {
	uint64_t first, second;
};

struct katran {
	struct bpf_object *obj;
	uint32_t connection_key, connection_value; /* sizes; libbpf forgets them when it loads */
	int connections;                           /* the table of this CPU, to be closed */
};

static struct bpf_map *map_of(const struct katran *k, const char *name)
{
	return bpf_object__find_map_by_name(k->obj, name);
}

/* 0, or -errno; -ENOENT: there is no such map. */
static int put(const struct katran *k, const char *name, const void *key, const void *value)
{
	const struct bpf_map *map = map_of(k, name);

	if (!map)
		return -ENOENT;
	return bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) == 0 ? 0 : -errno;
}

static bool is_known(struct katran *k)
{
	struct bpf_map *inner;
	const struct {
		const char *name;
		size_t key, value;
	} maps[] = {
		{"vip_map", sizeof(struct katran_vip), sizeof(struct katran_vip_meta)},
		{"reals", sizeof(uint32_t), sizeof(struct katran_real)},
		{"ch_rings", sizeof(uint32_t), sizeof(uint32_t)},
		{"stats", sizeof(uint32_t), sizeof(struct katran_pair)},
		{"ctl_array", sizeof(uint32_t), sizeof(uint64_t)},
		{"lru_mapping", sizeof(uint32_t), sizeof(uint32_t)},
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		const struct bpf_map *map = map_of(k, maps[i].name);

		if (!map || bpf_map__key_size(map) != maps[i].key ||
		    bpf_map__value_size(map) != maps[i].value)
			return false;
	}
	inner = bpf_map__inner_map(map_of(k, "lru_mapping"));
	if (!inner)
		return false;
	k->connection_key = bpf_map__key_size(inner);
	k->connection_value = bpf_map__value_size(inner);
	return true;
}

/* This CPU gets a connection table as large as it needs for the bench. */
static int add_connections(struct katran *k)
{
	uint32_t cpu = (uint32_t)sched_getcpu();

	k->connections = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "connections", k->connection_key,
					k->connection_value, KATRAN_FLOWS, NULL);
	return k->connections < 0 ? -errno : put(k, "lru_mapping", &cpu, &k->connections);
}

/* The backends' numbers begin with 1; each has every N_BACKENDS-th place of the ring. */
static int add_reals(const struct katran *k)
{
	static uint32_t places[RING], numbers[RING];
	uint32_t n = RING;
	int error = 0;

	for (uint32_t i = 0; i < N_BACKENDS && error == 0; i++) {
		struct katran_real real = {.addr = {htonl(rig_backend_addr(i))}};
		uint32_t number = 1 + i;

		error = put(k, "reals", &number, &real);
	}
	for (uint32_t i = 0; i < RING; i++) {
		places[i] = i;
		numbers[i] = 1 + i % N_BACKENDS;
	}
	if (error == 0 && bpf_map_update_batch(bpf_map__fd(map_of(k, "ch_rings")), places, numbers,
					       &n, NULL) != 0)
		error = -errno;
	return error;
}

static int fill_maps(struct katran *k)
{
	const struct katran_vip vip = {
		.addr = {htonl(VIP)}, .port = htons(SETTLED_PORT), .proto = IPPROTO_TCP};
	const struct katran_vip_meta meta = {};
	const struct katran_real source = {.addr = {htonl(0x0a000001)}};
	const uint8_t router[8] = {2, 0, 0, 0, 0, 1};
	uint32_t zero = 0;
	int error = put(k, "vip_map", &vip, &meta);

	if (error == 0)
		error = put(k, "ctl_array", &zero, router);
	if (error == 0 && map_of(k, "pckt_srcs"))
		error = put(k, "pckt_srcs", &zero, &source);
	if (error == 0)
		error = add_reals(k);
	return error == 0 ? add_connections(k) : error;
}

/* libbpf tells all about an object of others on stderr, though one line of ours is enough. */
static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Its program is called by the driver's, which is made for packets in fragments. */
static int load(struct katran *k)
{
	struct bpf_program *program = bpf_object__next_program(k->obj, NULL);

	if (!program)
		return -ENOENT;
	bpf_program__set_type(program, BPF_PROG_TYPE_XDP);
	bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
	return bpf_object__load(k->obj);
}

struct katran *katran_open(const char *path, const char **ret_why)
{
	libbpf_print_fn_t print = libbpf_set_print(say_nothing);
	struct katran *k = calloc(1, sizeof(*k));

	*ret_why = NULL;
	if (!k)
		abort();
	k->connections = -1;
	k->obj = bpf_object__open_file(path, NULL);
	if (!k->obj)
		*ret_why = strerror(errno);
	else if (!is_known(k))
		*ret_why = "its maps are not those that are known here";
	else if (load(k) != 0)
		*ret_why = "its program does not load";
	else if (fill_maps(k) != 0)
		*ret_why = "its maps cannot be filled";
	libbpf_set_print(print);
	if (*ret_why) {
		katran_close(k);
		return NULL;
	}
	return k;
}

void katran_close(struct katran *k)
{
	if (!k)
		return;
	if (k->connections >= 0)
		close(k->connections);
	bpf_object__close(k->obj);
	free(k);
}

int katran_program(const struct katran *k)
{
	return bpf_program__fd(bpf_object__next_program(k->obj, NULL));
}

/* The place of a counter that is no VIP's: they follow a place for each VIP. */
static uint32_t counter_place(const struct katran *k, uint32_t which)
{
	return bpf_map__max_entries(map_of(k, "vip_map")) + which;
}

void katran_record(const struct katran *k, bool records)
{
	uint32_t place = counter_place(k, RATE);
	int n = libbpf_num_possible_cpus();
	struct katran_pair *rate = calloc((size_t)n, sizeof(*rate));
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	for (int i = 0; rate && i < n; i++) {
		rate[i].first = records ? 0 : RATE_ABOVE;
		rate[i].second = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	}
	rig_must(put(k, "stats", &place, rate), "write Katran's rate");
	free(rate);
}

uint64_t katran_misses(const struct katran *k)
{
	uint32_t place = counter_place(k, MISSES);
	int n = libbpf_num_possible_cpus();
	struct katran_pair *pairs = calloc((size_t)n, sizeof(*pairs));
	uint64_t misses = 0;

	rig_must(bpf_map_lookup_elem(bpf_map__fd(map_of(k, "stats")), &place, pairs),
		 "read Katran's misses");
	for (int i = 0; i < n; i++)
		misses += pairs[i].second;
	free(pairs);
	return misses;
}
