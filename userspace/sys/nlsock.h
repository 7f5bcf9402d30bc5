// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A netlink socket for questions: one request, all its answers, on libmnl. For the modules of sys/
 * that read the kernel's tables; notifications have their own socket (sys/netlink.h). The kernel
 * computes answers inside the syscalls, so asking takes no longer than the work itself; a second
 * without an answer is an error all the same. Answers to a former request that timed out are
 * skipped by their sequence number.
 */
#pragma once

#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;
struct nlsock;

#define NLSOCK_REQUEST_BYTES 256

/* Opens a socket on a bus (NETLINK_ROUTE, NETLINK_NETFILTER). 0 or -errno; the caller owns *ret. */
int nlsock_open(int bus, struct nlsock **ret) must_check;
/*
 * One for the kernel's routes, rules and links, strict: dumps are filtered by what the request says
 * (Linux 4.20), and requests that the kernel does not wholly understand are refused.
 */
int nlsock_open_strict(struct nlsock **ret) must_check;
struct nlsock *nlsock_free(struct nlsock *s);
void nlsock_freep(struct nlsock **s);

/*
 * Begins a request in `buf` (NLSOCK_REQUEST_BYTES) with a zeroed family header of header_len bytes,
 * which *ret_header points to. For a dump pass NLM_F_DUMP, for a single object 0.
 */
struct nlmsghdr *nlsock_request(void *buf, uint16_t type, uint16_t flags, size_t header_len,
				void **ret_header);

/* Is called for each answer; 0 to go on, or -errno: it is not called again. */
typedef int (*nlsock_cb)(void *ctx, const struct nlmsghdr *answer);

/*
 * Sends the request and calls back for each answer. Returns 0; the kernel's or the callback's
 * -errno; -EINTR: the table changed under a dump, which must be made anew; -ETIMEDOUT; -ENOBUFS.
 */
int nlsock_ask(struct nlsock *s, struct nlmsghdr *request, nlsock_cb cb, void *ctx) must_check;

/*
 * The same in pieces: sends the request, and then reads at most so many datagrams of its answers.
 * 1: there are more; else as nlsock_ask(), and it is over. One at a time.
 */
int nlsock_begin(struct nlsock *s, struct nlmsghdr *request) must_check;
int nlsock_go_on(struct nlsock *s, nlsock_cb cb, void *ctx, size_t n_max) must_check;

/*
 * Sends changes that are to be acknowledged, one behind the other in `messages`, and sets the
 * outcome of each in errors: 0, the kernel's -errno, or why none was heard (-ENOBUFS, -ETIMEDOUT).
 * Few enough of them that all their outcomes fit into the socket's buffer: a hundred.
 */
void nlsock_change(struct nlsock *s, void *messages, size_t bytes, int *errors);

/* The socket's number on its bus. */
uint32_t nlsock_port(const struct nlsock *s);
