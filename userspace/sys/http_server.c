// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One evhttp for all ports. It does not bound its connections, so the listeners rest once as many
 * were accepted as may be, until a count says that some have gone: libevent knows the events of all
 * connections that live.
 */
#include "sys/http_server.h"

#include "sys/loop.h"

#include <errno.h>
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

struct http_port {
	struct http_port *next;
	struct evhttp_bound_socket *socket; /* of the evhttp */
	uint16_t number;
};

struct http_server {
	struct http_server_args args;
	struct evhttp *http;     /* owned; NULL until somebody listens */
	struct http_port *ports; /* owned */
	size_t n_clients;        /* at most: as counted last, and all that came since */
	bool is_resting;         /* no more are accepted for now */
	nsec_t count_at;
};

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

static void on_request(struct evhttp_request *r, void *ctx)
{
	const struct http_server *s = ctx;
	struct bufferevent *b = evhttp_connection_get_bufferevent(evhttp_request_get_connection(r));

	loop_doing(s->args.loop, s->args.what);
	s->args.handler(s->args.ctx, r, local_port(bufferevent_getfd(b)));
}

/* --- how many there are ----------------------------------------------------------------------- */

static void rest(struct http_server *s, bool want)
{
	if (s->is_resting == want)
		return;
	s->is_resting = want;
	for (const struct http_port *p = s->ports; p; p = p->next) {
		struct evconnlistener *l = evhttp_bound_socket_get_listener(p->socket);

		if ((want ? evconnlistener_disable(l) : evconnlistener_enable(l)) != 0)
			abort(); /* only if epoll's memory has run out */
	}
}

/* For each connection, before evhttp has it. NULL: it makes the buffers as always. */
static struct bufferevent *on_connection(struct event_base *base, void *ctx)
{
	struct http_server *s = ctx;

	(void)base;
	loop_doing(s->args.loop, s->args.what);
	if (++s->n_clients >= s->args.max_clients)
		rest(s, true);
	return NULL;
}

struct counting {
	const struct http_server *server;
	size_t n;
};

static bool is_ours(const struct http_server *s, uint16_t port)
{
	for (const struct http_port *p = s->ports; p; p = p->next)
		if (p->number == port)
			return true;
	return false;
}

/* One that reads and writes at once counts twice: then less is accepted for a second. */
static int count_event(const struct event_base *base, const struct event *ev, void *ctx)
{
	struct counting *c = ctx;
	const int fd = event_get_fd(ev);
	int listens = 1;
	socklen_t len = sizeof(listens);

	(void)base;
	if (is_ours(c->server, local_port(fd)) &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
		c->n++;
	return 0;
}

static void count_clients(struct http_server *s)
{
	struct counting c = {.server = s};

	event_base_foreach_event(loop_base(s->args.loop), count_event, &c);
	s->n_clients = c.n;
	rest(s, c.n >= s->args.max_clients);
}

nsec_t http_server_tick(struct http_server *s, nsec_t now)
{
	if (s->n_clients && now >= s->count_at) {
		count_clients(s);
		s->count_at = nsec_add(now, COUNT_NS);
	}
	return s->n_clients ? s->count_at : NSEC_NEVER;
}

/* --- sockets ---------------------------------------------------------------------------------- */

static socklen_t fill_sockaddr(const struct http_address *at, struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
	if (!ip_addr_is_none(&at->addr) && ip_addr_is_v4(&at->addr)) {
		const struct sockaddr_in four = {
			.sin_family = AF_INET,
			.sin_port = htons(at->port),
			.sin_addr.s_addr = htonl(ip_addr_v4(&at->addr)),
		};

		memcpy(ret, &four, sizeof(four));
		return sizeof(four);
	}
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(at->port)};

	if (!ip_addr_is_none(&at->addr))
		memcpy(&six.sin6_addr, at->addr.b, sizeof(six.sin6_addr));
	memcpy(ret, &six, sizeof(six));
	return sizeof(six);
}

/* A listening socket, or -errno. */
static int listen_on(const struct http_address *at, size_t backlog)
{
	const int on = 1, only_six = !ip_addr_is_none(&at->addr);
	struct sockaddr_storage a;
	socklen_t len = fill_sockaddr(at, &a);
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = -1;

	if (fd < 0 && errno == EAFNOSUPPORT && ip_addr_is_none(&at->addr)) {
		/* a kernel without IPv6 */
		const struct http_address any = {.addr = ip_addr_from_v4(0), .port = at->port};

		len = fill_sockaddr(&any, &a);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_six, sizeof(only_six));
	r = bind(fd, (const struct sockaddr *)&a, len);
	if (r == 0)
		r = listen(fd, (int)backlog);
	if (r == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static struct evhttp *new_http(struct http_server *s)
{
	struct evhttp *http = evhttp_new(loop_base(s->args.loop));

	if (!http)
		abort();
	evhttp_set_max_headers_size(http, MAX_HEADERS);
	evhttp_set_max_body_size(http, MAX_BODY);
	evhttp_set_timeout(http, (int)(s->args.client / NSEC_PER_SEC));
	evhttp_set_allowed_methods(http, (ev_uint16_t)s->args.methods);
	evhttp_set_bevcb(http, on_connection, s);
	evhttp_set_gencb(http, on_request, s);
	return http;
}

int http_server_listen(struct http_server *s, const struct http_address *at, struct http_port **ret)
{
	const int fd = listen_on(at, s->args.max_clients);
	struct http_port *p;

	if (fd < 0)
		return fd;
	if (!s->http)
		s->http = new_http(s);
	p = xcalloc(1, sizeof(*p));
	*p = (struct http_port){.next = s->ports, .number = at->port};
	s->ports = p;
	p->socket = evhttp_accept_socket_with_handle(s->http, fd);
	if (!p->socket)
		abort();
	if (s->is_resting &&
	    evconnlistener_disable(evhttp_bound_socket_get_listener(p->socket)) != 0)
		abort();
	*ret = p;
	return 0;
}

void http_server_close(struct http_server *s, struct http_port *p)
{
	struct http_port **at = &s->ports;

	if (!p)
		return;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	evhttp_del_accept_socket(s->http, p->socket);
	free(p);
}

struct http_server *http_server_new(const struct http_server_args *args)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	s->args = *args;
	return s;
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	while (s->ports)
		http_server_close(s, s->ports);
	if (s->http)
		evhttp_free(s->http);
	free(s);
	return NULL;
}
