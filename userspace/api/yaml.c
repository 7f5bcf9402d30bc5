// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Builds the tree of api/yaml.h from libyaml's events, with a stack of its own: the depth of the
 * input never becomes depth of the C stack. libyaml checks the syntax; its messages are put into
 * words that say what to do (api/yaml_words.c).
 *
 * Anchors are known from the moment their value begins, so that an alias inside its own anchor is
 * seen as such: the value is still on the stack. Merge keys are resolved when their map ends
 * (api/yaml_merge.c), when all that they name has ended too.
 */
#include "api/yaml.h"

#include "api/placeholder.h"
#include "api/yaml_json.h"
#include "api/yaml_merge.h"
#include "api/yaml_tree.h"
#include "api/yaml_words.h"
#include "base/hash.h"
#include "base/limits.h"

#include <assert.h>
#include <yaml.h>

#define N_BUCKETS 64

struct anchor {
	const char *name;
	struct api_value *value;
	struct anchor *next;
};

/* A map or sequence that has not ended. */
struct level {
	struct api_value *value;
	struct api_value *last; /* its newest child */
	size_t line, column;    /* in the document, where it begins */
	bool is_key;            /* it stands where a key belongs, and is in no tree */
};

struct builder {
	yaml_parser_t parser;
	struct arena *arena;
	const struct api_yaml_text *in;
	struct api_yaml_error *error;
	struct api_value *root;
	struct level stack[LIMIT_YAML_DEPTH];
	size_t depth;
	size_t n_skipped; /* levels open below LIMIT_YAML_DEPTH */
	const char *key;  /* read, its value not yet */
	unsigned key_line;
	struct anchor *anchors[N_BUCKETS]; /* newest first */
	size_t n_anchors;
	size_t spare; /* weight that aliases may still add */
};

enum step { STEP_MORE, STEP_DONE, STEP_BAD };

/* In place of a key that is no scalar, and whose value belongs nowhere. */
static const char no_key[] = "";
static const char not_a_key[] = "a key that is a list or a map";
static const char plain_key[] = "use a plain word as key";

static unsigned line_of(const struct builder *b, const yaml_mark_t *mark)
{
	return b->in->first_line + (unsigned)mark->line;
}

/* --- values --- */

static struct level *top(struct builder *b)
{
	return b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
}

/* Puts a copy of v where the document stands: below the parent, with the key read last. */
static struct api_value *add_value(struct builder *b, const struct api_value *like)
{
	struct api_value *v = arena_memdup(b->arena, like, sizeof(*like));
	struct level *parent = top(b);

	if (!parent) {
		assert(!b->root);
		b->root = v;
		return v;
	}
	if (parent->value->type == API_VALUE_MAP) {
		v->key = TAKE_PTR(b->key);
		v->line = b->key_line;
		if (v->key == no_key)
			return v;
	}
	api_tree_append(parent->value, &parent->last, v);
	return v;
}

/* A key comes next, not a value. */
static bool wants_key(const struct builder *b)
{
	return b->depth > 0 && b->stack[b->depth - 1].value->type == API_VALUE_MAP && !b->key;
}

static void set_key(struct builder *b, const char *key, unsigned line)
{
	assert(wants_key(b));
	b->key = key;
	b->key_line = line;
}

/* The fault is the map's: a key has no place to carry one. */
static void set_no_key(struct builder *b, unsigned line, const char *message, const char *remedy)
{
	assert(b->depth > 0);
	api_yaml_fault(b->arena, top(b)->value, line, message, remedy);
	set_key(b, no_key, line);
}

static void add_faulty(struct builder *b, unsigned line, const char *message, const char *remedy)
{
	struct api_value *v = add_value(b, &(struct api_value){.type = API_VALUE_SCALAR,
							       .is_plain = true,
							       .line = line,
							       .text = "",
							       .weight = API_TREE_WEIGHT});

	api_yaml_fault(b->arena, v, line, message, remedy);
}

/* --- tags --- */

