// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* One line in words, then lines of octets: a line of the log has no room for a long message. */
#include "agent/malformed_log.h"

#include "agent/peer_history.h"
#include "bgp/bgp_malformed.h"
#include "sys/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static void tell_octets(const char *peer, const struct bgp_malformed *m)
{
	char hex[2 * MALFORMED_LOG_OCTETS + 1];

	_Static_assert(sizeof(hex) < LOG_LINE_BYTES / 2, "room for what stands before it");
	for (size_t at = 0; at < m->len; at += MALFORMED_LOG_OCTETS) {
		const size_t left = m->len - at;
		const size_t n = left < MALFORMED_LOG_OCTETS ? left : MALFORMED_LOG_OCTETS;

		for (size_t i = 0; i < n; i++)
			(void)snprintf(hex + 2 * i, 3, "%02x", m->message[at + i]);
		log_warn("bgp: octets of a malformed UPDATE", "peer=%s from=%zu of=%zu hex=%s",
			 peer, at, m->len, hex);
	}
}

void malformed_log_tell(struct malformed_log *l, nsec_t now, const char *peer,
			struct peer_history *history, const struct bgp_malformed *m)
{
	char text[BGP_MALFORMED_TEXT];

	if (m->n == l->n_seen || now < l->next)
		return;
	assert(m->n > l->n_seen);
	(void)bgp_malformed_text(m, text);
	peer_history_add(history, now, "malformed UPDATE: %s", text);
	log_warn("bgp: malformed UPDATE", "peer=%s reason=%s count=%" PRIu64, peer, log_quote(text),
		 m->n);
	tell_octets(peer, m);
	l->n_seen = m->n;
	l->next = nsec_add(now, MALFORMED_LOG_NS);
}
