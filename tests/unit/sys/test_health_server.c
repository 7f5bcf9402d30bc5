// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Health-check node ports over real sockets, in a network namespace of their own: what a load
 * balancer reads, ports that come, go and are taken, and clients that stay.
 */
#include "sys/health_server.h"

#include "http_rig.h"
#include "sys/clock.h"
#include "sys/loop.h"

#include <poll.h>

#define PORT 30100

struct bench {
	struct loop *loop;
	struct health_server *server;
	nsec_t skew;    /* added to the clock that the server sees */
	nsec_t stopped; /* what it sees instead, if not 0 */
	nsec_t next;    /* when it wants to be asked again */
	nsec_t until;
};

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	netns_enter();
	loopback_up();
	b->loop = loop_new();
	b->server = health_server_new(b->loop);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	health_server_free(b->server);
	loop_free(b->loop);
	free(b);
	return 0;
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	b->next = health_server_tick(b->server, b->stopped ? b->stopped : now + b->skew);
	if (now >= b->until)
		loop_stop(b->loop);
	return now + NSEC_PER_MSEC;
}

/* Turns the loop for so long. */
static void turn(struct bench *b, nsec_t length)
{
	b->until = clock_now() + length;
	assert_int_equal(loop_run(b->loop, step, b), 0);
}

/* As if so much time had passed. */
static void pass(struct bench *b, nsec_t length)
{
	b->skew += length;
	turn(b, 2 * NSEC_PER_MSEC);
}

static void set(struct bench *b, const struct plan_health *items, size_t n)
{
	health_server_set(b->server, items, n, clock_now() + b->skew);
}

/* What comes within `length` or until the stream ends, NUL-terminated. */
static size_t receive(struct bench *b, int fd, nsec_t length, char *buf, size_t cap)
{
	const nsec_t until = clock_now() + length;
	size_t len = 0;

	buf[0] = '\0';
	while (clock_now() < until) {
		ssize_t got = recv(fd, buf + len, cap - 1 - len, MSG_DONTWAIT);

		if (got == 0)
			break;
		len += got > 0 ? (size_t)got : 0;
		buf[len] = '\0';
		if (got < 0)
			turn(b, NSEC_PER_MSEC);
	}
	return len;
}

/* Asks and closes; the whole answer, or "" if there is nobody. */
static const char *ask(struct bench *b, int family, uint16_t port, const char *request)
{
	static char buf[4096];
	int fd = connected(family, port);

	buf[0] = '\0';
	if (fd < 0)
		return buf;
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL),
			 (ssize_t)strlen(request));
	(void)receive(b, fd, 2 * NSEC_PER_SEC, buf, sizeof(buf));
	close(fd);
	return buf;
}

#define GET "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void expect(const char *answer, const char *part)
{
	if (!strstr(answer, part))
		fail_msg("no \"%s\" in: %s", part, answer);
}

static void it_answers_as_kube_proxy_by_both_families(void **state)
{
	static const struct plan_health one = {PORT, "shop", "web", 2, true};
	static const int families[] = {AF_INET, AF_INET6};
	static const char *const requests[] = {
		GET,
		"GET / HTTP/1.0\r\n\r\n",
		"POST /any HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
	};
	struct bench *b = *state;

	set(b, &one, 1);
	for (size_t i = 0; i < ARRAY_SIZE(families) * ARRAY_SIZE(requests); i++) {
		const char *answer = ask(b, families[i % 2], PORT, requests[i / 2]);

		expect(answer, " 200 OK\r\n");
		expect(answer, "\r\nContent-Type: application/json\r\n");
		expect(answer, "\r\nX-Content-Type-Options: nosniff\r\n");
		expect(answer, "\r\nX-Load-Balancing-Endpoint-Weight: 2\r\n");
		expect(answer, "\r\n\r\n{\n\t\"service\": {\n\t\t\"namespace\": \"shop\",\n"
			       "\t\t\"name\": \"web\"\n\t},\n\t\"localEndpoints\": 2,\n"
			       "\t\"serviceProxyHealthy\": true\n}");
	}
}

static void what_changes_is_answered_at_once(void **state)
{
	struct plan_health two[] = {{PORT, "shop", "web", 1, true},
				    {PORT + 1, "shop", "api", 0, true}};
	struct bench *b = *state;

	set(b, two, 2);
	expect(ask(b, AF_INET, PORT, GET), " 200 OK");
	expect(ask(b, AF_INET, PORT + 1, GET), " 503 Service Unavailable");
	two[0].endpoints = 0;
	two[1].endpoints = 3;
	set(b, two, 2);
	expect(ask(b, AF_INET, PORT, GET), " 503 Service Unavailable");
	expect(ask(b, AF_INET, PORT + 1, GET), "X-Load-Balancing-Endpoint-Weight: 3\r\n");
	two[1].is_serving = false; /* it is left */
	set(b, two, 2);
	expect(ask(b, AF_INET, PORT + 1, GET), " 503 Service Unavailable");
	expect(ask(b, AF_INET, PORT + 1, GET), "\"localEndpoints\": 3");
	two[0] = (struct plan_health){PORT, "shop", "other", 9, true}; /* another Service's now */
	set(b, two, 1);
	expect(ask(b, AF_INET, PORT, GET), "\"name\": \"other\"");
	assert_string_equal(ask(b, AF_INET, PORT + 1, GET), "");
	set(b, NULL, 0);
	assert_string_equal(ask(b, AF_INET, PORT, GET), "");
}

