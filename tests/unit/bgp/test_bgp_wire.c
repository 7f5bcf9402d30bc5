// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a peer may get wrong on the wire, each case on sessions of IPv4, of IPv6 and of both: as the
 * one who dialled and as the one who was dialled, and what is about routes with those of each
 * family that the session has. A case begins in some state and ends with what we say and with what
 * is left: the session, and of its one route whether it stays.
 */
#include "bgp_peer_script.h"
#include "octets.h"

/* A peer's messages without their headers: type and body. Families of both kinds, 4-octet AS. */
#define FIXED     "04 fbf5 005a 0a000002 "
#define SIX       "01 04 0002 00 01 "
#define BOTH      "01 04 0001 00 01  " SIX
#define OPEN      "01" FIXED "14  02 12 " BOTH "41 04 0000fbf5"
#define KEEPALIVE "04"
#define REFRESH   "05 0001 00 01"

enum stage { OPEN_SENT, OPEN_CONFIRM, ESTABLISHED };

/* Of one connection, whatever families there are. */
static const struct exchange {
	const char *name;
	enum stage stage;
	const char *say;    /* "=" before it: a whole message, with its header */
	const char *answer; /* a NOTIFICATION, or ""; NULL: the session goes on */
} exchanges[] = {
	/* RFC 4271 6.1 */
	{"marker", OPEN_SENT, "=00000000000000000000000000000000 0013 04", "1/1"},
	{"last octet of the marker", OPEN_SENT, "=fffffffffffffffffffffffffffffffe 0013 04", "1/1"},
	{"length 0", OPEN_SENT, "=" MARKER "0000 04", "1/2"},
	{"length 18", OPEN_SENT, "=" MARKER "0012 04", "1/2"},
	{"length 4097 of an OPEN", OPEN_SENT, "=" MARKER "1001 01", "1/2"},
	{"length 65535", ESTABLISHED, "=" MARKER "ffff 02", "1/2"},
	{"OPEN of 28 octets", OPEN_SENT, "01 04 fbf5 005a 0a000002", "1/2"},
	{"KEEPALIVE of 20 octets", OPEN_CONFIRM, "04 00", "1/2"},
	{"UPDATE of 22 octets", ESTABLISHED, "02 0000 00", "1/2"},
	{"NOTIFICATION of 20 octets", ESTABLISHED, "03 06", "1/2"},
	{"type 0 (the end of GoBGP 3.10)", OPEN_SENT, "00", "1/3"},
	{"type 6", ESTABLISHED, "06", "1/3"},
	{"type 255", OPEN_CONFIRM, "ff", "1/3"},

	/* RFC 4271 6.2, RFC 5492, RFC 6793, RFC 9072 */
	{"version 3", OPEN_SENT, "01 03 fbf5 005a 0a000002 00", "2/1"},
	{"version 5", OPEN_SENT, "01 05 fbf5 005a 0a000002 00", "2/1"},
	{"another AS", OPEN_SENT, "01 04 fbf6 005a 0a000002 00", "2/2"},
	{"another AS in the capability", OPEN_SENT, "01" FIXED "08 02 06 41 04 0000fbf6", "2/2"},
	{"AS 0", OPEN_SENT, "01 04 0000 005a 0a000002 00", "2/2"},
	{"AS 0 in the capability", OPEN_SENT, "01" FIXED "08 02 06 41 04 00000000", "2/2"},
	{"AS_TRANS without the capability", OPEN_SENT, "01 04 5ba0 005a 0a000002 00", "2/2"},
	{"identifier 0", OPEN_SENT, "01 04 fbf5 005a 00000000 00", "2/3"},
	{"hold time 1", OPEN_SENT, "01 04 fbf5 0001 0a000002 00", "2/6"},
	{"hold time 2", OPEN_SENT, "01 04 fbf5 0002 0a000002 00", "2/6"},
	{"unknown parameter", OPEN_SENT, "01" FIXED "03 09 01 00", "2/4"},
	{"authentication, deprecated", OPEN_SENT, "01" FIXED "03 01 01 00", "2/4"},
	{"parameters beyond the message", OPEN_SENT, "01" FIXED "08 02 06", "2/0"},
	{"parameters short of the message", OPEN_SENT, "01" FIXED "00 02 00", "2/0"},
	{"half a parameter", OPEN_SENT, "01" FIXED "01 02", "2/0"},
	{"capability beyond its parameter", OPEN_SENT, "01" FIXED "04 02 02 41 04", "2/0"},
	{"extended parameters cut off", OPEN_SENT, "01" FIXED "ff ff 0008 02 0006 41", "2/0"},

	/* RFC 4271 8.2.2, RFC 6608 */
	{"KEEPALIVE first", OPEN_SENT, KEEPALIVE, "5/1"},
	{"UPDATE first", OPEN_SENT, "02 0000 0000", "5/1"},
	{"refresh first", OPEN_SENT, REFRESH, "5/1"},
	{"a second OPEN", OPEN_CONFIRM, OPEN, "5/2"},
	{"UPDATE before KEEPALIVE", OPEN_CONFIRM, "02 0000 0000", "5/2"},
	{"refresh before KEEPALIVE", OPEN_CONFIRM, REFRESH, "5/2"},
	{"OPEN in a session", ESTABLISHED, OPEN, "5/3"},
	{"NOTIFICATION in OpenSent", OPEN_SENT, "03 0602", ""},
	{"NOTIFICATION in OpenConfirm", OPEN_CONFIRM, "03 0602", ""},
	{"NOTIFICATION in a session", ESTABLISHED, "03 0602", ""},
	{"Cease whose text is longer than it says", ESTABLISHED, "03 0602 02 757067", ""},
	{"Cease whose text is shorter than it says", ESTABLISHED, "03 0602 ff 757067", ""},
	{"unknown code", ESTABLISHED, "03 ffff", ""},

	/* RFC 2918, RFC 7313 */
	{"refresh of three octets", ESTABLISHED, "05 0001 00", "7/1"},
	{"begin of a refresh, of five octets", ESTABLISHED, "05 0001 01 01 00", "7/1"},
	{"refresh", ESTABLISHED, REFRESH, NULL},
	{"refresh of a family that is none of ours", ESTABLISHED, "05 0019 00 46", NULL},
	{"refresh of an unknown kind", ESTABLISHED, "05 0001 09 01", NULL},
	{"begin of a refresh that nobody asked for", ESTABLISHED, "05 0001 01 01", NULL},
	{"KEEPALIVE", ESTABLISHED, KEEPALIVE, NULL},
};

