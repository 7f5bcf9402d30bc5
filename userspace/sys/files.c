// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Whole files. Reading opens with O_NONBLOCK, so that a fifo left in a configuration folder cannot
 * hang the agent, and refuses what is not a regular file. Writing follows the only order that
 * survives a power cut: write beside, fsync the file, rename, fsync the folder. A failed write
 * takes its temporary file with it. Locks are flock(2) locks: they belong to the open file, so they
 * end with the process however it ends.
 */
#include "sys/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>

void fd_closep(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd); /* nothing was written that close could still lose */
	errno = saved;
}

static int check_regular(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/* Reads to the end; the size of the file is not trusted, /proc says 0 and others may grow. */
static int read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_(freep) char *data = NULL;
	size_t len = 0, cap = 0;

	for (;;) {
		if (len == cap) {
			cap = cap ? 2 * cap : 4096;
			data = xrealloc(data, cap + 1, 1);
		}
		ssize_t got = read(fd, data + len, cap - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
		if (len > max)
			return -EFBIG;
	}
	data[len] = '\0';
	*ret_len = len;
	*ret = TAKE_PTR(data);
	return 0;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	err = check_regular(fd);
	return err < 0 ? err : read_all(fd, max, ret, ret_len);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

/* fchmod and not only open's mode: the umask and a left-over file must not decide. */
static int open_beside(const char *path, mode_t mode)
{
	_cleanup_(fd_closep) int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0 || fchmod(fd, mode) != 0)
		return -errno;
	return TAKE_FD(fd);
}

static int write_beside(const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_(fd_closep) int fd = open_beside(path, mode);
	int err;

	if (fd < 0)
		return fd;
	err = write_all(fd, data, len);
	if (err < 0)
		return err;
	return fsync(fd) == 0 ? 0 : -errno;
}

char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (!slash)
		return xstrdup(".");
	folder = xstrdup(path);
	folder[slash == path ? 1 : slash - path] = '\0';
	return folder;
}

static int sync_folder(const char *path)
{
	_cleanup_(freep) char *folder = path_folder(path);
	_cleanup_(fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fsync(fd) == 0 ? 0 : -errno;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
{
	char beside[PATH_MAX];
	int n = snprintf(beside, sizeof(beside), "%s.tmp", path);
	int err;

	if (n < 0 || (size_t)n >= sizeof(beside))
		return -ENAMETOOLONG;
	err = write_beside(beside, data, len, mode);
	if (err == 0 && rename(beside, path) != 0)
		err = -errno;
	if (err < 0) {
		(void)unlink(beside); /* may not exist; the first error is the one to tell */
		return err;
	}
	return sync_folder(path);
}

/* --- drafts ----------------------------------------------------------------------------------- */

static char *beside(const char *path)
{
	size_t len = strlen(path) + sizeof(".tmp");
	char *ret = xmalloc(len);

	(void)snprintf(ret, len, "%s.tmp", path);
	return ret;
}

int file_draft_begin(struct file_draft *d, const char *path, mode_t mode)
{
	_cleanup_(freep) char *temporary = beside(path);
	int fd = open_beside(temporary, mode);

	if (fd < 0)
		return fd;
	*d = (struct file_draft){.path = xstrdup(path), .fd = fd};
	return 0;
}

int file_draft_add(struct file_draft *d, const void *data, size_t len)
{
	return write_all(d->fd, data, len);
}

int file_draft_commit(struct file_draft *d)
{
	_cleanup_(freep) char *temporary = beside(d->path);
	int err = close(d->fd) == 0 ? 0 : -errno;

	d->fd = -1;
	if (err == 0 && rename(temporary, d->path) != 0)
		err = -errno;
	if (err < 0)
		(void)unlink(temporary); /* the first error is the one to tell */
	free(TAKE_PTR(d->path));
	return err;
}

void file_draft_discard(struct file_draft *d)
{
	if (!d->path)
		return;
	_cleanup_(freep) char *temporary = beside(d->path);

	fd_closep(&d->fd);
	d->fd = -1;
	(void)unlink(temporary); /* nothing to do about it */
	free(TAKE_PTR(d->path));
}

/* --- folders and locks ------------------------------------------------------------------------ */

static int make_one(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st) != 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int dir_make(const char *path, mode_t mode)
{
	_cleanup_(freep) char *copy = xstrdup(path);

	for (char *at = copy; *at != '\0'; at++) {
		if (*at != '/' || at == copy)
			continue;
		*at = '\0';
		int err = make_one(copy, mode);
		if (err < 0)
			return err;
		*at = '/';
	}
	return make_one(copy, mode);
}

static int open_lock(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOTDIR || errno == ENOENT))
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

int lock_take(const char *path, int *ret_fd)
{
	_cleanup_(fd_closep) int fd = open_lock(path);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
