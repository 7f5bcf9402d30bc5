// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The driver of both ends, as the thread of sys/ does it: read everything that has arrived, then
 * what is due, each with poll and transmit after it. An end that sleeps does nothing of it until it
 * wakes; what came meanwhile has its time of arrival.
 */
#include "sim/bfd/bfd_world.h"

#include <assert.h>

#define FAULTS   (20 * NSEC_PER_SEC)
#define CONVERGE (60 * NSEC_PER_SEC)
#define QUIET    (10 * NSEC_PER_SEC)
#define STEPS    2000000
#define MS(n)    ((nsec_t)(n)*NSEC_PER_MSEC)

static uint64_t chance(struct world *w, uint64_t n)
{
	return rng_below(&w->rng, n);
}

static bool per_cent(struct world *w, unsigned n)
{
	return chance(w, 100) < n;
}

/* ---- link ------------------------------------------------------------------------------------ */

static void put_on_link(struct world *w, int to, const uint8_t *data, size_t len)
{
	struct world_end *e = &w->end[to];
	nsec_t delay =
		w->weather.delay_min + chance(w, w->weather.delay_max - w->weather.delay_min + 1);

	if (per_cent(w, w->weather.loss[to]))
		return;
	for (size_t i = 0; i < WORLD_PACKETS; i++) {
		struct world_packet *p = &e->inbox[i];

		if (p->arrives_at != NSEC_NEVER)
			continue;
		memcpy(p->b, data, len);
		p->len = len;
		p->arrives_at = w->now + delay;
		p->is_shown = p->is_sorted = p->is_quiet = false;
		return;
	}
}

void world_send(struct world *w, int from, const uint8_t *data, size_t len)
{
	world_check_said(w, from, data, len);
	put_on_link(w, 1 - from, data, len);
	if (per_cent(w, w->weather.duplicates))
		put_on_link(w, 1 - from, data, len);
}

/* As the socket's program does (bfd_socket_steer). One in a hundred goes astray. */
static void sort_out(struct world *w, int end)
{
	const struct bfd_session *s = w->end[end].session;

	for (size_t i = 0; w->is_steered && i < WORLD_PACKETS; i++) {
		struct world_packet *p = &w->end[end].inbox[i];
		struct bfd_packet said;

		if (p->arrives_at > w->now || p->is_sorted)
			continue;
		p->is_sorted = true;
		p->is_quiet =
			per_cent(w, 1) || (s->state == BFD_UP &&
					   bfd_packet_parse(p->b, p->len, &said) == BFD_ACCEPTED &&
					   said.state == BFD_UP && !said.poll && !said.final &&
					   said.your_discriminator == s->discriminator);
	}
}

/* The one of a socket that arrived first; NULL: none has. */
static struct world_packet *first_arrived(struct world *w, int end, bool is_quiet)
{
	struct world_packet *first = NULL;

	for (size_t i = 0; i < WORLD_PACKETS; i++) {
		struct world_packet *p = &w->end[end].inbox[i];

		if (p->arrives_at <= w->now && p->is_quiet == is_quiet &&
		    (!first || p->arrives_at < first->arrives_at))
			first = p;
	}
	return first;
}

/* What has arrived comes by the program first, whether the end sleeps or not. */
static void show(struct world *w, int end)
{
	for (size_t i = 0; w->end[end].carrier.is_there && i < WORLD_PACKETS; i++) {
		struct world_packet *p = &w->end[end].inbox[i];

		if (p->arrives_at > w->now || p->is_shown)
			continue;
		p->is_shown = true;
		if (world_carrier_takes(w, end, p))
			p->arrives_at = NSEC_NEVER;
	}
}

/* The program's timer; who sleeps finds it when it wakes up. */
static void fire(struct world *w, int end)
{
	struct world_end *e = &w->end[end];

	if (!world_carrier_fires(w, end) || e->is_dead)
		return;
	world_carrier_look(w, end);
	bfd_set_touch(e->set, e->session);
}

/* ---- an end ---------------------------------------------------------------------------------- */

static void follow_up(struct world *w, int end)
{
	struct world_end *e = &w->end[end];
	uint8_t buf[BFD_PACKET_MAX];
	struct bfd_event event;
	size_t len;

	while (bfd_session_poll(e->session, &event))
		world_check_event(w, end, &event);
	world_carrier_follow(w, end);
	while ((len = bfd_session_transmit(e->session, w->now, buf)) > 0) {
		world_carrier_sent(w, end);
		world_send(w, end, buf, len);
	}
	world_echo_send(w, end);
	bfd_set_touch(e->set, e->session);
}

