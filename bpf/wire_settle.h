/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What nodes tell each other of unsettled rows, part of wire.h. It lies behind the control echo's
 * header (struct lb_tunnel_echo) with kind LB_ECHO_SETTLING, goes from agent to agent between the
 * nodes' ends at LB_GUE_PORT, and is answered by no program. Fields are in network order. Golden
 * vectors are in tests/unit/lb/test_lb_settle_page.c.
 *
 *   GUE, C set | struct lb_tunnel_echo | struct lb_settle_head | statements
 *
 * The echo's token is `from` of what the receiver has sent last, so who has not seen that is not
 * believed; 0 as long as nothing is known. `follow` counts the octets behind the echo's header.
 *
 * A statement is about one block, at most 4,096 rows of a frontend: which recipe the sender makes
 * them by, and of which it knows that they must not settle by that recipe. A sender numbers its
 * statements, a later one about the same block takes the place of an earlier one, and a page has
 * all of them between two numbers.
 */
#pragma once

#define LB_ECHO_SETTLING 3

struct lb_settle_head {
	__u8 from[8];  /* the sender's since its agent began; any number but 0 */
	__u8 has[8];   /* of the receiver's statements all up to this number */
	__u8 since[8]; /* the page has those behind this number */
	__u8 upto[8];  /* up to this one */
	__u8 at[8];    /* the sender's clock, in any unit that grows */
	__u8 seen[8];  /* all statements are of a walk that began when this `at` of the receiver's
			* had been heard; 0: it is not said */
};
_Static_assert(sizeof(struct lb_settle_head) == 48, "a format between nodes");

struct lb_settle_statement {
	__u8 block[8];  /* lb_settle_block() */
	__u8 recipe[8]; /* lb_wire_recipe() with all backends; 0 with LB_SETTLE_ABSENT */
	__u8 epoch[4];  /* another one each time its rows are made by another recipe */
	__u8 words[8];  /* bit i: word i follows, 8 octets; row 64 * i + k of the block is bit k */
};
_Static_assert(sizeof(struct lb_settle_statement) == 28, "a format between nodes");

#define LB_SETTLE_ABSENT 1u /* epoch: the sender has no such frontend, so begins no flow of it */
#define LB_SETTLE_WORDS  64u
#define LB_SETTLE_ROWS   (64u * LB_SETTLE_WORDS) /* of a block at most */
/* UDP's payload at most: with IPv6 what every link must carry. */
#define LB_SETTLE_BYTES 1232u

/* Name of a block: of the frontend as all nodes know it, in domain 0, and its number. */
static inline __attribute__((always_inline)) __u64
lb_settle_block(const __u32 addr[4], __u16 port, __u8 proto, __u32 seed, __u32 number)
{
	return lb_wire_mix(lb_wire_backend_id(addr, port, seed), (__u64)proto << 32 | number);
}
