// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/top: screens of several sizes for the same two samples, what keys change, and that no screen
 * is wider or higher than it may be.
 */
#include "cli/top.h"

#include "base/arena.h"
#include "cli/table.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

/* --- samples ---------------------------------------------------------------------------------- */

static cJSON *status_at(unsigned second)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	return cJSON_Parse(arena_printf(
		arena,
		"{\"node\":\"node-a\",\"state\":\"degraded\",\"uptimeSeconds\":%u,\"monotonicMillis\":%u,"
		"\"dataplane\":{\"mode\":\"xdp\",\"devices\":[{\"name\":\"eth0\",\"xdp\":true,"
		"\"mode\":\"native\"},{\"name\":\"eth1\",\"xdp\":false,\"mode\":null}],"
		"\"flowTable\":{\"size\":262144,\"flows\":4711}},\"drops\":{\"ttl\":%u,"
		"\"no_backend\":%u,\"deny\":7},\"passed\":{\"reply_miss\":%u},\"meanings\":{},"
		"\"problems\":{\"error\":1,\"warning\":2,\"info\":0}}",
		300 + second, 1000 * second, 3 * second, 12 * second, second));
}

static const char peers[] = "[{\"name\":\"tor-1\",\"state\":\"Established\",\"bfd\":\"Up\"},"
			    "{\"name\":\"tor-2\",\"state\":\"Connect\",\"bfd\":\"Down\"},"
			    "{\"name\":\"tor-3\",\"state\":\"Established\",\"bfd\":\"None\"}]";

/* A frontend whose packets are those of a second, each of 100 octets. */
static const char *service(struct arena *arena, const char *vip, const char *name, unsigned packets,
			   unsigned flows, const char *backend)
{
	return arena_printf(
		arena,
		"{\"namespace\":\"shop\",\"name\":\"%s\",\"vip\":\"%s\",\"port\":443,"
		"\"protocol\":\"TCP\",\"announced\":%s,\"packets\":%u,\"bytes\":%u,"
		"\"flows\":%u,\"backends\":[{\"state\":\"%s\"},{\"state\":\"draining\"}]}",
		name, vip, flows ? "true" : "false", packets, packets * 100, flows, backend);
}

static cJSON *services_at(unsigned second)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	return cJSON_Parse(arena_printf(
		arena,
		"[%s,%s,%s,{\"namespace\":\"a\",\"name\":\"b\",\"vip\":null,\"backends\":[]}]",
		service(arena, "192.0.2.1", "web", 1500 * second * second, 17, "ready"),
		service(arena, "192.0.2.2", "a-rather-long-name", 4 * second, 40, "ready"),
		service(arena, "2001:db8:1234:5678::1", "quiet", 9, 0, "terminating")));
}

static void feed(struct top *t, unsigned second)
{
	cJSON *s = status_at(second), *p = cJSON_Parse(peers), *v = services_at(second);

	assert_true(s && p && v);
	top_feed(t, s, p, v);
	cJSON_Delete(s);
	cJSON_Delete(p);
	cJSON_Delete(v);
}

static void expect(unsigned seconds, struct top_view view, const char *golden)
{
	struct top t = {.n_vips = 0};
	struct strbuf out;

	for (unsigned i = 1; i <= seconds; i++)
		feed(&t, i);
	strbuf_init(&out, 1u << 16);
	top_draw(&t, &view, &out);
	assert_string_equal(out.data, golden);
	strbuf_done(&out);
	top_done(&t);
}

static const struct top_view usual = {.columns = 80, .rows = 24, .has_blocks = true};

/* --- screens ---------------------------------------------------------------------------------- */

static void a_first_sample_has_no_rates(void **state)
{
	struct top_view view = usual;

	(void)state;
	view.rows = 12;
	expect(1, view,
	       "node-a  degraded  up 5m1s  data plane xdp  eth0 native  eth1 no XDP\n"
	       "BGP ECE 2 of 3 Established   BFD UD. 1 of 2 Up\n"
	       "in - pkt/s - bit/s   flows 4.7k of 262k   dropped -/s   problems 1+2\n"
	       "\n"
	       "VIP                    SERVICE         PKT/S  BIT/S  FLOWS   PODS  LAST MINUTE\n"
	       "192.0.2.1:443/TCP      shop/web            -      -     17    1/2\n"
	       "192.0.2.2:443/TCP      shop/a-rathe..      -      -     40    1/2\n"
	       "[2001:db8:1234:5678:.. shop/quiet          -      -      0    0/2 !\n"
	       "\n"
	       "\n"
	       "nothing is dropped\n"
	       "q quit  s sort: packets  j/k scroll  p pause  h help");
}

