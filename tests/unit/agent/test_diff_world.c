// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/diff_world.h: what of a saved world an edit takes the place of.
 */
#include "agent/diff_world.h"

#include "saved_rig.h"

static bool has(const struct world *w, const char *service)
{
	return world_find(w, API_SERVICE, "default", service) != NULL;
}

static struct diff_worlds load(const struct agent_rig *rig, const char *file, struct arena *arena)
{
	const struct options options = {
		.config = rig->config, .state = rig->state, .file = file, .ns = "metallb-system"};
	struct diff_worlds ret;

	assert_int_equal(diff_worlds_load(&options, arena, &ret), 0);
	return ret;
}

static void without_an_edit_both_are_what_was_saved(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct agent_rig *rig = rig_crashed();
	struct diff_worlds w = load(rig, NULL, arena);

	(void)state;
	assert_true(has(w.from, "s1") && has(w.to, "s1"));
	diff_worlds_done(&w);
	rig_free(rig);
}

static void a_file_takes_the_place_of_its_objects_wherever_they_are(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct agent_rig *rig = rig_crashed();
	struct diff_worlds w;

	(void)state;
	rig_write_to(rig->dir, "edit.yaml",
		     "apiVersion: v1\nkind: Service\nmetadata: {name: s1, namespace: default}\n"
		     "spec: {type: ClusterIP, ports: [{port: 81}]}\n---\n" RIG_SERVICE("s2"));
	w = load(rig, arena_printf(arena, "%s/edit.yaml", rig->dir), arena);
	assert_true(has(w.from, "s1") && !has(w.from, "s2"));
	assert_true(has(w.to, "s1") && has(w.to, "s2"));
	assert_int_equal(world_list(w.to, API_SERVICE).n, 2);
	assert_int_equal(world_find(w.to, API_SERVICE, "default", "s1")->service.ports[0].port, 81);
	diff_worlds_done(&w);
	rig_free(rig);
}

static void a_folder_takes_the_place_of_the_whole_folder(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct agent_rig *rig = rig_crashed();
	const char *folder = arena_printf(arena, "%s-edit", rig->config);
	struct diff_worlds w;

	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	rig_write_to(folder, "s2.yaml", RIG_SERVICE("s2"));
	rig_write_to(folder, "pool.yaml", RIG_POOL);
	w = load(rig, folder, arena);
	assert_true(has(w.from, "s1") && !has(w.from, "s2"));
	assert_true(!has(w.to, "s1") && has(w.to, "s2"));
	assert_int_equal(world_list(w.to, API_IP_ADDRESS_POOL).n, 1);
	assert_int_equal(world_list(w.to, API_BGP_PEER).n, 0); /* peer.yaml is not there */
	diff_worlds_done(&w);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_edit_both_are_what_was_saved),
		cmocka_unit_test(a_file_takes_the_place_of_its_objects_wherever_they_are),
		cmocka_unit_test(a_folder_takes_the_place_of_the_whole_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
