// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Packing as in api/text_pack.h. At each place what saves most is taken: the longest phrase, or
 * what stood before in the same text, which of the endpoints of a slice is all but an address. The
 * packed form lives in memory only, so it may change at will.
 *
 * What stood before is found by its first four characters, where a character or a token began; of
 * places with one hash the last is known. That finds less than there is, and takes little time.
 */
#include "api/text_pack.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* Then how many characters, and from how far back, in digits of DIGIT that are not NUL. */
#define AGAIN       0x1f
#define AGAIN_BYTES 4u
#define DIGIT       255u
#define MIN_AGAIN   6u /* it saves something */
#define MAX_AGAIN   (MIN_AGAIN + DIGIT - 1)
#define MAX_BACK    (DIGIT * DIGIT - 1)
#define PLACES_LOG2 10

struct phrase {
	const char *text;
	size_t len;
};
#define PHRASE(t)                                                                                  \
	{                                                                                          \
		(t), sizeof(t) - 1                                                                 \
	}
/* Those that begin alike stand together. */
static const struct phrase phrases[] = {
	PHRASE("{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": "),
	PHRASE("{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"metadata\": {\"name\": "),
	PHRASE("{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {"),
	PHRASE("{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"metadata\": {"),
	PHRASE(", \"namespace\": "),
	PHRASE(", \"labels\": {\""),
	PHRASE(", \"annotations\": {\""),
	PHRASE(", \"ports\": [{\"name\": "),
	PHRASE(", \"endpoints\": [{\"addresses\": ["),
	PHRASE(", \"conditions\": {\"ready\": true"),
	PHRASE(", \"serving\": true, \"terminating\": false"),
	PHRASE(", \"targetRef\": {\"kind\": Pod, \"name\": "),
	PHRASE(", \"selector\": {\""),
	PHRASE(", \"port\": "),
	PHRASE(", \"targetPort\": "),
	PHRASE(", \"nodePort\": "),
	PHRASE(", \"protocol\": TCP"),
	PHRASE("kubernetes.io/service-name\": "),
	PHRASE("}, \"addressType\": "),
	PHRASE("}}, {\"addresses\": ["),
	PHRASE("}, \"nodeName\": "),
	PHRASE("}, \"spec\": {\""),
	PHRASE("}, {\"name\": "),
	PHRASE("}}]}"),
	PHRASE("], \"nodeName\": "),
	PHRASE("], \"conditions\": {\"ready\": true"),
	PHRASE("]}, \"status\": {\"loadBalancer\": {\"ingress\": [{\"ip\": "),
	PHRASE("\"type\": LoadBalancer"),
	PHRASE("\"uid\": "),
	PHRASE("\"creationTimestamp\": "),
};
_Static_assert(ARRAY_SIZE(phrases) < AGAIN, "each has a control character but NUL and that one");

/* By the first character: most places of a text are the beginning of none. */
static const struct {
	unsigned char from, n;
} begins[256] = {
	['{'] = {0, 4},  [','] = {4, 13}, ['k'] = {17, 1},
	['}'] = {18, 6}, [']'] = {24, 3}, ['"'] = {27, 3},
};

/* The phrase that the text begins with, 0 if none. */
static size_t find_phrase(const char *text, size_t len)
{
	const size_t from = begins[(unsigned char)*text].from;
	const size_t n = begins[(unsigned char)*text].n;
	size_t best = 0, best_len = 1;

	for (size_t i = from; i < from + n; i++) {
		const struct phrase *p = &phrases[i];

		assert(p->text[0] == *text);
		if (p->len > best_len && p->len <= len && p->text[1] == text[1] &&
		    memcmp(text, p->text, p->len) == 0) {
			best = i + 1;
			best_len = p->len;
		}
	}
	return best;
}

/* A text that is being packed. */
struct packing {
	const char *text;
	size_t len;
	uint32_t places[1u << PLACES_LOG2]; /* by hash, where they are, from 1; 0: nowhere */
};

/* How many characters from `at` on stand at `before`, too; 0: too few. They may overlap. */
static size_t same_len(const struct packing *p, size_t before, size_t at)
{
	const size_t left = p->len - at, most = left < MAX_AGAIN ? left : MAX_AGAIN;
	size_t n = 0;

	while (n < most && p->text[before + n] == p->text[at + n])
		n++;
	return n < MIN_AGAIN ? 0 : n;
}

/* How much of what stands here stood before, and how far back; this place is known from now on. */
static size_t find_again(struct packing *p, size_t at, size_t *ret_back)
{
	uint32_t first, *place, before;

	if (p->len - at < MIN_AGAIN)
		return 0;
	memcpy(&first, p->text + at, sizeof(first));
	place = &p->places[first * UINT32_C(2654435761) >> (32 - PLACES_LOG2)];
	before = *place;
	*place = (uint32_t)at + 1;
	if (before == 0 || at + 1 - before > MAX_BACK)
		return 0;
	*ret_back = at + 1 - before;
	return same_len(p, before - 1, at);
}

/* Writes what stands for the characters from `at` on, and returns for how many. */
static size_t pack_some(struct packing *p, size_t at, char *out, size_t *n)
{
	size_t back = 0;
	const size_t again = find_again(p, at, &back);
	const size_t phrase = find_phrase(p->text + at, p->len - at);
	const size_t phrase_len = phrase ? phrases[phrase - 1].len : 0;

	if (phrase && phrase_len + AGAIN_BYTES > again) {
		out[(*n)++] = (char)phrase;
		return phrase_len;
	}
	if (!again) {
		assert((unsigned char)p->text[at] >= ' ');
		out[(*n)++] = p->text[at];
		return 1;
	}
	out[(*n)++] = AGAIN;
	out[(*n)++] = (char)(again - MIN_AGAIN + 1);
	out[(*n)++] = (char)(back % DIGIT + 1);
	out[(*n)++] = (char)(back / DIGIT + 1);
	return again;
}

size_t api_text_pack(char *text, size_t len)
{
	_cleanup_(freep) char *out = xmalloc(len);
	struct packing p = {.text = text, .len = len};
	size_t n = 0;

	assert(len < UINT32_MAX);
	for (size_t i = 0; i < len;)
		i += pack_some(&p, i, out, &n);
	assert(n <= len);
	memcpy(text, out, n);
	return n;
}

/* What stood before, behind `begin`; in pieces, for it may reach into itself. */
static void add_again(struct strbuf *out, size_t begin, const unsigned char token[AGAIN_BYTES])
{
	const size_t back = token[2] - 1u + (token[3] - 1u) * DIGIT;
	char piece[MAX_AGAIN];

	assert(back > 0 && (out->truncated || back <= out->len - begin));
	for (size_t left = token[1] - 1u + MIN_AGAIN; left > 0 && !out->truncated;) {
		const size_t n = left < back ? left : back;

		memcpy(piece, out->data + out->len - back, n);
		strbuf_add_len(out, piece, n);
		left -= n;
	}
}

void api_text_unpack(struct strbuf *out, const char *packed, size_t len)
{
	const size_t begin = out->len;

	for (size_t i = 0; i < len;) {
		const unsigned char c = (unsigned char)packed[i];
		size_t plain = 0;

		if (c == AGAIN) {
			assert(len - i >= AGAIN_BYTES);
			add_again(out, begin, (const unsigned char *)packed + i);
			i += AGAIN_BYTES;
			continue;
		}
		if (c <= ARRAY_SIZE(phrases)) {
			strbuf_add_len(out, phrases[c - 1].text, phrases[c - 1].len);
			i++;
			continue;
		}
		while (i + plain < len && (unsigned char)packed[i + plain] >= ' ')
			plain++;
		strbuf_add_len(out, packed + i, plain);
		i += plain;
	}
}