/* OPENs that are as good as any: the KEEPALIVE behind them makes a session. */
static const struct offer {
	const char *name, *say;
} offers[] = {
	{"bare BGP-4", "01" FIXED "00"},
	{"hold time 0", "01 04 fbf5 0000 0a000002 00"},
	{"hold time 3", "01 04 fbf5 0003 0a000002 00"},
	{"our own identifier (RFC 6286)", "01 04 fbf5 005a 0a000001 08 02 06 41 04 0000fbf5"},
	{"a parameter for each capability",
	 "01" FIXED "16  02 06 01 04 0001 00 01  02 06 " SIX "02 04 46 00 02 00"},
	{"extended parameters (RFC 9072)", "01" FIXED "ff ff 0015 02 0012 " BOTH "41 04 0000fbf5"},
	{"a parameter without capabilities", "01" FIXED "02 02 00"},
	{"unknown capability", "01" FIXED "0b 02 09 "
			       "01 04 0001 00 01  ee 01 ff"},
	{"a capability twice", "01" FIXED "0e 02 0c 01 04 0001 00 01  01 04 0001 00 01"},
	{"graceful restart cut off", "01" FIXED "0b 02 09 01 04 0001 00 01  40 01 00"},
	{"an empty RFC 8950 (ExaBGP)", "01" FIXED "0a 02 08 01 04 0001 00 01  05 00"},
	{"outbound route filters cut off", "01" FIXED "0a 02 08 01 04 0001 00 01  03 00"},
	{"an empty role", "01" FIXED "0a 02 08 01 04 0001 00 01  09 00"},
	{"an empty software version", "01" FIXED "0a 02 08 01 04 0001 00 01  4b 00"},
};

