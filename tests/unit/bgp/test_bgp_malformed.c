// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A malformed UPDATE can be looked at afterwards, whatever it cost and whatever came behind it (RFC
 * 7606 8).
 */
#include "bgp_conn_script.h"

#include "bgp/bgp_malformed.h"

#define PATH "40010100 4002 06 02010000fbf5 "

/* ROUTE with an ORIGIN of 9; then with MP_REACH cut off. */
#define BAD_ORIGIN "02 0000 0014 40010109 4002 06 02010000fbf5 400304 c0000202 18c63364"
#define BAD_REACH  "02 0000 0014 800e 04 0002 01 05 " PATH

static void assert_is(const struct bgp_malformed *m, const char *hex, const char *words)
{
	uint8_t whole[BGP_MESSAGE_MAX];
	char text[BGP_MALFORMED_TEXT];

	assert_int_equal(m->len, message(whole, hex));
	assert_memory_equal(m->message, whole, m->len);
	assert_string_equal(bgp_malformed_text(m, text), words);
}

static void it_is_kept_whole_until_the_next(void **state)
{
	struct fixture *f = *state;
	const struct bgp_malformed *m = bgp_rib_in_malformed(f->rib_in);

	establish(f, NOW);
	receive_hex(&f->conn, NOW, ROUTE);
	assert_int_equal(m->n, 0);
	receive_hex(&f->conn, NOW, BAD_ORIGIN);
	receive_hex(&f->conn, NOW, ROUTE); /* where it was before it was copied */
	receive_hex(&f->conn, NOW, "02 0000 0000");
	assert_int_equal(m->n, 1);
	assert_is(m, BAD_ORIGIN,
		  "ORIGIN value undefined (attribute 1): its routes count as withdrawn; "
		  "it names 198.51.100.0/24");
	receive_hex(&f->conn, NOW, BAD_REACH);
	assert_int_equal(m->n, 2);
	assert_is(m, BAD_REACH, "MP_REACH_NLRI unreadable (attribute 14): the session ends");
	assert_int_equal(f->conn.state, BGP_IDLE);
}

/* LOCAL_PREF of another AS: nothing is lost, and it is told all the same. */
static void what_costs_an_attribute_counts(void **state)
{
	static const char update[] =
		"02 0000 001b " PATH "400304 c0000202 400504 00000064 18c63364";
	struct fixture *f = *state;
	const struct bgp_malformed *m = bgp_rib_in_malformed(f->rib_in);

	establish(f, NOW);
	receive_hex(&f->conn, NOW, update);
	assert_int_equal(m->n, 1);
	assert_is(m, update,
		  "attribute of internal sessions from an external peer (attribute 5): the "
		  "attribute is ignored; it names 198.51.100.0/24");
	assert_int_equal(f->conn.routes_received, 1);
}

/* Of all its lists, as many as a line has room for. */
static void it_names_the_first_prefixes(void **state)
{
	static const char update[] =
		"02 000a 08 0b 10 0a0c 20 0a0d0001 003b "
		"800e 1c 0002 01 10 fd000000000000000000000000000001 00 30 fd0000000001 "
		"400101 09 4002 06 02010000fbf5 400304 c0000202 800f 05 0002 01 08 fe "
		"08 01 08 02 08 03";
	static const char gone[] = "02 0000 000c 400101 09 800f 05 0002 01 08 fe";
	struct fixture *f = *state;
	const struct bgp_malformed *m = bgp_rib_in_malformed(f->rib_in);

	f->config.families.bits |= BGP_FAMILY_BIT(BGP_IPV6_UNICAST);
	establish_with(
		f, NOW,
		"01 04 fbf5 005a 0a000002 14 0212 0104 0001 0001 0104 0002 0001 4104 0000fbf5");
	receive_hex(&f->conn, NOW, update);
	assert_is(m, update,
		  "ORIGIN value undefined (attribute 1): its routes count as withdrawn; it names "
		  "1.0.0.0/8, 2.0.0.0/8, 3.0.0.0/8, fd00:0:1::/48, 11.0.0.0/8, 10.12.0.0/16, ...");
	receive_hex(&f->conn, NOW, gone);
	assert_is(m, gone,
		  "ORIGIN value undefined (attribute 1): the session ends; it names fe00::/8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_kept_whole_until_the_next),
		TEST(what_costs_an_attribute_counts),
		TEST(it_names_the_first_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
