// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Requests of the lab's client, some at a time, in one process. What came of them is one JSON
 * object: requests, failed (a list of [start, end, error]), pods and clients (counts by name).
 * Times are seconds since 1970.
 */
#include "lab/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 100
#define NAMES   64
#define NAME    64

/* An empty set of options: next header, length, and six octets of padding (RFC 8200 4.2). */
static const unsigned char options[] = {0, 0, 1, 4, 0, 0, 0, 0};

struct request {
	int fd; /* -1: nothing is asked */
	bool is_open;
	unsigned n_answers;
	double start, due; /* since 1970; of CLOCK_MONOTONIC */
	size_t have;
	char pod[NAME], client[NAME];
	char sent[1 << 16], back[(1 << 16) + 256];
};

struct failure {
	double start, end;
	const char *error;
};

struct names {
	size_t n;
	struct {
		char name[NAME];
		size_t count;
	} all[NAMES];
};

struct run {
	const struct client_run *how;
	int epoll;
	size_t begun, ended, n_failed;
	struct failure *failed;
	struct names pods, clients;
	struct request requests[CLIENT_ABREAST];
};

static double seconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count(struct names *names, const char *name)
{
	size_t i = 0;

	while (i < names->n && strcmp(names->all[i].name, name) != 0)
		i++;
	if (i == NAMES)
		client_die("too many names");
	if (i == names->n)
		(void)snprintf(names->all[names->n++].name, NAME, "%s", name);
	names->all[i].count++;
}

static void end(struct run *r, struct request *q, const char *error)
{
	(void)close(q->fd);
	q->fd = -1;
	r->ended++;
	if (error) {
		r->failed[r->n_failed++] =
			(struct failure){q->start, seconds(CLOCK_REALTIME), error};
		return;
	}
	count(&r->pods, q->pod);
	count(&r->clients, q->client);
}

static void go_on(const struct run *r, struct request *q)
{
	q->due = seconds(CLOCK_MONOTONIC) + r->how->patience;
}

/* Whether the text is the pod's line and nothing else; takes its words. */
static bool read_line(struct request *q, const char *line, size_t n)
{
	char copy[256];
	int read = 0;

	if (n >= sizeof(copy))
		return false;
	memcpy(copy, line, n);
	copy[n] = '\0';
	return sscanf(copy, "{\"pod\": \"%63[^\"]\", \"client\": \"%63[^\"]\"}%n", q->pod,
		      q->client, &read) == 2 &&
	       copy[read] == '\n' && (size_t)read + 1 == n;
}

static void say(struct run *r, struct request *q)
{
	const size_t n = r->how->server->n_data;

	q->is_open = true;
	go_on(r, q);
	if (send(q->fd, q->sent, n, MSG_NOSIGNAL) != (ssize_t)n)
		end(r, q, strerrorname_np(errno));
}

static void begin(struct run *r, struct request *q)
{
	const struct client_server *s = r->how->server;
	const bool is_stream = s->type == SOCK_STREAM;
	struct epoll_event e = {.events = is_stream ? EPOLLOUT : EPOLLIN, .data.ptr = q};

	q->fd = socket(s->to.ss_family, s->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	q->is_open = false, q->have = 0, q->n_answers = 0;
	q->start = seconds(CLOCK_REALTIME);
	go_on(r, q);
	r->begun++;
	memcpy(q->sent, s->data, s->n_data);
	for (size_t n = 0; s->is_random && n < s->n_data;) {
		const ssize_t some = getrandom(q->sent + n, s->n_data - n, 0);

		if (some <= 0)
			client_die("getrandom");
		n += (size_t)some;
	}
	if (q->fd < 0 ||
	    (s->option &&
	     setsockopt(q->fd, IPPROTO_IPV6, s->option, options, sizeof(options)) != 0) ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, q->fd, &e) != 0)
		client_die("socket");
	if (connect(q->fd, (const struct sockaddr *)&s->to, s->len) != 0 && errno != EINPROGRESS)
		end(r, q, strerrorname_np(errno));
	else if (!is_stream)
		say(r, q);
}

static void on_open(struct run *r, struct request *q)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = q};
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error) {
		end(r, q, strerrorname_np(error ? error : errno));
		return;
	}
	if (epoll_ctl(r->epoll, EPOLL_CTL_MOD, q->fd, &e) != 0)
		client_die("epoll_ctl");
	say(r, q);
}

