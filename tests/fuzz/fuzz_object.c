// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fuzzes the decoder of each kind (libFuzzer). The input is no text but choices: the first octet
 * picks a kind, the next ones which fields of its table are there and what stands in them, so that
 * documents come out that are nearly right and reach what lies behind the syntax. What must hold is
 * what the planner relies on: numbers are in their ranges, what is required is there, what is
 * refused has a problem with field, reason and remedy, an object that came in is the same when it
 * is read again from what would be saved, and no password is in any message.
 */
#include "api/fields.h"
#include "api/text_pack.h"
#include "api/world.h"
#include "base/limits.h"
#include "base/strbuf.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSWORD "s3cr3t-w0rd"
#define MAX_TEXT (1 << 16)

struct choices {
	const uint8_t *at, *end;
	struct strbuf *out;
};

/* 0 where there are no more. */
static unsigned choose(struct choices *c, unsigned n)
{
	return c->at < c->end ? *c->at++ % n : 0;
}

static int64_t number(struct choices *c, const struct api_field *f)
{
	const int64_t all[] = {f->min,     f->max, f->min - 1, f->max + 1, (f->min + f->max) / 2,
			       f->min + 1, 64512,  -1,         0,          choose(c, 200)};

	return all[choose(c, ARRAY_SIZE(all))];
}

static const char *pick(struct choices *c, const char *const *list, unsigned n)
{
	return list[choose(c, n)];
}
#define PICK(c, list) pick((c), (list), ARRAY_SIZE(list))

static const char *const texts[] = {
	"a",
	"web",
	"\"\"",
	"\"64512:100\"",
	"no-export",
	"large:1:2:3",
	"64512:70000",
	"TCP",
	"LoadBalancer",
	"None",
	"IPv4",
	"FQDN",
	"{{ .x }}",
	"ENC[A,b]",
	"yes",
	"null",
	"é",
	"\"\\0\"",
	"[]",
	"{}",
	"*a",
	"10.0.0.1",
	"eth0",
	"kubernetes.io/basic-auth",
};
static const char *const addresses[] = {
	"10.0.0.1",    "10.0.0.2", "0.0.0.0",        "\"::1\"",         "\"2001:db8::1\"",
	"\"fe80::1\"", "1.2.3",    "::ffff:1.2.3.4", "255.255.255.255", "\"::\"",
};
static const char *const prefixes[] = {
	"10.0.0.0/8",
	"10.0.0.0/24",
	"10.0.0.9/24",
	"\"2001:db8::/64\"",
	"0.0.0.0/0",
	"10.0.0.0/33",
	"10.0.0.1",
	"\"::/0\"",
	"10.0.0.0-10.0.0.9",
	"10.0.0.9-10.0.0.0",
	"\"2001:db8::1-2001:db8::9\"",
	"10.0.0.0 - 10.0.0.3",
};
static const char *const durations[] = {"90s", "1m30s", "0",    "30", "0s",     "3s",
					"1h",  "-1s",   "1.5s", "x",  "99999h", "\"\""};
static const char *const times[] = {"2026-01-31T12:00:00Z", "2026-13-01T00:00:00Z", "yesterday",
				    "0"};
static const char *const booleans[] = {"true", "false", "yes", "\"true\"", "1", "null"};
static const char *const selectors[] = {
	"{}",
	"{matchLabels: {a: b}}",
	"{matchExpressions: [{key: a, operator: In, values: [b]}]}",
	"{matchExpressions: [{key: a, operator: Exists}]}",
	"{matchExpressions: [{key: a, operator: Exists, values: [b]}]}",
	"{matchExpressions: [{key: a, operator: Like, values: [b]}]}",
	"{matchLabels: {\"-\": b}}",
	"[]",
	"x",
};
static const char *const maps[] = {
	"{}",
	"{a: b}",
	"{kubernetes.io/hostname: node-a}",
	"{a: [b]}",
	"{a: 1}",
	"{password: czNjcjN0LXcwcmQ=}",
	"{password: \"!\"}",
	"{lodestone.io/pause: \"true\"}",
	"{lodestone.io/med: \"7\", lodestone.io/role: customer}",
	"{lodestone.io/med: x, lodestone.io/llgr: y, lodestone.io/rate-limit: 1k, lodestone.io/listen: z}",
	"{metallb.universe.tf/address-pool: p}",
	"{lodestone.io/unknown-ports: drop, lodestone.io/new-flows: \"1\"}",
};

