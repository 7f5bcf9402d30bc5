// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The lock file lies below /run/lodestone, not in the pin directory, because bpffs holds nothing
 * but BPF objects; its name is the pin directory's path with its slashes replaced. It stays when an
 * agent ends and goes with --cleanup. The folder is the control socket's by default, so it has the
 * group that may read from the beginning (unix_listener.h).
 */
#include "agent/cleanup.h"

#include "agent/blackholes.h"
#include "agent/receiving.h"
#include "agent/tunnel_hops.h"
#include "agent/vrfs.h"
#include "sys/bpf_dataplane.h"
#include "sys/files.h"
#include "sys/unix_listener.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define LOCK_DIR LODESTONE_RUN

/* The lock file's path; false if it does not fit. */
static bool lock_path(const char *pin, char path[PATH_MAX])
{
	const char *name = pin + (pin[0] == '/');
	size_t len = strlen(name);

	while (len > 1 && name[len - 1] == '/') /* "dir/" is no other folder than "dir" */
		len--;
	if ((size_t)snprintf(path, PATH_MAX, LOCK_DIR "/%.*s.lock", (int)len, name) >= PATH_MAX)
		return false;
	for (char *c = path + strlen(LOCK_DIR "/"); *c; c++)
		if (*c == '/')
			*c = '-';
	return true;
}

/* The file at the path is the one that is locked, not one that a cleanup has removed meanwhile. */
static bool is_current(const char *path, int fd)
{
	struct stat by_path, by_fd;

	return stat(path, &by_path) == 0 && fstat(fd, &by_fd) == 0 &&
	       by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino;
}

static int lock_current(const char *path, int *ret_fd)
{
	for (;;) {
		int r = unix_folder_make(LOCK_DIR, LODESTONE_GROUP);

		if (r == 0)
			r = lock_take(path, ret_fd);
		if (r < 0 || is_current(path, *ret_fd))
			return r;
		close(TAKE_FD(*ret_fd));
	}
}

int agent_lock(const char *pin, int *ret_fd)
{
	char path[PATH_MAX] = "";
	int r = lock_path(pin, path) ? lock_current(path, ret_fd) : -ENAMETOOLONG;

	if (r == -EWOULDBLOCK)
		fprintf(stderr,
			"lodestoned: another agent runs with pin directory %s (lock %s); stop it, or use "
			"another --pin\n",
			pin, path);
	else if (r < 0)
		fprintf(stderr, "lodestoned: cannot take the lock %s: %s\n", path, strerror(-r));
	return r;
}

bool agent_is_there(const char *pin)
{
	char path[PATH_MAX];
	int fd, r;

	if (!lock_path(pin, path) || access(path, F_OK) != 0)
		return false;
	r = lock_take(path, &fd);
	if (r == 0)
		close(fd);
	return r == -EWOULDBLOCK;
}

/* Removes the lock's file while it is held: whoever waits for it finds it gone and makes a new one.
 */
static void remove_lock(const char *pin)
{
	char path[PATH_MAX];

	if (lock_path(pin, path))
		(void)unlink(path);
	(void)rmdir(LOCK_DIR); /* stays if there are other locks, or the control socket */
}

/* True: nothing of it is left. */
static bool remove_all(const char *pin)
{
	const int received = receiving_cleanup();
	const int rules = blackholes_cleanup();
	const int vrfs = vrfs_cleanup();
	const int hops = tunnel_hops_cleanup();
	const int routes = received < 0 ? received : rules < 0 ? rules : vrfs < 0 ? vrfs : hops;
	const int programs = bpf_dataplane_cleanup(pin);

	if (routes < 0)
		fprintf(stderr,
			"lodestoned: cannot take away routes, rules, VRFs and neighbours: %s\n",
			strerror(-routes));
	if (programs < 0)
		fprintf(stderr, "lodestoned: cannot clean up %s: %s\n", pin, strerror(-programs));
	return routes == 0 && programs == 0;
}

int cleanup_run(const struct options *options)
{
	int lock = -1;
	bool done;

	if (agent_lock(options->pin, &lock) < 0)
		return EXIT_FAILURE;
	done = remove_all(options->pin);
	if (done)
		remove_lock(options->pin);
	close(lock);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
