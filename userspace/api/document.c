// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From documents to objects (api/document.h). The order of questions is the one an operator would
 * ask: does it parse, is it an object at all, whose kind is it, is the version one we know, has it
 * a name, and only then what stands in it.
 *
 * A problem of a document that is no object names the file as its object and the document's line as
 * its field, so that two broken documents are two problems.
 */
#include "api/document.h"

#include "api/decode_value.h"
#include "api/other.h"
#include "api/text.h"
#include "api/text_pack.h"
#include "api/yaml_print.h"
#include "base/hash.h"
#include "base/limits.h"

#include <assert.h>
#include <stddef.h>

#define LIST "List"

/* A saved object is a document again, behind a marker. */
#define SAVED_MAX_BYTES (LIMIT_DOCUMENT_BYTES - 16)

/* One object of the text, before it is known what it is. */
struct reader {
	struct api_batch *batch;
	const char *file;
	struct arena *tree; /* of the YAML tree, freed after each document */
	struct api_named o;
	const char *item_version, *item_kind; /* of an item that names none; NULL: it must */
};

static struct object_ref file_ref(const struct reader *r, unsigned line)
{
	return (struct object_ref){.kind = "File", .name = r->file, .file = r->file, .line = line};
}

/* A document that nobody can say which object it is. */
static void add_lost(const struct reader *r, const struct api_yaml_error *e)
{
	struct object_ref ref = file_ref(r, e->line);
	struct problem_text text = {.field = arena_printf(r->tree, "line %u", e->line),
				    .reason = e->reason,
				    .remedy = e->remedy,
				    .line = e->line};

	r->batch->is_lost = true;
	problem_add(&r->batch->problems, SEVERITY_ERROR, &ref, &text, "%s", e->message);
}

static void add_not_an_object(const struct reader *r, const struct api_value *v,
			      const char *message)
{
	add_lost(r, &(struct api_yaml_error){.line = v->line,
					     .reason = "NotAnObject",
					     .message = message,
					     .remedy = "begin it with apiVersion and kind"});
}

static struct object_ref object_ref(const struct reader *r)
{
	return (struct object_ref){.kind = r->o.kind,
				   .ns = r->o.ns,
				   .name = r->o.name,
				   .file = r->file,
				   .line = r->o.root->line};
}

static void add_problem(const struct reader *r, enum severity severity,
			const struct problem_text *text, const char *message)
{
	struct object_ref ref = object_ref(r);

	problem_add(&r->batch->problems, severity, &ref, text, "%s", message);
}

/* --- which object is it? --- */

/* Text of a member, NULL if it is not there or not text. */
static const char *text_of(const struct api_value *map, const char *key)
{
	const struct api_value *v = map ? api_value_get(map, key) : NULL;

	return v && v->type == API_VALUE_SCALAR && v->len > 0 ? v->text : NULL;
}

/* Of a map. An item of a typed list may leave to the list what kind it is. */
static void read_names(struct reader *r)
{
	const char *version = text_of(r->o.root, "apiVersion"), *kind = text_of(r->o.root, "kind");
	const struct api_value *meta = api_value_get(r->o.root, "metadata");

	assert(r->o.root->type == API_VALUE_MAP);
	r->o.api_version = version ? version : r->item_version;
	r->o.kind = kind ? kind : r->item_kind;
	r->o.ns = text_of(meta, "namespace");
	r->o.name = text_of(meta, "name");
}

static bool read_identity(struct reader *r)
{
	if (r->o.root->type != API_VALUE_MAP) {
		add_not_an_object(r, r->o.root, "not an object: not a map");
		return false;
	}
	read_names(r);
	if (!r->o.api_version || !r->o.kind) {
		add_not_an_object(r, r->o.root,
				  r->o.kind ? "not an object: apiVersion missing"
				  : r->o.api_version
					  ? "not an object: kind missing"
					  : "not an object: apiVersion and kind missing");
		return false;
	}
	return true;
}

