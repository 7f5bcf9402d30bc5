// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The self-test in both families, through the store and the loaded programs: what is put is served,
 * and what is not is told. Two families of one Service lie side by side, and an adopted one answers
 * as before.
 */
#include "bpf_under_test.h"

#include "sys/bpf_selftest.h"

static const char *const vips[] = {"192.0.2.7", "2001:db8:7::7"};
static const char *const pods[] = {"10.0.7.1", "fd00:7::1"};

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("%s is not an address", text);
	return a;
}

static struct lb_frontend frontend(struct under_test *u, int family, uint8_t proto)
{
	struct lb_target *own = arena_array_of(u->arena, 2, struct lb_target);
	struct lb_frontend f = {.rows_log2 = LB_DEFAULT_ROWS_LOG2, .seed = 7};

	f.key = (struct lb_key){.addr = addr(vips[family]), .port = PORT, .proto = proto};
	for (uint16_t i = 0; i < 2; i++)
		own[i] = (struct lb_target){
			.addr = addr(pods[family]), .port = (uint16_t)(8080 + i), .weight = 1};
	f.targets = own;
	f.n_targets = 2;
	f.table = lb_table_name(&f);
	return f;
}

/* The answer for these backends, whatever the maps have. */
static int answer(const struct under_test *u, const struct lb_frontend *f)
{
	const struct lb_actual actual = {
		.key = f->key, .targets = f->targets, .n_targets = f->n_targets};
	int fd = pinned(u, "progs/xdp_lb"), ret;

	ret = bpf_selftest(fd, &actual, 0);
	close(fd);
	return ret;
}

static void put_all(struct under_test *u)
{
	for (int family = 0; family < 2; family++) {
		struct lb_frontend address = {.flags = LB_F_ECHO_ANSWER}, f;

		address.key.addr = addr(vips[family]);
		assert_int_equal(put(u, &address), 0);
		f = frontend(u, family, IPPROTO_TCP);
		assert_int_equal(put(u, &f), 0);
		f = frontend(u, family, IPPROTO_UDP);
		assert_int_equal(put(u, &f), 0);
		f = frontend(u, family, IPPROTO_SCTP);
		assert_int_equal(put(u, &f), 0);
	}
}

static void both_families_are_served_and_adopted(void **state)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_all(&u);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 6; i++) {
			struct lb_frontend f = frontend(&u, i / 3, protos[i % 3]);

			assert_int_equal(u.store.ops->test(u.store.ctx, u.now, &f.key), 0);
			assert_int_equal(answer(&u, &f), 0);
		}
		reopen(&u);
		assert_true(u.adopted);
	}
	end(&u);
}

static void what_is_not_served_is_told(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_all(&u);
	for (int family = 0; family < 2; family++) {
		struct lb_frontend f = frontend(&u, family, IPPROTO_TCP);
		struct lb_target strangers[2] = {f.targets[0], f.targets[1]};

		f.n_targets = 0; /* nobody, as far as is known: it should be dropped */
		assert_int_equal(answer(&u, &f), -ECOMM);
		f.targets = strangers;
		f.n_targets = 2;
		strangers[0].addr.b[15] ^= 1;
		strangers[1].addr.b[15] ^= 1;
		assert_int_equal(answer(&u, &f), -EBADMSG);
		strangers[0] = (struct lb_target){.addr = addr(pods[!family]), .port = 8080};
		strangers[1] = (struct lb_target){.addr = addr(pods[family]), .port = 80};
		assert_int_equal(answer(&u, &f), -EBADMSG);
		f.key.port++;
		assert_int_equal(answer(&u, &f), -ECOMM);
		f.key.addr.b[15] ^= 1;
		assert_int_equal(answer(&u, &f), -ECOMM);
	}
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families_are_served_and_adopted),
		cmocka_unit_test(what_is_not_served_is_told),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
