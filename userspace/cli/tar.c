// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* IEEE Std 1003.1, pax, "ustar Interchange Format". */
#include "cli/tar.h"

#include <assert.h>

#define BLOCK 512

/* Texts end in NUL where there is room, and numbers are octal. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], typeflag,
		linkname[100], magic[6], version[2], uname[32], gname[32], devmajor[8], devminor[8],
		prefix[155], padding[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "no padding");

static void pad(struct strbuf *tar, size_t len)
{
	static const char zeros[BLOCK];

	strbuf_add_len(tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

void tar_add(struct strbuf *tar, const char *name, const char *data, size_t len)
{
	struct header h = {
		.mode = "0000600",
		.uid = "0000000",
		.gid = "0000000",
		.mtime = "00000000000",
		.chksum = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '},
		.typeflag = '0',
		.magic = "ustar",
		.version = {'0', '0'},
		.uname = "root",
		.gname = "root",
	};
	unsigned sum = 0;

	assert(strlen(name) <= TAR_NAME_MAX);
	memcpy(h.name, name, strlen(name));
	(void)snprintf(h.size, sizeof(h.size), "%011zo", len);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const unsigned char *)&h)[i];
	(void)snprintf(h.chksum, sizeof(h.chksum), "%06o", sum); /* then NUL and a blank */
	strbuf_add_len(tar, (const char *)&h, sizeof(h));
	strbuf_add_len(tar, data, len);
	pad(tar, len);
}

void tar_end(struct strbuf *tar)
{
	static const char zeros[2 * BLOCK];

	strbuf_add_len(tar, zeros, sizeof(zeros));
}
