// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* One job that goes to the helper and comes back; its socket is the helper's. */
#include "sys/netlink_pods.h"

#include "sys/netlink_dump.h"
#include "sys/nlsock.h"
#include "sys/worker.h"

#include <assert.h>
#include <linux/netlink.h>

struct netlink_pods {
	struct worker_job job; /* first */
	struct netlink_pods_args args;
	struct nlsock *sock; /* owned; the helper's while the job is away */
	struct ip_addr pods[NETLINK_PODS_MAX];
	int nsids[NETLINK_PODS_MAX];
	size_t n; /* 0: nothing is asked */
};

/* Without a socket nothing can be told of any of them. */
static void ask(struct worker_job *job)
{
	struct netlink_pods *p = (struct netlink_pods *)job;
	const int err = p->sock ? 0 : nlsock_open(NETLINK_ROUTE, &p->sock);

	for (size_t i = 0; i < p->n; i++)
		p->nsids[i] = err < 0 ? err : netlink_lookup_nsid(p->sock, &p->pods[i]);
}

static void bring(struct worker_job *job)
{
	struct netlink_pods *p = (struct netlink_pods *)job;
	const size_t n = p->n;

	p->n = 0;
	p->args.told(p->args.ctx, p->pods, p->nsids, n);
}

struct netlink_pods *netlink_pods_new(const struct netlink_pods_args *args)
{
	struct netlink_pods *p = xcalloc(1, sizeof(*p));

	p->job = (struct worker_job){.run = ask, .done = bring};
	p->args = *args;
	return p;
}

struct netlink_pods *netlink_pods_free(struct netlink_pods *p)
{
	if (!p)
		return NULL;
	assert(p->n == 0);
	nlsock_free(p->sock);
	free(p);
	return NULL;
}

void netlink_pods_ask(struct netlink_pods *p, const struct ip_addr *pods, size_t n)
{
	assert(p->n == 0 && n > 0 && n <= NETLINK_PODS_MAX);
	p->n = n;
	memcpy(p->pods, pods, n * sizeof(*pods));
	worker_add(p->args.worker, &p->job);
}
