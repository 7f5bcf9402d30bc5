// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "sys/http_wish.h"

static void try_port(struct http_wish *w, nsec_t now)
{
	w->error = http_server_listen(w->http, &w->at, &w->socket);
	w->retry_at = w->error ? nsec_add(now, HTTP_RETRY_NS) : NSEC_NEVER;
}

struct http_wish http_wish_none(struct http_server *http)
{
	return (struct http_wish){.http = http, .retry_at = NSEC_NEVER};
}

bool http_wish_set(struct http_wish *w, const struct http_address *at, nsec_t now)
{
	if (w->is_wanted == (at != NULL) &&
	    (!at || (w->at.port == at->port && ip_addr_equal(&w->at.addr, &at->addr))))
		return false;
	http_server_close(w->http, w->socket);
	*w = http_wish_none(w->http);
	w->is_wanted = at != NULL;
	if (at) {
		w->at = *at;
		try_port(w, now);
	}
	return true;
}

nsec_t http_wish_tick(struct http_wish *w, nsec_t now)
{
	if (now >= w->retry_at)
		try_port(w, now);
	return w->retry_at;
}
