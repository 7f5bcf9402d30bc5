// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The files of the saved world: who may read them, when they are written, what becomes of damaged
 * ones, and that much of it never keeps the loop.
 */
#include "agent/state_world.h"

#include "agent/world_text.h"
#include "saved_rig.h"

#include <dirent.h>

/* --- files --- */

/* Calls back for every file of the saved world but folder.yaml; returns their number. */
static size_t each_file(const struct agent_rig *rig, void (*f)(const char *path, uint64_t *sum),
			uint64_t *sum)
{
	char folder[192], path[512];
	const struct dirent *d;
	size_t n = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/world", rig->state);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.' || strcmp(d->d_name, "folder.yaml") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		f(path, sum);
		n++;
	}
	closedir(dir);
	return n;
}

static void add_inode(const char *path, uint64_t *sum)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	*sum += (uint64_t)st.st_ino * 31 + (uint64_t)st.st_mtim.tv_nsec;
}

static uint64_t fingerprint(const struct agent_rig *rig)
{
	uint64_t sum = 0;

	/* Four sources, of which two may share a shard. */
	assert_in_range(each_file(rig, add_inode, &sum), 1, 4);
	return sum;
}

static void check_mode(const char *path, uint64_t *sum)
{
	struct stat st;

	(void)sum;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void only_the_agent_can_read_them(void **state)
{
	struct agent_rig *rig = rig_crashed();
	char folder[192];
	uint64_t none;
	struct stat st;

	(void)state;
	each_file(rig, check_mode, &none);
	snprintf(folder, sizeof(folder), "%s/world", rig->state);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(rig->state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	rig_free(rig);
}

static void nothing_is_written_when_nothing_changed(void **state)
{
	struct agent_rig *rig = rig_crashed();
	uint64_t before = fingerprint(rig);

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	RIG_WAIT(rig, rig_is_saved);
	assert_true(fingerprint(rig) == before);
	move(rig->config, away(rig));
	agent_input_changed(&rig->agent.inputs, INPUT_RELOAD);
	(void)reconcile_step(&rig->agent, clock_now() + 2 * NSEC_PER_SEC);
	(void)reconcile_step(&rig->agent, clock_now() + 4 * NSEC_PER_SEC);
	assert_non_null(rig_problem(rig, "SourceUnreadable"));
	assert_true(fingerprint(rig) == before);
	rig_free(rig);
}

/* However often something changes, there is one round a second, and the last change is in it. */
static void it_is_saved_at_most_once_a_second(void **state)
{
	struct agent_rig *rig = rig_crashed();
	nsec_t start;
	uint64_t last;
	unsigned n = 0;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	RIG_WAIT(rig, rig_is_saved);
	last = fingerprint(rig);
	start = clock_now();
	for (unsigned i = 0; i < 300; i++) { /* three seconds of the agent's time */
		char text[1024] = "";

		memset(text, '\n', i); /* its line is saved, too */
		snprintf(text + i, sizeof(text) - i, "%s", RIG_SERVICE("s1"));
		rig_write(rig, "s1.yaml", text);
		agent_input_changed(&rig->agent.inputs, INPUT_FOLDER);
		(void)reconcile_step(&rig->agent, start + i * 10 * NSEC_PER_MSEC);
		n += fingerprint(rig) != last;
		last = fingerprint(rig);
	}
	assert_in_range(n, 2, 4);
	/* It waits some turns for one that has time, which on a busy machine is none of these. */
	for (unsigned i = 0; i < 8 && !state_world_is_saved(&rig->agent); i++)
		(void)reconcile_step(&rig->agent, start + (5 + i) * NSEC_PER_SEC);
	assert_true(state_world_is_saved(&rig->agent));
	rig_free(rig);
}

static void tear(const char *path, uint64_t *sum)
{
	struct stat st;

	(void)sum;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 20), 0);
}

static void empty(const char *path, uint64_t *sum)
{
	(void)sum;
	assert_int_equal(truncate(path, 0), 0);
}

static void count_bad(const char *path, uint64_t *sum)
{
	*sum += strstr(path, ".yaml.bad") != NULL;
}

