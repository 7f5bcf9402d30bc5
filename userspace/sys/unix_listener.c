// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The socket is made under a temporary name, given its owner and mode before it listens, and
 * renamed into place: nobody ever meets it with wider rights, and there is no moment without a
 * socket when an agent is replaced. A group that cannot be given its rights costs the group alone:
 * root is served all the same.
 */
#include "sys/unix_listener.h"

#include "base/limits.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FOLDER_MODE 0750
#define SOCKET_MODE 0660
#define NO_GROUP    ((gid_t)-1)
#define BACKLOG     LIMIT_CLIENTS

/* Of the system's own file; false: it is not there. */
static bool find_in_file(const char *name, gid_t *ret)
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *group = NULL;

	if (!file)
		return false;
	while ((group = fgetgrent(file)) && strcmp(group->gr_name, name) != 0)
		continue;
	if (group)
		*ret = group->gr_gid;
	(void)fclose(file);
	return group != NULL;
}

/*
 * The file is asked first, where the package enters its group: any other place costs the libraries
 * that know it, for good. The agent is one thread, so the static results are safe here.
 */
static gid_t group_id(const char *name)
{
	const struct group *group;
	gid_t id;

	if (!name)
		return NO_GROUP;
	if (find_in_file(name, &id))
		return id;
	group = getgrnam(name);
	return group ? group->gr_gid : NO_GROUP;
}

/* Gives a folder of ours its group and its mode, on which the umask has no say. */
static int put_right(int fd, const struct stat *st, gid_t group)
{
	int err = 0;

	if (group != NO_GROUP && st->st_gid != group && fchown(fd, (uid_t)-1, group) != 0)
		err = -errno;
	if ((st->st_mode & 07777) != FOLDER_MODE && fchmod(fd, FOLDER_MODE) != 0 && err == 0)
		err = -errno;
	return err;
}

static bool keeps_out(const struct stat *st, gid_t group)
{
	mode_t needed = st->st_gid == group ? S_IXGRP : S_IXOTH;

	return group != NO_GROUP && !(st->st_mode & needed);
}

/* What keeps the group out of the folder: 0 or -errno. It is changed only if it is ours. */
static int open_folder(const char *folder, gid_t group, bool is_ours)
{
	_cleanup_(fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	if (is_ours && st.st_uid == geteuid())
		return put_right(fd, &st, group);
	return keeps_out(&st, group) ? -EACCES : 0;
}

static int make_or_put_right(const char *folder, gid_t group, bool is_ours, int *ret_group_error)
{
	bool is_new = access(folder, F_OK) != 0;
	int err = is_new ? dir_make(folder, FOLDER_MODE) : 0;

	if (err == 0)
		*ret_group_error = open_folder(folder, group, is_new || is_ours);
	return err;
}

int unix_folder_make(const char *folder, const char *group)
{
	int group_error = 0;

	return make_or_put_right(folder, group_id(group), true, &group_error);
}

/*
 * Makes the socket's folder. One that is there keeps its rights, since it may be /run or /tmp,
 * unless it has no other use.
 */
static int make_folder(const struct unix_listener_args *args, gid_t group, int *ret_group_error)
{
	_cleanup_(freep) char *folder = path_folder(args->path);

	return make_or_put_right(folder, group, args->own_folder, ret_group_error);
}

static int make_address(const char *path, const char *suffix, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s%s", path, suffix);
	return n > 0 && (size_t)n < sizeof(ret->sun_path) ? 0 : -ENAMETOOLONG;
}

/* 0: the path is free, or holds a socket that nobody serves. */
static int check_path(const char *path)
{
	_cleanup_(fd_closep) int fd = -1;
	struct sockaddr_un address;
	struct stat st;
	int err = make_address(path, "", &address);

	if (err < 0)
		return err;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return -EADDRINUSE;
	return errno == ECONNREFUSED || errno == ENOENT ? 0 : -EADDRINUSE;
}

/* Without a group, or with one that cannot be set, only root may connect. */
static int set_rights(const char *path, gid_t group, int *ret_group_error)
{
	bool has_group = group != NO_GROUP;

	if (has_group && chown(path, (uid_t)-1, group) != 0) {
		*ret_group_error = -errno;
		has_group = false;
	}
	return chmod(path, has_group ? SOCKET_MODE : 0600) == 0 ? 0 : -errno;
}

static int listen_beside(int fd, const struct sockaddr_un *beside, const char *path, gid_t group,
			 int *ret_group_error)
{
	int err;

	if (unlink(beside->sun_path) != 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)beside, sizeof(*beside)) != 0)
		return -errno;
	err = set_rights(beside->sun_path, group, ret_group_error);
	if (err == 0 && listen(fd, BACKLOG) != 0)
		err = -errno;
	if (err == 0 && rename(beside->sun_path, path) != 0)
		err = -errno;
	if (err < 0)
		(void)unlink(beside->sun_path); /* the first error is the one to tell */
	return err;
}

static int open_socket(const struct unix_listener_args *args, int *ret_group_error)
{
	_cleanup_(fd_closep) int fd = -1;
	gid_t group = group_id(args->group);
	struct sockaddr_un beside;
	int err = make_address(args->path, ".new", &beside);

	if (err == 0)
		err = make_folder(args, group, ret_group_error);
	if (err == 0)
		err = check_path(args->path);
	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = listen_beside(fd, &beside, args->path, group, ret_group_error);
	return err < 0 ? err : TAKE_FD(fd);
}

int unix_listener_open(const struct unix_listener_args *args, struct unix_listener *ret)
{
	int group_error = 0;
	int fd = open_socket(args, &group_error);
	struct stat st;

	if (fd < 0)
		return fd;
	*ret = (struct unix_listener){
		.fd = fd, .path = xstrdup(args->path), .group_error = group_error};
	if (lstat(ret->path, &st) == 0) {
		ret->dev = st.st_dev;
		ret->ino = st.st_ino;
	}
	return 0;
}

void unix_listener_close(struct unix_listener *l)
{
	struct stat st;

	if (lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(l->path); /* already gone is as good */
	fd_closep(&l->fd);
	free(TAKE_PTR(l->path));
}
