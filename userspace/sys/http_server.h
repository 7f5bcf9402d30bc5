// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A small HTTP server (libevent's evhttp, on our loop) with bounds: so many connections of all its
 * ports together (further ones wait in the backlog), so long for a client to send or read
 * something, 4 KiB of headers, 1 KiB of body. What is answered is the handler's.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"
#include "base/nsec.h"

#include <stdbool.h>

struct evhttp_request;
struct http_port;
struct http_server;
struct loop;

/* Answers by evhttp_send_reply(), at once or later; `port` is the one that the client came to. */
typedef void (*http_handler)(void *ctx, struct evhttp_request *r, uint16_t port);

struct http_server_args {
	struct loop *loop; /* borrowed, outlives the server */
	const char *what;  /* that a turn is at; static */
	size_t max_clients;
	nsec_t client; /* for a client to send or read something; whole seconds */
	int methods;   /* that are let through, enum evhttp_cmd_type */
	http_handler handler;
	void *ctx;
};

/* A new one that listens nowhere; the caller owns it. */
struct http_server *http_server_new(const struct http_server_args *args);
/* Closes all ports and connections. Freeing NULL does nothing. */
struct http_server *http_server_free(struct http_server *s);

struct http_address {
	struct ip_addr addr; /* none: all addresses of both families */
	uint16_t port;
};

/* Listens; the server's own, for http_server_close(). 0 or -errno. */
int http_server_listen(struct http_server *s, const struct http_address *at,
		       struct http_port **ret) must_check;
/* Connections that came by it live on. NULL is fine. */
void http_server_close(struct http_server *s, struct http_port *p);

/* To be called from the loop's step; returns when to call again. */
nsec_t http_server_tick(struct http_server *s, nsec_t now);
