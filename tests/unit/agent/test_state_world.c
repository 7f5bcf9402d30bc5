// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The saved world, with a whole agent that is crashed and started again while its configuration
 * cannot be read as it was: what was announced stays announced, as in an agent that runs on.
 */
#include "agent/state_world.h"

#include "saved_rig.h"

#include <dirent.h>

/* --- what a restart must not cost --- */

static void a_broken_document_at_a_restart_costs_nothing(void **state)
{
	static const struct {
		const char *file, *text, *was;
		size_t objects;
	} cases[] = {
		{"pool.yaml", "kind: [unclosed\n", RIG_POOL, 2},
		{"pool.yaml",
		 "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
		 "metadata: {name: p, namespace: metallb-system}\nspec: {addresses: [none]}\n"
		 "---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"
		 "metadata: {name: a, namespace: metallb-system}\nspec: {}\n",
		 RIG_POOL, 1},
		{"peer.yaml", "kind: [unclosed\n", RIG_PEER, 1},
		{"s1.yaml", "kind: [unclosed\n", RIG_SERVICE("s1"), 2},
		{"a-config.yaml", "kind: [unclosed\n", RIG_OFF, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct agent_rig *rig = rig_crashed();

		rig_write(rig, cases[i].file, cases[i].text);
		rig_start(rig);
		RIG_WAIT(rig, rig_announces);
		expect_stale(rig, cases[i].objects, 1);
		assert_non_null(rig_problem(rig, "StaleSource"));
		assert_int_equal(rig_problem(rig, "StaleSource")->severity, SEVERITY_WARNING);
		RIG_WAIT(rig, rig_is_saved);
		rig_crash(rig); /* and once more: it was saved, broken as it is */
		rig_start(rig);
		RIG_WAIT(rig, rig_announces);
		expect_stale(rig, cases[i].objects, 1);
		rig_write(rig, cases[i].file, cases[i].was);
		expect_recovery(rig);
	}
}

static void a_file_that_cannot_be_read_at_a_restart_costs_nothing(void **state)
{
	struct agent_rig *rig = rig_crashed();
	char path[192];

	(void)state;
	rig_remove(rig, "pool.yaml");
	snprintf(path, sizeof(path), "%s/pool.yaml", rig->config);
	assert_int_equal(mkdir(path, 0700), 0);
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	expect_stale(rig, 2, 1);
	assert_int_equal(rmdir(path), 0);
	rig_write(rig, "pool.yaml", RIG_POOL);
	expect_recovery(rig);
}

static void a_folder_that_is_away_at_a_restart_costs_nothing(void **state)
{
	struct agent_rig *rig = rig_crashed();

	(void)state;
	move(rig->config, away(rig));
	rig_start(rig);
	RIG_WAIT(rig, announces);
	expect_stale(rig, 6, 4);
	assert_non_null(rig_problem(rig, "SourceUnreadable"));
	assert_int_equal(rig->router->end_of_ribs, 0); /* nobody may conclude from it */
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);
	rig_start(rig);
	RIG_WAIT(rig, announces);
	expect_stale(rig, 6, 4);
	move(away(rig), rig->config);
	expect_recovery(rig);
}

static bool tells_of_the_empty_folder(const struct agent_rig *rig)
{
	return rig_problem(rig, "FolderEmpty");
}

static void an_empty_folder_in_its_place_costs_nothing(void **state)
{
	struct agent_rig *rig = rig_crashed();

	(void)state;
	move(rig->config, away(rig));
	assert_int_equal(mkdir(rig->config, 0700), 0);
	rig_start(rig);
	RIG_WAIT(rig, announces);
	expect_stale(rig, 6, 4);
	assert_non_null(rig_problem(rig, "FolderEmpty"));
	assert_int_equal(rig->router->end_of_ribs, 0);
	assert_int_equal(rmdir(rig->config), 0);
	move(away(rig), rig->config);
	RIG_WAIT(rig, is_fresh);
	/* The same to a running agent. */
	move(rig->config, away(rig));
	assert_int_equal(mkdir(rig->config, 0700), 0);
	RIG_WAIT(rig, tells_of_the_empty_folder);
	assert_int_equal(rmdir(rig->config), 0);
	move(away(rig), rig->config);
	expect_recovery(rig);
}

static void a_comment_in_the_empty_folder_lets_the_objects_go(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	move(rig->config, away(rig));
	assert_int_equal(mkdir(rig->config, 0700), 0);
	RIG_WAIT(rig, tells_of_the_empty_folder);
	assert_int_equal(rig->router->withdrawn, 0);
	rig_write(rig, "peer.yaml", RIG_PEER);
	RIG_WAIT(rig, is_withdrawn);
	rig_free(rig);
}

/* --- what was deleted meanwhile --- */

static bool has_no_service(const struct agent_rig *rig)
{
	return rig_has_planned(rig) && rig->router->end_of_ribs > 0 &&
	       world_list(rig->agent.world, API_SERVICE).n == 0;
}

static void what_was_deleted_while_the_agent_was_away_goes(void **state)
{
	struct agent_rig *rig = rig_crashed();

	(void)state;
	rig_remove(rig, "s1.yaml");
	rig_start(rig);
	RIG_WAIT(rig, has_no_service);
	expect_stale(rig, 0, 0);
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);
	move(rig->config, away(rig)); /* and stays away, whoever asks */
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	expect_stale(rig, 4, 3);
	assert_int_equal(world_list(rig->agent.world, API_SERVICE).n, 0);
	rig_free(rig);
}