static const struct api_schema *find_schema(const struct reader *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(api_schemas); i++)
		if (strcmp(api_kind_text(api_schemas[i]->kind), r->o.kind) == 0 &&
		    api_is_in_group(r->o.api_version, api_schemas[i]->group))
			return api_schemas[i];
	return NULL;
}

/* Mask of the object's version; 0 if the schema does not have it. */
static unsigned find_version(const struct reader *r, const struct api_schema *s)
{
	const char *slash = strchr(r->o.api_version, '/');
	const char *version = slash ? slash + 1 : r->o.api_version;

	for (size_t i = 0; i < ARRAY_SIZE(s->versions) && s->versions[i]; i++)
		if (strcmp(s->versions[i], version) == 0)
			return 1u << i;
	return 0;
}

static void read_other_kind(struct reader *r)
{
	struct api_other other;

	if (!api_judge_other(r->tree, &r->o, &other)) {
		r->batch->foreign++;
		return;
	}
	r->batch->is_lost |= other.is_lost;
	add_problem(r, other.severity, &other.text, other.message);
}

/* --- decoding --- */

static void add_refused(const struct reader *r, const struct api_schema *s)
{
	struct api_batch *b = r->batch;
	struct api_identity *id;

	if (!r->o.name) {
		b->is_lost = true;
		return;
	}
	assert(s->is_cluster_scoped || s->default_ns);
	id = arena_push(b->arena, &b->refused, &b->n_refused, &b->cap_refused, sizeof(*id));
	id->kind = s->kind;
	id->name = arena_strdup(b->arena, r->o.name);
	id->ns = arena_strdup(b->arena, s->is_cluster_scoped ? ""
					: r->o.ns            ? r->o.ns
							     : s->default_ns);
}

static void add_bad_version(const struct reader *r, const struct api_schema *s)
{
	struct problem_text text = {.field = "apiVersion",
				    .reason = "UnsupportedVersion",
				    .line = api_value_line(r->o.root, "apiVersion")};
	const char *slash = *s->group ? "/" : "";

	assert(s->versions[0] && find_version(r, s) == 0);
	text.remedy = arena_printf(r->tree, "write %s%s%s", s->group, slash, s->versions[0]);
	if (s->versions[1])
		text.remedy = arena_printf(r->tree, "%s or %s%s%s", text.remedy, s->group, slash,
					   s->versions[1]);
	add_problem(r, SEVERITY_ERROR, &text,
		    arena_printf(r->tree, "%s is not a version we know", r->o.api_version));
	add_refused(r, s);
}

/* RFC 1123: lower-case letters, digits, '-' and, in names, '.'; letters or digits at the ends. */
static bool is_dns_name(const char *text, const char *also)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(text);

	if (len == 0 || !strchr(alnum, text[0]) || !strchr(alnum, text[len - 1]))
		return false;
	for (; *text; text++)
		if (!strchr(alnum, *text) && !strchr(also, *text))
			return false;
	return true;
}

static void decode_meta(struct api_decoder *d, const struct api_schema *s, struct api_meta *meta)
{
	static const struct api_step step = {.name = "metadata"};
	const struct api_value *v = api_value_get(d->root, "metadata");

	d->at = &step;
	if (v && !api_is_faulty(d, v))
		api_decode_map(d, &api_table_meta, v, meta);
	else if (!v)
		api_refuse(d, "metadata.name", "MissingField", "add it", "is missing");
	d->at = NULL;
	if (!meta->ns || s->is_cluster_scoped)
		meta->ns = s->is_cluster_scoped ? "" : s->default_ns;
	if (meta->name && !is_dns_name(meta->name, "-."))
		api_refuse(d, "metadata.name", "BadName",
			   "use lower-case letters, digits, '-' and '.'", "\"%s\" is not a name",
			   meta->name);
	if (*meta->ns && !is_dns_name(meta->ns, "-"))
		api_refuse(d, "metadata.namespace", "BadName",
			   "use lower-case letters, digits and '-'", "\"%s\" is not a namespace",
			   meta->ns);
}

