// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The table of what a changed field of a peer costs: every field of the two structs has a row, a
 * changed value has the effect that the row says, and docs/bgp.md shows the table as it is.
 */
#include "plan/plan_peer_change.h"

#include "base/rng.h"
#include "base/strbuf.h"
#include "bgp/bgp_attrs.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_open.h"
#include "unit/plan/peer_sample.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#define DOC_PATH  "docs/bgp.md"
#define DOC_BEGIN "<!-- peer fields: begin -->\n"
#define DOC_END   "<!-- peer fields: end -->\n"

/*
 * Every field, in the order of its struct. They initialise by position, so the compiler refuses a
 * struct that has one more: give that one a row in the table, and a line here.
 */
/* clang-format off */
#define BGP_FIELDS(F)                                                                              \
	F(bgp.local_asn) F(bgp.remote_asn) F(bgp.any_external) F(bgp.any_internal)                 \
	F(bgp.families) F(bgp.extended_next_hop) F(bgp.router_id) F(bgp.hold_s)                    \
	F(bgp.keepalive_s) F(bgp.connect_s) F(bgp.graceful_restart) F(bgp.restart_time_s)          \
	F(bgp.llgr_s) F(bgp.has_role) F(bgp.role) F(bgp.bfd_strict)                 \
	F(bgp.graceful_shutdown) F(bgp.restarted) F(bgp.forwarding_preserved)
#define FIELDS_BEFORE(F)                                                                           \
	F(key) F(address) F(source) F(ifindex) F(port) F(vrf) F(table) F(domain) F(ttl)            \
	F(ttl_security) F(listen) F(password) F(password_len) F(next_hops) F(carried)
#define FIELDS_AFTER(F) F(bfd) F(object)
/* clang-format on */

#define VALUE(field) from->field,
#define NAME(field)  #field,

static struct plan_peer rebuilt(const struct plan_peer *from)
{
	return (struct plan_peer){FIELDS_BEFORE(VALUE){BGP_FIELDS(VALUE)}, FIELDS_AFTER(VALUE)};
}

static const struct peer_field *field_of(const char *name)
{
	size_t n;
	const struct peer_field *fields = plan_peer_fields(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	fail_msg("no row for %s", name);
	return NULL;
}

static void every_field_has_a_row_and_every_row_a_field(void **state)
{
	static const char *const names[] = {FIELDS_BEFORE(NAME) BGP_FIELDS(NAME)
						    FIELDS_AFTER(NAME)};
	const struct plan_peer from = sample(), copy = rebuilt(&from);
	const struct peer_field *fields;
	size_t n;

	(void)state;
	fields = plan_peer_fields(&n);
	assert_int_equal(n, ARRAY_SIZE(names));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(fields[i].name, names[i]);
		assert_true(fields[i].why[0] != '\0');
	}
	assert_int_equal(plan_peer_change(&from, &copy), PEER_UNTOUCHED);
}

/* Any bit of it, so that none is overlooked; what is compared by content has tests of its own. */
static void a_changed_value_has_the_effect_that_its_row_says(void **state)
{
	const struct plan_peer from = sample();
	const struct peer_field *fields;
	size_t n;

	(void)state;
	fields = plan_peer_fields(&n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < fields[i].size && !fields[i].same; k++) {
			struct plan_peer to = from;

			((uint8_t *)&to)[fields[i].offset + k] ^= 1;
			if (plan_peer_change(&from, &to) != fields[i].action)
				fail_msg("%s, byte %zu: %s", fields[i].name, k,
					 peer_action_text(plan_peer_change(&from, &to)));
		}
	}
}

static void names_and_passwords_are_compared_by_content(void **state)
{
	static const char *const other[] = {"s", "red", "eth1"};
	uint8_t password[] = "secret";
	char name[] = "r";
	const struct plan_peer from = sample();
	struct plan_peer to = sample();

	(void)state;
	to.key.name = name;
	to.password = password;
	assert_int_equal(plan_peer_change(&from, &to), PEER_UNTOUCHED);
	password[5] = 'T';
	assert_int_equal(plan_peer_change(&from, &to), field_of("password")->action);
	to.password = NULL;
	to.password_len = 0;
	assert_int_equal(plan_peer_change(&from, &to), field_of("password")->action);
	assert_int_equal(plan_peer_change(&to, &from), field_of("password")->action);
	assert_int_equal(plan_peer_change(&to, &to), PEER_UNTOUCHED);
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		to = sample();
		*(const char **[]){&to.key.name, &to.key.vrf, &to.key.interface}[i] = other[i];
		assert_int_equal(plan_peer_change(&from, &to), field_of("key")->action);
	}
}

