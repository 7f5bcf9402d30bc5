// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Maps that are made anew when they have another shape, and the domains of devices in theirs. */
#include "bpf_under_test.h"

#include "sys/bpf_selftest.h"

/* --- shapes ----------------------------------------------------------------------------------- */

static void pin_path(const struct under_test *u, const char *map, char path[256])
{
	snprintf(path, 256, "%s/maps/%s", u->fixture->pin_dir, map);
}

static void replace_pin(const struct under_test *u, const char *map, int fd)
{
	char path[256];

	assert_true(fd >= 0);
	pin_path(u, map, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
}

static uint32_t pinned_entries(const struct under_test *u, const char *what)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);
	int fd = pinned(u, what);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.max_entries;
}

/* As another version may have left them: counts, look-ups that the agent can make anew, scratch. */
static void maps_that_hold_no_flow_may_have_another_shape_or_be_missing(void **state)
{
	const struct lb_actual *all;
	struct under_test u;
	char path[256];
	uint32_t drops;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	drops = pinned_entries(&u, "maps/drops");
	replace_pin(&u, "drops", bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "drops", 4, 8, 3, NULL));
	replace_pin(&u, "uplinks", bpf_map_create(BPF_MAP_TYPE_ARRAY, "uplinks", 4, 8, 256, NULL));
	pin_path(&u, "backend_ports", path);
	assert_int_equal(unlink(path), 0);
	pin_path(&u, "scratch", path);
	assert_int_equal(unlink(path), 0);
	for (unsigned round = 0; round < 2; round++) {
		reopen(&u);
		assert_true(u.adopted);
		assert_int_equal(dump(&u, &all), 2);
		assert_int_equal(test(&u, 0), 0);
		assert_int_equal(pinned_entries(&u, "maps/drops"), drops);
		assert_true(pinned_entries(&u, "maps/backend_ports") > 0);
		assert_int_equal(pinned_entries(&u, "maps/scratch"), 1);
	}
	end(&u);
}

static void maps_that_hold_flows_are_not_adopted_in_another_shape(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	replace_pin(&u, "services", bpf_map_create(BPF_MAP_TYPE_ARRAY, "services", 4, 8, 3, NULL));
	reopen(&u);
	assert_false(u.adopted);
	end(&u);
}

/* --- domains ---------------------------------------------------------------------------------- */

/* Devices whose indices agree modulo every power of two up to 65,536. */
#define ALIKE        4
#define ALIKE_DOMAIN 7

static int alike_index(unsigned i)
{
	return 1000 + (int)i * 65536;
}

static void make_alike(struct plan_device *devices)
{
	static const char *const names[ALIKE] = {"lt-dp-e0", "lt-dp-e1", "lt-dp-e2", "lt-dp-e3"};
	char command[128];

	for (unsigned i = 0; i < ALIKE; i++) {
		snprintf(command, sizeof(command),
			 "ip link add %s index %d type veth peer name %sp", names[i],
			 alike_index(i), names[i]);
		run(command);
		devices[i] = (struct plan_device){.ifindex = alike_index(i),
						  .name = names[i],
						  .xdp = true,
						  .domain = (uint16_t)(ALIKE_DOMAIN + i)};
	}
}

/* One VIP, port and protocol in every domain, with a backend that tells the domains apart. */
static struct lb_frontend web_in(struct under_test *u, uint16_t domain)
{
	struct lb_target *own = arena_array_of(u->arena, 1, struct lb_target);
	struct lb_frontend address = vip(0), f = web(u, 0, 1);

	own->addr = ip_addr_from_v4(0x0a090000 + domain);
	own->port = 8080;
	own->weight = 1;
	f.targets = own;
	address.key.domain = f.key.domain = domain;
	f.table = lb_table_name(&f);
	assert_int_equal(put(u, &address), 0);
	assert_int_equal(put(u, &f), 0);
	return f;
}

/* What serves a packet to the VIP that comes in by this device: 0, or -ECOMM for nothing. */
static int served(const struct under_test *u, const struct lb_frontend *f, int ifindex)
{
	const struct lb_actual frontend = {
		.key = f->key, .targets = f->targets, .n_targets = f->n_targets};
	int fd = pinned(u, "progs/xdp_lb"), ret;

	ret = bpf_selftest(fd, &frontend, ifindex);
	close(fd);
	return ret;
}

static void every_uplink_has_its_own_domain_whatever_its_index(void **state)
{
	struct plan_device devices[ALIKE];
	struct lb_frontend f[ALIKE];
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	make_alike(devices);
	for (unsigned i = 0; i < ALIKE; i++)
		f[i] = web_in(&u, devices[i].domain);
	for (unsigned round = 0; round < 2; round++) {
		bpf_dataplane_apply_devices(u.dp, devices, ALIKE);
		for (unsigned i = 0; i < ALIKE; i++)
			assert_int_equal(served(&u, &f[i], devices[i].ifindex), 0);
		reopen(&u);
	}
	bpf_dataplane_apply_devices(u.dp, NULL, 0);
	run("for i in 0 1 2 3; do ip link del lt-dp-e$i; done");
	end(&u);
}

/* Another device may be given the index of one that is gone, and it has no domain. */
static void a_device_that_is_gone_leaves_no_domain_behind(void **state)
{
	struct plan_device devices[ALIKE];
	struct lb_frontend f;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	make_alike(devices);
	f = web_in(&u, devices[1].domain);
	bpf_dataplane_apply_devices(u.dp, devices, ALIKE);
	assert_int_equal(served(&u, &f, devices[1].ifindex), 0);
	bpf_dataplane_apply_devices(u.dp, devices, 1);
	assert_int_equal(served(&u, &f, devices[1].ifindex), -ECOMM);

	bpf_dataplane_apply_devices(u.dp, devices, ALIKE);
	assert_int_equal(served(&u, &f, devices[1].ifindex), 0);
	devices[1].domain = 0;
	bpf_dataplane_apply_devices(u.dp, devices, ALIKE);
	assert_int_equal(served(&u, &f, devices[1].ifindex), -ECOMM);
	devices[1].domain = ALIKE_DOMAIN + 1;
	bpf_dataplane_apply_devices(u.dp, devices, ALIKE);
	reopen(&u);
	bpf_dataplane_apply_devices(u.dp, devices, 1);
	assert_int_equal(served(&u, &f, devices[1].ifindex), -ECOMM);
	bpf_dataplane_apply_devices(u.dp, NULL, 0);
	run("for i in 0 1 2 3; do ip link del lt-dp-e$i; done");
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_that_hold_no_flow_may_have_another_shape_or_be_missing),
		cmocka_unit_test(maps_that_hold_flows_are_not_adopted_in_another_shape),
		cmocka_unit_test(every_uplink_has_its_own_domain_whatever_its_index),
		cmocka_unit_test(a_device_that_is_gone_leaves_no_domain_behind),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
