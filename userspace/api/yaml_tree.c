// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The hash of a map adds the hashes of its members, so that the order of keys does not count, as it
 * does not in YAML 1.2 (3.2.1.1); that of a sequence chains them.
 */
#include "api/yaml_tree.h"

#include "base/hash.h"

#include <assert.h>
#include <string.h>

struct api_value api_tree_scalar(const char *bytes, size_t len, bool is_plain, unsigned line)
{
	return (struct api_value){
		.type = API_VALUE_SCALAR,
		.is_plain = is_plain,
		.line = line,
		.len = len,
		.hash = hash_bytes(HASH_INIT, bytes, len),
		.weight = API_TREE_WEIGHT + len,
	};
}

void api_tree_append(struct api_value *parent, struct api_value **last, struct api_value *v)
{
	assert(!v->next && parent->type != API_VALUE_SCALAR);
	assert((parent->type == API_VALUE_MAP) == (v->key != NULL));
	*(*last ? &(*last)->next : &parent->first) = v;
	*last = v;
	parent->n++;
}

void api_tree_sum_up(struct api_value *v)
{
	v->hash = hash_u64(HASH_INIT, v->type);
	v->weight = API_TREE_WEIGHT;
	v->height = 1;
	for (const struct api_value *c = v->first; c; c = c->next) {
		if (v->type == API_VALUE_MAP) {
			const size_t len = strlen(c->key);

			v->hash += hash_u64(hash_bytes(HASH_INIT, c->key, len), c->hash);
			v->weight += len;
		} else {
			v->hash = hash_u64(v->hash, c->hash);
		}
		v->weight += c->weight;
		if (c->height >= v->height)
			v->height = c->height + 1;
	}
}
