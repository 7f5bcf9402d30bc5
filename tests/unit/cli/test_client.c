// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/client: one exchange with a fake agent on a real socket, and the ways in which there is none.
 * The fake runs in a child process, which the test waits for.
 */
#include "cli/client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define REQUEST "{\"command\":\"status\"}\n"

struct fake {
	char folder[32], path[64];
	int listener;
	pid_t child;
};

static int setup(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct fake *f = xcalloc(1, sizeof(*f));

	(void)snprintf(f->folder, sizeof(f->folder), "/tmp/lodectl-test-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/sock", f->folder);
	memcpy(addr.sun_path, f->path, strlen(f->path) + 1);
	f->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	*state = f;
	if (bind(f->listener, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	return listen(f->listener, 1);
}

static int teardown(void **state)
{
	struct fake *f = *state;

	if (f->child > 0)
		(void)waitpid(f->child, NULL, 0);
	(void)close(f->listener);
	(void)unlink(f->path);
	(void)rmdir(f->folder);
	free(f);
	return 0;
}

/* A child that reads one line, answers with `size` bytes of 'x' in odd pieces, and closes. */
static void start(struct fake *f, size_t size)
{
	char line[100] = {0}, piece[777];
	ssize_t n;
	int fd;

	f->child = fork();
	if (f->child != 0)
		return;
	memset(piece, 'x', sizeof(piece));
	fd = accept(f->listener, NULL, NULL);
	n = recv(fd, line, sizeof(line) - 1, 0);
	if (n != (ssize_t)strlen(REQUEST) || strcmp(line, REQUEST) != 0)
		_exit(1);
	while (size) {
		n = send(fd, piece, size < sizeof(piece) ? size : sizeof(piece), MSG_NOSIGNAL);
		if (n < 0)
			_exit(2);
		size -= (size_t)n;
	}
	_exit(0);
}

static void the_whole_reply_is_read_until_the_agent_closes(void **state)
{
	struct fake *f = *state;
	struct strbuf reply;

	start(f, 300001);
	strbuf_init(&reply, 1 << 20);
	assert_int_equal(client_ask(f->path, REQUEST, &reply), 0);
	assert_int_equal(reply.len, 300001);
	assert_int_equal(strspn(reply.data, "x"), 300001);
	strbuf_done(&reply);
}

static void a_reply_beyond_the_maximum_is_refused(void **state)
{
	struct fake *f = *state;
	struct strbuf reply;

	start(f, 300001);
	strbuf_init(&reply, 300000);
	assert_int_equal(client_ask(f->path, REQUEST, &reply), -EMSGSIZE);
	strbuf_done(&reply);
}

static void no_agent_is_an_error_with_a_remedy(void **state)
{
	struct fake *f = *state;
	struct strbuf reply;
	char missing[80], longer[300];

	strbuf_init(&reply, 100);
	(void)snprintf(missing, sizeof(missing), "%s-missing", f->path);
	assert_int_equal(client_ask(missing, REQUEST, &reply), -ENOENT);
	(void)close(f->listener);
	f->listener = -1;
	assert_int_equal(client_ask(f->path, REQUEST, &reply), -ECONNREFUSED);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(client_ask(longer, REQUEST, &reply), -ENAMETOOLONG);
	assert_non_null(strstr(client_remedy(-ENOENT), "lodectl preflight"));
	assert_non_null(strstr(client_remedy(-ECONNREFUSED), "lodectl preflight"));
	assert_non_null(strstr(client_remedy(-EACCES), "group lodestone"));
	assert_string_equal(client_remedy(-ENAMETOOLONG), "");
	strbuf_done(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_whole_reply_is_read_until_the_agent_closes,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_reply_beyond_the_maximum_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_agent_is_an_error_with_a_remedy, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
