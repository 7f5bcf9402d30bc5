// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A ring of texts. */
#include "agent/peer_history.h"

#include <assert.h>
#include <stdarg.h>

void peer_history_add(struct peer_history *h, nsec_t now, const char *fmt, ...)
{
	struct peer_event *e;
	va_list ap;

	if (h->n == PEER_EVENTS) {
		h->first = (h->first + 1) % PEER_EVENTS;
		h->n--;
	}
	e = &h->items[(h->first + h->n++) % PEER_EVENTS];
	e->at = now;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

const struct peer_event *peer_history_get(const struct peer_history *h, size_t i)
{
	return i < h->n ? &h->items[(h->first + i) % PEER_EVENTS] : NULL;
}

void peer_history_state(struct peer_history *h, nsec_t now, const struct bgp_event *e,
			const char *reason)
{
	const bool falls = e->to < e->from && reason;

	peer_history_add(h, now, "%s%s to %s%s%s",
			 e->slot == BGP_SLOT_ACCEPTED ? "accepted connection: " : "",
			 bgp_state_text(e->from), bgp_state_text(e->to), falls ? ": " : "",
			 falls ? reason : "");
}

void peer_history_said(struct peer_history *h, const struct bgp_peer_info *info)
{
	if (info->said && info->said->at > h->said.at)
		h->said = *info->said;
	if (info->heard && info->heard->at > h->heard.at)
		h->heard = *info->heard;
}

bool peer_history_is_news(struct peer_history *h, const char *reason)
{
	char text[PEER_EVENT_TEXT];

	(void)snprintf(text, sizeof(text), "%s", reason ? reason : "");
	if (strcmp(text, h->told) == 0)
		return false;
	memcpy(h->told, text, sizeof(text));
	return reason != NULL;
}
