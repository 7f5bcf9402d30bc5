// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A turn of the loop sends and reads so many datagrams at most; what is left has the next one. That
 * a node turned silent, or has another version, is a problem of the plan, and told in the log as
 * one.
 */
#include "agent/tunnels.h"

#include "agent/agent.h"
#include "lb/lb_settling.h"
#include "plan/tunnel_prober.h"
#include "sys/bpf_dataplane.h"
#include "sys/echo_socket.h"
#include "sys/log.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#define BATCH    64
#define RETRY_NS (5 * NSEC_PER_SEC)
#define NODES_NS (60 * NSEC_PER_SEC)
/* A flow of which no packet was seen for so long has no entry any more (bpf/abi.h). */
#define GONE_NS (3 * 3600 * NSEC_PER_SEC)

/* Without them a node that is on no way could guess what to answer, after 2^64 tries. */
static uint64_t a_secret(const struct agent *a)
{
	uint64_t ret = 0;

	if (getrandom(&ret, sizeof(ret), 0) != sizeof(ret))
		ret = loop_now(a->loop);
	return ret ? ret : 1;
}

void tunnels_start(struct agent *a)
{
	a->tunnels = (struct agent_tunnels){.prober = prober_new(a_secret(a))};
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		const struct agent_tunnel_end none = {.agent = a, .fd = -1, .retry_at = NSEC_NEVER};

		a->tunnels.ends[f] = none;
		a->tunnels.speaks[f] = none;
		a->tunnels.speaks[f].port = LB_ECHO_PORT;
	}
}

static void close_end(struct agent_tunnel_end *e)
{
	e->watch = loop_fd_free(e->watch);
	if (e->fd >= 0)
		(void)close(e->fd);
	*e = (struct agent_tunnel_end){
		.agent = e->agent, .port = e->port, .fd = -1, .retry_at = NSEC_NEVER};
}

void tunnels_stop(struct agent *a)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		close_end(&a->tunnels.ends[f]);
		close_end(&a->tunnels.speaks[f]);
	}
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

static struct lb_settling *settling_of(const struct agent *a)
{
	return a->dataplane ? bpf_dataplane_settling(a->dataplane) : NULL;
}

static void take(const struct agent_tunnel_end *e, const struct ip_addr *from, const uint8_t *data,
		 size_t n)
{
	struct agent *a = e->agent;
	struct lb_settling *settling = settling_of(a);

	if (e->port == 0)
		prober_receive(a->tunnels.prober, loop_now(a->loop), from, data, n);
	else if (settling)
		lb_settling_receive(settling, loop_now(a->loop), from, data, n);
}

/* What the kernel says of one that could not be reached comes here, too, and is no answer. */
static void on_readable(void *ctx, bool readable, bool writable)
{
	const struct agent_tunnel_end *e = ctx;

	(void)readable, (void)writable;
	for (int i = 0; i < BATCH; i++) {
		uint8_t data[LB_SETTLE_PAGE_MAX + 1];
		struct ip_addr from;
		const ssize_t got =
			echo_socket_receive(e->fd, LB_ECHO_PORT, data, sizeof(data), &from);

		if (got == -EAGAIN)
			break;
		if (got >= 0)
			take(e, &from, data, (size_t)got);
	}
	note_changes(e->agent);
}

static void open_end(struct agent_tunnel_end *e, nsec_t now)
{
	const int fd = echo_socket_open(&e->own, e->port);
	char text[IP_ADDR_TEXT];

	e->retry_at = fd < 0 ? now + RETRY_NS : NSEC_NEVER;
	if (fd < 0 && fd != e->error)
		log_warn(e->port == 0 ? "tunnel: other nodes cannot be asked"
				      : "tunnel: agents of other nodes cannot be heard",
			 "address=%s port=%u error=%s", ip_addr_text(&e->own, text), e->port,
			 log_quote(strerror(-fd)));
	e->error = fd < 0 ? fd : 0;
	e->fd = fd < 0 ? -1 : fd;
	if (fd < 0)
		return;
	e->watch = loop_fd_new(e->agent->loop, "echo", fd, on_readable, e);
	loop_fd_want(e->watch, true, false);
}

static nsec_t retry_end(struct agent_tunnel_end *e, nsec_t now)
{
	if (now >= e->retry_at)
		open_end(e, now);
	return e->retry_at;
}

static void apply_end(struct agent_tunnel_end *e, const struct ip_addr *own, nsec_t now)
{
	if (ip_addr_equal(&e->own, own))
		return;
	close_end(e);
	e->own = *own;
	if (!ip_addr_is_none(own))
		open_end(e, now);
}

/* What is not sent is not answered, which is all that there is to be known. */
static void send_to(const struct agent_tunnel_end ends[IP_N_FAMILIES], const struct ip_addr *to,
		    const uint8_t *data, size_t n)
{
	const int fd = ends[ip_family_of(to)].fd;

	if (fd >= 0 && echo_socket_send(fd, to, LB_ECHO_PORT, data, n) < 0)
		return;
}

