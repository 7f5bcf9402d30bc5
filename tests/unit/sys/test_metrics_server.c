// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Metrics and health over real sockets, in a network namespace of their own: what a scraper gets in
 * each format, texts that are shared, and clients that read slowly, not at all, or go away.
 */
#include "sys/metrics_server.h"

#include "http_rig.h"
#include "sys/clock.h"
#include "sys/loop.h"

#define PORT   7472
#define HEALTH 17472

struct bench {
	struct loop *loop;
	struct metrics_server *server;
	nsec_t skew; /* added to the clock that the server's tick sees */
	nsec_t until;
	size_t text_len; /* of what is made; 0: short ones */
	bool is_lazy;    /* nothing is made */
	int made;
};

static void listen_at(struct bench *b, enum metrics_port which, uint16_t port)
{
	const struct http_address at = {.port = port};

	metrics_server_listen(b->server, which, &at, clock_now());
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	netns_enter();
	loopback_up();
	b->loop = loop_new();
	b->server = metrics_server_new(b->loop);
	listen_at(b, METRICS_PORT, PORT);
	listen_at(b, METRICS_HEALTH_PORT, HEALTH);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	metrics_server_free(b->server);
	loop_free(b->loop);
	free(b);
	return 0;
}

static void make(struct bench *b, enum exposition_format format, nsec_t now)
{
	const size_t len = b->text_len ? b->text_len : 64;
	char *text = xcalloc(1, len + 1);
	int head = snprintf(text, 64, "text %d of %s\n", ++b->made,
			    format == EXPOSITION_TEXT ? "plain" : "open");

	if (b->text_len)
		memset(text + head, 'x', len - (size_t)head);
	metrics_server_give(b->server, format, text, b->text_len ? len : (size_t)head, now);
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct bench *b = ctx;
	enum exposition_format format;

	if (!b->is_lazy && metrics_server_wants(b->server, &format))
		make(b, format, now);
	(void)metrics_server_tick(b->server, now + b->skew);
	if (now >= b->until)
		loop_stop(b->loop);
	return now + NSEC_PER_MSEC;
}

static void turn(struct bench *b, nsec_t length)
{
	b->until = clock_now() + length;
	assert_int_equal(loop_run(b->loop, step, b), 0);
}

static int asked(uint16_t port, const char *request)
{
	int fd = connected(AF_INET, port);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL),
			 (ssize_t)strlen(request));
	return fd;
}

/* What is sent until the stream ends, NUL-terminated, no more than cap; closes. */
static size_t answered(struct bench *b, int fd, char *buf, size_t cap)
{
	const nsec_t until = clock_now() + 5 * NSEC_PER_SEC;
	size_t len = 0;

	while (clock_now() < until && len + 1 < cap) {
		ssize_t got = recv(fd, buf + len, cap - 1 - len, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got > 0)
			len += (size_t)got;
		else
			turn(b, NSEC_PER_MSEC);
	}
	buf[len] = '\0';
	close(fd);
	return len;
}

static const char *ask(struct bench *b, uint16_t port, const char *request)
{
	static char buf[4096];

	(void)answered(b, asked(port, request), buf, sizeof(buf));
	return buf;
}

static void expect(const char *answer, const char *part)
{
	if (!strstr(answer, part))
		fail_msg("no \"%s\" in: %s", part, answer);
}

#define REST "\r\nHost: x\r\nConnection: close\r\n"
#define GET  "GET /metrics HTTP/1.1" REST "\r\n"
#define OPEN "GET /metrics HTTP/1.1" REST "Accept: application/openmetrics-text\r\n\r\n"

