// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The status page's server over real sockets, in a network namespace of its own: what is served, to
 * whom, how many may watch, and watchers that go away, do not read, or watch where nothing is
 * served any more.
 */
#include "sys/page_server.h"

#include "http_rig.h"
#include "sys/clock.h"
#include "sys/loop.h"

#define PORT 17480

static const char html[] = "<p>hello";
static const char script[] = "watch()";
static const struct page_file files[] = {
	{"/", "text/html; charset=utf-8", html, html + sizeof(html) - 1},
	{"/page.js", "text/javascript; charset=utf-8", script, script + sizeof(script) - 1},
};

struct bench {
	struct loop *loop;
	struct page_server *server;
	nsec_t until;
	char text[1u << 16];
};

static nsec_t listen_at(struct bench *b, uint16_t port)
{
	const struct http_address at = {.addr = ip_addr_from_v4(INADDR_LOOPBACK), .port = port};
	const nsec_t now = clock_now();

	page_server_listen(b->server, port ? &at : NULL, now);
	return now;
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	netns_enter();
	loopback_up();
	b->loop = loop_new();
	b->server = page_server_new(b->loop, files, ARRAY_SIZE(files));
	(void)listen_at(b, PORT);
	assert_int_equal(page_server_error(b->server), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	page_server_free(b->server);
	loop_free(b->loop);
	free(b);
	return 0;
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct bench *b = ctx;

	(void)page_server_tick(b->server, now);
	if (now >= b->until)
		loop_stop(b->loop);
	return now + NSEC_PER_MSEC;
}

static void turn(struct bench *b, nsec_t length)
{
	b->until = clock_now() + length;
	assert_int_equal(loop_run(b->loop, step, b), 0);
}

static int asked(const char *request)
{
	const int fd = connected(AF_INET, PORT);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL),
			 (ssize_t)strlen(request));
	return fd;
}

