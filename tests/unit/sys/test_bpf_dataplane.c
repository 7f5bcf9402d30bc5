// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The store and the counters against this machine's kernel. */
#include "bpf_look.h"

#include <sys/mman.h>
#include <sys/utsname.h>

#include <dirent.h>

static void what_was_put_is_dumped_and_passes_its_test(void **state)
{
	const struct lb_actual *all;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	put_web(&u, 1, 1);
	assert_int_equal(dump(&u, &all), 4);
	assert_false(all[1].tested);
	assert_int_equal(test(&u, 0), 0);
	assert_int_equal(test(&u, 1), 0);
	assert_int_equal(dump(&u, &all), 4);
	assert_int_equal(all[1].n_targets, 3);
	assert_true(all[1].tested);
	assert_int_equal(test(&u, 2), -ENOENT);
	end(&u);
}

static void the_self_test_fails_when_the_maps_say_something_else(void **state)
{
	struct lb_service *all;
	struct under_test u;
	__u32 n;
	int fd;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	fd = pinned(&u, "maps/services");
	all = read_array(fd, &n);
	for (__u32 at = 0; at < n; at++) {
		if (all[at].key.port == 0)
			continue;
		all[at].live |= (uint64_t)LB_SVC_NO_BACKENDS << LB_LIVE_FLAGS_SHIFT;
		assert_int_equal(bpf_map_update_elem(fd, &at, &all[at], BPF_ANY), 0);
	}
	free(all);
	close(fd);
	assert_int_equal(test(&u, 0), -ECOMM);
	put_web(&u, 1, 0);
	assert_int_equal(test(&u, 1), 0); /* nobody to deliver to: dropped */
	end(&u);
}

static void the_self_test_leaves_no_trace(void **state)
{
	struct bpf_counter total;
	uint64_t drops[LB_N_DROPS];
	struct lb_key key = web_key(0);
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(test(&u, 0), 0);
	assert_true(bpf_dataplane_count(u.dp, &key, &total, NULL, 0));
	assert_int_equal(total.packets, 0);
	assert_int_equal(bpf_dataplane_drops(u.dp, drops, LB_N_DROPS), LB_N_DROPS);
	for (size_t i = 0; i < LB_N_DROPS; i++)
		assert_int_equal(drops[i], 0);
	end(&u);
}

static void packets_and_drops_are_counted_where_they_belong(void **state)
{
	struct bpf_counter total, each[3];
	uint64_t drops[LB_N_DROPS];
	struct lb_key key = web_key(0), none = web_key(9);
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(send_packet(&u, 0, PORT, i == 0), XDP_PASS);
	assert_int_equal(send_packet(&u, 0, PORT + 1, true), XDP_DROP);
	assert_true(bpf_dataplane_count(u.dp, &key, &total, each, 3));
	assert_int_equal(total.packets, 5);
	assert_int_equal(total.bytes, 5 * 46);
	assert_int_equal(each[0].packets + each[1].packets + each[2].packets, 5);
	assert_int_equal(bpf_dataplane_drops(u.dp, drops, LB_N_DROPS), LB_N_DROPS);
	assert_int_equal(drops[LB_DROP_UNKNOWN_PORT], 1);
	assert_false(bpf_dataplane_count(u.dp, &none, &total, NULL, 0));
	end(&u);
}

static void counters_go_on_when_a_service_grows_and_begin_at_nothing_after_a_delete(void **state)
{
	struct bpf_counter total;
	struct lb_key key = web_key(0);
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	for (unsigned i = 0; i < 5; i++)
		(void)send_packet(&u, 0, PORT, i == 0);
	put_web(&u, 0, 40);
	assert_true(bpf_dataplane_count(u.dp, &key, &total, NULL, 0));
	assert_int_equal(total.packets, 5);
	assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &key), 0);
	u.now += 2 * LB_REST_NS;
	bpf_dataplane_tick(u.dp, u.now);
	put_web(&u, 0, 40);
	assert_true(bpf_dataplane_count(u.dp, &key, &total, NULL, 0));
	assert_int_equal(total.packets, 0);
	end(&u);
}

/* Behind what is there already, whose length this is. */
static void append(uint8_t **image, size_t *len, int fd, size_t value_size)
{
	__u32 n;
	void *values = read_array(fd, &n);

	*image = xrealloc(*image, *len + n * value_size, 1);
	memcpy(*image + *len, values, n * value_size);
	*len += n * value_size;
	free(values);
}

