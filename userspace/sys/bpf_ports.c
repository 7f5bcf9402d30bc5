// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Uses are counted in a hash table of the process; the map holds only the keys. An entry that
 * cannot be written (the map is full) costs a statistic, nothing else, so nobody is told. Keys are
 * written many in one call, for a Service may have ten thousand endpoints.
 */
#include "sys/bpf_ports.h"

#include "base/hash.h"
#include "sys/clock.h"

#include <bpf/bpf.h>
#include <linux/types.h>

#define HASH_FUNCTION(key, len, ret) (ret) = (unsigned)hash_bytes(HASH_INIT, (key), (len))
#include <uthash.h>

#include "bpf/abi.h"

#define AT_ONCE 256u

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
	struct lb_backend_port keys[AT_ONCE]; /* to be written, or deleted */
	uint32_t n_keys;
	struct lb_backend_port *ahead; /* used ahead; owned */
	size_t n_ahead, cap_ahead;
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
	free(p->ahead);
	free(p->bit_users);
	free(p);
	return NULL;
}

/* Of a target on another node, whose answers do not leave from here: zero, which is nobody's. */
static struct lb_backend_port key_of(const struct lb_target *target, uint8_t proto)
{
	struct lb_backend_port ret = {.port = __builtin_bswap16(target->port), .proto = proto};

	if (!ip_addr_is_none(&target->node))
		return (struct lb_backend_port){.port = 0};
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

/* What a call for many stops at is done one by one, and so is the rest. */
static void write_keys(struct bpf_ports *p)
{
	static const __u32 ones[AT_ONCE] = {[0 ... AT_ONCE - 1] = 1};
	__u32 done = p->n_keys;

	if (p->n_keys > 0 && bpf_map_update_batch(p->map_fd, p->keys, ones, &done, NULL) != 0)
		for (__u32 i = 0; i < p->n_keys; i++)
			(void)bpf_map_update_elem(p->map_fd, &p->keys[i], ones, BPF_ANY);
	p->n_keys = 0;
}

static void delete_keys(struct bpf_ports *p)
{
	__u32 done = p->n_keys;

	if (p->n_keys > 0 && bpf_map_delete_batch(p->map_fd, p->keys, &done, NULL) != 0)
		for (__u32 i = 0; i < p->n_keys; i++)
			(void)bpf_map_delete_elem(p->map_fd, &p->keys[i]);
	p->n_keys = 0;
}

/* To be written, or deleted, by one of these. */
static void add_key(struct bpf_ports *p, const struct lb_backend_port *key,
		    void (*flush)(struct bpf_ports *p))
{
	p->keys[p->n_keys++] = *key;
	if (p->n_keys == AT_ONCE)
		flush(p);
}

static void use(struct bpf_ports *p, const struct lb_backend_port *key)
{
	struct port *port = find(p, key);
	uint32_t bit = lb_backend_bit(key->addr, key->port, key->proto);

	if (key->proto == 0)
		return;
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
	add_key(p, key, write_keys);
}

static void leave(struct bpf_ports *p, const struct lb_backend_port *key)
{
	struct port *port = find(p, key);
	uint32_t bit = lb_backend_bit(key->addr, key->port, key->proto);

	if (!port || --port->uses > 0)
		return;
	if (--p->bit_users[bit] == 0)
		set_bit(p, bit, false);
	add_key(p, key, delete_keys);
	HASH_DEL(p->ports, port);
	free(port);
}

static bool is_ahead_of(const struct bpf_ports *p, const struct lb_frontend *f)
{
	if (p->n_ahead > f->n_targets)
		return false;
	for (size_t i = 0; i < p->n_ahead; i++) {
		const struct lb_backend_port key = key_of(&f->targets[i], f->key.proto);

		if (memcmp(&key, &p->ahead[i], sizeof(key)) != 0)
			return false;
	}
	return true;
}

bool bpf_ports_use_ahead(struct bpf_ports *p, const struct lb_frontend *f, nsec_t until)
{
	if (!is_ahead_of(p, f))
		bpf_ports_leave_ahead(p);
	while (p->n_ahead < f->n_targets) {
		const struct lb_backend_port key = key_of(&f->targets[p->n_ahead], f->key.proto);

		*(struct lb_backend_port *)xpush(&p->ahead, &p->n_ahead, &p->cap_ahead,
						 sizeof(key)) = key;
		use(p, &key);
		if (p->n_ahead % AT_ONCE == 0 && clock_now() >= until)
			break;
	}
	write_keys(p);
	return p->n_ahead == f->n_targets;
}

void bpf_ports_leave_ahead(struct bpf_ports *p)
{
	for (size_t i = 0; i < p->n_ahead; i++)
		leave(p, &p->ahead[i]);
	delete_keys(p);
	p->n_ahead = 0;
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
	write_keys(p);
	for (size_t i = 0; before && i < before->n_targets; i++) {
		key = key_of(&before->targets[i], before->key.proto);
		leave(p, &key);
	}
	delete_keys(p);
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