/* Whoever kept its connection is told, too. */
static void connection_to_a_port_that_went_gets_503_and_ends(void **state)
{
	static const struct plan_health two[] = {{PORT, "shop", "web", 1, true},
						 {PORT + 1, "shop", "api", 1, true}};
	static const char keep[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct bench *b = *state;
	char buf[4096];
	int fd;

	set(b, two, 2);
	fd = connected(AF_INET, PORT);
	assert_int_equal(send(fd, keep, strlen(keep), 0), (ssize_t)strlen(keep));
	(void)receive(b, fd, 100 * NSEC_PER_MSEC, buf, sizeof(buf));
	expect(buf, " 200 OK");
	set(b, &two[1], 1);
	assert_int_equal(send(fd, keep, strlen(keep), 0), (ssize_t)strlen(keep));
	(void)receive(b, fd, 2 * NSEC_PER_SEC, buf, sizeof(buf));
	expect(buf, " 503 ");
	expect(buf, "Connection: close");
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 0);
	close(fd);
}

static void port_that_somebody_has_is_told_and_tried_again(void **state)
{
	static const struct plan_health two[] = {{PORT, "shop", "web", 1, true},
						 {PORT + 1, "shop", "api", 1, true}};
	struct bench *b = *state;
	struct health_failure f;
	int other = bound(PORT + 1);

	set(b, two, 2);
	assert_true(health_server_failure(b->server, 0, &f));
	assert_false(health_server_failure(b->server, 1, &f));
	assert_int_equal(f.port, PORT + 1);
	assert_string_equal(f.ns, "shop");
	assert_string_equal(f.name, "api");
	assert_int_equal(f.error, -EADDRINUSE);
	expect(ask(b, AF_INET, PORT, GET), " 200 OK"); /* the other one works */

	close(other);
	set(b, two, 2); /* nothing changed: it is not tried at every plan */
	pass(b, HTTP_RETRY_NS / 2);
	assert_true(health_server_failure(b->server, 0, &f));
	pass(b, HTTP_RETRY_NS);
	assert_false(health_server_failure(b->server, 0, &f));
	expect(ask(b, AF_INET, PORT + 1, GET), " 200 OK");
}

/* Each is told, also after a change among the others. */
static void several_ports_that_somebody_has(void **state)
{
	static const struct plan_health all[] = {{PORT, "shop", "a", 1, true},
						 {PORT + 1, "shop", "b", 1, true},
						 {PORT + 2, "shop", "c", 1, true},
						 {PORT + 3, "shop", "d", 1, true}};
	struct bench *b = *state;
	const int first = bound(PORT + 1), second = bound(PORT + 3);
	struct health_failure f;

	set(b, all, 4);
	for (size_t at = 1; at < 3; at++) { /* then a port goes */
		assert_true(health_server_failure(b->server, 0, &f));
		assert_int_equal(f.port, PORT + 1);
		assert_true(health_server_failure(b->server, 1, &f));
		assert_int_equal(f.port, PORT + 3);
		assert_string_equal(f.name, "d");
		assert_int_equal(f.error, -EADDRINUSE);
		assert_false(health_server_failure(b->server, 2, &f));
		set(b, &all[1], 3);
	}
	expect(ask(b, AF_INET, PORT + 2, GET), " 200 OK");
	close(first);
	close(second);
	set(b, &all[1], 2); /* a change: all are tried */
	assert_false(health_server_failure(b->server, 0, &f));
	expect(ask(b, AF_INET, PORT + 1, GET), " 200 OK");
}

static void requests_are_bounded(void **state)
{
	static const struct plan_health one = {PORT, "shop", "web", 1, true};
	struct bench *b = *state;
	char request[16384];

	set(b, &one, 1);
	for (int len = 100; len < 10000; len += 4950) {
		snprintf(request, sizeof(request),
			 "GET / HTTP/1.1\r\nX: %0*d\r\nConnection: close\r\n\r\n", len, 1);
		assert_int_equal(strstr(ask(b, AF_INET, PORT, request), " 200 OK") != NULL,
				 len <= 100);
		snprintf(request, sizeof(request),
			 "POST / HTTP/1.1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%0*d",
			 len, len, 1);
		assert_int_equal(strstr(ask(b, AF_INET, PORT, request), " 200 OK") != NULL,
				 len <= 100);
	}
	expect(ask(b, AF_INET, PORT, GET), " 200 OK");
}