/* All of `services`, and every row there is. */
static uint8_t *read_tables(const struct under_test *u, size_t *ret_len)
{
	int fd = pinned(u, "maps/services"), outer = pinned(u, "maps/rows");
	uint8_t *ret = NULL;
	__u32 at = 0, id;

	*ret_len = 0;
	append(&ret, ret_len, fd, sizeof(struct lb_service));
	for (; at < 2 && bpf_map_lookup_elem(outer, &at, &id) == 0; at++) {
		int inner = bpf_map_get_fd_by_id(id);

		append(&ret, ret_len, inner, sizeof(uint64_t));
		close(inner);
	}
	assert_true(at > 0);
	close(fd);
	close(outer);
	return ret;
}

static void a_restart_adopts_everything_and_writes_nothing(void **state)
{
	const struct lb_actual *before, *after;
	uint8_t *image, *again;
	struct bpf_counter total;
	struct lb_key key = web_key(3);
	struct lb_frontend f;
	struct under_test u;
	size_t n, len;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	for (uint32_t i = 0; i < 40; i++) /* 41 tables of 2,048 rows: two chunks */
		put_web(&u, i, 1 + i % 20);
	(void)send_packet(&u, 3, PORT, true);
	n = dump(&u, &before);
	image = read_tables(&u, &len);
	reopen(&u);
	assert_true(u.adopted);
	again = read_tables(&u, &len);
	assert_memory_equal(image, again, len);
	free(image);
	free(again);
	assert_int_equal(dump(&u, &after), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(lb_key_cmp(&before[i].key, &after[i].key), 0);
		assert_true(before[i].table == after[i].table);
		assert_int_equal(before[i].flags, after[i].flags);
		assert_int_equal(before[i].n_targets, after[i].n_targets);
		for (size_t k = 0; k < before[i].n_targets; k++)
			assert_int_equal(lb_target_cmp(&before[i].targets[k], &after[i].targets[k]),
					 0);
	}
	assert_true(bpf_dataplane_count(u.dp, &key, &total, NULL, 0));
	assert_int_equal(total.packets, 1);
	assert_int_equal(test(&u, 39), 0);
	f = web(&u, 40, 5);
	assert_int_equal(put(&u, &f), 0);
	assert_int_equal(test(&u, 40), 0);
	end(&u);
}

static void maps_of_another_abi_or_boot_are_not_adopted(void **state)
{
	const struct lb_actual *all;
	struct lb_config config;
	struct under_test u;
	__u32 zero = 0;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	for (unsigned round = 0; round < 2; round++) {
		int fd = pinned(&u, "maps/config");

		put_web(&u, 0, 3);
		assert_int_equal(bpf_map_lookup_elem(fd, &zero, &config), 0);
		if (round == 0)
			config.abi_version++;
		else
			config.boot++;
		assert_int_equal(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), 0);
		close(fd);
		reopen(&u);
		assert_false(u.adopted);
		assert_int_equal(dump(&u, &all), 0);
		/* flows of this boot are not known any more, and must speak first */
		assert_int_equal(config_of(&u).served_unknown, round == 0);
		assert_true(config_of(&u).settle_from > u.now + 10000 * NSEC_PER_SEC);
		reopen(&u);
		assert_true(u.adopted);
	}
	end(&u);
}

/* Doctored: as another version would have left it, programs attached. */
static void another_abi_of_this_boot_is_told_apart(void **state)
{
	struct lb_config config;
	struct under_test u;
	__u32 zero = 0;
	int fd;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(bpf_dataplane_strange_abi(u.fixture->pin_dir), 0);
	fd = pinned(&u, "maps/config");
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &config), 0);
	config.abi_version = 7;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), 0);
	assert_int_equal(bpf_dataplane_strange_abi(u.fixture->pin_dir), 7);
	config.boot++;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), 0);
	assert_int_equal(bpf_dataplane_strange_abi(u.fixture->pin_dir), 0);
	close(fd);
	assert_int_equal(bpf_dataplane_strange_abi("/sys/fs/bpf/there-is-none"), 0);
	end(&u);
}

/* Tables that are gone, and a state that still knows what they served. */
static void only_what_was_served_before_begins_unsettled(void **state)
{
	const struct lb_vip served = {.addr = ip_addr_from_v4(VIP)};
	struct bpf_dataplane_args args = {.served = &served, .n_served = 1, .knows_served = true};
	const char *failure = NULL;
	struct lb_service *services;
	struct under_test u;
	unsigned n_blind = 0;
	int fd;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	bpf_dataplane_close(u.dp);
	assert_int_equal(bpf_dataplane_cleanup(u.fixture->pin_dir), 0);
	args.pin_dir = u.fixture->pin_dir;
	assert_int_equal(bpf_dataplane_open(&args, u.arena, u.now, &u.dp, &u.adopted, &failure), 0);
	u.store = bpf_dataplane_store(u.dp);
	assert_int_equal(config_of(&u).served_unknown, 0);
	put_web(&u, 0, 3);
	put_web(&u, 1, 3);
	fd = pinned(&u, "maps/services");
	services = mmap(NULL, LB_SERVICE_SLOTS * sizeof(*services), PROT_READ, MAP_SHARED, fd, 0);
	assert_true(services != MAP_FAILED);
	for (unsigned i = 0; i < LB_SERVICE_SLOTS; i++)
		n_blind += services[i].key.port != 0 &&
			   services[i].settle_from > u.now + 10000 * NSEC_PER_SEC;
	assert_int_equal(n_blind, 1);
	munmap(services, LB_SERVICE_SLOTS * sizeof(*services));
	close(fd);
	end(&u);
}

