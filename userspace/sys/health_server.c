// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One evhttp serves all ports; whose answer a request gets is told by the local port of its
 * connection. evhttp does not bound its connections, so the listeners rest once as many were
 * accepted as may be, until a count says that some have gone: libevent knows the events of all
 * connections that live.
 */
#include "sys/health_server.h"

#include "base/mem.h"
#include "sys/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT_NS    (1 * NSEC_PER_SEC) /* between two counts of connections */
#define MAX_HEADERS 4096
#define MAX_BODY    1024
#define MAX_ANSWER  4096
#define ALL_METHODS                                                                                \
	(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | \
	 EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH)

struct health_port {
	struct plan_health answer;          /* its strings are owned */
	struct evhttp_bound_socket *socket; /* of the evhttp; NULL: not bound */
	int error;                          /* why not, -errno */
};

struct health_server {
	struct loop *loop;         /* borrowed */
	struct evhttp *http;       /* owned; NULL until a port is asked for */
	struct health_port *ports; /* by port; owned */
	size_t n;
	size_t n_clients; /* at most: as counted last, and all that came since */
	bool is_resting;  /* no more are accepted for now */
	nsec_t retry_at, count_at;
};

/* --- answering ---------------------------------------------------------------------------------
 */

static struct health_port *find_port(const struct health_server *s, uint16_t port)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (s->ports[mid].answer.port < port)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->n && s->ports[low].answer.port == port ? &s->ports[low] : NULL;
}

/* The port of ours that a connection came to; 0: that cannot be told. */
static uint16_t local_port(int fd)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	if (a.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)&a)->sin6_port);
	return a.ss_family == AF_INET
		       ? ntohs(((const struct sockaddr_in *)(const void *)&a)->sin_port)
		       : 0;
}

static void reply(struct evhttp_request *r, const struct plan_health *h)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(r);
	struct evbuffer *out = evhttp_request_get_output_buffer(r);
	struct strbuf body;
	char weight[16];
	int status;

	strbuf_init(&body, MAX_ANSWER);
	status = plan_health_answer(h, &body);
	(void)snprintf(weight, sizeof(weight), "%u", h->endpoints);
	/* They fail for want of memory only; then the answer is poorer, and the status still right.
	 */
	(void)evhttp_add_header(headers, "Content-Type", PLAN_HEALTH_TYPE);
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	(void)evhttp_add_header(headers, "X-Load-Balancing-Endpoint-Weight", weight);
	(void)evbuffer_add(out, body.data, body.len);
	strbuf_done(&body);
	evhttp_send_reply(r, status, status == 200 ? "OK" : "Service Unavailable", NULL);
}

static void on_request(struct evhttp_request *r, void *ctx)
{
	struct health_server *s = ctx;
	struct bufferevent *b = evhttp_connection_get_bufferevent(evhttp_request_get_connection(r));
	const struct health_port *p;

	loop_doing(s->loop, "health checks");
	p = find_port(s, local_port(bufferevent_getfd(b)));
	if (p) {
		reply(r, &p->answer);
		return;
	}
	/* A port that was closed while this connection lived. */
	(void)evhttp_add_header(evhttp_request_get_output_headers(r), "Connection", "close");
	evhttp_send_reply(r, HTTP_SERVUNAVAIL, "Service Unavailable", NULL);
}

/* --- how many there are ------------------------------------------------------------------------
 */

static void rest(struct health_server *s, bool want)
{
	if (s->is_resting == want)
		return;
	s->is_resting = want;
	for (size_t i = 0; i < s->n; i++) {
		struct evhttp_bound_socket *b = s->ports[i].socket;
		struct evconnlistener *l = b ? evhttp_bound_socket_get_listener(b) : NULL;

		if (l && (want ? evconnlistener_disable(l) : evconnlistener_enable(l)) != 0)
			abort(); /* only if epoll's memory has run out */
	}
}

/* For each connection, before evhttp has it. NULL: it makes the buffers as always. */
static struct bufferevent *on_connection(struct event_base *base, void *ctx)
{
	struct health_server *s = ctx;

	(void)base;
	loop_doing(s->loop, "health checks");
	if (++s->n_clients >= HEALTH_CLIENTS)
		rest(s, true);
	return NULL;
}

struct counting {
	const struct health_server *server;
	size_t n;
};

