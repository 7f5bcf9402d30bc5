// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Who is asked when, and who counts as there: against nodes that answer, lose, delay, forge and
 * speak other versions, over a time that only the test moves.
 */
#include "plan/tunnel_prober.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECRET UINT64_C(0x1234567890abcdef)
#define T0     (1000 * NSEC_PER_SEC)
#define STEP   (10 * NSEC_PER_MSEC)

enum { CAP = 64 };

static struct ip_addr node(unsigned i)
{
	return ip_addr_from_v4(0x0a000001 + i);
}

static void set(struct tunnel_prober *p, unsigned from, unsigned n, nsec_t now)
{
	struct plan_remote *nodes = calloc(n ? n : 1, sizeof(*nodes));

	for (unsigned i = 0; i < n; i++)
		nodes[i].addr = node(from + i);
	prober_set(p, nodes, n, now);
	free(nodes);
}

/* The answer as the program there makes it of the request. */
static void turn_round(uint8_t data[LB_ECHO_BYTES])
{
	struct lb_echo e;

	data[8] = 2; /* behind GUE's four octets and the magic */
	assert_true(lb_echo_read(data, LB_ECHO_BYTES, &e));
	assert_true(e.is_answer);
}

static enum plan_remote_state state_of(const struct tunnel_prober *p, unsigned i)
{
	const struct ip_addr addr = node(i);
	struct prober_told told;

	assert_true(prober_tell(p, &addr, &told));
	return told.state;
}

/* Polls until then; those whose bit is set answer `delay` later. Returns the requests sent. */
static size_t run(struct tunnel_prober *p, nsec_t *now, nsec_t until, uint64_t who, nsec_t delay)
{
	struct {
		nsec_t at;
		struct prober_request r;
	} away[CAP] = {0};
	size_t n_sent = 0, n_away = 0;

	for (; *now <= until; *now += STEP) {
		struct prober_request out[CAP];
		size_t n;

		for (size_t i = 0; i < n_away; i++)
			if (away[i].at && away[i].at <= *now) {
				prober_receive(p, *now, &away[i].r.to, away[i].r.data,
					       LB_ECHO_BYTES);
				away[i].at = 0;
			}
		n = prober_poll(p, *now, out, CAP);
		n_sent += n;
		for (size_t i = 0; i < n; i++) {
			const unsigned bit = ip_addr_v4(&out[i].to) - 0x0a000001;
			size_t k = 0;

			if (!(who >> bit & 1))
				continue;
			turn_round(out[i].data);
			if (delay == 0) {
				prober_receive(p, *now, &out[i].to, out[i].data, LB_ECHO_BYTES);
				continue;
			}
			while (k < n_away && away[k].at)
				k++;
			assert_true(k < CAP);
			away[k].at = *now + delay;
			away[k].r = out[i];
			n_away = k == n_away ? k + 1 : n_away;
		}
	}
	return n_sent;
}

static void a_node_is_there_once_it_answers(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	struct prober_request out[CAP];
	const struct ip_addr addr = node(0);
	struct prober_told told;
	uint64_t generation;

	(void)state;
	set(p, 0, 1, T0);
	assert_int_equal(state_of(p, 0), REMOTE_UNKNOWN);
	assert_int_equal(prober_deadline(p), T0);
	generation = prober_generation(p);
	assert_int_equal(prober_poll(p, T0, out, CAP), 1);
	assert_int_equal(prober_poll(p, T0, out + 1, CAP - 1), 0);
	turn_round(out[0].data);
	prober_receive(p, T0 + 7, &addr, out[0].data, LB_ECHO_BYTES);
	assert_int_equal(state_of(p, 0), REMOTE_ANSWERS);
	assert_true(prober_generation(p) != generation);
	assert_true(prober_tell(p, &addr, &told));
	assert_int_equal(told.round_trip, 7);
	assert_int_equal(told.n_asked, 1);
	assert_int_equal(told.n_answers, 1);
	assert_int_equal(told.since, T0 + 7);
	/* The same once more is the same once more, and changes nothing. */
	generation = prober_generation(p);
	prober_receive(p, T0 + 8, &addr, out[0].data, LB_ECHO_BYTES);
	assert_int_equal(prober_generation(p), generation);
	p = prober_free(p);
}

