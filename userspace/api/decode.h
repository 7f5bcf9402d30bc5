// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Tree to struct, driven by the tables of api/fields.h. The decoder never stops at the first
 * mistake: it reports each with its field and line and goes on, so that an operator sees all of
 * them at once; the caller asks n_errors at the end.
 *
 * No value is ever repeated in a message about its type: it could be a password.
 */
#pragma once

#include "api/fields.h"
#include "api/yaml.h"

/* Where the decoder stands: a chain from the innermost value up to the object. */
struct api_step {
	const struct api_step *up;
	const char *name; /* of a field; */
	const char *key;  /* or key of a map of strings; */
	size_t index;     /* or, both NULL, place in a list */
};

struct api_decoder {
	struct arena *arena;       /* of the object that is being made */
	struct arena *scratch;     /* of what is needed only while it is made */
	struct problems *problems; /* where complaints go */
	struct object_ref object;
	const struct api_value *root;
	const struct api_step *at;
	const struct api_schema *schema;
	unsigned version; /* mask: which of the schema's versions */
	const char *api_version;
	bool is_lenient;
	bool is_apart; /* what is wrong costs a list's item, not the object */
	size_t n_errors;
	size_t first_problem; /* of this object in the list */
	size_t end_decoded;   /* behind the last one that decoding found; 0: it is not over */
	uint64_t hash; /* of what was decoded last; counts only fields that the tables know */
};

/*
 * Decodes a map into dst, table->size bytes that are zero (or, with defaults in the table, become
 * these). What is wrong becomes problems; n_errors grows with each of severity error, and dst keeps
 * the default in its place. Lists of structs are from the scratch arena: a finish function copies
 * what is to stay. False: it is no map at all.
 */
bool api_decode_map(struct api_decoder *d, const struct api_table *table,
		    const struct api_value *map, void *dst);

/*
 * Did decoding find an error at this path, or above or below it? For finish functions: a value that
 * is there but wrong must not be called missing.
 */
bool api_failed(const struct api_decoder *d, const char *field);

/*
 * An error of the object: it is refused. `field` is a path from the root; remedy may be NULL. A
 * field that decoding found wrong is not complained about again.
 */
void api_refuse(struct api_decoder *d, const char *field, const char *reason, const char *remedy,
		const char *fmt, ...) printf_like(5, 6);

/* Whether the object's annotation of that name is "true"; another value than that or "false" is
 * refused. */
/*
 * A number from min to max in an annotation; false: it is not there, or is none, which refuses the
 * object.
 */
bool api_annotation_number(struct api_decoder *d, const struct api_object *o, const char *name,
			   uint32_t min, uint32_t max, uint32_t *ret);
/*
 * The parts between commas of an annotation, without the blanks around them; none: it is not there.
 * An empty part, and one that is there twice, refuse the object.
 */
struct api_strings api_annotation_list(struct api_decoder *d, const struct api_object *o,
				       const char *name);
bool api_annotation_is_true(struct api_decoder *d, const struct api_object *o, const char *name);
/* What a word in an annotation stands for, none of them for 0; 0: it is not there, or refused. */
uint8_t api_annotation_word(struct api_decoder *d, const struct api_object *o, const char *name,
			    const struct api_word *words);

/*
 * The number that a router id of a document stands for, host order; refused unless it is written as
 * an IPv4 address and not 0 (RFC 6286). None leaves *ret as it is.
 */
void api_router_id(struct api_decoder *d, const char *field, const struct ip_addr *id,
		   uint32_t *ret);

/* Something of interest that does not harm the object. */
void api_note(struct api_decoder *d, const char *field, const char *reason, const char *remedy,
	      const char *fmt, ...) printf_like(5, 6);

#define API_FORWARDING "lodestone.io/forwarding" /* at Services and pools */
/* enum api_unknown_port, api_pref_as and api_forwarding, as a field and as an annotation. */
extern const struct api_word api_unknown_port_words[], api_pref_as_words[], api_forwarding_words[];
