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
static const bool begins[256] = {
	['{'] = true, ['}'] = true, [']'] = true, [','] = true,
	['"'] = true, ['a'] = true, ['k'] = true,
};

static bool may_begin(char c)
{
	return begins[(unsigned char)c];
}

/* The second character tells most of those apart that begin alike. */
static bool is_at(const struct phrase *p, const char *text, size_t len)
{
	return p->len <= len && p->text[0] == text[0] && p->text[1] == text[1] &&
	       memcmp(text, p->text, p->len) == 0;
}

/* The phrase that the text begins with, 0 if none. */
static size_t find_phrase(const char *text, size_t len)
{
	size_t best = 0, best_len = 1;

	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
		const struct phrase *p = &phrases[i];

		assert(may_begin(p->text[0]));
		if (p->len > best_len && is_at(p, text, len)) {
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

	while (n < len && !may_begin(text[n])) {
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
