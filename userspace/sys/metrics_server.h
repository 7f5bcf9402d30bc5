// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Who asks for metrics and for health, by HTTP: GET /metrics on one port, GET /healthz and /readyz
 * on another one, each with connections of its own, so that scrapers keep no probe waiting.
 *
 * A text of metrics takes its maker several turns. It is asked for by metrics_server_wants() when
 * somebody waits for it, given once, and goes to all who wait; whoever comes within
 * METRICS_FRESH_NS gets the same again. So however often and however slowly somebody reads, making
 * texts takes a bounded share of the time, and there are METRICS_TEXTS of them in memory at most:
 * when all are still being read, the newest is given to whoever comes.
 *
 * A port that somebody else has is tried again every HTTP_RETRY_NS.
 */
#pragma once

#include "base/exposition.h"
#include "sys/http_wish.h"

#define METRICS_CLIENTS   32
#define METRICS_CLIENT_NS (5 * NSEC_PER_SEC)  /* for a client to send or read something */
#define METRICS_REPLY_NS  (15 * NSEC_PER_SEC) /* for the whole of an answer */
#define METRICS_FRESH_NS  (1 * NSEC_PER_SEC)
#define METRICS_TEXTS     4

struct loop;
struct metrics_server;

/* A new one that answers nowhere; the caller owns it. The loop is borrowed and outlives it. */
struct metrics_server *metrics_server_new(struct loop *loop);
/* Closes all sockets and connections. Freeing NULL does nothing. */
struct metrics_server *metrics_server_free(struct metrics_server *s);

enum metrics_port { METRICS_PORT, METRICS_HEALTH_PORT, METRICS_N_PORTS };

/* Where it answers from now on; NULL: nowhere. Nothing happens if it does already. */
void metrics_server_listen(struct metrics_server *s, enum metrics_port which,
			   const struct http_address *at, nsec_t now);
/* -errno, why nobody is answered there (-EADDRINUSE: somebody else has it); 0: nothing. */
int metrics_server_error(const struct metrics_server *s, enum metrics_port which);

/* What /readyz says from now on: not ready at first. */
void metrics_server_set_ready(struct metrics_server *s, bool is_ready);

/* Somebody waits for a text of that format, and there is none that is fresh. */
bool metrics_server_wants(const struct metrics_server *s, enum exposition_format *ret);
/* It is there, and given away (free). */
void metrics_server_give(struct metrics_server *s, enum exposition_format format, char *text,
			 size_t len, nsec_t now);

/* To be called from the loop's step; returns when to call again. */
nsec_t metrics_server_tick(struct metrics_server *s, nsec_t now);
