/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SCTP (RFC 9260): an association between two addresses is a flow, its first chunk says how it
 * stands, and its checksum goes by difference (sctp_crc.h). Addresses that the two ends tell each
 * other in INIT are theirs: an association over several addresses is served by its first alone.
 *
 * bytes_xdp.h or bytes_skb.h comes before.
 */
#pragma once

#include "common.h"
#include "sctp_crc.h"

#define SCTP_CHECK  8  /* where it lies in the header */
#define SCTP_CHUNK  12 /* the first chunk's type */
#define SCTP_LEAST  16 /* the header, and that of a chunk */
#define SCTP_DEST   2
#define SCTP_SOURCE 0

enum sctp_chunk {
	SCTP_INIT = 1,
	SCTP_INIT_ACK = 2,
	SCTP_ABORT = 6,
	SCTP_SHUTDOWN = 7,
	SCTP_SHUTDOWN_ACK = 8,
	SCTP_SHUTDOWN_COMPLETE = 14,
};

/* What TCP would say: both begin, refuse and end alike, as far as a flow's entry goes. */
static __always_inline __u8 sctp_flags(__u8 chunk)
{
	switch (chunk) {
	case SCTP_INIT:
		return TCP_SYN;
	case SCTP_INIT_ACK:
		return TCP_SYN | TCP_ACK;
	case SCTP_ABORT:
		return TCP_RST;
	case SCTP_SHUTDOWN:
	case SCTP_SHUTDOWN_ACK:
	case SCTP_SHUTDOWN_COMPLETE:
		return TCP_FIN | TCP_ACK;
	default:
		return TCP_ACK;
	}
}

/* A port of a header of `len` octets of SCTP, and the checksum with it. */
static __always_inline void sctp_rewrite(void *header, __u32 len, __u32 port_off, __be16 port)
{
	__be16 *at = header + port_off;
	__u32 *check = header + SCTP_CHECK;

	*check = lb_sctp_check(*check, port_off, *at, port, len);
	*at = port;
}

/* The same at l4_off of a packet, by helper calls. */
static __always_inline void sctp_patch(lb_bytes *to, __u32 l4_off, __u32 len, __u32 port_off,
				       __be16 from, __be16 port)
{
	__u32 check;

	if (from == port || !lb_bytes_read(to, l4_off + SCTP_CHECK, &check, sizeof(check)))
		return;
	check = lb_sctp_check(check, port_off, from, port, len);
	lb_bytes_write(to, l4_off + SCTP_CHECK, &check, sizeof(check));
	lb_bytes_write(to, l4_off + port_off, &port, sizeof(port));
}
