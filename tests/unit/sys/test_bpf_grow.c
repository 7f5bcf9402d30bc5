// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Turns of the store that end, and tables that grow beside the loop: who puts is told to come
 * again, and in the end all is there.
 */
#include "bpf_under_test.h"

#include "refuse.h"
#include "sys/loop.h"
#include "sys/worker.h"

#include <dirent.h>
#include <sys/utsname.h>

#define N_SERVICES 200 /* 32 fill a chunk of rows */

static uint32_t n_chunks(const struct under_test *u)
{
	int fd = pinned(u, "maps/rows");
	uint32_t n = 0;
	__u32 id;

	while (bpf_map_lookup_elem(fd, &n, &id) == 0)
		n++;
	close(fd);
	return n;
}

/* A data plane whose tables grow beside a loop. */
struct beside {
	struct under_test u;
	struct loop *loop;
	struct worker *worker;
};

static void begin_beside(struct beside *b, void **state)
{
	b->loop = loop_new();
	b->worker = worker_new(b->loop);
	begin_like(&b->u, state, &(struct under_test){.worker = b->worker});
}

static void end_beside(struct beside *b)
{
	end(&b->u);
	worker_free(b->worker);
	loop_free(b->loop);
}

/* As the agent does: again in the next turn, or when the helper has come back. */
static unsigned put_patiently(struct under_test *u, const struct lb_frontend *f)
{
	unsigned n_waits = 0;
	int r;

	while ((r = put(u, f)) == -EINPROGRESS) {
		if (bpf_dataplane_is_growing(u->dp)) {
			n_waits++;
			worker_finish(u->worker);
			assert_false(bpf_dataplane_is_growing(u->dp));
		}
		u->now++;
	}
	assert_int_equal(r, 0);
	return n_waits;
}

static void tables_grow_beside_the_loop(void **state)
{
	unsigned n_waits = 0;
	struct beside b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	for (uint32_t i = 0; i < N_SERVICES; i++) {
		struct lb_frontend address = vip(i), f = web(&b.u, i, 3);

		n_waits += put_patiently(&b.u, &address);
		n_waits += put_patiently(&b.u, &f);
	}
	for (uint32_t i = 0; i < N_SERVICES; i++)
		assert_int_equal(test(&b.u, i), 0);
	assert_in_range(n_waits, 1, 8); /* not one a chunk: it is seen that this is a load */
	worker_finish(b.worker);
	assert_true(n_chunks(&b.u) > N_SERVICES / 32);
	reopen(&b.u);
	assert_int_equal(test(&b.u, N_SERVICES - 1), 0);
	end_beside(&b);
}

/* Services of the largest table, each a chunk of its own: as many as are made at a time, at last.
 */
static void the_largest_tables_grow_many_at_a_time(void **state)
{
	enum { N = 130 };
	unsigned n_waits = 0;
	struct beside b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	for (uint32_t i = 0; i < N; i++) {
		struct lb_frontend address = vip(i), f = web(&b.u, i, 1);

		f.rows_log2 = LB_ROWS_LOG2_MAX;
		n_waits += put_patiently(&b.u, &address);
		n_waits += put_patiently(&b.u, &f);
	}
	assert_in_range(n_waits, 1, 8);
	worker_finish(b.worker);
	assert_true(n_chunks(&b.u) >= N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(test(&b.u, i), 0);
	end_beside(&b);
}

/* A chunk behind them is spare, and no load is seen in what was said beforehand. */
static void what_is_expected_is_there_when_it_comes_and_no_more(void **state)
{
	struct beside b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	for (unsigned i = 0; i < 3; i++) { /* said again while it is made, and when it is there */
		bpf_dataplane_expect(b.u.dp, N_SERVICES, b.u.now);
		if (i > 0)
			worker_finish(b.worker);
	}
	assert_int_equal(n_chunks(&b.u), N_SERVICES / 32 + 1 + 1);
	for (uint32_t i = 0; i < N_SERVICES; i++) {
		struct lb_frontend address = vip(i), f = web(&b.u, i, 3);

		assert_int_equal(put_patiently(&b.u, &address), 0);
		assert_int_equal(put_patiently(&b.u, &f), 0);
	}
	worker_finish(b.worker);
	assert_int_equal(n_chunks(&b.u), N_SERVICES / 32 + 1 + 1);
	end_beside(&b);
}

static void a_chunk_is_spare_before_it_is_needed(void **state)
{
	struct beside b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	for (uint32_t i = 0; i < 100; i++) {
		struct lb_frontend address = vip(i), f = web(&b.u, i, 3);

		assert_int_equal(put(&b.u, &address), 0);
		worker_finish(b.worker); /* between two puts there is time enough */
		b.u.now += 2 * NSEC_PER_SEC;
		assert_int_equal(put(&b.u, &f), 0);
		assert_false(bpf_dataplane_is_growing(b.u.dp));
	}
	worker_finish(b.worker);
	assert_int_equal(n_chunks(&b.u), 100 / 32 + 1 + 1);
	end_beside(&b);
}

static void what_grows_while_the_data_plane_is_closed_is_no_leak(void **state)
{
	const struct lb_frontend address = vip(0);
	struct beside b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	assert_int_equal(put(&b.u, &address), 0);
	reopen(&b.u); /* the first chunk is just being made */
	assert_in_range(n_chunks(&b.u), 1, 2);
	end_beside(&b);
}

/* However short it is. */
static void a_turn_does_one_thing_at_least(void **state)
{
	struct lb_frontend address, f;
	struct under_test u;
	struct lb_key key;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_like(&u, state, &(struct under_test){.turn = 1});
	address = vip(0);
	f = web(&u, 0, 3);
	key = f.key;
	assert_int_equal(put(&u, &address), 0);
	assert_int_equal(put(&u, &f), -EINPROGRESS);
	assert_int_equal(test(&u, 0), -EINPROGRESS);
	assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &address.key), -EINPROGRESS);
	assert_false(bpf_dataplane_is_growing(u.dp));
	u.now++;
	assert_int_equal(put(&u, &f), 0);
	assert_int_equal(test(&u, 0), -EINPROGRESS);
	u.now++;
	assert_int_equal(test(&u, 0), 0);
	u.now++;
	assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &key), 0);
	assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &address.key), -EINPROGRESS);
	end(&u);
}

