// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The lock file lies below /run/lodestone, not in the pin directory, because bpffs holds nothing
 * but BPF objects; its name is the pin directory's path with its slashes replaced.
 */
#include "agent/cleanup.h"

#include "base/arena.h"
#include "sys/bpf_dataplane.h"
#include "sys/files.h"

#include <errno.h>
#include <limits.h>

#define LOCK_DIR "/run/lodestone"

int agent_lock(const char *pin, int *ret_fd)
{
	const char *name = pin + (pin[0] == '/');
	size_t len = strlen(name);
	char path[PATH_MAX];
	int r = dir_make(LOCK_DIR, 0750);

	while (len > 1 && name[len - 1] == '/') /* "dir/" is no other folder than "dir" */
		len--;
	if ((size_t)snprintf(path, sizeof(path), LOCK_DIR "/%.*s.lock", (int)len, name) >=
	    sizeof(path))
		r = -ENAMETOOLONG;
	for (char *c = path + strlen(LOCK_DIR "/"); r == 0 && *c; c++)
		if (*c == '/')
			*c = '-';
	if (r == 0)
		r = lock_take(path, ret_fd);
	if (r == -EWOULDBLOCK)
		fprintf(stderr,
			"lodestoned: another agent runs with pin directory %s (lock %s); stop it, or use "
			"another --pin\n",
			pin, path);
	else if (r < 0)
		fprintf(stderr, "lodestoned: cannot take the lock %s: %s\n", path, strerror(-r));
	return r;
}

int cleanup_run(const struct options *options)
{
	int lock = -1;
	int r = agent_lock(options->pin, &lock);

	if (r < 0)
		return EXIT_FAILURE;
	r = bpf_dataplane_cleanup(options->pin);
	if (r < 0)
		fprintf(stderr, "lodestoned: cannot clean up %s: %s\n", options->pin, strerror(-r));
	close(lock);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
