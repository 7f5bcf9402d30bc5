// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The text of a Service or EndpointSlice, packed: there are thousands of them, their texts are kept
 * to be saved, and most of each is the same words. A printed object (api/yaml_print.h) holds no
 * control character, so each of these stands for a phrase, or for what stood before. A text that
 * was not packed is its own packed form.
 */
#pragma once

#include "base/strbuf.h"

/* Packs a printed object in place; returns its new length. No NUL is put behind it. */
size_t api_text_pack(char *text, size_t len);

/* Appends the text as it was printed. */
void api_text_unpack(struct strbuf *out, const char *packed, size_t len);
