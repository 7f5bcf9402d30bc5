// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/netlink_attrs: attributes of the expected size are read, others are as if missing, and no
 * message, however cut or scrambled, is read beyond its end (the sanitizer watches).
 */
#include "sys/netlink_attrs.h"

#include "base/rng.h"
#include "sys_test.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>

#define HEADER 12

static struct nlmsghdr *message(void *buf)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);

	(void)mnl_nlmsg_put_extra_header(m, HEADER);
	return m;
}

static void values_are_read_by_type(void **state)
{
	char buf[512] __attribute__((aligned(4)));
	struct nlmsghdr *m = message(buf);
	struct ip_addr v4, v6, got;
	struct netlink_attrs attrs, inner;
	uint16_t u16 = 0, port = 0;
	uint32_t u32 = 0;
	uint8_t u8 = 0;

	(void)state;
	assert_true(ip_addr_parse("192.0.2.1", &v4) && ip_addr_parse("2001:db8::1", &v6));
	mnl_attr_put_u32(m, 1, 7);
	mnl_attr_put_u32(m, 1, 8); /* the last of doubles counts */
	mnl_attr_put_u8(m, 2, 9);
	netlink_put_address(m, 3, &v4);
	netlink_put_address(m, 4, &v6);
	mnl_attr_put_strz(m, 5, "lt0");
	mnl_attr_put(m, 6, 3, "lt0"); /* without its NUL */
	struct nlattr *nest = mnl_attr_nest_start(m, 7);
	mnl_attr_put_u32(m, 1, 77);
	mnl_attr_nest_end(m, nest);
	mnl_attr_put_u32(m, NETLINK_ATTRS + 5, 1);
	mnl_attr_put_u16(m, 8, htons(179));
	assert_true(netlink_attrs_parse(m, HEADER, &attrs));
	assert_true(netlink_attrs_u32(&attrs, 1, &u32) && u32 == 8);
	assert_true(netlink_attrs_u8(&attrs, 2, &u8) && u8 == 9);
	assert_true(netlink_attrs_address(&attrs, 3, &got) && ip_addr_equal(&got, &v4));
	assert_true(netlink_attrs_address(&attrs, 4, &got) && ip_addr_equal(&got, &v6));
	assert_string_equal(netlink_attrs_text(&attrs, 5), "lt0");
	assert_null(netlink_attrs_text(&attrs, 6));
	assert_true(netlink_attrs_nested(&attrs, 7, &inner));
	assert_true(netlink_attrs_u32(&inner, 1, &u32) && u32 == 77);
	assert_true(netlink_attrs_u16(&attrs, 8, &u16) && u16 == htons(179));
	assert_true(netlink_attrs_port(&attrs, 8, &port) && port == 179);
	assert_int_equal(netlink_family(&v4), AF_INET);
	assert_int_equal(netlink_family(&v6), AF_INET6);
}

static void attributes_missing_or_of_another_size_leave_the_value_alone(void **state)
{
	char buf[256] __attribute__((aligned(4)));
	struct nlmsghdr *m = message(buf);
	struct netlink_attrs attrs, inner;
	struct ip_addr address = {.b = {1}};
	uint16_t u16 = 5;
	uint32_t u32 = 5;
	uint8_t u8 = 5;

	(void)state;
	mnl_attr_put_u16(m, 1, 7);
	assert_true(netlink_attrs_parse(m, HEADER, &attrs));
	for (int type = 1; type <= 2; type++) {
		assert_false(netlink_attrs_u32(&attrs, type, &u32));
		assert_false(netlink_attrs_u8(&attrs, type, &u8));
		assert_false(netlink_attrs_address(&attrs, type, &address));
	}
	assert_false(netlink_attrs_u16(&attrs, 2, &u16) || netlink_attrs_port(&attrs, 2, &u16));
	assert_false(netlink_attrs_nested(&attrs, 2, &inner));
	assert_null(netlink_attrs_text(&attrs, 2));
	assert_int_equal(u32 + u16 + u8 + address.b[0], 16);
	assert_false(netlink_attrs_parse(m, 100, &attrs));
}

static void touch_all(const struct netlink_attrs *attrs, int depth)
{
	struct netlink_attrs inner;
	struct ip_addr address;
	uint32_t u32;
	uint8_t u8;

	for (int type = 0; type < NETLINK_ATTRS; type++) {
		(void)netlink_attrs_u8(attrs, type, &u8);
		(void)netlink_attrs_u32(attrs, type, &u32);
		(void)netlink_attrs_address(attrs, type, &address);
		(void)netlink_attrs_text(attrs, type);
		if (depth > 0 && netlink_attrs_nested(attrs, type, &inner))
			touch_all(&inner, depth - 1);
	}
}

static void scrambled_messages_are_never_read_beyond_their_end(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 11);
	for (int round = 0; round < 20000; round++) {
		size_t len = NLMSG_HDRLEN + rng_below(&rng, 120);
		uint8_t *data = xmalloc(len); /* exactly, so that one byte more is seen */
		struct nlmsghdr *m = (struct nlmsghdr *)(void *)data;
		struct netlink_attrs attrs;

		for (size_t i = 0; i < len; i++)
			data[i] = rng_below(&rng, 3) ? (uint8_t)rng_below(&rng, 24) : 0;
		m->nlmsg_len = (uint32_t)len;
		if (netlink_attrs_parse(m, HEADER, &attrs))
			touch_all(&attrs, 2);
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_by_type),
		cmocka_unit_test(attributes_missing_or_of_another_size_leave_the_value_alone),
		cmocka_unit_test(scrambled_messages_are_never_read_beyond_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
