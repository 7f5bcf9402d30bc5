// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* An archive in POSIX's ustar format, as text under construction. Pure. */
#pragma once

#include "base/strbuf.h"

#define TAR_NAME_MAX 99

/*
 * Adds a regular file of mode 0600, owned by root, with no time: the same files are the same
 * archive. The name is relative and at most TAR_NAME_MAX octets long.
 */
void tar_add(struct strbuf *tar, const char *name, const char *data, size_t len);
/* Ends the archive. */
void tar_end(struct strbuf *tar);
