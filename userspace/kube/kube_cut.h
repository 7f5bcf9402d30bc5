// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An object's text, and of it what somebody reads (kube/kube_kinds.h): the kept members are copied
 * as they stand, in their order, and the others are gone. No tree is made of either: a first
 * picture is millions of values of which nobody here wants to know anything. JSON is checked on the
 * way (RFC 8259), so what is cut is JSON again. Private to kube/.
 *
 * Recursion is as deep as the text, which the splitter bounds (KUBE_PIECE_DEPTH).
 */
#pragma once

#include "base/strbuf.h"
#include "kube/kube_kinds.h"

#include <stdbool.h>
#include <stddef.h>

/* A part of the text; NULL: it was not said. */
struct kube_part {
	const char *text;
	size_t len;
};

/* Strings without their quotes, and only such as need no escapes. */
struct kube_cut {
	struct kube_part ns, name, version; /* of the metadata */
	struct kube_part status;            /* any value */
};

/* An event's members. False: it is no JSON object. */
bool kube_cut_event(const char *text, size_t len, struct kube_part *ret_type,
		    struct kube_part *ret_object);

/*
 * Appends what is kept, on one line if the text was on one, apiVersion and kind first, which items
 * of a list do not say. False: it is no JSON object, and what was appended is of no use. Members
 * whose names have escapes are not kept: no name that is looked for needs any.
 */
bool kube_cut_object(const char *text, size_t len, const struct kube_resource *r,
		     struct strbuf *out, struct kube_cut *ret);