static void silence_of_three_seconds_counts_and_no_less(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	nsec_t now = T0, last;

	(void)state;
	set(p, 0, 1, now);
	(void)run(p, &now, T0 + 10 * NSEC_PER_SEC, 1, 0);
	assert_int_equal(state_of(p, 0), REMOTE_ANSWERS);
	last = now;
	(void)run(p, &now, last + 2 * NSEC_PER_SEC - 2 * STEP, 0, 0);
	assert_int_equal(state_of(p, 0), REMOTE_ANSWERS);
	(void)run(p, &now, last + 3 * NSEC_PER_SEC, 0, 0);
	assert_int_equal(state_of(p, 0), REMOTE_SILENT);
	/* It is asked on, and one answer is enough. */
	(void)run(p, &now, now + NSEC_PER_SEC + STEP, 1, 0);
	assert_int_equal(state_of(p, 0), REMOTE_ANSWERS);
	prober_free(p);
}

/* Exactly: from the moment at which the last answered request was sent. */
static void the_deadline_is_when_it_turns_silent(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	nsec_t now = T0, answered = 0;

	(void)state;
	set(p, 0, 1, T0);
	while (state_of(p, 0) != REMOTE_SILENT) {
		struct prober_request out[CAP];
		const struct ip_addr addr = node(0);

		assert_true(prober_deadline(p) > now || now == T0);
		now = prober_deadline(p);
		if (prober_poll(p, now, out, CAP) == 1 && now < T0 + 5 * NSEC_PER_SEC) {
			turn_round(out[0].data);
			prober_receive(p, now + NSEC_PER_MSEC, &addr, out[0].data, LB_ECHO_BYTES);
			answered = now;
		}
		assert_true(now < T0 + 20 * NSEC_PER_SEC);
	}
	assert_int_equal(now, answered + PROBER_SILENT_NS);
	prober_free(p);
}

static void a_node_that_never_answers_is_silent_after_three_seconds(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	nsec_t now = T0;

	(void)state;
	set(p, 0, 1, T0);
	(void)run(p, &now, T0 + 2900 * NSEC_PER_MSEC, 0, 0);
	assert_int_equal(state_of(p, 0), REMOTE_UNKNOWN);
	(void)run(p, &now, T0 + 3600 * NSEC_PER_MSEC, 0, 0);
	assert_int_equal(state_of(p, 0), REMOTE_SILENT);
	prober_free(p);
}

/* Two of three are lost, for a minute: nobody notices. */
static void lost_packets_are_no_silence(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	nsec_t now = T0;
	unsigned n = 0;

	(void)state;
	set(p, 0, 1, T0);
	while (now < T0 + 60 * NSEC_PER_SEC) {
		struct prober_request out[CAP];
		const struct ip_addr addr = node(0);

		if (prober_poll(p, now, out, CAP) == 1 && n++ % 3 == 0) {
			turn_round(out[0].data);
			prober_receive(p, now, &addr, out[0].data, LB_ECHO_BYTES);
		}
		assert_true(state_of(p, 0) != REMOTE_SILENT);
		now += STEP;
	}
	assert_true(n >= 60 && n <= 62);
	prober_free(p);
}

static void an_answer_that_is_late_by_a_second_counts(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	nsec_t now = T0;

	(void)state;
	set(p, 0, 1, T0);
	(void)run(p, &now, T0 + 20 * NSEC_PER_SEC, 1, 1500 * NSEC_PER_MSEC);
	assert_int_equal(state_of(p, 0), REMOTE_ANSWERS);
	(void)run(p, &now, now + 10 * NSEC_PER_SEC, 1, 2500 * NSEC_PER_MSEC);
	assert_int_equal(state_of(p, 0), REMOTE_SILENT);
	prober_free(p);
}

