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

#include "api/decode.h"
#include "api/nearest.h"
#include "api/split.h"
#include "base/hash.h"

#include <assert.h>

#define LIST_KIND "List"

/* Kinds of our groups that are no objects of ours. */
static const struct stranger {
	const char *group, *kind;
	enum { STRANGER_FOREIGN, STRANGER_INFO, STRANGER_ERROR } what;
	const char *message, *remedy;
} strangers[] = {
	{"metallb.io", "L2Advertisement", STRANGER_INFO,
	 "ignored: this agent announces by BGP, not on layer 2", "nothing to do, or remove it"},
	{"metallb.io", "BGPCommunity", STRANGER_ERROR, "no such kind",
	 "the kind is named Community"},
	{"metallb.io", "AddressPool", STRANGER_ERROR, "no such kind any more",
	 "write an IPAddressPool and a BGPAdvertisement"},
	{"metallb.io", "ConfigurationState", STRANGER_FOREIGN, NULL, NULL},
	{"metallb.io", "ServiceBGPStatus", STRANGER_FOREIGN, NULL, NULL},
	{"metallb.io", "ServiceL2Status", STRANGER_FOREIGN, NULL, NULL},
	{"frrk8s.metallb.io", "BGPSessionState", STRANGER_FOREIGN, NULL, NULL},
	{"frrk8s.metallb.io", "FRRNodeState", STRANGER_FOREIGN, NULL, NULL},
};

/* One object of the text, before it is known what it is. */
struct reader {
	struct api_batch *batch;
	const char *file;
	struct arena *tree; /* of the YAML tree, freed after each document */
	const struct api_value *root;
	const char *api_version, *kind;
	const char *ns, *name; /* NULL: none that could be read */
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
	return (struct object_ref){.kind = r->kind,
				   .ns = r->ns,
				   .name = r->name,
				   .file = r->file,
				   .line = r->root->line};
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

static bool read_identity(struct reader *r)
{
	const struct api_value *meta;

	if (r->root->type != API_VALUE_MAP) {
		add_not_an_object(r, r->root, "not an object: not a map");
		return false;
	}
	r->api_version = text_of(r->root, "apiVersion");
	r->kind = text_of(r->root, "kind");
	if (!r->api_version || !r->kind) {
		add_not_an_object(r, r->root,
				  r->kind          ? "not an object: apiVersion missing"
				  : r->api_version ? "not an object: kind missing"
						   : "not an object: apiVersion and kind missing");
		return false;
	}
	meta = api_value_get(r->root, "metadata");
	r->ns = text_of(meta, "namespace");
	r->name = text_of(meta, "name");
	return true;
}

/* The group of an apiVersion: "" for "v1". */
static bool is_in_group(const char *api_version, const char *group)
{
	const char *slash = strchr(api_version, '/');
	size_t len = slash ? (size_t)(slash - api_version) : 0;

	return strlen(group) == len && strncmp(api_version, group, len) == 0;
}

static const struct api_schema *find_schema(const struct reader *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(api_schemas); i++)
		if (strcmp(api_kind_text(api_schemas[i]->kind), r->kind) == 0 &&
		    is_in_group(r->api_version, api_schemas[i]->group))
			return api_schemas[i];
	return NULL;
}

/* Mask of the object's version; 0 if the schema does not have it. */
static unsigned find_version(const struct reader *r, const struct api_schema *s)
{
	const char *slash = strchr(r->api_version, '/');
	const char *version = slash ? slash + 1 : r->api_version;

	for (size_t i = 0; i < ARRAY_SIZE(s->versions) && s->versions[i]; i++)
		if (strcmp(s->versions[i], version) == 0)
			return 1u << i;
	return 0;
}

static const struct stranger *find_stranger(const struct reader *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		if (strcmp(strangers[i].kind, r->kind) == 0 &&
		    is_in_group(r->api_version, strangers[i].group))
			return &strangers[i];
	return NULL;
}

static bool is_our_group(const char *api_version)
{
	return is_in_group(api_version, "metallb.io") ||
	       is_in_group(api_version, "frrk8s.metallb.io") ||
	       is_in_group(api_version, "lodestone.io");
}

/*
 * The kind of this group that was probably meant. In the groups of Kubernetes, where most kinds are
 * not ours, only a difference in case counts.
 */
static const char *meant_kind(const struct reader *r)
{
	bool ours = is_our_group(r->api_version);

	for (size_t i = 0; i < ARRAY_SIZE(api_schemas); i++) {
		const char *kind = api_kind_text(api_schemas[i]->kind);

		if (is_in_group(r->api_version, api_schemas[i]->group) &&
		    (ours ? api_name_is_near(r->kind, kind)
			  : api_name_distance(r->kind, kind) == 0))
			return kind;
	}
	return NULL;
}

static void read_other_kind(struct reader *r)
{
	const struct stranger *s = find_stranger(r);
	const char *meant = meant_kind(r);
	struct problem_text text = {
		.field = "kind", .line = api_value_line(r->root, "kind"), .reason = "UnknownKind"};

	if (s ? s->what == STRANGER_FOREIGN : !meant && !is_our_group(r->api_version)) {
		r->batch->foreign++;
		return;
	}
	if (s) {
		bool is_error = s->what == STRANGER_ERROR;

		text.reason = is_error ? "UnknownKind" : "NotSupported";
		text.remedy = s->remedy;
		r->batch->is_lost |= is_error;
		add_problem(r, is_error ? SEVERITY_ERROR : SEVERITY_INFO, &text, s->message);
		return;
	}
	r->batch->is_lost = true;
	text.remedy = meant ? arena_printf(r->tree, "write %s", meant) : "remove the object";
	add_problem(r, SEVERITY_ERROR, &text,
		    arena_printf(r->tree, "no such kind in %s", r->api_version));
}

