// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A request is kept while it waits for a text and until its answer has gone out. evhttp says when
 * that is, and when the connection ends before; it is never freed in between. An answer that takes
 * too long ends by shutting its connection down, which evhttp then notices by itself.
 *
 * Texts are counted by those who read them, and lent to evhttp without a copy.
 */
#include "sys/metrics_server.h"

#include "sys/loop.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <sys/socket.h>

#define HEALTH_CLIENTS 16
#define WRITE_BYTES    (128u << 10) /* at once: a text goes out in few turns, each of them short */

struct text {
	char *data; /* owned */
	size_t len;
	enum exposition_format format;
	nsec_t made_at;
	size_t n_readers;
	bool is_kept; /* by the server; else the last reader frees it */
};

struct asking {
	struct asking *next;
	struct metrics_server *server;
	struct evhttp_request *request; /* evhttp's */
	enum exposition_format format;
	bool is_answered;
	nsec_t until; /* the answer has gone out by then; NSEC_NEVER: there is none yet */
};

struct metrics_server {
	struct loop *loop;                       /* borrowed */
	struct http_wish ports[METRICS_N_PORTS]; /* their servers are owned */
	struct asking *asking;                   /* owned */
	struct text *texts[METRICS_TEXTS];       /* owned; NULL: room for one */
	bool is_ready;
};

/* --- texts ------------------------------------------------------------------------------------ */

static void on_read(const void *data, size_t len, void *ctx)
{
	struct text *t = ctx;

	(void)data;
	(void)len;
	if (--t->n_readers > 0 || t->is_kept)
		return;
	free(t->data);
	free(t);
}

/* The server has no use for it any more. */
static void let_go(struct text *t)
{
	t->is_kept = false;
	t->n_readers++;
	on_read(NULL, 0, t);
}

static bool is_fresh(const struct text *t, nsec_t now)
{
	return now < nsec_add(t->made_at, METRICS_FRESH_NS);
}

/* A place for another text: one that is free, or of a text that nobody reads any more. */
static struct text **find_room(struct metrics_server *s, nsec_t now)
{
	for (size_t i = 0; i < METRICS_TEXTS; i++) {
		struct text **t = &s->texts[i];

		if (*t && !is_fresh(*t, now) && (*t)->n_readers == 0)
			let_go(TAKE_PTR(*t));
	}
	for (size_t i = 0; i < METRICS_TEXTS; i++)
		if (!s->texts[i])
			return &s->texts[i];
	return NULL;
}

static struct text *newest(const struct metrics_server *s, enum exposition_format format)
{
	struct text *ret = NULL;

	for (size_t i = 0; i < METRICS_TEXTS; i++) {
		struct text *t = s->texts[i];

		if (t && t->format == format && (!ret || t->made_at > ret->made_at))
			ret = t;
	}
	return ret;
}

/* --- answering -------------------------------------------------------------------------------- */

static void forget(struct asking *q)
{
	struct asking **at = &q->server->asking;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	free(q);
}

static void on_closed(struct evhttp_connection *c, void *ctx)
{
	(void)c;
	forget(ctx);
}

static void on_sent(struct evhttp_request *r, void *ctx)
{
	evhttp_connection_set_closecb(evhttp_request_get_connection(r), NULL, NULL);
	forget(ctx);
}

static void add_header(struct evhttp_request *r, const char *name, const char *value)
{
	/* It fails for want of memory only, and then the answer is poorer. */
	(void)evhttp_add_header(evhttp_request_get_output_headers(r), name, value);
}

static void answer(struct asking *q, struct text *t, nsec_t now)
{
	struct evhttp_request *r = q->request;
	struct evhttp_connection *c = evhttp_request_get_connection(r);

	q->is_answered = true;
	q->until = nsec_add(now, METRICS_REPLY_NS);
	(void)bufferevent_set_max_single_write(evhttp_connection_get_bufferevent(c), WRITE_BYTES);
	add_header(r, "Content-Type", exposition_content_type(t->format));
	t->n_readers++;
	if (evbuffer_add_reference(evhttp_request_get_output_buffer(r), t->data, t->len, on_read,
				   t) != 0)
		abort(); /* out of memory, as everywhere */
	evhttp_send_reply(r, HTTP_OK, "OK", NULL);
}

static void plain_answer(struct evhttp_request *r, int status, const char *reason, const char *body)
{
	add_header(r, "Content-Type", "text/plain; charset=utf-8");
	if (evbuffer_add(evhttp_request_get_output_buffer(r), body, strlen(body)) != 0)
		abort();
	evhttp_send_reply(r, status, reason, NULL);
}

static bool asks_for(const struct evhttp_request *r, const char *path)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r);
	const char *asked = uri ? evhttp_uri_get_path(uri) : NULL;

	return asked && strcmp(asked, path) == 0;
}

static void on_metrics(void *ctx, struct evhttp_request *r, uint16_t port)
{
	struct metrics_server *s = ctx;
	const nsec_t now = loop_now(s->loop);
	const bool has_room = find_room(s, now);
	const enum exposition_format format = exposition_choose(
		evhttp_find_header(evhttp_request_get_input_headers(r), "Accept"));
	struct text *t = newest(s, format);
	struct asking *q;

	(void)port;
	if (!asks_for(r, "/metrics")) {
		plain_answer(r, HTTP_NOTFOUND, "Not Found", "GET /metrics\n");
		return;
	}
	if (!t && !has_room) {
		plain_answer(r, HTTP_SERVUNAVAIL, "Service Unavailable",
			     "too many answers are still being read\n");
		return;
	}
	q = xcalloc(1, sizeof(*q));
	*q = (struct asking){
		.next = s->asking,
		.server = s,
		.request = r,
		.format = format,
		.until = NSEC_NEVER,
	};
	s->asking = q;
	evhttp_request_set_on_complete_cb(r, on_sent, q);
	evhttp_connection_set_closecb(evhttp_request_get_connection(r), on_closed, q);
	if (t && (is_fresh(t, now) || !has_room))
		answer(q, t, now);
}

