// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Values of a reply as the text of one table cell. All take the whole row (a JSON object) and the
 * key of the column, so that one cell may draw on several keys, and add text to *out; adding none
 * means "-". A key that is missing or of another type than expected is treated as null: a newer
 * agent must not break an older lodectl.
 */
#pragma once

#include "base/strbuf.h"

#include <cjson/cJSON.h>

typedef void cell_fn(struct strbuf *out, const cJSON *row, const char *key);

cell_fn cell_value;    /* text, number, yes/no; an array as its values with commas */
cell_fn cell_address;  /* the value, with the interface of a peer by interface: "fe80::1%eth0" */
cell_fn cell_duration; /* seconds as "3d4h", "5m12s" */
cell_fn cell_decimal;  /* a number to one place behind the point, from 100 on to none */
cell_fn cell_time;     /* Unix seconds as "2026-01-31T12:00:00Z" */
cell_fn cell_backends; /* array of backends as "ready/all" */
cell_fn cell_state;    /* "state", and "drainSeconds" where it is there: "draining, 41s left" */
cell_fn cell_object;   /* "kind", "namespace", "name" as "Kind/ns/name" */
cell_fn cell_advice;   /* "message" and "remedy" as one sentence */
