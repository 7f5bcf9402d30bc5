// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Reports and objects as text: whether an object says what was reported, and the requests that make
 * it so. Private to kube/.
 */
#pragma once

#include "kube/kube_kinds.h"

#include <stdbool.h>

struct kube_present;

struct kube_report_args {
	enum kube_kind kind;
	const char *ns, *name;
	const char *report; /* JSON {labels, status}; NULL: the object is to go */
	const char *node;
	const char *owner_kind, *owner_name, *owner_uid; /* NULL: it has none */
	const char *stamp; /* for conditions that change; RFC 3339 in microseconds */
};

/* What is to be done first; one write at a time is made of an object. */
enum kube_report_need { KUBE_NEED_NOTHING, KUBE_NEED_OBJECT, KUBE_NEED_STATUS, KUBE_NEED_DELETE };

/* present: NULL: there is none. Of users' objects what is not there is nobody's business. */
enum kube_report_need kube_report_need(const struct kube_report_args *args,
				       const struct kube_present *present);

/* The request: what kube_writes takes, on the heap but for the constants. */
struct kube_report_request {
	const char *method, *content_type; /* the latter NULL: no body */
	char *target, *body;               /* owned */
};
void kube_report_request(const struct kube_report_args *args, enum kube_report_need need,
			 const struct kube_present *present, struct kube_report_request *ret);