static void decode_content(struct api_decoder *d, const struct api_schema *s, struct api_object *o)
{
	void *raw = arena_alloc(d->scratch, 1, s->table->size);
	uint64_t meta_hash;

	(void)api_is_faulty(d, d->root);
	decode_meta(d, s, &o->meta);
	meta_hash = hash_u64(d->hash, d->version);
	api_decode_map(d, s->table, d->root, raw);
	o->hash = hash_u64(meta_hash, d->hash);
	d->end_decoded = d->problems->n;
	if (s->finish)
		s->finish(d, raw, o);
}

/* What makes the object again, for those who save it. */
static void print_text(struct api_decoder *d, const struct reader *r, struct strbuf *ret)
{
	const enum api_kind kind = d->schema->kind;

	if (api_yaml_print_object(ret, r->o.root, r->o.api_version, r->o.kind)) {
		if (kind == API_SERVICE || kind == API_ENDPOINT_SLICE) /* of which there are many */
			ret->len = api_text_pack(ret->data, ret->len);
		return;
	}
	strbuf_done(ret);
	strbuf_init(ret, 0);
	api_note(d, NULL, "NotSaved", "divide the object",
		 "too large to be kept: if it cannot be read after a restart, it is lost");
}

static struct api_decoder decoder_of(const struct reader *r, const struct api_schema *s,
				     unsigned version, struct arena *arena,
				     struct problems *problems)
{
	struct api_decoder d = {
		.arena = arena,
		.scratch = r->tree,
		.problems = problems,
		.first_problem = problems->n,
		.object = object_ref(r),
		.root = r->o.root,
		.schema = s,
		.version = version,
		.api_version = r->o.api_version,
		.is_lenient = s->is_lenient,
	};

	d.object.ns = s->is_cluster_scoped ? "" : r->o.ns ? r->o.ns : s->default_ns;
	return d;
}

/* Of an object of that kind: of the others' members it has none. */
static size_t object_size(enum api_kind kind)
{
	static const size_t members[API_N_KINDS] = {
		[API_BGP_ADVERTISEMENT] = sizeof(struct api_advertisement),
		[API_BGP_PEER] = sizeof(struct api_peer),
		[API_BFD_PROFILE] = sizeof(struct api_bfd_profile),
		[API_COMMUNITY] = sizeof(struct api_community),
		[API_ENDPOINT_SLICE] = sizeof(struct api_slice),
		[API_FRR_CONFIGURATION] = sizeof(struct api_frr),
		[API_IP_ADDRESS_POOL] = sizeof(struct api_pool),
		[API_LODESTONE_CONFIG] = sizeof(struct api_config),
		[API_NODE] = sizeof(struct api_node),
		[API_SECRET] = sizeof(struct api_secret),
		[API_SERVICE] = sizeof(struct api_service),
	};

	return offsetof(struct api_object, pool) + members[kind];
}

static struct api_object *make_object(struct api_decoder *d, const struct reader *r,
				      const struct api_schema *s)
{
	struct api_object *o = arena_alloc(d->arena, 1, object_size(s->kind));

	o->arena = d->arena;
	o->meta.kind = s->kind;
	o->meta.file = r->file;
	o->meta.line = r->o.root->line;
	decode_content(d, s, o);
	return o;
}

/*
 * Objects live long and are many, so each has an arena of just its size. That is known when it has
 * been made once, and what has no error then has none the second time.
 */
static struct api_object *make_to_keep(const struct reader *r, const struct api_schema *s,
				       unsigned version, const struct strbuf *text)
{
	struct problems told = {.arena = r->tree};
	struct arena *into = r->batch->into;
	size_t size = arena_used(r->batch->scratch) + text->len + 1;
	struct api_decoder d =
		decoder_of(r, s, version, into ? into : arena_new_of_size(size), &told);
	struct api_object *o = make_object(&d, r, s);

	assert(d.n_errors == 0 && o->meta.name && o->meta.ns);
	if (text->len > 0) {
		o->text = arena_strndup(o->arena, text->data, text->len);
		o->text_len = (unsigned)text->len;
		o->text_hash = hash_bytes(HASH_INIT, text->data, text->len);
	}
	return o;
}

