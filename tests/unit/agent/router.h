// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A router that is not one: it listens on an address of loopback, in the test's own network
 * namespace, says OPEN and KEEPALIVE to whoever connects, and remembers what it is sent. It reads
 * only when told to, so that a test can let the other side's buffers fill.
 */
#pragma once

#include "base/mem.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_update.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#define ROUTER_PORT   1790
#define ROUTER_ADDR   0x0a000002 /* 10.0.0.2 */
#define NODE_ADDR     0x0a000001
#define ROUTER_ASN    64512
#define NODE_ASN      64513
#define ROUTER_UNUSED __attribute__((unused))

struct router {
	int listener, fd; /* fd: -1 when nobody is connected */
	bool reads;       /* takes what comes */
	bool refuses;     /* says OPEN of another AS than is expected */
	bool floods;      /* says KEEPALIVE without a pause, whether it reads or not */
	bool was_reset;   /* a connection ended by RST, not by FIN */
	uint8_t got[1 << 20];
	size_t n_got, at; /* bytes so far, those looked at */
	unsigned connections, announced, withdrawn, end_of_ribs, keepalives;
	struct bgp_open open;          /* the last that came */
	struct bgp_error notification; /* the last that came; code 0: none */
	struct bgp_families families;  /* what its OPEN lists; empty: IPv4 unicast */
	struct ip_addr mp_next_hop;    /* the last that came */
};

/* Skips the test without the privilege. */
ROUTER_UNUSED static void own_network(void)
{
	if (unshare(CLONE_NEWNET) != 0) {
		print_message("needs root: unshare(CLONE_NEWNET): %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(system("ip link set lo up; ip addr add 10.0.0.1/32 dev lo;"
				" ip addr add 10.0.0.2/32 dev lo"),
			 0);
	/* Small buffers, so that a few kilobytes fill them. */
	assert_int_equal(system("echo 4096 4096 4096 >/proc/sys/net/ipv4/tcp_wmem"), 0);
}

ROUTER_UNUSED static struct router *router_new_at(uint32_t address)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(ROUTER_PORT)};
	struct router *r = xcalloc(1, sizeof(*r));
	int one = 1, small = 2304;

	addr.sin_addr.s_addr = htonl(address);
	r->fd = -1;
	r->reads = true;
	r->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(r->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_int_equal(bind(r->listener, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(r->listener, 4), 0);
	return r;
}
#define router_new() router_new_at(ROUTER_ADDR)

/* From now on that socket of it drops what NODE_ADDR sends unless this password signed it. */
ROUTER_UNUSED static void router_demands(int fd, const char *password)
{
	struct sockaddr_in node = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(NODE_ADDR)};
	struct tcp_md5sig sig = {.tcpm_keylen = (uint16_t)strlen(password)};

	memcpy(&sig.tcpm_addr, &node, sizeof(node));
	memcpy(sig.tcpm_key, password, strlen(password));
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)), 0);
}

ROUTER_UNUSED static void router_hang_up(struct router *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	r->n_got = r->at = 0;
}

ROUTER_UNUSED static void router_free(struct router *r)
{
	router_hang_up(r);
	close(r->listener);
	free(r);
}

static inline void router_say(struct router *r, const void *data, size_t len)
{
	(void)!send(r->fd, data, len, MSG_NOSIGNAL); /* what is not taken is not heard */
}

static inline void router_greet(struct router *r)
{
	const uint8_t families = r->families.bits ? r->families.bits : 1;
	struct bgp_open open = {.asn = r->refuses ? 65000 : ROUTER_ASN,
				.hold_s = 90,
				.router_id = ROUTER_ADDR,
				.has_as4 = true,
				.families = {families},
				.route_refresh = true,
				.gr = {.present = true, .time_s = 120, .families = {1}}};
	uint8_t buf[BGP_MESSAGE_MAX];

	r->connections++;
	router_say(r, buf, bgp_open_encode(buf, sizeof(buf), &open));
	router_say(r, buf, bgp_keepalive_encode(buf, sizeof(buf)));
}

static inline void router_take(struct router *r, const struct bgp_frame *f)
{
	const uint8_t bare = BGP_FAMILY_BIT(BGP_IPV4_UNICAST), listed = r->families.bits;
	const struct bgp_update_session session = {
		.local_asn = ROUTER_ASN, .as4 = true, .families = {listed ? listed : bare}};
	struct bgp_update u;
	struct bgp_error e;

	switch (f->type) {
	case BGP_OPEN:
		assert_true(bgp_open_decode(f->body, &r->open, &e));
		break;
	case BGP_UPDATE:
		assert_int_equal(bgp_update_decode(f->body, &session, &u, &e), BGP_UPDATE_OK);
		r->announced += (unsigned)u.n_announced;
		if (u.mp_reach.n > 0)
			r->mp_next_hop = u.mp_next_hop;
		r->withdrawn += (unsigned)u.n_withdrawn;
		r->end_of_ribs += u.is_end_of_rib;
		break;
	case BGP_NOTIFICATION:
		assert_true(bgp_notification_decode(f->body, &r->notification));
		break;
	case BGP_KEEPALIVE:
		r->keepalives++;
		break;
	case BGP_ROUTE_REFRESH:
		break;
	}
}

/* As much as the other side's kernel takes. */
static inline void router_flood(struct router *r)
{
	uint8_t buf[64 * BGP_HEADER_LEN];

	for (size_t at = 0; at < sizeof(buf); at += BGP_HEADER_LEN)
		(void)bgp_keepalive_encode(buf + at, sizeof(buf) - at);
	while (send(r->fd, buf, sizeof(buf), MSG_NOSIGNAL) == (ssize_t)sizeof(buf))
		;
}

/* Accepts, reads if it is to, and looks at every whole message. */
ROUTER_UNUSED static void router_turn(struct router *r)
{
	struct bgp_frame f;
	struct bgp_error e;
	ssize_t n;

	if (r->fd < 0) {
		r->fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (r->fd >= 0)
			router_greet(r);
	}
	if (r->fd >= 0 && r->floods)
		router_flood(r);
	if (r->fd < 0 || !r->reads)
		return;
	n = recv(r->fd, r->got + r->n_got, sizeof(r->got) - r->n_got, 0);
	if (n > 0)
		r->n_got += (size_t)n;
	while (bgp_header_parse(r->got + r->at, r->n_got - r->at, BGP_MESSAGE_MAX, &f, &e) ==
	       BGP_FRAME_MESSAGE) {
		router_take(r, &f);
		r->at += f.len;
	}
	r->n_got -= r->at;
	memmove(r->got, r->got + r->at, r->n_got);
	r->at = 0;
	r->was_reset |= n < 0 && errno == ECONNRESET;
	if (n == 0 || (n < 0 && errno != EAGAIN))
		router_hang_up(r);
}
