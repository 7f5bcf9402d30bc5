// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What those who speak to the API server (watches, the Lease, writes) want of whoever carries their
 * requests, and what becomes of these.
 */
#pragma once

#include "base/nsec.h"
#include "base/strbuf.h"

#include <stdbool.h>

#define KUBE_STATUS_BYTES  8192 /* of an answer that says no */
#define KUBE_TARGET_BYTES  16384
#define KUBE_REQUEST_BYTES (256u << 10)

/*
 * A write is over by then, at the server, too, which is told so: whoever has given up a right (the
 * Lease) knows when the last thing that he did by it has happened.
 */
#define KUBE_WRITE_NS (4 * NSEC_PER_SEC)

enum kube_ask {
	KUBE_ASK_NOTHING,
	KUBE_ASK_OPEN,  /* make the request that ..._transmit() says */
	KUBE_ASK_CLOSE, /* give up the one under way, then ..._notify(KUBE_NOTE_CLOSED) */
};

struct kube_note {
	enum {
		KUBE_NOTE_HEAD,   /* the answer begins: its status is known */
		KUBE_NOTE_END,    /* the body is through */
		KUBE_NOTE_LOST,   /* it never will be: no connection, or none any more */
		KUBE_NOTE_CLOSED, /* as was asked */
	} what;
	int status;       /* of HEAD */
	unsigned retry_s; /* of HEAD: Retry-After; 0: not said */
	const char *why;  /* of LOST; borrowed for the call */
};

/* A request that is more than a GET. */
struct kube_request {
	const char *method;       /* static */
	const char *content_type; /* of the body; static; NULL: there is none */
	struct strbuf target /* path and query */, body; /* owned */
	bool is_stream;                                  /* its answer goes on for minutes */
};

static inline void kube_request_init(struct kube_request *r)
{
	*r = (struct kube_request){.method = "GET"};
	strbuf_init(&r->target, KUBE_TARGET_BYTES);
	strbuf_init(&r->body, KUBE_REQUEST_BYTES);
}

static inline void kube_request_done(struct kube_request *r)
{
	strbuf_done(&r->target);
	strbuf_done(&r->body);
}