/* The end of an answer is the end of its connection. */
static void on_octets(struct run *r, struct request *q)
{
	const size_t room = sizeof(q->back) - 1 - q->have;
	const ssize_t n = recv(q->fd, q->back + q->have, room, 0);
	const char *body;

	if (n < 0 || room == 0) {
		end(r, q, room == 0 ? "too long" : strerrorname_np(errno));
		return;
	}
	q->have += (size_t)n;
	go_on(r, q);
	if (n)
		return;
	q->back[q->have] = '\0';
	body = strstr(q->back, "\r\n\r\n");
	end(r, q,
	    body && read_line(q, body + 4, q->have - (size_t)(body + 4 - q->back))
		    ? NULL
		    : "no such answer");
}

/* A line, and behind it what was sent. */
static void on_datagram(struct run *r, struct request *q)
{
	const struct client_server *s = r->how->server;
	const ssize_t n = recv(q->fd, q->back, sizeof(q->back) - 1, 0);
	const char *line_end = n > 0 ? memchr(q->back, '\n', (size_t)n) : NULL;
	size_t line;

	if (n < 0) {
		end(r, q, strerrorname_np(errno));
		return;
	}
	line = line_end ? (size_t)(line_end + 1 - q->back) : 0;
	if ((size_t)n - line != s->n_data || memcmp(q->back + line, q->sent, s->n_data) != 0)
		end(r, q, "other octets came back");
	else if (!read_line(q, q->back, line))
		end(r, q, "no such answer");
	else if (++q->n_answers == s->n_answers)
		end(r, q, NULL);
}

static void on_event(struct run *r, struct request *q)
{
	if (!q->is_open)
		on_open(r, q);
	else if (r->how->server->type == SOCK_STREAM)
		on_octets(r, q);
	else
		on_datagram(r, q);
}

/* How many may have begun by now. */
static size_t due(const struct run *r, double since)
{
	const double passed = seconds(CLOCK_MONOTONIC) - since;
	const struct client_run *how = r->how;

	if (how->rate <= 0)
		return how->count;
	if (passed >= how->seconds || access(how->stop, F_OK) == 0)
		return 0;
	return (size_t)(passed * how->rate) + 1;
}

/* Ends those that waited too long and begins others. Returns whether there is anything to wait for.
 */
static bool look(struct run *r, double since)
{
	const size_t wanted = due(r, since);
	const double t = seconds(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < r->how->abreast; i++) {
		struct request *q = &r->requests[i];

		if (q->fd >= 0 && q->due <= t)
			end(r, q, "no answer");
		if (q->fd < 0 && r->begun < wanted && r->begun < r->how->count)
			begin(r, q);
	}
	return r->ended < r->begun || (wanted && r->begun < r->how->count);
}

static void tell_names(const char *title, const struct names *names)
{
	(void)printf(", \"%s\": {", title);
	for (size_t i = 0; i < names->n; i++)
		(void)printf("%s\"%s\": %zu", i ? ", " : "", names->all[i].name,
			     names->all[i].count);
	(void)printf("}");
}

static void tell(const struct run *r)
{
	(void)printf("{\"requests\": %zu, \"failed\": [", r->begun);
	for (size_t i = 0; i < r->n_failed; i++)
		(void)printf("%s[%.6f, %.6f, \"%s\"]", i ? ", " : "", r->failed[i].start,
			     r->failed[i].end, r->failed[i].error);
	(void)printf("]");
	tell_names("pods", &r->pods);
	tell_names("clients", &r->clients);
	(void)printf("}\n");
}

int client_requests(const struct client_run *how)
{
	static struct run r;
	const double since = seconds(CLOCK_MONOTONIC);
	const int tick = how->rate > 0 ? (int)(1000 / how->rate) + 1 : TICK_MS;
	struct epoll_event e[CLIENT_ABREAST];

	r.how = how;
	r.epoll = epoll_create1(EPOLL_CLOEXEC);
	r.failed = calloc(how->count + 1, sizeof(*r.failed));
	if (r.epoll < 0 || !r.failed)
		client_die("a client");
	for (unsigned i = 0; i < CLIENT_ABREAST; i++)
		r.requests[i].fd = -1;
	while (look(&r, since)) {
		const int n = epoll_wait(r.epoll, e, CLIENT_ABREAST, tick);

		for (int i = 0; i < n; i++)
			on_event(&r, e[i].data.ptr);
	}
	tell(&r);
	return EXIT_SUCCESS;
}
