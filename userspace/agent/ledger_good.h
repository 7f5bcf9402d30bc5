// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The items `good` of the saved ledger: last good versions of advertisements and peers, each with
 * its document and what it was resolved to. Part of agent/ledger_json.h.
 */
#pragma once

#include "plan/plan.h"

#include <cjson/cJSON.h>

/* Fills an empty object. */
void ledger_good_write(cJSON *o, const struct plan_good *g);

/*
 * False: a field is wrong, or the document does not say what the item claims. What is read lives in
 * the arena. `scratch` is for the decoder.
 */
bool ledger_good_read(const cJSON *o, struct arena *arena, struct arena *scratch,
		      struct plan_good *ret) must_check;