/* Each backend has one; those of these tests share none. */
static size_t n_backend_bits(const struct under_test *u)
{
	int fd = pinned(u, "maps/backend_bits");
	size_t n = 0;
	__u32 n_words;
	uint64_t *words = read_array(fd, &n_words);

	for (__u32 at = 0; at < n_words; at++)
		n += (size_t)__builtin_popcountll(words[at]);
	free(words);
	close(fd);
	return n;
}

static size_t n_backend_ports(const struct under_test *u)
{
	struct lb_backend_port key, next;
	int fd = pinned(u, "maps/backend_ports");
	int more = bpf_map_get_next_key(fd, NULL, &next);
	size_t n = 0;

	for (; more == 0; n++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next);
	}
	close(fd);
	return n;
}

/* Rests, and looks through all flows for whoever names a slot. */
static void walk(struct under_test *u)
{
	for (int i = 0; i < 100; i++)
		u->now = bpf_dataplane_tick(u->dp, u->now);
}

/* Its two places were used one after the other, and a program may still hold either. */
static void a_slot_rests_before_it_is_used_again_unless_nobody_can_read_it(void **state)
{
	struct lb_key key = web_key(0);
	struct lb_frontend f;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	f = web(&u, 0, 3);
	for (unsigned i = 0; i < 5; i++) { /* nothing was ever attached */
		assert_int_equal(put(&u, &f), 0);
		assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &key), 0);
	}
	reopen(&u); /* and now a former run may have */
	walk(&u);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(put(&u, &f), 0);
		assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &key), 0);
	}
	assert_int_equal(put(&u, &f), -EAGAIN);
	u.now += LB_REST_NS - 1;
	bpf_dataplane_tick(u.dp, u.now);
	assert_int_equal(put(&u, &f), -EAGAIN);
	u.now += 1;
	assert_int_equal(put(&u, &f), -EAGAIN);
	walk(&u);
	assert_int_equal(put(&u, &f), 0);
	end(&u);
}

static void backend_ports_hold_each_backend_once_and_as_long_as_one_frontend_has_it(void **state)
{
	struct lb_frontend a, b;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	a = web(&u, 0, 3);
	b = web(&u, 0, 3);
	b.key = web_key(1);
	b.table = lb_table_name(&b);
	assert_int_equal(put(&u, &a), 0);
	assert_int_equal(put(&u, &b), 0);
	assert_int_equal(put(&u, &b), 0);
	assert_int_equal(n_backend_ports(&u), 3);
	assert_int_equal(n_backend_bits(&u), 3);
	reopen(&u);
	assert_int_equal(n_backend_ports(&u), 3);
	assert_int_equal(n_backend_bits(&u), 3);
	a = web(&u, 0, 2);
	assert_int_equal(put(&u, &a), 0);
	assert_int_equal(n_backend_ports(&u), 3);
	assert_int_equal(n_backend_bits(&u), 3);
	assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &b.key), 0);
	assert_int_equal(n_backend_ports(&u), 2);
	assert_int_equal(n_backend_bits(&u), 2);
	assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &a.key), 0);
	assert_int_equal(n_backend_ports(&u), 0);
	assert_int_equal(n_backend_bits(&u), 0);
	end(&u);
}

/* Chunks of rows in the outer map. */
static size_t n_chunks(const struct under_test *u)
{
	return n_inner(u, "maps/rows");
}

/* As an agent leaves it that died between the tables and this map, in either order. */
static void backend_ports_that_do_not_fit_the_tables_are_mended_by_a_restart(void **state)
{
	struct lb_backend_port stale = {.port = 1, .proto = IPPROTO_TCP}, missing;
	struct under_test u;
	__u32 one = 1;
	int fd;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	fd = pinned(&u, "maps/backend_ports");
	assert_int_equal(bpf_map_get_next_key(fd, NULL, &missing), 0);
	assert_int_equal(bpf_map_delete_elem(fd, &missing), 0);
	assert_int_equal(bpf_map_update_elem(fd, &stale, &one, BPF_ANY), 0);
	reopen(&u);
	assert_int_equal(n_backend_ports(&u), 3);
	assert_int_equal(bpf_map_lookup_elem(fd, &missing, &one), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &stale, &one), -ENOENT);
	close(fd);
	end(&u);
}