static void a_file_that_was_torn_is_told_and_done_without(void **state)
{
	static void (*const damages[])(const char *path, uint64_t *sum) = {tear, empty};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct agent_rig *rig = rig_crashed();
		uint64_t n = 0;
		const size_t n_files = each_file(rig, damages[i], &n);

		rig_start(rig);
		RIG_WAIT(rig, rig_announces);
		assert_non_null(rig_problem(rig, "StateDamaged"));
		assert_int_equal(state_world_damage(&rig->agent).files, n_files);
		RIG_WAIT(rig, rig_is_saved);
		assert_int_equal(each_file(rig, count_bad, &n), 2 * n_files); /* written anew */
		assert_int_equal(n, n_files);
		rig_crash(rig);
		rig_start(rig);
		RIG_WAIT(rig, rig_announces);
		assert_null(rig_problem(rig, "StateDamaged"));
		rig_free(rig);
	}
}

static void what_is_not_an_object_any_more_is_told(void **state)
{
	static const char *const texts[] = {
		"{apiVersion: v1, kind: Namespace, metadata: {name: good}}",
		"{apiVersion: v1, kind: Namespace, metadata: {name: bad, labels: 1}}",
	};
	struct agent_rig *rig = rig_crashed();
	char source[128], name[32];
	struct world_text t;
	struct strbuf out;

	(void)state;
	snprintf(source, sizeof(source), "%s/x.yaml", rig->config);
	snprintf(name, sizeof(name), "world/%02x.yaml", world_shard_of(source));
	strbuf_init(&out, 1 << 20);
	world_text_begin(&out, &t);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct api_object o = {.meta = {.file = source, .line = 1},
					     .text = texts[i],
					     .text_len = (unsigned)strlen(texts[i])};

		world_text_add(&out, &t, &o);
	}
	world_text_end(&out, &t);
	rig_write_to(rig->state, name, out.data);
	strbuf_done(&out);
	rig_start(rig);
	read_back(rig);
	assert_non_null(world_find(rig->agent.world, API_NAMESPACE, "", "good"));
	assert_int_equal(state_world_damage(&rig->agent).objects, 1);
	RIG_WAIT(rig, rig_announces);
	assert_non_null(rig_problem(rig, "StateDamaged"));
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);
	rig_start(rig);
	read_back(rig);
	assert_int_equal(state_world_damage(&rig->agent).objects, 0); /* forgotten by now */
	rig_free(rig);
}

static bool is_unwritable(const struct agent_rig *rig)
{
	return rig_problem(rig, "StateUnwritable");
}

static bool is_writable(const struct agent_rig *rig)
{
	return !is_unwritable(rig) && rig_is_saved(rig);
}

/* A file stands where the folder should be, which stops root, too. */
static void a_folder_that_cannot_be_written_is_told_as_long_as_it_lasts(void **state)
{
	struct agent_rig *rig = rig_new();
	char path[192];

	(void)state;
	assert_int_equal(mkdir(rig->state, 0700), 0);
	rig_write_to(rig->state, "world", "");
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	RIG_WAIT(rig, is_unwritable);
	snprintf(path, sizeof(path), "%s/world", rig->state);
	assert_int_equal(unlink(path), 0);
	RIG_WAIT(rig, is_writable);
	rig_free(rig);
}

/* A source whose shard is its own. */
static void own_source(const struct agent_rig *rig, char path[192])
{
	static const char *const others[] = {"a-config", "peer", "pool", "s1"};
	bool is_shared;
	unsigned n = 0;

	do {
		is_shared = false;
		snprintf(path, 192, "%s/own%u.yaml", rig->config, n++);
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			char other[192];

			snprintf(other, sizeof(other), "%s/%s.yaml", rig->config, others[i]);
			is_shared |= world_shard_of(path) == world_shard_of(other);
		}
	} while (is_shared);
}