static void read_object(struct reader *r, const struct api_schema *s, unsigned version)
{
	struct api_batch *b = r->batch;
	struct api_decoder d = decoder_of(r, s, version, b->scratch, &b->problems);
	struct strbuf text;

	arena_reset(b->scratch);
	(void)make_object(&d, r, s);
	if (d.n_errors > 0) {
		add_refused(r, s);
		return;
	}
	strbuf_init(&text, SAVED_MAX_BYTES);
	print_text(&d, r, &text);
	*(struct api_object **)arena_push(b->arena, &b->objects, &b->n, &b->cap,
					  sizeof(struct api_object *)) =
		make_to_keep(r, s, version, &text);
	strbuf_done(&text);
}

/* --- two objects in one document --- */

static bool names_object(const struct api_value *member)
{
	return strcmp(member->key, "apiVersion") == 0 || strcmp(member->key, "kind") == 0;
}

static bool is_joined(const struct api_value *root)
{
	size_t n = 0;

	for (const struct api_value *v = root->first; v; v = v->next)
		n += v->is_duplicate && names_object(v);
	return n >= 2;
}

/* The objects of a document that lacks "---": each ends where apiVersion or kind comes again. */
static size_t take_apart(struct reader *r, const struct api_value *root, struct api_value *parts)
{
	struct api_value **last = NULL;
	size_t n = 0;

	for (const struct api_value *v = root->first; v; v = v->next) {
		struct api_value *copy = arena_new_of(r->tree, struct api_value);

		*copy = *v;
		copy->next = NULL;
		if (n == 0 || (names_object(v) && api_value_get(&parts[n - 1], v->key))) {
			parts[n] = (struct api_value){.type = API_VALUE_MAP, .line = v->line};
			last = &parts[n++].first;
		}
		*last = copy;
		last = &copy->next;
	}
	return n;
}

static bool is_foreign(struct reader *r)
{
	struct api_other ignored;

	return r->o.api_version && r->o.kind && !find_schema(r) &&
	       !api_judge_other(r->tree, &r->o, &ignored);
}

/* None of them is taken over: which fields belong to which is the writer's to say. */
static void refuse_joined(struct reader *r)
{
	const struct api_value *root = r->o.root;
	struct api_value *parts = arena_array_of(r->tree, root->n, struct api_value);
	size_t n = take_apart(r, root, parts), n_foreign = 0;

	for (size_t i = n; i-- > 0;) {
		const struct api_schema *s;

		r->o.root = &parts[i];
		read_names(r);
		s = r->o.api_version && r->o.kind ? find_schema(r) : NULL;
		if (s)
			add_refused(r, s);
		else if (is_foreign(r))
			n_foreign++;
		else
			r->batch->is_lost = true;
	}
	r->batch->foreign += n_foreign;
	if (n_foreign == n)
		return;
	for (size_t i = 1; i < n; i++) {
		unsigned line = parts[i].line;
		struct problem_text text = {
			.field = arena_printf(r->tree, "line %u", line),
			.reason = "MissingSeparator",
			.remedy = arena_printf(r->tree, "put --- before line %u", line),
			.line = line};

		add_problem(r, SEVERITY_ERROR, &text, "a second apiVersion and kind begin here");
	}
}

static void read_one(struct reader *r)
{
	const struct api_schema *s;
	unsigned version;

	if (!read_identity(r))
		return;
	if (is_joined(r->o.root)) {
		refuse_joined(r);
		return;
	}
	s = find_schema(r);
	if (!s) {
		read_other_kind(r);
		return;
	}
	version = find_version(r, s);
	if (version)
		read_object(r, s, version);
	else
		add_bad_version(r, s);
}

/* --- documents --- */

/* "List", which holds anything, or "ServiceList", whose items need not say that they are Services.
 */
