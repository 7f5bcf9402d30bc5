// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The quick way for a document that is JSON, as what the feeder tells is: a tenth of what libyaml
 * takes, which matters where there are thousands. Only api/yaml.c uses this.
 */
#pragma once

#include "api/yaml.h"

/*
 * True: the text is a map in JSON without anything unusual, and *ret_root, from the arena, is the
 * tree that YAML makes of it. False: that cannot be said, which is no fault of the text: it may be
 * JSON with characters beyond ASCII or escapes by number, any other YAML, or nothing at all.
 */
bool api_yaml_json(struct arena *arena, const struct api_yaml_text *in,
		   struct api_value **ret_root) must_check;
