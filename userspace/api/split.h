// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Cuts a file into its YAML documents before anything is parsed, so that a document that does not
 * parse costs itself and not its neighbours (DESIGN 1). The cut is at every line that begins with
 * the marker "---" (alone or followed by a blank) or "...", in the first column. That is exact, not
 * a guess: YAML 1.2 (9.1.4) forbids these markers at the start of a line inside any scalar. A byte
 * order mark at the start of a line, or behind a marker, is where another file was appended: it is
 * dropped, and a piece begins behind it.
 *
 * A piece without content (blank lines, comments, directives) is left out. The marker stays part of
 * its document, since content may follow it on the same line.
 */
#pragma once

#include "api/yaml.h"

/* A walk over the documents of a text; the text must outlive it. */
struct api_split {
	const char *at, *end;
	unsigned line;
	bool has_cr; /* somewhere; most texts have none, and lines are found faster */
};

struct api_split api_split_init(const char *text, size_t len);

/* The next document with content; false at the end. Borrows the text. */
bool api_split_next(struct api_split *s, struct api_yaml_text *ret);
