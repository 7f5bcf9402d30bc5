// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The echo function of one session (RFC 5880 6.4, 6.8.9): packets that the peer's forwarding plane
 * sends back, when the next one is due, and whether they stopped coming. Pure; the session says
 * when there is to be echo, and what its end means.
 *
 * Only what has come back once can stop coming. Until then one packet is sent a second: a peer may
 * well say that it takes echo packets and not forward them.
 *
 * Silence counts only as far as packets were sent: an end that slept has missed nothing.
 */
#pragma once

#include "base/nsec.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BFD_ECHO_BYTES 16 /* of UDP payload: our discriminator, a number, a word that was drawn */

/* All zero: there is no echo. */
struct bfd_echo {
	nsec_t interval; /* between two packets, without jitter; 0: none are sent */
	bool is_proven;  /* one has come back: they are sent at their interval, and missed */
	nsec_t sent_at;  /* last; 0: none */
	nsec_t heard_at; /* the last that came back, if is_proven */
	uint64_t jitter; /* of the next one, in 1/65536 of the interval */
	uint64_t secret; /* in each: nobody who has seen none makes one */
	uint32_t sent, returned; /* numbers of the last packets */
};

/* From now on packets are sent at this interval; 0: no more. What is proven stays so until it ends.
 */
void bfd_echo_set(struct bfd_echo *e, nsec_t now, nsec_t interval, struct rng *rng);
/* The payload of a packet that is due now; false: none is. What is returned counts as sent. */
bool bfd_echo_transmit(struct bfd_echo *e, nsec_t now, uint32_t discriminator, struct rng *rng,
		       uint8_t buf[BFD_ECHO_BYTES]);
/*
 * A payload that came back at that time. False: it is none of ours, or older than one that came
 * back before.
 */
bool bfd_echo_receive(struct bfd_echo *e, nsec_t at, uint32_t discriminator, const uint8_t *data,
		      size_t len);
/* Nothing came back for detect_mult intervals, during which packets were sent. And when that will
 * be so, if nothing does. */
bool bfd_echo_is_silent(const struct bfd_echo *e, nsec_t now, uint8_t detect_mult);
nsec_t bfd_echo_silent_at(const struct bfd_echo *e, uint8_t detect_mult);
/* When a packet is due, or silence is over. */
nsec_t bfd_echo_deadline(const struct bfd_echo *e, uint8_t detect_mult);
