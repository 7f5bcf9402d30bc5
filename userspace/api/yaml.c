// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Builds the tree of api/yaml.h from libyaml's events, with a stack of its own: the depth of the
 * input never becomes depth of the C stack. libyaml checks the syntax; its messages are put into
 * words that say what to do, and a tab in the indentation, the most common mistake of all, is named
 * as such whatever libyaml stumbled over.
 *
 * The hash of a map adds the hashes of its members, so that the order of keys does not count, as it
 * does not in YAML 1.2 (3.2.1.1); that of a sequence chains them.
 */
#include "api/yaml.h"

#include "base/hash.h"
#include "base/limits.h"

#include <yaml.h>

struct builder {
	yaml_parser_t parser;
	struct arena *arena;
	const struct api_yaml_text *in;
	struct api_yaml_error *error;
	struct api_value *root;
	struct api_value *stack[LIMIT_YAML_DEPTH];
	struct api_value *last[LIMIT_YAML_DEPTH]; /* newest child of each */
	size_t depth;
	const char *key; /* read, its value not yet */
	unsigned key_line;
};

enum step { STEP_MORE, STEP_DONE, STEP_BAD };

static const struct {
	const char *theirs, *message, *remedy;
} words[] = {
	{"found character that cannot start any token",
	 "a value starts with a character that YAML reserves", "put the value in quotes"},
	{"mapping values are not allowed in this context", "a key stands where none can",
	 "check the indentation, and put a value that holds \": \" in quotes"},
	{"did not find expected key", "the line belongs to nothing above it",
	 "check that the indentation agrees with the lines above"},
	{"did not find expected '-' indicator", "the line belongs to nothing above it",
	 "check that the items of the list are indented alike"},
	{"could not find expected ':'", "a key has no value", "write \"key: value\""},
	{"found unexpected end of stream", "a quoted value has no end", "close the quotes"},
	{"did not find expected ',' or ']'", "a list in brackets has no end", "add \",\" or \"]\""},
	{"did not find expected ',' or '}'", "a map in braces has no end", "add \",\" or \"}\""},
};

static unsigned line_of(const struct builder *b, const yaml_mark_t *mark)
{
	return b->in->first_line + (unsigned)mark->line;
}

static enum step refuse(struct builder *b, unsigned line, const char *message, const char *remedy)
{
	*b->error = (struct api_yaml_error){
		.line = line, .reason = "BadYAML", .message = message, .remedy = remedy};
	return STEP_BAD;
}

/* Does the indentation of line n (0-based) of the text hold a tab? */
static bool is_tab_indented(const struct api_yaml_text *in, size_t n)
{
	const char *at = in->text, *end = in->text + in->len;

	for (; n > 0 && at; n--) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	for (; at && at < end && (*at == ' ' || *at == '\t'); at++)
		if (*at == '\t')
			return true;
	return false;
}

static enum step refuse_syntax(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem ? p->problem : "unreadable";
	unsigned line = line_of(b, &p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		abort();
	if (p->error == YAML_READER_ERROR)
		return refuse(b, b->in->first_line, arena_strdup(b->arena, problem),
			      "write the file in UTF-8, without control characters");
	if (is_tab_indented(b->in, p->problem_mark.line))
		return refuse(b, line, "a tab in the indentation", "indent with spaces");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(problem, words[i].theirs) == 0)
			return refuse(b, line, words[i].message, words[i].remedy);
	return refuse(b, line, arena_strdup(b->arena, problem), "check the syntax of this line");
}

static struct api_value *add_value(struct builder *b, enum api_value_type type, unsigned line)
{
	struct api_value *v = arena_new_of(b->arena, struct api_value);

	*v = (struct api_value){.type = type, .line = line, .text = ""};
	if (b->depth == 0) {
		b->root = v;
		return v;
	}
	struct api_value *parent = b->stack[b->depth - 1];
	struct api_value **last = &b->last[b->depth - 1];

	if (parent->type == API_VALUE_MAP) {
		v->key = TAKE_PTR(b->key);
		v->line = b->key_line;
	}
	*(*last ? &(*last)->next : &parent->first) = v;
	*last = v;
	parent->n++;
	return v;
}

/* A key comes next, not a value. */
static bool wants_key(const struct builder *b)
{
	return b->depth > 0 && b->stack[b->depth - 1]->type == API_VALUE_MAP && !b->key;
}

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

static enum step refuse_anchor(struct builder *b, unsigned line)
{
	return refuse(b, line, "an anchor or alias (&name, *name), which is not supported",
		      "write the value out, or quote it if it only begins with that character");
}

static enum step refuse_tag(struct builder *b, unsigned line)
{
	return refuse(b, line, "a tag (!name) that is not supported", "remove the tag");
}