/* Attributes as they should be, and the prefix of each family with what leads to it. */
#define ORIGIN  "40 01 01 00 "
#define PATH    "40 02 06 02 01 0000fbf5 "
#define REACH_6 "80 0e 1a 0002 01 10 20010db8000000000000000000000001 00 20 20010db8 "
#define HOP_4   "40 03 04 c0000202 "
#define NLRI_4  "18 c63364"
#define GONE_6  "80 0f 08 0002 01 20 20010db8 "

enum fate { STAYS, GOES, RESETS };

/* The attributes of an UPDATE of the route, beside those that say which it is. */
static const struct update {
	const char *name, *attrs;
	enum fate fate;
	const char *answer; /* of a reset */
} updates[] = {
	{"as it was", ORIGIN PATH, STAYS, NULL},
	{"unknown optional attribute", ORIGIN PATH "c0 63 02 0000", STAYS, NULL},
	{"extended length", "50 01 0001 00" PATH, STAYS, NULL},

	/* RFC 7606 3, 4 */
	{"no attribute", "", GOES, NULL},
	{"no ORIGIN", PATH, GOES, NULL},
	{"no AS_PATH", ORIGIN, GOES, NULL},
	{"flags of ORIGIN", "c0 01 01 00" PATH, GOES, NULL},
	{"flags of MED", ORIGIN PATH "c0 04 04 00000001", GOES, NULL},
	{"ORIGIN twice", ORIGIN PATH ORIGIN, STAYS, NULL},
	{"an octet too many", ORIGIN PATH "40", GOES, NULL},
	{"value beyond the attributes", ORIGIN PATH "c0 63 09", GOES, NULL},
	{"unknown well-known attribute", ORIGIN PATH "40 63 00", RESETS, "3/2"},

	/* RFC 7606 7 */
	{"ORIGIN of 3", "40 01 01 03" PATH, GOES, NULL},
	{"ORIGIN without value", "40 01 00" PATH, GOES, NULL},
	{"AS_PATH segment beyond it", ORIGIN "40 02 06 02 02 0000fbf5", GOES, NULL},
	{"AS_PATH segment without AS", ORIGIN "40 02 02 02 00", GOES, NULL},
	{"AS_PATH segment of type 5", ORIGIN "40 02 06 05 01 0000fbf5", GOES, NULL},
	{"AS_PATH of 2-octet numbers", ORIGIN "40 02 04 02 01 fbf5", GOES, NULL},
	{"AS_SET (RFC 9774)", ORIGIN "40 02 06 01 01 0000fbf5", GOES, NULL},
	{"AS 0 (RFC 7607)", ORIGIN "40 02 06 02 01 00000000", GOES, NULL},
	{"a confederation from outside", ORIGIN "40 02 06 03 01 0000fbf5", GOES, NULL},
	{"MED of three octets", ORIGIN PATH "80 04 03 000000", GOES, NULL},
	{"LOCAL_PREF from outside", ORIGIN PATH "40 05 04 00000064", STAYS, NULL},
	{"ATOMIC_AGGREGATE with a value", ORIGIN PATH "40 06 01 00", STAYS, NULL},
	{"AGGREGATOR of one octet", ORIGIN PATH "c0 07 01 00", STAYS, NULL},
	{"COMMUNITIES of five octets", ORIGIN PATH "c0 08 05 0000000100", GOES, NULL},
	{"ORIGINATOR_ID from outside", ORIGIN PATH "80 09 04 0a000001", STAYS, NULL},
	{"CLUSTER_LIST from outside", ORIGIN PATH "80 0a 04 0a000001", STAYS, NULL},
	{"extended communities of seven octets", ORIGIN PATH "c0 10 07 00000000000000", GOES, NULL},
	{"large communities of eleven octets", ORIGIN PATH "c0 20 0b 0000000000000000000000", GOES,
	 NULL},
	{"IPv6 extended communities cut off", ORIGIN PATH "c0 19 03 000200", GOES, NULL},
	{"a second MP_REACH", ORIGIN PATH REACH_6 REACH_6, RESETS, "3/1"},
	{"MP_UNREACH of two octets", ORIGIN PATH "80 0f 02 0002", RESETS, "3/9"},
	{"MP_UNREACH with half a prefix", ORIGIN PATH "80 0f 05 0002 01 20 20", RESETS, "3/9"},

	/* What others died of, and we do not look into */
	{"tunnel encapsulation", ORIGIN PATH "c0 17 04 ffffffff", STAYS, NULL},
	{"prefix SID", ORIGIN PATH "c0 28 03 01ffff", STAYS, NULL},
	{"attribute set without value", ORIGIN PATH "c0 80 00", STAYS, NULL},
	{"AIGP cut off", ORIGIN PATH "80 1a 02 0100", STAYS, NULL},
	{"link state cut off", ORIGIN PATH "80 1d 03 040000", STAYS, NULL},
};

