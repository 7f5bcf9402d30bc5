// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * feeder/access and feeder/kubeconfig: who we are to the API server, from files that change; and
 * the command line.
 */
#include "feeder/access.h"
#include "feeder/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>
#include <sys/stat.h>

#include <cmocka.h>

#define HEAD                                                                                       \
	"apiVersion: v1\nkind: Config\ncurrent-context: b\n"                                       \
	"contexts:\n- {name: a, context: {cluster: none, user: none}}\n"                           \
	"- {name: b, context: {cluster: c, user: u}}\n"
#define CLUSTER "clusters: [{name: c, cluster: {server: \"https://192.0.2.1:6443/\"}}]\n"

static char dir[64];
static struct strbuf why;

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static bool read_config(const char *text, struct access *ret)
{
	char path[128];

	write_file("config", text);
	(void)snprintf(path, sizeof(path), "%s/config", dir);
	why.len = 0;
	return access_of_kubeconfig(ret, path, &why);
}

static void refuse(const char *text, const char *word)
{
	struct access a;

	assert_false(read_config(text, &a));
	if (!strstr(why.data, word))
		fail_msg("\"%s\" does not say \"%s\"", why.data, word);
	access_done(&a);
}

static void a_token_and_a_certificate_in_the_file(void **state)
{
	struct access a;

	(void)state;
	assert_true(read_config(HEAD
				"clusters: [{name: c, cluster: {server: "
				"\"https://kube.example:6443\", tls-server-name: kube,"
				" certificate-authority-data: aGVs\n\n    bG8=}}]\n"
				"users: [{name: u, user: {token: secret,"
				" client-certificate-data: YQ==, client-key-data: \"YmI=\"}}]\n",
				&a));
	assert_string_equal(a.server, "https://kube.example:6443");
	assert_string_equal(a.server_name, "kube");
	assert_false(a.is_insecure);
	assert_string_equal(a.ca.data, "hello");
	assert_string_equal(a.token.data, "secret");
	assert_string_equal(a.cert.data, "a");
	assert_string_equal(a.key.data, "bb");
	access_done(&a);
}

static void files_are_read_again(void **state)
{
	struct access a;
	nsec_t t;

	(void)state;
	write_file("ca", "one");
	write_file("token", "first\n");
	assert_true(read_config(HEAD
				"clusters: [{name: c, cluster: {server: \"https://[::1]:6443/\","
				" certificate-authority: ca}}]\n"
				"users: [{name: u, user: {tokenFile: token}}]\n",
				&a));
	assert_string_equal(a.server, "https://[::1]:6443");
	assert_string_equal(a.ca.data, "one");
	assert_string_equal(a.token.data, "first");
	write_file("token", "second");
	t = a.read_at;
	assert_true(access_refresh(&a, t + 59 * NSEC_PER_SEC, false, &why));
	assert_string_equal(a.token.data, "first");
	assert_true(access_refresh(&a, t + 61 * NSEC_PER_SEC, false, &why));
	assert_string_equal(a.token.data, "second");
	write_file("token", "third");
	assert_true(access_refresh(&a, t + 62 * NSEC_PER_SEC, true, &why));
	assert_string_equal(a.token.data, "third");
	write_file("token", "");
	why.len = 0;
	assert_false(access_refresh(&a, t + 63 * NSEC_PER_SEC, true, &why));
	assert_non_null(strstr(why.data, "token: it is empty"));
	assert_string_equal(a.token.data, "third");
	access_done(&a);
}

/* What is to come in its place may be a second late. */
static void what_is_in_doubt_is_read_each_second(void **state)
{
	struct access a;
	unsigned version;
	nsec_t t;

	(void)state;
	write_file("ca", "one");
	assert_true(read_config(HEAD
				"clusters: [{name: c, cluster: {server: \"https://h:1\","
				" certificate-authority: ca}}]\nusers: [{name: u, user: {}}]\n",
				&a));
	assert_int_equal(access_deadline(&a), a.read_at + 60 * NSEC_PER_SEC);
	version = a.version;
	t = a.read_at + 1;
	assert_true(access_refresh(&a, t, true, &why));
	assert_int_equal(a.version, version); /* it is as it was */
	write_file("ca", "two");
	assert_true(access_refresh(&a, access_deadline(&a) - 1, false, &why));
	assert_int_equal(a.version, version);
	assert_int_equal(access_deadline(&a), t + NSEC_PER_SEC);
	assert_true(access_refresh(&a, access_deadline(&a), false, &why));
	assert_string_equal(a.ca.data, "two");
	assert_int_not_equal(a.version, version);
	/* Nobody doubts it any more. */
	while (a.read_at < t + 60 * NSEC_PER_SEC)
		assert_true(access_refresh(&a, access_deadline(&a), false, &why));
	assert_int_equal(access_deadline(&a), a.read_at + 60 * NSEC_PER_SEC);
	access_done(&a);
}