static enum step on_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	unsigned line = line_of(b, &e->start_mark);
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (e->data.scalar.anchor)
		return refuse_anchor(b, line);
	if (!scalar_tag((const char *)e->data.scalar.tag, &plain))
		return refuse_tag(b, line);
	if (memchr(text, 0, len))
		return refuse(b, line, "a NUL character in a value", "remove it");
	if (wants_key(b)) {
		b->key = arena_strndup(b->arena, text, len);
		b->key_line = line;
		return STEP_MORE;
	}
	struct api_value *v = add_value(b, API_VALUE_SCALAR, line);

	v->text = arena_strndup(b->arena, text, len);
	v->len = len;
	v->is_plain = plain;
	v->hash = hash_bytes(HASH_INIT, text, len);
	return STEP_MORE;
}

static enum step on_open(struct builder *b, const yaml_event_t *e, enum api_value_type type)
{
	bool is_map = type == API_VALUE_MAP;
	unsigned line = line_of(b, &e->start_mark);
	const char *tag =
		(const char *)(is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag);

	if (is_map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor)
		return refuse_anchor(b, line);
	if (tag && !is_core_tag(tag, is_map ? "map" : "seq"))
		return refuse_tag(b, line);
	if (wants_key(b))
		return refuse(b, line, "a key that is a list or a map", "use a plain word as key");
	if (b->depth == LIMIT_YAML_DEPTH)
		return refuse(b, line, "nested too deeply", "remove levels of nesting");
	b->last[b->depth] = NULL;
	b->stack[b->depth] = add_value(b, type, line);
	b->depth++;
	return STEP_MORE;
}

static int key_cmp(const void *a, const void *b)
{
	const struct api_value *const *x = a, *const *y = b;
	int order = strcmp((*x)->key, (*y)->key);

	return order ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

/* By sorting, not by comparing all with all: the number of keys is the writer's choice. */
static void mark_duplicates(struct builder *b, const struct api_value *map)
{
	struct api_value **sorted = arena_array_of(b->arena, map->n, struct api_value *);
	size_t n = 0;

	for (struct api_value *v = map->first; v; v = v->next)
		sorted[n++] = v;
	qsort(sorted, n, sizeof(*sorted), key_cmp);
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			sorted[i]->is_duplicate = true;
}

static enum step on_close(struct builder *b)
{
	struct api_value *v = b->stack[--b->depth];

	v->hash = hash_u64(HASH_INIT, v->type);
	for (const struct api_value *c = v->first; c; c = c->next)
		if (v->type == API_VALUE_MAP)
			v->hash += hash_u64(hash_str(HASH_INIT, c->key), c->hash);
		else
			v->hash = hash_u64(v->hash, c->hash);
	if (v->type == API_VALUE_MAP)
		mark_duplicates(b, v);
	return STEP_MORE;
}

static enum step on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return STEP_MORE;
	case YAML_STREAM_END_EVENT:
		return STEP_DONE;
	case YAML_DOCUMENT_START_EVENT:
		if (!b->root)
			return STEP_MORE;
		return refuse(b, line_of(b, &e->start_mark), "text after the end of the document",
			      "begin a new document with a line ---");
	case YAML_ALIAS_EVENT:
		return refuse_anchor(b, line_of(b, &e->start_mark));
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, e, API_VALUE_MAP);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, e, API_VALUE_SEQUENCE);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return on_close(b);
	}
	return STEP_MORE;
}

static enum step run(struct builder *b)
{
	enum step step = STEP_MORE;

	while (step == STEP_MORE) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event))
			return refuse_syntax(b);
		step = on_event(b, &event);
		yaml_event_delete(&event);
	}
	return step;
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
	if (!yaml_parser_initialize(&b.parser))
		abort();
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)in->text, in->len);
	enum step step = run(&b);

	yaml_parser_delete(&b.parser);
	if (step == STEP_BAD)
		return API_YAML_BAD;
	if (!b.root || (b.root->type == API_VALUE_SCALAR && b.root->is_plain && b.root->len == 0))
		return API_YAML_EMPTY;
	*ret_root = b.root;
	return API_YAML_OK;
}

/* The member whose key is the first len bytes of name. */
static const struct api_value *member(const struct api_value *map, const char *name, size_t len)
{
	if (map->type != API_VALUE_MAP)
		return NULL;
	for (const struct api_value *v = map->first; v; v = v->next)
		if (strncmp(v->key, name, len) == 0 && v->key[len] == '\0')
			return v;
	return NULL;
}

const struct api_value *api_value_get(const struct api_value *map, const char *key)
{
	return member(map, key, strlen(key));
}

static const struct api_value *item(const struct api_value *list, size_t index)
{
	const struct api_value *v = list->type == API_VALUE_SEQUENCE ? list->first : NULL;

	for (; v && index > 0; index--)
		v = v->next;
	return v;
}

unsigned api_value_line(const struct api_value *root, const char *path)
{
	const struct api_value *v = root;

	for (const char *at = path; at && *at;) {
		const struct api_value *child;

		if (*at == '[') {
			size_t len = strcspn(++at, "]");

			child = v->type == API_VALUE_MAP ? member(v, at, len)
							 : item(v, strtoul(at, NULL, 10));
			at += len + (at[len] == ']');
		} else {
			size_t len = strcspn(at, ".[");

			child = member(v, at, len);
			at += len;
		}
		if (!child)
			return v->line;
		v = child;
		at += *at == '.';
	}
	return v->line;
}
