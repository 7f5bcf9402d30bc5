// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The message is copied and decoded once more from the copy, so that the views last. That costs
 * nothing where UPDATEs are good.
 */
#include "bgp/bgp_malformed.h"

#include "base/mem.h"
#include "bgp/bgp_msg.h"

#include <assert.h>

#define PREFIXES_MAX 6 /* that are named */

void bgp_malformed_keep(struct bgp_malformed *m, const uint8_t *message, size_t len,
			const struct bgp_update_session *s)
{
	struct bgp_error error;

	assert(len >= BGP_HEADER_LEN && len <= BGP_MESSAGE_MAX_EXTENDED);
	free(m->message);
	m->message = xmalloc(len);
	memcpy(m->message, message, len);
	m->len = len;
	m->result = bgp_update_decode(rcur_init(m->message + BGP_HEADER_LEN, len - BGP_HEADER_LEN),
				      s, &m->update, &error);
	assert(m->result != BGP_UPDATE_OK);
	m->n++;
}

void bgp_malformed_done(struct bgp_malformed *m)
{
	free(m->message);
	*m = (struct bgp_malformed){0};
}

/* --- in words --------------------------------------------------------------------------------- */

static void add(char *buf, const char *first, const char *then)
{
	const size_t len = strlen(buf);

	(void)snprintf(buf + len, BGP_MALFORMED_TEXT - len, "%s%s", first, then);
}

/* *n_named of all lists together. */
static void add_prefixes(char *buf, struct rcur list, enum bgp_family family, size_t *n_named)
{
	char text[IP_PREFIX_TEXT];
	struct ip_prefix prefix;

	for (; *n_named <= PREFIXES_MAX && bgp_nlri_next(&list, family, &prefix); ++*n_named)
		add(buf, *n_named == 0 ? "; it names " : ", ",
		    *n_named < PREFIXES_MAX ? ip_prefix_text(&prefix, text) : "...");
}

static const char *cost_text(enum bgp_update_result result)
{
	switch (result) {
	case BGP_UPDATE_OK:
	case BGP_UPDATE_ATTRIBUTE_DISCARD:
		break;
	case BGP_UPDATE_TREAT_AS_WITHDRAW:
		return "its routes count as withdrawn";
	case BGP_UPDATE_RESET:
		return "the session ends";
	}
	return "the attribute is ignored";
}

const char *bgp_malformed_text(const struct bgp_malformed *m, char buf[BGP_MALFORMED_TEXT])
{
	const struct bgp_update *u = &m->update;
	char attribute[32] = "";
	size_t n_named = 0;

	assert(m->n > 0 && u->reason);
	if (u->bad_attr)
		(void)snprintf(attribute, sizeof(attribute), " (attribute %u)", u->bad_attr);
	buf[0] = '\0';
	add(buf, u->reason, attribute);
	add(buf, ": ", cost_text(m->result));
	add_prefixes(buf, u->nlri, BGP_IPV4_UNICAST, &n_named);
	add_prefixes(buf, u->mp_reach.nlri, u->mp_reach.family, &n_named);
	add_prefixes(buf, u->withdrawn, BGP_IPV4_UNICAST, &n_named);
	add_prefixes(buf, u->mp_unreach.nlri, u->mp_unreach.family, &n_named);
	return buf;
}
