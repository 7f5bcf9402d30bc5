// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The program beside an end (bpf/bfd_answer.h), with its entry as sys/bpf_bfd.c writes it: it takes
 * note of the peer's packets and answers them while the end sleeps or is dead, wakes it when the
 * answers end (bpf/bfd_timer.h), and an end that starts anew goes on with what the entry says.
 */
#include "sim/bfd/bfd_world.h"

#define VALID (30 * NSEC_PER_SEC)
#define PROOF 3
#define MY    4 /* where My Discriminator lies */
#define POLL  0x20
#define FINAL 0x10
#define FLAGS 1 /* the octet of both */

static bool is_valid(const struct world *w, const struct world_carrier *c)
{
	return w->now < c->valid_until;
}

static bool is_seen(const struct world_carrier *c, const struct bfd_session *s)
{
	return c->n_seen > 0 && s->heard_at < nsec_add(c->seen_at, bfd_session_detection(s));
}

void world_carrier_look(struct world *w, int end)
{
	const struct world_carrier *c = &w->end[end].carrier;
	struct bfd_session *s = w->end[end].session;
	struct bfd_carried told = {.is_reflecting = w->end[end].takes_echo};

	if (c->is_there && c->valid_until != 0) {
		told.heard_at = c->seen_at;
		told.answered_at = c->answered_at;
		told.n_answered = c->n_answered;
		told.is_carried = is_seen(c, s) && c->told.may_answer && c->n_proofs >= PROOF;
		told.is_timed = c->timed_at != NSEC_NEVER;
	}
	bfd_session_carried(s, &told);
}

void world_carrier_follow(struct world *w, int end)
{
	struct world_carrier *c = &w->end[end].carrier;
	struct bfd_session *s = w->end[end].session;
	struct bfd_carry told;
	bool is_new;

	world_carrier_look(w, end);
	if (!c->is_there)
		return;
	if (!bfd_session_carry(s, &told)) {
		c->valid_until = 0;
		world_carrier_look(w, end);
		return;
	}
	is_new = c->valid_until == 0 ||
		 memcmp(c->told.said + MY, told.said + MY, sizeof(uint32_t)) != 0 ||
		 s->heard_at >= nsec_add(c->seen_at, told.detection);
	if (is_new)
		*c = (struct world_carrier){
			.is_there = true, .sent_at = s->sent_at, .timed_at = NSEC_NEVER};
	if (is_new || s->heard_at > c->seen_at)
		c->seen_at = s->heard_at;
	c->told = told;
	c->valid_until = w->now + VALID;
	world_carrier_look(w, end);
}

void world_carrier_sent(struct world *w, int end)
{
	w->end[end].carrier.sent_at = w->now;
}

static bool is_heard(const struct world_carrier *c, const struct world_packet *p)
{
	uint8_t b[BFD_PACKET_BYTES];

	if (p->len != sizeof(b))
		return false;
	memcpy(b, p->b, sizeof(b));
	b[FLAGS] &= (uint8_t) ~(POLL | FINAL);
	return memcmp(b, c->told.heard, sizeof(b)) == 0;
}

static bool is_due(struct world *w, struct world_carrier *c)
{
	nsec_t last = c->sent_at > c->answered_at ? c->sent_at : c->answered_at;
	nsec_t quiet = w->now - last;

	if (c->n_proofs < PROOF) {
		c->n_proofs += quiet >= c->told.interval / 4;
		return false;
	}
	return quiet >= c->told.interval / 4 * 3;
}

/* When the end has something to do, as far as the program knows. */
static nsec_t rests_until(const struct world_carrier *c)
{
	nsec_t last = c->sent_at > c->answered_at ? c->sent_at : c->answered_at;

	return nsec_min(last + c->told.interval * (c->told.is_patient ? 2 : 1),
			nsec_add(c->seen_at, c->told.detection));
}

bool world_carrier_fires(struct world *w, int end)
{
	struct world_carrier *c = &w->end[end].carrier;

	if (w->now < c->timed_at)
		return false;
	c->timed_at = NSEC_NEVER;
	if (!is_valid(w, c))
		return false;
	if (rests_until(c) > w->now)
		c->timed_at = rests_until(c);
	else
		w->stats.woken++;
	return c->timed_at == NSEC_NEVER;
}

bool world_carrier_takes(struct world *w, int end, const struct world_packet *p)
{
	struct world_carrier *c = &w->end[end].carrier;
	uint8_t answer[BFD_PACKET_BYTES];
	struct bfd_packet heard;

	if (!is_valid(w, c) || !is_heard(c, p) || w->now >= nsec_add(c->seen_at, c->told.detection))
		return false;
	if (bfd_packet_parse(p->b, p->len, &heard) != BFD_ACCEPTED)
		world_violation(w, "what end %d said is refused where it is carried", 1 - end);
	else
		world_check_heard(w, end, &heard, w->now);
	c->seen_at = w->now;
	c->n_seen++;
	if (!c->told.may_answer || p->b[FLAGS] & FINAL || !is_due(w, c))
		return false;
	c->answered_at = w->now;
	c->n_answered++;
	c->timed_at = rests_until(c);
	w->stats.answers++;
	memcpy(answer, c->told.said, sizeof(answer));
	if (p->b[FLAGS] & POLL)
		answer[FLAGS] |= FINAL;
	world_send(w, end, answer, sizeof(answer));
	return true;
}

bool world_carrier_left(const struct world *w, int end, struct bfd_left *ret)
{
	const struct world_carrier *c = &w->end[end].carrier;

	if (!is_valid(w, c) || !c->told.may_answer ||
	    w->now >= nsec_add(c->seen_at, c->told.detection))
		return false;
	*ret = (struct bfd_left){.heard_at = c->seen_at, .n_answered = c->n_answered};
	return bfd_packet_parse(c->told.said, BFD_PACKET_BYTES, &ret->said) == BFD_ACCEPTED &&
	       bfd_packet_parse(c->told.heard, BFD_PACKET_BYTES, &ret->heard) == BFD_ACCEPTED;
}

/* What an end says, as a program beside the other compares it. */
static void said_by(const struct world_end *e, uint8_t ret[BFD_PACKET_BYTES])
{
	struct bfd_packet p = bfd_session_packet(e->session);

	p.poll = p.has_auth = false; /* signed ones are not carried */
	if (e->carrier.is_there)
		memcpy(ret, e->carrier.told.said, BFD_PACKET_BYTES);
	else
		bfd_packet_encode(ret, &p, 0);
}

bool world_carrier_holds(const struct world *w, int end)
{
	for (int i = 0; i < 2; i++) {
		const struct world_end *e = &w->end[i], *o = &w->end[1 - i];
		const struct world_carrier *c = &e->carrier;
		uint8_t said[BFD_PACKET_BYTES];

		if (w->now < e->sleeps_until || e->session->is_polling)
			return false;
		if (!c->is_there)
			continue;
		said_by(o, said);
		if (!is_valid(w, c) || !c->told.may_answer || !e->session->is_carried ||
		    memcmp(c->told.heard, said, sizeof(said)) != 0)
			return false;
	}
	return w->end[end].carrier.is_there;
}
