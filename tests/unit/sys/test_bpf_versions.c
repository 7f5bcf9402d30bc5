// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What an agent of another version finds: maps that it reads as they are, maps that it leaves
 * alone, and programs that stay attached until its own are in their place.
 */
#include "bpf_hooks.h"
#include "bpf_look.h"

#include "sys/bpf_former.h"

#include <errno.h>

static struct bpf_map_info map_info(int fd)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info;
}

static void set_version(const struct under_test *u, uint32_t version)
{
	struct lb_config config = config_of(u);
	int fd = pinned(u, "maps/config");
	__u32 zero = 0;

	config.abi_version = version;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), 0);
	close(fd);
}

static void maps_of_versions_before_are_adopted_and_are_ours_then(void **state)
{
	const struct lb_actual *all;
	struct lb_config before, after;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(config_of(&u).abi_version, LB_ABI_VERSION);
	put_web(&u, 0, 3);
	for (uint32_t version = LB_ABI_OLDEST; version <= LB_ABI_VERSION; version++) {
		set_version(&u, version);
		before = config_of(&u);
		assert_int_equal(bpf_dataplane_strange_abi(u.fixture->pin_dir), 0);
		reopen(&u);
		assert_true(u.adopted);
		assert_int_equal(dump(&u, &all), 2);
		assert_int_equal(test(&u, 0), 0);
		after = config_of(&u);
		assert_int_equal(after.abi_version, LB_ABI_VERSION);
		before.abi_version =
			after.abi_version; /* the agent that was before leaves it now */
		assert_memory_equal(&after, &before, sizeof(after));
	}
	end(&u);
}

static void maps_of_versions_behind_or_too_old_are_not_ours_to_read(void **state)
{
	static const uint32_t versions[] = {LB_ABI_OLDEST - 1, LB_ABI_VERSION + 1};
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		put_web(&u, 0, 3);
		set_version(&u, versions[i]);
		assert_int_equal(bpf_dataplane_strange_abi(u.fixture->pin_dir), versions[i]);
		reopen(&u);
		assert_false(u.adopted);
		assert_int_equal(config_of(&u).abi_version, LB_ABI_VERSION);
		assert_int_equal(bpf_dataplane_strange_abi(u.fixture->pin_dir), 0);
	}
	end(&u);
}

/* Another version's config may have any size; its first word is its version in each. */
static void a_config_of_another_size_says_its_version(void **state)
{
	static const uint32_t sizes[] = {16, 1024};
	struct lb_config config;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(bpf_former_config("/sys/fs/bpf/there-is-none", &config), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "config", 4, sizes[i], 1, NULL);
		uint32_t words[256] = {LB_ABI_VERSION + 5, 11};
		char path[256];
		__u32 zero = 0;

		assert_true(fd >= 0);
		assert_int_equal(bpf_map_update_elem(fd, &zero, words, BPF_ANY), 0);
		snprintf(path, sizeof(path), "%s/maps/config", u.fixture->pin_dir);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(bpf_obj_pin(fd, path), 0);
		close(fd);
		assert_int_equal(bpf_former_config(u.fixture->pin_dir, &config), 0);
		assert_int_equal(config.abi_version, LB_ABI_VERSION + 5);
		assert_int_equal(config.wire_version, 11);
		assert_int_equal(config.boot, 0);
		reopen(&u);
		assert_false(u.adopted);
	}
	end(&u);
}

/*
 * The maps that hold flows or say whose they are, as this version has them. Who changes a line here
 * takes the next LB_ABI_VERSION, and LB_ABI_OLDEST with it, since no agent adopts another shape.
 */
