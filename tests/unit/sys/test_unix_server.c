// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/unix_server: one line in, one reply out, and everything a client may do to hurt: too many,
 * too long, too slow, gone. Who may connect at all: test_unix_rights.c.
 */
#include "unix_bench.h"

#include "sys/clock.h"

static void a_line_gets_its_reply_and_the_connection_ends(void **state)
{
	struct bench *b = *state;
	int fd = client(b);

	client_send(fd, "sta", 3);
	turn(b, 3);
	expect(fd, "nothing yet");
	assert_int_equal(b->n_requests, 0);
	client_send(fd, "tus\r\nsecond\n", 12);
	turn(b, 3);
	expect(fd, "<status>");
	expect(fd, "EOF");
	assert_int_equal(b->n_requests, 1);
	assert_int_equal(b->uid, getuid());
	close(fd);
}

static void the_end_of_the_stream_ends_the_line(void **state)
{
	struct bench *b = *state;
	int fd = client(b), silent = client(b), nothing = client(b);

	client_send(fd, "status", 6);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(shutdown(silent, SHUT_WR), 0);
	client_send(nothing, "nothing\n", 8);
	turn(b, 8);
	expect(fd, "<status>");
	expect(silent, "EOF");
	expect(nothing, "EOF");
	assert_int_equal(b->n_requests, 2);
	close(fd);
	close(silent);
	close(nothing);
}

static void a_line_may_have_the_limit_and_not_one_byte_more(void **state)
{
	static char line[LIMIT_REQUEST_BYTES + 2];
	struct bench *b = *state;
	int fd;

	memset(line, 'x', sizeof(line));
	line[LIMIT_REQUEST_BYTES] = '\n';
	fd = client(b);
	client_send(fd, line, LIMIT_REQUEST_BYTES + 1);
	turn(b, 8);
	expect(fd, "<xxxxxxxxxxxxxxxxxxxx>");
	assert_int_equal(strlen(b->last), LIMIT_REQUEST_BYTES);
	close(fd);
	line[LIMIT_REQUEST_BYTES] = 'x';
	fd = client(b);
	client_send(fd, line, LIMIT_REQUEST_BYTES + 1);
	turn(b, 8);
	expect(fd, "EOF");
	assert_int_equal(b->n_requests, 1);
	close(fd);
}

static void a_line_with_a_nul_is_refused(void **state)
{
	struct bench *b = *state;
	int fd = client(b);

	client_send(fd, "sta\0tus\n", 8);
	turn(b, 4);
	expect(fd, "EOF");
	assert_int_equal(b->n_requests, 0);
	close(fd);
}

static void more_clients_than_the_limit_wait_for_room(void **state)
{
	struct bench *b = *state;
	int fds[LIMIT_CLIENTS], late;

	for (int i = 0; i < LIMIT_CLIENTS; i++)
		fds[i] = client(b);
	turn(b, LIMIT_CLIENTS + 4);
	late = client(b);
	client_send(late, "late\n", 5);
	turn(b, 4);
	expect(late, "nothing yet");
	client_send(fds[7], "one\n", 4);
	turn(b, 6);
	expect(fds[7], "<one>");
	expect(late, "<late>");
	for (int i = 0; i < LIMIT_CLIENTS; i++)
		close(fds[i]);
	turn(b, 4);
	close(late);
	assert_int_equal(b->n_requests, 2);
}

static void a_client_that_says_nothing_is_closed_after_5_s(void **state)
{
	struct bench *b = *state;
	int fd = client(b);
	nsec_t begin = clock_now();

	assert_int_equal(unix_server_tick(b->server, begin), NSEC_NEVER);
	turn(b, 2);
	nsec_t until = unix_server_tick(b->server, begin);
	assert_true(until >= begin + UNIX_CLIENT_NS && until < begin + 2 * UNIX_CLIENT_NS);
	/* A byte now and then does not help. */
	client_send(fd, "x", 1);
	turn(b, 2);
	assert_int_equal(unix_server_tick(b->server, until - 1), until);
	expect(fd, "nothing yet");
	assert_int_equal(unix_server_tick(b->server, until), NSEC_NEVER);
	expect(fd, "EOF");
	assert_int_equal(b->n_requests, 0);
	close(fd);
}