static void bfd_is_compared_by_what_it_asks_for(void **state)
{
	const struct plan_bfd other[] = {{.is_multihop = true},
					 {.is_passive = true},
					 {.minimum_ttl = 7},
					 {.terms = {.min_tx_us = 7}},
					 {.terms = {.min_rx_us = 7}},
					 {.terms = {.detect_mult = 7}},
					 {.is_wanted = true},
					 {.auth = {.id = 7}},
					 {.echo_us = 7}};
	const struct plan_peer from = sample();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		struct plan_peer to = sample();

		to.bfd = other[i];
		assert_int_equal(plan_peer_change(&from, &to), PEER_NONE);
		assert_false(plan_peer_same(&from, &to));
	}
}

static void of_several_changes_the_strongest_counts(void **state)
{
	const struct plan_peer from = sample();
	struct plan_peer to = sample();

	(void)state;
	to.bgp.restarted = true;
	assert_int_equal(plan_peer_change(&from, &to), PEER_UNTOUCHED);
	to.bgp.hold_s++;
	assert_int_equal(plan_peer_change(&from, &to), PEER_NONE);
	to.port++;
	to.bgp.keepalive_s++;
	assert_int_equal(plan_peer_change(&from, &to), PEER_RESET);
}

#define RANDOM_PAIRS   2000
#define END_OF_RIB_LEN 23 /* of IPv4 */
#define V4             BGP_FAMILY_BIT(BGP_IPV4_UNICAST)

static uint16_t hold_of(struct rng *rng)
{
	return (uint16_t)(rng_below(rng, 4) ? 3 + rng_below(rng, 200) : 0);
}

static struct plan_peer random_peer(struct rng *rng)
{
	static const char *const passwords[] = {"secret", "other"};
	struct plan_peer p = sample();

	p.port = (uint16_t)(rng_below(rng, 8) ? 179 : 1790);
	p.ttl_security = (uint8_t)(rng_below(rng, 8) == 0);
	p.password = (const uint8_t *)passwords[rng_below(rng, 2)];
	p.password_len = strlen((const char *)p.password);
	p.next_hops.ipv4 = ip_addr_from_v4(0x0a000001 + (uint32_t)rng_below(rng, 2));
	p.bgp = (struct bgp_peer_config){
		.local_asn = 64513 + (uint32_t)(rng_below(rng, 8) == 0),
		.remote_asn = 64512,
		.families = {rng_below(rng, 8) ? V4 : V4 | BGP_FAMILY_BIT(BGP_IPV6_UNICAST)},
		.extended_next_hop = rng_below(rng, 8) == 0,
		.llgr_s = rng_below(rng, 8) ? 0 : 3600,
		.has_role = rng_below(rng, 8) == 0,
		.role = (uint8_t)rng_below(rng, 2),
		.bfd_strict = rng_below(rng, 2),
		.graceful_shutdown = rng_below(rng, 2),
		.router_id = 1 + (uint32_t)rng_below(rng, 3),
		.hold_s = hold_of(rng),
		.keepalive_s = (uint16_t)rng_below(rng, 60),
		.connect_s = (uint16_t)rng_below(rng, 3),
		.graceful_restart = rng_below(rng, 8) != 0,
		.restart_time_s = (uint16_t)(1 + rng_below(rng, 3)),
	};
	return p;
}

/* What the router was told last of the one route, and how often. */
struct told {
	uint8_t update[BGP_MESSAGE_MAX];
	size_t len;
	unsigned n;
};