/* A folder stands where the file was, which cannot be removed as one. */
static void a_file_that_cannot_be_removed_is_told_and_tried_again(void **state)
{
	static const char text[] = "{apiVersion: v1, kind: Namespace, metadata: {name: own}}";
	struct agent_rig *rig = rig_crashed();
	char source[192], path[192];
	nsec_t now = clock_now() + 10 * NSEC_PER_SEC;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_is_saved);
	own_source(rig, source);
	snprintf(path, sizeof(path), "%s/world/%02x.yaml", rig->state, world_shard_of(source));
	for (unsigned round = 0; round < 2; round++) {
		world_put_source(rig->agent.world, source, text, strlen(text));
		(void)state_tick_world(&rig->agent, now += 2 * NSEC_PER_SEC);
		(void)state_tick_world(&rig->agent, now += NSEC_PER_SEC / 10); /* calm */
		assert_int_equal(access(path, F_OK), 0);
		if (round == 1) {
			assert_int_equal(unlink(path), 0);
			assert_int_equal(mkdir(path, 0700), 0);
		}
		world_put_source(rig->agent.world, source, "", 0);
		(void)state_tick_world(&rig->agent, now += 2 * NSEC_PER_SEC);
		(void)state_tick_world(&rig->agent, now += NSEC_PER_SEC / 10); /* calm */
		assert_int_equal(state_world_is_saved(&rig->agent), round == 0);
		assert_int_equal(state_world_error(&rig->agent), round == 0 ? 0 : -EISDIR);
		assert_int_equal(access(path, F_OK), round == 0 ? -1 : 0);
	}
	assert_int_equal(rmdir(path), 0); /* now it is gone already, which is as good */
	(void)state_tick_world(&rig->agent, now += 2 * NSEC_PER_SEC);
	assert_true(state_world_is_saved(&rig->agent));
	assert_int_equal(state_world_error(&rig->agent), 0);
	rig_free(rig);
}

/* --- much of it --- */

/* A source of n Namespaces with a label of 1,000 bytes each. */
static char *many(unsigned n, const char *value)
{
	struct strbuf out;

	strbuf_init(&out, 64u << 20);
	for (unsigned i = 0; i < n; i++)
		strbuf_printf(&out,
			      "apiVersion: v1\nkind: Namespace\n"
			      "metadata: {name: n%u, annotations: {a: \"%s%01000d\"}}\n---\n",
			      i, value, 0);
	return out.data;
}

static void put_many(struct agent_rig *rig, unsigned n, const char *value)
{
	_cleanup_(freep) char *text = many(n, value);
	char path[192];

	snprintf(path, sizeof(path), "%s/many.yaml", rig->config);
	world_put_source(rig->agent.world, path, text, strlen(text));
}

/* A change waits for a moment of calm: by `now` it is over. */
static void saw_change(struct agent_rig *rig, nsec_t now)
{
	(void)state_tick_world(&rig->agent, now - NSEC_PER_SEC / 10);
}

/* Steps until all is saved; the number of them. */
static unsigned steps_to_save(struct agent_rig *rig, nsec_t now)
{
	unsigned n = 0;

	saw_change(rig, now);
	for (; !state_world_is_saved(&rig->agent); n++) {
		assert_true(n < 1000);
		(void)state_tick_world(&rig->agent, now);
		now += 30 * NSEC_PER_MSEC;
	}
	return n;
}

static size_t count_stale_after_restart(struct agent_rig *rig, const char *value)
{
	struct world_list list;
	size_t n = 0;

	rig_crash(rig);
	rig_start(rig);
	read_back(rig);
	list = world_list(rig->agent.world, API_NAMESPACE);
	for (size_t i = 0; i < list.n; i++)
		n += strncmp(list.items[i]->meta.annotations.items[0].value, value,
			     strlen(value)) == 0;
	assert_int_equal(n, list.n);
	return n;
}

static void a_large_file_is_written_over_several_turns(void **state)
{
	struct agent_rig *rig = rig_crashed();
	nsec_t now = clock_now() + 10 * NSEC_PER_SEC;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_is_saved);
	put_many(rig, 5000, "x"); /* five turns */
	assert_in_range(steps_to_save(rig, now), 5, 8);
	assert_int_equal(count_stale_after_restart(rig, "x"), 5000);
	rig_free(rig);
}

/* Who ends meanwhile leaves what was saved as it was. */
static void it_is_read_back_over_several_turns(void **state)
{
	struct agent_rig *rig = rig_crashed();
	unsigned turns = 1;

	(void)state;
	rig_start(rig);
	for (; !state_load_world_on(&rig->agent, 0); turns++) {
		assert_false(state_world_is_saved(&rig->agent));
		assert_true(state_tick_world(&rig->agent, turns * NSEC_PER_SEC) == NSEC_NEVER);
		state_save_world(&rig->agent, turns * NSEC_PER_SEC);
	}
	assert_true(turns > 3); /* objects */
	rig_crash(rig);
	rig_start(rig);
	read_back(rig);
	assert_int_equal(world_stale(rig->agent.world).objects, turns - 1);
	rig_free(rig);
}

static bool has_community(const struct agent_rig *rig)
{
	return world_list(rig->agent.world, API_COMMUNITY).n == 1 && rig_is_saved(rig);
}