static void a_client_that_does_not_read_is_closed_5_s_after_its_last_progress(void **state)
{
	static char buf[BIG_REPLY];
	struct bench *b = *state;
	int fd = client(b);

	client_send(fd, "big\n", 4);
	turn(b, 10);
	assert_int_equal(b->n_requests, 1);
	nsec_t until = unix_server_tick(b->server, clock_now());
	assert_true(until != NSEC_NEVER);
	assert_int_equal(unix_server_tick(b->server, until - 1), until);
	/* It reads a bit: that is progress. */
	assert_true(recv(fd, buf, sizeof(buf), 0) > 0);
	turn(b, 4);
	nsec_t later = unix_server_tick(b->server, until - 1);
	assert_true(later > until && later != NSEC_NEVER);
	assert_int_equal(unix_server_tick(b->server, later), NSEC_NEVER);
	size_t rest = 0;
	for (ssize_t got; (got = recv(fd, buf, sizeof(buf), 0)) > 0;)
		rest += (size_t)got;
	assert_true(rest < BIG_REPLY / 2);
	close(fd);
}

static void a_big_reply_arrives_wholly_at_a_client_that_reads(void **state)
{
	static char buf[BIG_REPLY];
	struct bench *b = *state;
	int fd = client(b);
	size_t n = 0;

	client_send(fd, "big\n", 4);
	for (int i = 0; i < 10000; i++) {
		turn(b, 2);
		ssize_t got = recv(fd, buf + n, sizeof(buf) - n, 0);
		if (got == 0)
			break;
		if (got > 0)
			n += (size_t)got;
	}
	assert_int_equal(n, BIG_REPLY);
	for (size_t i = 0; i < BIG_REPLY; i += 16)
		assert_memory_equal(buf + i, "0123456789abcde\n", 16);
	close(fd);
}

/* However long an answer is, each turn makes one piece of it, and others are served in between. */
static void an_answer_in_pieces_takes_a_turn_for_each(void **state)
{
	struct bench *b = *state;
	int fd = client(b), other;
	char buf[64];

	client_send(fd, "pieces\n", 7);
	turn(b, 1);
	for (unsigned before = b->n_pieces, i = 0; before < N_PIECES && i < 10; i++) {
		turn(b, 1);
		assert_in_range(b->n_pieces, before, before + 1);
		before = b->n_pieces;
	}
	assert_int_equal(b->n_pieces, N_PIECES);
	other = client(b);
	client_send(other, "x\n", 2);
	turn(b, 4);
	assert_string_equal(client_receive(other, buf, sizeof(buf)), "<x>");
	assert_string_equal(client_receive(fd, buf, sizeof(buf)), "<1><2><3><4><5>");
	assert_string_equal(client_receive(fd, buf, sizeof(buf)), "EOF");
	close(fd);
	close(other);

	/* One that goes away in the middle costs nothing. */
	b->n_pieces = 0;
	fd = client(b);
	client_send(fd, "pieces\n", 7);
	turn(b, 3);
	close(fd);
	turn(b, 10);
	assert_in_range(b->n_pieces, 1, N_PIECES - 1);
}

static void a_client_that_goes_away_costs_nothing(void **state)
{
	struct bench *b = *state;
	int fd;

	for (int i = 0; i < 3 * LIMIT_CLIENTS; i++) {
		fd = client(b);
		client_send(fd, i % 2 ? "big\n" : "half", 4);
		turn(b, i % 3);
		close(fd);
		turn(b, 3);
	}
	assert_int_equal(unix_server_tick(b->server, clock_now()), NSEC_NEVER);
	fd = client(b);
	client_send(fd, "status\n", 7);
	turn(b, 4);
	expect(fd, "<status>");
	close(fd);
}

static void a_served_socket_is_not_taken_over(void **state)
{
	struct bench *b = *state;
	struct unix_server *first = b->server;

	assert_int_equal(serve(b), -EADDRINUSE);
	assert_ptr_equal(b->server, first);
	turn(b, 4); /* the probe's connection */
	int fd = client(b);
	client_send(fd, "status\n", 7);
	turn(b, 4);
	expect(fd, "<status>");
	close(fd);
}