static void what_is_adopted_has_this_versions_shape(void **state)
{
	static const struct {
		const char *name;
		uint32_t type, value_size, max_entries, flags;
	} maps[] = {
		{"maps/config", BPF_MAP_TYPE_ARRAY, 64, 1, BPF_F_MMAPABLE},
		{"maps/services", BPF_MAP_TYPE_ARRAY, 64, 65536, BPF_F_MMAPABLE},
		{"maps/vip_bits", BPF_MAP_TYPE_ARRAY, 8, 1024, BPF_F_MMAPABLE},
		{"maps/rows", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 1024, 0},
		{"maps/backends", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 1024, 0},
		{"maps/counters", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 1024, 0},
		{"maps/flows", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 1024, 0},
		{"chunks/rows-0", BPF_MAP_TYPE_ARRAY, 8, 65536, BPF_F_MMAPABLE},
		{"chunks/backends-0", BPF_MAP_TYPE_ARRAY, 32, 1024, BPF_F_MMAPABLE},
		{"chunks/counters-0", BPF_MAP_TYPE_PERCPU_ARRAY, 16, 1024, 0},
		{"chunks/flows-0", BPF_MAP_TYPE_ARRAY, 64, 16384, BPF_F_MMAPABLE},
	};
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		const int fd = pinned(&u, maps[i].name);
		const struct bpf_map_info info = map_info(fd);

		close(fd);
		assert_int_equal(info.type, maps[i].type);
		assert_int_equal(info.key_size, 4);
		assert_int_equal(info.value_size, maps[i].value_size);
		assert_int_equal(info.max_entries, maps[i].max_entries);
		assert_int_equal(info.map_flags, maps[i].flags);
	}
	end(&u);
}

/* --- what programs go on with ----------------------------------------------------------------- */

struct beside {
	uint32_t map;
	unsigned n_programs;
};

static struct beside look_beside(const struct under_test *u, const char *what)
{
	const int fd = pinned(u, what);
	const struct beside ret = {.map = map_info(fd).id, .n_programs = n_slots(u, what)};

	close(fd);
	return ret;
}

static void count_pin(void *ctx, const char *name)
{
	*(unsigned *)ctx += strncmp(name, "beside-", strlen("beside-")) == 0;
}

static unsigned n_former(const struct under_test *u)
{
	char path[BPF_PINS_PATH];
	unsigned n = 0;

	assert_int_equal(bpf_pins_path(path, u->fixture->pin_dir, BPF_PINS_FORMER, NULL), 0);
	assert_int_equal(bpf_pins_each(path, count_pin, &n), 0);
	return n;
}

static void programs_go_on_with_their_own_until_others_are_in_their_place(void **state)
{
	struct beside first, now;
	struct lb_frontend f;
	struct under_test u;
	uint32_t program;
	char former[64];

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	f = far_web(&u, 0, 3);
	assert_int_equal(put(&u, &f), 0);
	(void)apply(&u, DEVICE, false);
	program = our_id(&u, "xdp_lb");
	snprintf(former, sizeof(former), "former/beside-%u", program);
	first = look_beside(&u, "maps/beside");
	assert_int_equal(first.n_programs, BESIDE_SLOTS);
	assert_int_equal(n_former(&u), 0);
	for (unsigned round = 0; round < 2;
	     round++) { /* as if killed before it attached anything */
		reopen(&u);
		assert_true(u.adopted);
		assert_int_equal(xdp_on(DEVICE), program);
		now = look_beside(&u, former);
		assert_memory_equal(&now, &first, sizeof(now));
		now = look_beside(&u, "maps/beside");
		assert_int_not_equal(now.map, first.map);
		assert_int_equal(now.n_programs, first.n_programs);
		assert_int_equal(n_former(&u), 1);
	}
	(void)apply(&u, DEVICE, false);
	assert_int_not_equal(xdp_on(DEVICE), program);
	assert_int_equal(n_former(&u), 0);
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_of_versions_before_are_adopted_and_are_ours_then),
		cmocka_unit_test(maps_of_versions_behind_or_too_old_are_not_ours_to_read),
		cmocka_unit_test(a_config_of_another_size_says_its_version),
		cmocka_unit_test(what_is_adopted_has_this_versions_shape),
		cmocka_unit_test(programs_go_on_with_their_own_until_others_are_in_their_place),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
