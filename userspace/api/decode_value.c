// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One function for each type of api/fields.h, found by a table. Each writes its result or
 * complains, never both, so that a struct holds either the value or the default.
 *
 * Messages about a wrong type say what was found ("a number"), never the value itself, since it
 * could be a password; values of fields that hold no secret are repeated where that helps.
 */
#include "api/decode_value.h"

#include "api/placeholder.h"
#include "base/nsec.h"

#include <assert.h>
#include <inttypes.h>

static const char *found_text(const struct api_value *v)
{
	static const char *const plain[] = {
		[API_SCALAR_NULL] = "nothing", [API_SCALAR_BOOL] = "a boolean",
		[API_SCALAR_INT] = "a number", [API_SCALAR_FLOAT] = "a number with a fraction",
		[API_SCALAR_TEXT] = "text",
	};

	_Static_assert(ARRAY_SIZE(plain) == API_SCALAR_TEXT + 1, "each scalar has its words");
	if (v->type == API_VALUE_MAP)
		return "a map";
	if (v->type == API_VALUE_SEQUENCE)
		return "a list";
	return plain[v->is_plain ? api_scalar_of(v->text) : API_SCALAR_TEXT];
}

void api_wrong_type(struct api_decoder *d, const struct api_value *v, const char *want,
		    const char *remedy)
{
	api_wrong(d, v, "WrongType", remedy, "is %s, must be %s", found_text(v), want);
}

/* --- one function a type --- */

bool api_is_plain(const struct api_value *v, enum api_scalar type)
{
	return v->type == API_VALUE_SCALAR && v->is_plain && api_scalar_of(v->text) == type;
}

/*
 * The text of a string; NULL after a complaint. Numbers and booleans without quotes are refused
 * here, since the API server refuses them.
 */
static const char *want_text(struct api_decoder *d, const struct api_value *v)
{
	if (v->type == API_VALUE_SCALAR &&
	    (!v->is_plain || api_scalar_of(v->text) == API_SCALAR_TEXT))
		return v->text;
	api_wrong_type(d, v, "text",
		       v->type == API_VALUE_SCALAR ? "quote it" : "write text on one line");
	return NULL;
}

static void store_int(void *dst, size_t size, int64_t value)
{
	switch (size) {
	case 1:
		memcpy(dst, &(int8_t){(int8_t)value}, 1);
		break;
	case 2:
		memcpy(dst, &(int16_t){(int16_t)value}, 2);
		break;
	case 4:
		memcpy(dst, &(int32_t){(int32_t)value}, 4);
		break;
	default:
		assert(size == 8);
		memcpy(dst, &value, 8);
	}
}

static void decode_any(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
		       void *dst)
{
	(void)d, (void)f, (void)v, (void)dst;
}

static void decode_bool(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
			void *dst)
{
	bool value;

	if (api_is_plain(v, API_SCALAR_BOOL) && api_parse_bool(v->text, &value))
		store_int(dst, f->size, value);
	else
		api_wrong_type(d, v, "true or false", "write true or false, without quotes");
}

static bool take_int(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
		     int64_t *ret)
{
	assert(f->min <= f->max);
	if (api_parse_int(v->text, ret) && *ret >= f->min && *ret <= f->max)
		return true;
	api_wrong(d, v, "OutOfRange", "write a number in this range",
		  "is %s, must be a number from %" PRId64 " to %" PRId64, v->text, f->min, f->max);
	return false;
}

static void decode_int(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
		       void *dst)
{
	int64_t value;

	if (!api_is_plain(v, API_SCALAR_INT))
		api_wrong_type(d, v, "a whole number", "write a number, without quotes");
	else if (take_int(d, f, v, &value))
		store_int(dst, f->size, value);
}

static void decode_string(struct api_decoder *d, const struct api_field *f,
			  const struct api_value *v, void *dst)
{
	const char *text = want_text(d, v);

	assert(f->size == sizeof(text));
	if (!text)
		return;
	if (f->max > 0 && v->len > (size_t)f->max) {
		api_wrong(d, v, "TooLong", "shorten it", "is longer than %" PRId64 " characters",
			  f->max);
		return;
	}
	if (!(f->flags & API_FIELD_NOT_KEPT)) /* else the tree's own will do */
		text = arena_strdup(d->arena, text);
	memcpy(dst, &text, sizeof(text));
}