static bool is_list(const struct api_value *root)
{
	const struct api_value *items;
	const char *version, *kind;
	size_t len;

	if (root->type != API_VALUE_MAP)
		return false;
	version = text_of(root, "apiVersion");
	kind = text_of(root, "kind");
	len = kind ? strlen(kind) : 0;
	if (!version || len < strlen(LIST) || strcmp(kind + len - strlen(LIST), LIST) != 0)
		return false;
	items = api_value_get(root, "items");
	return items && (items->type == API_VALUE_SEQUENCE || len == strlen(LIST));
}

static void read_item(struct reader *r, const struct api_value *v, bool is_foreign_list)
{
	r->o.root = v;
	if (is_list(v))
		add_lost(r, &(struct api_yaml_error){
				    .line = v->line,
				    .reason = "NestedList",
				    .message = "a list inside a list, which is not read",
				    .remedy = "move its items into the outer list"});
	else if (is_foreign_list && (v->type != API_VALUE_MAP || !text_of(v, "kind")))
		r->batch->foreign++;
	else
		read_one(r);
}

static void read_list(struct reader *r, const struct api_value *list)
{
	const struct api_value *items = api_value_get(list, "items");
	const char *kind = text_of(list, "kind");
	bool is_typed = strcmp(kind, LIST) != 0, foreign;

	if (items->type != API_VALUE_SEQUENCE && !api_is_plain(items, API_SCALAR_NULL)) {
		add_not_an_object(r, items, "the items of a List are not a list");
		return;
	}
	if (is_typed) {
		r->item_version = text_of(list, "apiVersion");
		r->item_kind = arena_strndup(r->tree, kind, strlen(kind) - strlen(LIST));
	}
	r->o = (struct api_named){
		.root = list, .api_version = r->item_version, .kind = r->item_kind};
	foreign = is_typed && is_foreign(r);
	for (const struct api_value *v = items->first; v; v = v->next)
		read_item(r, v, foreign);
}

/*
 * Does a document that cannot be parsed say in its lines that it is foreign? Then nothing in it is
 * ours to judge: with one apiVersion and one kind there is no second object in it.
 */
static bool is_foreign_text(struct reader *r, const struct api_yaml_text *in)
{
	static const struct api_value nothing = {.type = API_VALUE_MAP};
	const struct api_text text = {.text = in->text, .len = in->len};
	size_t len;

	r->o = (struct api_named){.root = &nothing};
	if (!api_text_names(r->tree, &text, &r->o.api_version, &r->o.kind))
		return false;
	len = strlen(r->o.kind);
	if (len >= strlen(LIST) && strcmp(r->o.kind + len - strlen(LIST), LIST) == 0)
		return false;
	return is_foreign(r);
}

void api_batch_init(struct api_batch *b)
{
	*b = (struct api_batch){.arena = arena_new(), .scratch = arena_new()};
	b->problems.arena = b->arena;
}

void api_decode_document(struct api_batch *b, const char *file, const struct api_yaml_text *text)
{
	struct reader r = {.batch = b, .file = file, .tree = arena_new()};
	struct api_yaml_error error;
	struct api_value *root;

	switch (api_yaml_parse(r.tree, text, &root, &error)) {
	case API_YAML_EMPTY:
		break;
	case API_YAML_BAD:
		if (is_foreign_text(&r, text))
			b->foreign++;
		else
			add_lost(&r, &error);
		break;
	case API_YAML_OK:
		r.o.root = root;
		if (is_list(root))
			read_list(&r, root);
		else
			read_one(&r);
		break;
	}
	arena_free(r.tree);
}

const struct api_object *api_decode_object(struct arena *arena, const char *text, size_t len)
{
	const struct api_yaml_text document = {.text = text, .len = len, .first_line = 1};
	const struct api_object *ret = NULL;
	struct api_batch b;

	api_batch_init(&b);
	b.into = arena;
	api_decode_document(&b, "", &document);
	if (b.n == 1)
		ret = b.objects[0];
	b.n = 0; /* they are the arena's */
	api_batch_done(&b);
	return ret;
}

void api_batch_done(struct api_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		api_object_free(b->objects[i]);
	arena_free(b->arena);
	arena_free(b->scratch);
	*b = (struct api_batch){0};
}
