// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * libcurl says which sockets it wants watched and when it wants to be called; what is over it tells
 * when asked. TLS is at least 1.2, addresses and names of the certificate are checked, proxies and
 * redirects are not followed, and nothing but HTTPS is spoken.
 */
#include "feeder/http.h"

#include "base/names.h"
#include "base/strbuf.h"
#include "feeder/access.h"
#include "kube/kube_ask.h"
#include "kube/kube_link.h"
#include "sys/clock.h"
#include "sys/loop.h"

#include <assert.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define CONNECT_MS  10000L
#define TARGET_MAX  (64u << 10)
#define TICK_NS     (8 * NSEC_PER_MSEC) /* of a turn */
#define RETRY_AFTER "retry-after:"

/* One socket of libcurl's. */
struct watched {
	struct http *http;
	struct loop_fd *fd;
	curl_socket_t socket;
};

struct http_request {
	struct http *http;
	struct http_request *prev, *next;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	const struct http_events *events;
	void *ctx;
	unsigned retry_s;
	bool has_head;
	char error[CURL_ERROR_SIZE];
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct http_request *requests;
	nsec_t at;         /* libcurl wants to be called then */
	uint64_t n_bodies; /* pieces of bodies that came */
	bool is_distrusted;
};

/* --- libcurl's side --------------------------------------------------------------------------- */

static void on_ready(void *ctx, bool readable, bool writable)
{
	struct watched *w = ctx;
	struct http *h = w->http;
	const int what = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);
	int n_running;

	h->at = nsec_min(h->at, clock_now()); /* the step looks at what has ended */
	(void)curl_multi_socket_action(h->multi, w->socket, what, &n_running);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *ctx, void *of_socket)
{
	struct watched *w = of_socket;
	struct http *h = ctx;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			loop_fd_free(w->fd);
		free(w);
		return 0;
	}
	if (!w) {
		w = xcalloc(1, sizeof(*w));
		w->http = h;
		w->socket = socket;
		w->fd = loop_fd_new(h->loop, "api server", socket, on_ready, w);
		(void)curl_multi_assign(h->multi, socket, w);
	}
	loop_fd_want(w->fd, what & CURL_POLL_IN, what & CURL_POLL_OUT);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	struct http *h = ctx;

	(void)multi;
	h->at = ms < 0 ? NSEC_NEVER : nsec_add(clock_now(), (nsec_t)ms * NSEC_PER_MSEC);
	return 0;
}

static void tell_head(struct http_request *r)
{
	long status = 0;

	if (r->has_head)
		return;
	r->has_head = true;
	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	r->events->head(r->ctx, (int)status, r->retry_s);
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct http_request *r = ctx;

	(void)size;
	if (n > strlen(RETRY_AFTER) && strncasecmp(line, RETRY_AFTER, strlen(RETRY_AFTER)) == 0)
		r->retry_s = (unsigned)strtoul(line + strlen(RETRY_AFTER), NULL, 10);
	if (n <= strlen("\r\n")) /* that was the last: a body may be long in coming */
		tell_head(r);
	return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct http_request *r = ctx;

	(void)size;
	tell_head(r);
	r->http->n_bodies++;
	r->events->body(r->ctx, data, n);
	return n;
}

/* --- requests --------------------------------------------------------------------------------- */

static void drop(struct http *h, struct http_request *r)
{
	if (r->prev)
		r->prev->next = r->next;
	else
		h->requests = r->next;
	if (r->next)
		r->next->prev = r->prev;
	(void)curl_multi_remove_handle(h->multi, r->easy);
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	curl_slist_free_all(r->connect_to);
	free(r);
}

static void set(struct http_request *r, CURLoption option, const void *value)
{
	if (curl_easy_setopt(r->easy, option, value) != CURLE_OK)
		abort(); /* out of memory, or an option that this libcurl should have */
}

static void set_number(struct http_request *r, CURLoption option, long value)
{
	if (curl_easy_setopt(r->easy, option, value) != CURLE_OK)
		abort();
}

static void set_blob(struct http_request *r, CURLoption option, const struct access_text *t)
{
	struct curl_blob blob = {.data = t->data, .len = t->len, .flags = CURL_BLOB_COPY};

	if (t->data)
		set(r, option, &blob);
}

