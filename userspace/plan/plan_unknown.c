// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What a VIP does with packets for ports that no Service has: the choice, and who is told of it. */
#include "plan/plan_unknown.h"

static const char *text_of(unsigned unknown_port)
{
	switch (unknown_port) {
	case API_UNKNOWN_PASS:
		return "pass";
	case API_UNKNOWN_REJECT:
		return "reject";
	default:
		return "drop";
	}
}

/* The port is its Service's, and no older one's. */
static bool has_say(const struct plan_draft *d, size_t from, size_t i)
{
	const struct arranged_port *port = arranged_port(d->arranged, i);

	return port->unknown_port &&
	       (i == from ||
		lb_key_cmp(&arranged_port(d->arranged, i - 1)->lb.key, &port->lb.key) != 0);
}

static bool is_told(const struct plan_draft *d, size_t from, size_t i)
{
	for (size_t k = from; k < i; k++)
		if (has_say(d, from, k) && arranged_port(d->arranged, k)->service ==
						   arranged_port(d->arranged, i)->service)
			return true;
	return false;
}

static void tell(struct plan_draft *d, const struct arranged_port *loser,
		 const struct arranged_port *strictest)
{
	const struct api_object *by = strictest->service;
	char text[IP_ADDR_TEXT];

	object_problem(&d->plan->problems, SEVERITY_WARNING, loser->service,
		       "metadata.annotations[lodestone.io/unknown-ports]", "UnknownPortsConflict",
		       "let all Services of the address say the same",
		       "asks for %s at %s, where %s holds, as the stricter: of Service %s/%s",
		       text_of(loser->unknown_port), ip_addr_text(&loser->lb.key.addr, text),
		       text_of(strictest->unknown_port), plan_text(by->meta.ns), by->meta.name);
	plan_draft_stir(d, &loser->lb.key.addr);
}

uint8_t plan_unknown_choose(struct plan_draft *d, size_t from, size_t end)
{
	const struct arranged_port *strictest = NULL;
	bool differs = false;

	for (size_t i = from; i < end; i++) {
		const struct arranged_port *port = arranged_port(d->arranged, i);

		if (!has_say(d, from, i))
			continue;
		differs |= strictest && strictest->unknown_port != port->unknown_port;
		if (!strictest || port->unknown_port < strictest->unknown_port)
			strictest = port;
	}
	for (size_t i = from; differs && i < end; i++) {
		const struct arranged_port *port = arranged_port(d->arranged, i);

		if (has_say(d, from, i) && port->unknown_port != strictest->unknown_port &&
		    !is_told(d, from, i))
			tell(d, port, strictest);
	}
	return strictest ? strictest->unknown_port : 0;
}

uint32_t plan_unknown_flags(unsigned unknown_port)
{
	switch (unknown_port) {
	case API_UNKNOWN_PASS:
		return LB_F_UNKNOWN_PASS;
	case API_UNKNOWN_REJECT:
		return LB_F_REJECT;
	default:
		return 0;
	}
}