/* What a killed agent leaves: a socket file without anybody behind it. */
static void a_stale_socket_is_replaced(void **state)
{
	struct bench *b = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	b->server = unix_server_free(b->server);
	assert_int_equal(access(b->path, F_OK), -1);
	memcpy(address.sun_path, b->path, strlen(b->path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(access(b->path, F_OK), 0);
	assert_int_equal(serve(b), 0);
	fd = client(b);
	client_send(fd, "status\n", 7);
	turn(b, 4);
	expect(fd, "<status>");
	close(fd);
}

static void what_a_crash_left_beside_is_replaced(void **state)
{
	struct bench *b = *state;

	b->server = unix_server_free(b->server);
	run("echo >%s.new", b->path);
	assert_int_equal(serve(b), 0);
	close(client(b));
	turn(b, 3);
}

static void freeing_closes_clients(void **state)
{
	struct bench *b = *state;
	int fd = client(b);

	turn(b, 4);
	b->server = unix_server_free(b->server);
	expect(fd, "EOF");
	close(fd);
}

static void what_is_not_a_socket_is_left_alone(void **state)
{
	struct bench *b = *state;

	b->server = unix_server_free(b->server);
	run("echo precious >%s", b->path);
	assert_int_equal(serve(b), -EADDRINUSE);
	run("grep -q precious %s", b->path);
}

static void freeing_leaves_a_successors_socket(void **state)
{
	struct bench *b = *state;
	struct unix_server *old = b->server;

	run("rm %s", b->path);
	assert_int_equal(serve(b), 0);
	unix_server_free(old);
	close(client(b));
	turn(b, 3);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
	struct bench *b = *state;
	struct unix_server *first = b->server;

	memset(b->path, 'x', 120);
	b->path[120] = '\0';
	assert_int_equal(serve(b), -ENAMETOOLONG);
	assert_ptr_equal(b->server, first);
}

/* An hour from now, which the ticks of turn() do not come to. */
static int client_that_waits(struct bench *b)
{
	int fd = client(b);

	b->again_at = nsec_add(clock_now(), 3600 * NSEC_PER_SEC);
	client_send(fd, "later\n", 6);
	turn(b, 50);
	expect(fd, "nothing yet");
	assert_int_equal(b->n_waits, 1);
	return fd;
}

/* Nobody asks before its time; and that lasts as long as it lasts. */
static void a_reply_with_nothing_to_say_waits(void **state)
{
	struct bench *b = *state;
	int fd = client_that_waits(b);
	const nsec_t at = b->again_at;

	assert_int_equal(unix_server_tick(b->server, clock_now() + 100 * UNIX_CLIENT_NS), at);
	assert_int_equal(b->n_waits, 1);
	b->again_at = at + NSEC_PER_SEC;
	assert_int_equal(unix_server_tick(b->server, at), at + NSEC_PER_SEC);
	assert_int_equal(b->n_waits, 2);
	assert_false(b->was_told);
	b->again_at = 0;
	(void)unix_server_tick(b->server, at + NSEC_PER_SEC);
	turn(b, 3);
	expect(fd, "<at last>");
	expect(fd, "EOF");
	assert_int_equal(b->n_done, 1);
	close(fd);
}

static void a_client_that_goes_meanwhile_ends_its_request(void **state)
{
	struct bench *b = *state;
	int fd = client_that_waits(b);

	close(fd);
	turn(b, 3);
	assert_int_equal(b->n_done, 1);
	assert_int_equal(b->n_waits, 1);
	assert_int_equal(unix_server_tick(b->server, clock_now()), NSEC_NEVER);
}

static void a_client_that_says_more_meanwhile_is_heard(void **state)
{
	struct bench *b = *state;
	int fd = client_that_waits(b);
	const nsec_t at = b->again_at;

	client_send(fd, "stop", 4);
	turn(b, 3);
	b->again_at = 0;
	(void)unix_server_tick(b->server, at);
	assert_true(b->was_told);
	expect(fd, "<at last>");
	close(fd);
}

static void a_server_that_ends_ends_what_waits(void **state)
{
	struct bench *b = *state;
	int fd = client_that_waits(b);

	b->server = unix_server_free(b->server);
	assert_int_equal(b->n_done, 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_reply_with_nothing_to_say_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_goes_meanwhile_ends_its_request,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_says_more_meanwhile_is_heard, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_server_that_ends_ends_what_waits, setup,
						teardown),
		TEST(a_line_gets_its_reply_and_the_connection_ends),
		TEST(the_end_of_the_stream_ends_the_line),
		TEST(a_line_may_have_the_limit_and_not_one_byte_more),
		TEST(a_line_with_a_nul_is_refused),
		TEST(more_clients_than_the_limit_wait_for_room),
		TEST(a_client_that_says_nothing_is_closed_after_5_s),
		TEST(a_client_that_does_not_read_is_closed_5_s_after_its_last_progress),
		TEST(a_big_reply_arrives_wholly_at_a_client_that_reads),
		TEST(an_answer_in_pieces_takes_a_turn_for_each),
		TEST(a_client_that_goes_away_costs_nothing),
		TEST(a_served_socket_is_not_taken_over),
		TEST(a_stale_socket_is_replaced),
		TEST(what_a_crash_left_beside_is_replaced),
		TEST(freeing_closes_clients),
		TEST(what_is_not_a_socket_is_left_alone),
		TEST(freeing_leaves_a_successors_socket),
		TEST(a_path_too_long_for_a_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
