// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* lodestoned --preflight: what this host has and lacks, before an agent runs on it. */
#pragma once

#include "agent/options.h"

/*
 * Prints a line a feature, or with --preflight=json an array of {feature, device, state, message,
 * remedy} with null where there is none. The exit code: 0, or 2 if there is a problem.
 */
int preflight_run(const struct options *options);
