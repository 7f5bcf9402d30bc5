// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The words for the drop reasons of bpf/abi.h (enum lb_drop): one name and one sentence each, used
 * by CLI, metrics and documentation alike, so that they cannot drift apart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* How many reasons there are; reason 0 (none) is one of them. */
size_t lb_drop_count(void);
/* "tuple_taken": stable, for metric labels and JSON. NULL for a reason out of range. */
const char *lb_drop_name(size_t reason);
/* One sentence without a full stop. NULL for a reason out of range. */
const char *lb_drop_text(size_t reason);
/* False for reasons that are counted while the packet goes on. */
bool lb_drop_is_lost(size_t reason);
