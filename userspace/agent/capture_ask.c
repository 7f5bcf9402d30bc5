// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Services are those of the plan in force: their VIPs are written out when it begins. */
#include "agent/capture_ask.h"

#include "agent/show_backends.h"
#include "base/capture.h"
#include "lb/lb_drops.h"

static const char *text_of(const cJSON *request, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(request, key));
}

/* --- bounds ----------------------------------------------------------------------------------- */

static bool read_number(const cJSON *request, const char *key, uint32_t least, uint32_t most,
			uint32_t *ret)
{
	const cJSON *item = cJSON_GetObjectItem(request, key);
	const double v = cJSON_GetNumberValue(item);

	if (!item || cJSON_IsNull(item))
		return true;
	if (!(v >= least && v <= most))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static const char *read_bounds(const cJSON *request, struct capture_ask *ret)
{
	uint32_t seconds = CAPTURE_S;

	ret->packets = CAPTURE_PACKETS;
	ret->asked.bytes = CAPTURE_SNAPLEN;
	if (!read_number(request, "packets", 1, CAPTURE_PACKETS_MAX, &ret->packets))
		return "a capture is of 1 to 100000 packets";
	if (!read_number(request, "seconds", 1, CAPTURE_S_MAX, &seconds))
		return "a capture takes 1 to 3600 seconds";
	if (!read_number(request, "snaplen", CAPTURE_SNAPLEN_MIN, CAPTURE_SNAPLEN_MAX,
			 &ret->asked.bytes))
		return "64 to 1536 octets of a frame can be kept";
	ret->asked.length = seconds * NSEC_PER_SEC;
	return NULL;
}

/* --- which packets ---------------------------------------------------------------------------- */

static const char *read_client(const cJSON *request, struct capture_ask *ret)
{
	const char *text = text_of(request, "client");
	struct ip_addr one;

	if (!text || ip_prefix_parse(text, &ret->asked.clients))
		return NULL;
	if (!ip_addr_parse(text, &one))
		return "the client is no IP address and no prefix";
	ret->asked.clients = ip_prefix_of(&one, ip_addr_bits(&one));
	return NULL;
}

static const char *read_direction(const cJSON *request, struct capture_ask *ret)
{
	const char *text = text_of(request, "direction");
	const bool is_in = text && strcmp(text, "in") == 0;
	const bool is_reply = text && strcmp(text, "reply") == 0;

	ret->asked.requests = !is_reply;
	ret->asked.replies = !is_in;
	return !text || is_in || is_reply || strcmp(text, "both") == 0
		       ? NULL
		       : "the direction is none of in, reply and both";
}

static const char *read_reasons(const cJSON *request, struct capture_ask *ret)
{
	const char *text = text_of(request, "reason");

	for (size_t i = 1; i < lb_drop_count(); i++) {
		const bool is_asked =
			text ? strcmp(text, lb_drop_name(i)) == 0
			     : lb_drop_is_lost(i) &&
					cJSON_IsTrue(cJSON_GetObjectItem(request, "dropped"));

		ret->asked.reasons |= (uint64_t)is_asked << i;
	}
	return text && !ret->asked.reasons ? "nothing is dropped for a reason of that name; "
					     "\"lodectl drops\" has them all"
					   : NULL;
}

/* --- which VIPs ------------------------------------------------------------------------------- */

struct wanted {
	const char *ns, *service;
	struct ip_addr vip; /* none: any */
	uint32_t port;      /* 0: any */
};

static const char *read_wanted(const cJSON *request, struct wanted *ret)
{
	const char *vip = text_of(request, "vip");

	*ret = (struct wanted){.ns = text_of(request, "namespace"),
			       .service = text_of(request, "service")};
	if (vip && !ip_addr_parse(vip, &ret->vip))
		return "the VIP is no IP address";
	return read_number(request, "port", 1, UINT16_MAX, &ret->port) ? NULL : "the port is none";
}

static bool is_wanted(const struct wanted *w, const struct plan_service *s)
{
	if (ip_addr_is_none(&s->vip.addr))
		return false;
	if (w->service && strcmp(w->service, s->name) != 0)
		return false;
	if (w->ns && strcmp(w->ns, s->ns) != 0)
		return false;
	if (!ip_addr_is_none(&w->vip) && !ip_addr_equal(&w->vip, &s->vip.addr))
		return false;
	return w->port == 0 || w->port == s->port;
}

/* An address by itself is asked for whole, with ports that no Service has. */
static struct lb_key key_of(const struct wanted *w, const struct plan_service *s)
{
	if (!w->service && w->port == 0)
		return (struct lb_key){.addr = s->vip.addr};
	return show_key_of(s);
}

static bool has_key(const struct capture_ask *a, const struct lb_key *key)
{
	for (size_t i = 0; i < a->asked.n_vips; i++)
		if (lb_key_cmp(&a->vips[i], key) == 0)
			return true;
	return false;
}

static const char *read_vips(const cJSON *request, const struct plan *plan, struct capture_ask *ret)
{
	struct wanted w;
	const char *error = read_wanted(request, &w);

	ret->asked.vips = ret->vips;
	if (error || (!w.service && !w.ns && ip_addr_is_none(&w.vip)))
		return error;
	for (size_t i = 0; i < plan->n_services; i++) {
		const struct plan_service *s = &plan->services[i];
		const struct lb_key key = key_of(&w, s);

		if (!is_wanted(&w, s) || has_key(ret, &key))
			continue;
		if (ret->asked.n_vips == BPF_CAPTURE_VIPS)
			return "these are more than 32 VIPs with their ports: name one by --vip";
		ret->vips[ret->asked.n_vips++] = key;
	}
	return ret->asked.n_vips > 0 ? NULL : "no Service like that has an address here";
}

const char *capture_ask_read(const cJSON *request, const struct plan *plan, struct capture_ask *ret)
{
	const char *error;

	*ret = (struct capture_ask){.packets = 0};
	error = read_bounds(request, ret);
	if (!error)
		error = read_client(request, ret);
	if (!error)
		error = read_direction(request, ret);
	if (!error)
		error = read_reasons(request, ret);
	return error ? error : read_vips(request, plan, ret);
}