static void a_scraper_gets_the_format_it_asks_for(void **state)
{
	struct bench *b = *state;
	const char *answer = ask(b, PORT, GET);

	expect(answer, "HTTP/1.1 200 OK\r\n");
	expect(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	expect(answer, "\r\nContent-Length: 16\r\n");
	expect(answer, "\r\n\r\ntext 1 of plain\n");
	answer = ask(b, PORT, OPEN);
	expect(answer, "\r\nContent-Type: application/openmetrics-text; version=1.0.0;");
	expect(answer, "\r\n\r\ntext 2 of open\n");
	expect(ask(b, PORT, "GET /metrics?x=y HTTP/1.0\r\n\r\n"), "text 1 of plain\n");
}

static void nothing_else_is_answered(void **state)
{
	struct bench *b = *state;

	expect(ask(b, PORT, "GET / HTTP/1.1" REST "\r\n"), " 404 Not Found\r\n");
	expect(ask(b, PORT, "GET /healthz HTTP/1.1" REST "\r\n"), " 404 Not Found\r\n");
	expect(ask(b, PORT, "POST /metrics HTTP/1.1" REST "Content-Length: 0\r\n\r\n"), " 501 ");
	expect(ask(b, HEALTH, GET), " 404 Not Found\r\n");
	expect(ask(b, PORT, "nonsense\r\n\r\n"), "");
	assert_int_equal(b->made, 0);
}

static void health_is_that_the_loop_turns(void **state)
{
	struct bench *b = *state;

	b->is_lazy = true; /* whatever metrics do */
	expect(ask(b, HEALTH, "GET /healthz HTTP/1.1" REST "\r\n"), " 200 OK\r\n");
	expect(ask(b, HEALTH, "GET /readyz HTTP/1.1" REST "\r\n"), " 503 Service Unavailable\r\n");
	metrics_server_set_ready(b->server, true);
	expect(ask(b, HEALTH, "GET /readyz HTTP/1.1" REST "\r\n"), " 200 OK\r\n");
}

static void who_comes_soon_gets_the_same_text(void **state)
{
	struct bench *b = *state;
	int fds[3];
	char buf[512];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = asked(PORT, GET);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		(void)answered(b, fds[i], buf, sizeof(buf));
		expect(buf, "text 1 of plain\n");
	}
	expect(ask(b, PORT, GET), "text 1 of plain\n");
	turn(b, METRICS_FRESH_NS);
	expect(ask(b, PORT, GET), "text 2 of plain\n");
}

/* One connection, one request after the other, as Prometheus does. */
static void a_connection_is_kept(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
	struct bench *b = *state;
	int fd = asked(PORT, request);
	char buf[512];

	for (int i = 0; i < 3; i++) {
		ssize_t got;

		turn(b, 20 * NSEC_PER_MSEC);
		got = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
		assert_true(got > 0);
		buf[got] = '\0';
		expect(buf, "text 1 of plain\n");
		assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL),
				 (ssize_t)strlen(request));
	}
	close(fd);
}

static void a_long_text_comes_whole(void **state)
{
	struct bench *b = *state;
	char *buf = xcalloc(1, 5 << 20);
	size_t len;

	b->text_len = 4 << 20;
	len = answered(b, asked(PORT, GET), buf, 5 << 20);
	assert_true(len > b->text_len);
	assert_int_equal(strspn(strstr(buf, "plain\n") + 6, "x"),
			 b->text_len - strlen("text 1 of plain\n"));
	free(buf);
}

/*
 * Readers that take nothing hold as many texts as there may be, and no more are made. Others get
 * the newest, health is none the worse, and once the time of an answer is over all is as before.
 */