/* The chunks were made, and the kernel has no room for their places: nothing of them is left. */
static void what_cannot_be_put_in_its_place_is_let_go_of(void **state)
{
	struct beside b;
	size_t n_fds;
	int r = 0;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	worker_finish(b.worker);
	refuse(__NR_bpf, 0, BPF_MAP_UPDATE_ELEM, ENOMEM);
	refuse(__NR_bpf, 0, BPF_MAP_UPDATE_BATCH, ENOMEM);
	n_fds = count_fds();
	assert_int_equal(bpf_dataplane_make_kernel_flows(b.u.dp, b.u.now), -EINPROGRESS);
	worker_finish(b.worker);
	assert_int_equal(bpf_dataplane_make_kernel_flows(b.u.dp, b.u.now), -ENOMEM);
	assert_true(bpf_dataplane_kernel_flows(b.u.dp) < 0);
	b.u.now += NSEC_PER_SEC;
	assert_int_equal(bpf_dataplane_make_kernel_flows(b.u.dp, b.u.now), -EINPROGRESS);
	for (uint32_t i = 0; r == 0 && i < N_SERVICES; i++) {
		struct lb_frontend f = web(&b.u, i, 0);

		while ((r = put(&b.u, &f)) == -EINPROGRESS) {
			worker_finish(b.worker);
			b.u.now++;
		}
	}
	worker_finish(b.worker);
	assert_int_equal(r, -ENOMEM);
	assert_int_equal(count_fds(), n_fds);
	end_beside(&b);
}

static __u32 id_of(int fd)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.id;
}

/* The map of the kernel's flows costs nothing until there is one; then it is kept, as all is. */
static void the_map_of_the_kernels_flows_is_made_when_it_is_asked_for(void **state)
{
	struct beside b;
	__u32 id;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	assert_true(bpf_dataplane_kernel_flows(b.u.dp) < 0);
	assert_int_equal(bpf_dataplane_make_kernel_flows(b.u.dp, b.u.now), -EINPROGRESS);
	assert_int_equal(bpf_dataplane_make_kernel_flows(b.u.dp, b.u.now), -EINPROGRESS);
	assert_false(bpf_dataplane_is_growing(b.u.dp)); /* no front end waits for it */
	worker_finish(b.worker);
	assert_int_equal(bpf_dataplane_make_kernel_flows(b.u.dp, b.u.now), 0);
	id = id_of(bpf_dataplane_kernel_flows(b.u.dp));
	assert_int_equal(id_of(pinned(&b.u, "chunks/kernel_flows-0")), id);
	reopen(&b.u);
	assert_int_equal(bpf_dataplane_make_kernel_flows(b.u.dp, b.u.now), 0);
	assert_int_equal(id_of(bpf_dataplane_kernel_flows(b.u.dp)), id);
	end_beside(&b);
}

/* The table of translated flows is made when it is asked for, and the range told then; with both
 * outlives the agent. */
static void the_table_of_translated_flows_is_made_when_it_is_needed(void **state)
{
	struct beside b;
	struct lb_ways ways;
	uint32_t id;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	ways = bpf_dataplane_ways(b.u.dp);
	assert_int_equal(ways.ops->nat(ways.ctx, b.u.now, 0), 0);
	assert_int_equal(ways.ops->nat(ways.ctx, b.u.now, 20000), -EINPROGRESS);
	worker_finish(b.worker);
	assert_int_equal(ways.ops->nat(ways.ctx, b.u.now, 20000), -EINPROGRESS); /* programs */
	worker_finish(b.worker);
	assert_int_equal(ways.ops->nat(ways.ctx, b.u.now, 20000), 0);
	id = id_of(pinned(&b.u, "chunks/nat-0"));
	reopen(&b.u);
	ways = bpf_dataplane_ways(b.u.dp);
	assert_int_equal(ways.ops->nat(ways.ctx, b.u.now, 20000), 0);
	assert_int_equal(id_of(pinned(&b.u, "chunks/nat-0")), id);
	end_beside(&b);
}

