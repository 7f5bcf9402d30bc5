// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What a node knows, in a number, so that nodes can be held side by side. */
#include "agent/agent.h"
#include "agent/show.h"
#include "base/hash.h"

#include <inttypes.h>

/*
 * What says the same on nodes that know the same: what is configured, without endpoints, which come
 * and go all the time. Without what may be a password, which a hash would let somebody guess.
 */
static uint64_t fingerprint(const struct agent *a, size_t *ret_n)
{
	static const enum api_kind kinds[] = {
		API_BGP_ADVERTISEMENT, API_BGP_PEER,         API_BFD_PROFILE, API_COMMUNITY,
		API_IP_ADDRESS_POOL,   API_LODESTONE_CONFIG, API_SERVICE};
	uint64_t h = HASH_INIT;

	*ret_n = 0;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		const struct world_list all = world_list(a->world, kinds[k]);

		for (size_t i = 0; i < all.n; i++) {
			const struct api_object *o = all.items[i];
			const bool is_told = kinds[k] != API_BGP_PEER || !o->peer.password;

			h = hash_u64(h, kinds[k]);
			h = hash_str(h, o->meta.ns);
			h = hash_str(h, o->meta.name);
			h = hash_u64(h, is_told ? o->hash : 0);
		}
		*ret_n += all.n;
	}
	return h;
}

void show_objects(const struct agent *a, cJSON *to)
{
	cJSON *o = cJSON_AddObjectToObject(to, "objects");
	char text[24];
	size_t n;

	(void)snprintf(text, sizeof(text), "%016" PRIx64, fingerprint(a, &n));
	cJSON_AddNumberToObject(o, "configured", (double)n);
	cJSON_AddStringToObject(o, "fingerprint", text);
}
