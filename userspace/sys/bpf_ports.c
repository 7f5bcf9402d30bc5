// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Uses are counted in a hash table of the process; the map holds only the keys. An entry that
 * cannot be written (the map is full) costs a statistic, nothing else, so nobody is told.
 */
#include "sys/bpf_ports.h"

#include "base/hash.h"

#include <bpf/bpf.h>
#include <linux/types.h>

#define HASH_FUNCTION(key, len, ret) (ret) = (unsigned)hash_bytes(HASH_INIT, (key), (len))
#include <uthash.h>

#include "bpf/abi.h"

struct port {
	struct lb_backend_port key;
	size_t uses;
	UT_hash_handle hh;
};

struct bpf_ports {
	int map_fd;
	uint64_t *bits;      /* borrowed */
	uint32_t *bit_users; /* ports by bit; owned */
	struct port *ports;
};

struct bpf_ports *bpf_ports_new(int map_fd, uint64_t *bits)
{
	struct bpf_ports *p = xcalloc(1, sizeof(*p));

	p->map_fd = map_fd;
	p->bits = bits;
	p->bit_users = xcalloc(LB_BACKEND_WORDS * 64, sizeof(*p->bit_users));
	return p;
}

struct bpf_ports *bpf_ports_free(struct bpf_ports *p)
{
	struct port *port, *next;

	if (!p)
		return NULL;
	HASH_ITER (hh, p->ports, port, next) {
		HASH_DEL(p->ports, port);
		free(port);
	}
	free(p->bit_users);
	free(p);
	return NULL;
}

static struct lb_backend_port key_of(const struct lb_target *target, uint8_t proto)
{
	struct lb_backend_port ret = {.port = __builtin_bswap16(target->port), .proto = proto};

	memcpy(ret.addr, target->addr.b, sizeof(ret.addr));
	return ret;
}

static struct port *find(struct bpf_ports *p, const struct lb_backend_port *key)
{
	struct port *port;

	HASH_FIND(hh, p->ports, key, sizeof(*key), port);
	return port;
}

static void set_bit(const struct bpf_ports *p, uint32_t bit, bool to)
{
	uint64_t *word = &p->bits[bit / 64], mask = UINT64_C(1) << bit % 64;

	if (!!(*word & mask) != to)
		__atomic_store_n(word, *word ^ mask, __ATOMIC_RELEASE);
}

static void use(struct bpf_ports *p, const struct lb_backend_port *key)
{
	struct port *port = find(p, key);
	uint32_t bit = lb_backend_bit(key->addr, key->port, key->proto);
	__u32 one = 1;

	if (port) {
		port->uses++;
		return;
	}
	port = xcalloc(1, sizeof(*port));
	port->key = *key;
	port->uses = 1;
	HASH_ADD(hh, p->ports, key, sizeof(port->key), port);
	p->bit_users[bit]++;
	set_bit(p, bit, true);
	(void)bpf_map_update_elem(p->map_fd, key, &one, BPF_NOEXIST);
}

static void leave(struct bpf_ports *p, const struct lb_backend_port *key)
{
	struct port *port = find(p, key);
	uint32_t bit = lb_backend_bit(key->addr, key->port, key->proto);

	if (!port || --port->uses > 0)
		return;
	if (--p->bit_users[bit] == 0)
		set_bit(p, bit, false);
	(void)bpf_map_delete_elem(p->map_fd, key);
	HASH_DEL(p->ports, port);
	free(port);
}

/* What stays is used before it is left, so that it is never away in between. */
void bpf_ports_change(struct bpf_ports *p, const struct lb_actual *before,
		      const struct lb_actual *after)
{
	struct lb_backend_port key;

	for (size_t i = 0; after && i < after->n_targets; i++) {
		key = key_of(&after->targets[i], after->key.proto);
		use(p, &key);
	}
	for (size_t i = 0; before && i < before->n_targets; i++) {
		key = key_of(&before->targets[i], before->key.proto);
		leave(p, &key);
	}
}

/* The next key is asked for before the present one is deleted, else the walk would begin anew. */
void bpf_ports_prune(struct bpf_ports *p)
{
	struct lb_backend_port key, next;
	int more = bpf_map_get_next_key(p->map_fd, NULL, &next);

	for (uint32_t bit = 0; bit < LB_BACKEND_WORDS * 64; bit++)
		set_bit(p, bit, p->bit_users[bit] > 0);

	while (more == 0) {
		key = next;
		more = bpf_map_get_next_key(p->map_fd, &key, &next);
		if (!find(p, &key))
			(void)bpf_map_delete_elem(p->map_fd, &key);
	}
}