static bool is_core_tag(const char *tag, const char *name)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	return strncmp(tag, prefix, strlen(prefix)) == 0 && strcmp(tag + strlen(prefix), name) == 0;
}

/* YAML 1.2, 10.3: a scalar with a tag of the core schema; *plain says whether its text decides. */
static bool scalar_tag(const char *tag, bool *plain)
{
	static const char *const typed[] = {"int", "bool", "float", "null"};

	if (!tag)
		return true;
	*plain = false;
	if (strcmp(tag, "!") == 0 || is_core_tag(tag, "str"))
		return true;
	*plain = true;
	for (size_t i = 0; i < ARRAY_SIZE(typed); i++)
		if (is_core_tag(tag, typed[i]))
			return true;
	return false;
}

static void check_tag(struct builder *b, struct api_value *v, const char *tag, unsigned line)
{
	bool ok = v->type == API_VALUE_SCALAR
			  ? scalar_tag(tag, &v->is_plain)
			  : !tag || is_core_tag(tag, v->type == API_VALUE_MAP ? "map" : "seq");

	if (!ok)
		api_yaml_fault(b->arena, v, line, "a tag (!name) that is not supported",
			       "remove the tag");
}

/* --- anchors and aliases --- */

static struct anchor **bucket_of(struct builder *b, const char *name)
{
	return &b->anchors[hash_str(HASH_INIT, name) % N_BUCKETS];
}

static void remember(struct builder *b, const yaml_char_t *name, struct api_value *v)
{
	const char *text = (const char *)name;
	struct anchor *a, **bucket;

	if (!name || b->n_anchors == LIMIT_YAML_ANCHORS)
		return;
	b->n_anchors++;
	bucket = bucket_of(b, text);
	a = arena_new_of(b->arena, struct anchor);
	*a = (struct anchor){.name = arena_strdup(b->arena, text), .value = v, .next = *bucket};
	*bucket = a;
}

static const struct api_value *find_anchor(struct builder *b, const char *name)
{
	for (const struct anchor *a = *bucket_of(b, name); a; a = a->next)
		if (strcmp(a->name, name) == 0)
			return a->value;
	return NULL;
}

static bool is_open(const struct builder *b, const struct api_value *v)
{
	for (size_t i = 0; i < b->depth; i++)
		if (b->stack[i].value == v)
			return true;
	return false;
}

/* What an alias stands for; NULL and why, if it cannot stand for it here. */
static const struct api_value *resolve_alias(struct builder *b, const char *name,
					     const char **ret_why)
{
	const struct api_value *target = find_anchor(b, name);
	const char *why = NULL;

	if (!target)
		why = b->n_anchors == LIMIT_YAML_ANCHORS
			      ? "an alias (*name) in a document of more than 1024 anchors"
			      : "an alias (*name) without an anchor (&name) above it";
	else if (is_open(b, target))
		why = "an alias (*name) inside the value that it stands for";
	else if (b->depth + target->height > LIMIT_YAML_DEPTH)
		why = "nested too deeply: more than 64 levels with its aliases written out";
	else if (target->weight > b->spare)
		why = "too large with its aliases written out: more than 64 times its text, "
		      "or 4 MiB";
	*ret_why = why;
	return why ? NULL : target;
}

static void on_alias(struct builder *b, const yaml_event_t *e)
{
	const char *why, *name = (const char *)e->data.alias.anchor;
	const struct api_value *target = resolve_alias(b, name, &why);
	unsigned line = line_of(b, &e->start_mark);
	struct api_value like;

	assert(!target || target->weight <= b->spare);
	b->spare -= target ? target->weight : 0;
	if (wants_key(b)) {
		if (target && target->type == API_VALUE_SCALAR && !target->fault)
			set_key(b, target->text, line);
		else
			set_no_key(b, line, target ? not_a_key : why, plain_key);
		return;
	}
	if (!target) {
		add_faulty(b, line, why,
			   "write the value out, or quote it if it only begins with *");
		return;
	}
	like = *target;
	like.line = line;
	like.key = NULL;
	like.next = NULL;
	like.is_duplicate = false;
	add_value(b, &like);
}

