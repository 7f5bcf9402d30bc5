// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Copies of fds, which outlive the object; see the header. */
#include "sys/bpf_kept.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bpf_kept_fd {
	char *name; /* owned */
	int fd;     /* owned */
};

static int dup_fd(int fd)
{
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

int bpf_kept_take(const struct bpf_object *obj, struct bpf_kept *ret)
{
	const struct bpf_program *sums = bpf_object__find_program_by_name(obj, "xdp_sums");
	const struct bpf_map *map;
	size_t cap = 0;

	*ret = (struct bpf_kept){.btf_fd = dup_fd(bpf_object__btf_fd(obj)),
				 .sums_fd = sums ? dup_fd(bpf_program__fd(sums)) : -1};
	bpf_object__for_each_map(map, obj)
	{
		struct bpf_kept_fd *kept;

		if (bpf_map__is_internal(map))
			continue;
		kept = xpush(&ret->maps, &ret->n, &cap, sizeof(*kept));
		*kept = (struct bpf_kept_fd){.name = xstrdup(bpf_map__name(map)),
					     .fd = dup_fd(bpf_map__fd(map))};
		if (kept->fd < 0)
			return kept->fd;
	}
	return 0;
}

void bpf_kept_let_go(struct bpf_kept *k)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->maps[i].fd >= 0)
			close(k->maps[i].fd);
		free(k->maps[i].name);
	}
	free(k->maps);
	if (k->btf_fd >= 0)
		close(k->btf_fd);
	if (k->sums_fd >= 0)
		close(k->sums_fd);
	*k = (struct bpf_kept){.btf_fd = -1, .sums_fd = -1};
}

int bpf_kept_map(const struct bpf_kept *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->maps[i].name, name) == 0)
			return k->maps[i].fd;
	return -1;
}