static void hear(struct bgp_peer *p, nsec_t now, struct told *told)
{
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_frame frame;
	struct bgp_error e;
	size_t len;

	while ((len = bgp_peer_transmit(p, now, BGP_SLOT_DIALLED, buf, sizeof(buf))) > 0) {
		for (uint8_t *at = buf; at < buf + len; at += frame.len) {
			const size_t left = (size_t)(buf + len - at);

			assert_int_equal(bgp_header_parse(at, left, sizeof(buf), &frame, &e),
					 BGP_FRAME_MESSAGE);
			if (frame.type != BGP_UPDATE || frame.len == END_OF_RIB_LEN)
				continue;
			memcpy(told->update, at, frame.len);
			told->len = frame.len;
			told->n++;
		}
	}
}

/* A peer with one route. */
static struct bgp_peer *peer_of(const struct plan_peer *config, struct rng *rng)
{
	struct bgp_peer *p = bgp_peer_new(&config->bgp, rng, NULL);
	const struct ip_addr vip = ip_addr_from_v4(0xc0000201);
	const struct ip_prefix prefix = ip_prefix_of(&vip, 32);
	const struct bgp_attrs attrs = {.has_med = true, .med = 7};

	assert_true(bgp_rib_set(bgp_peer_rib(p), &prefix, &attrs));
	bgp_peer_set_bfd(p, 1, true);
	bgp_peer_set_local(p, BGP_SLOT_DIALLED, &config->next_hops);
	return p;
}

/* A session up to its End-of-RIB. */
static void bring_up(struct bgp_peer *p, nsec_t now, struct told *told)
{
	const struct bgp_open open = {.asn = 64512,
				      .hold_s = 180,
				      .router_id = 0x0a000002,
				      .has_as4 = true,
				      .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_event e;

	bgp_peer_notify(p, now, BGP_SLOT_DIALLED, BGP_NOTE_START);
	bgp_peer_notify(p, now, BGP_SLOT_DIALLED, BGP_NOTE_SYNCED);
	bgp_peer_notify(p, now, BGP_SLOT_DIALLED, BGP_NOTE_TCP_UP);
	bgp_peer_receive(p, now, BGP_SLOT_DIALLED, buf, bgp_open_encode(buf, sizeof(buf), &open));
	bgp_peer_receive(p, now, BGP_SLOT_DIALLED, buf, bgp_keepalive_encode(buf, sizeof(buf)));
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	hear(p, now, told);
	while (bgp_peer_poll(p, &e))
		;
}

/* What the next session says first, once the present one is lost. */
static size_t next_open(struct bgp_peer *p, nsec_t now, uint8_t *buf)
{
	struct bgp_event e;

	bgp_peer_notify(p, now, BGP_SLOT_DIALLED, BGP_NOTE_TCP_FAILED);
	while (bgp_peer_poll(p, &e))
		;
	bgp_peer_notify(p, now, BGP_SLOT_DIALLED, BGP_NOTE_NUDGE);
	bgp_peer_notify(p, now, BGP_SLOT_DIALLED, BGP_NOTE_TCP_UP);
	return bgp_peer_transmit(p, now, BGP_SLOT_DIALLED, buf, BGP_MESSAGE_MAX);
}

/* In place, as the driver does it. */
static void change(struct bgp_peer *p, nsec_t now, const struct plan_peer *from,
		   const struct plan_peer *to, struct told *told)
{
	const unsigned before = told->n;
	struct plan_peer signed_alike = *from;

	bgp_peer_reconfigure(p, now, &to->bgp);
	bgp_peer_set_local(p, BGP_SLOT_DIALLED, &to->next_hops);
	hear(p, now, told);
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	assert_int_equal(bgp_peer_info(p).flaps, 0);
	signed_alike.password = to->password; /* which goes before resend, and tells nothing */
	signed_alike.password_len = to->password_len;
	assert_int_equal(told->n - before, plan_peer_change(&signed_alike, to) == PEER_RESEND);
}

/*
 * a, then b as the table says: no session is lost for less than a reset, no route is told again for
 * less than a resend, and b is what there is: what the router has of the route, what the next
 * session says first and agrees on.
 */
static void applying_a_then_b_is_beginning_with_b(void **state)
{
	uint8_t changed[BGP_MESSAGE_MAX], begun[BGP_MESSAGE_MAX];
	const nsec_t now = 1000 * NSEC_PER_SEC;
	unsigned n_by[N_PEER_ACTIONS] = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 40);
	for (unsigned i = 0; i < RANDOM_PAIRS; i++) {
		struct plan_peer a = random_peer(&rng), b = random_peer(&rng);
		struct told by_p = {.n = 0}, by_q = {.n = 0};
		enum peer_action action;
		struct bgp_peer *p, *q;
		struct bgp_peer_info pi, qi;
		size_t n;

		if (rng_below(&rng, 2)) { /* that differ in little */
			const struct plan_peer other = a;

			a = b;
			a.bgp.hold_s = other.bgp.hold_s;
			a.bgp.bfd_strict = other.bgp.bfd_strict;
			if (rng_below(&rng, 2))
				a.next_hops = other.next_hops;
			if (rng_below(&rng, 2))
				a.bgp.graceful_shutdown = other.bgp.graceful_shutdown;
			if (rng_below(&rng, 2))
				a.password = other.password, a.password_len = other.password_len;
		}
		action = plan_peer_change(&a, &b);
		n_by[action]++;
		p = peer_of(&a, &rng);
		q = peer_of(&b, &rng);
		bring_up(p, now, &by_p);
		bring_up(q, now, &by_q);
		assert_int_equal(by_q.n, 1);
		if (action == PEER_RESET) {
			p = bgp_peer_free(p);
			p = peer_of(&b, &rng);
			bring_up(p, now, &by_p);
		} else {
			change(p, now, &a, &b, &by_p);
		}
		assert_int_equal(by_p.len, by_q.len);
		assert_memory_equal(by_p.update, by_q.update, by_p.len);
		n = next_open(p, now, changed);
		assert_true(n > 0);
		assert_int_equal(next_open(q, now, begun), n);
		assert_memory_equal(changed, begun, n);
		bring_up(p, now, &by_p);
		bring_up(q, now, &by_q);
		assert_int_equal(by_p.len, by_q.len);
		assert_memory_equal(by_p.update, by_q.update, by_p.len);
		pi = bgp_peer_info(p);
		qi = bgp_peer_info(q);
		assert_int_equal(pi.hold_s, qi.hold_s);
		assert_int_equal(pi.keepalive_s, qi.keepalive_s);
		assert_int_equal(pi.gr_negotiated, qi.gr_negotiated);
		bgp_peer_free(p);
		bgp_peer_free(q);
	}
	for (enum peer_action action = PEER_NONE; action < N_PEER_ACTIONS; action++)
		assert_true(n_by[action] > RANDOM_PAIRS / 50);
}

