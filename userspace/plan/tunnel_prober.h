// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Who of the other nodes answers the tunnel's echo (lb/lb_echo.h), and so may be tunnelled to: each
 * is asked once a second; one that has not answered for three is silent, and so is one that speaks
 * nothing that this build does. A new one is asked at once, and unknown until it answers or three
 * seconds are over. Requests are spread over the second in PROBER_SLOTS steps, the same for a node
 * each time, so that a thousand nodes are no burst and few wake nobody for nothing.
 *
 * An answer counts if it has the token of the request that was sent last, or of the one before: a
 * token that nobody can guess who has not seen the request.
 */
#pragma once

#include "base/arena.h"
#include "base/nsec.h"
#include "lb/lb_echo.h"
#include "plan/plan_remote.h"

#include <stddef.h>

#define PROBER_EVERY_NS  NSEC_PER_SEC
#define PROBER_SILENT_NS (3 * NSEC_PER_SEC)
#define PROBER_SLOTS     20

struct tunnel_prober;

struct prober_request {
	struct ip_addr to;
	uint8_t data[LB_ECHO_BYTES];
};

/* What lodectl shows of a node. */
struct prober_told {
	struct ip_addr addr;
	enum plan_remote_state state;
	bool has_answered; /* ever; then the next three are of its last answer */
	uint8_t least, most, recipe;
	nsec_t answered_at;
	nsec_t round_trip;
	nsec_t since; /* it is in this state */
	uint64_t n_asked, n_answers;
};

/* `secret`: random, what tokens are made from. */
struct tunnel_prober *prober_new(uint64_t secret);
struct tunnel_prober *prober_free(struct tunnel_prober *p);

/* From now on these are asked, sorted and without doubles; of who stays what is known is kept. */
void prober_set(struct tunnel_prober *p, const struct plan_remote *nodes, size_t n, nsec_t now);

/*
 * What is to be sent now, `cap` at most, and changes that time alone made. As long as it returns
 * `cap` there may be more.
 */
size_t prober_poll(struct tunnel_prober *p, nsec_t now, struct prober_request *to, size_t cap);

/* A datagram from that address and LB_ECHO_PORT. What is no right answer is passed over. */
void prober_receive(struct tunnel_prober *p, nsec_t now, const struct ip_addr *from,
		    const uint8_t *data, size_t n);

/* When prober_poll() has something to do. */
nsec_t prober_deadline(const struct tunnel_prober *p);

/* A number that changes exactly when somebody's state or version does, or others are asked. */
uint64_t prober_generation(const struct tunnel_prober *p);

/* Who is asked, by address, from the arena. */
struct plan_actual_remote *prober_actual(const struct tunnel_prober *p, struct arena *arena,
					 size_t *ret_n);
/* Version of private data that all speak who have answered: what each of them is sent. */
uint8_t prober_version(const struct tunnel_prober *p);
/* What is known of one; false: it is not asked. */
bool prober_tell(const struct tunnel_prober *p, const struct ip_addr *addr,
		 struct prober_told *ret) must_check;