static void slow_readers_cost_themselves(void **state)
{
	struct bench *b = *state;
	int fds[METRICS_TEXTS + 2];
	char buf[512];

	b->text_len = 8 << 20; /* more than sockets hold */
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = asked(PORT, GET);
		turn(b, (i < METRICS_TEXTS ? METRICS_FRESH_NS : 0) + 10 * NSEC_PER_MSEC);
	}
	assert_int_equal(b->made, METRICS_TEXTS);
	(void)answered(b, asked(PORT, GET), buf, sizeof(buf));
	expect(buf, "text 4 of plain\n");
	expect(ask(b, PORT, OPEN), " 503 Service Unavailable\r\n");
	expect(ask(b, HEALTH, "GET /healthz HTTP/1.1" REST "\r\n"), " 200 OK\r\n");

	b->skew = METRICS_REPLY_NS;
	turn(b, 20 * NSEC_PER_MSEC);
	b->skew = 0;
	turn(b, 20 * NSEC_PER_MSEC);
	b->text_len = 0;
	expect(ask(b, PORT, OPEN), "text 5 of open\n");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void who_goes_while_waiting_is_forgotten(void **state)
{
	struct bench *b = *state;
	int fd;

	b->is_lazy = true;
	fd = asked(PORT, GET);
	turn(b, 10 * NSEC_PER_MSEC);
	close(fd);
	turn(b, 10 * NSEC_PER_MSEC);
	b->is_lazy = false;
	expect(ask(b, PORT, GET), "of plain\n");
	b->is_lazy = true;
	b->text_len = 8 << 20;
	(void)asked(PORT, OPEN); /* and one is waiting when all ends, */
	turn(b, 10 * NSEC_PER_MSEC);
	b->is_lazy = false;
	(void)asked(PORT, GET); /* ... and one is reading */
	turn(b, 10 * NSEC_PER_MSEC);
}

static void another_address_counts_at_once(void **state)
{
	struct bench *b = *state;
	struct http_address at = {.port = PORT};

	listen_at(b, METRICS_PORT, PORT + 1);
	assert_int_equal(connected(AF_INET, PORT), -1);
	expect(ask(b, PORT + 1, GET), " 200 OK\r\n");
	assert_true(ip_addr_parse("127.0.0.1", &at.addr));
	metrics_server_listen(b->server, METRICS_PORT, &at, clock_now());
	expect(ask(b, PORT, GET), " 200 OK\r\n");
	assert_int_equal(connected(AF_INET6, PORT), -1);
	assert_true(ip_addr_parse("::1", &at.addr));
	metrics_server_listen(b->server, METRICS_PORT, &at, clock_now());
	assert_int_equal(connected(AF_INET, PORT), -1);
	metrics_server_listen(b->server, METRICS_PORT, NULL, clock_now());
	assert_int_equal(connected(AF_INET6, PORT), -1);
	assert_int_equal(metrics_server_error(b->server, METRICS_PORT), 0);
}

static void a_port_that_is_taken_is_tried_again(void **state)
{
	struct bench *b = *state;
	int fd = bound(PORT + 2);

	listen_at(b, METRICS_PORT, PORT + 2);
	assert_int_equal(metrics_server_error(b->server, METRICS_PORT), -EADDRINUSE);
	assert_int_equal(metrics_server_error(b->server, METRICS_HEALTH_PORT), 0);
	close(fd);
	turn(b, 5 * NSEC_PER_MSEC);
	assert_int_equal(metrics_server_error(b->server, METRICS_PORT), -EADDRINUSE);
	b->skew = HTTP_RETRY_NS;
	turn(b, 5 * NSEC_PER_MSEC);
	assert_int_equal(metrics_server_error(b->server, METRICS_PORT), 0);
	expect(ask(b, PORT + 2, GET), " 200 OK\r\n");
}

#define WITH_BENCH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(a_scraper_gets_the_format_it_asks_for),
		WITH_BENCH(nothing_else_is_answered),
		WITH_BENCH(health_is_that_the_loop_turns),
		WITH_BENCH(who_comes_soon_gets_the_same_text),
		WITH_BENCH(a_connection_is_kept),
		WITH_BENCH(a_long_text_comes_whole),
		WITH_BENCH(slow_readers_cost_themselves),
		WITH_BENCH(who_goes_while_waiting_is_forgotten),
		WITH_BENCH(another_address_counts_at_once),
		WITH_BENCH(a_port_that_is_taken_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
