// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How large the flow table is. A flow that loses its entry is cut, so flows come before megabytes:
 * it has room for twice as many as the kernel would track (nf_conntrack_max), 32 bytes each, and at
 * half load no entry drives out a living one. Lines lie in chunks of 1 MB, as many as a power of
 * two.
 */
#include "sys/bpf_maps.h"

#include "sys/files.h"
#include "sys/log.h"

#include <bpf/libbpf.h>
#include <errno.h>

#define FLOWS_UNKNOWN 262144u /* where nobody says how many the kernel would track */
#define CONNTRACK_MAX "/proc/sys/net/netfilter/nf_conntrack_max"

static uint32_t default_entries(void)
{
	_cleanup_(freep) char *text = NULL;
	unsigned long flows;
	size_t len;

	if (file_read(CONNTRACK_MAX, 64, &text, &len) != 0)
		return FLOWS_UNKNOWN;
	flows = strtoul(text, NULL, 10);
	return flows == 0               ? FLOWS_UNKNOWN
	       : flows > UINT32_MAX / 2 ? UINT32_MAX / 2
					: (uint32_t)flows;
}

/* Chunks for so many flows at half load. */
static uint32_t chunks_for(uint32_t flows)
{
	const uint32_t flows_a_chunk = LB_FLOW_CHUNK * LB_FLOW_WAYS / 2;
	uint32_t n = 1;

	while (n < LB_FLOW_CHUNKS_MAX && n * flows_a_chunk < flows)
		n *= 2;
	return n;
}

/* Makes n chunks and puts them at their places from `first` on. */
static int make_chunks(const struct bpf_maps *m, uint32_t first, uint32_t n)
{
	__u32 fds[BPF_INSERT_MAX];
	int outer_fd = bpf_maps_fd(m, "flows"), btf_fd = bpf_object__btf_fd(m->obj), error = 0;
	uint32_t made = 0, done = 0;

	while (error == 0 && done < n) {
		for (made = 0; error == 0 && made < BPF_INSERT_MAX && done + made < n; made++) {
			int fd = bpf_maps_create_inner(btf_fd, "flows", &m->inners.flows);

			if (fd < 0) {
				error = fd;
				break;
			}
			fds[made] = (__u32)fd;
		}
		if (error == 0)
			error = bpf_maps_insert(outer_fd, first + done, fds, made);
		for (uint32_t i = 0; i < made; i++)
			close((int)fds[i]);
		done += made;
	}
	return error;
}

static int map_chunks(struct bpf_maps *m, uint32_t first, uint32_t n, struct lb_flow_line **ret)
{
	for (uint32_t i = 0; i < n; i++) {
		int fd = bpf_maps_inner_at(m, "flows", first + i), error;

		if (fd < 0)
			return fd;
		error = bpf_maps_map(m, fd, LB_FLOW_CHUNK * sizeof(struct lb_flow_line), &ret[i]);
		close(fd);
		if (error != 0)
			return error;
	}
	return 0;
}

static int make_table(struct bpf_maps *m, uint32_t flow_entries)
{
	struct lb_config *config = m->images.config;
	uint32_t flows = flow_entries ? flow_entries : default_entries(), n = chunks_for(flows);
	int error = make_chunks(m, 0, n);

	if (error != 0)
		return error;
	config->flow_entries = flows;
	__atomic_store_n(&config->flows, n, __ATOMIC_RELEASE);
	return 0;
}

int bpf_flows_open(struct bpf_maps *m, struct lb_tables *t, uint32_t flow_entries)
{
	struct lb_config *config = m->images.config;
	bool is_new = config->flows == 0;
	_cleanup_(freep) struct lb_flow_line **chunks = NULL;
	int error = is_new ? make_table(m, flow_entries) : 0;
	uint32_t n = (uint32_t)(config->flows & LB_FLOWS_COUNT_MASK);

	if (error != 0)
		return error;
	if (n == 0 || n > LB_FLOW_CHUNKS_MAX || (n & (n - 1)) != 0)
		return -EUCLEAN;
	chunks = xcalloc(n, sizeof(struct lb_flow_line *));
	error = map_chunks(m, (uint32_t)(config->flows >> LB_FLOWS_FIRST_SHIFT), n, chunks);
	if (error != 0)
		return error;
	lb_tables_set_flows(t, chunks, n);
	log_info("bpf: flow table", "adopted=%s flows=%u kib=%u", is_new ? "no" : "yes",
		 config->flow_entries, n * 1024);
	return 0;
}

uint32_t bpf_flows_entries(const struct bpf_maps *m)
{
	return m->images.config->flow_entries;
}
