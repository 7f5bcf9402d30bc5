// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses as YAML: the saved form of what the allocator gave (DESIGN 4, STATE/addresses.yaml).
 * Each Service is one document with its addresses in status.loadBalancer.ingress and its pool in
 * the annotation that MetalLB uses, so that --config and world_put_source() read it back.
 */
#pragma once

#include "base/addr.h"
#include "base/strbuf.h"

struct api_allocation {
	const char *ns, *name; /* the Service */
	const struct ip_addr *addrs;
	size_t n_addrs;
	const char *pool; /* "" or NULL: none known */
};

/*
 * Appends one document. All addresses of a Service belong into one document: a second one of the
 * same name would be refused as a double.
 */
void api_emit_allocation(struct strbuf *out, const struct api_allocation *a);
