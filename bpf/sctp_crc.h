/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * SCTP's checksum by difference (RFC 9260 6.8 and appendix A: CRC32c over the whole packet, no
 * pseudo header). An address is not in it, so only another port changes it. A CRC is linear over
 * exclusive or: what the change adds is the CRC of a packet that has the changed bits alone, which
 * is those bits times x to the number of bits that follow, modulo the polynomial. That power is put
 * together from a table by the length's four nibbles; the payload is never read.
 *
 * Here and below bit 31 of a word is x^0, as CRC32c has it on the wire.
 */
#pragma once

#include "abi.h"

/* BPF verifies it by itself, and once. */
#ifdef __bpf__
#define LB_CRC_STEP __attribute__((noinline))
#else
#define LB_CRC_STEP LB_INLINE
#endif

#define LB_CRC32C_POLYNOMIAL 0x82f63b78u

/* x^(8 v 16^j) at [16 j + v]: so many octets further. */
static const __u32 lb_crc_octets[64] = {
	0x80000000, 0x00800000, 0x00008000, 0x00000080, 0x82f63b78, 0xfbc3faf9, 0x8b277743,
	0x52a0c93f, 0x6ea2d55c, 0x1c08b7d6, 0xf56e0ef4, 0x34019664, 0xa66805eb, 0x7a1f6b24,
	0xe75d06aa, 0xc94ec098, 0x80000000, 0x18b8ea18, 0x510ac59a, 0xb2dea967, 0xb82be955,
	0x36c41f1c, 0x19b29a35, 0xc9e90b9e, 0xb8fdb1e7, 0xe55ef1f3, 0x1fe0b5c3, 0xe0553f1e,
	0x18e4a304, 0x2b830011, 0x56993a31, 0x0246e2e6, 0x80000000, 0x88e56f72, 0x74c360a4,
	0x631bb273, 0xe4172b16, 0x71892b1b, 0x835305c9, 0x196b1eae, 0x0d65762a, 0xafc81338,
	0xb5a50ab7, 0xf373c3ac, 0x5f60970f, 0xd46d3063, 0x3a5275ea, 0x02331c01, 0x80000000,
	0x35d73a62, 0x28461564, 0x43eefc9f, 0xbf455269, 0x5edcdeb9, 0x65059450, 0x4e6f41a4,
	0xe2ea32dc, 0xf5b95b32, 0x695a4c87, 0xf204502c, 0x9a4f01b6, 0x941a0916, 0x4303cb97,
	0x4c3d3d65,
};

/* v x^4 of the four bits that x^4 pushes out at the end, modulo CRC32c's. */
static const __u32 lb_crc_out[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

LB_INLINE __u32 lb_crc_times_x(__u32 a)
{
	return a >> 1 ^ (LB_CRC32C_POLYNOMIAL & (0u - (a & 1)));
}

/*
 * The product of two polynomials, modulo CRC32c's; four bits of the first at a time, from the
 * highest power on.
 */
LB_CRC_STEP __u32 lb_crc_times(__u32 a, __u32 b)
{
	__u32 product = 0, by[4];

	by[3] = b;
	by[2] = lb_crc_times_x(b);
	by[1] = lb_crc_times_x(by[2]);
	by[0] = lb_crc_times_x(by[1]);
	for (__u32 i = 0; i < 8; i++) {
		product = product >> 4 ^ lb_crc_out[product & 15];
		for (__u32 bit = 0; bit < 4; bit++)
			product ^= by[bit] & (0u - (a >> bit & 1));
		a >>= 4;
	}
	return product;
}

/* What a packet's CRC of bits `changed` is when `octets` more follow, 65535 at most. */
LB_INLINE __u32 lb_crc_shift(__u32 changed, __u32 octets)
{
	for (__u32 j = 0; j < 4; j++) {
		__u32 nibble = octets >> (4 * j) & 15;

		if (nibble)
			changed = lb_crc_times(lb_crc_octets[16 * j + nibble], changed);
	}
	return changed;
}

/*
 * The checksum field, as a little-endian word, of an SCTP packet of `len` octets, 12 at least, one
 * of whose ports changes, both in network order as they lie in memory; `port_off` is its place, 0
 * or 2. 0 is not finished yet, by a stack that leaves it to the card, and stays.
 */
LB_INLINE __u32 lb_sctp_check(__u32 check, __u32 port_off, __be16 from, __be16 to, __u32 len)
{
	if (!check || from == to)
		return check;
	return check ^ lb_crc_shift((__u16)(from ^ to), len - port_off);
}
