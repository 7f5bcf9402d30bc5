// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An answer of events has no end: evhttp sends what it is given in pieces and says when the
 * connection ends. It reads on meanwhile, to notice that, so the time for a client to send
 * something must not count for these connections; that to read something does.
 */
#include "sys/page_server.h"

#include "sys/loop.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <sys/socket.h>
#include <sys/time.h>

struct watcher {
	struct watcher *next;
	struct page_server *server;
	struct evhttp_request *request; /* evhttp's */
};

struct page_server {
	struct loop *loop;             /* borrowed */
	const struct page_file *files; /* borrowed */
	size_t n_files;
	struct http_server *http; /* owned */
	struct watcher *watchers; /* owned */
	struct http_wish port;
	char *picture; /* owned */
	size_t picture_len;
};

/* --- answering -------------------------------------------------------------------------------- */

/*
 * Nothing from elsewhere, nothing inline, no frame around it. The picture has its colours within
 * itself, which an image may, and a picture that is looked at by itself as well.
 */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define PICTURE_POLICY "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

static void add_headers(struct evhttp_request *r, const char *type, const char *policy)
{
	const struct {
		const char *name, *value;
	} all[] = {
		{"Content-Type", type},
		{"Content-Security-Policy", policy},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Cache-Control", "no-store"},
	};

	/* It fails for want of memory only, and then the process ends elsewhere. */
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		(void)evhttp_add_header(evhttp_request_get_output_headers(r), all[i].name,
					all[i].value);
}

static void refuse(struct evhttp_request *r, int status, const char *reason, const char *body)
{
	add_headers(r, "text/plain; charset=utf-8", POLICY);
	if (evbuffer_add(evhttp_request_get_output_buffer(r), body, strlen(body)) != 0)
		abort();
	evhttp_send_reply(r, status, reason, NULL);
}

