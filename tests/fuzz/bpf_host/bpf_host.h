/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * A BPF program on the host: its maps and the helpers that it calls, for one packet at a time. No
 * other header is included here, for the program has types of its own (vmlinux.h).
 *
 * The packet lies below 4 GB, as a program's context has 32 bits for its address, and what is not
 * in its first buffer is poisoned for the address sanitizer, to the octet on either side.
 */
#pragma once

/* enum bpf_map_type, of those that are known here. */
enum host_map_type {
	HOST_HASH = 1,
	HOST_ARRAY = 2,
	HOST_PERCPU_ARRAY = 6,
	HOST_LPM_TRIE = 11,
	HOST_ARRAY_OF_MAPS = 12,
};

/* Makes a map as its declaration says, empty. Of an array of maps values are addresses of maps. */
#define HOST_ADD(map)                                                                              \
	host_add(&(map), sizeof(*(map).type) / sizeof(int), sizeof(*(map).key),                    \
		 sizeof(*(map).value), sizeof(*(map).max_entries) / sizeof(int))
#define HOST_ADD_OUTER(map)                                                                        \
	host_add(&(map), HOST_ARRAY_OF_MAPS, sizeof(int), sizeof(void *),                          \
		 sizeof(*(map).max_entries) / sizeof(int))
void host_add(const void *map, unsigned type, unsigned key_size, unsigned value_size, unsigned n);
/* The key of an array is an unsigned int. */
void host_put(const void *map, const void *key, const void *value);
/* All values are 0, hashes are empty. */
void host_clear(const void *map);
void *host_lookup(const void *map, const void *key);

/* The packet, of which the first `linear` octets are in the first buffer; MOST at most. */
#define HOST_PACKET_MOST 4096u
void host_begin(const unsigned char *bytes, unsigned len, unsigned linear, unsigned *ret_data,
		unsigned *ret_data_end);
/* All of it as it is now, until the next call that begins one. */
const unsigned char *host_end(unsigned *ret_len);

/* 0, or -1: it does not lie in the packet. */
int host_load(unsigned off, void *to, unsigned len);
int host_store(unsigned off, const void *from, unsigned len);
unsigned long long host_len(void);
int host_adjust_head(int by, unsigned *data, unsigned *data_end);
int host_adjust_tail(int by, unsigned *data, unsigned *data_end);

/* The same of a socket buffer: what is written to comes to lie in the first buffer. */
int host_pull(unsigned len, unsigned *data, unsigned *data_end);
int host_store_pulled(unsigned off, const void *from, unsigned len, unsigned *data,
		      unsigned *data_end);
/* Checksums by difference, as bpf_l3_csum_replace() and bpf_l4_csum_replace() (bpf_host_skb.c). */
int host_l3_csum_replace(unsigned off, unsigned from, unsigned to, unsigned long long flags,
			 unsigned *data, unsigned *data_end);
int host_l4_csum_replace(unsigned off, unsigned from, unsigned to, unsigned long long flags,
			 unsigned *data, unsigned *data_end);
/* The card is to finish the transport's checksum: so far it is the pseudo header's. */
void host_set_partial(int is_partial);

void host_tail_call(unsigned place);
/* The place of the program that was called, and 1; 0: none was. And none is any more. */
unsigned host_was_tail_called(void);
long host_loop(unsigned n, long (*step)(unsigned, void *), void *ctx, unsigned long long flags);
unsigned long long host_jiffies(void);
unsigned long long host_ns(void);
void host_pass_time(unsigned jiffies);
/* None, one that listens, or one that is established: by the last octet of the tuple. */
void *host_find_socket(const void *tuple, unsigned len, unsigned long long netns);

/* What routes say, and the verdict of who sends the packet there. */
long host_find_route(void *way);
long host_redirect(unsigned ifindex);

/* Writes to a constant, which the loader would set before it loads the program. */
void host_set_constant(const volatile void *constant, const void *to, unsigned len);
