// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Connections that live, for the lab: a pod, and a client of thousands, of which none is opened
 * anew that was cut.
 *
 *   conns serve NAME PORT                              see tests/lab/conns.h
 *   conns keep ADDRESS PORT COUNT SEED DIR FROM...     COUNT connections, from these addresses in
 * turn. One of two says something every 2 to 4 s, the other one every 30 to 60 s; each has 30 s for
 * an answer. One whose pod said goodbye is followed by another. When DIR/stop is there each says
 * something once more; ten minutes at most conns count ADDRESS PORT COUNT FROM...             COUNT
 * connections, 32 at a time, each up to the pod's first word
 *
 * `keep` makes DIR/ready when each has had an answer. Both end with one JSON object: flows (opened
 * in all), kept (to the end), ended (by their pods), refused (never opened, each tried again),
 * foreign (answers of pods that saw another address than the client's), exchanges, pods (flows of
 * each), lost ([pod, seconds since the start, exchanges, seconds since the last one, why, client's
 * address, its port] of each that was cut), which stderr has as they happen.
 */
#include "lab/conns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS            1000000ULL
#define SEC           (1000 * MS)
#define PATIENCE      (30 * SEC)
#define LONGEST       (600 * SEC)
#define TICK_MS       20
#define OPENED_A_TICK 10
#define ABREAST       32
#define PODS          128

enum state { CLOSED, OPENING, RESTING, ASKED, DONE };

struct conn {
	enum state state;
	int fd;
	char pod[sizeof(((struct conns_record *)0)->pod)];
	char from[sizeof(((struct conns_record *)0)->client)];
	uint64_t due;  /* CLOSED: when to open, RESTING: to ask, else: until when to wait */
	uint64_t last; /* when it was last answered */
	uint64_t serial, salt;
	size_t have;
	unsigned port; /* its own */
	struct conns_record r;
};

struct lost {
	char pod[sizeof(((struct conns_record *)0)->pod)];
	char from[sizeof(((struct conns_record *)0)->client)];
	unsigned port;
	uint64_t at, rested, exchanges;
	const char *why;
};

struct client {
	struct sockaddr_storage to;
	socklen_t to_len;
	const char *const *from; /* NULL behind the last */
	size_t n_from;
	const char *dir; /* NULL: each is closed at its first word */
	struct conn *conns;
	size_t n, wanted; /* how many may yet be opened */
	uint64_t begun, random;
	bool is_ending;
	int epoll;
	size_t flows, ended, refused, foreign, exchanges, n_lost, room;
	struct lost *lost;
	struct {
		char name[sizeof(((struct conns_record *)0)->pod)];
		size_t flows;
	} pods[PODS];
};

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SEC + (uint64_t)t.tv_nsec;
}

static uint64_t draw(struct client *c)
{
	c->random ^= c->random << 13, c->random ^= c->random >> 7, c->random ^= c->random << 17;
	return c->random;
}

static uint64_t between(struct client *c, uint64_t low, uint64_t high)
{
	return low + draw(c) % (high - low);
}

static uint64_t rest(struct client *c, const struct conn *k)
{
	return now() +
	       ((k - c->conns) % 2 ? between(c, 30 * SEC, 60 * SEC) : between(c, 2 * SEC, 4 * SEC));
}

static bool sockaddr_of(const char *text, uint16_t port, struct sockaddr_storage *a, socklen_t *len)
{
	struct sockaddr_in *four = (struct sockaddr_in *)a;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)a;

	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET, four->sin_port = htons(port), *len = sizeof(*four);
		return true;
	}
	six->sin6_family = AF_INET6, six->sin6_port = htons(port), *len = sizeof(*six);
	return inet_pton(AF_INET6, text, &six->sin6_addr) == 1;
}

static void shut(struct conn *k)
{
	(void)setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
			 sizeof(struct linger));
	(void)close(k->fd);
	k->fd = -1;
}

static void open_one(struct client *c, struct conn *k)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = k};
	const char *from = c->from[(size_t)(k - c->conns) % c->n_from];
	struct sockaddr_storage a;
	socklen_t len;

	*k = (struct conn){.state = OPENING, .due = now() + PATIENCE};
	(void)snprintf(k->from, sizeof(k->from), "%s", from);
	k->fd = socket(c->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0 || !sockaddr_of(from, 0, &a, &len))
		conns_die(from);
	(void)setsockopt(k->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	if (bind(k->fd, (struct sockaddr *)&a, len) != 0 ||
	    epoll_ctl(c->epoll, EPOLL_CTL_ADD, k->fd, &e) != 0)
		conns_die(from);
	if (connect(k->fd, (struct sockaddr *)&c->to, c->to_len) != 0 && errno != EINPROGRESS)
		conns_die("connect");
	c->wanted--;
}

