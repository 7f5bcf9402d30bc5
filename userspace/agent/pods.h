// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Where the pods' sockets live: the data plane asks a pod's own sockets who owns a flow, for which
 * it must know the pod's network namespace. Found by netlink, told to the data plane.
 */
#pragma once

#include "plan/plan.h"

struct bpf_dataplane;
struct netlink;

struct pods {
	struct lb_nsid *items; /* by address, owned */
	size_t n;
};

/*
 * Finds the namespaces of all targets of the plan and tells the data plane. `anew`: links may have
 * changed, so that what was found earlier is asked again; what was not found is asked each time (a
 * pod behind a bridge is known only once it has spoken).
 */
void pods_tell(struct pods *pods, const struct plan *plan, struct netlink *nl,
	       struct bpf_dataplane *dp, bool anew);
void pods_done(struct pods *pods);