static void read_one(struct world *w, int end, struct world_packet *packet)
{
	struct world_end *e = &w->end[end];
	const struct bfd_arrival a = {.at = packet->arrives_at,
				      .source = e->config.peer,
				      .destination = e->config.local,
				      .ifindex = 2,
				      .ttl = 255};
	struct bfd_session *got;
	struct bfd_packet p;
	struct bfd_event event;

	world_carrier_look(w, end);
	w->stats.late_reads += packet->arrives_at < w->now;
	/* The copy is what the world's observer keeps of it: the bytes are free for the next one.
	 */
	if (bfd_packet_parse(packet->b, packet->len, &p) == BFD_ACCEPTED &&
	    bfd_set_receive(e->set, &a, packet->b, packet->len, &got) == BFD_ACCEPTED) {
		/* A Down of the silence before it comes first. */
		if (e->session->n_events > 0 && e->session->counters.expired > 0 &&
		    e->session->events[e->session->first_event].diag == BFD_DIAG_EXPIRED &&
		    bfd_session_poll(e->session, &event))
			world_check_event(w, end, &event);
		world_check_heard(w, end, &p, packet->arrives_at);
	}
	packet->arrives_at = NSEC_NEVER;
	follow_up(w, end);
}

static void new_set(struct world *w, int end)
{
	struct world_end *e = &w->end[end];
	struct rng rng;

	e->set = bfd_set_free(e->set);
	rng_seed(&rng, rng_next(&w->rng));
	e->set = bfd_set_new(e->carrier.is_there ? 4 : 1 + chance(w, 4), &rng);
	e->is_dead = false;
}

static void start(struct world *w, int end)
{
	struct world_end *e = &w->end[end];

	new_set(w, end);
	e->carrier.valid_until = 0;
	e->carrier.timed_at = NSEC_NEVER;
	e->session = bfd_set_add(e->set, w->now, &e->config);
	assert(e->session);
	e->is_admin_down = false;
	world_check_started(w, end);
}

/* What came while it was dead nobody has read. If the session holds still, it goes on. */
static void come_back(struct world *w, int end)
{
	struct world_end *e = &w->end[end];
	const struct world_watch before = e->watch;
	struct bfd_left left;

	for (size_t i = 0; i < WORLD_PACKETS; i++)
		if (e->inbox[i].arrives_at <= w->now)
			e->inbox[i].arrives_at = NSEC_NEVER;
	for (size_t i = 0; i < WORLD_PACKETS; i++)
		if (e->echoes[i].arrives_at <= w->now)
			e->echoes[i].arrives_at = NSEC_NEVER;
	if (!world_carrier_left(w, end, &left)) {
		start(w, end);
		follow_up(w, end);
		return;
	}
	new_set(w, end);
	bfd_set_reserve(e->set, left.said.my_discriminator);
	e->session = bfd_set_resume(e->set, w->now, &e->config, &left);
	assert(e->session);
	e->watch.state = BFD_DOWN; /* which the new one begins with, and says nothing of */
	e->watch.saw_answer = true;
	e->watch.echo_sent_at = 0; /* of which it knows nothing */
	w->stats.resumed++;
	follow_up(w, end);
	world_check_resumed(w, end, &before);
}

static void read_socket(struct world *w, int end, bool is_quiet)
{
	struct world_packet *p;

	while ((p = first_arrived(w, end, is_quiet)))
		read_one(w, end, p);
}

/*
 * What was put aside is read before what woke the end, else when it has to be, and each second,
 * when the end tells the program of itself, too. Nothing is looked for there while nothing is Up.
 */
static void wake(struct world *w, int end)
{
	struct world_end *e = &w->end[end];
	struct bfd_session *s;
	bool has_heard, was_up;

	if (w->now < e->sleeps_until)
		return;
	if (e->is_dead)
		come_back(w, end);
	was_up = e->session->state == BFD_UP;
	has_heard = first_arrived(w, end, false) != NULL || w->now >= e->looks_at;
	if (has_heard && was_up)
		read_socket(w, end, true);
	if (w->now >= e->looks_at) {
		follow_up(w, end);
		e->looks_at = w->now + NSEC_PER_SEC;
	}
	read_socket(w, end, false);
	while (world_echo_read(w, end))
		follow_up(w, end);
	while ((s = bfd_set_due(e->set, w->now))) {
		world_carrier_look(w, end);
		if (!has_heard && was_up && bfd_session_wants_to_hear(s, w->now)) {
			read_socket(w, end, true);
			has_heard = true;
			continue;
		}
		bfd_session_tick(s, w->now);
		follow_up(w, end);
	}
	world_check_awake(w, end);
}