static void decode_enum(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
			void *dst)
{
	const char *text, *known = NULL;

	assert(f->words && f->words[0].text);
	/* Also without quotes where the word is a boolean by itself: "mode: off" has one meaning.
	 */
	for (const struct api_word *w = f->words; v->type == API_VALUE_SCALAR && w->text; w++) {
		if (strcmp(w->text, v->text) == 0) {
			store_int(dst, f->size, w->value);
			return;
		}
		known = known ? arena_printf(d->arena, "%s, %s", known, w->text) : w->text;
	}
	text = want_text(d, v);
	if (!text)
		return;
	api_wrong(d, v, "BadValue", "write one of these words", "is \"%s\", must be one of: %s",
		  text, known);
}

static void decode_address(struct api_decoder *d, const struct api_field *f,
			   const struct api_value *v, void *dst)
{
	static const struct ip_addr none;
	const struct ip_addr none_v4 = ip_addr_from_v4(0);
	const char *text = want_text(d, v);
	struct ip_addr addr;

	assert(f->size == sizeof(addr));
	if (!text)
		return;
	if (!ip_addr_parse(text, &addr))
		api_wrong(d, v, "BadAddress",
			  "write an IPv4 or IPv6 address, not a name or a prefix",
			  "\"%s\" is not an IP address", text);
	else if (ip_addr_equal(&addr, &none) || ip_addr_equal(&addr, &none_v4))
		api_wrong(d, v, "BadAddress", "write the address of one host",
			  "%s stands for no address at all", text);
	else if (!(f->flags & API_FIELD_ANY_ADDRESS) && !ip_addr_is_unicast(&addr))
		api_wrong(d, v, "BadAddress", "write the address of one host",
			  "%s is no host's: it is multicast, broadcast or of 0.0.0.0/8", text);
	else
		memcpy(dst, &addr, sizeof(addr));
}

static void decode_prefix(struct api_decoder *d, const struct api_field *f,
			  const struct api_value *v, void *dst)
{
	const char *text = want_text(d, v);
	struct ip_prefix prefix;

	assert(f->size == sizeof(prefix));
	if (!text)
		return;
	if (ip_prefix_parse(text, &prefix))
		memcpy(dst, &prefix, sizeof(prefix));
	else
		api_wrong(d, v, "BadPrefix", "write a prefix such as 192.0.2.0/24",
			  "\"%s\" is not an IP prefix", text);
}

static void decode_range(struct api_decoder *d, const struct api_field *f,
			 const struct api_value *v, void *dst)
{
	const char *text = want_text(d, v);
	struct ip_range range;

	assert(f->size == sizeof(range));
	if (!text)
		return;
	if (ip_range_parse(text, &range))
		memcpy(dst, &range, sizeof(range));
	else
		api_wrong(d, v, "BadRange",
			  "write 192.0.2.0/24 or 192.0.2.1-192.0.2.9, the lower address first",
			  "\"%s\" is neither a prefix nor a range of addresses", text);
}

/* A bare number is taken as seconds: for files only, the CRD's schema wants text (ruling 8). */
static bool take_duration(const struct api_value *v, const char *text, int64_t *ret_ns)
{
	int64_t seconds;

	if (!v->is_plain || api_scalar_of(text) != API_SCALAR_INT)
		return api_parse_duration(text, ret_ns);
	return api_parse_int(text, &seconds) &&
	       !__builtin_mul_overflow(seconds, (int64_t)NSEC_PER_SEC, ret_ns);
}

static void decode_duration(struct api_decoder *d, const struct api_field *f,
			    const struct api_value *v, void *dst)
{
	const int64_t second = (int64_t)NSEC_PER_SEC;
	const char *text = api_is_plain(v, API_SCALAR_INT) ? v->text : want_text(d, v);
	int64_t ns;

	assert(f->size == sizeof(ns));
	assert(f->min <= f->max && f->max <= INT64_MAX / second);
	if (!text)
		return;
	if (!take_duration(v, text, &ns))
		api_wrong(d, v, "BadDuration", "write a duration such as 90s or 1m30s",
			  "\"%s\" is not a duration", text);
	else if (ns < f->min * second || ns > f->max * second)
		api_wrong(d, v, "OutOfRange", "write a time in this range",
			  "is %s, must be %" PRId64 "s to %" PRId64 "s", text, f->min, f->max);
	else
		memcpy(dst, &ns, sizeof(ns));
}