static void rates_and_the_last_minute_at_80_by_24(void **state)
{
	(void)state;
	expect(9, usual,
	       "node-a  degraded  up 5m9s  data plane xdp  eth0 native  eth1 no XDP\n"
	       "BGP ECE 2 of 3 Established   BFD UD. 1 of 2 Up\n"
	       "in 25.5k pkt/s 20.4M bit/s   flows 4.7k of 262k   dropped 15/s   problems 1+2\n"
	       "\n"
	       "VIP                    SERVICE         PKT/S  BIT/S  FLOWS   PODS  LAST MINUTE\n"
	       "192.0.2.1:443/TCP      shop/web        25.5k  20.4M     17    1/2  ▂▃▄▅▆▆▇█\n"
	       "192.0.2.2:443/TCP      shop/a-rathe..      4   3.2k     40    1/2  ████████\n"
	       "[2001:db8:1234:5678:.. shop/quiet          0      0      0    0/2 !\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "\n"
	       "DROPPED             PKT/S\n"
	       "no_backend             12  █████████████████████████████████████████████████████\n"
	       "ttl                     3  █████████████\n"
	       "q quit  s sort: packets  j/k scroll  p pause  h help");
}

static void a_dumb_terminal_has_letters(void **state)
{
	(void)state;
	expect(70, (struct top_view){.columns = 110, .rows = 12, .order = TOP_BY_NAME},
	       "node-a  degraded  up 6m10s  data plane xdp  eth0 native  eth1 no XDP\n"
	       "BGP ECE 2 of 3 Established   BFD UD. 1 of 2 Up\n"
	       "in 209k pkt/s 167M bit/s   flows 4.7k of 262k   dropped 15/s   problems 1+2\n"
	       "\n"
	       "VIP                              SERVICE                PKT/S  BIT/S  FLOWS   PODS  LAST MINUTE\n"
	       "192.0.2.1:443/TCP                shop/web                208k   167M     17    1/2  +**********%%%%%%%%%%#####\n"
	       "192.0.2.2:443/TCP                shop/a-rather-long-..      4   3.2k     40    1/2  ##########################\n"
	       "[2001:db8:1234:5678::1]:443/TCP  shop/quiet                 0      0      0    0/2 !\n"
	       "\n"
	       "DROPPED             PKT/S\n"
	       "no_backend             12  ###################################################################################\n"
	       "q quit  s sort: name  j/k scroll  p pause  h help");
}

static void colours_are_of_what_is_not_well(void **state)
{
	(void)state;
	expect(2,
	       (struct top_view){.columns = 60, .rows = 10, .has_colour = true, .is_paused = true},
	       "node-a  \033[1;31mdegraded\033[0m  up 5m2s  data plane xdp  eth0 native  eth1\n"
	       "BGP \033[32mE\033[0m\033[1;31mC\033[0m\033[32mE\033[0m 2 of 3 Established   BFD \033[32mU\033[0m\033[1;31mD\033[0m. 1 of 2 Up\n"
	       "in 4.5k pkt/s 3.6M bit/s   flows 4.7k of 262k\033[33m   dropped 15/s\033[0m\n"
	       "\n"
	       "VIP                    SERVICE         PKT/S  BIT/S  FLOWS\n"
	       "192.0.2.1:443/TCP      shop/web         4.5k   3.6M     17\n"
	       "192.0.2.2:443/TCP      shop/a-rathe..      4   3.2k     40\n"
	       "DROPPED             PKT/S\n"
	       "no_backend             12  \033[33m#################################\033[0m\n"
	       "q quit  s sort: packets  j/k scroll  p PAUSED  h help");
}

static void help_and_errors_take_their_places(void **state)
{
	(void)state;
	expect(2,
	       (struct top_view){
		       .columns = 80, .rows = 18, .shows_help = true, .error = "no answer\033[2J"},
	       "node-a  degraded  up 5m2s  data plane xdp  eth0 native  eth1 no XDP\n"
	       "BGP ECE 2 of 3 Established   BFD UD. 1 of 2 Up\n"
	       "in 4.5k pkt/s 3.6M bit/s   flows 4.7k of 262k   dropped 15/s   problems 1+2\n"
	       "\n"
	       "BGP and BFD: a letter for each peer, the first of its state; E and U are well,\n"
	       "             and a point is a peer without BFD; \"show peers\" has their names\n"
	       "PODS         that are ready, of all; \"!\" behind it: the VIP is not announced,\n"
	       "             and \"explain service NS/NAME\" says why\n"
	       "PKT/S        into the VIP; the picture is scaled to the highest of each row\n"
	       "FLOWS        that live, as of a few seconds ago; \"flows\" has them by pod\n"
	       "problems     errors and warnings; \"show problems\" has them, and what helps\n"
	       "dropped      \"drops\" says what each reason means\n"
	       "\n"
	       "\n"
	       "DROPPED             PKT/S\n"
	       "no_backend             12  #####################################################\n"
	       "ttl                     3  #############\n"
	       "no answer?[2J");
}

