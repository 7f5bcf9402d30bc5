// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A packet for a data plane under test, and what it may have left in the maps. */
#pragma once

#include "bpf_under_test.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/tcp.h>

/* A TCP packet from a client through xdp_lb; the verdict. */
static inline uint32_t send_packet(const struct under_test *u, uint32_t i, uint16_t port, bool syn)
{
	struct {
		struct ethhdr eth;
		struct iphdr ip;
		struct tcphdr tcp;
		uint8_t payload[6];
	} __attribute__((packed)) frame = {.eth.h_proto = htons(ETH_P_IP)};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	int fd = pinned(u, "progs/xdp_lb");

	frame.ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP};
	frame.ip.tot_len = htons(sizeof(frame) - sizeof(frame.eth));
	frame.ip.saddr = htonl(0xcb007107);
	frame.ip.daddr = htonl(VIP + i);
	frame.tcp = (struct tcphdr){.doff = 5, .syn = syn, .ack = !syn};
	frame.tcp.source = htons(40000);
	frame.tcp.dest = htons(port);
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	close(fd);
	return opts.retval;
}

/* All values of an array, in one call where one for each takes a second; how many, and the caller's
 * to free. */
static inline void *read_array(int fd, __u32 *ret_n)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info), next, *keys;
	void *ret;

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	*ret_n = info.max_entries;
	keys = xcalloc(*ret_n, sizeof(*keys));
	ret = xcalloc(*ret_n, info.value_size);
	assert_int_equal(bpf_map_lookup_batch(fd, NULL, &next, keys, ret, ret_n, NULL), 0);
	assert_int_equal(*ret_n, info.max_entries);
	free(keys);
	return ret;
}

/* Inner maps of an outer one. */
static inline size_t n_inner(const struct under_test *u, const char *map)
{
	int fd = pinned(u, map);
	size_t n = 0;
	__u32 id;

	for (__u32 at = 0; bpf_map_lookup_elem(fd, &at, &id) == 0; at++)
		n++;
	close(fd);
	return n;
}

static inline struct lb_config config_of(const struct under_test *u)
{
	struct lb_config config;
	int fd = pinned(u, "maps/config");
	__u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &config), 0);
	close(fd);
	return config;
}
