// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Why libyaml could not parse a document, in words that say what to do. Only api/yaml.c uses this.
 */
#pragma once

#include "api/yaml.h"

struct yaml_parser_s;

/* Of a parser that has just failed on `in`. Aborts where memory ran out. */
struct api_yaml_error api_yaml_explain(struct arena *arena, const struct api_yaml_text *in,
				       const struct yaml_parser_s *parser);