static void write_large_community(struct agent_rig *rig)
{
	struct strbuf out;

	strbuf_init(&out, 1 << 20);
	strbuf_printf(&out, "apiVersion: metallb.io/v1beta1\nkind: Community\n"
			    "metadata: {name: large, namespace: metallb-system}\n"
			    "spec:\n  communities:\n");
	for (int i = 0; i < 4000; i++)
		strbuf_printf(&out, "  - {name: community-%d, value: \"64512:%d\"}\n", i, i);
	rig_write(rig, "large.yaml", out.data);
	strbuf_done(&out);
}

/* The helper decodes it, while the rest waits for its place; who ends meanwhile leaves all as it
 * was. */
static void a_large_object_is_read_back_by_the_helper(void **state)
{
	struct agent_rig *rig = rig_crashed();

	(void)state;
	rig_start(rig);
	write_large_community(rig);
	RIG_WAIT(rig, has_community);
	for (int crashes = 0; crashes < 2; crashes++) {
		rig_crash(rig);
		rig_start(rig);
		while (!state_load_world_is_away(&rig->agent))
			assert_false(state_load_world_on(&rig->agent, 0));
		assert_false(state_load_world_on(&rig->agent, NSEC_NEVER));
	}
	assert_int_equal(world_list(rig->agent.world, API_COMMUNITY).n, 0);
	worker_finish(rig->agent.reader);
	assert_false(state_load_world_is_away(&rig->agent));
	while (!state_load_world_on(&rig->agent, 0)) /* it comes in once */
		worker_finish(rig->agent.reader);
	assert_int_equal(state_world_damage(&rig->agent).objects, 0);
	assert_int_equal(world_list(rig->agent.world, API_COMMUNITY).n, 1);
	assert_string_equal(world_list(rig->agent.world, API_COMMUNITY).items[0]->meta.name,
			    "large");
	assert_true(world_list(rig->agent.world, API_COMMUNITY).items[0]->is_stale);
	assert_non_null(strstr(world_list(rig->agent.world, API_COMMUNITY).items[0]->meta.file,
			       "/large.yaml"));
	rig_free(rig);
}

static void a_change_while_it_is_written_begins_it_anew(void **state)
{
	struct agent_rig *rig = rig_crashed();
	nsec_t now = clock_now() + 10 * NSEC_PER_SEC;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_is_saved);
	put_many(rig, 4000, "x");
	saw_change(rig, now);
	for (int i = 0; i < 3; i++)
		assert_true(state_tick_world(&rig->agent, now) == now);
	put_many(rig, 3000, "y");
	assert_in_range(steps_to_save(rig, now + 2 * NSEC_PER_SEC), 3, 8);
	assert_int_equal(count_stale_after_restart(rig, "y"), 3000);
	/* Back to what the file holds, in the middle: then there is nothing to write. */
	put_many(rig, 3000, "z");
	saw_change(rig, now + 20 * NSEC_PER_SEC);
	(void)state_tick_world(&rig->agent, now + 20 * NSEC_PER_SEC);
	put_many(rig, 3000, "y");
	(void)steps_to_save(rig, now + 40 * NSEC_PER_SEC);
	assert_int_equal(count_stale_after_restart(rig, "y"), 3000);
	rig_free(rig);
}

static void an_orderly_end_saves_the_rest(void **state)
{
	struct agent_rig *rig = rig_crashed();

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_is_saved);
	put_many(rig, 4000, "x");
	state_save_world(&rig->agent, clock_now());
	assert_true(state_world_is_saved(&rig->agent));
	assert_int_equal(count_stale_after_restart(rig, "x"), 4000);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_agent_can_read_them),
		cmocka_unit_test(nothing_is_written_when_nothing_changed),
		cmocka_unit_test(it_is_saved_at_most_once_a_second),
		cmocka_unit_test(a_file_that_was_torn_is_told_and_done_without),
		cmocka_unit_test(what_is_not_an_object_any_more_is_told),
		cmocka_unit_test(a_folder_that_cannot_be_written_is_told_as_long_as_it_lasts),
		cmocka_unit_test(a_file_that_cannot_be_removed_is_told_and_tried_again),
		cmocka_unit_test(a_large_file_is_written_over_several_turns),
		cmocka_unit_test(it_is_read_back_over_several_turns),
		cmocka_unit_test(a_large_object_is_read_back_by_the_helper),
		cmocka_unit_test(a_change_while_it_is_written_begins_it_anew),
		cmocka_unit_test(an_orderly_end_saves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