/* "localhost" or an address, with or without a port; one is said by every browser. */
static bool is_host_of_ours(const char *host)
{
	char name[IP_ADDR_TEXT];
	struct ip_addr addr;
	const char *end;
	size_t len;

	if (!host)
		return true;
	if (host[0] == '[')
		end = strchr(++host, ']');
	else
		end = strrchr(host, ':');
	len = end ? (size_t)(end - host) : strlen(host);
	if (len == 0 || len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcmp(name, "localhost") == 0 || ip_addr_parse(name, &addr);
}

static void forget(struct watcher *w)
{
	struct watcher **at = &w->server->watchers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	free(w);
}

/* evhttp lets go of a request whose client is gone before the answer's end; else it frees it
 * itself. */
static void on_closed(struct evhttp_connection *c, void *ctx)
{
	struct watcher *w = ctx;

	(void)c;
	if (!evhttp_request_get_connection(w->request))
		evhttp_request_free(w->request);
	forget(w);
}

static void begin_events(struct page_server *s, struct evhttp_request *r)
{
	struct evhttp_connection *c = evhttp_request_get_connection(r);
	const struct timeval write = {.tv_sec = PAGE_CLIENT_NS / NSEC_PER_SEC};
	struct watcher *w;

	if (page_server_watchers(s) >= PAGE_WATCHERS) {
		refuse(r, HTTP_SERVUNAVAIL, "Service Unavailable",
		       "as many look on as may: close another one of these pages\n");
		return;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct watcher){.next = s->watchers, .server = s, .request = r};
	s->watchers = w;
	add_headers(r, "text/event-stream", POLICY);
	evhttp_connection_set_closecb(c, on_closed, w);
	evhttp_send_reply_start(r, HTTP_OK, "OK");
	if (bufferevent_set_timeouts(evhttp_connection_get_bufferevent(c), NULL, &write) != 0)
		abort();
}

static void send_file(const struct page_file *f, struct evhttp_request *r)
{
	add_headers(r, f->type, POLICY);
	if (evbuffer_add_reference(evhttp_request_get_output_buffer(r), f->data,
				   (size_t)(f->end - f->data), NULL, NULL) != 0)
		abort();
	evhttp_send_reply(r, HTTP_OK, "OK", NULL);
}

static void send_picture(const struct page_server *s, struct evhttp_request *r)
{
	if (!s->picture) {
		refuse(r, HTTP_SERVUNAVAIL, "Service Unavailable",
		       "it is drawn while somebody watches /events\n");
		return;
	}
	add_headers(r, "image/svg+xml", PICTURE_POLICY);
	if (evbuffer_add(evhttp_request_get_output_buffer(r), s->picture, s->picture_len) != 0)
		abort();
	evhttp_send_reply(r, HTTP_OK, "OK", NULL);
}

static void on_request(void *ctx, struct evhttp_request *r, uint16_t port)
{
	struct page_server *s = ctx;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	(void)port;
	if (!is_host_of_ours(evhttp_find_header(evhttp_request_get_input_headers(r), "Host"))) {
		refuse(r, 421, "Misdirected Request", "ask by an address, or by localhost\n");
		return;
	}
	for (size_t i = 0; path && i < s->n_files; i++) {
		if (strcmp(path, s->files[i].path) != 0)
			continue;
		send_file(&s->files[i], r);
		return;
	}
	if (path && strcmp(path, "/events") == 0)
		begin_events(s, r);
	else if (path && strcmp(path, "/graph.svg") == 0)
		send_picture(s, r);
	else
		refuse(r, HTTP_NOTFOUND, "Not Found", "GET /\n");
}

/* --- who looks on ----------------------------------------------------------------------------- */

size_t page_server_watchers(const struct page_server *s)
{
	size_t n = 0;

	for (const struct watcher *w = s->watchers; w; w = w->next)
		n++;
	return n;
}

static struct bufferevent *stream_of(const struct watcher *w)
{
	return evhttp_connection_get_bufferevent(evhttp_request_get_connection(w->request));
}

void page_server_tell(struct page_server *s, const char *data, size_t len)
{
	struct evbuffer *piece = evbuffer_new();

	if (!piece)
		abort();
	for (const struct watcher *w = s->watchers; w; w = w->next) {
		if (evbuffer_get_length(bufferevent_get_output(stream_of(w))) > PAGE_PENDING)
			continue;
		if (evbuffer_add(piece, "data: ", 6) != 0 || evbuffer_add(piece, data, len) != 0 ||
		    evbuffer_add(piece, "\n\n", 2) != 0)
			abort();
		evhttp_send_reply_chunk(w->request, piece); /* which takes all of it */
	}
	evbuffer_free(piece);
}

void page_server_draw(struct page_server *s, char *svg, size_t len)
{
	free(s->picture);
	s->picture = svg;
	s->picture_len = len;
}

/* --- the port --------------------------------------------------------------------------------- */

void page_server_listen(struct page_server *s, const struct http_address *at, nsec_t now)
{
	if (!http_wish_set(&s->port, at, now))
		return;
	/* evhttp notices, and says so */
	for (const struct watcher *w = s->watchers; w; w = w->next)
		(void)shutdown(bufferevent_getfd(stream_of(w)), SHUT_RDWR);
}

int page_server_error(const struct page_server *s)
{
	return s->port.error;
}

nsec_t page_server_tick(struct page_server *s, nsec_t now)
{
	return nsec_min(http_wish_tick(&s->port, now), http_server_tick(s->http, now));
}

struct page_server *page_server_new(struct loop *loop, const struct page_file *files, size_t n)
{
	struct page_server *s = xcalloc(1, sizeof(*s));
	const struct http_server_args args = {
		.loop = loop,
		.what = "status page",
		.max_clients = PAGE_CLIENTS,
		.client = PAGE_CLIENT_NS,
		.methods = EVHTTP_REQ_GET,
		.handler = on_request,
		.ctx = s,
	};

	s->loop = loop;
	s->files = files;
	s->n_files = n;
	s->http = http_server_new(&args);
	s->port = http_wish_none(s->http);
	return s;
}

struct page_server *page_server_free(struct page_server *s)
{
	if (!s)
		return NULL;
	http_server_free(s->http); /* who watches is forgotten by that */
	free(s->picture);
	free(s);
	return NULL;
}