/* Reads until the part was there; false: the stream has ended without it. */
static bool reads(struct bench *b, int fd, const char *part)
{
	const nsec_t until = clock_now() + 20 * NSEC_PER_SEC;
	size_t len = 0;

	while (clock_now() < until && len + 1 < sizeof(b->text)) {
		const ssize_t got =
			recv(fd, b->text + len, sizeof(b->text) - 1 - len, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			return false;
		len += got > 0 ? (size_t)got : 0;
		b->text[len] = '\0';
		if (strstr(b->text, part))
			return true;
		if (got < 0)
			turn(b, NSEC_PER_MSEC);
	}
	fail_msg("neither \"%s\" nor an end: %s", part, b->text);
	return false;
}

static void expect(struct bench *b, const char *request, const char *part)
{
	const int fd = asked(request);

	if (!reads(b, fd, part))
		fail_msg("no \"%s\": %s", part, b->text);
	close(fd);
}

static bool is_watched_by(struct bench *b, size_t n)
{
	const nsec_t until = clock_now() + 20 * NSEC_PER_SEC;

	while (page_server_watchers(b->server) != n && clock_now() < until)
		turn(b, NSEC_PER_MSEC);
	return page_server_watchers(b->server) == n;
}

#define ASK(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\nConnection: close\r\n\r\n"
#define EVENTS          "GET /events HTTP/1.1\r\nHost: localhost:17480\r\n\r\n"

static void files_are_served_as_they_are(void **state)
{
	struct bench *b = *state;

	expect(b, ASK("/", "127.0.0.1:17480"), "\r\n\r\n<p>hello");
	assert_non_null(strstr(b->text, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(b->text, "\r\nContent-Type: text/html; charset=utf-8\r\n"));
	assert_non_null(strstr(b->text, "\r\nContent-Security-Policy: default-src 'none'; "
					"script-src 'self'; style-src 'self'; connect-src 'self'; "
					"img-src 'self'; base-uri 'none'; form-action 'none'; "
					"frame-ancestors 'none'\r\n"));
	assert_non_null(strstr(b->text, "\r\nReferrer-Policy: no-referrer\r\n"));
	assert_non_null(strstr(b->text, "\r\nCross-Origin-Resource-Policy: same-origin\r\n"));
	assert_non_null(strstr(b->text, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(b->text, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(b->text, "\r\nContent-Length: 8\r\n"));
	expect(b, ASK("/page.js?1", "localhost"), "\r\n\r\nwatch()");
	expect(b, ASK("/page", "localhost"), " 404 Not Found\r\n");
	expect(b, ASK("//", "localhost"), " 404 Not Found\r\n");
	expect(b, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", " 501 ");
}

/* A name that somebody pointed at this address is not ours, and a browser says which it asked. */
static void only_addresses_and_localhost_are_ours(void **state)
{
	struct bench *b = *state;

	expect(b, ASK("/", "[::1]:17480"), " 200 OK\r\n");
	expect(b, ASK("/", "192.0.2.1"), " 200 OK\r\n");
	expect(b, "GET / HTTP/1.0\r\n\r\n", " 200 OK\r\n");
	expect(b, ASK("/", "attacker.example:17480"), " 421 Misdirected Request\r\n");
	expect(b, ASK("/events", "attacker.example"), " 421 ");
	expect(b, ASK("/graph.svg", "127.0.0.1.attacker.example"), " 421 ");
	expect(b, ASK("/", "localhost.attacker.example"), " 421 ");
	expect(b, ASK("/", "[localhost"), " 200 OK\r\n"); /* which no browser says */
	expect(b, ASK("/", ":17480"), " 421 ");
	/* As long as the longest address, and around that. */
	for (int len = IP_ADDR_TEXT - 2; len <= IP_ADDR_TEXT + 1; len++) {
		char request[256];

		(void)snprintf(request, sizeof(request),
			       "GET / HTTP/1.1\r\nHost: %0*d\r\nConnection: close\r\n\r\n", len, 1);
		expect(b, request, " 421 ");
	}
	assert_int_equal(page_server_watchers(b->server), 0);
}

static void all_who_watch_are_told(void **state)
{
	struct bench *b = *state;
	int fds[PAGE_WATCHERS];

	for (size_t i = 0; i < PAGE_WATCHERS; i++) {
		fds[i] = asked(EVENTS);
		assert_true(is_watched_by(b, i + 1));
	}
	expect(b, EVENTS, " 503 Service Unavailable\r\n");
	page_server_tell(b->server, "{\"a\":1}", 7);
	for (size_t i = 0; i < PAGE_WATCHERS; i++) {
		assert_true(reads(b, fds[i], "data: {\"a\":1}\n\n"));
		assert_non_null(strstr(b->text, "\r\nContent-Type: text/event-stream\r\n"));
	}
	/* For longer than a client has to say something. */
	turn(b, PAGE_CLIENT_NS + 2 * NSEC_PER_SEC);
	page_server_tell(b->server, "{\"a\":2}", 7);
	assert_true(reads(b, fds[1], "data: {\"a\":2}\n\n"));
	close(fds[0]);
	assert_true(is_watched_by(b, PAGE_WATCHERS - 1));
	fds[0] = asked(EVENTS);
	assert_true(is_watched_by(b, PAGE_WATCHERS));
	for (size_t i = 0; i < PAGE_WATCHERS; i++)
		close(fds[i]);
	assert_true(is_watched_by(b, 0));
}

static void the_picture_is_the_last_that_was_drawn(void **state)
{
	struct bench *b = *state;

	expect(b, ASK("/graph.svg", "localhost"), " 503 ");
	page_server_draw(b->server, xstrdup("<svg>1"), 6);
	page_server_draw(b->server, xstrdup("<svg>2"), 6);
	expect(b, ASK("/graph.svg?17", "localhost"), "\r\n\r\n<svg>2");
	assert_non_null(strstr(b->text, "\r\nContent-Type: image/svg+xml\r\n"));
	assert_non_null(strstr(b->text, "style-src 'unsafe-inline'"));
	page_server_draw(b->server, NULL, 0);
	expect(b, ASK("/graph.svg", "localhost"), " 503 ");
}

/* Its memory is bounded, and so is its time. */
static void who_does_not_read_is_told_less_and_closed(void **state)
{
	struct bench *b = *state;
	const size_t len = 100000;
	char *data = xcalloc(1, len);
	const int fd = asked(EVENTS);
	size_t told = 0;
	ssize_t got;

	memset(data, 'x', len);
	assert_true(is_watched_by(b, 1));
	for (int i = 0; i < 400; i++) {
		page_server_tell(b->server, data, len);
		turn(b, NSEC_PER_USEC);
	}
	assert_true(is_watched_by(b, 0));
	while ((got = recv(fd, b->text, sizeof(b->text), 0)) > 0)
		told += (size_t)got;
	assert_true(told < 200 * len);
	assert_true(told > 2 * len);
	close(fd);
	free(data);
}

static void another_address_ends_who_watches(void **state)
{
	struct bench *b = *state;
	const int taken = bound(17481), fd = asked(EVENTS);
	nsec_t tried;

	assert_true(is_watched_by(b, 1));
	(void)listen_at(b, PORT); /* the same changes nothing */
	assert_true(is_watched_by(b, 1));
	(void)listen_at(b, 0);
	assert_true(is_watched_by(b, 0));
	assert_int_equal(connected(AF_INET, PORT), -1);
	tried = listen_at(b, 17481);
	assert_int_equal(page_server_error(b->server), -EADDRINUSE);
	close(taken);
	/* Then, and to the nanosecond, as the loop sleeps until that. */
	assert_int_equal(page_server_tick(b->server, tried + HTTP_RETRY_NS - 1),
			 tried + HTTP_RETRY_NS);
	assert_int_equal(page_server_error(b->server), -EADDRINUSE);
	(void)page_server_tick(b->server, tried + HTTP_RETRY_NS);
	assert_int_equal(page_server_error(b->server), 0);
	(void)listen_at(b, PORT);
	close(fd);
	expect(b, ASK("/", "localhost"), " 200 OK\r\n");
}

/* The server goes while somebody watches. */
static void the_end_is_an_end(void **state)
{
	struct bench *b = *state;
	const int fd = asked(EVENTS);

	assert_true(is_watched_by(b, 1));
	page_server_draw(b->server, xstrdup("<svg>"), 5);
	page_server_free(b->server);
	assert_false(reads(b, fd, "data:"));
	b->server = page_server_new(b->loop, files, ARRAY_SIZE(files));
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_are_served_as_they_are),
		TEST(only_addresses_and_localhost_are_ours),
		TEST(all_who_watch_are_told),
		TEST(the_picture_is_the_last_that_was_drawn),
		TEST(who_does_not_read_is_told_less_and_closed),
		TEST(another_address_ends_who_watches),
		TEST(the_end_is_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