static void a_document_taken_out_while_the_agent_was_away_goes(void **state)
{
	struct agent_rig *rig = rig_crashed();

	(void)state;
	rig_write(rig, "s1.yaml", "# nothing any more\n");
	rig_start(rig);
	RIG_WAIT(rig, has_no_service);
	expect_stale(rig, 0, 0);
	rig_free(rig);
}

static bool nothing_is_stale(const struct agent_rig *rig)
{
	return rig_has_planned(rig) && world_stale(rig->agent.world).objects == 0;
}

static void all_files_deleted_by_their_owner_are_deleted(void **state)
{
	struct agent_rig *rig = rig_crashed();

	(void)state;
	rig_remove(rig, "s1.yaml");
	rig_remove(rig, "pool.yaml");
	rig_remove(rig, "peer.yaml");
	rig_remove(rig, "a-config.yaml");
	rig_start(rig);
	RIG_WAIT(rig, nothing_is_stale);
	assert_int_equal(world_list(rig->agent.world, API_SERVICE).n, 0);
	rig_free(rig);
}

static void what_another_configuration_held_is_forgotten(void **state)
{
	struct agent_rig *rig = rig_crashed();
	char other[128], name[192];
	const struct dirent *d;
	DIR *dir;

	(void)state;
	snprintf(other, sizeof(other), "%s-other", rig->config);
	assert_int_equal(mkdir(other, 0700), 0);
	rig->options.config = other;
	rig_start(rig);
	RIG_WAIT(rig, rig_is_saved);
	expect_stale(rig, 0, 0);
	assert_int_equal(world_list(rig->agent.world, API_SERVICE).n, 0);
	assert_null(rig_problem(rig, "FolderEmpty"));
	snprintf(name, sizeof(name), "%s/world", rig->state);
	dir = opendir(name);
	assert_non_null(dir);
	while ((d = readdir(dir)))
		assert_true(d->d_name[0] == '.' || strcmp(d->d_name, "folder.yaml") == 0);
	closedir(dir);
	rig_free(rig);
}

/* --- start --- */

static void a_path_that_is_not_there_is_refused_unless_it_was_known_or_is_waited_for(void **state)
{
	struct agent_rig *rig = rig_crashed();
	char missing[128];

	(void)state;
	snprintf(missing, sizeof(missing), "%s-mistyped", rig->config);
	rig->options.config = missing;
	assert_int_equal(agent_start(&rig->agent, &rig->options), -ENOENT);
	agent_done(&rig->agent);
	snprintf(missing, sizeof(missing), "%s/pool.yaml/x", rig->config);
	assert_int_equal(agent_start(&rig->agent, &rig->options), -ENOTDIR);
	agent_done(&rig->agent);
	rig->options.wait_config = true;
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	assert_non_null(rig_problem(rig, "SourceUnreadable"));
	rig_free(rig);
}

static void one_file_as_the_configuration_is_known_again(void **state)
{
	struct agent_rig *rig = rig_new();
	char path[128], gone[140];

	(void)state;
	snprintf(path, sizeof(path), "%s/all", rig->dir); /* not called like a file */
	rig_write_to(rig->dir, "all",
		     RIG_OFF "---\n" RIG_PEER "---\n" RIG_POOL "---\n" RIG_SERVICE("s1"));
	rig->options.config = path;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	RIG_WAIT(rig, rig_is_saved);
	rig_crash(rig);
	rig->router->announced = rig->router->withdrawn = rig->router->end_of_ribs = 0;
	snprintf(gone, sizeof(gone), "%s.away", path);
	move(path, gone);
	rig_start(rig);
	RIG_WAIT(rig, announces);
	expect_stale(rig, 6, 1);
	assert_int_equal(rig->router->end_of_ribs, 0);
	move(gone, path);
	expect_recovery(rig);
}

/* --- room --- */

static bool has_too_many(const struct agent_rig *rig)
{
	return rig_has_planned(rig) && rig_problem(rig, "TooManyObjects");
}

static bool has_s2(const struct agent_rig *rig)
{
	return world_find(rig->agent.world, API_SERVICE, "default", "s2") &&
	       !rig_problem(rig, "TooManyObjects");
}

static void what_found_no_room_comes_when_there_is_some(void **state)
{
	struct agent_rig *rig = rig_crashed();

	(void)state;
	rig_start(rig);
	world_limit_objects(rig->agent.world, 7);
	RIG_WAIT(rig, rig_announces);
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	RIG_WAIT(rig, has_too_many);
	rig_remove(rig, "s1.yaml");
	RIG_WAIT(rig, has_s2);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broken_document_at_a_restart_costs_nothing),
		cmocka_unit_test(a_file_that_cannot_be_read_at_a_restart_costs_nothing),
		cmocka_unit_test(a_folder_that_is_away_at_a_restart_costs_nothing),
		cmocka_unit_test(an_empty_folder_in_its_place_costs_nothing),
		cmocka_unit_test(a_comment_in_the_empty_folder_lets_the_objects_go),
		cmocka_unit_test(what_was_deleted_while_the_agent_was_away_goes),
		cmocka_unit_test(a_document_taken_out_while_the_agent_was_away_goes),
		cmocka_unit_test(all_files_deleted_by_their_owner_are_deleted),
		cmocka_unit_test(what_another_configuration_held_is_forgotten),
		cmocka_unit_test(
			a_path_that_is_not_there_is_refused_unless_it_was_known_or_is_waited_for),
		cmocka_unit_test(one_file_as_the_configuration_is_known_again),
		cmocka_unit_test(what_found_no_room_comes_when_there_is_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