static void put_word(struct choices *c, const struct api_field *f)
{
	unsigned n = 0;

	while (f->words[n].text)
		n++;
	n = choose(c, n + 1);
	strbuf_add(c->out, f->words[n].text ? f->words[n].text : "Neither");
}

static void put_text(struct choices *c, const struct api_field *f)
{
	if (strcmp(f->name, "password") == 0)
		strbuf_add(c->out, PASSWORD);
	else
		strbuf_add(c->out, PICK(c, texts));
}

static void put_table(struct choices *c, const struct api_table *t, unsigned level);

static void put_value(struct choices *c, const struct api_field *f, unsigned level)
{
	switch (f->type) {
	case API_TYPE_INT:
	case API_TYPE_INT_OR_TEXT:
		strbuf_printf(c->out, "%lld", (long long)number(c, f));
		return;
	case API_TYPE_BOOL:
		strbuf_add(c->out, PICK(c, booleans));
		return;
	case API_TYPE_ENUM:
		put_word(c, f);
		return;
	case API_TYPE_ADDRESS:
		strbuf_add(c->out, PICK(c, addresses));
		return;
	case API_TYPE_PREFIX:
	case API_TYPE_RANGE:
		strbuf_add(c->out, PICK(c, prefixes));
		return;
	case API_TYPE_DURATION:
		strbuf_add(c->out, PICK(c, durations));
		return;
	case API_TYPE_TIME:
		strbuf_add(c->out, PICK(c, times));
		return;
	case API_TYPE_LABELS:
		strbuf_add(c->out, PICK(c, maps));
		return;
	case API_TYPE_SELECTOR:
		strbuf_add(c->out, PICK(c, selectors));
		return;
	case API_TYPE_STRUCT:
		put_table(c, f->table, level + 1);
		return;
	case API_TYPE_ANY:
	case API_TYPE_STRING:
	case API_N_TYPES:
		break;
	}
	put_text(c, f);
}

static void put_field(struct choices *c, const struct api_field *f, unsigned level)
{
	unsigned n = 1;

	strbuf_printf(c->out, "\"%s\": ", f->name);
	if (f->is_list) {
		strbuf_add(c->out, "[");
		n = choose(c, 4);
	}
	for (unsigned i = 0; i < n; i++) {
		put_value(c, f, level);
		strbuf_add(c->out, f->is_list ? ", " : "");
	}
	strbuf_add(c->out, f->is_list ? "], " : ", ");
}

/* Of required fields one in eight is left out, of the others every second. */
static void put_table(struct choices *c, const struct api_table *t, unsigned level)
{
	strbuf_add(c->out, "{");
	for (size_t i = 0; i < t->n && level < 8; i++) {
		const struct api_field *f = &t->fields[i];

		if (f->flags & API_FIELD_IGNORED)
			continue;
		if (choose(c, 8) > (f->required || f->type == API_TYPE_STRUCT ? 6u : 3u))
			continue;
		put_field(c, f, level);
	}
	if (choose(c, 16) == 15)
		strbuf_add(c->out, "\"nobodyKnows\": 1, ");
	strbuf_add(c->out, "}");
}

static void put_document(struct choices *c)
{
	const struct api_schema *s = api_schemas[choose(c, API_N_KINDS)];
	const char *version = s->versions[s->versions[1] ? choose(c, 2) : 0];

	strbuf_printf(c->out, "apiVersion: %s%s%s\nkind: %s\nmetadata: {name: x, %s", s->group,
		      s->group[0] ? "/" : "", version, api_kind_text(s->kind),
		      s->is_cluster_scoped ? "" : "namespace: default, ");
	strbuf_printf(c->out, "labels: %s, ", PICK(c, maps));
	strbuf_printf(c->out, "annotations: %s}\n", PICK(c, maps));
	for (size_t i = 0; i < s->table->n; i++) {
		const struct api_field *f = &s->table->fields[i];

		if (f->flags & API_FIELD_IGNORED || choose(c, 16) == 15)
			continue;
		strbuf_printf(c->out, "%s: ", f->name);
		if (f->is_list)
			strbuf_add(c->out, "[");
		for (unsigned n = f->is_list ? choose(c, 4) : 1; n > 0; n--) {
			put_value(c, f, 0);
			strbuf_add(c->out, f->is_list ? ", " : "");
		}
		strbuf_add(c->out, f->is_list ? "]\n" : "\n");
	}
}

