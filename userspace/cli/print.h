// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A body on standard output. */
#pragma once

#include "cli/cli_args.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* As args->format says, through the pager unless it is watched; false after saying why not. */
bool print_body(const struct cli_args *args, const cJSON *body);
