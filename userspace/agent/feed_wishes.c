// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the agent asks the feeder to write. There is no list of what was asked for: each plan says
 * what is to be written, and with each object stands whether that was asked for since it was told
 * of last. An object that comes back as it is to be has nothing to be written, and one that comes
 * back otherwise is asked for anew.
 *
 * An address that was asked for stays with its Service until the object says so, whoever comes in
 * the meantime: else two Services might be given the same.
 */
#include "agent/feed.h"

#include "agent/agent.h"
#include "agent/feed_inside.h"
#include "agent/inputs.h"
#include "base/hash.h"
#include "plan/ipam_status.h"
#include "sys/clock.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <sys/socket.h>

#define WISH_BYTES (KUBE_WISH_BYTES + 1024) /* with its name and its head */

bool feed_is_holder(const struct agent *a)
{
	return a->feed && a->feed->is_holder;
}

bool feed_wishes_write(struct agent *a)
{
	struct agent_feed *f = a->feed;

	while (f->sent < f->out.len) {
		const ssize_t put = send(f->fd, f->out.data + f->sent, f->out.len - f->sent,
					 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno != EAGAIN)
			return false;
		if (put < 0)
			break;
		f->sent += (size_t)put;
	}
	if (f->sent == f->out.len) {
		strbuf_done(&f->out);
		f->sent = 0;
		if (f->is_behind)
			agent_input_changed(&a->inputs, INPUT_STATE);
		f->is_behind = false;
	}
	loop_fd_want(f->watch, f->in.len < KUBE_FRAME_BYTES, f->sent < f->out.len);
	return true;
}

void feed_wishes_lost(struct agent_feed *f)
{
	for (struct feed_name *n = feed_names_first(f->names); n; n = feed_names_next(n))
		n->wished = 0;
	f->n_wished = 0;
}

void feed_wishes_forget(struct agent_feed *f)
{
	feed_wishes_lost(f);
	strbuf_done(&f->out);
	f->sent = 0;
	f->is_behind = false;
}

static struct kube_text text_of(const char *text)
{
	return (struct kube_text){.text = text, .len = text ? strlen(text) : 0};
}

bool feed_has_room(const struct agent_feed *f, size_t n)
{
	return f->out.len + n * WISH_BYTES <= FEED_OUT_BYTES;
}

void feed_wish(struct agent_feed *f, const struct api_object *o, enum kube_wish what,
	       const char *text)
{
	kube_frame_encode(&f->out, &(struct kube_frame){.type = KUBE_FRAME_WISH,
							.wish = what,
							.seen = f->n_seen,
							.ns = text_of(o->meta.ns),
							.name = text_of(o->meta.name),
							.text = text_of(text)});
}

/* On the heap. */
static char *status_text(const struct ipam_status *s)
{
	cJSON *whole = cJSON_CreateObject();
	cJSON *annotations = cJSON_AddObjectToObject(whole, "annotations");
	cJSON *balancer = cJSON_AddObjectToObject(whole, "loadBalancer");
	cJSON *ingress = s->n_addrs > 0 ? cJSON_CreateArray() : cJSON_CreateNull();
	char addr[IP_ADDR_TEXT], *text;

	cJSON_AddItemToObject(annotations, "metallb.io/ip-allocated-from-pool",
			      s->n_addrs > 0 ? cJSON_CreateString(s->pool) : cJSON_CreateNull());
	cJSON_AddItemToObject(balancer, "ingress", ingress);
	for (size_t i = 0; i < s->n_addrs; i++) {
		cJSON *one = cJSON_CreateObject();

		cJSON_AddStringToObject(one, "ip", ip_addr_text(&s->addrs[i], addr));
		cJSON_AddStringToObject(one, "ipMode", "VIP");
		cJSON_AddItemToArray(ingress, one);
	}
	text = cJSON_PrintUnformatted(whole);
	cJSON_Delete(whole);
	if (!text)
		abort();
	return text;
}

static void set_wished(struct agent_feed *f, struct feed_name *name, uint64_t hash)
{
	f->n_wished += (hash != 0) - (name->wished != 0);
	name->wished = hash;
}

void feed_wishes_told(struct agent_feed *f, struct feed_name *name)
{
	set_wished(f, name, 0);
}

/* True: there was room. */
static bool ask(struct agent_feed *f, const struct ipam_status *s)
{
	_cleanup_(freep) char *text = status_text(s);
	const uint64_t hash = hash_str(HASH_INIT, text) | 1;
	struct feed_name *name = feed_names_get(f->names, s->service->meta.file);

	if (name->wished == hash)
		return true;
	if (!feed_has_room(f, 1))
		return false;
	set_wished(f, name, hash);
	f->wished_at = clock_now();
	name->told.asked = service_addresses(s->addrs, s->n_addrs);
	feed_wish(f, s->service, KUBE_WISH_STATUS, text);
	return true;
}

/* What all of them are allocated from is known, on this connection. */
static bool may_ask(const struct agent *a)
{
	static const char *const needed[] = {"Service", "IPAddressPool", "Namespace", "Node"};
	const struct agent_feed *f = a->feed;
	size_t n = 0;

	for (size_t i = 0; i < f->n_kinds; i++)
		for (size_t k = 0; k < ARRAY_SIZE(needed); k++)
			n += f->kinds[i].is_complete && strcmp(f->kinds[i].name, needed[k]) == 0;
	return f->is_holder && n == ARRAY_SIZE(needed) && feed_has_arrived(f) &&
	       agent_inputs_are_complete(&a->inputs) && ipam_is_complete(a->world);
}

/* What was asked for and is not to be written any more. */
static void take_back(struct agent *a, const struct ipam_status *items, size_t n)
{
	struct agent_feed *f = a->feed;
	const struct world_list services = world_list(a->world, API_SERVICE);
	size_t at = 0;

	if (f->n_wished == n) /* those that are to be written */
		return;
	for (size_t i = 0; i < services.n; i++) {
		const struct api_object *o = services.items[i];
		struct feed_name *name;

		if (at < n && items[at].service == o) {
			at++;
			continue;
		}
		if (strncmp(o->meta.file, a->cluster, strlen(a->cluster)) != 0)
			continue;
		name = feed_names_get(f->names, o->meta.file);
		if (name->wished != 0) {
			name->told.asked = 0;
			feed_wish(f, o, KUBE_WISH_STATUS, "");
		}
		set_wished(f, name, 0);
	}
}

void feed_wishes_step(struct agent *a)
{
	struct agent_feed *f = a->feed;
	_cleanup_(arena_freep) struct arena *arena = NULL;
	const struct ipam_status *items;
	struct ipam_inputs in;
	size_t n;

	if (!f)
		return;
	feed_report_due(f, loop_now(a->loop));
	if (f->fd < 0 || !a->current || a->current->plan.stands_back || !may_ask(a))
		return;
	/* Of the same Services and the same addresses there is nothing else to say. */
	if (f->n_wished == 0 && f->content == a->current->wanted.generation)
		return;
	arena = arena_new();
	in = inputs_of_ipam(a, a->current);
	n = ipam_statuses(&in, &a->current->wanted, arena, &items);
	f->content = n == 0 ? a->current->wanted.generation : 0;
	for (size_t i = 0; i < n && !f->is_behind; i++)
		f->is_behind = !ask(f, &items[i]);
	if (!f->is_behind)
		take_back(a, items, n);
	if (f->out.len > 0)
		(void)!feed_wishes_write(a); /* a connection that is gone is told as such */
}