/* A process that was stopped asks first. */
static void who_could_not_ask_judges_nobody(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	nsec_t now = T0, resumed;

	(void)state;
	set(p, 0, 8, T0);
	(void)run(p, &now, T0 + 5 * NSEC_PER_SEC, 0xff, 0);
	now += 60 * NSEC_PER_SEC;
	resumed = now;
	(void)run(p, &now, resumed + 300 * NSEC_PER_MSEC, 0, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(state_of(p, i), REMOTE_ANSWERS);
	(void)run(p, &now, resumed + 3 * NSEC_PER_SEC, 0x0f, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(state_of(p, i), i < 4 ? REMOTE_ANSWERS : REMOTE_SILENT);
	prober_free(p);
}

static void other_versions_are_strange(void **state)
{
	/* Octets of the echo: kind, least, most, recipe. */
	static const struct {
		size_t at;
		uint8_t value;
		enum plan_remote_state want;
	} cases[] = {
		{10, 200, REMOTE_ANSWERS}, /* it reads newer ones, too */
		{11, 99, REMOTE_ANSWERS},  /* it makes rows another way, of which nothing is sent */
		{9, 0, REMOTE_ANSWERS},
		{9, 150, REMOTE_STRANGE}, /* with most, below: it reads nothing that we send */
		{8, 4, REMOTE_LEAVING},   /* it is there for the flows that it has */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tunnel_prober *p = prober_new(SECRET);
		struct prober_request out[CAP];
		const struct ip_addr addr = node(0);

		set(p, 0, 1, T0);
		(void)prober_poll(p, T0, out, CAP);
		turn_round(out[0].data);
		out[0].data[cases[i].at] = cases[i].value;
		if (cases[i].value == 150)
			out[0].data[10] = 151;
		prober_receive(p, T0, &addr, out[0].data, LB_ECHO_BYTES);
		assert_int_equal(state_of(p, 0), cases[i].want);
		prober_free(p);
	}
}

/* What is sent to one may be sent on to any other. */
static void the_version_is_one_that_all_speak_who_answer(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	struct prober_request out[CAP];
	uint64_t before;

	(void)state;
	set(p, 0, 3, T0);
	assert_int_equal(prober_version(p), 1); /* the highest of this build */
	assert_int_equal(prober_poll(p, T0, out, CAP), 3);
	for (size_t i = 0; i < 2; i++) {
		turn_round(out[i].data);
		out[i].data[10] = i ? 1 : 7;
		prober_receive(p, T0, &out[i].to, out[i].data, LB_ECHO_BYTES);
	}
	assert_int_equal(prober_version(p), 1);
	before = prober_generation(p);
	assert_int_equal(prober_poll(p, T0 + 2 * PROBER_EVERY_NS, out, CAP), 3);
	for (size_t i = 0; i < 2; i++) {
		turn_round(out[i].data);
		out[i].data[10] = 7;
		prober_receive(p, T0 + 2 * PROBER_EVERY_NS, &out[i].to, out[i].data, LB_ECHO_BYTES);
	}
	assert_true(prober_generation(p) != before); /* who had the lower one */
	prober_free(p);
}

static void what_is_no_answer_is_passed_over(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	struct tunnel_prober *other = prober_new(SECRET + 1);
	const struct ip_addr addr = node(0), stranger = node(9);
	struct prober_request mine[3], theirs[1];
	uint8_t data[LB_ECHO_BYTES];
	nsec_t now = T0;

	(void)state;
	set(p, 0, 1, T0);
	set(other, 0, 1, T0);
	for (size_t i = 0; i < 3; i++) {
		now = prober_deadline(p) > now ? prober_deadline(p) : now;
		assert_int_equal(prober_poll(p, now, &mine[i], 1), 1);
		assert_int_equal(mine[i].data[8], 1);
	}
	assert_int_equal(prober_poll(other, T0, theirs, 1), 1);

	prober_receive(p, now, &addr, mine[2].data, LB_ECHO_BYTES); /* a request */
	turn_round(mine[2].data);
	prober_receive(p, now, &stranger, mine[2].data, LB_ECHO_BYTES);
	prober_receive(p, now, &addr, mine[2].data, LB_ECHO_BYTES - 1);
	turn_round(mine[0].data);
	prober_receive(p, now, &addr, mine[0].data, LB_ECHO_BYTES); /* two before */
	turn_round(theirs[0].data);
	prober_receive(p, now, &addr, theirs[0].data, LB_ECHO_BYTES);
	/* Whoever guesses has each single bit of the token against him, and of the sequence. */
	for (size_t bit = 0; bit < 96; bit++) {
		memcpy(data, mine[2].data, sizeof(data));
		data[12 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		prober_receive(p, now, &addr, data, LB_ECHO_BYTES);
	}
	assert_int_equal(state_of(p, 0), REMOTE_UNKNOWN);
	turn_round(mine[1].data);
	prober_receive(p, now, &addr, mine[1].data, LB_ECHO_BYTES);
	assert_int_equal(state_of(p, 0), REMOTE_ANSWERS);
	prober_free(p);
	prober_free(other);
}

/* A thousand of them: each once a second, no turn has more than a twentieth of them and some. */
static void many_are_spread_over_the_second(void **state)
{
	enum { NODES = 1000 };
	struct tunnel_prober *p = prober_new(SECRET);
	static struct prober_request out[NODES];
	size_t n_sent = 0, most = 0, n_polls = 0;
	nsec_t now = T0;

	(void)state;
	set(p, 0, NODES, T0);
	/* The first time at once, as many as the caller takes. */
	assert_int_equal(prober_poll(p, now, out, CAP), CAP);
	while (prober_poll(p, now, out, CAP) == CAP)
		;
	while ((now = prober_deadline(p)) <= T0 + 10 * NSEC_PER_SEC) {
		const size_t n = prober_poll(p, now, out, NODES);

		n_sent += n;
		n_polls++;
		most = n > most ? n : most;
	}
	assert_int_equal(n_sent, 10 * NODES);
	assert_true(most <= 2 * NODES / PROBER_SLOTS);
	assert_true(n_polls <= 10 * PROBER_SLOTS + 10);
	prober_free(p);
}

static void who_stays_is_known_and_who_goes_is_forgotten(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	const struct ip_addr gone = node(0);
	struct prober_told told;
	struct arena *arena = arena_new();
	nsec_t now = T0;
	uint64_t generation;
	size_t n;
	const struct plan_actual_remote *all;

	(void)state;
	set(p, 0, 3, T0);
	(void)run(p, &now, T0 + 2 * NSEC_PER_SEC, 7, 0);
	generation = prober_generation(p);
	set(p, 0, 3, now);
	assert_int_equal(prober_generation(p), generation);
	set(p, 1, 3, now);
	assert_true(prober_generation(p) != generation);
	assert_false(prober_tell(p, &gone, &told));
	all = prober_actual(p, arena, &n);
	assert_int_equal(n, 3);
	assert_int_equal(all[0].state, REMOTE_ANSWERS);
	assert_int_equal(all[1].state, REMOTE_ANSWERS);
	assert_int_equal(all[2].state, REMOTE_UNKNOWN);
	set(p, 0, 0, now);
	assert_int_equal(prober_deadline(p), NSEC_NEVER);
	arena_free(arena);
	prober_free(p);
}

/* Whatever comes, from whomever: nobody is there who has not answered. */
static void random_datagrams_change_nothing(void **state)
{
	struct tunnel_prober *p = prober_new(SECRET);
	struct rng rng;
	nsec_t now = T0;

	(void)state;
	rng_seed(&rng, 1);
	set(p, 0, 4, T0);
	for (unsigned i = 0; i < 20000; i++) {
		struct prober_request out[CAP];
		const size_t n = prober_poll(p, now, out, CAP);
		const struct ip_addr from = node((unsigned)rng_below(&rng, 6));
		uint8_t data[LB_ECHO_BYTES + 8];

		for (size_t k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)rng_next(&rng);
		if (n) { /* mostly right */
			memcpy(data, out[0].data, LB_ECHO_BYTES);
			data[8] = 2;
			data[12 + rng_below(&rng, 12)] ^= (uint8_t)(1 + rng_below(&rng, 255));
		}
		prober_receive(p, now, &from, data, rng_below(&rng, sizeof(data) + 1));
		now += rng_below(&rng, NSEC_PER_SEC / 50);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(state_of(p, i), REMOTE_SILENT);
	prober_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_is_there_once_it_answers),
		cmocka_unit_test(silence_of_three_seconds_counts_and_no_less),
		cmocka_unit_test(the_deadline_is_when_it_turns_silent),
		cmocka_unit_test(a_node_that_never_answers_is_silent_after_three_seconds),
		cmocka_unit_test(lost_packets_are_no_silence),
		cmocka_unit_test(an_answer_that_is_late_by_a_second_counts),
		cmocka_unit_test(who_could_not_ask_judges_nobody),
		cmocka_unit_test(other_versions_are_strange),
		cmocka_unit_test(the_version_is_one_that_all_speak_who_answer),
		cmocka_unit_test(what_is_no_answer_is_passed_over),
		cmocka_unit_test(many_are_spread_over_the_second),
		cmocka_unit_test(who_stays_is_known_and_who_goes_is_forgotten),
		cmocka_unit_test(random_datagrams_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
