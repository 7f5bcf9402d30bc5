// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The status page over HTTP: its files as they are, a stream of events (GET /events,
 * text/event-stream) to PAGE_WATCHERS at most, and a picture (GET /graph.svg). Nothing can be
 * changed by it, and nothing but it is served: GET alone, no body, and a Host that is an address or
 * "localhost", since a page of somebody else's whose name was pointed here could read it otherwise.
 *
 * Who reads slowly misses events and is closed after PAGE_CLIENT_NS without any progress. A port
 * that somebody else has is tried again every HTTP_RETRY_NS.
 */
#pragma once

#include "sys/http_wish.h"

#include <stddef.h>

#define PAGE_CLIENTS   16 /* connections */
#define PAGE_WATCHERS  4
#define PAGE_CLIENT_NS (5 * NSEC_PER_SEC)
#define PAGE_PENDING   (256u << 10) /* octets that a watcher may have unread when it is told more */

struct loop;
struct page_server;

/* All static. */
struct page_file {
	const char *path, *type;
	const char *data, *end;
};

/* A new one that answers nowhere; the caller owns it. Loop and files are borrowed and outlive it.
 */
struct page_server *page_server_new(struct loop *loop, const struct page_file *files, size_t n);
/* Closes all sockets and connections. Freeing NULL does nothing. */
struct page_server *page_server_free(struct page_server *s);

/*
 * Where it answers from now on; NULL: nowhere. Nothing happens if it does already; else who watches
 * is closed.
 */
void page_server_listen(struct page_server *s, const struct http_address *at, nsec_t now);
/* -errno, why nobody is answered there (-EADDRINUSE: somebody else has it); 0: nothing. */
int page_server_error(const struct page_server *s);

/* So many wait for events. */
size_t page_server_watchers(const struct page_server *s);
/* The same to all of them: one line of text. */
void page_server_tell(struct page_server *s, const char *data, size_t len);
/* The picture from now on, given away (free); NULL: there is none. */
void page_server_draw(struct page_server *s, char *svg, size_t len);

/* To be called from the loop's step; returns when to call again. */
nsec_t page_server_tick(struct page_server *s, nsec_t now);
