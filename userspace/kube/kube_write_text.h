// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Requests that write, as text. Private to kube/.
 */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>

struct kube_present;
struct kube_request;

struct kube_write_args {
	const char *ns, *name; /* the Service */
	const char *wish;      /* JSON of the agent's; NUL-terminated */
	size_t wish_len;
	const char *component, *node; /* who speaks in an event */
	const char *stamp;            /* the time of day, RFC 3339 in microseconds */
};

/* A merge patch of the Service's status, in the version that is present. False: it is no wish. */
bool kube_write_status(const struct kube_write_args *args, const struct kube_present *service,
		       struct kube_request *ret);
/* An event about the Service. False: it is no wish. */
bool kube_write_event(const struct kube_write_args *args, const struct kube_present *service,
		      struct kube_request *ret);

/* A refusal in words. */
void kube_write_why(int status, const struct strbuf *answer, char *ret, size_t size);