static void decode_time(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
			void *dst)
{
	const char *text = want_text(d, v);
	int64_t s;

	assert(f->size == sizeof(s));
	if (!text)
		return;
	if (api_parse_time(text, &s))
		memcpy(dst, &s, sizeof(s));
	else
		api_wrong(d, v, "BadTime", "write a time such as 2024-01-31T12:00:00Z",
			  "\"%s\" is not a time", text);
}

static void decode_int_or_text(struct api_decoder *d, const struct api_field *f,
			       const struct api_value *v, void *dst)
{
	struct api_int_or_text value = {0};

	assert(f->size == sizeof(value));
	if (api_is_plain(v, API_SCALAR_INT)) {
		if (!take_int(d, f, v, &value.number))
			return;
	} else {
		const char *text = want_text(d, v);

		if (!text)
			return;
		value.text = arena_strdup(d->arena, text);
	}
	memcpy(dst, &value, sizeof(value));
}

static int label_cmp(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void decode_labels(struct api_decoder *d, const struct api_field *f,
			  const struct api_value *v, void *dst)
{
	struct label *items;
	size_t n = 0;

	assert(f->size == sizeof(struct labels));
	if (v->type != API_VALUE_MAP) {
		api_wrong_type(d, v, "a map of text to text",
			       "write KEY: VALUE on lines of their own");
		return;
	}
	items = arena_array_of(d->arena, v->n, struct label);
	for (const struct api_value *c = v->first; c; c = c->next) {
		struct api_step step = {.up = d->at, .key = c->key};

		d->at = &step;
		if (c->is_duplicate)
			api_wrong(d, c, "DuplicateKey", "keep one of them", "stands there twice");
		const char *text = api_is_faulty(d, c) ? NULL : want_text(d, c);

		d->at = step.up;
		if (text)
			items[n++] = (struct label){arena_strdup(d->arena, c->key),
						    arena_strdup(d->arena, text)};
	}
	assert(n <= v->n);
	qsort(items, n, sizeof(*items), label_cmp);
	memcpy(dst, &(struct labels){.items = items, .n = n}, sizeof(struct labels));
}

static void decode_nested(struct api_decoder *d, const struct api_field *f,
			  const struct api_value *v, void *dst)
{
	api_decode_map(d, f->table, v, dst);
}

/* False: it stands for a value, and no type but text can take it as it stands. */
static bool check_placeholder(struct api_decoder *d, const struct api_field *f,
			      const struct api_value *v)
{
	const struct api_placeholder *p = api_placeholder_find(v->text);

	if (!p)
		return true;
	if (f->type == API_TYPE_STRING)
		api_doubt(d, v, p->reason, p->remedy, "%s; it is taken as it stands", p->message);
	else
		api_wrong(d, v, p->reason, p->remedy, "%s", p->message);
	return f->type == API_TYPE_STRING;
}

typedef void decode_fn(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
		       void *dst);

void api_decode_value(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
		      void *dst)
{
	static decode_fn *const by_type[API_N_TYPES] = {
		[API_TYPE_ANY] = decode_any,
		[API_TYPE_BOOL] = decode_bool,
		[API_TYPE_INT] = decode_int,
		[API_TYPE_STRING] = decode_string,
		[API_TYPE_ENUM] = decode_enum,
		[API_TYPE_ADDRESS] = decode_address,
		[API_TYPE_PREFIX] = decode_prefix,
		[API_TYPE_RANGE] = decode_range,
		[API_TYPE_DURATION] = decode_duration,
		[API_TYPE_TIME] = decode_time,
		[API_TYPE_INT_OR_TEXT] = decode_int_or_text,
		[API_TYPE_LABELS] = decode_labels,
		[API_TYPE_SELECTOR] = api_decode_selector,
		[API_TYPE_STRUCT] = decode_nested,
	};

	assert(f->type < API_N_TYPES && by_type[f->type]);
	d->hash = v->hash;
	if (v->type == API_VALUE_SCALAR && f->type != API_TYPE_ANY && !check_placeholder(d, f, v))
		return;
	by_type[f->type](d, f, v, dst);
}