/* An agent died when it had inserted the first of a chunk's two maps. */
static void half_a_chunk_is_made_whole_by_the_next_growth(void **state)
{
	struct under_test u;
	__u32 at = 0, next = 1, id;
	int counters, half;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_web(&u, 0, 3);
	counters = pinned(&u, "maps/counters");
	assert_int_equal(bpf_map_lookup_elem(counters, &at, &id), 0);
	half = bpf_map_get_fd_by_id(id);
	assert_int_equal(bpf_map_update_elem(counters, &next, &half, BPF_ANY), 0);
	close(half);
	close(counters);
	reopen(&u);
	assert_true(u.adopted);
	assert_int_equal(n_inner(&u, "maps/backends"), 1);
	for (uint32_t i = 1; i < 80; i++) {
		put_web(&u, i, 20);
		assert_int_equal(test(&u, i), 0);
	}
	assert_in_range(n_inner(&u, "maps/backends"), 2, 16);
	reopen(&u);
	assert_int_equal(test(&u, 79), 0);
	end(&u);
}

static void tables_grow_by_one_chunk_for_one_service_and_by_many_in_a_load(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	for (unsigned load = 0; load < 2; load++) {
		begin(&u, state);
		assert_int_equal(n_chunks(&u), 0);
		for (uint32_t i = 0; i < 40; i++) { /* 32 fill a chunk */
			put_web(&u, i, 1);
			u.now += load ? 0 : 2 * NSEC_PER_SEC;
		}
		assert_int_equal(n_chunks(&u), load ? 1 + 5 : 1 + 1);
		reopen(&u);
		assert_int_equal(n_chunks(&u), load ? 1 + 5 : 1 + 1);
		assert_int_equal(test(&u, 39), 0);
		end(&u);
	}
}

static void a_pin_directory_elsewhere_is_refused_in_words(void **state)
{
	const struct bpf_dataplane_args args = {.pin_dir = "/tmp/lt-dp-not-a-bpffs"};
	struct arena *arena;
	struct bpf_dataplane *dp;
	const char *failure = NULL;
	struct stat st;
	bool adopted;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	arena = arena_new(); /* a skip leaves without giving it back */
	assert_int_equal(bpf_dataplane_open(&args, arena, 1, &dp, &adopted, &failure),
			 -EMEDIUMTYPE);
	assert_string_equal(failure, "the pin directory: it is not on a bpffs");
	assert_int_equal(stat(args.pin_dir, &st), -1);
	arena_free(arena);
}

static void cleanup_without_anything_is_fine(void **state)
{
	struct bpf_fixture *x = *state;

	SKIP_IF_REFUSED(x);
	assert_int_equal(bpf_dataplane_cleanup(x->pin_dir), 0);
	assert_int_equal(bpf_dataplane_cleanup("/sys/fs/bpf/lt-dp-never-was"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_dumped_and_passes_its_test),
		cmocka_unit_test(the_self_test_fails_when_the_maps_say_something_else),
		cmocka_unit_test(the_self_test_leaves_no_trace),
		cmocka_unit_test(packets_and_drops_are_counted_where_they_belong),
		cmocka_unit_test(
			counters_go_on_when_a_service_grows_and_begin_at_nothing_after_a_delete),
		cmocka_unit_test(a_restart_adopts_everything_and_writes_nothing),
		cmocka_unit_test(maps_of_another_abi_or_boot_are_not_adopted),
		cmocka_unit_test(only_what_was_served_before_begins_unsettled),
		cmocka_unit_test(another_abi_of_this_boot_is_told_apart),
		cmocka_unit_test(a_slot_rests_before_it_is_used_again_unless_nobody_can_read_it),
		cmocka_unit_test(
			backend_ports_hold_each_backend_once_and_as_long_as_one_frontend_has_it),
		cmocka_unit_test(backend_ports_that_do_not_fit_the_tables_are_mended_by_a_restart),
		cmocka_unit_test(half_a_chunk_is_made_whole_by_the_next_growth),
		cmocka_unit_test(tables_grow_by_one_chunk_for_one_service_and_by_many_in_a_load),
		cmocka_unit_test(a_pin_directory_elsewhere_is_refused_in_words),
		cmocka_unit_test(cleanup_without_anything_is_fine),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
