// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * All BFD sessions of a host: gives them their discriminators, finds the one that a packet belongs
 * to (RFC 5880 6.3, 6.8.6; RFC 5881 3), and knows which is due next, by a heap of their deadlines.
 * All memory is taken at the start, so that adding and removing cost none.
 *
 * Usage of the driver: receive everything that has arrived; then, for each session of
 * bfd_set_due(), bfd_session_tick(), poll() and transmit() until both say no, then bfd_set_touch().
 * After any other verb on a session, too, it is to be touched.
 */
#pragma once

#include "bfd/bfd_session.h"

#define BFD_SET_MAX 1024

struct bfd_set;

/* Room for so many sessions, at most BFD_SET_MAX. The rng, which is copied, decides discriminators
 * and jitter. */
struct bfd_set *bfd_set_new(size_t capacity, const struct rng *rng);
struct bfd_set *bfd_set_free(struct bfd_set *set);

/*
 * A new session, Down; the set owns it. NULL: there is no room, or one with the same peer,
 * interface, VRF, local address and is_multihop is there already.
 */
struct bfd_session *bfd_set_add(struct bfd_set *set, nsec_t now,
				const struct bfd_config *config) must_check;
/*
 * The same with what a former session of the config has left, under its discriminator; NULL, too,
 * if that is another's by now. What may be taken so is to be reserved before any session is added:
 * then the others get its place only where there is no other.
 */
struct bfd_session *bfd_set_resume(struct bfd_set *set, nsec_t now, const struct bfd_config *config,
				   const struct bfd_left *left) must_check;
void bfd_set_reserve(struct bfd_set *set, uint32_t discriminator);
void bfd_set_remove(struct bfd_set *set, struct bfd_session *s);

/*
 * The payload of a datagram. BFD_ACCEPTED: *ret is the session that took it, to be polled,
 * transmitted and touched. Else it is refused for that reason and counted, in the session if it was
 * clear which one it was for, else in bfd_set_rejected().
 */
enum bfd_reject bfd_set_receive(struct bfd_set *set, const struct bfd_arrival *arrival,
				const uint8_t *data, size_t len, struct bfd_session **ret);

/* A session whose deadline has come; NULL: none. */
struct bfd_session *bfd_set_due(struct bfd_set *set, nsec_t now);
/* Its deadline may have changed. */
void bfd_set_touch(struct bfd_set *set, const struct bfd_session *s);
nsec_t bfd_set_deadline(const struct bfd_set *set);

/* Sessions in an order of their own, i below bfd_set_count(). */
size_t bfd_set_count(const struct bfd_set *set);
struct bfd_session *bfd_set_at(struct bfd_set *set, size_t i);
/* By our discriminator; NULL: none. */
struct bfd_session *bfd_set_find(struct bfd_set *set, uint32_t discriminator);
/* By the Your Discriminator of a datagram's payload, whatever else it is. */
struct bfd_session *bfd_set_named(struct bfd_set *set, const uint8_t *data, size_t len);
/* Packets of no session by reason, an array of BFD_N_REJECTS. Borrowed from the set. */
const uint64_t *bfd_set_rejected(const struct bfd_set *set);
