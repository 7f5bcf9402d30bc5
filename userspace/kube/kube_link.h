// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Whether the connection to the API server is alive. Watches may be silent for minutes, so a server
 * that stopped, or a network that lost the connection, looks like one where nothing changes: after
 * 30 s of silence something small is asked on the same connection, and what is not answered within
 * 15 s is dead. Any byte is a sign of life. Where requests have connections of their own (HTTP/1.1)
 * that is said of the server alone, and of each connection by the kernel (feeder/http.c).
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>

#define KUBE_LINK_IDLE_NS  (30 * NSEC_PER_SEC)
#define KUBE_LINK_PROBE_NS (15 * NSEC_PER_SEC)

enum kube_link_ask {
	KUBE_LINK_NOTHING,
	KUBE_LINK_PROBE, /* ask for something small, then kube_link_probed() */
	KUBE_LINK_DEAD,  /* close the connection with all that goes on in it, then kube_link_heard()
			  */
};

struct kube_link {
	nsec_t heard_at, probed_at;
	bool is_probed;
};

static inline void kube_link_heard(struct kube_link *l, nsec_t now)
{
	*l = (struct kube_link){.heard_at = now};
}

static inline void kube_link_probed(struct kube_link *l, nsec_t now)
{
	l->is_probed = true;
	l->probed_at = now;
}

/* When to poll at the latest. */
static inline nsec_t kube_link_deadline(const struct kube_link *l)
{
	return l->is_probed ? nsec_add(l->probed_at, KUBE_LINK_PROBE_NS)
			    : nsec_add(l->heard_at, KUBE_LINK_IDLE_NS);
}

static inline enum kube_link_ask kube_link_poll(const struct kube_link *l, nsec_t now)
{
	if (now < kube_link_deadline(l))
		return KUBE_LINK_NOTHING;
	return l->is_probed ? KUBE_LINK_DEAD : KUBE_LINK_PROBE;
}
