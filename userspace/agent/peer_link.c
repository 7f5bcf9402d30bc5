// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sockets of peers: dialling, reading, writing, and closing behind what is still to be said. A
 * socket error is just another input of the protocol object, which is the only one that decides.
 */
#include "agent/peers_inside.h"

#include "sys/log.h"
#include "sys/loop.h"
#include "sys/tcp.h"

#include <assert.h>
#include <errno.h>

#define LAST_BYTES 4096 /* room for what a connection still has to say at its end */

void link_close(struct peer_link *l)
{
	loop_fd_free(TAKE_PTR(l->watch));
	if (l->fd >= 0)
		close(TAKE_FD(l->fd));
	free(TAKE_PTR(l->tail));
	l->tail_len = l->tail_at = 0;
	l->connecting = false;
}

/* The connection is gone or never came: the protocol object hears why. */
static void link_lost(struct peer_link *l, nsec_t now, const char *why)
{
	struct agent_peer *p = l->peer;

	link_close(l);
	bgp_peer_set_error(p->bgp, why);
	bgp_peer_notify(p->bgp, now, l->slot, BGP_NOTE_TCP_FAILED);
}

void link_drop(struct peer_link *l, nsec_t now, const char *why)
{
	if (l->fd >= 0)
		link_lost(l, now, why);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* How much of it the kernel takes; where the connection is lost, that of the link's is gone, too.
 */
static size_t write_some(struct peer_link *l, const uint8_t *data, size_t len, nsec_t now)
{
	size_t at = 0;

	while (at < len) {
		const ssize_t n = tcp_write(l->fd, data + at, len - at);

		if (n == -EAGAIN)
			break;
		if (n < 0) {
			link_lost(l, now, tcp_error_text((int)-n));
			break;
		}
		at += (size_t)n;
		bgp_peer_notify(l->peer->bgp, now, l->slot, BGP_NOTE_SENT);
	}
	return at;
}

/* Writes the unsent tail; true when none is left, and the connection is there. */
static bool write_tail(struct peer_link *l, nsec_t now)
{
	l->tail_at += write_some(l, l->tail + l->tail_at, l->tail_len - l->tail_at, now);
	if (l->fd < 0) {
		l->tail_at = 0;
		return false;
	}
	if (l->tail_at < l->tail_len)
		return false;
	free(TAKE_PTR(l->tail));
	l->tail_len = l->tail_at = 0;
	return true;
}

/*
 * Encodes and writes until the peer has nothing to say or the kernel takes no more. Mostly it takes
 * all, so that only what it leaves has memory of its own.
 */
void link_flush(struct peer_link *l, nsec_t now)
{
	uint8_t *const data = l->peer->all->scratch;
	bool goes_on;

	if (l->fd < 0 || l->connecting)
		return;
	for (goes_on = l->tail_len == 0 || write_tail(l, now); goes_on;) {
		const size_t len =
			bgp_peer_transmit(l->peer->bgp, now, l->slot, data, PEERS_SCRATCH_BYTES);
		const size_t taken = write_some(l, data, len, now);

		goes_on = len > 0 && taken == len;
		if (l->fd >= 0 && taken < len) {
			l->tail_len = len - taken;
			l->tail = memcpy(xmalloc(l->tail_len), data + taken, l->tail_len);
		}
	}
	if (l->fd >= 0)
		loop_fd_want(l->watch, true, l->tail_len > 0);
}

/* Closes a connection behind what is still to be said on it. */
void link_end(struct peer_link *l, nsec_t now)
{
	const size_t left = l->tail_len - l->tail_at;
	uint8_t *rest;
	size_t n;

	if (l->fd >= 0 && !l->connecting) {
		rest = xmalloc(left + LAST_BYTES);
		if (left > 0)
			memcpy(rest, l->tail + l->tail_at, left);
		n = bgp_peer_transmit(l->peer->bgp, now, l->slot, rest + left, LAST_BYTES);
		loop_fd_free(TAKE_PTR(l->watch));
		closings_add(&l->peer->all->closings, TAKE_FD(l->fd), rest, left + n, now);
	}
	link_close(l);
}

/* --- silence ---------------------------------------------------------------------------------- */

/* Nothing of the router has come by it yet. */
static bool is_silent(const struct peer_link *l)
{
	return l->connecting || (l->fd >= 0 && bgp_peer_info(l->peer->bgp).state == BGP_OPEN_SENT);
}

/*
 * What rose since it was dialled; NULL: nothing. With `any`, words in any case. The counters are
 * those of all connections, and what they say is of this one only if it lost something.
 */
static const char *silence_text(const struct peer_link *l, bool any)
{
	const struct tcp_attempt attempt = {.has_key = l->peer->config.password,
					    .has_guard = l->peer->config.ttl_security,
					    .is_made = !l->connecting};
	const struct tcp_drops drops = tcp_has_dropped(l->fd) ? tcp_drops_now() : l->before;

	return any ? tcp_silence_text(&attempt, &l->before, &drops)
		   : tcp_drops_text(&attempt, &l->before, &drops);
}

const char *link_silence(struct peer_link *l, nsec_t now)
{
	if (now < l->silent_at || !is_silent(l))
		return NULL;
	l->silent_at = NSEC_NEVER;
	return silence_text(l, true);
}

const char *link_unheard(struct peer_link *l, nsec_t now)
{
	const char *why;

	if (now < l->unheard_at || !is_silent(l))
		return NULL;
	l->unheard_at = nsec_add(now, PEERS_UNHEARD_NS);
	why = silence_text(l, false);
	if (!why && tcp_is_unacknowledged(l->fd))
		why = "connected, but what we send is not acknowledged";
	return why;
}

nsec_t link_silence_deadline(const struct peer_link *l)
{
	return is_silent(l) ? nsec_min(l->silent_at, l->unheard_at) : NSEC_NEVER;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A packet that may take one hop only gets no farther than the first router. */
static const char *dial_error_text(const struct agent_peer *p, int err)
{
	if (err == EHOSTUNREACH && p->config.ttl == 1)
		return "host unreachable (no answer to ARP or neighbour discovery; or it is not on "
		       "this link, and the BGPPeer needs ebgpMultiHop)";
	return tcp_error_text(err);
}

/* Its own end's address, and what the plan says beside that. */
void link_set_next_hops(struct peer_link *l)
{
	struct bgp_next_hops hops = bgp_next_hops_of(&l->local);
	const struct bgp_next_hops *more = &l->peer->config.next_hops;

	if (l->fd < 0 || l->connecting)
		return;
	if (ip_addr_is_none(&hops.ipv4))
		hops.ipv4 = more->ipv4;
	if (ip_addr_is_none(&hops.ipv6))
		hops.ipv6 = more->ipv6;
	if (ip_addr_is_none(&hops.ipv6_link_local))
		hops.ipv6_link_local = more->ipv6_link_local;
	bgp_peer_set_local(l->peer->bgp, l->slot, &hops);
}

/* TCP is made, by whichever side. */
static void link_up(struct peer_link *l, const struct ip_addr *local, nsec_t now)
{
	l->connecting = false; /* link_flush() asks for what comes, as after every input */
	l->silent_at = nsec_add(now, PEERS_SILENT_NS);
	l->unheard_at = nsec_add(now, PEERS_UNHEARD_NS);
	l->local = *local;
	link_set_next_hops(l);
	bgp_peer_notify(l->peer->bgp, now, l->slot, BGP_NOTE_TCP_UP);
}

static void link_connected(struct peer_link *l, nsec_t now)
{
	struct agent_peer *p = l->peer;
	int r = tcp_dial_result(l->fd);
	struct ip_addr local;

	if (r == -EINPROGRESS)
		return;
	p->has_no_answer = r == -EHOSTUNREACH;
	if (r == 0)
		r = tcp_local(l->fd, &local);
	if (r < 0)
		link_lost(l, now, dial_error_text(p, -r));
	else
		link_up(l, &local, now);
}

/* One read a turn: the rest keeps the socket readable, and others have their turn between. */
static void link_read(struct peer_link *l, nsec_t now)
{
	uint8_t *buf = l->peer->all->scratch;
	ssize_t n = tcp_read(l->fd, buf, PEERS_SCRATCH_BYTES);

	if (n > 0)
		bgp_peer_receive(l->peer->bgp, now, l->slot, buf, (size_t)n);
	else if (n != -EAGAIN)
		link_lost(l, now,
			  n == 0 ? "the peer closed the connection" : tcp_error_text((int)-n));
}

void link_hear(struct peer_link *l, nsec_t now)
{
	if (l->fd >= 0 && !l->connecting)
		link_read(l, now);
}

static void on_link(void *ctx, bool readable, bool writable)
{
	struct peer_link *l = ctx;
	struct agent_peer *p = l->peer;
	nsec_t now = loop_now(p->all->loop);

	if (l->connecting && writable)
		link_connected(l, now);
	else if (!l->connecting && readable)
		link_read(l, now);
	peer_pump(p, now);
}

void link_accepted(struct peer_link *l, int fd, nsec_t now)
{
	struct ip_addr local;
	int r;

	assert(l->fd < 0 && l->slot == BGP_SLOT_ACCEPTED);
	l->fd = fd;
	l->watch = loop_fd_new(l->peer->all->loop, "sessions", fd, on_link, l);
	r = tcp_local(fd, &local);
	if (r < 0)
		link_lost(l, now, tcp_error_text(-r));
	else
		link_up(l, &local, now);
}

/* --- dialling --------------------------------------------------------------------------------- */

bool link_rekey(struct peer_link *l, const struct plan_peer *to)
{
	int r;

	if (l->fd < 0)
		return true;
	r = tcp_set_md5(l->fd, &to->address, to->password, to->password_len);
	if (r < 0)
		log_warn("bgp: the kernel refuses another key for the connection",
			 "peer=%s error=%s", l->peer->key.name, log_quote(tcp_error_text(-r)));
	return r == 0;
}

/* Why a peer in a VRF or by interface cannot even be dialled; NULL: it can. */
static const char *unable_text(const struct plan_peer *c)
{
	if (c->key.vrf[0] != '\0' && c->vrf == 0)
		return "this node has no such VRF";
	if (c->key.interface[0] == '\0')
		return NULL;
	if (c->ifindex == 0)
		return "this node has no such interface";
	if (ip_addr_is_none(&c->source))
		return "the interface is down, or has no link-local IPv6 address";
	if (ip_addr_is_none(&c->address))
		return "no router advertisement was heard on the interface (the router has to "
		       "send them)";
	return NULL;
}

static struct tcp_dial dial_of(const struct plan_peer *c)
{
	return (struct tcp_dial){
		.remote = c->address,
		.port = c->port,
		.local = c->source,
		.md5 = c->password,
		.md5_len = c->password_len,
		.ttl = c->ttl,
		.gtsm_hops = c->ttl_security,
		.device = c->vrf ? c->key.vrf : NULL,
		.ifindex = c->ifindex,
	};
}

struct ip_addr agent_peer_source(const struct agent_peer *p)
{
	const struct plan_peer *c = &p->config;
	const struct tcp_dial args = dial_of(c);
	struct ip_addr ret = c->source;

	for (size_t i = 0; i < BGP_N_SLOTS; i++)
		if (p->links[i].fd >= 0 && !p->links[i].connecting)
			return p->links[i].local;
	if (!unable_text(c))
		(void)!tcp_source(&args, &ret);
	return ret;
}

void link_dial(struct peer_link *l, nsec_t now)
{
	struct agent_peer *p = l->peer;
	const struct plan_peer *c = &p->config;
	struct tcp_dial args = dial_of(c);
	const char *unable = unable_text(c);
	int fd;

	link_close(l);
	fd = unable ? -1 : tcp_dial(&args);
	if (fd < 0) {
		link_lost(l, now, unable ? unable : tcp_error_text(-fd));
		return;
	}
	l->fd = fd;
	l->connecting = true;
	l->silent_at = nsec_add(now, PEERS_SILENT_NS);
	l->unheard_at = NSEC_NEVER;
	l->before = tcp_drops_now();
	l->watch = loop_fd_new(p->all->loop, "sessions", fd, on_link, l);
	loop_fd_want(l->watch, false, true);
}
