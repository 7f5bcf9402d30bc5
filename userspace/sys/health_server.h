// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Answers health-check node ports by HTTP (libevent's evhttp, on our loop): one listening socket a
 * port on all addresses of both families, as kube-proxy's. Any method and path get the answer of
 * plan/plan_health.h. Bounds: HEALTH_CLIENTS connections of all ports together (further ones wait
 * in the backlog), HEALTH_CLIENT_NS for a client to send or read something, 4 KiB of headers.
 *
 * A port that somebody else has (kube-proxy, as a rule) is tried again every HTTP_RETRY_NS.
 */
#pragma once

#include "plan/plan_health.h"
#include "sys/http_wish.h"

#define HEALTH_CLIENTS   64
#define HEALTH_CLIENT_NS (5 * NSEC_PER_SEC)

struct loop;
struct health_server;

/* A new one that answers nowhere; the caller owns it. The loop is borrowed and outlives it. */
struct health_server *health_server_new(struct loop *loop);
/* Closes all sockets and connections. Freeing NULL does nothing. */
struct health_server *health_server_free(struct health_server *s);

/*
 * From now on these are answered for, sorted by port without doubles; copied. A port that was
 * answered on before is not closed in between.
 */
void health_server_set(struct health_server *s, const struct plan_health *items, size_t n,
		       nsec_t now);

/* To be called from the loop's step; returns when to call again. */
nsec_t health_server_tick(struct health_server *s, nsec_t now);

/* A port that cannot be answered on; borrowed until the next health_server_set. */
struct health_failure {
	uint16_t port;
	const char *ns, *name; /* the Service */
	int error;             /* -errno; -EADDRINUSE: somebody else has it */
};
/* The i-th of them, by port; false: there are no more. */
bool health_server_failure(const struct health_server *s, size_t i, struct health_failure *ret);
