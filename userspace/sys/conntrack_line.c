// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The line is walked word by word. Its columns differ between protocols and kernel versions
 * (counters, zones, marks), but not the fourth, which is the protocol's number, nor the words src=,
 * dst=, sport= and dport=, of which each tuple has one.
 */
#include "sys/conntrack_line.h"

#include <stddef.h>

#define WORD_MAX   64
#define PROTO_WORD 3

struct word {
	const char *at;
	size_t len;
};

static bool word_is(const struct word *w, const char *text)
{
	return strlen(text) == w->len && memcmp(w->at, text, w->len) == 0;
}

/* What is behind the key, "dst=" say, as a string. */
static bool word_value(const struct word *w, const char *key, char ret[WORD_MAX])
{
	size_t key_len = strlen(key);

	if (w->len <= key_len || w->len - key_len >= WORD_MAX || memcmp(w->at, key, key_len) != 0)
		return false;
	memcpy(ret, w->at + key_len, w->len - key_len);
	ret[w->len - key_len] = '\0';
	return true;
}

static bool word_address(const struct word *w, const char *key, struct ip_addr *ret)
{
	char text[WORD_MAX];

	return word_value(w, key, text) && ip_addr_parse(text, ret);
}

static bool word_number(const struct word *w, const char *key, unsigned long max,
			unsigned long *ret)
{
	char text[WORD_MAX], *end;

	if (!word_value(w, key, text) || text[0] < '0' || text[0] > '9')
		return false;
	*ret = strtoul(text, &end, 10);
	return *end == '\0' && *ret <= max;
}

/* How many of each were found. */
struct found {
	unsigned words, src, dst, sport, dport, proto;
};

static void take_address(const struct word *w, struct found *n, struct conntrack_line *ret)
{
	struct ip_addr addr;

	if (word_address(w, "src=", &addr))
		*(n->src++ ? &ret->reply_src : &ret->src) = addr;
	else if (word_address(w, "dst=", &addr) && n->dst++ == 0)
		ret->dst = addr;
}

static void take_port(const struct word *w, struct found *n, struct conntrack_line *ret)
{
	unsigned long port;

	if (word_number(w, "sport=", UINT16_MAX, &port))
		*(n->sport++ ? &ret->reply_sport : &ret->sport) = (uint16_t)port;
	else if (word_number(w, "dport=", UINT16_MAX, &port) && n->dport++ == 0)
		ret->dport = (uint16_t)port;
}

static void take_word(const struct word *w, struct found *n, struct conntrack_line *ret)
{
	unsigned long proto;

	if (n->words++ == PROTO_WORD && word_number(w, "", UINT8_MAX, &proto)) {
		ret->proto = (uint8_t)proto;
		n->proto++;
	}
	if (word_is(w, "TIME_WAIT") || word_is(w, "CLOSE") || word_is(w, "CLOSED"))
		ret->has_ended = true;
	if (word_is(w, "[UNREPLIED]"))
		ret->is_answered = false;
	take_address(w, n, ret);
	take_port(w, n, ret);
}

bool conntrack_line_parse(const char *line, struct conntrack_line *ret)
{
	struct found n = {0};
	struct word w;

	*ret = (struct conntrack_line){.is_answered = true};
	for (w.at = line; *w.at != '\0'; w.at += w.len) {
		w.at += strspn(w.at, " \n");
		w.len = strcspn(w.at, " \n");
		if (w.len > 0)
			take_word(&w, &n, ret);
	}
	return n.src == 2 && n.dst == 2 && n.sport == 2 && n.dport == 2 && n.proto == 1;
}