/* --- scalars, maps, sequences --- */

/* The scalar of the event; `text` is its text in the arena, which ends at a NUL. */
static struct api_value scalar_like(const yaml_event_t *e, const char *text, unsigned line)
{
	struct api_value ret =
		api_tree_scalar((const char *)e->data.scalar.value, e->data.scalar.length,
				e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, line);

	ret.text = text;
	return ret;
}

static void on_key(struct builder *b, const yaml_event_t *e, unsigned line)
{
	const char *text = (const char *)e->data.scalar.value;
	const char *tag = (const char *)e->data.scalar.tag;
	size_t len = e->data.scalar.length;
	bool is_merge = strcmp(text, api_yaml_merge_key) == 0 &&
			(e->data.scalar.plain_implicit || (tag && is_core_tag(tag, "merge")));
	struct api_value like;

	if (memchr(text, 0, len)) {
		set_no_key(b, line, "a NUL character in a key", plain_key);
		return;
	}
	set_key(b, is_merge ? api_yaml_merge_key : arena_strndup(b->arena, text, len), line);
	if (!e->data.scalar.anchor)
		return;
	like = scalar_like(e, b->key, line);
	remember(b, e->data.scalar.anchor, arena_memdup(b->arena, &like, sizeof(like)));
}

static void on_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	unsigned line = line_of(b, &e->start_mark);
	struct api_value like, *v;

	if (wants_key(b)) {
		on_key(b, e, line);
		return;
	}
	like = scalar_like(e, arena_strndup(b->arena, text, len), line);
	v = add_value(b, &like);
	check_tag(b, v, (const char *)e->data.scalar.tag, line);
	if (memchr(text, 0, len))
		api_yaml_fault(b->arena, v, line, "a NUL character in a value", "remove it");
	remember(b, e->data.scalar.anchor, v);
}

struct opening {
	enum api_value_type type;
	const yaml_char_t *anchor, *tag;
	const yaml_mark_t *mark;
	unsigned line;
};

/* A map in braces that begins with one: nobody means that by two braces side by side. */
static bool is_template(struct builder *b, const struct opening *o)
{
	const struct level *l = top(b);

	return o->type == API_VALUE_MAP && !l->value->first && o->mark->line == l->line &&
	       o->mark->column == l->column + 1;
}

static void refuse_key(struct builder *b, const struct opening *o)
{
	if (is_template(b, o))
		set_no_key(b, o->line, api_placeholder_braces.message,
			   api_placeholder_braces.remedy);
	else
		set_no_key(b, o->line, not_a_key, plain_key);
}

static void on_open(struct builder *b, const struct opening *o)
{
	const struct api_value like = {.type = o->type, .line = o->line, .text = ""};
	bool is_key = wants_key(b);
	struct api_value *v;

	if (is_key)
		refuse_key(b, o);
	if (b->depth == LIMIT_YAML_DEPTH) {
		b->n_skipped = 1;
		if (!is_key)
			add_faulty(b, o->line, "nested too deeply: more than 64 levels",
				   "remove levels of nesting");
		return;
	}
	if (is_key)
		b->key = NULL; /* again when it ends */
	v = is_key ? arena_memdup(b->arena, &like, sizeof(like)) : add_value(b, &like);
	check_tag(b, v, (const char *)o->tag, o->line);
	remember(b, o->anchor, v);
	b->stack[b->depth++] = (struct level){
		.value = v, .line = o->mark->line, .column = o->mark->column, .is_key = is_key};
}

/* --- the end of a map or sequence --- */

static void on_close(struct builder *b)
{
	struct level *l = &b->stack[b->depth - 1];

	assert(b->depth > 0 && !b->key);
	if (l->value->type == API_VALUE_MAP)
		api_yaml_finish_map(b->arena, l->value);
	api_tree_sum_up(l->value);
	b->depth--;
	assert(b->depth + l->value->height <= LIMIT_YAML_DEPTH);
	if (l->is_key)
		set_key(b, no_key, l->value->line);
}