static void a_thousand_ports_are_answered_on(void **state)
{
	static struct plan_health all[1000];
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		all[i] = (struct plan_health){(uint16_t)(PORT + i), "shop", "web", (uint32_t)i + 1,
					      true};
	set(b, all, ARRAY_SIZE(all));
	expect(ask(b, AF_INET, PORT, GET), "\"localEndpoints\": 1,");
	expect(ask(b, AF_INET6, PORT + 499, GET), "\"localEndpoints\": 500,");
	expect(ask(b, AF_INET, PORT + 999, GET), "\"localEndpoints\": 1000,");
}

/* Those that only hold on to a connection keep nobody else out for longer than they may. */
static void idle_clients_are_bounded_and_go(void **state)
{
	static const struct plan_health one = {PORT, "shop", "web", 1, true};
	struct bench *b = *state;
	int idle[2 * HEALTH_CLIENTS];
	char buf[256];
	int fd;

	set(b, &one, 1);
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		idle[i] = connected(AF_INET, PORT);
		assert_true(idle[i] >= 0);
		turn(b, NSEC_PER_MSEC);
	}
	fd = connected(AF_INET, PORT);
	turn(b, 20 * NSEC_PER_MSEC);
	assert_int_equal(send(fd, GET, strlen(GET), 0), (ssize_t)strlen(GET));
	assert_int_equal(receive(b, fd, 200 * NSEC_PER_MSEC, buf, sizeof(buf)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		close(idle[i]);
	(void)receive(b, fd, 5 * NSEC_PER_SEC, buf, sizeof(buf));
	expect(buf, " 200 OK");
	close(fd);
}

/* To count goes through all that the loop has: not in each turn. */
static void clients_are_counted_once_in_a_while(void **state)
{
	static const struct plan_health one = {PORT, "shop", "web", 1, true};
	struct bench *b = *state;
	nsec_t due;
	int fd;

	set(b, &one, 1);
	b->stopped = clock_now() + NSEC_PER_SEC;
	fd = connected(AF_INET, PORT);
	assert_true(fd >= 0);
	do
		turn(b, NSEC_PER_MSEC);
	while (b->next == NSEC_NEVER);
	due = b->next;
	assert_true(due > b->stopped);
	close(fd);
	turn(b, 20 * NSEC_PER_MSEC);
	assert_true(b->next == due);
	b->stopped = due;
	do
		turn(b, NSEC_PER_MSEC);
	while (b->next == due);
	b->stopped = b->next == NSEC_NEVER ? b->stopped : b->next;
	turn(b, NSEC_PER_MSEC);
	assert_true(b->next == NSEC_NEVER);
}

/* Whoever says nothing is sent away: the only test that waits for a timeout. */
static void silent_client_goes(void **state)
{
	static const struct plan_health one = {PORT, "shop", "web", 1, true};
	struct bench *b = *state;
	char buf[256];
	int fd;

	set(b, &one, 1);
	fd = connected(AF_INET, PORT);
	assert_int_equal(send(fd, "GET", 3, 0), 3);
	(void)receive(b, fd, 3 * HEALTH_CLIENT_NS, buf, sizeof(buf));
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 0);
	close(fd);
}

/* A port that comes while there are too many clients accepts none either, until some have gone. */
static void port_that_comes_while_the_others_rest(void **state)
{
	static const struct plan_health two[] = {{PORT, "shop", "web", 1, true},
						 {PORT + 1, "shop", "api", 1, true}};
	struct bench *b = *state;
	int idle[HEALTH_CLIENTS];
	char buf[1024];
	int fd;

	set(b, two, 1);
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		idle[i] = connected(AF_INET, PORT);
		turn(b, NSEC_PER_MSEC);
	}
	turn(b, 20 * NSEC_PER_MSEC);
	set(b, two, 2);
	fd = connected(AF_INET, PORT + 1);
	assert_int_equal(send(fd, GET, strlen(GET), 0), (ssize_t)strlen(GET));
	assert_int_equal(receive(b, fd, 200 * NSEC_PER_MSEC, buf, sizeof(buf)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		close(idle[i]);
	(void)receive(b, fd, 5 * NSEC_PER_SEC, buf, sizeof(buf));
	expect(buf, " 200 OK");
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_answers_as_kube_proxy_by_both_families),
		TEST(what_changes_is_answered_at_once),
		TEST(connection_to_a_port_that_went_gets_503_and_ends),
		TEST(port_that_somebody_has_is_told_and_tried_again),
		TEST(several_ports_that_somebody_has),
		TEST(requests_are_bounded),
		TEST(a_thousand_ports_are_answered_on),
		TEST(idle_clients_are_bounded_and_go),
		TEST(clients_are_counted_once_in_a_while),
		TEST(silent_client_goes),
		TEST(port_that_comes_while_the_others_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
