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
static const struct phrase phrases[] = {
	PHRASE("{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": "),
	PHRASE("{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"metadata\": {\"name\": "),
	PHRASE("{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {"),
	PHRASE("{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"metadata\": {"),
	PHRASE(", \"namespace\": "),
	PHRASE(", \"labels\": {\""),
	PHRASE(", \"annotations\": {\""),
	PHRASE("kubernetes.io/service-name\": "),
	PHRASE("}, \"addressType\": "),
	PHRASE(", \"ports\": [{\"name\": "),
	PHRASE(", \"endpoints\": [{\"addresses\": ["),
	PHRASE("}}, {\"addresses\": ["),
	PHRASE("], \"nodeName\": "),
	PHRASE("], \"conditions\": {\"ready\": true"),
	PHRASE(", \"conditions\": {\"ready\": true"),
	PHRASE(", \"serving\": true, \"terminating\": false"),
	PHRASE("}, \"nodeName\": "),
	PHRASE(", \"targetRef\": {\"kind\": Pod, \"name\": "),
	PHRASE("}, \"spec\": {\""),
	PHRASE("\"type\": LoadBalancer"),
	PHRASE(", \"selector\": {\""),
	PHRASE(", \"port\": "),
	PHRASE(", \"targetPort\": "),
	PHRASE(", \"nodePort\": "),
	PHRASE(", \"protocol\": TCP"),
	PHRASE("}, {\"name\": "),
	PHRASE("]}, \"status\": {\"loadBalancer\": {\"ingress\": [{\"ip\": "),
	PHRASE("\"uid\": "),
	PHRASE("\"creationTimestamp\": "),
	PHRASE("app.kubernetes.io/"),
	PHRASE("}}]}"),
};
_Static_assert(ARRAY_SIZE(phrases) < ' ', "each has a control character but NUL");

/* Most places of a text are the beginning of none, and this is asked of each. */
static bool may_begin(char c)
{
	switch (c) {
	case '{':
	case '}':
	case ']':
	case ',':
	case '"':
	case 'a':
	case 'k':
		return true;
	default:
		return false;
	}
}

/* The phrase that the text begins with, 0 if none. */
static size_t find_phrase(const char *text, size_t len)
{
	size_t best = 0, best_len = 1;

	if (!may_begin(text[0]))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
		const struct phrase *p = &phrases[i];

		assert(may_begin(p->text[0]));
		if (p->text[0] == text[0] && p->len > best_len && p->len <= len &&
		    memcmp(text, p->text, p->len) == 0) {
			best = i + 1;
			best_len = p->len;
		}
	}
	return best;
}

size_t api_text_pack(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		size_t phrase = find_phrase(text + i, len - i);

		assert((unsigned char)text[i] >= ' ');
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
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)packed[i];

		if (c > 0 && c <= ARRAY_SIZE(phrases))
			strbuf_add_len(out, phrases[c - 1].text, phrases[c - 1].len);
		else
			strbuf_add_len(out, packed + i, 1);
	}
}
