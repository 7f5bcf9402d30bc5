// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Nodes lie in the order of addresses; each poll goes through all of them, which is
 * twenty times a second at most.
 */
#include "plan/tunnel_prober.h"

#include "base/hash.h"
#include "base/sorted.h"

#include <assert.h>

struct probed {
	struct prober_told told;
	uint32_t sequence;  /* of the last request; 0: none yet */
	nsec_t asked_at[2]; /* when it and the one before were sent */
	nsec_t quiet_since; /* the last that has an answer was sent, or it was added, */
	unsigned n_since;   /* and so many more were sent */
	nsec_t ask_at;
};

struct tunnel_prober {
	struct probed *items; /* by address; owned */
	size_t n;
	uint64_t secret, generation;
};

struct tunnel_prober *prober_new(uint64_t secret)
{
	struct tunnel_prober *p = xcalloc(1, sizeof(*p));

	p->secret = secret;
	return p;
}

struct tunnel_prober *prober_free(struct tunnel_prober *p)
{
	if (p)
		free(p->items);
	free(p);
	return NULL;
}

static int cmp_addr(const void *key, const void *item)
{
	const struct probed *q = item;

	return ip_addr_cmp(key, &q->told.addr);
}

static struct probed *find(const struct tunnel_prober *p, const struct ip_addr *addr)
{
	return sorted_find(addr, p->items, p->n, sizeof(*p->items), cmp_addr);
}

static bool are_asked(const struct tunnel_prober *p, const struct plan_remote *nodes, size_t n)
{
	for (size_t i = 0; i < n && n == p->n; i++)
		if (!ip_addr_equal(&p->items[i].told.addr, &nodes[i].addr))
			return false;
	return n == p->n;
}

void prober_set(struct tunnel_prober *p, const struct plan_remote *nodes, size_t n, nsec_t now)
{
	struct probed *items;
	size_t n_kept = 0;

	if (are_asked(p, nodes, n))
		return;
	items = xcalloc(n + 1, sizeof(*items));

	for (size_t i = 0; i < n; i++) {
		const struct probed *known = find(p, &nodes[i].addr);

		assert(i == 0 || ip_addr_cmp(&nodes[i - 1].addr, &nodes[i].addr) < 0);
		n_kept += known != NULL;
		if (known)
			items[i] = *known;
		else
			items[i] = (struct probed){
				.told = {.addr = nodes[i].addr, .since = now},
				.quiet_since = now,
				.ask_at = now,
			};
	}
	assert(n_kept <= n && n_kept <= p->n);
	p->generation++;
	free(p->items);
	p->items = items;
	p->n = n;
}

/* Of the echo: with the secret unguessable, and another one for each node and request. */
static uint64_t token_of(const struct tunnel_prober *p, const struct probed *q, uint32_t sequence)
{
	return hash_bytes(hash_u64(hash_u64(p->secret, p->secret), sequence), &q->told.addr,
			  sizeof(q->told.addr));
}

/* The first of its times after `now`. */
static nsec_t next_slot(const struct tunnel_prober *p, const struct probed *q, nsec_t now)
{
	const nsec_t slot = PROBER_EVERY_NS / PROBER_SLOTS;
	const nsec_t offset =
		hash_bytes(p->secret, &q->told.addr, sizeof(q->told.addr)) % PROBER_SLOTS * slot;
	nsec_t at = now - now % PROBER_EVERY_NS + offset;

	if (at <= now)
		at += PROBER_EVERY_NS;
	return at;
}

static void set_state(struct tunnel_prober *p, struct probed *q, enum plan_remote_state state,
		      nsec_t now)
{
	if (q->told.state == state)
		return;
	q->told.state = state;
	q->told.since = now;
	p->generation++;
}

/*
 * Whoever could not ask for a while, since this process was stopped, has heard nothing either: so
 * two must have been sent, and the last one half a period ago.
 */
