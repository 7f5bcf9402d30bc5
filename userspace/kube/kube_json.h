// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * JSON of somebody else's through cJSON, with bounds. Private to kube/.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (RFC 3629) without NUL. */
bool kube_json_is_text(const char *text, size_t len);

/* A piece as it was split (kube/kube_split.h), so not too deep. NULL: it is no object. */
cJSON *kube_json_piece(const char *text, size_t len);
/* Any text. NULL: it does not begin with an object, or with one that is too deep. */
cJSON *kube_json_body(const char *text, size_t len);

/* The member, or NULL; of NULL, too. */
cJSON *kube_json_get(const cJSON *object, const char *key);
/* The member's text, which is the object's; NULL: it is none. */
const char *kube_json_text(const cJSON *object, const char *key);

/* For _cleanup_(). */
void kube_json_freep(cJSON **json);
