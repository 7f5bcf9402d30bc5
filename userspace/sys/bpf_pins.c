// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Files on a bpffs. Names are collected before anything is removed, because a folder that changes
 * while it is read may skip entries.
 */
#include "sys/bpf_pins.h"

#include "sys/files.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define BPFFS "/sys/fs/bpf"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int bpf_pins_prepare(const char *pin_dir)
{
	static const char *const folders[] = {BPF_PINS_PROGS, BPF_PINS_LINKS, BPF_PINS_CHUNKS};
	size_t len = strlen(BPFFS);
	char path[BPF_PINS_PATH];
	int error;

	if (strncmp(pin_dir, BPFFS, len) == 0 && (pin_dir[len] == '/' || pin_dir[len] == '\0') &&
	    !is_bpffs(BPFFS) && mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return -errno;
	error = dir_make(pin_dir, 0700);
	if (error == 0 && !is_bpffs(pin_dir)) {
		(void)rmdir(pin_dir); /* only if it is empty; then we have just made it */
		return -EMEDIUMTYPE;
	}
	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(folders); i++)
		error = bpf_pins_folder(path, pin_dir, folders[i]);
	return error;
}

int bpf_pins_path(char path[BPF_PINS_PATH], const char *pin_dir, const char *folder,
		  const char *name)
{
	int len = snprintf(path, BPF_PINS_PATH, "%s/%s%s%s", pin_dir, folder, name ? "/" : "",
			   name ? name : "");

	return len < BPF_PINS_PATH ? 0 : -ENAMETOOLONG;
}

int bpf_pins_folder(char path[BPF_PINS_PATH], const char *pin_dir, const char *folder)
{
	const int error = bpf_pins_path(path, pin_dir, folder, NULL);

	return error ? error : dir_make(path, 0700);
}

int bpf_pins_beside(char ret[BPF_PINS_PATH], const char *path)
{
	int len = snprintf(ret, BPF_PINS_PATH, "%s" BPF_PINS_BESIDE, path);

	return len < BPF_PINS_PATH ? 0 : -ENAMETOOLONG;
}

int bpf_pins_put(int fd, const char *path)
{
	char beside[BPF_PINS_PATH];
	int error = bpf_pins_beside(beside, path);

	if (error == 0 && unlink(beside) != 0 && errno != ENOENT)
		error = -errno;
	if (error == 0)
		error = bpf_obj_pin(fd, beside);
	if (error == 0 && rename(beside, path) != 0)
		error = -errno;
	return error;
}

struct names {
	char **items;
	size_t n, cap;
};

static int read_names(const char *path, struct names *ret)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			*(char **)xpush(&ret->items, &ret->n, &ret->cap, sizeof(char *)) =
				xstrdup(entry->d_name);
	closedir(dir);
	return 0;
}

int bpf_pins_each(const char *path, bpf_pins_cb cb, void *ctx)
{
	struct names names = {.n = 0};
	int error = read_names(path, &names);

	for (size_t i = 0; i < names.n; i++) {
		cb(ctx, names.items[i]);
		free(names.items[i]);
	}
	free(names.items);
	return error;
}

struct removal {
	const char *folder;
	int error;
};

static void remove_one(void *ctx, const char *name)
{
	struct removal *r = ctx;
	char path[BPF_PINS_PATH];
	int error = bpf_pins_path(path, r->folder, name, NULL);

	if (error == 0 && unlink(path) != 0 && errno != ENOENT)
		error = -errno;
	if (r->error == 0)
		r->error = error;
}

int bpf_pins_remove_folder(const char *path)
{
	struct removal r = {.folder = path};
	int error = bpf_pins_each(path, remove_one, &r);

	if (error == 0)
		error = r.error;
	if (error == 0 && rmdir(path) != 0 && errno != ENOENT)
		error = -errno;
	return error;
}

int bpf_pins_remove(const char *pin_dir)
{
	static const char *const folders[] = {BPF_PINS_LINKS, BPF_PINS_PROGS,  BPF_PINS_MAPS,
					      BPF_PINS_NEXT,  BPF_PINS_CHUNKS, BPF_PINS_CAPTURE,
					      BPF_PINS_FORMER};
	char path[BPF_PINS_PATH];
	int error = 0, one;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		one = bpf_pins_path(path, pin_dir, folders[i], NULL);
		if (one == 0)
			one = bpf_pins_remove_folder(path);
		error = error ? error : one;
	}
	if (error == 0 && rmdir(pin_dir) != 0 && errno != ENOENT)
		error = -errno;
	return error;
}

/* --- directories to try in -------------------------------------------------------------------- */

#define TRIED "-preflight-" /* behind it whose it is, so that two at a time have their own */

/* The descriptor of a directory that we hold now; -errno, -EWOULDBLOCK if somebody else does. */
static int hold(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd < 0 ? -errno : fd;
	(void)close(fd);
	return -EWOULDBLOCK;
}

int bpf_pins_try(const char *pin_dir, char path[BPF_PINS_PATH])
{
	const int len = snprintf(path, BPF_PINS_PATH, "%s" TRIED "%d", pin_dir, (int)getpid());
	const int error = len < BPF_PINS_PATH ? bpf_pins_prepare(path) : -ENAMETOOLONG;

	return error ? error : hold(path);
}

static void remove_tried(void *ctx, const char *name)
{
	const char *pin_dir = ctx, *base = strrchr(pin_dir, '/');
	const size_t len = base ? strlen(base + 1) : 0;
	char path[BPF_PINS_PATH];
	int fd;

	if (len == 0 || strncmp(name, base + 1, len) != 0 ||
	    strncmp(name + len, TRIED, strlen(TRIED)) != 0 ||
	    snprintf(path, sizeof(path), "%s%s", pin_dir, name + len) >= (int)sizeof(path))
		return;
	fd = hold(path);
	if (fd < 0)
		return;
	(void)bpf_pins_remove(path);
	(void)close(fd);
}

void bpf_pins_remove_tried(const char *pin_dir)
{
	_cleanup_(freep) char *parent = xstrdup(pin_dir);
	char *slash = strrchr(parent, '/');

	if (!slash || slash == parent)
		return;
	*slash = '\0';
	(void)!bpf_pins_each(parent, remove_tried,
			     (void *)(uintptr_t)pin_dir); /* or none is there */
}