static void on_health(void *ctx, struct evhttp_request *r, uint16_t port)
{
	const struct metrics_server *s = ctx;
	const bool asks_ready = asks_for(r, "/readyz");

	(void)port;
	if (!asks_ready && !asks_for(r, "/healthz"))
		plain_answer(r, HTTP_NOTFOUND, "Not Found", "GET /healthz or /readyz\n");
	else if (asks_ready && !s->is_ready)
		plain_answer(r, HTTP_SERVUNAVAIL, "Service Unavailable",
			     "not ready: no plan was applied yet\n");
	else
		plain_answer(r, HTTP_OK, "OK", "ok\n");
}

bool metrics_server_wants(const struct metrics_server *s, enum exposition_format *ret)
{
	for (const struct asking *q = s->asking; q; q = q->next) {
		if (q->is_answered)
			continue;
		*ret = q->format;
		return true;
	}
	return false;
}

void metrics_server_give(struct metrics_server *s, enum exposition_format format, char *data,
			 size_t len, nsec_t now)
{
	struct text **room = find_room(s, now);
	struct text *t = xcalloc(1, sizeof(*t));
	struct asking *next;

	*t = (struct text){
		.data = data,
		.len = len,
		.format = format,
		.made_at = now,
		.is_kept =
			room != NULL, /* else who waited for the other format has taken the last */
		.n_readers = 1,       /* us, until all who wait are */
	};
	if (room)
		*room = t;
	for (struct asking *q = s->asking; q; q = next) {
		next = q->next;
		if (!q->is_answered && q->format == format)
			answer(q, t, now);
	}
	on_read(NULL, 0, t);
}

/* --- ports ------------------------------------------------------------------------------------ */

void metrics_server_listen(struct metrics_server *s, enum metrics_port which,
			   const struct http_address *at, nsec_t now)
{
	(void)http_wish_set(&s->ports[which], at, now);
}

int metrics_server_error(const struct metrics_server *s, enum metrics_port which)
{
	return s->ports[which].error;
}

void metrics_server_set_ready(struct metrics_server *s, bool is_ready)
{
	s->is_ready = is_ready;
}

/* --- time ------------------------------------------------------------------------------------- */

/* Ends answers that take too long; when the next one would. */
static nsec_t tick_answers(struct metrics_server *s, nsec_t now)
{
	nsec_t next = NSEC_NEVER;

	for (struct asking *q = s->asking; q; q = q->next) {
		struct evhttp_connection *c = evhttp_request_get_connection(q->request);

		if (now >= q->until) {
			(void)shutdown(bufferevent_getfd(evhttp_connection_get_bufferevent(c)),
				       SHUT_RDWR);
			q->until = NSEC_NEVER;
		}
		next = nsec_min(next, q->until);
	}
	return next;
}

/* Nobody needs it any longer than this. */
static nsec_t tick_texts(struct metrics_server *s, nsec_t now)
{
	nsec_t next = NSEC_NEVER;

	(void)find_room(s, now);
	for (size_t i = 0; i < METRICS_TEXTS; i++)
		if (s->texts[i] && s->texts[i]->n_readers == 0)
			next = nsec_min(next, nsec_add(s->texts[i]->made_at, METRICS_FRESH_NS));
	return next;
}

nsec_t metrics_server_tick(struct metrics_server *s, nsec_t now)
{
	nsec_t next = nsec_min(tick_answers(s, now), tick_texts(s, now));

	for (size_t i = 0; i < METRICS_N_PORTS; i++) {
		struct http_wish *p = &s->ports[i];

		next = nsec_min(next,
				nsec_min(http_wish_tick(p, now), http_server_tick(p->http, now)));
	}
	return next;
}

struct metrics_server *metrics_server_new(struct loop *loop)
{
	struct metrics_server *s = xcalloc(1, sizeof(*s));
	struct http_server_args args = {
		.loop = loop,
		.what = "metrics",
		.max_clients = METRICS_CLIENTS,
		.client = METRICS_CLIENT_NS,
		.methods = EVHTTP_REQ_GET,
		.handler = on_metrics,
		.ctx = s,
	};

	s->loop = loop;
	s->ports[METRICS_PORT] = http_wish_none(http_server_new(&args));
	args.max_clients = HEALTH_CLIENTS;
	args.handler = on_health;
	s->ports[METRICS_HEALTH_PORT] = http_wish_none(http_server_new(&args));
	return s;
}

/* libevent lets go of what connections were reading with its base, if not before. */
struct metrics_server *metrics_server_free(struct metrics_server *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < METRICS_N_PORTS; i++)
		http_server_free(s->ports[i].http);
	for (size_t i = 0; i < METRICS_TEXTS; i++)
		if (s->texts[i])
			let_go(s->texts[i]);
	while (s->asking)
		forget(s->asking);
	free(s);
	return NULL;
}