static struct strbuf section(void)
{
	struct strbuf out;
	const struct peer_field *fields;
	size_t n;

	strbuf_init(&out, 1 << 16);
	fields = plan_peer_fields(&n);
	strbuf_printf(&out, "| field | action | why |\n|---|---|---|\n");
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&out, "| `%s` | %s | %s |\n", fields[i].name,
			      peer_action_text(fields[i].action), fields[i].why);
	return out;
}

static char *document(void)
{
	FILE *file = fopen(DOC_PATH, "re");
	char *text = xcalloc(1, 1 << 16);

	if (!file)
		fail_msg("%s: run the tests from the top of the tree", DOC_PATH);
	assert_in_range(fread(text, 1, (1 << 16) - 1, file), 1, (1 << 16) - 2);
	fclose(file);
	return text;
}

static void the_document_shows_the_table(void **state)
{
	char *doc = document();
	struct strbuf want = section();
	char *begin = strstr(doc, DOC_BEGIN), *end = strstr(doc, DOC_END);

	(void)state;
	assert_non_null(begin);
	assert_non_null(end);
	begin += strlen(DOC_BEGIN);
	*end = '\0';
	if (strcmp(begin, want.data) != 0) {
		(void)fputs(want.data, stderr); /* fail_msg would cut it */
		fail_msg("%s differs from the table above", DOC_PATH);
	}
	free(doc);
	strbuf_done(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_has_a_row_and_every_row_a_field),
		cmocka_unit_test(a_changed_value_has_the_effect_that_its_row_says),
		cmocka_unit_test(names_and_passwords_are_compared_by_content),
		cmocka_unit_test(bfd_is_compared_by_what_it_asks_for),
		cmocka_unit_test(of_several_changes_the_strongest_counts),
		cmocka_unit_test(applying_a_then_b_is_beginning_with_b),
		cmocka_unit_test(the_document_shows_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
