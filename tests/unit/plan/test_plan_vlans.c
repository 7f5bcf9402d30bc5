// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* VLANs on the uplinks that are other routing worlds, and what of them XDP cannot see. */
#include "fake/plan_fixture.h"
#include "plan/plan_vlans.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* eth0 is the uplink; eth0.100 lies on it, in VRF red, table 1000. */
enum { LO, ETH0, ETH0_100, RED, ETH0_200, BR0, N_LINKS };

struct vlans {
	struct fixture *f;
	struct plan_link links[N_LINKS + 2];
};

static struct vlans *begin(void)
{
	static struct vlans v;
	const struct plan_link links[N_LINKS] = {
		[LO] = {.ifindex = 1, .name = "lo", .up = true},
		[ETH0] = {.ifindex = 2, .name = "eth0", .up = true},
		[ETH0_100] =
			{.ifindex = 4, .name = "eth0.100", .tag = 100, .lower = 2, .master = 5},
		[RED] = {.ifindex = 5, .name = "red", .table = 1000},
		[ETH0_200] = {.ifindex = 6, .name = "eth0.200", .tag = 200, .lower = 2},
		[BR0] = {.ifindex = 7, .name = "br0"},
	};

	v = (struct vlans){.f = fixture_announced()};
	memcpy(v.links, links, sizeof(links));
	v.f->node.links = v.links;
	v.f->node.n_links = N_LINKS;
	return &v;
}

static void end(struct vlans *v)
{
	fixture_free(v->f);
}

/* The uplink's VLANs are these. */
static void expect(struct vlans *v, const struct plan_vlan *vlans, size_t n)
{
	const struct plan_device want = {.vlans = vlans, .n_vlans = n};

	fixture_converge(v->f, 10);
	assert_int_equal(v->f->plan.devices[0].ifindex, 2);
	assert_true(plan_vlans_equal(&v->f->plan.devices[0], &want));
}

static void a_vlan_in_a_vrf_has_its_tables_number(void **state)
{
	struct vlans *v = begin();
	const struct plan_vlan want = {.ifindex = 2, .tag = 100, .domain = 1000};
	const struct plan_vlan wide = {.ifindex = 2, .tag = 100, .domain = UINT16_MAX};

	(void)state;
	expect(v, &want, 1);
	v->links[RED].table = 70000;
	expect(v, &wide, 1);
	v->links[ETH0_100].master = 0;
	expect(v, NULL, 0);
	end(v);
}

/* The bridge is what the VRF routes. */
static void a_vlan_below_a_bridge_is_in_the_bridges_vrf(void **state)
{
	struct vlans *v = begin();
	const struct plan_vlan want = {.ifindex = 2, .tag = 100, .domain = 1000};

	(void)state;
	v->links[ETH0_100].master = 7;
	expect(v, NULL, 0);
	v->links[BR0].master = 5;
	expect(v, &want, 1);
	v->links[RED].table = 0;
	v->links[RED].master = 7; /* no end to it, as no kernel has it */
	expect(v, NULL, 0);
	end(v);
}

static void a_vlan_on_another_device_is_none_of_the_uplinks(void **state)
{
	struct vlans *v = begin();

	(void)state;
	v->links[ETH0_100].lower = 3;
	expect(v, NULL, 0);
	v->links[ETH0_100].lower = 0;
	expect(v, NULL, 0);
	end(v);
}

/* By whose index frames come in; a bridge's ports are not asked. */
static void a_bonds_vlans_are_those_of_its_ports(void **state)
{
	struct vlans *v = begin();
	const struct plan_vlan want[] = {{.ifindex = 2, .tag = 100, .domain = 1000},
					 {.ifindex = 2, .tag = 0x1000 | 200, .domain = 1000},
					 {.ifindex = 8, .tag = 100, .domain = 1000},
					 {.ifindex = 8, .tag = 0x1000 | 200, .domain = 1000}};
	const struct plan_vlan alone[] = {want[0], want[1]};

	(void)state;
	v->links[ETH0_200].master = 5;
	v->links[ETH0_200].tag |= PLAN_LINK_8021AD;
	v->links[N_LINKS] = (struct plan_link){.ifindex = 8, .name = "port", .master = 2};
	v->f->node.n_links = N_LINKS + 1;
	expect(v, alone, 2);
	v->links[ETH0].bond = true;
	expect(v, want, 4);
	end(v);
}

static void tags_that_the_driver_keeps_are_a_problem(void **state)
{
	struct vlans *v = begin();

	(void)state;
	fixture_converge(v->f, 10);
	assert_null(fixture_problem(v->f, "VlanTagsStripped", NULL));
	v->links[ETH0].strips_tags = true;
	fixture_converge(v->f, 10);
	assert_non_null(fixture_problem(v->f, "VlanTagsStripped", "eth0"));
	v->links[N_LINKS] = (struct plan_link){.ifindex = 8, .name = "port", .master = 2};
	v->f->node.n_links = N_LINKS + 1;
	v->links[ETH0].bond = true; /* of which only the ports have a driver */
	fixture_converge(v->f, 10);
	assert_null(fixture_problem(v->f, "VlanTagsStripped", NULL));
	v->links[N_LINKS].strips_tags = true;
	fixture_converge(v->f, 10);
	assert_non_null(fixture_problem(v->f, "VlanTagsStripped", "eth0"));
	v->links[ETH0_100].master = 0; /* all are one world */
	fixture_converge(v->f, 10);
	assert_null(fixture_problem(v->f, "VlanTagsStripped", NULL));
	end(v);
}

static void a_vlan_within_another_worlds_is_a_problem(void **state)
{
	struct vlans *v = begin();

	(void)state;
	v->links[N_LINKS] = (struct plan_link){
		.ifindex = 8, .name = "eth0.200.7", .tag = 7, .lower = 6, .master = 5};
	v->f->node.n_links = N_LINKS + 1;
	fixture_converge(v->f, 10);
	assert_non_null(strstr(fixture_problem(v->f, "VlanInVlan", "eth0.200.7")->message,
			       "than eth0.200,"));
	v->links[N_LINKS].lower = 4;
	fixture_converge(v->f, 10);
	assert_null(fixture_problem(v->f, "VlanInVlan", NULL));
	end(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vlan_in_a_vrf_has_its_tables_number),
		cmocka_unit_test(a_vlan_below_a_bridge_is_in_the_bridges_vrf),
		cmocka_unit_test(a_vlan_on_another_device_is_none_of_the_uplinks),
		cmocka_unit_test(a_bonds_vlans_are_those_of_its_ports),
		cmocka_unit_test(tags_that_the_driver_keeps_are_a_problem),
		cmocka_unit_test(a_vlan_within_another_worlds_is_a_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
