// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Inner maps by their pins: who has no CAP_SYS_ADMIN, which alone opens maps by their ids, adopts
 * them all the same; and pins and maps never contradict each other for longer than until the next
 * start.
 */
#include "bpf_under_test.h"

#include <linux/capability.h>
#include <sys/syscall.h>

#define N_SERVICES 200 /* 32 fill a chunk of rows */

/* This thread's; what is taken away may be given back. */
static void may_open_by_id(bool may)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	data[0].effective |= (uint32_t)may << CAP_SYS_ADMIN;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* How many maps the outer one holds at its first places, and of the first the id. */
static uint32_t held(const struct under_test *u, const char *outer, __u32 *ret_first)
{
	char path[64];
	uint32_t n = 0;
	__u32 id;
	int fd;

	snprintf(path, sizeof(path), "maps/%s", outer);
	fd = pinned(u, path);
	while (bpf_map_lookup_elem(fd, &n, &id) == 0) {
		if (n == 0 && ret_first)
			*ret_first = id;
		n++;
	}
	close(fd);
	return n;
}

static __u32 id_of_map(int fd)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.id;
}

static void pins_are_what_is_held(const struct under_test *u)
{
	static const char *const outers[] = {"rows", "backends", "counters", "flows"};
	uint32_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(outers); i++) {
		char path[64];
		__u32 id = 0;

		n += held(u, outers[i], &id);
		snprintf(path, sizeof(path), "chunks/%s-0", outers[i]);
		assert_int_equal(id_of_map(pinned(u, path)), id);
	}
	assert_int_equal(n_chunk_pins(u, ""), n);
}

static void load_many(struct under_test *u)
{
	for (uint32_t i = 0; i < N_SERVICES; i++)
		put_web(u, i, 20); /* more than a chunk of backends */
	assert_true(held(u, "rows", NULL) > N_SERVICES / 32);
	assert_true(held(u, "backends", NULL) > 1);
}

static void they_are_adopted_without_the_right_to_open_by_id(void **state)
{
	struct under_test u;
	__u32 id = 0;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	load_many(&u);
	(void)held(&u, "rows", &id);
	may_open_by_id(false);
	assert_true(bpf_map_get_fd_by_id(id) < 0);
	reopen(&u);
	assert_true(u.adopted);
	for (uint32_t i = 0; i < N_SERVICES; i++)
		assert_int_equal(test(&u, i), 0);
	for (uint32_t i = N_SERVICES; i < 2 * N_SERVICES; i++)
		put_web(&u, i, 20);
	reopen(&u);
	assert_true(u.adopted);
	assert_int_equal(test(&u, 2 * N_SERVICES - 1), 0);
	pins_are_what_is_held(&u);
	may_open_by_id(true);
	end(&u);
}

static void those_without_a_pin_get_one(void **state)
{
	struct under_test u;
	char chunks[128];

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	load_many(&u);
	snprintf(chunks, sizeof(chunks), "%s/chunks", u.fixture->pin_dir);
	assert_int_equal(bpf_pins_remove_folder(chunks), 0);
	reopen(&u);
	assert_true(u.adopted);
	pins_are_what_is_held(&u);
	end(&u);
}

static void what_cannot_be_opened_is_told(void **state)
{
	struct bpf_dataplane_args args = {.n_served = 0};
	const char *failure = NULL;
	struct under_test u;
	char chunks[128];
	int error;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	load_many(&u);
	snprintf(chunks, sizeof(chunks), "%s/chunks", u.fixture->pin_dir);
	assert_int_equal(bpf_pins_remove_folder(chunks), 0);
	bpf_dataplane_close(u.dp);
	args.pin_dir = u.fixture->pin_dir;
	may_open_by_id(false);
	error = bpf_dataplane_open(&args, u.arena, u.now, &u.dp, &u.adopted, &failure);
	may_open_by_id(true);
	assert_int_equal(error, -EPERM);
	assert_non_null(strstr(failure, "CAP_SYS_ADMIN"));
	assert_non_null(strstr(failure, "--cleanup"));
	open_dp(&u);
	assert_true(u.adopted);
	assert_int_equal(test(&u, 0), 0);
	end(&u);
}

/* Of an agent that died between two steps, of somebody else, and of a table that was left. */
static void strays_go_and_what_is_wrong_is_mended(void **state)
{
	static const char *const strays[] = {"rows-1000", "flows-0-next", "rows-",
					     "rows-+0",   "nothing-0",    "odd"};
	struct under_test u;
	char path[160];
	int fd;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	load_many(&u);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "stray", 4, 4, 1, NULL);
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(strays); i++) {
		snprintf(path, sizeof(path), "%s/chunks/%s", u.fixture->pin_dir, strays[i]);
		assert_int_equal(bpf_obj_pin(fd, path), 0);
	}
	snprintf(path, sizeof(path), "%s/chunks/rows-0", u.fixture->pin_dir);
	assert_int_equal(bpf_pins_put(fd, path), 0);
	close(fd);
	reopen(&u);
	assert_true(u.adopted);
	assert_int_equal(test(&u, 0), 0);
	pins_are_what_is_held(&u);
	end(&u);
}

/* Those of maps that are not adopted, as after another boot. */
static void fresh_maps_have_fresh_pins(void **state)
{
	struct under_test u;
	char path[160];

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	load_many(&u);
	snprintf(path, sizeof(path), "%s/maps/services", u.fixture->pin_dir);
	assert_int_equal(unlink(path), 0);
	reopen(&u);
	assert_false(u.adopted);
	put_web(&u, 0, 3);
	pins_are_what_is_held(&u);
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_adopted_without_the_right_to_open_by_id),
		cmocka_unit_test(those_without_a_pin_get_one),
		cmocka_unit_test(what_cannot_be_opened_is_told),
		cmocka_unit_test(strays_go_and_what_is_wrong_is_mended),
		cmocka_unit_test(fresh_maps_have_fresh_pins),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