/* It did not open, or it was cut. */
static void lose(struct client *c, struct conn *k, const char *why)
{
	struct lost *l;

	shut(k);
	if (k->state == OPENING) {
		c->refused++, c->wanted++;
		(void)fprintf(stderr, "%.3f refused: %s\n", (double)(now() - c->begun) / SEC, why);
		k->state = c->is_ending ? DONE : CLOSED, k->due = now() + SEC;
		return;
	}
	k->state = DONE;
	if (c->n_lost == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->lost = realloc(c->lost, c->room * sizeof(*c->lost));
		if (!c->lost)
			conns_die("memory");
	}
	l = &c->lost[c->n_lost++];
	*l = (struct lost){.at = now() - c->begun,
			   .rested = now() - k->last,
			   .exchanges = k->serial,
			   .why = why,
			   .port = k->port};
	memcpy(l->pod, k->pod, sizeof(l->pod));
	memcpy(l->from, k->from, sizeof(l->from));
	(void)fprintf(stderr, "%.3f %s %u lost at %s, at rest for %.1f s: %s\n",
		      (double)l->at / SEC, l->from, l->port, l->pod, (double)l->rested / SEC, why);
}

static void count_pod(struct client *c, const char *name)
{
	size_t i = 0;

	while (i < PODS - 1 && c->pods[i].flows && strcmp(c->pods[i].name, name) != 0)
		i++;
	(void)snprintf(c->pods[i].name, sizeof(c->pods[i].name), "%s", name);
	c->pods[i].flows++;
}

static void ask(struct client *c, struct conn *k)
{
	struct conns_record r = {
		.conn = (uint64_t)(k - c->conns), .serial = ++k->serial, .salt = draw(c)};

	k->salt = r.salt;
	k->state = ASKED, k->due = now() + PATIENCE;
	if (send(k->fd, &r, sizeof(r), MSG_NOSIGNAL) != sizeof(r))
		lose(c, k, strerrorname_np(errno));
}

static unsigned port_of(int fd)
{
	struct sockaddr_in6 a = {.sin6_port = 0}; /* where IPv4 has it, too */
	socklen_t len = sizeof(a);

	return getsockname(fd, (struct sockaddr *)&a, &len) == 0 ? ntohs(a.sin6_port) : 0;
}

static void on_hello(struct client *c, struct conn *k)
{
	c->flows++;
	memcpy(k->pod, k->r.pod, sizeof(k->pod));
	k->port = port_of(k->fd);
	count_pod(c, k->pod);
	if (c->dir) {
		ask(c, k);
		return;
	}
	shut(k);
	k->state = DONE;
	if (c->wanted)
		open_one(c, k);
}

static void on_record(struct client *c, struct conn *k)
{
	const struct conns_record *r = &k->r;

	k->last = now();
	c->foreign += strcmp(r->client, k->from) != 0;
	if (r->serial == CONNS_BYE) {
		shut(k);
		c->ended++, c->wanted++;
		k->state = CLOSED, k->due = now() + between(c, 0, SEC);
	} else if (k->state == OPENING && r->serial == CONNS_HELLO) {
		on_hello(c, k);
	} else if (k->state != ASKED || strcmp(r->pod, k->pod) != 0 || r->serial != k->serial ||
		   r->salt != k->salt || r->conn != (uint64_t)(k - c->conns)) {
		lose(c, k, "another answer");
	} else {
		c->exchanges++;
		k->state = c->is_ending ? DONE : RESTING, k->due = rest(c, k);
	}
}

static void on_words(struct client *c, struct conn *k)
{
	const ssize_t n = recv(k->fd, (char *)&k->r + k->have, sizeof(k->r) - k->have, 0);

	if (n <= 0) {
		lose(c, k, n == 0 ? "closed" : strerrorname_np(errno));
		return;
	}
	k->have += (size_t)n;
	if (k->have < sizeof(k->r))
		return;
	k->have = 0;
	on_record(c, k);
}