/* One that reads and writes at once counts twice: then less is accepted for a second. */
static int count_event(const struct event_base *base, const struct event *ev, void *ctx)
{
	struct counting *c = ctx;
	const int fd = event_get_fd(ev);
	int listens = 1;
	socklen_t len = sizeof(listens);

	(void)base;
	if (find_port(c->server, local_port(fd)) &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
		c->n++;
	return 0;
}

static void count_clients(struct health_server *s)
{
	struct counting c = {.server = s};

	event_base_foreach_event(loop_base(s->loop), count_event, &c);
	s->n_clients = c.n;
	rest(s, c.n >= HEALTH_CLIENTS);
}

/* --- sockets -----------------------------------------------------------------------------------
 */

/* A listening socket on all addresses, or -errno. */
static int listen_on(uint16_t port)
{
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int on = 1, off = 0;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const bool is_v6 = fd >= 0;
	int r;

	if (!is_v6) /* a kernel without IPv6 */
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (is_v6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	r = is_v6 ? bind(fd, (const struct sockaddr *)&any6, sizeof(any6))
		  : bind(fd, (const struct sockaddr *)&any, sizeof(any));
	if (r == 0)
		r = listen(fd, HEALTH_CLIENTS);
	if (r == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static struct evhttp *new_http(struct health_server *s)
{
	struct evhttp *http = evhttp_new(loop_base(s->loop));

	if (!http)
		abort();
	evhttp_set_max_headers_size(http, MAX_HEADERS);
	evhttp_set_max_body_size(http, MAX_BODY);
	evhttp_set_timeout(http, (int)(HEALTH_CLIENT_NS / NSEC_PER_SEC));
	evhttp_set_allowed_methods(http, ALL_METHODS);
	evhttp_set_bevcb(http, on_connection, s);
	evhttp_set_gencb(http, on_request, s);
	return http;
}

static void open_port(struct health_server *s, struct health_port *p)
{
	const int fd = listen_on(p->answer.port);

	p->error = fd < 0 ? fd : 0;
	if (fd < 0)
		return;
	if (!s->http)
		s->http = new_http(s);
	p->socket = evhttp_accept_socket_with_handle(s->http, fd);
	if (!p->socket)
		abort();
	if (s->is_resting &&
	    evconnlistener_disable(evhttp_bound_socket_get_listener(p->socket)) != 0)
		abort();
}

static void close_port(struct health_server *s, struct health_port *p)
{
	if (p->socket)
		evhttp_del_accept_socket(s->http, p->socket);
	free((char *)(uintptr_t)p->answer.ns);
	free((char *)(uintptr_t)p->answer.name);
}

static void try_ports(struct health_server *s, nsec_t now)
{
	s->retry_at = NSEC_NEVER;
	for (size_t i = 0; i < s->n; i++) {
		if (!s->ports[i].socket)
			open_port(s, &s->ports[i]);
		if (!s->ports[i].socket)
			s->retry_at = nsec_add(now, HEALTH_RETRY_NS);
	}
}

static bool same_answer(const struct plan_health *a, const struct plan_health *b)
{
	return a->port == b->port && a->endpoints == b->endpoints &&
	       a->is_serving == b->is_serving && strcmp(a->ns, b->ns) == 0 &&
	       strcmp(a->name, b->name) == 0;
}

static bool is_unchanged(const struct health_server *s, const struct plan_health *items, size_t n)
{
	if (s->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!same_answer(&s->ports[i].answer, &items[i]))
			return false;
	return true;
}

void health_server_set(struct health_server *s, const struct plan_health *items, size_t n,
		       nsec_t now)
{
	struct health_port *ports;
	size_t at = 0;

	if (is_unchanged(s, items, n))
		return;
	ports = xcalloc(n, sizeof(*ports));
	for (size_t i = 0; i < n; i++) {
		assert(i == 0 || items[i - 1].port < items[i].port);
		while (at < s->n && s->ports[at].answer.port < items[i].port)
			close_port(s, &s->ports[at++]);
		ports[i].answer = items[i];
		ports[i].answer.ns = xstrdup(items[i].ns);
		ports[i].answer.name = xstrdup(items[i].name);
		if (at == s->n || s->ports[at].answer.port != items[i].port)
			continue;
		ports[i].socket = TAKE_PTR(s->ports[at].socket);
		close_port(s, &s->ports[at++]);
	}
	while (at < s->n)
		close_port(s, &s->ports[at++]);
	free(s->ports);
	s->ports = ports;
	s->n = n;
	try_ports(s, now);
}

nsec_t health_server_tick(struct health_server *s, nsec_t now)
{
	if (now >= s->retry_at)
		try_ports(s, now);
	if (s->n_clients && now >= s->count_at) {
		count_clients(s);
		s->count_at = nsec_add(now, COUNT_NS);
	}
	return nsec_min(s->retry_at, s->n_clients ? s->count_at : NSEC_NEVER);
}

bool health_server_failure(const struct health_server *s, size_t i, struct health_failure *ret)
{
	for (size_t k = 0; k < s->n; k++) {
		const struct health_port *p = &s->ports[k];

		if (!p->error || i--)
			continue;
		*ret = (struct health_failure){.port = p->answer.port,
					       .ns = p->answer.ns,
					       .name = p->answer.name,
					       .error = p->error};
		return true;
	}
	return false;
}

struct health_server *health_server_new(struct loop *loop)
{
	struct health_server *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->retry_at = NSEC_NEVER;
	return s;
}

struct health_server *health_server_free(struct health_server *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		close_port(s, &s->ports[i]);
	free(s->ports);
	if (s->http)
		evhttp_free(s->http);
	free(s);
	return NULL;
}
