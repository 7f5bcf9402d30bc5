// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Packets have numbers, and only one that is newer than the last that came back is taken: who
 * records one and sends it again keeps nothing alive.
 */
#include "bfd/bfd_echo.h"

#include "base/cursor.h"

#define JITTER_ONE   65536u
#define JITTER_LEAST (JITTER_ONE / 4 * 3) /* RFC 5880 6.8.9: a quarter less at most */
#define JITTER_MOST                                                                                \
	(JITTER_ONE / 10 * 9) /* so that the last one that counts has time to return               \
			       */
#define PROBE NSEC_PER_SEC

void bfd_echo_set(struct bfd_echo *e, nsec_t now, nsec_t interval, struct rng *rng)
{
	if (e->interval == 0 && interval != 0) /* the pace holds from one time to the next */
		*e = (struct bfd_echo){
			.secret = rng_next(rng), .sent_at = e->sent_at, .jitter = e->jitter};
	if (interval < e->interval) /* what was missed of the former pace counts no more */
		e->heard_at = now;
	e->interval = interval;
	e->is_proven &= interval != 0;
}

static nsec_t pace(const struct bfd_echo *e)
{
	return e->is_proven || e->interval > PROBE ? e->interval : PROBE;
}

static nsec_t sends_at(const struct bfd_echo *e)
{
	const nsec_t interval = pace(e);

	if (e->interval == 0)
		return NSEC_NEVER;
	return e->sent_at + interval / JITTER_ONE * e->jitter +
	       interval % JITTER_ONE * e->jitter / JITTER_ONE;
}

bool bfd_echo_transmit(struct bfd_echo *e, nsec_t now, uint32_t discriminator, struct rng *rng,
		       uint8_t buf[BFD_ECHO_BYTES])
{
	struct wcur c = wcur_init(buf, BFD_ECHO_BYTES);

	if (now < sends_at(e))
		return false;
	/* Time in which nothing was sent, though it was due, is none in which anything was missed.
	 */
	if (e->is_proven && now > e->sent_at + e->interval)
		e->heard_at = nsec_min(e->heard_at + now - e->sent_at - e->interval, now);
	e->sent_at = now;
	e->jitter = JITTER_LEAST + rng_below(rng, JITTER_MOST - JITTER_LEAST + 1);
	wcur_u32(&c, discriminator);
	wcur_u32(&c, ++e->sent);
	wcur_u32(&c, (uint32_t)(e->secret >> 32));
	wcur_u32(&c, (uint32_t)e->secret);
	return true;
}

bool bfd_echo_receive(struct bfd_echo *e, nsec_t at, uint32_t discriminator, const uint8_t *data,
		      size_t len)
{
	struct rcur c = rcur_init(data, len);
	const uint32_t whose = rcur_u32(&c), number = rcur_u32(&c);
	const uint64_t high = rcur_u32(&c), low = rcur_u32(&c);

	if (c.failed || e->interval == 0 || whose != discriminator ||
	    (high << 32 | low) != e->secret || number - e->returned - 1 >= e->sent - e->returned)
		return false;
	e->returned = number;
	if (!e->is_proven || at > e->heard_at)
		e->heard_at = at;
	e->is_proven = true;
	return true;
}

nsec_t bfd_echo_silent_at(const struct bfd_echo *e, uint8_t detect_mult)
{
	return e->is_proven ? nsec_add(e->heard_at, detect_mult * e->interval) : NSEC_NEVER;
}

bool bfd_echo_is_silent(const struct bfd_echo *e, nsec_t now, uint8_t detect_mult)
{
	return nsec_min(now, e->sent_at + e->interval) >= bfd_echo_silent_at(e, detect_mult);
}

nsec_t bfd_echo_deadline(const struct bfd_echo *e, uint8_t detect_mult)
{
	return nsec_min(sends_at(e), bfd_echo_silent_at(e, detect_mult));
}
