// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A second pool that covers the first and sorts before it takes nothing over, neither at once nor
 * after a restart: addresses stay with the pool that gave them, and which pool was there first is
 * remembered.
 */
#include "agent_rig.h"

#define OLD_POOL                                                                                   \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: prod, namespace: metallb-system}\n"                                      \
	"spec: {addresses: [192.0.2.0/28]}\n"                                                      \
	"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"                            \
	"metadata: {name: a, namespace: metallb-system}\nspec: {ipAddressPools: [prod]}\n"
#define NEWCOMER                                                                                   \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: overlap, namespace: metallb-system}\n"                                   \
	"spec: {addresses: [192.0.2.0/27]}\n"

static bool is_told(const struct agent_rig *rig)
{
	return rig->agent.current && rig_problem(rig, "OverlapsWith");
}

static bool has_s2(const struct agent_rig *rig)
{
	return rig->agent.current && rig_address(rig, "s2")[0] != '\0';
}

static struct agent_rig *rig_with_newcomer(void)
{
	struct agent_rig *rig = rig_new();

	rig_write(rig, "pool.yaml", OLD_POOL);
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	rig_write(rig, "a-newcomer.yaml", NEWCOMER);
	RIG_WAIT(rig, is_told);
	return rig;
}

static void assert_old_pool_has_the_say(const struct agent_rig *rig)
{
	const struct plan_addresses *all = &rig->agent.current->addresses;
	const struct problem *p = rig_problem(rig, "OverlapsWith");

	assert_string_equal(rig_address(rig, "s1"), "192.0.2.0");
	for (size_t i = 0; i < all->n; i++)
		assert_string_equal(all->items[i].pool, "prod");
	assert_non_null(p);
	assert_string_equal(p->object.name, "overlap");
	assert_int_equal(rig->router->withdrawn, 0);
}

static void newcomer_takes_nothing_over_and_alone_is_told(void **state)
{
	struct agent_rig *rig = rig_with_newcomer();

	(void)state;
	assert_old_pool_has_the_say(rig);
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	RIG_WAIT(rig, has_s2);
	assert_old_pool_has_the_say(rig);
	rig_free(rig);
}

static void nor_after_a_restart(void **state)
{
	struct agent_rig *rig = rig_with_newcomer();

	(void)state;
	rig_crash(rig);
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_old_pool_has_the_say(rig);
	rig_write(rig, "s2.yaml", RIG_SERVICE("s2"));
	RIG_WAIT(rig, has_s2);
	assert_old_pool_has_the_say(rig);
	rig_free(rig);
}

/* Each of the two memories alone is enough for the running Service. */
static void nor_with_half_of_the_state(void **state)
{
	static const char *const files[] = {"addresses.yaml", "ledger.yaml"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct agent_rig *rig = rig_with_newcomer();
		char path[192];

		rig_crash(rig);
		snprintf(path, sizeof(path), "%s/%s", rig->state, files[i]);
		assert_int_equal(unlink(path), 0);
		rig_start(rig);
		RIG_WAIT(rig, rig_announces);
		assert_string_equal(rig->agent.current->addresses.items[0].pool, "prod");
		assert_int_equal(rig->router->withdrawn, 0);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newcomer_takes_nothing_over_and_alone_is_told),
		cmocka_unit_test(nor_after_a_restart),
		cmocka_unit_test(nor_with_half_of_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
