// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The line is walked word by word. Its columns differ between protocols and kernel versions
 * (counters, zones, marks), but not the words src= and dst=, of which each tuple has one.
 */
#include "sys/conntrack_line.h"

#include <stddef.h>

#define WORD_MAX 64

static bool word_is(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(word, text, len) == 0;
}

/* Parses "dst=ADDRESS" with the given key. */
static bool word_address(const char *word, size_t len, const char *key, struct ip_addr *ret)
{
	char text[WORD_MAX];
	size_t key_len = strlen(key);

	if (len <= key_len || len - key_len >= sizeof(text) || memcmp(word, key, key_len) != 0)
		return false;
	memcpy(text, word + key_len, len - key_len);
	text[len - key_len] = '\0';
	return ip_addr_parse(text, ret);
}

bool conntrack_line_parse(const char *line, struct conntrack_line *ret)
{
	size_t n_src = 0, n_dst = 0, len;
	struct ip_addr addr;

	*ret = (struct conntrack_line){0};
	for (const char *word = line; *word != '\0'; word += len) {
		word += strspn(word, " \n");
		len = strcspn(word, " \n");
		if (word_is(word, len, "TIME_WAIT") || word_is(word, len, "CLOSE"))
			ret->has_ended = true;
		if (word_address(word, len, "src=", &addr) && ++n_src == 2)
			ret->reply_src = addr;
		if (word_address(word, len, "dst=", &addr) && ++n_dst == 1)
			ret->orig_dst = addr;
	}
	return n_src == 2 && n_dst == 2;
}