/* --- events --- */

/* Inside of what is nested too deeply; false: outside. */
static bool skip(struct builder *b, const yaml_event_t *e)
{
	if (b->n_skipped == 0)
		return false;
	if (e->type == YAML_MAPPING_START_EVENT || e->type == YAML_SEQUENCE_START_EVENT)
		b->n_skipped++;
	if (e->type == YAML_MAPPING_END_EVENT || e->type == YAML_SEQUENCE_END_EVENT)
		b->n_skipped--;
	return true;
}

static enum step on_document_start(struct builder *b, const yaml_event_t *e)
{
	if (!b->root)
		return STEP_MORE;
	*b->error = (struct api_yaml_error){
		.line = line_of(b, &e->start_mark),
		.reason = "BadYAML",
		.message = "text after the end of the document",
		.remedy = "begin a new document with a line ---",
	};
	return STEP_BAD;
}

static enum step on_event(struct builder *b, const yaml_event_t *e)
{
	unsigned line = line_of(b, &e->start_mark);

	if (skip(b, e))
		return STEP_MORE;
	switch (e->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	case YAML_STREAM_END_EVENT:
		return STEP_DONE;
	case YAML_DOCUMENT_START_EVENT:
		return on_document_start(b, e);
	case YAML_ALIAS_EVENT:
		on_alias(b, e);
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(b, e);
		break;
	case YAML_MAPPING_START_EVENT:
		on_open(b, &(struct opening){API_VALUE_MAP, e->data.mapping_start.anchor,
					     e->data.mapping_start.tag, &e->start_mark, line});
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_open(b, &(struct opening){API_VALUE_SEQUENCE, e->data.sequence_start.anchor,
					     e->data.sequence_start.tag, &e->start_mark, line});
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		on_close(b);
		break;
	}
	return STEP_MORE;
}

static enum step run(struct builder *b)
{
	enum step step = STEP_MORE;

	while (step == STEP_MORE) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event)) {
			*b->error = api_yaml_explain(b->arena, b->in, &b->parser);
			return STEP_BAD;
		}
		step = on_event(b, &event);
		yaml_event_delete(&event);
	}
	return step;
}

/* A template is hardly ever YAML before it is rendered, and its syntax is nobody's mistake. */
static void note_template(const struct api_yaml_text *in, struct api_yaml_error *error)
{
	if (!api_placeholder_in(in->text, in->len))
		return;
	error->reason = api_placeholder_braces.reason;
	error->message = api_placeholder_braces.message;
	error->remedy = api_placeholder_braces.remedy;
}

enum api_yaml api_yaml_parse(struct arena *arena, const struct api_yaml_text *in,
			     struct api_value **ret_root, struct api_yaml_error *ret_error)
{
	struct builder b = {.arena = arena, .in = in, .error = ret_error};

	if (in->len > LIMIT_DOCUMENT_BYTES) {
		*ret_error = (struct api_yaml_error){
			.line = in->first_line,
			.reason = "DocumentTooLarge",
			.message = "the document is larger than 4 MiB",
			.remedy = "divide it into several documents",
		};
		return API_YAML_BAD;
	}
	if (api_yaml_json(arena, in, ret_root))
		return API_YAML_OK;
	b.spare = in->len * LIMIT_ALIAS_FACTOR;
	if (b.spare > LIMIT_DOCUMENT_BYTES)
		b.spare = LIMIT_DOCUMENT_BYTES;
	if (!yaml_parser_initialize(&b.parser))
		abort();
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)in->text, in->len);
	enum step step = run(&b);

	yaml_parser_delete(&b.parser);
	if (step == STEP_BAD) {
		note_template(in, ret_error);
		return API_YAML_BAD;
	}
	assert(b.depth == 0 && b.n_skipped == 0 && !b.key);
	if (!b.root || (b.root->type == API_VALUE_SCALAR && b.root->is_plain && b.root->len == 0 &&
			!b.root->fault))
		return API_YAML_EMPTY;
	*ret_root = b.root;
	return API_YAML_OK;
}
