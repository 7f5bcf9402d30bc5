// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A whole agent with one BGP session that has BFD: the scripted router's BFD is a socket that says
 * what the test wants.
 */
#pragma once

#include "agent/bfd_lines.h"

#include "agent_rig.h"

#define PROFILE                                                                                    \
	"apiVersion: metallb.io/v1beta1\nkind: BFDProfile\nmetadata: {name: fast}\n"               \
	"spec: {transmitInterval: 50, receiveInterval: 50}\n"
#define PEER_WITHOUT                                                                               \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: r, namespace: metallb-system}\n"                                         \
	"spec:\n  {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2, peerPort: 1790,"           \
	" sourceAddress: 10.0.0.1, routerID: 10.0.0.1}\n"
#define PEER_WITH_BFD                                                                              \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: r, namespace: metallb-system}\n"                                         \
	"spec:\n  {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2, peerPort: 1790,"           \
	" sourceAddress: 10.0.0.1, routerID: 10.0.0.1, bfdProfile: fast}\n"

RIG_UNUSED static const struct bfd_line *line(const struct agent_rig *rig)
{
	return agent_bfd_of(&rig->agent.bfd, rig->agent.peers.items[0]);
}

RIG_UNUSED static enum bfd_state state_of(const struct agent_rig *rig)
{
	return line(rig) ? line(rig)->state : BFD_ADMIN_DOWN;
}

RIG_UNUSED static bool is_known(const struct agent_rig *rig)
{
	return rig->agent.peers.n == 1 && line(rig) && line(rig)->is_reported;
}

RIG_UNUSED static bool is_init(const struct agent_rig *rig)
{
	return state_of(rig) == BFD_INIT;
}

RIG_UNUSED static bool is_up(const struct agent_rig *rig)
{
	return state_of(rig) == BFD_UP;
}

RIG_UNUSED static bool is_not_up(const struct agent_rig *rig)
{
	return state_of(rig) != BFD_UP;
}

RIG_UNUSED static bool has_bgp(const struct agent_rig *rig)
{
	return bgp_peer_info(rig->agent.peers.items[0]->bgp).state == BGP_ESTABLISHED;
}

RIG_UNUSED static bool was_notified(const struct agent_rig *rig)
{
	return rig->router->notification.code != 0;
}

/* The router's socket: from 10.0.0.2, TTL 255. */
RIG_UNUSED static int router_bfd(void)
{
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ROUTER_ADDR)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ttl = 255;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	return fd;
}

/* It is to be silent for two seconds before it is missed. */
RIG_UNUSED static void router_says(const struct agent_rig *rig, int fd, enum bfd_state state)
{
	const struct bfd_packet p = {.state = state,
				     .detect_mult = 2,
				     .my_discriminator = 99,
				     .your_discriminator = line(rig)->report.session.discriminator,
				     .min_tx_us = 1000000,
				     .min_rx_us = 1000000};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(3784),
				 .sin_addr.s_addr = htonl(NODE_ADDR)};
	uint8_t buf[BFD_PACKET_BYTES];

	bfd_packet_encode(buf, &p, 0);
	assert_int_equal(sendto(fd, buf, sizeof(buf), 0, (struct sockaddr *)&to, sizeof(to)),
			 sizeof(buf));
}

/* BGP established, BFD Up. */
RIG_UNUSED static struct agent_rig *rig_with_bfd(int *ret_fd)
{
	struct agent_rig *rig = rig_new();

	rig_write(rig, "peer.yaml", PEER_WITH_BFD);
	rig_write(rig, "profile.yaml", PROFILE);
	rig_start(rig);
	RIG_WAIT(rig, is_known);
	RIG_WAIT(rig, has_bgp);
	*ret_fd = router_bfd();
	router_says(rig, *ret_fd, BFD_DOWN);
	RIG_WAIT(rig, is_init);
	router_says(rig, *ret_fd, BFD_UP);
	RIG_WAIT(rig, is_up);
	return rig;
}

RIG_UNUSED static void end(struct agent_rig *rig, int fd)
{
	(void)close(fd);
	rig_free(rig);
}
