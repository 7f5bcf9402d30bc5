// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One server has all ports; whose answer a request gets is told by the port that it came to.
 */
#include "sys/health_server.h"

#include "base/mem.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/http.h>

#define MAX_ANSWER 4096
#define ALL_METHODS                                                                                \
	(EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | \
	 EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH)

struct health_port {
	struct plan_health answer; /* its strings are owned */
	struct http_wish wish;
};

struct health_server {
	struct http_server *http;  /* owned */
	struct health_port *ports; /* by port; owned */
	size_t n;
	nsec_t retry_at; /* the first of them is tried again */
};

/* --- answering -------------------------------------------------------------------------------- */

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

static void on_request(void *ctx, struct evhttp_request *r, uint16_t port)
{
	const struct health_server *s = ctx;
	const struct health_port *p = find_port(s, port);

	if (p) {
		reply(r, &p->answer);
		return;
	}
	/* A port that was closed while this connection lived. */
	(void)evhttp_add_header(evhttp_request_get_output_headers(r), "Connection", "close");
	evhttp_send_reply(r, HTTP_SERVUNAVAIL, "Service Unavailable", NULL);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static void close_port(struct health_port *p)
{
	(void)http_wish_set(&p->wish, NULL, 0);
	free((char *)(uintptr_t)p->answer.ns);
	free((char *)(uintptr_t)p->answer.name);
}

static void tick_ports(struct health_server *s, nsec_t now)
{
	s->retry_at = NSEC_NEVER;
	for (size_t i = 0; i < s->n; i++)
		s->retry_at = nsec_min(s->retry_at, http_wish_tick(&s->ports[i].wish, now));
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
			close_port(&s->ports[at++]);
		ports[i].wish = http_wish_none(s->http);
		ports[i].answer = items[i];
		ports[i].answer.ns = xstrdup(items[i].ns);
		ports[i].answer.name = xstrdup(items[i].name);
		if (at == s->n || s->ports[at].answer.port != items[i].port)
			continue;
		/* One that was not to be had is tried at once. */
		if (!s->ports[at].wish.error) {
			ports[i].wish = s->ports[at].wish;
			s->ports[at].wish = http_wish_none(s->http);
		}
		close_port(&s->ports[at++]);
	}
	while (at < s->n)
		close_port(&s->ports[at++]);
	free(s->ports);
	s->ports = ports;
	s->n = n;
	/* Once all that is not wanted any more is closed. */
	for (size_t i = 0; i < n; i++)
		(void)http_wish_set(&ports[i].wish, &(struct http_address){.port = items[i].port},
				    now);
	tick_ports(s, now);
}

nsec_t health_server_tick(struct health_server *s, nsec_t now)
{
	if (now >= s->retry_at)
		tick_ports(s, now);
	return nsec_min(s->retry_at, http_server_tick(s->http, now));
}

bool health_server_failure(const struct health_server *s, size_t i, struct health_failure *ret)
{
	for (size_t k = 0; k < s->n; k++) {
		const struct health_port *p = &s->ports[k];

		if (!p->wish.error || i--)
			continue;
		*ret = (struct health_failure){.port = p->answer.port,
					       .ns = p->answer.ns,
					       .name = p->answer.name,
					       .error = p->wish.error};
		return true;
	}
	return false;
}

struct health_server *health_server_new(struct loop *loop)
{
	struct health_server *s = xcalloc(1, sizeof(*s));
	const struct http_server_args args = {
		.loop = loop,
		.what = "health checks",
		.max_clients = HEALTH_CLIENTS,
		.client = HEALTH_CLIENT_NS,
		.methods = ALL_METHODS,
		.handler = on_request,
		.ctx = s,
	};

	s->http = http_server_new(&args);
	s->retry_at = NSEC_NEVER;
	return s;
}

struct health_server *health_server_free(struct health_server *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		close_port(&s->ports[i]);
	free(s->ports);
	http_server_free(s->http);
	free(s);
	return NULL;
}