/* Whatever the size: so many lines, none wider, and colours take no place. */
static void every_screen_fits(void **state)
{
	struct top t = {.n_vips = 0};

	(void)state;
	for (unsigned i = 1; i <= 3; i++)
		feed(&t, i);
	for (unsigned columns = 1; columns < 330; columns += columns < 100 ? 1 : 37)
		for (unsigned rows = 1; rows < 40; rows++) {
			struct top_view view = {.columns = columns,
						.rows = rows,
						.first = 7,
						.has_blocks = columns % 2,
						.shows_help = rows % 2};
			unsigned n = 1;
			struct strbuf out;

			strbuf_init(&out, 1u << 20);
			top_draw(&t, &view, &out);
			for (char *line = out.data, *end; line; line = end ? end + 1 : NULL) {
				end = strchr(line, '\n');
				if (end)
					*end = '\0';
				n += end != NULL;
				assert_true(table_width(line) <= columns);
			}
			assert_int_equal(n, rows);
			strbuf_done(&out);
		}
	top_done(&t);
}

static void keys_change_the_view(void **state)
{
	static const char *const firsts[] = {
		"192.0.2.1:", "192.0.2.1:", "192.0.2.2:", "192.0.2.1:"};
	struct top_view view = {.columns = 80, .rows = 8};
	struct top t = {.n_vips = 0};
	struct strbuf out;

	(void)state;
	feed(&t, 1);
	feed(&t, 2);
	for (unsigned i = 0; i < ARRAY_SIZE(firsts); i++) {
		assert_int_equal(view.order, i);
		strbuf_init(&out, 1u << 16);
		view.rows = 9;
		top_draw(&t, &view, &out);
		assert_non_null(strstr(strstr(out.data, "LAST MINUTE"), firsts[i]));
		strbuf_done(&out);
		assert_true(top_key(&view, 's'));
	}
	assert_int_equal(view.order, TOP_BY_PACKETS);
	for (unsigned i = 0; i < 9; i++)
		assert_true(top_key(&view, i % 2 ? 'j' : TOP_KEY_DOWN));
	assert_int_equal(view.first, 9);
	strbuf_init(&out, 1u << 16);
	top_draw(&t, &view, &out);
	strbuf_done(&out);
	assert_int_equal(view.first, 2); /* of three the last is shown */
	assert_true(top_key(&view, 'k') && top_key(&view, TOP_KEY_UP) && top_key(&view, 'k'));
	assert_int_equal(view.first, 0);
	assert_true(top_key(&view, 'p') && view.is_paused);
	assert_true(top_key(&view, ' ') && !view.is_paused);
	assert_true(top_key(&view, 'h') && view.shows_help);
	assert_true(top_key(&view, '?') && !view.shows_help);
	assert_true(top_key(&view, 'x'));
	assert_false(top_key(&view, 'q'));
	assert_false(top_key(&view, 3));
	top_done(&t);
}

/* The counters of another process say nothing about this one's. */
static void a_restart_begins_anew(void **state)
{
	struct top t = {.n_vips = 0};

	(void)state;
	feed(&t, 1);
	feed(&t, 5);
	assert_true(t.has_rates);
	assert_int_equal(t.n_drops, 2);
	assert_string_equal(t.drops[0].reason, "no_backend");
	assert_int_equal(t.vips[0].n_history, 1);
	feed(&t, 3);
	assert_false(t.has_rates);
	assert_int_equal(t.n_drops, 0);
	assert_int_equal(t.vips[0].n_history, 1); /* what was is not forgotten */
	top_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_sample_has_no_rates),
		cmocka_unit_test(rates_and_the_last_minute_at_80_by_24),
		cmocka_unit_test(a_dumb_terminal_has_letters),
		cmocka_unit_test(colours_are_of_what_is_not_well),
		cmocka_unit_test(help_and_errors_take_their_places),
		cmocka_unit_test(every_screen_fits),
		cmocka_unit_test(keys_change_the_view),
		cmocka_unit_test(a_restart_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
