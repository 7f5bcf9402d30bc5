// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* kubectl lodestone same: whether all nodes run the same and know the same. */
#pragma once

#include "base/strbuf.h"

#include <cjson/cJSON.h>

/*
 * Adds a table and a sentence; true: all answer, and are the same. `all` is an array of what
 * status says, with "asked", the node's name; an object with nothing else is one that did not
 * answer.
 */
bool kubectl_same(const cJSON *all, struct strbuf *out);
