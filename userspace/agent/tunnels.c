// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A turn of the loop sends and reads so many datagrams at most; what is left has the next one. That
 * a node turned silent, or has another version, is a problem of the plan, and told in the log as
 * one.
 */
#include "agent/tunnels.h"

#include "agent/agent.h"
#include "plan/tunnel_prober.h"
#include "sys/bpf_dataplane.h"
#include "sys/echo_socket.h"
#include "sys/log.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#define BATCH    64
#define RETRY_NS (5 * NSEC_PER_SEC)

void tunnels_start(struct agent *a)
{
	uint64_t secret = 0;

	/* Without it a node that is on no way could guess what to answer, after 2^64 tries. */
	if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
		secret = loop_now(a->loop);
	a->tunnels = (struct agent_tunnels){.prober = prober_new(secret)};
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		a->tunnels.ends[f] = (struct agent_tunnel_end){.fd = -1, .retry_at = NSEC_NEVER};
}

static void close_end(struct agent_tunnel_end *e)
{
	e->watch = loop_fd_free(e->watch);
	if (e->fd >= 0)
		(void)close(e->fd);
	*e = (struct agent_tunnel_end){.fd = -1, .retry_at = NSEC_NEVER};
}

void tunnels_stop(struct agent *a)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		close_end(&a->tunnels.ends[f]);
	a->tunnels.prober = prober_free(a->tunnels.prober);
}

void tunnels_tell(const struct agent *a, struct arena *arena, struct plan_actual *ret)
{
	ret->remotes = prober_actual(a->tunnels.prober, arena, &ret->n_remotes);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void note_changes(struct agent *a)
{
	const uint64_t generation = prober_generation(a->tunnels.prober);

	if (generation == a->tunnels.seen)
		return;
	a->tunnels.seen = generation;
	agent_input_changed(&a->inputs, INPUT_REMOTES);
}

/* What the kernel says of one that could not be reached comes here, too, and is no answer. */
static void receive(struct agent *a, int fd)
{
	for (int i = 0; i < BATCH; i++) {
		uint8_t data[2 * LB_ECHO_BYTES];
		struct ip_addr from;
		const ssize_t got =
			echo_socket_receive(fd, LB_ECHO_PORT, data, sizeof(data), &from);

		if (got == -EAGAIN)
			break;
		if (got >= 0)
			prober_receive(a->tunnels.prober, loop_now(a->loop), &from, data,
				       (size_t)got);
	}
	note_changes(a);
}

static void on_readable_v4(void *ctx, bool readable, bool writable)
{
	struct agent *a = ctx;

	(void)readable, (void)writable;
	receive(a, a->tunnels.ends[IP_V4].fd);
}

static void on_readable_v6(void *ctx, bool readable, bool writable)
{
	struct agent *a = ctx;

	(void)readable, (void)writable;
	receive(a, a->tunnels.ends[IP_V6].fd);
}

static void open_end(struct agent *a, enum ip_family family, nsec_t now)
{
	struct agent_tunnel_end *e = &a->tunnels.ends[family];
	const int fd = echo_socket_open(&e->own);
	char text[IP_ADDR_TEXT];

	e->retry_at = fd < 0 ? now + RETRY_NS : NSEC_NEVER;
	if (fd < 0 && fd != e->error)
		log_warn("tunnel: other nodes cannot be asked", "address=%s error=%s",
			 ip_addr_text(&e->own, text), log_quote(strerror(-fd)));
	e->error = fd < 0 ? fd : 0;
	e->fd = fd < 0 ? -1 : fd;
	if (fd < 0)
		return;
	e->watch = loop_fd_new(a->loop, "echo", fd,
			       family == IP_V4 ? on_readable_v4 : on_readable_v6, a);
	loop_fd_want(e->watch, true, false);
}

static void send_all(struct agent *a, const struct prober_request *requests, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const int fd = a->tunnels.ends[ip_family_of(&requests[i].to)].fd;

		/* What is not sent is not answered, which is all that there is to be known. */
		if (fd >= 0 && echo_socket_send(fd, &requests[i].to, LB_ECHO_PORT, requests[i].data,
						LB_ECHO_BYTES) < 0)
			continue;
	}
}

nsec_t tunnels_tick(struct agent *a, nsec_t now)
{
	struct prober_request requests[BATCH];
	nsec_t next = NSEC_NEVER;
	size_t n;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		if (now >= a->tunnels.ends[f].retry_at)
			open_end(a, f, now);
		next = nsec_min(next, a->tunnels.ends[f].retry_at);
	}
	n = prober_poll(a->tunnels.prober, now, requests, BATCH);
	send_all(a, requests, n);
	note_changes(a);
	return n == BATCH ? now : nsec_min(next, prober_deadline(a->tunnels.prober));
}

void tunnels_apply(struct agent *a, const struct plan *plan, nsec_t now)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		struct agent_tunnel_end *e = &a->tunnels.ends[f];

		if (ip_addr_equal(&e->own, &plan->tunnel_ends[f]))
			continue;
		close_end(e);
		e->own = plan->tunnel_ends[f];
		if (!ip_addr_is_none(&e->own))
			open_end(a, f, now);
	}
	prober_set(a->tunnels.prober, plan->remotes, plan->n_remotes, now);
	/* Who was not asked before is as unknown to this plan. */
	a->tunnels.seen = prober_generation(a->tunnels.prober);
}

/* --- telling the data plane --------------------------------------------------------------------
 */

static struct lb_node_told *nodes_of(const struct plan *plan, struct arena *arena,
				     bool *ret_unknown)
{
	struct lb_node_told *ret = arena_array_of(arena, plan->n_remotes, struct lb_node_told);

	*ret_unknown = false;
	for (size_t i = 0; i < plan->n_remotes; i++) {
		ret[i] = (struct lb_node_told){.addr = plan->remotes[i].addr,
					       .usable = plan->remotes[i].state == REMOTE_ANSWERS};
		*ret_unknown |= plan->remotes[i].state == REMOTE_UNKNOWN;
	}
	return ret;
}

static void note_error(struct agent *a, int error)
{
	if (error != a->tunnels.error && error != 0)
		log_warn("dataplane: not all ways to other nodes could be programmed", "error=%s",
			 log_quote(strerror(-error)));
	a->tunnels.error = error;
}

/*
 * What a former process told stays until it is known of each node whether it answers, so that a
 * restart sends no new flow elsewhere.
 */
bool tunnels_program(struct agent *a, nsec_t now)
{
	_cleanup_(arena_freep) struct arena *scratch = NULL;
	const struct lb_ways ways = bpf_dataplane_ways(a->dataplane);
	const struct plan *plan = &a->current->plan;
	const struct lb_node_told *nodes;
	bool unknown;
	int err;

	if (!a->tunnels.is_under_way)
		return true;
	scratch = arena_new();
	nodes = nodes_of(plan, scratch, &unknown);
	if (unknown && !a->tunnels.was_told && a->adopted) {
		a->tunnels.is_under_way = false;
		return true;
	}
	err = ways.ops->nodes(ways.ctx, now, nodes, plan->n_remotes);
	if (err == 0)
		err = ways.ops->next_hops(ways.ctx, now, plan->next_hops, plan->n_next_hops);
	if (err == -EINPROGRESS)
		return false;
	a->tunnels.was_told = true;
	a->tunnels.is_under_way = false;
	note_error(a, err);
	return true;
}