/* Of very many backends rows and ports are made in pieces, in turns between which others are
 * served.
 */
static void a_put_of_many_backends_takes_several_turns(void **state)
{
	struct lb_frontend address, f;
	struct under_test u;
	unsigned n_turns = 0;
	int r;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_like(&u, state, &(struct under_test){.turn = 1});
	address = vip(0);
	f = web(&u, 0, 3000);
	assert_int_equal(put(&u, &address), 0);
	u.now++;
	while ((r = put(&u, &f)) == -EINPROGRESS) {
		assert_false(bpf_dataplane_is_growing(u.dp));
		n_turns++;
		u.now++;
	}
	assert_int_equal(r, 0);
	/* Pieces of two million draws, of six; then of 256 keys of `backend_ports`. */
	assert_in_range(n_turns, 3 + 3000 / 256, 4 + 3000 / 256);
	u.now++;
	assert_int_equal(test(&u, 0), 0);
	end(&u);
}

/*
 * Before 6.4 a kernel says what a map would cost by its sizes: one without preallocation as if it
 * were full, and an array as if it had its keys in it.
 */
static bool kernel_counts_what_is_used(void)
{
	struct utsname host;
	int major, minor;

	assert_int_equal(uname(&host), 0);
	assert_int_equal(sscanf(host.release, "%d.%d", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 4);
}

/* What the processors beyond two add to an array per CPU. */
static size_t of_further_cpus(const struct bpf_map_info *info)
{
	const int n = libbpf_num_possible_cpus();

	if (info->type != BPF_MAP_TYPE_PERCPU_ARRAY || n <= 2)
		return 0;
	return (size_t)(n - 2) * info->max_entries * ((info->value_size + 7) / 8 * 8);
}

static size_t of_keys(const struct bpf_map_info *info)
{
	const size_t value = (info->value_size + 7) / 8 * 8;

	if (info->type != BPF_MAP_TYPE_ARRAY || kernel_counts_what_is_used())
		return 0;
	return info->max_entries * ((info->key_size + info->value_size + 7) / 8 * 8 - value);
}

static size_t map_memory(const char *path)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);
	unsigned long memlock = 0;
	char at[64], line[128];
	int fd = bpf_obj_get(path);
	FILE *file;

	assert_true(fd >= 0);
	snprintf(at, sizeof(at), "/proc/self/fdinfo/%d", fd);
	file = fopen(at, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		(void)sscanf(line, "memlock: %lu", &memlock);
	fclose(file);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	if (!kernel_counts_what_is_used() && info.map_flags & BPF_F_NO_PREALLOC)
		return 0;
	if (memlock > 65536)
		print_message("%-16s %6lu KiB, as the kernel says\n", info.name, memlock >> 10);
	return memlock - of_further_cpus(&info) - of_keys(&info);
}

/* What the kernel charges for all that is pinned in a folder, but for what begins so. */
static size_t folder_memory(const struct under_test *u, const char *name, const char *without)
{
	char folder[256], path[512];
	const struct dirent *entry;
	size_t sum = 0;
	DIR *d;

	snprintf(folder, sizeof(folder), "%s/%s", u->fixture->pin_dir, name);
	d = opendir(folder);
	assert_non_null(d);
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.' ||
		    strncmp(entry->d_name, without, strlen(without)) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		sum += map_memory(path);
	}
	closedir(d);
	return sum;
}

/* The inner maps included, but the flow table's; with two processors. */
static void an_idle_agents_maps_beside_the_flow_table_cost_less_than_8_MiB(void **state)
{
	struct beside b;
	size_t sum;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_beside(&b, state);
	worker_finish(b.worker);
	sum = folder_memory(&b.u, "maps", "/") + folder_memory(&b.u, "chunks", "flows-");
	print_message("maps of an idle agent beside the flow table: %zu KiB\n", sum >> 10);
	assert_in_range(sum, 4u << 20, (8u << 20) - 1);
	end_beside(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_agents_maps_beside_the_flow_table_cost_less_than_8_MiB),
		cmocka_unit_test(tables_grow_beside_the_loop),
		cmocka_unit_test(the_map_of_the_kernels_flows_is_made_when_it_is_asked_for),
		cmocka_unit_test(what_is_expected_is_there_when_it_comes_and_no_more),
		cmocka_unit_test(the_largest_tables_grow_many_at_a_time),
		cmocka_unit_test(a_chunk_is_spare_before_it_is_needed),
		cmocka_unit_test(what_grows_while_the_data_plane_is_closed_is_no_leak),
		cmocka_unit_test(a_turn_does_one_thing_at_least),
		cmocka_unit_test(the_table_of_translated_flows_is_made_when_it_is_needed),
		cmocka_unit_test(a_put_of_many_backends_takes_several_turns),
		cmocka_unit_test(what_cannot_be_put_in_its_place_is_let_go_of),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
