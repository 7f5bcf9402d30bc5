// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Connections of sessions that are over. A socket that is closed with input unread sends RST, and
 * what was under way to the peer may be lost with it, the NOTIFICATION that says why above all;
 * what the kernel had not taken yet is lost in any case. So what is left goes out first, then the
 * writing side ends (FIN), and what the peer still says is read and dropped until it ends, too.
 * Bounded in time and bytes, driven by the loop; nobody waits for it.
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOSING_NS    (2 * NSEC_PER_SEC) /* after that, close() has to do */
#define CLOSING_BYTES (64u << 20)        /* so many are read at most: more than a full table */

struct closing;
struct loop;

struct closings {
	struct loop *loop; /* borrowed */
	struct closing *first;
};

/* Takes the connected, nonblocking socket and `rest`, `len` bytes on the heap to be sent first. */
void closings_add(struct closings *all, int fd, uint8_t *rest, size_t len, nsec_t now);

/* Closes those whose time is over; returns when the next one's is. */
nsec_t closings_tick(struct closings *all, nsec_t now);

bool closings_are_done(const struct closings *all);

/* Closes all as they are. */
void closings_done(struct closings *all);
