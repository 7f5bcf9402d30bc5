// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The fields of the API as tables. For every struct of an object there is one static table of its
 * fields: name, type, place in the C struct, range, whether required and since which version. The
 * decoder (api/decode.c) is driven by nothing else, and CRDs and the reference of the fields are to
 * be generated from the same rows, so a constraint that fits a row belongs there and not into code.
 * What needs two fields at once is checked by the schema's finish function.
 *
 * A schema is one kind: its group and versions, its table, and how the decoded struct becomes the
 * struct of api/objects.h.
 */
#pragma once

#include "api/objects.h"

#include <stddef.h>

struct api_decoder;
struct api_table;
struct api_annotation_row;

/* Type of a value in the API and, after the colon, what the decoder writes. */
enum api_type {
	API_TYPE_ANY,         /* not looked at */
	API_TYPE_BOOL,        /* bool, or int8_t where the default is -1 for "absent" */
	API_TYPE_INT,         /* integer of the member's size; min..max */
	API_TYPE_STRING,      /* const char *; "" counts as absent; at most max bytes if max > 0 */
	API_TYPE_ENUM,        /* int of the word */
	API_TYPE_ADDRESS,     /* struct ip_addr; of a host, unless API_FIELD_ANY_ADDRESS */
	API_TYPE_PREFIX,      /* struct ip_prefix */
	API_TYPE_RANGE,       /* struct ip_range */
	API_TYPE_DURATION,    /* int64_t, nanoseconds; min..max in seconds */
	API_TYPE_TIME,        /* int64_t, seconds since 1970 */
	API_TYPE_INT_OR_TEXT, /* struct api_int_or_text; min..max */
	API_TYPE_LABELS,      /* struct labels, sorted by key */
	API_TYPE_SELECTOR,    /* struct selector */
	API_TYPE_STRUCT,      /* as the nested table says */
	API_N_TYPES,
};

enum {
	API_FIELD_UNIQUE = 1 << 0,       /* list: no item twice */
	API_FIELD_NONEMPTY = 1 << 1,     /* list: at least one item */
	API_FIELD_NO_EFFECT = 1 << 2,    /* deprecated, means nothing: says so unless default */
	API_FIELD_IGNORED = 1 << 3,      /* known and of no interest */
	API_FIELD_APART = 1 << 4,        /* list: an item that is wrong is told and left out */
	API_FIELD_ELSEWHERE = 1 << 5,    /* known, not decoded; another object says it: says so */
	API_FIELD_MAY_BE_EMPTY = 1 << 6, /* list: an item may be "" */
	API_FIELD_ANY_ADDRESS = 1 << 7,  /* a number written as an address: not 0.0.0.0, no more */
	API_FIELD_NOT_KEPT = 1 << 8,     /* text that finish reads, and that is gone after it */
};

struct api_int_or_text {
	const char *text; /* NULL: a number or absent */
	int64_t number;
};

struct api_word {
	const char *text; /* NULL ends the list */
	int value;
};

struct api_field {
	const char *name;
	enum api_type type;
	unsigned flags;
	bool is_list;
	size_t offset; /* of the member; of {pointer, count} for a list */
	size_t size;   /* of one value */
	int64_t min, max;
	const struct api_word *words;
	const struct api_table *table;
	unsigned required, versions; /* masks of the schema's versions; versions 0: all of them */
	int bit;                     /* set in the table's set word when the field is there */
};

struct api_table {
	const struct api_field *fields;
	size_t n; /* at most 64 */
	size_t size;
	const void *defaults; /* NULL: all zero */
	size_t set_at;        /* offset of an int for `bit`, where a field has one */
};

/* A member, and a list whose count stands right behind its pointer. */
#define API_AT(s, m) .offset = offsetof(s, m), .size = sizeof(((s *)NULL)->m)
#define API_LIST_AT(s, m, count)                                                                   \
	.is_list = true, .size = sizeof(*((s *)NULL)->m),                                          \
	.offset = offsetof(s, m) +                                                                 \
		  0 * sizeof(char[offsetof(s, count) == offsetof(s, m) + sizeof(void *) ? 1 : -1])

#define API_TABLE(s, f, ...)                                                                       \
	{                                                                                          \
		.fields = (f), .n = ARRAY_SIZE(f), .size = sizeof(s), __VA_ARGS__                  \
	}

/* Rows of every object, decoded before the others. */
#define API_OBJECT_ROWS                                                                            \
	{.name = "apiVersion", .flags = API_FIELD_IGNORED},                                        \
		{.name = "kind", .flags = API_FIELD_IGNORED},                                      \
	{                                                                                          \
		.name = "metadata", .flags = API_FIELD_IGNORED                                     \
	}

#define API_ALL (~0u)
#define API_V1  (1u << 0) /* first and second of a schema's versions */
#define API_V2  (1u << 1)

struct api_schema {
	enum api_kind kind;
	const char *group;       /* "" = core */
	const char *versions[3]; /* "v1beta1", ...; NULL ends */
	const struct api_table *table;
	const char *default_ns; /* where metadata names none */
	bool is_cluster_scoped;
	bool is_lenient; /* a kind of Kubernetes': unknown fields are not ours to judge */
	/*
	 * Makes the object's struct of the decoded one, and refuses by api_refuse() what no row can
	 * express. It is called for objects with errors too, so that these are told all at once:
	 * what could not be decoded has its default (for a list's items: zero), and api_failed()
	 * says so where that would mislead. NULL: nothing to do.
	 */
	void (*finish)(struct api_decoder *d, const void *raw, struct api_object *o);
	/* What finish checks and fills in, as sentences for docs/reference.md; NULL ends. */
	const char *const *rules;
	const struct api_annotation_row *annotations; /* those that are read; name NULL ends */
};

/* An annotation of ours, or of MetalLB's or Kubernetes', that a kind is read for. */
struct api_annotation_row {
	const char *name, *values, *meaning;
};

/* By kind. */
extern const struct api_schema *const api_schemas[API_N_KINDS];

extern const struct api_schema api_schema_advertisement, api_schema_bfd_profile,
	api_schema_community, api_schema_config, api_schema_endpoint_slice, api_schema_endpoints,
	api_schema_frr_configuration, api_schema_namespace, api_schema_node, api_schema_peer,
	api_schema_pool, api_schema_secret, api_schema_service;

/* metadata; decodes into struct api_meta. */
extern const struct api_table api_table_meta;
