// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a capture is asked for, read from requests; and what captured frames are said to be. Frames
 * are made by hand here; those of the programs are tests/bpf/test_capture's.
 */
#include "agent/capture_ask.h"
#include "agent/capture_text.h"

#include "lb/lb_drops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* --- requests --------------------------------------------------------------------------------- */

#define MANY 40

static struct ip_addr addr(const char *text)
{
	struct ip_addr ret = {{0}};

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

static const char *ask(const char *request, const struct plan *plan, struct capture_ask *ret)
{
	cJSON *json = cJSON_Parse(request);
	const char *error;

	assert_non_null(json);
	error = capture_ask_read(json, plan, ret);
	cJSON_Delete(json);
	return error;
}

static void make_plan(struct plan *plan, struct plan_service services[MANY])
{
	memset(services, 0, MANY * sizeof(*services));
	services[0] = (struct plan_service){.ns = "shop",
					    .name = "web",
					    .port = 80,
					    .protocol = "TCP",
					    .vip.addr = addr("192.0.2.1")};
	services[1] = services[0];
	services[1].port = 443;
	services[2] = (struct plan_service){.ns = "dns",
					    .name = "web",
					    .port = 53,
					    .protocol = "UDP",
					    .vip.addr = addr("2001:db8::1")};
	services[3] = (struct plan_service){.ns = "shop",
					    .name = "none",
					    .port = 80,
					    .protocol = "TCP"}; /* without an address */
	for (size_t i = 4; i < MANY; i++) {
		services[i] = services[0];
		services[i].name = "many";
		services[i].port = (uint16_t)(1000 + i);
	}
	*plan = (struct plan){.services = services, .n_services = MANY};
}

static void nothing_asked_is_all_of_it_bounded(void **state)
{
	struct plan_service services[MANY];
	struct capture_ask a;
	struct plan plan;

	(void)state;
	make_plan(&plan, services);
	assert_null(ask("{}", &plan, &a));
	assert_int_equal(a.asked.n_vips, 0);
	assert_true(ip_addr_is_none(&a.asked.clients.addr));
	assert_true(a.asked.requests && a.asked.replies);
	assert_int_equal(a.asked.reasons, 0);
	assert_int_equal(a.packets, 1000);
	assert_int_equal(a.asked.bytes, 256);
	assert_int_equal(a.asked.length, 60 * NSEC_PER_SEC);
	assert_null(ask("{\"packets\":100000,\"seconds\":3600,\"snaplen\":1536}", &plan, &a));
	assert_int_equal(a.asked.bytes, 1536);
	assert_non_null(ask("{\"packets\":100001}", &plan, &a));
	assert_non_null(ask("{\"packets\":0}", &plan, &a));
	assert_non_null(ask("{\"seconds\":3601}", &plan, &a));
	assert_non_null(ask("{\"seconds\":\"1\"}", &plan, &a));
	assert_non_null(ask("{\"snaplen\":63}", &plan, &a));
	assert_non_null(ask("{\"snaplen\":1537}", &plan, &a));
}

static void services_and_vips_are_those_of_the_plan(void **state)
{
	struct plan_service services[MANY];
	struct capture_ask a;
	struct plan plan;

	(void)state;
	make_plan(&plan, services);
	assert_null(ask("{\"service\":\"web\"}", &plan, &a));
	assert_int_equal(a.asked.n_vips, 3);
	assert_null(ask("{\"service\":\"web\",\"namespace\":\"dns\"}", &plan, &a));
	assert_int_equal(a.asked.n_vips, 1);
	assert_int_equal(a.asked.vips[0].port, 53);
	assert_int_equal(a.asked.vips[0].proto, 17);
	assert_null(ask("{\"vip\":\"192.0.2.1\"}", &plan, &a));
	assert_int_equal(a.asked.n_vips, 1); /* once, whatever serves it, with all ports */
	assert_int_equal(a.asked.vips[0].port, 0);
	assert_null(ask("{\"vip\":\"192.0.2.1\",\"port\":443}", &plan, &a));
	assert_int_equal(a.asked.n_vips, 1);
	assert_int_equal(a.asked.vips[0].port, 443);
	assert_non_null(ask("{\"vip\":\"192.0.2.1\",\"port\":81}", &plan, &a));
	assert_non_null(ask("{\"vip\":\"192.0.2.2\"}", &plan, &a));
	assert_non_null(ask("{\"vip\":\"x\"}", &plan, &a));
	assert_non_null(ask("{\"service\":\"none\"}", &plan, &a));
	assert_non_null(ask("{\"service\":\"many\"}", &plan, &a)); /* more than 32 */
}

static void clients_directions_and_reasons_are_words(void **state)
{
	struct plan_service services[MANY];
	struct capture_ask a;
	struct plan plan;

	(void)state;
	make_plan(&plan, services);
	assert_null(ask("{\"client\":\"198.51.100.0/24\",\"direction\":\"in\"}", &plan, &a));
	assert_int_equal(a.asked.clients.len, 24);
	assert_true(a.asked.requests && !a.asked.replies);
	assert_null(ask("{\"client\":\"2001:db8::7\",\"direction\":\"reply\"}", &plan, &a));
	assert_int_equal(a.asked.clients.len, 128);
	assert_true(!a.asked.requests && a.asked.replies);
	assert_null(ask("{\"client\":\"198.51.100.7\"}", &plan, &a));
	assert_int_equal(a.asked.clients.len, 32);
	assert_non_null(ask("{\"client\":\"198.51.100\"}", &plan, &a));
	assert_non_null(ask("{\"direction\":\"out\"}", &plan, &a));
	assert_null(ask("{\"dropped\":true}", &plan, &a));
	for (size_t i = 0; i < lb_drop_count(); i++)
		assert_int_equal(a.asked.reasons >> i & 1, i > 0 && lb_drop_is_lost(i));
	assert_null(ask("{\"dropped\":true,\"reason\":\"source\"}", &plan, &a));
	assert_int_equal(__builtin_popcountll(a.asked.reasons), 1);
	assert_null(ask("{\"reason\":\"hops\"}", &plan, &a)); /* counted, not dropped */
	assert_non_null(ask("{\"reason\":\"none\"}", &plan, &a));
	assert_non_null(ask("{\"reason\":\"sauce\"}", &plan, &a));
}

/* --- frames ----------------------------------------------------------------------------------- */

static const uint8_t v4_frame[] = {1,    2, 3,   4,  5, 6, 7,    8,    9,  10, 11, 12, 8,   0,
				   0x45, 0, 0,   40, 0, 0, 0,    0,    64, 6,  0,  0,  198, 51,
				   100,  7, 192, 0,  2, 1, 0x03, 0xe8, 0,  80, 1,  2,  3};

static uint64_t bit_of(const char *reason)
{
	for (size_t i = 0; i < lb_drop_count(); i++)
		if (strcmp(lb_drop_name(i), reason) == 0)
			return UINT64_C(1) << i;
	fail_msg("no reason %s", reason);
	return 0;
}

static void expect_comment(const struct bpf_captured *f, const struct capture_where *w,
			   const char *want)
{
	struct strbuf s;

	strbuf_init(&s, 400);
	capture_comment(&s, f, w);
	assert_string_equal(s.data, want);
	strbuf_done(&s);
}

static void a_comment_says_what_became_of_it(void **state)
{
	const struct capture_where known = {.node = "node-b", .candidate = 1};
	const struct capture_where unknown = {.candidate = -1};
	struct bpf_captured f = {.backend = addr("10.1.1.2"), .backend_port = 80, .ip_off = 14};
	struct strbuf s;

	(void)state;
	expect_comment(&f, &known, "to backend 10.1.1.2:80 on node-b, candidate 1");
	expect_comment(&f, &unknown, "to backend 10.1.1.2:80");
	f.backend = addr("2001:db8::2");
	expect_comment(&f, &unknown, "to backend [2001:db8::2]:80");
	f.ip_off = 58;
	expect_comment(&f, &unknown, "from another node; to backend [2001:db8::2]:80");
	f.ip_off = 14;
	f.reasons = bit_of("hops");
	expect_comment(&f, &unknown, "to backend [2001:db8::2]:80; counted: hops");
	f = (struct bpf_captured){.reasons = bit_of("source"), .is_dropped = true};
	expect_comment(&f, &unknown,
		       "drop: source (from outside of the Service's loadBalancerSourceRanges)");
	f.reasons |= bit_of("denied");
	expect_comment(&f, &unknown, "drop: source, denied");
	f.is_dropped = false;
	strbuf_init(&s, 400);
	capture_comment(&s, &f, &unknown);
	assert_memory_equal(s.data, "answered: ", 10);
	strbuf_done(&s);
	f = (struct bpf_captured){.is_dropped = true};
	expect_comment(&f, &unknown, "drop");
	f = (struct bpf_captured){.point = BPF_CAPTURED_REQUEST};
	expect_comment(&f, &unknown, "passed to the kernel, or answered");
	f.point = BPF_CAPTURED_REPLY;
	expect_comment(&f, &unknown, "reply of a backend");
	f.point = BPF_CAPTURED_REPLY_SENT;
	expect_comment(&f, &unknown, "reply as the VIP's");
	f.reasons = bit_of("reply_no_way");
	strbuf_init(&s, 400);
	capture_comment(&s, &f, &unknown);
	assert_memory_equal(s.data, "drop: reply_no_way", 18);
	strbuf_done(&s);
}

/* However much of it is there. */
static void a_flow_is_read_from_what_is_kept(void **state)
{
	struct bpf_captured f = {.ip_off = 14};
	struct capture_flow flow;

	(void)state;
	for (uint32_t kept = 0; kept <= sizeof(v4_frame); kept++) {
		uint8_t *exact = xcalloc(kept + 1, 1) /* for the sanitizer */;

		memcpy(exact, v4_frame, kept);
		f.bytes = exact;
		f.kept = kept;
		assert_int_equal(capture_flow_read(&f, &flow), kept >= 34);
		if (kept >= 34) {
			const struct ip_addr from = addr("198.51.100.7"), to = addr("192.0.2.1");

			assert_true(ip_addr_equal(&flow.from, &from));
			assert_true(ip_addr_equal(&flow.to, &to));
			assert_int_equal(flow.protocol, 6);
			assert_int_equal(flow.to_port, kept >= 38 ? 80 : 0);
			assert_int_equal(flow.from_port, kept >= 38 ? 1000 : 0);
		}
		free(exact);
	}
}

static void what_is_in_a_tunnel_is_taken_out(void **state)
{
	uint8_t outer[44 + sizeof(v4_frame)], got[sizeof(outer)];
	struct bpf_captured f = {.bytes = outer, .ip_off = 58, .len = 1500, .kept = sizeof(outer)};
	uint32_t len;

	(void)state;
	memset(outer, 0xee, sizeof(outer));
	memcpy(outer, v4_frame, 12);
	memcpy(outer + 58, v4_frame + 14, sizeof(v4_frame) - 14);
	assert_true(capture_is_in_tunnel(&f));
	assert_int_equal(capture_take_out(&f, got, &len), sizeof(v4_frame));
	assert_memory_equal(got, v4_frame, sizeof(v4_frame));
	assert_int_equal(len, 1500 - 44);
	f.ip_off = 14 + 8; /* behind two tags */
	assert_false(capture_is_in_tunnel(&f));
	f.ip_off = 58;
	f.kept = 58; /* nothing of it */
	assert_int_equal(capture_take_out(&f, got, &len), 14);
	f.point = BPF_CAPTURED_REPLY;
	assert_false(capture_is_in_tunnel(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_is_all_of_it_bounded),
		cmocka_unit_test(services_and_vips_are_those_of_the_plan),
		cmocka_unit_test(clients_directions_and_reasons_are_words),
		cmocka_unit_test(a_comment_says_what_became_of_it),
		cmocka_unit_test(a_flow_is_read_from_what_is_kept),
		cmocka_unit_test(what_is_in_a_tunnel_is_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