static void add_line(struct curl_slist **list, const char *line)
{
	*list = curl_slist_append(*list, line);
	if (!*list)
		abort();
}

/* Asked for by the name that the certificate has, wherever it is. */
static void set_url(struct http_request *r, const struct access *a, const char *target)
{
	const char *host = a->server + strlen("https://");
	const char *port = strrchr(host, ':');
	struct strbuf text;

	strbuf_init(&text, TARGET_MAX);
	if (!port || strchr(port, ']'))
		port = ":443";
	if (a->server_name) {
		strbuf_printf(
			&text, "::%.*s%s",
			(int)(strrchr(host, ':') == port ? (size_t)(port - host) : strlen(host)),
			host, port);
		add_line(&r->connect_to, text.data);
		set(r, CURLOPT_CONNECT_TO, r->connect_to);
		text.len = 0;
		strbuf_printf(&text, "https://%s%s%s", a->server_name, port, target);
	} else {
		strbuf_printf(&text, "%s%s", a->server, target);
	}
	set(r, CURLOPT_URL, text.data);
	strbuf_done(&text);
}

static void set_who(struct http_request *r, const struct access *a)
{
	struct strbuf line;

	set_blob(r, CURLOPT_CAINFO_BLOB, &a->ca);
	set_blob(r, CURLOPT_SSLCERT_BLOB, &a->cert);
	set_blob(r, CURLOPT_SSLKEY_BLOB, &a->key);
	set_number(r, CURLOPT_SSL_VERIFYPEER, !a->is_insecure);
	set_number(r, CURLOPT_SSL_VERIFYHOST, a->is_insecure ? 0 : 2);
	if (!a->token.data)
		return;
	strbuf_init(&line, TARGET_MAX);
	strbuf_printf(&line, "Authorization: Bearer %s", a->token.data);
	add_line(&r->headers, line.data);
	explicit_bzero(line.data, line.len);
	strbuf_done(&line);
}

/*
 * Over HTTP/1.1 each watch has a connection of its own, and what says that the server lives comes
 * by others: so each is asked for a sign of life by the kernel, in the times of the link.
 */
