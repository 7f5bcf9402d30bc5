// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Words and their colours. */
#include "cli/tone.h"

static const struct {
	const char *word;
	enum tone tone;
} words[] = {
	{"Established", TONE_GOOD}, {"Up", TONE_GOOD},          {"yes", TONE_GOOD},
	{"ready", TONE_GOOD},       {"ok", TONE_GOOD},          {"Idle", TONE_BAD},
	{"Connect", TONE_BAD},      {"Active", TONE_BAD},       {"OpenSent", TONE_WARN},
	{"OpenConfirm", TONE_WARN}, {"Down", TONE_BAD},         {"Init", TONE_WARN},
	{"AdminDown", TONE_WARN},   {"no", TONE_WARN},          {"draining", TONE_WARN},
	{"error", TONE_BAD},        {"warning", TONE_WARN},     {"problem", TONE_BAD},
	{"degraded", TONE_BAD},     {"terminating", TONE_WARN},
};

enum tone tone_of(const char *word)
{
	const size_t len = strcspn(word, ","); /* "draining, 41s left" */

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == len && strncmp(word, words[i].word, len) == 0)
			return words[i].tone;
	return TONE_NONE;
}

void tone_add(struct strbuf *out, enum tone tone, const char *text)
{
	static const char *const begin[] = {
		[TONE_NONE] = "",
		[TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m",
		[TONE_BAD] = "\033[1;31m",
	};

	strbuf_add(out, begin[tone]);
	strbuf_add(out, text);
	if (tone != TONE_NONE)
		strbuf_add(out, "\033[0m");
}