/* --- agents ----------------------------------------------------------------------------------- */

static bool is_gone(const struct agent *a, const struct ip_addr *addr, nsec_t now)
{
	struct prober_told told;

	return prober_tell(a->tunnels.prober, addr, &told) && told.state == REMOTE_SILENT &&
	       now - told.since >= GONE_NS;
}

/* Who is there, as the plan names them: also who is silent, until no flow that it had can live. */
static void tell_nodes(struct agent *a, struct lb_settling *settling, nsec_t now)
{
	const struct plan *plan = &a->current->plan;
	_cleanup_(freep) struct lb_settling_node *nodes = xcalloc(plan->n_remotes, sizeof(*nodes));

	for (size_t i = 0; i < plan->n_remotes; i++) {
		const struct ip_addr *addr = &plan->remotes[i].addr;

		nodes[i] = (struct lb_settling_node){.addr = *addr, .gone = is_gone(a, addr, now)};
	}
	lb_settling_set_nodes(settling, nodes, plan->n_remotes, now);
	a->tunnels.nodes_at = now + NODES_NS;
}

static nsec_t tick_settling(struct agent *a, nsec_t now)
{
	struct lb_settling *settling = settling_of(a);
	struct lb_settling_message messages[BATCH / 4];
	size_t n;

	if (!settling || !a->current || !agent_inputs_are_complete(&a->inputs))
		return NSEC_NEVER; /* not all nodes are known: there is a plan when they are */
	if (settling != a->tunnels.settling) {
		lb_settling_begin(settling, a_secret(a));
		a->tunnels.nodes_at = now;
	}
	a->tunnels.settling = settling;
	if (now >= a->tunnels.nodes_at)
		tell_nodes(a, settling, now);
	n = lb_settling_poll(settling, now, messages, ARRAY_SIZE(messages));
	for (size_t i = 0; i < n; i++)
		send_to(a->tunnels.speaks, &messages[i].to, messages[i].data, messages[i].n);
	if (n == ARRAY_SIZE(messages))
		return now;
	return nsec_min(a->tunnels.nodes_at, lb_settling_deadline(settling));
}

nsec_t tunnels_tick(struct agent *a, nsec_t now)
{
	struct prober_request requests[BATCH];
	nsec_t next = NSEC_NEVER;
	size_t n;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		next = nsec_min(next, retry_end(&a->tunnels.ends[f], now));
		next = nsec_min(next, retry_end(&a->tunnels.speaks[f], now));
	}
	n = prober_poll(a->tunnels.prober, now, requests, BATCH);
	for (size_t i = 0; i < n; i++)
		send_to(a->tunnels.ends, &requests[i].to, requests[i].data, LB_ECHO_BYTES);
	note_changes(a);
	next = nsec_min(next, tick_settling(a, now));
	return n == BATCH ? now : nsec_min(next, prober_deadline(a->tunnels.prober));
}

void tunnels_apply(struct agent *a, const struct plan *plan, nsec_t now)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		apply_end(&a->tunnels.ends[f], &plan->tunnel_ends[f], now);
		apply_end(&a->tunnels.speaks[f], &plan->tunnel_ends[f], now);
	}
	a->tunnels.nodes_at = now;
	prober_set(a->tunnels.prober, plan->remotes, plan->n_remotes, now);
	/* Who was not asked before is as unknown to this plan. */
	a->tunnels.seen = prober_generation(a->tunnels.prober);
}

/* --- telling the data plane --------------------------------------------------------------------
 */

static struct lb_node_told *nodes_of(const struct plan *plan, uint8_t version, struct arena *arena,
				     bool *ret_unknown)
{
	struct lb_node_told *ret = arena_array_of(arena, plan->n_remotes, struct lb_node_told);

	*ret_unknown = false;
	for (size_t i = 0; i < plan->n_remotes; i++) {
		ret[i] = (struct lb_node_told){.addr = plan->remotes[i].addr,
					       .usable = plan->remotes[i].state == REMOTE_ANSWERS,
					       .leaves = plan->remotes[i].state == REMOTE_LEAVING,
					       .version = version};
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
	nodes = nodes_of(plan, prober_version(a->tunnels.prober), scratch, &unknown);
	if (unknown && !a->tunnels.was_told && a->adopted) {
		a->tunnels.is_under_way = false;
		return true;
	}
	err = ways.ops->nodes(ways.ctx, now, nodes, plan->n_remotes);
	if (err == 0 && (plan->nat_port || agent_inputs_are_complete(&a->inputs)))
		err = ways.ops->nat(ways.ctx, now, plan->nat_port);
	if (err == 0)
		err = ways.ops->next_hops(ways.ctx, now, plan->next_hops, plan->n_next_hops);
	if (err == -EINPROGRESS)
		return false;
	a->tunnels.was_told = true;
	a->tunnels.is_under_way = false;
	note_error(a, err);
	return true;
}