static nsec_t silent_at(const struct probed *q)
{
	const nsec_t patient = nsec_add(q->asked_at[0], PROBER_EVERY_NS / 2);
	const nsec_t at = nsec_add(q->quiet_since, PROBER_SILENT_NS);

	if (q->told.state == REMOTE_SILENT || q->n_since < 2)
		return NSEC_NEVER;
	return at > patient ? at : patient;
}

static void ask(struct tunnel_prober *p, struct probed *q, nsec_t now, struct prober_request *to)
{
	q->sequence++;
	q->asked_at[1] = q->asked_at[0];
	q->asked_at[0] = now;
	q->n_since++;
	q->told.n_asked++;
	q->ask_at = next_slot(p, q, now);
	assert(q->ask_at > now && q->ask_at <= now + PROBER_EVERY_NS);
	to->to = q->told.addr;
	lb_echo_request(to->data, q->sequence, token_of(p, q, q->sequence));
}

size_t prober_poll(struct tunnel_prober *p, nsec_t now, struct prober_request *to, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct probed *q = &p->items[i];

		if (now >= silent_at(q))
			set_state(p, q, REMOTE_SILENT, now);
		if (now >= q->ask_at && n < cap)
			ask(p, q, now, &to[n++]);
	}
	return n;
}

static enum plan_remote_state state_of(const struct lb_echo *answer)
{
	if (!lb_echo_agrees(answer))
		return REMOTE_STRANGE;
	return answer->is_closed ? REMOTE_LEAVING : REMOTE_ANSWERS;
}

void prober_receive(struct tunnel_prober *p, nsec_t now, const struct ip_addr *from,
		    const uint8_t *data, size_t n)
{
	struct probed *q = find(p, from);
	struct prober_told *t;
	struct lb_echo e;
	uint32_t behind; /* how many were sent after the one that is answered */

	if (!q || q->sequence == 0 || !lb_echo_read(data, n, &e) || !e.is_answer)
		return;
	behind = q->sequence - e.sequence;
	if (e.sequence == 0 || behind > 1 || e.token != token_of(p, q, e.sequence))
		return;
	t = &q->told;
	assert(q->asked_at[behind] != 0 && q->asked_at[behind] <= now);
	p->generation += t->has_answered && t->most != e.most;
	t->has_answered = true;
	t->least = e.least;
	t->most = e.most;
	t->recipe = e.recipe;
	t->answered_at = now;
	t->n_answers++;
	t->round_trip = now - q->asked_at[behind];
	q->quiet_since = q->asked_at[behind];
	q->n_since = behind;
	set_state(p, q, state_of(&e), now);
}

nsec_t prober_deadline(const struct tunnel_prober *p)
{
	nsec_t ret = NSEC_NEVER;

	for (size_t i = 0; i < p->n; i++)
		ret = nsec_min(ret, nsec_min(p->items[i].ask_at, silent_at(&p->items[i])));
	return ret;
}

uint64_t prober_generation(const struct tunnel_prober *p)
{
	return p->generation;
}

struct plan_actual_remote *prober_actual(const struct tunnel_prober *p, struct arena *arena,
					 size_t *ret_n)
{
	struct plan_actual_remote *ret = arena_array_of(arena, p->n, struct plan_actual_remote);

	for (size_t i = 0; i < p->n; i++)
		ret[i] = (struct plan_actual_remote){.addr = p->items[i].told.addr,
						     .state = p->items[i].told.state};
	*ret_n = p->n;
	return ret;
}

uint8_t prober_version(const struct tunnel_prober *p)
{
	uint8_t most = UINT8_MAX;

	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].told.has_answered && p->items[i].told.state != REMOTE_STRANGE &&
		    p->items[i].told.most < most)
			most = p->items[i].told.most;
	return lb_echo_version(most);
}

bool prober_tell(const struct tunnel_prober *p, const struct ip_addr *addr, struct prober_told *ret)
{
	const struct probed *q = find(p, addr);

	if (q)
		*ret = q->told;
	return q != NULL;
}
