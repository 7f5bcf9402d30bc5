// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Requests to the API server, as many as there are at a time over one connection where it speaks
 * HTTP/2: libcurl's multi interface on our loop. Nothing is decided here.
 */
#pragma once

#include "base/mem.h"
#include "base/nsec.h"

#include <stdbool.h>

struct access;
struct http;
struct http_request;
struct kube_request;
struct loop;

/* What happens to a request. None of these may open, give up or reset; that is for the step. */
struct http_events {
	void (*head)(void *ctx, int status, unsigned retry_s); /* Retry-After; 0: not said */
	void (*body)(void *ctx, const char *data, size_t len);
	/* It is over, and gone. NULL: the body was whole; else why it is not. */
	void (*end)(void *ctx, const char *error);
};

struct http *http_new(struct loop *loop);
struct http *http_free(struct http *h); /* with all requests, of which nobody hears any more */

/* Asks for a path with its query. The events outlive the request; what access holds is copied. */
struct http_request *http_get(struct http *h, const struct access *access, const char *target,
			      const struct http_events *events, void *ctx) must_check;
/* The same with a method and a body, which are copied. It is given up by itself when a write is
 * over (kube/kube_ask.h). */
struct http_request *http_send(struct http *h, const struct access *access,
			       const struct kube_request *ask, const struct http_events *events,
			       void *ctx) must_check;
/* Gives it up: there are no more events of it. */
void http_cancel(struct http *h, struct http_request *r);
/* Closes all connections; each request ends with that reason. */
void http_reset(struct http *h, const char *why);

/* Since it was asked last, TLS has failed: the server's certificate is none that our CA vouches
 * for, or ours is none that it takes. */
bool http_take_distrust(struct http *h);

/* To be called from the loop's step; returns when to call again. */
nsec_t http_tick(struct http *h, nsec_t now);