/* What is due. Returns how many have not come to their end. */
static size_t look(struct client *c)
{
	size_t at_work = 0, opened = 0;

	for (struct conn *k = c->conns; k < c->conns + c->n; k++) {
		if (k->state == CLOSED && !c->wanted) {
			k->state = DONE;
		} else if (k->state == CLOSED && k->due <= now() && opened < OPENED_A_TICK) {
			open_one(c, k), opened++;
		} else if (k->state == RESTING && k->due <= now()) {
			ask(c, k);
		} else if ((k->state == OPENING || k->state == ASKED) && k->due <= now()) {
			lose(c, k, "no answer");
		}
		at_work += k->state != DONE;
	}
	return at_work;
}

static bool is_there(const struct client *c, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", c->dir, name);
	return access(path, F_OK) == 0;
}

static void make_ready(const struct client *c)
{
	char path[256];
	FILE *f;

	for (size_t i = 0; i < c->n; i++)
		if (c->conns[i].state != RESTING && !c->conns[i].serial)
			return;
	(void)snprintf(path, sizeof(path), "%s/ready", c->dir);
	f = fopen(path, "we");
	if (!f || fclose(f) != 0)
		conns_die(path);
}

/* Once the end is wanted, who rests says something within two seconds. */
static void look_at_files(struct client *c)
{
	if (!is_there(c, "ready"))
		make_ready(c);
	if (c->is_ending || (!is_there(c, "stop") && now() < c->begun + LONGEST))
		return;
	c->is_ending = true;
	for (size_t i = 0; i < c->n; i++)
		if (c->conns[i].state == RESTING)
			c->conns[i].due = now() + between(c, 0, 2 * SEC);
}

static void tell(const struct client *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++)
		kept += c->conns[i].fd >= 0 && c->conns[i].state == DONE;
	(void)printf(
		"{\"flows\": %zu, \"kept\": %zu, \"ended\": %zu, \"refused\": %zu, \"foreign\": %zu, \"exchanges\": %zu, \"pods\": {",
		c->flows, kept, c->ended, c->refused, c->foreign, c->exchanges);
	for (size_t i = 0; i < PODS && c->pods[i].flows; i++)
		(void)printf("%s\"%s\": %zu", i ? ", " : "", c->pods[i].name, c->pods[i].flows);
	(void)printf("}, \"lost\": [");
	for (size_t i = 0; i < c->n_lost; i++)
		(void)printf("%s[\"%s\", %.1f, %llu, %.1f, \"%s\", \"%s\", %u]", i ? ", " : "",
			     c->lost[i].pod, (double)c->lost[i].at / SEC,
			     (unsigned long long)c->lost[i].exchanges,
			     (double)c->lost[i].rested / SEC, c->lost[i].why, c->lost[i].from,
			     c->lost[i].port);
	(void)printf("]}\n");
}

static int run(struct client *c)
{
	struct epoll_event e[128];
	int n;

	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->conns = calloc(c->n, sizeof(*c->conns));
	if (c->epoll < 0 || !c->conns)
		conns_die("a client");
	for (size_t i = 0; i < c->n; i++)
		c->conns[i].fd = -1;
	(void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){65536, 65536});
	c->begun = now();
	while (look(c)) {
		n = epoll_wait(c->epoll, e, 128, TICK_MS);
		for (int i = 0; i < n; i++)
			on_words(c, e[i].data.ptr);
		if (c->dir)
			look_at_files(c);
	}
	tell(c);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct client c = {.random = 1};
	int first = 0;

	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return conns_serve(argv[2], argv[3]);
	if (argc >= 8 && strcmp(argv[1], "keep") == 0)
		first = 7, c.random += strtoull(argv[5], NULL, 10), c.dir = argv[6];
	else if (argc >= 6 && strcmp(argv[1], "count") == 0)
		first = 5;
	if (!first ||
	    !sockaddr_of(argv[2], (uint16_t)strtoul(argv[3], NULL, 10), &c.to, &c.to_len)) {
		(void)fprintf(
			stderr,
			"usage: conns serve NAME PORT | keep ADDRESS PORT COUNT SEED DIR FROM... | count ADDRESS PORT COUNT FROM...\n");
		return EXIT_FAILURE;
	}
	c.from = (const char *const *)argv + first, c.n_from = (size_t)(argc - first);
	c.wanted = strtoul(argv[4], NULL, 10);
	c.n = c.dir || c.wanted < ABREAST ? c.wanted : ABREAST;
	return run(&c);
}
