// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The phrases of api/text_pack.h. At each place the longest that fits is taken; what saves nothing
 * is no phrase. The packed form lives in memory only, so the list may change at will.
 */
#include "api/text_pack.h"

#include <assert.h>
#include <string.h>

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
	PHRASE("app.kubernetes.io/"),
};
_Static_assert(ARRAY_SIZE(phrases) < ' ', "each has a control character but NUL");

/* By the first character: most places of a text are the beginning of none. */
static const struct {
	unsigned char from, n;
} begins[256] = {
	['{'] = {0, 4},  [','] = {4, 13}, ['k'] = {17, 1}, ['}'] = {18, 6},
	[']'] = {24, 3}, ['"'] = {27, 3}, ['a'] = {30, 1},
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

/* How many characters from here on begin no phrase. */
static size_t plain_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && begins[(unsigned char)text[n]].n == 0) {
		assert((unsigned char)text[n] >= ' ');
		n++;
	}
	return n;
}

size_t api_text_pack(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		size_t plain = plain_len(text + i, len - i), phrase;

		if (n != i)
			memmove(text + n, text + i, plain);
		n += plain;
		i += plain;
		if (i == len)
			break;
		phrase = find_phrase(text + i, len - i);
		if (phrase > 0) {
			text[n++] = (char)phrase;
			i += phrases[phrase - 1].len;
		} else {
			text[n++] = text[i++];
		}
	}
	assert(n <= len); /* in place */
	return n;
}

void api_text_unpack(struct strbuf *out, const char *packed, size_t len)
{
	for (size_t i = 0; i < len;) {
		const unsigned char c = (unsigned char)packed[i];
		size_t plain = 0;

		if (c > 0 && c <= ARRAY_SIZE(phrases)) {
			strbuf_add_len(out, phrases[c - 1].text, phrases[c - 1].len);
			i++;
			continue;
		}
		while (i + plain < len && (packed[i + plain] == '\0' ||
					   (unsigned char)packed[i + plain] > ARRAY_SIZE(phrases)))
			plain++;
		strbuf_add_len(out, packed + i, plain);
		i += plain;
	}
}
