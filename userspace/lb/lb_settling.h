// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which unsettled rows may settle, by what all nodes say. A row may where every node makes it by
 * the same recipe, and none has a living flow in it that another than its first candidate owns. A
 * flow's owner is known where it runs: so each node tells each other one of which rows it knows
 * such flows (bpf/wire_settle.h), after a walk through its flow table, and only what has changed.
 *
 * When a node's word is evidence. Until all nodes have the recipe, one that has not may begin flows
 * elsewhere; so what was found before counts for nothing. A node notes when it learnt that all
 * agree on a block. It counts another one's statements from the moment on when that one says that
 * they are of a walk that began a rest after this: each message says what its sender's clock is,
 * and which of the receiver's clock had been heard when the last whole walk began. So nobody needs
 * to say anything again because somebody else came, went or changed, and no clock is compared with
 * another one's.
 *
 * Who says nothing is no evidence: as long as a node is not heard of, no row settles; what has
 * settled stays so. A node that has no such frontend says that it has none, once it is asked by
 * being told. One that has been silent for as long as flows live without a packet (`gone`) counts
 * no more.
 *
 * Messages go by a node's address and a number that its agent drew when it began, which only those
 * know who see what it sends. Each has all that the sender knows the receiver to lack, as far as
 * fits, and says up to where the sender has the receiver's. One that brings something, or shows
 * that something is missing, is answered at once; the others come each SETTLE_EVERY_NS, or where
 * the receiver lacks something each SETTLE_RETRY_NS, and so what was lost is made good.
 *
 * Pure: datagrams in and out, time a parameter.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"
#include "base/nsec.h"
#include "lb/lb_settle_page.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTLE_EVERY_NS  (5 * NSEC_PER_SEC)
#define SETTLE_SILENT_NS (4 * SETTLE_EVERY_NS) /* no message: the node is not heard of */
#define SETTLE_RETRY_NS  (NSEC_PER_SEC / 2)
#define SETTLE_SLOTS     50
#define SETTLE_BLOCKS    131072u /* that are known at most; what is more never settles */
#define SETTLE_EPOCH_MIN 2u      /* of who has the frontend */

struct lb_settling;

struct lb_settling *lb_settling_new(void);
struct lb_settling *lb_settling_free(struct lb_settling *s);

/* A random number that is not 0: from now on messages are sent and taken. */
void lb_settling_begin(struct lb_settling *s, uint64_t incarnation);

struct lb_settling_node {
	struct ip_addr addr; /* that messages go to and come from */
	bool gone;           /* it counts no more */
};
/*
 * All other nodes that may begin flows or have any, sorted by address, without doubles. Before they
 * are told for the first time no row settles.
 */
void lb_settling_set_nodes(struct lb_settling *s, const struct lb_settling_node *nodes, size_t n,
			   nsec_t now);

/* There are others, who want to be told that there is nothing, too. */
bool lb_settling_is_asked(const struct lb_settling *s);

/* --- of the walk (lb_spread.c) ---------------------------------------------------------------- */

void lb_settling_walk_begins(struct lb_settling *s, nsec_t now);
/* Recipe of a block as it was said when this node's name of its rows was `table`; 0: not known. */
uint64_t lb_settling_recipe(const struct lb_settling *s, uint64_t block, uint64_t table);
/*
 * What this node has to say of one of its blocks after the walk, from which it takes what differs
 * from before; `table` is its own name of the rows. Returns whether the evidence of all others is
 * complete, for rows that are clear in ret_others: those of which another node with the same recipe
 * knows foreign flows.
 */
bool lb_settling_say(struct lb_settling *s, const struct lb_settle_said *own, uint64_t table,
		     uint64_t ret_others[LB_SETTLE_N_WORDS]);
/* So many rows are unsettled after that; for status. */
void lb_settling_count(struct lb_settling *s, uint32_t unsettled);
/* Blocks that were not said since it began are none of this node's any more. */
void lb_settling_walk_ends(struct lb_settling *s, nsec_t now);

/* --- messages --------------------------------------------------------------------------------- */

struct lb_settling_message {
	struct ip_addr to;
	size_t n;
	uint8_t data[LB_SETTLE_PAGE_MAX];
};
/* What is to be sent now, `cap` at most; as long as it returns `cap` there may be more. */
size_t lb_settling_poll(struct lb_settling *s, nsec_t now, struct lb_settling_message *to,
			size_t cap);
/* A datagram; who is no node of ours, or does not know our number, changes nothing. */
void lb_settling_receive(struct lb_settling *s, nsec_t now, const struct ip_addr *from,
			 const uint8_t *data, size_t n);
/* When lb_settling_poll() has something to do. */
nsec_t lb_settling_deadline(const struct lb_settling *s);

/* --- for status ------------------------------------------------------------------------------- */

struct lb_settling_told {
	bool is_heard;   /* now */
	nsec_t heard_at; /* if ever, else 0 */
	uint64_t n_sent, n_received, octets_sent;
};
/* What is known of one; false: it is not asked. */
bool lb_settling_tell(const struct lb_settling *s, const struct ip_addr *addr, nsec_t now,
		      struct lb_settling_told *ret) must_check;
struct lb_settling_usage {
	size_t blocks, bytes; /* bytes: of what is kept, about */
	uint64_t unsettled;   /* rows, by the last whole walk */
};
struct lb_settling_usage lb_settling_usage(const struct lb_settling *s);