static void what_cannot_be_had_is_refused_by_name(void **state)
{
	(void)state;
	refuse(HEAD CLUSTER "users: [{name: u, user: {exec: {command: aws}}}]\n", "`exec`");
	refuse(HEAD CLUSTER "users: [{name: u, user: {auth-provider: {name: x}}}]\n",
	       "`auth-provider`");
	refuse(HEAD CLUSTER "users: [{name: u, user: {username: a, password: b}}]\n", "`username`");
	refuse(HEAD CLUSTER "users: [{name: u, user: {client-key-data: \"!\"}}]\n", "no base64");
	refuse(HEAD CLUSTER "users: [{name: u, user: {tokenFile: nowhere}}]\n", "nowhere: No such");
	refuse(HEAD "clusters: [{name: c, cluster: {server: \"http://h\"}}]\n", "https://");
	refuse(HEAD "clusters: [{name: c, cluster: {server: \"https://h\", proxy-url: x}}]\n",
	       "proxy-url");
	refuse(HEAD, "no server");
	refuse("current-context: x\n", "no current context");
	refuse("[1, 2]\n", "no current context");
	refuse("", "no current context");
	refuse("a: [\n", "no YAML");
}

static void what_a_pod_is_given(void **state)
{
	struct access a;

	(void)state;
	write_file("ca.crt", "ca");
	write_file("token", "t");
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_true(access_of_pod(&a, dir, &why));
	assert_string_equal(a.server, "https://10.96.0.1:443");
	access_done(&a);
	setenv("KUBERNETES_API_HOST", "2001:db8::1", 1);
	setenv("KUBERNETES_API_PORT", "6443", 1);
	assert_true(access_of_pod(&a, dir, &why));
	assert_string_equal(a.server, "https://[2001:db8::1]:6443");
	assert_true(access_set_server(&a, "https://other:1/"));
	assert_string_equal(a.server, "https://other:1");
	assert_false(access_set_server(&a, "other:1"));
	assert_false(access_set_server(&a, "https://"));
	access_done(&a);
	why.len = 0;
	assert_false(access_of_pod(&a, "/nowhere", &why));
	assert_non_null(strstr(why.data, "/nowhere/ca.crt"));
	access_done(&a);
}

static const char *parse(struct options *o, const char *a, const char *b, const char *c)
{
	const char *const argv[] = {"lodestone-kube", a, b, c, NULL};
	const int argc = 1 + (a != NULL) + (b != NULL) + (c != NULL);

	return options_parse(argc, (char *const *)(uintptr_t)argv, o);
}

static void the_command_line(void **state)
{
	struct options o;

	(void)state;
	assert_null(parse(&o, "--agent", "/s", "--log-format=json"));
	assert_string_equal(o.agent, "/s");
	assert_string_equal(o.ns, "metallb-system");
	assert_true(o.log_json);
	assert_null(o.kubeconfig);
	assert_string_equal(parse(&o, NULL, NULL, NULL), "--agent PATH is missing");
	assert_non_null(parse(&o, "--agent", "/s", "x"));
	assert_non_null(parse(&o, "--agent=", NULL, NULL));
	assert_non_null(parse(&o, "--log-format=xml", NULL, NULL));
	assert_non_null(parse(&o, "--unknown", NULL, NULL));
	assert_null(parse(&o, "--help", NULL, NULL));
	assert_int_equal(o.action, OPTIONS_HELP);
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/lt-access-XXXXXX");
	assert_non_null(mkdtemp(dir));
	strbuf_init(&why, 4096);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"config", "ca", "ca.crt", "token"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	strbuf_done(&why);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_and_a_certificate_in_the_file),
		cmocka_unit_test(files_are_read_again),
		cmocka_unit_test(what_is_in_doubt_is_read_each_second),
		cmocka_unit_test(what_cannot_be_had_is_refused_by_name),
		cmocka_unit_test(what_a_pod_is_given),
		cmocka_unit_test(the_command_line),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
