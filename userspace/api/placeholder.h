// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Text that stands for other text: what a template, a secret store or a person was to put in its
 * place and did not. It is not wrong by itself, so it is asked about only where a value is wrong,
 * or of no use: whoever sees "is not an IP address" about "{{ .Values.router }}" looks at the
 * router's address and not at the step that was left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct api_placeholder {
	const char *reason;  /* of the problem: "NotRendered", "Encrypted" */
	const char *message; /* "holds a {{ }} of a template that was not rendered" */
	const char *remedy;
};

/* The {{ }} of a Go template. */
extern const struct api_placeholder api_placeholder_braces;

/* What the text looks like; NULL: nothing of the kind. The strings are static. */
const struct api_placeholder *api_placeholder_find(const char *text);

/* Somewhere in a text of so many bytes stand a template's braces. */
bool api_placeholder_in(const char *text, size_t len);