static int watch_connection(void *ctx, curl_socket_t socket, curlsocktype purpose)
{
	const int yes = 1, idle_s = KUBE_LINK_IDLE_NS / NSEC_PER_SEC, each_s = 5;
	const unsigned dead_ms = (KUBE_LINK_IDLE_NS + KUBE_LINK_PROBE_NS) / NSEC_PER_MSEC;

	(void)ctx, (void)purpose;
	/* Of a socket that there is none is refused. */
	(void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	(void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &each_s, sizeof(each_s));
	(void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
	return CURL_SOCKOPT_OK;
}

static void set_how(struct http_request *r)
{
	set_number(r, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	set_number(r, CURLOPT_PIPEWAIT, 1);
	set_number(r, CURLOPT_NOSIGNAL, 1);
	set_number(r, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	set_number(r, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	set(r, CURLOPT_PROTOCOLS_STR, "https");
	set(r, CURLOPT_NOPROXY, "*");
	set(r, CURLOPT_USERAGENT, "lodestone-kube/" LODESTONE_VERSION);
	add_line(&r->headers, "Accept: application/json");
	set(r, CURLOPT_ACCEPT_ENCODING, "gzip"); /* which the server does of lists alone */
	set(r, CURLOPT_ERRORBUFFER, r->error);
	set(r, CURLOPT_PRIVATE, r);
	if (curl_easy_setopt(r->easy, CURLOPT_SOCKOPTFUNCTION, watch_connection) != CURLE_OK ||
	    curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
	    curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK)
		abort();
	set(r, CURLOPT_WRITEDATA, r);
	set(r, CURLOPT_HEADERDATA, r);
}

static struct http_request *new_request(struct http *h, const struct access *access,
					const char *target, const struct http_events *events,
					void *ctx)
{
	struct http_request *r = xcalloc(1, sizeof(*r));

	r->http = h;
	r->events = events;
	r->ctx = ctx;
	r->easy = curl_easy_init();
	if (!r->easy)
		abort();
	set_how(r);
	set_url(r, access, target);
	set_who(r, access);
	return r;
}

static struct http_request *add_request(struct http *h, struct http_request *r)
{
	set(r, CURLOPT_HTTPHEADER, r->headers);
	r->next = h->requests;
	if (r->next)
		r->next->prev = r;
	h->requests = r;
	if (curl_multi_add_handle(h->multi, r->easy) != CURLM_OK)
		abort();
	return r;
}

struct http_request *http_get(struct http *h, const struct access *access, const char *target,
			      const struct http_events *events, void *ctx)
{
	return add_request(h, new_request(h, access, target, events, ctx));
}

static void set_body(struct http_request *r, const struct kube_request *ask)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "Content-Type: %s", ask->content_type);
	add_line(&r->headers, line);
	set_number(r, CURLOPT_POSTFIELDSIZE, (long)ask->body.len);
	set(r, CURLOPT_COPYPOSTFIELDS, ask->body.data);
}

struct http_request *http_send(struct http *h, const struct access *access,
			       const struct kube_request *ask, const struct http_events *events,
			       void *ctx)
{
	struct http_request *r = new_request(h, access, ask->target.data, events, ctx);

	if (ask->content_type)
		set_body(r, ask);
	set(r, CURLOPT_CUSTOMREQUEST, ask->method);
	set_number(r, CURLOPT_TIMEOUT_MS, (long)(KUBE_WRITE_NS / NSEC_PER_MSEC));
	return add_request(h, r);
}

void http_cancel(struct http *h, struct http_request *r)
{
	drop(h, r);
}

static bool is_distrust(CURLcode result)
{
	return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
	       result == CURLE_SSL_CERTPROBLEM || result == CURLE_SSL_CONNECT_ERROR;
}

bool http_take_distrust(struct http *h)
{
	const bool was = h->is_distrusted;

	h->is_distrusted = false;
	return was;
}

/* What has ended since. Whoever hears of it may ask for something else at once. */
static void tell_ended(struct http *h)
{
	struct CURLMsg *m;
	int n_left;

	while ((m = curl_multi_info_read(h->multi, &n_left))) {
		struct http_request *r = NULL;
		const CURLcode result = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		assert(r);
		if (result == CURLE_OK)
			tell_head(r);
		h->is_distrusted |= is_distrust(result);
		r->events->end(r->ctx, result == CURLE_OK ? NULL
				       : *r->error        ? r->error
							  : curl_easy_strerror(result));
		drop(h, r);
	}
}

/*
 * Of what it has read libcurl takes one frame and wants to be called again at once; a picture is
 * thousands of them, one for each object. So it is called again here, and not once a turn, as long
 * as something comes of it.
 */
nsec_t http_tick(struct http *h, nsec_t now)
{
	const nsec_t until = nsec_add(now, TICK_NS);
	bool has_heard = true;
	int n_running;

	while (has_heard && now >= h->at && now < until) {
		const uint64_t before = h->n_bodies;

		h->at = NSEC_NEVER;
		(void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
		has_heard = h->n_bodies != before;
		now = clock_now();
	}
	tell_ended(h);
	return h->at;
}

/* --- open and close --------------------------------------------------------------------------- */

static CURLM *new_multi(struct http *h)
{
	CURLM *multi = curl_multi_init();

	if (!multi || curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, h) != CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, h) != CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) != CURLM_OK)
		abort();
	return multi;
}

struct http *http_new(struct loop *loop)
{
	struct http *h = xcalloc(1, sizeof(*h));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	h->loop = loop;
	h->at = NSEC_NEVER;
	h->multi = new_multi(h);
	return h;
}

struct http *http_free(struct http *h)
{
	if (!h)
		return NULL;
	while (h->requests)
		drop(h, h->requests);
	(void)curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	free(h);
	return NULL;
}

void http_reset(struct http *h, const char *why)
{
	while (h->requests) {
		h->requests->events->end(h->requests->ctx, why);
		drop(h, h->requests);
	}
	(void)curl_multi_cleanup(h->multi); /* and with it the connections */
	h->multi = new_multi(h);
	h->at = NSEC_NEVER;
}
