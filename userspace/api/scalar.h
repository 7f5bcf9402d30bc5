// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Text to values: what a scalar without quotes is by the YAML 1.2 core schema (10.3.2) with the
 * booleans of YAML 1.1, and the text formats of the Kubernetes API inside strings: Go durations,
 * RFC 3339 times, base64 (RFC 4648 4). Pure functions over strings; an output is written only with
 * success.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum api_scalar {
	API_SCALAR_NULL,
	API_SCALAR_BOOL,
	API_SCALAR_INT,
	API_SCALAR_FLOAT,
	API_SCALAR_TEXT,
};

/*
 * Type of a plain scalar. Booleans are all of YAML 1.1's words, since kubectl takes them for that:
 * y, yes, on, true and their opposites, in lower case, capitalised or in capitals. `1234:1` is text
 * (no numbers of base 60).
 */
enum api_scalar api_scalar_of(const char *text);

/* The value of such a word. False: it is none. */
bool api_parse_bool(const char *text, bool *ret) must_check;

/*
 * Decimal, 0x or 0o. False for what does not fit, and for leading zeros: 010 is ten for YAML 1.2
 * and eight for 1.1, which kubectl speaks.
 */
bool api_parse_int(const char *text, int64_t *ret) must_check;

/* Go's time.ParseDuration: "90s", "1m30s", "1.5h", "0"; the result in nanoseconds, exact. */
bool api_parse_duration(const char *text, int64_t *ret_ns) must_check;

/* RFC 3339 5.6 date-time, as seconds since 1970; fractions are cut off. */
bool api_parse_time(const char *text, int64_t *ret_s) must_check;

/* Base64 with padding; line breaks are skipped, as Go's decoder does. *ret is from the arena. */
bool api_parse_base64(struct arena *arena, const char *text, uint8_t **ret,
		      size_t *ret_len) must_check;