/* Whole UPDATEs: prefixes that cannot be found end the session (RFC 4271 6.3, RFC 7606 5.3). */
static const struct exchange broken[] = {
	{"withdrawn routes beyond the message", ESTABLISHED, "02 ffff 0000", "3/1"},
	{"attributes beyond the message", ESTABLISHED, "02 0000 ffff", "3/1"},
	{"prefix of 33 bits", ESTABLISHED, "02 0000 0014" ORIGIN PATH HOP_4 "21 c633640700",
	 "3/10"},
	{"prefix cut off", ESTABLISHED, "02 0000 0014" ORIGIN PATH HOP_4 "18 c633", "3/10"},
	{"withdrawn prefix of 33 bits", ESTABLISHED, "02 0006 21 c633640700 0000", "3/10"},
	{"IPv6 next hop of five octets", ESTABLISHED,
	 "02 0000 001f 80 0e 0f 0002 01 05 20010db800 00 20 20010db8 " ORIGIN PATH, "3/9"},
	{"IPv6 prefix of 129 bits", ESTABLISHED,
	 "02 0000 0037 80 0e 27 0002 01 10 20010db8000000000000000000000001 00 81"
	 "0000000000000000000000000000000000" ORIGIN PATH,
	 "3/9"},
	{"IPv6 withdrawal of 129 bits", ESTABLISHED,
	 "02 0000 0018 80 0f 15 0002 01 81 0000000000000000000000000000000000", "3/9"},
	{"empty", ESTABLISHED, "02 0000 0000", NULL},
	{"End-of-RIB of IPv6", ESTABLISHED, "02 0000 0006 80 0f 03 0002 01", NULL},
	{"flow specification of length 0", ESTABLISHED,
	 "02 0000 0016 80 0e 06 0001 85 00 00 00 " ORIGIN PATH, NULL},
	{"a label that ends nowhere", ESTABLISHED,
	 "02 0000 001d 80 0e 0d 0001 04 04 c0000202 00 18 ffffff " ORIGIN PATH, NULL},
	{"a family that is none of ours", ESTABLISHED,
	 "02 0000 0019 80 0e 09 0019 46 00 00 ffffffff" ORIGIN PATH, NULL},
};

/* --- the other side --------------------------------------------------------------------------- */

static void say(struct bgp_peer *p, enum bgp_slot slot, const char *hex)
{
	struct octets body = octets(hex[0] == '=' ? hex + 1 : hex), whole = octets(MARKER);

	if (hex[0] == '=') {
		whole = body;
	} else {
		whole.b[whole.len++] = (uint8_t)((body.len + 18) >> 8);
		whole.b[whole.len++] = (uint8_t)(body.len + 18);
		memcpy(whole.b + whole.len, body.b, body.len);
		whole.len += body.len;
	}
	bgp_peer_receive(p, NOW, slot, whole.b, whole.len);
}

