// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * --check: one line a problem, FILE:LINE: KIND/NAME: FIELD: reason; remedy, with paths as they were
 * given, and the exit code.
 */
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <setjmp.h>

#include <cmocka.h>

#define ADVERT                                                                                     \
	"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"                            \
	"metadata: {name: a, namespace: metallb-system}\nspec: {}\n"
#define POOL                                                                                       \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: p, namespace: metallb-system}\nspec: {addresses: [192.0.2.0/28]}\n" ADVERT
#define NO_POOL                                                                                    \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: p, namespace: metallb-system}\nspec: {addresses: [none]}\n"
#define ODD_FIELD                                                                                  \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: p, namespace: metallb-system}\n"                                         \
	"spec: {addresses: [192.0.2.0/28], odd: 1}\n" ADVERT

struct bench {
	char dir[64], config[80], output[80];
	char text[8192]; /* what the last check printed */
};

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	snprintf(b->dir, sizeof(b->dir), "/tmp/lt-check-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->config, sizeof(b->config), "%s/config", b->dir);
	snprintf(b->output, sizeof(b->output), "%s/output", b->dir);
	assert_int_equal(mkdir(b->config, 0700), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

static void put(const struct bench *b, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", b->config, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* Runs the check with both outputs in a file; the exit code. */
static int check(struct bench *b, const char *config, bool warnings)
{
	const struct options options = {.config = config,
					.node = "node",
					.ns = "metallb-system",
					.check_warnings = warnings};
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), code;
	int fd = open(b->output, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	assert_true(out >= 0 && err >= 0 && fd >= 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	code = agent_check(&options);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	n = pread(fd, b->text, sizeof(b->text) - 1, 0);
	b->text[n > 0 ? n : 0] = '\0';
	close(fd);
	close(out);
	close(err);
	return code;
}

/* The first line begins with FOLDER/rest. */
static void expect_line(const struct bench *b, const char *rest)
{
	char want[512];

	snprintf(want, sizeof(want), "%s/%s", b->config, rest);
	if (strncmp(b->text, want, strlen(want)) != 0)
		fail_msg("not \"%s\" but: %s", want, b->text);
}

static void what_is_right_is_not_worth_a_word(void **state)
{
	struct bench *b = *state;

	put(b, "pool.yaml", POOL);
	assert_int_equal(check(b, b->config, true), 0);
	assert_string_equal(b->text, "");
}

static void errors_exit_2_and_warnings_when_asked_for(void **state)
{
	struct bench *b = *state;

	put(b, "pool.yaml", NO_POOL);
	assert_int_equal(check(b, b->config, false), 2);
	expect_line(b, "pool.yaml:4: IPAddressPool/p: spec.addresses[0]: ");
	assert_non_null(strstr(b->text, "; "));
	put(b, "pool.yaml", ODD_FIELD);
	assert_int_equal(check(b, b->config, false), 0);
	expect_line(b, "pool.yaml:4: IPAddressPool/p: spec.odd: ");
	assert_int_equal(check(b, b->config, true), 2);
}

/* A configuration is checked where it is written, which need not be the node. */
static void what_only_the_node_can_tell_is_left_out(void **state)
{
	struct bench *b = *state;

	put(b, "all.yaml",
	    "apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\n"
	    "metadata: {name: node, namespace: metallb-system}\n"
	    "spec: {dataplane: {uplinks: [no-such0]}}\n---\n"
	    "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
	    "metadata: {name: by-interface, namespace: metallb-system}\n"
	    "spec: {myASN: 64513, peerASN: 64512, interface: no-such0}\n---\n"
	    "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
	    "metadata: {name: in-vrf, namespace: metallb-system}\n"
	    "spec: {myASN: 64513, peerASN: 64512, peerAddress: 192.0.2.1, vrf: red}\n");
	assert_int_equal(check(b, b->config, true), 0);
	assert_string_equal(b->text, "");
}

static void paths_are_single_slashed(void **state)
{
	struct bench *b = *state;
	char path[128], want[512];

	put(b, "pool.yaml", "kind: [unclosed\n");
	snprintf(path, sizeof(path), "%s//", b->config);
	assert_int_equal(check(b, path, false), 2);
	snprintf(want, sizeof(want), "pool.yaml:1: File%s/pool.yaml: line 1: ", b->config);
	expect_line(b, want);
	assert_null(strstr(b->text, "//"));
	snprintf(path, sizeof(path), "%s/pool.yaml", b->config);
	assert_int_equal(check(b, path, false), 2);
	expect_line(b, want);
}

static void a_file_that_cannot_be_read_is_an_error_of_the_configuration(void **state)
{
	struct bench *b = *state;
	char path[128], want[512];

	snprintf(path, sizeof(path), "%s/d.yaml", b->config);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(check(b, b->config, false), 2);
	snprintf(want, sizeof(want), "d.yaml: File%s/d.yaml: cannot be read: Is a directory; ",
		 b->config);
	expect_line(b, want);
}

static void a_path_that_is_not_there_is_no_configuration(void **state)
{
	struct bench *b = *state;
	char path[128], want[256];

	snprintf(path, sizeof(path), "%s/mistyped", b->dir);
	assert_int_equal(check(b, path, false), 1);
	snprintf(want, sizeof(want), "lodestoned: --config %s: No such file or directory\n", path);
	assert_string_equal(b->text, want);
}

static void the_present_state_of_the_machine_is_not_judged(void **state)
{
	struct bench *b = *state;

	put(b, "pool.yaml", POOL);
	put(b, "peer.yaml",
	    "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
	    "metadata: {name: r, namespace: metallb-system}\n"
	    "spec: {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2,"
	    " sourceAddress: 10.0.0.1}\n");
	assert_int_equal(check(b, b->config, true), 0);
	assert_string_equal(b->text, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_right_is_not_worth_a_word),
		TEST(errors_exit_2_and_warnings_when_asked_for),
		TEST(what_only_the_node_can_tell_is_left_out),
		TEST(paths_are_single_slashed),
		TEST(a_file_that_cannot_be_read_is_an_error_of_the_configuration),
		TEST(a_path_that_is_not_there_is_no_configuration),
		TEST(the_present_state_of_the_machine_is_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
