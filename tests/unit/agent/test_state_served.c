// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What STATE/served.yaml says, as an agent reads it when it starts; it serves nothing itself. */
#include "agent/state_served.h"

#include "agent_rig.h"

#include "sys/clock.h"

#include <inttypes.h>

/* An agent that finds this behind the head of the file of this boot, or of another. */
static struct agent_rig *rig_with(const char *lines, bool this_boot)
{
	struct agent_rig *rig = rig_new();
	char text[1024];

	snprintf(text, sizeof(text), "boot: \"%" PRIx64 "\"\nvips:\n%s",
		 clock_boot_id() + !this_boot, lines);
	assert_int_equal(mkdir(rig->state, 0700), 0);
	rig_write_to(rig->state, "served.yaml", text);
	rig_start(rig);
	return rig;
}

static void vips_of_this_boot_are_read(void **state)
{
	struct agent_rig *rig = rig_with("- 192.0.2.1 0\n- 2001:db8::7 12\n", true);
	const struct state_served *s = &rig->agent.served;
	char a[IP_ADDR_TEXT], b[IP_ADDR_TEXT];

	(void)state;
	assert_true(s->is_known);
	assert_int_equal(s->n, 2);
	assert_string_equal(ip_addr_text(&s->vips[0].addr, a), "192.0.2.1");
	assert_string_equal(ip_addr_text(&s->vips[1].addr, b), "2001:db8::7");
	assert_int_equal(s->vips[0].domain, 0);
	assert_int_equal(s->vips[1].domain, 12);
	rig_free(rig);
}

static void nothing_served_is_known_too(void **state)
{
	struct agent_rig *rig = rig_with("", true);

	(void)state;
	assert_true(rig->agent.served.is_known);
	assert_int_equal(rig->agent.served.n, 0);
	rig_free(rig);
}

static void another_boot_or_a_damaged_file_says_nothing(void **state)
{
	static const struct {
		const char *lines;
		bool this_boot;
	} cases[] = {
		{"- 192.0.2.1 0\n", false},       {"- 192.0.2.1\n", true},
		{"- 192.0.2.1 0\n- x 0\n", true}, {"- 192.0.2.1 65536\n", true},
		{"- 192.0.2.1 0 1\n", true},      {"192.0.2.1 0\n", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct agent_rig *rig = rig_with(cases[i].lines, cases[i].this_boot);

		assert_false(rig->agent.served.is_known);
		assert_int_equal(rig->agent.served.n, 0);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vips_of_this_boot_are_read),
		cmocka_unit_test(nothing_served_is_known_too),
		cmocka_unit_test(another_boot_or_a_damaged_file_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