/* Who dialled, and what the session is of. */
struct side {
	enum bgp_slot slot;
	struct bgp_families families;
};
static struct side sides[2 * 3];

static int list_sides(void **state)
{
	const uint8_t four = BGP_FAMILY_BIT(BGP_IPV4_UNICAST),
		      six = BGP_FAMILY_BIT(BGP_IPV6_UNICAST);
	const uint8_t families[] = {four, six, four | six};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
		sides[i] = (struct side){i % 2 ? A : D, {.bits = families[i / 2]}};
	return 0;
}

static bool has(const struct side *side, enum bgp_family family)
{
	return side->families.bits & BGP_FAMILY_BIT(family);
}

static struct bgp_peer *begin(const struct side *side, enum stage stage)
{
	const enum bgp_slot slot = side->slot;
	struct bgp_peer_config config = script_config();
	struct bgp_peer *p;

	config.families = side->families;
	p = started_peer(&config);
	if (slot == A)
		assert_true(bgp_peer_accept(p, NOW));
	bgp_peer_notify(p, NOW, slot, BGP_NOTE_TCP_UP);
	if (stage >= OPEN_CONFIRM)
		say(p, slot, OPEN);
	if (stage == ESTABLISHED)
		say(p, slot, KEEPALIVE);
	assert_string_equal(sent(p, NOW, slot).s, stage == OPEN_SENT ? "OPEN" : "OPEN KEEPALIVE");
	return p;
}

/* `answer` is a code, "" for silence, or NULL: the session lives. */
static void expect(struct bgp_peer *p, const struct side *side, const char *name,
		   const char *answer)
{
	const struct script_text text = sent(p, NOW, side->slot);
	const bool lives = bgp_peer_info(p).state == BGP_ESTABLISHED;
	char wanted[32] = "";

	if (answer && answer[0])
		(void)snprintf(wanted, sizeof(wanted), "NOTIFICATION %s", answer);
	if (lives != !answer || (answer && strcmp(text.s, wanted) != 0))
		fail_msg("%s, slot %d, families %x: %s [%s], expected [%s]", name, side->slot,
			 side->families.bits, lives ? "it lives" : "it ended", text.s,
			 answer ? wanted : "life");
	bgp_peer_free(p);
}

static void run(const struct exchange *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(sides); k++) {
			struct bgp_peer *p = begin(&sides[k], list[i].stage);

			say(p, sides[k].slot, list[i].say);
			expect(p, &sides[k], list[i].name, list[i].answer);
		}
}

static void what_must_not_come_ends_with_the_code_of_its_rfc(void **state)
{
	(void)state;
	run(exchanges, ARRAY_SIZE(exchanges));
	run(broken, ARRAY_SIZE(broken));
}

/* Who offers no family that we have is told so (RFC 5492). */
static void an_open_that_is_odd_but_legal_makes_a_session(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offers); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sides); k++) {
			const bool in_common =
				has(&sides[k], BGP_IPV4_UNICAST) || strstr(offers[i].say, SIX);
			struct bgp_peer *p = begin(&sides[k], OPEN_SENT);

			say(p, sides[k].slot, offers[i].say);
			if (in_common)
				say(p, sides[k].slot, KEEPALIVE);
			expect(p, &sides[k], offers[i].name, in_common ? NULL : "2/7");
		}
}

/* --- routes ----------------------------------------------------------------------------------- */

static void say_update(struct bgp_peer *p, enum bgp_slot slot, enum bgp_family family,
		       const char *attrs)
{
	const bool six = family == BGP_IPV6_UNICAST;
	const char *more = six ? REACH_6 : HOP_4;
	const size_t len = octets(attrs).len + octets(more).len;
	char hex[1024];

	assert_true((size_t)snprintf(hex, sizeof(hex), "02 0000 %04zx %s %s %s", len, more, attrs,
				     six ? "" : NLRI_4) < sizeof(hex));
	say(p, slot, hex);
}