/* --- what must hold --------------------------------------------------------------------------- */

static void check_peer(const struct api_peer *p)
{
	assert(p->my_asn != 0 && p->port != 0);
	assert(p->hold_s == 0 || p->hold_s >= 3);
	assert(p->keepalive_s <= p->hold_s);
	assert(ip_addr_is_none(&p->address) == !!p->interface);
	assert(!(p->password && p->password_secret));
	assert(p->dynamic_asn != API_ASN_FIXED || p->peer_asn != 0);
}

static void check_advertisement(const struct api_advertisement *a)
{
	assert(a->aggregation[IP_V4] >= 1 && a->aggregation[IP_V4] <= 32);
	assert(a->aggregation[IP_V6] >= 1 && a->aggregation[IP_V6] <= 128);
	assert(a->as_path_prepend <= LIMIT_PREPEND);
	assert(a->service_selectors.n == 0 ||
	       (a->aggregation[IP_V4] == 32 && a->aggregation[IP_V6] == 128));
}

static void check_pool(const struct api_pool *p)
{
	assert(p->n_ranges > 0);
	for (size_t i = 0; i < p->n_ranges; i++) {
		assert(ip_addr_cmp(&p->ranges[i].first, &p->ranges[i].last) <= 0);
		for (size_t k = 0; k < i; k++)
			assert(!ip_range_overlaps(&p->ranges[i], &p->ranges[k]));
	}
}

static void check_object(const struct api_object *o)
{
	if (o->meta.kind == API_BGP_PEER)
		check_peer(&o->peer);
	else if (o->meta.kind == API_BGP_ADVERTISEMENT)
		check_advertisement(&o->advertisement);
	else if (o->meta.kind == API_IP_ADDRESS_POOL)
		check_pool(&o->pool);
	else if (o->meta.kind == API_BFD_PROFILE)
		assert(o->bfd.detect_multiplier >= 2 && o->bfd.receive_ms >= 10 &&
		       o->bfd.transmit_ms >= 10);
	else if (o->meta.kind == API_SERVICE)
		assert(!o->service.is_load_balancer || o->service.n_ports > 0);
}

static void check_problems(const struct world *w)
{
	const struct problems *all = world_problems(w);
	struct arena *arena = arena_new();

	for (size_t i = 0; i < all->n; i++) {
		assert(all->items[i].reason && all->items[i].message && all->items[i].remedy);
		assert(!strstr(problem_line(arena, &all->items[i]), PASSWORD));
	}
	arena_free(arena);
}

/* What would be saved makes the same object. */
static void check_again(const struct api_object *o)
{
	struct world *anew = world_new();
	struct strbuf text;
	bool ok;

	strbuf_init(&text, LIMIT_DOCUMENT_BYTES);
	api_text_unpack(&text, o->text, o->text_len);
	ok = world_restore(anew, "a.yaml", &(struct world_document){text.data, text.len, 1});
	assert(ok);
	assert(world_find(anew, o->meta.kind, o->meta.ns, o->meta.name));
	check_object(world_find(anew, o->meta.kind, o->meta.ns, o->meta.name));
	strbuf_done(&text);
	world_free(anew);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = world_new();
	struct strbuf out;
	struct choices c = {.at = data, .end = data + size, .out = &out};
	size_t n = 0;

	strbuf_init(&out, MAX_TEXT);
	put_document(&c);
	world_put_source(w, "a.yaml", out.data, out.len);
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		const struct world_list list = world_list(w, (enum api_kind)kind);

		for (size_t i = 0; i < list.n; i++) {
			check_object(list.items[i]);
			check_again(list.items[i]);
			n++;
		}
	}
	check_problems(w);
	assert(n == 1 || problems_count(world_problems(w), SEVERITY_ERROR) > 0);
	strbuf_done(&out);
	world_free(w);
	return 0;
}
