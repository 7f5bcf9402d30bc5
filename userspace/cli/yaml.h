// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A JSON value as YAML, for people and for `kubectl`-like habits. It reads back (YAML 1.1 and 1.2)
 * as exactly the value that went in.
 */
#pragma once

#include "base/strbuf.h"

#include <cjson/cJSON.h>

/* Adds the document, ending in a newline. */
void yaml_print(const cJSON *value, struct strbuf *out);