static nsec_t next_of(const struct world_end *e)
{
	nsec_t next = nsec_min(bfd_set_deadline(e->set), world_echo_next(e));

	next = nsec_min(next, e->looks_at);
	for (size_t i = 0; i < WORLD_PACKETS; i++)
		if (!e->inbox[i].is_quiet)
			next = nsec_min(next, e->inbox[i].arrives_at);
	next = next > e->sleeps_until ? next : e->sleeps_until;
	for (size_t i = 0; e->carrier.is_there && i < WORLD_PACKETS; i++)
		if (!e->inbox[i].is_shown)
			next = nsec_min(next, e->inbox[i].arrives_at);
	return nsec_min(next, e->carrier.timed_at);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static struct bfd_terms some_terms(struct world *w)
{
	static const uint32_t us[] = {10000, 50000, 50000, 100000, 300000, 1000000, 2500000};

	return (struct bfd_terms){us[chance(w, ARRAY_SIZE(us))], us[chance(w, ARRAY_SIZE(us))],
				  (uint8_t)(w->is_calm ? 3 + chance(w, 3) : 1 + chance(w, 5))};
}

static uint32_t some_echo(struct world *w)
{
	static const uint32_t us[] = {0, 20000, 50000, 300000, 2000000};

	return us[chance(w, ARRAY_SIZE(us))];
}

static void reconfigure(struct world *w, int end)
{
	struct world_end *e = &w->end[end];

	e->config.terms = some_terms(w);
	if (w->has_echo)
		e->config.echo_tx_us = some_echo(w);
	bfd_session_reconfigure(e->session, w->now, &e->config);
	world_check_reconfigured(w, end);
	follow_up(w, end);
}

static void rekey(struct world *w, int end, const struct bfd_auth_key *key)
{
	struct world_end *e = &w->end[end];

	e->config.auth = *key;
	bfd_session_reconfigure(e->session, w->now, &e->config);
	world_check_reconfigured(w, end);
	follow_up(w, end);
}

static struct bfd_auth_key some_key(struct world *w)
{
	static const char *const texts[] = {"sesame", "simsala"};
	struct bfd_auth_key key = {.type = (enum bfd_auth_type)chance(w, 6)};

	if (key.type == BFD_AUTH_NONE)
		return key;
	key.id = (uint8_t)chance(w, 2);
	key.len = 6;
	memcpy(key.key, texts[chance(w, ARRAY_SIZE(texts))], key.len);
	return key;
}

/* Both, or one, which the other does not understand until the link has healed. */
static void change_key(struct world *w, int end)
{
	const struct bfd_auth_key key = some_key(w);

	rekey(w, end, &key);
	if (w->is_calm || chance(w, 2))
		rekey(w, 1 - end, &key);
}

static void toggle(struct world *w, int end)
{
	struct world_end *e = &w->end[end];

	e->is_admin_down = !e->is_admin_down;
	bfd_session_notify(e->session, w->now,
			   e->is_admin_down ? BFD_NOTE_ADMIN_DOWN : BFD_NOTE_ADMIN_UP);
	follow_up(w, end);
}

static bool somebody_sleeps(const struct world *w)
{
	return w->now < w->end[0].sleeps_until || w->now < w->end[1].sleeps_until;
}

static void sleep_some(struct world *w, int end)
{
	static const nsec_t most[] = {MS(5), MS(100), MS(1000), MS(5000)};

	w->end[end].sleeps_until = w->now + chance(w, most[chance(w, ARRAY_SIZE(most))]);
	w->stats.sleeps++;
}

/* Polls need an answer before the detection time: a calm link is a fast one. */
static void change_weather(struct world *w)
{
	static const unsigned loss[] = {0, 0, 1, 10, 50, 100};
	static const nsec_t delay[] = {MS(1), MS(1), MS(20), MS(200)};

	w->weather.delay_min = chance(w, MS(1));
	w->weather.delay_max = w->weather.delay_min + chance(w, MS(1));
	w->weather.duplicates = (unsigned)chance(w, 3) * 10;
	if (w->is_calm)
		return;
	w->weather.delay_max += chance(w, delay[chance(w, ARRAY_SIZE(delay))]);
	w->weather.loss[0] = loss[chance(w, ARRAY_SIZE(loss))];
	for (int end = 0; end < 2; end++)
		w->end[end].forwards_echo = w->has_echo && chance(w, 4) != 0;
	w->weather.loss[1] = chance(w, 2) ? w->weather.loss[0] : loss[chance(w, ARRAY_SIZE(loss))];
}

static void happen(struct world *w)
{
	int end = (int)chance(w, 2);
	bool may_rest = !w->is_calm || world_carrier_holds(w, end);

	w->next_fault = w->now + chance(w, MS(2000));
	/* Who sleeps learns nothing new, and all is to be well. */
	if (w->is_calm && somebody_sleeps(w))
		return;
	switch (chance(w, 10)) {
	case 0:
	case 1:
		change_weather(w);
		break;
	case 2:
	case 3:
		reconfigure(w, end);
		break;
	case 4:
	case 5:
		if (may_rest)
			sleep_some(w, end);
		break;
	case 6:
		toggle(w, end);
		break;
	case 7:
		change_key(w, end);
		break;
	case 8:
		if (!w->is_calm)
			start(w, end);
		break;
	default:
		if (!may_rest || !w->end[end].carrier.is_there)
			break;
		sleep_some(w, end);
		w->end[end].is_dead = true;
		break;
	}
}

static void heal(struct world *w)
{
	w->weather = (struct world_weather){.delay_min = MS(1) / 2, .delay_max = MS(1)};
	w->next_fault = NSEC_NEVER;
	for (int end = 0; end < 2; end++) {
		w->end[end].sleeps_until = w->now;
		if (w->end[end].is_dead)
			come_back(w, end);
		if (w->end[end].is_admin_down)
			toggle(w, end);
	}
	rekey(w, 1, &w->end[0].config.auth);
}

/* ---- the world ------------------------------------------------------------------------------- */

struct world *world_new(uint64_t seed)
{
	struct world *w = xcalloc(1, sizeof(*w));

	rng_seed(&w->rng, seed);
	w->now = NSEC_PER_SEC;
	w->faults_end = w->now + FAULTS;
	w->is_calm = chance(w, 4) == 0;
	for (int end = 0, all = chance(w, 3) == 0; end < 2; end++)
		w->end[end].carrier.is_there = all || chance(w, 6) == 0;
	w->has_echo = chance(w, 3) == 0;
	change_weather(w);
	for (int end = 0; end < 2; end++) {
		struct world_end *e = &w->end[end];

		for (size_t i = 0; i < WORLD_PACKETS; i++)
			e->inbox[i].arrives_at = e->echoes[i].arrives_at = NSEC_NEVER;
		e->takes_echo = w->has_echo && chance(w, 4) != 0;
		e->forwards_echo = e->takes_echo;
		e->config =
			(struct bfd_config){.peer = ip_addr_from_v4(0xc0000201u + (unsigned)end),
					    .local = ip_addr_from_v4(0xc0000202u - (unsigned)end),
					    .ifindex = chance(w, 2) ? 2 : 0,
					    .terms = some_terms(w),
					    .min_echo_rx_us = e->takes_echo ? 40000 : 0,
					    .echo_tx_us = w->has_echo ? some_echo(w) : 0};
		start(w, end);
	}
	/* Two that both wait would wait for ever. */
	if (chance(w, 3) == 0) {
		w->end[0].config.is_passive = true;
		start(w, 0);
	}
	/* With one key, or with none. */
	if (chance(w, 3) == 0) {
		const struct bfd_auth_key key = some_key(w);

		for (int end = 0; end < 2; end++) {
			w->end[end].config.auth = key;
			start(w, end);
		}
	}
	w->is_steered = chance(w, 3) != 0;
	return w;
}

static nsec_t step(struct world *w)
{
	nsec_t next;

	if (w->now >= w->faults_end && w->next_fault != NSEC_NEVER)
		heal(w);
	if (w->now >= w->next_fault)
		happen(w);
	for (int end = 0; end < 2; end++) {
		show(w, end);
		sort_out(w, end);
		fire(w, end);
	}
	for (int end = 0; end < 2; end++)
		wake(w, end);
	next = nsec_min(next_of(&w->end[0]), next_of(&w->end[1]));
	next = nsec_min(next, w->next_fault);
	return w->now < w->faults_end ? nsec_min(next, w->faults_end) : next;
}

static void run_until(struct world *w, nsec_t end)
{
	for (unsigned n = 0; w->now < end && w->violation[0] == '\0'; n++) {
		nsec_t next = step(w);

		if (n == STEPS || next <= w->now) {
			world_violation(w, "time stands still");
			return;
		}
		w->now = nsec_min(next, end);
	}
}

const char *world_run(struct world *w)
{
	unsigned downs;

	run_until(w, w->faults_end + CONVERGE);
	if (w->violation[0] == '\0')
		world_check_agreed(w);
	downs = w->end[0].watch.downs + w->end[1].watch.downs;
	run_until(w, w->now + QUIET);
	if (downs != w->end[0].watch.downs + w->end[1].watch.downs)
		world_violation(w, "a session goes down in the quiet");
	return w->violation[0] == '\0' ? NULL : w->violation;
}

struct world *world_free(struct world *w)
{
	for (int end = 0; end < 2; end++)
		w->end[end].set = bfd_set_free(w->end[end].set);
	free(w);
	return NULL;
}