static void check_update(const struct update *u, const struct side *side, enum bgp_family family)
{
	const enum bgp_slot slot = side->slot;
	struct bgp_peer *p = begin(side, ESTABLISHED);

	say_update(p, slot, family, ORIGIN PATH);
	assert_int_equal(bgp_peer_info(p).routes_received, 1);
	say_update(p, slot, family, u->attrs);
	/* Nothing is kept of them: what is announced again counts again. */
	if (u->fate != RESETS && bgp_peer_info(p).routes_received != (u->fate == STAYS ? 2 : 0))
		fail_msg("%s, slot %d, family %d: %zu routes", u->name, slot, family,
			 bgp_peer_info(p).routes_received);
	expect(p, side, u->name, u->fate == RESETS ? u->answer : NULL);
}

static void a_route_with_an_error_costs_no_more_than_rfc_7606_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(updates); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sides); k++)
			for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
				if (has(&sides[k], f))
					check_update(&updates[i], &sides[k], f);
}

/* What is said of a family that the session has not costs it nothing and counts for nothing. */
static void a_route_of_another_family_is_nobodys(void **state)
{
	static const char *const gone[] = {[BGP_IPV4_UNICAST] = "02 0004 " NLRI_4 " 0000",
					   [BGP_IPV6_UNICAST] = "02 0000 000b " GONE_6};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sides); k++)
		for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
			struct bgp_peer *p;

			if (has(&sides[k], f))
				continue;
			p = begin(&sides[k], ESTABLISHED);
			say_update(p, sides[k].slot, f, ORIGIN PATH);
			assert_int_equal(bgp_peer_info(p).routes_received, 0);
			say_update(p, sides[k].slot, !f, ORIGIN PATH);
			say(p, sides[k].slot, gone[f]);
			assert_int_equal(bgp_peer_info(p).routes_received, 1);
			assert_false(bgp_peer_info(p).end_of_rib_received);
			expect(p, &sides[k], "another family", NULL);
		}
}

/* In the message's own field and in MP_UNREACH; of a route that is not there, too. */
static void a_withdrawal_takes_the_route_of_its_family(void **state)
{
	static const char *const gone[] = {[BGP_IPV4_UNICAST] = "02 0004 " NLRI_4 " 0000",
					   [BGP_IPV6_UNICAST] = "02 0000 000b " GONE_6};

	(void)state;
	for (size_t k = 4; k < ARRAY_SIZE(sides); k++) /* those of both families */
		for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
			const enum bgp_slot slot = sides[k].slot;
			struct bgp_peer *p = begin(&sides[k], ESTABLISHED);

			say_update(p, slot, BGP_IPV4_UNICAST, ORIGIN PATH);
			say_update(p, slot, BGP_IPV6_UNICAST, ORIGIN PATH);
			say(p, slot, gone[f]);
			assert_int_equal(bgp_peer_info(p).routes_received, 1);
			say(p, slot, gone[!f]);
			assert_int_equal(bgp_peer_info(p).routes_received, 0);
			say(p, slot, gone[f]);
			expect(p, &sides[k], "withdrawals", NULL);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_not_come_ends_with_the_code_of_its_rfc),
		cmocka_unit_test(an_open_that_is_odd_but_legal_makes_a_session),
		cmocka_unit_test(a_route_with_an_error_costs_no_more_than_rfc_7606_says),
		cmocka_unit_test(a_route_of_another_family_is_nobodys),
		cmocka_unit_test(a_withdrawal_takes_the_route_of_its_family),
	};

	/* The wire probe that other daemons were held against has 81. */
	_Static_assert(ARRAY_SIZE(exchanges) + ARRAY_SIZE(offers) + ARRAY_SIZE(updates) +
				       ARRAY_SIZE(broken) >=
			       81,
		       "no case is lost");
	return cmocka_run_group_tests(tests, list_sides, NULL);
}
