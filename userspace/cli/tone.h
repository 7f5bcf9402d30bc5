// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Colours mean something or are not there (base/tone.h). Only on a terminal (terminal.h); what is
 * coloured says the same in words.
 */
#pragma once

#include "base/strbuf.h"
#include "base/tone.h"

/* What a word of a state means: "Established", "draining", "error"; TONE_NONE for all others. */
enum tone tone_of(const char *word);

/* Adds the text, between ANSI sequences unless the tone is none. */
void tone_add(struct strbuf *out, enum tone tone, const char *text);
