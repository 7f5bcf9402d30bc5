// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "tests/fuzz/bpf_host/bpf_host.h"

#include <assert.h>
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAPS_MOST 64
#define HASH_MOST 64u   /* entries, which are looked for one after the other */
#define ROOM      1026u /* before the packet, and behind it */
#define HZ        250u

struct map {
	const void *is;
	unsigned type, key_size, value_size, n;
	unsigned n_used; /* of a hash or a trie */
	uint8_t *keys, *values;
};

static struct map maps[MAPS_MOST];
static unsigned n_maps;

static struct map *find(const void *is)
{
	for (unsigned i = 0; i < n_maps; i++)
		if (maps[i].is == is)
			return &maps[i];
	abort();
}

static int has_keys(const struct map *m)
{
	return m->type == HOST_HASH || m->type == HOST_LPM_TRIE;
}

void host_add(const void *is, unsigned type, unsigned key_size, unsigned value_size, unsigned n)
{
	struct map *m = &maps[n_maps++];

	assert(n_maps <= MAPS_MOST);
	*m = (struct map){.is = is, .type = type, .key_size = key_size, .value_size = value_size};
	m->n = has_keys(m) ? HASH_MOST : n;
	m->values = calloc(m->n, value_size);
	m->keys = calloc(m->n, key_size);
	assert(m->values && m->keys);
}

void host_clear(const void *is)
{
	struct map *m = find(is);

	memset(m->values, 0, (size_t)m->n * m->value_size);
	m->n_used = 0;
}

/* Of a trie the key begins with its length in bits. */
static int is_key(const struct map *m, const uint8_t *have, const uint8_t *want)
{
	uint32_t bits;

	if (m->type == HOST_HASH)
		return memcmp(have, want, m->key_size) == 0;
	memcpy(&bits, have, sizeof(bits));
	have += sizeof(bits);
	want += sizeof(bits);
	if (memcmp(have, want, bits / 8) != 0)
		return 0;
	return bits % 8 == 0 || !((have[bits / 8] ^ want[bits / 8]) >> (8 - bits % 8));
}

void *host_lookup(const void *is, const void *key)
{
	const struct map *m = find(is);
	uint32_t i = 0;
	void *inner;

	if (!has_keys(m)) {
		memcpy(&i, key, sizeof(i));
	} else {
		while (i < m->n_used && !is_key(m, &m->keys[i * m->key_size], key))
			i++;
		if (i == m->n_used)
			return NULL;
	}
	if (i >= m->n)
		return NULL;
	if (m->type != HOST_ARRAY_OF_MAPS)
		return &m->values[(size_t)i * m->value_size];
	memcpy(&inner, &m->values[(size_t)i * m->value_size], sizeof(inner));
	return inner;
}

void host_put(const void *is, const void *key, const void *value)
{
	struct map *m = find(is);
	uint32_t i;

	if (has_keys(m)) {
		i = m->n_used++;
		assert(i < m->n);
		memcpy(&m->keys[i * m->key_size], key, m->key_size);
	} else {
		memcpy(&i, key, sizeof(i));
		assert(i < m->n);
	}
	memcpy(&m->values[(size_t)i * m->value_size], value, m->value_size);
}

/* --- the packet ------------------------------------------------------------------------------- */

static uint8_t *room;                  /* ROOM, packet, ROOM */
static unsigned head, linear_end, end; /* in it */
static unsigned tail_called;           /* place and 1 */
static uint64_t now = 1000000;

#define ROOM_ALL (2 * ROOM + HOST_PACKET_MOST)

static void show_first_buffer(void)
{
	__asan_poison_memory_region(room, ROOM_ALL);
	__asan_unpoison_memory_region(room + head, linear_end - head);
}

static void show_all(void)
{
	__asan_unpoison_memory_region(room, ROOM_ALL);
}

static void say(unsigned *data, unsigned *data_end)
{
	*data = (unsigned)(uintptr_t)(room + head);
	*data_end = (unsigned)(uintptr_t)(room + linear_end);
}

void host_begin(const unsigned char *bytes, unsigned len, unsigned linear, unsigned *ret_data,
		unsigned *ret_data_end)
{
	if (!room) {
		room = mmap(NULL, ROOM_ALL, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		assert(room != MAP_FAILED);
	}
	assert(len <= HOST_PACKET_MOST && linear <= len);
	show_all();
	memset(room, 0xa5, ROOM_ALL);
	memcpy(room + ROOM, bytes, len);
	head = ROOM;
	linear_end = ROOM + linear;
	end = ROOM + len;
	tail_called = 0;
	show_first_buffer();
	say(ret_data, ret_data_end);
}

const unsigned char *host_end(unsigned *ret_len)
{
	show_all();
	*ret_len = end - head;
	return room + head;
}

unsigned long long host_len(void)
{
	return end - head;
}

int host_load(unsigned off, void *to, unsigned len)
{
	if (off > end - head || len > end - head - off)
		return -1;
	show_all();
	memcpy(to, room + head + off, len);
	show_first_buffer();
	return 0;
}

int host_store(unsigned off, const void *from, unsigned len)
{
	if (off > end - head || len > end - head - off)
		return -1;
	show_all();
	memcpy(room + head + off, from, len);
	show_first_buffer();
	return 0;
}

int host_pull(unsigned len, unsigned *data, unsigned *data_end)
{
	if (len > end - head)
		return -1;
	if (linear_end < head + len)
		linear_end = head + len;
	show_first_buffer();
	say(data, data_end);
	return 0;
}

int host_adjust_head(int by, unsigned *data, unsigned *data_end)
{
	int to = (int)head + by;

	if (to < 0 || to + 14 > (int)linear_end)
		return -1;
	head = (unsigned)to;
	show_first_buffer();
	say(data, data_end);
	return 0;
}

/* The kernel's own rules for frames of several buffers are of no use to a test. */
int host_adjust_tail(int by, unsigned *data, unsigned *data_end)
{
	int to = (int)end + by;

	if (to < (int)head + 14 || to > (int)(ROOM + HOST_PACKET_MOST) ||
	    (by > 0 && linear_end != end))
		return -1;
	show_all();
	if (by > 0)
		memset(room + end, 0, (unsigned)by);
	if (linear_end == end || to < (int)linear_end)
		linear_end = (unsigned)to;
	end = (unsigned)to;
	show_first_buffer();
	say(data, data_end);
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

void host_tail_call(unsigned place)
{
	tail_called = place + 1;
}

unsigned host_was_tail_called(void)
{
	unsigned was = tail_called;

	tail_called = 0;
	return was;
}

long host_loop(unsigned n, long (*step)(unsigned, void *), void *ctx, unsigned long long flags)
{
	unsigned i = 0;

	assert(flags == 0);
	while (i < n)
		if (step(i++, ctx))
			break;
	return i;
}

unsigned long long host_jiffies(void)
{
	return now;
}

unsigned long long host_ns(void)
{
	return now * (1000000000u / HZ);
}

void host_pass_time(unsigned jiffies)
{
	now += jiffies;
}

void host_set_constant(const volatile void *constant, const void *to, unsigned len)
{
	uintptr_t at = (uintptr_t)constant, page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = at & ~(page - 1);

	assert(mprotect((void *)from, at + len - from, PROT_READ | PROT_WRITE) == 0);
	memcpy((void *)at, to, len);
}