/* --- decoding --- */

static void add_refused(const struct reader *r, const struct api_schema *s)
{
	struct api_batch *b = r->batch;
	struct api_identity *id;

	if (!r->name) {
		b->is_lost = true;
		return;
	}
	id = arena_push(b->arena, &b->refused, &b->n_refused, &b->cap_refused, sizeof(*id));
	id->kind = s->kind;
	id->name = arena_strdup(b->arena, r->name);
	id->ns = arena_strdup(b->arena, s->is_cluster_scoped ? "" : r->ns ? r->ns : s->default_ns);
}

static void add_bad_version(const struct reader *r, const struct api_schema *s)
{
	struct problem_text text = {.field = "apiVersion",
				    .reason = "UnsupportedVersion",
				    .line = api_value_line(r->root, "apiVersion")};
	const char *slash = *s->group ? "/" : "";

	text.remedy = arena_printf(r->tree, "write %s%s%s", s->group, slash, s->versions[0]);
	if (s->versions[1])
		text.remedy = arena_printf(r->tree, "%s or %s%s%s", text.remedy, s->group, slash,
					   s->versions[1]);
	add_problem(r, SEVERITY_ERROR, &text,
		    arena_printf(r->tree, "%s is not a version we know", r->api_version));
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
	if (v)
		api_decode_map(d, &api_table_meta, v, meta);
	else
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
	void *raw = arena_alloc(d->arena, 1, s->table->size);
	uint64_t meta_hash;

	decode_meta(d, s, &o->meta);
	meta_hash = hash_u64(d->hash, d->version);
	api_decode_map(d, s->table, d->root, raw);
	o->hash = hash_u64(meta_hash, d->hash);
	if (s->finish && d->n_errors == 0)
		s->finish(d, raw, o);
	if (s->is_later && d->n_errors == 0)
		api_note(d, NULL, "NotSupportedYet", "nothing to do, or remove it",
			 "not supported yet, has no effect");
}

static void read_object(struct reader *r, const struct api_schema *s, unsigned version)
{
	struct api_batch *b = r->batch;
	struct arena *arena = arena_new();
	struct api_object *o = arena_new_of(arena, struct api_object);
	struct api_decoder d = {
		.arena = arena,
		.problems = &b->problems,
		.object = object_ref(r),
		.root = r->root,
		.version = version,
		.api_version = r->api_version,
		.is_lenient = s->is_lenient,
	};

	o->arena = arena;
	o->meta.kind = s->kind;
	o->meta.api_version = arena_strdup(arena, r->api_version);
	o->meta.file = arena_strdup(arena, r->file);
	o->meta.line = r->root->line;
	d.object.ns = s->is_cluster_scoped ? "" : r->ns ? r->ns : s->default_ns;
	decode_content(&d, s, o);
	if (d.n_errors > 0) {
		add_refused(r, s);
		arena_free(arena);
		return;
	}
	assert(o->meta.name && o->meta.ns);
	*(struct api_object **)arena_push(b->arena, &b->objects, &b->n, &b->cap,
					  sizeof(struct api_object *)) = o;
}

static void read_one(struct reader *r)
{
	const struct api_schema *s;
	unsigned version;

	if (!read_identity(r))
		return;
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

static bool is_list(const struct api_value *root)
{
	const char *version, *kind;

	if (root->type != API_VALUE_MAP)
		return false;
	version = text_of(root, "apiVersion");
	kind = text_of(root, "kind");
	return version && kind && strcmp(version, "v1") == 0 && strcmp(kind, LIST_KIND) == 0;
}

/* A List inside a List is a foreign kind to read_one(), so this does not nest. */
static void read_list(struct reader *r, const struct api_value *list)
{
	const struct api_value *items = api_value_get(list, "items");

	if (!items || items->type != API_VALUE_SEQUENCE)
		return;
	for (const struct api_value *v = items->first; v; v = v->next) {
		r->root = v;
		read_one(r);
	}
}

static void read_document(struct api_batch *b, const char *file, const struct api_yaml_text *text)
{
	struct reader r = {.batch = b, .file = file, .tree = arena_new()};
	struct api_yaml_error error;
	struct api_value *root;

	switch (api_yaml_parse(r.tree, text, &root, &error)) {
	case API_YAML_EMPTY:
		break;
	case API_YAML_BAD:
		add_lost(&r, &error);
		break;
	case API_YAML_OK:
		r.root = root;
		if (is_list(root))
			read_list(&r, root);
		else
			read_one(&r);
		break;
	}
	arena_free(r.tree);
}

void api_decode_text(const char *file, const char *text, size_t len, struct api_batch *ret)
{
	struct api_split split = api_split_init(text, len);
	struct api_yaml_text document;

	*ret = (struct api_batch){.arena = arena_new()};
	ret->problems.arena = ret->arena;
	while (api_split_next(&split, &document))
		read_document(ret, file, &document);
}

void api_batch_done(struct api_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		api_object_free(b->objects[i]);
	arena_free(b->arena);
	*b = (struct api_batch){0};
}
