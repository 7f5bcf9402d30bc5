// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The phrases of api/text_pack.h. At each place the longest that fits is taken; what saves nothing
 * is no phrase. The packed form lives in memory only, so the list may change at will.
 */
#include "api/text_pack.h"

#include <assert.h>
#include <string.h>

static const char *const phrases[] = {
	"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": ",
	"{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"metadata\": {\"name\": ",
	"{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {",
	"{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", \"metadata\": {",
	", \"namespace\": ",
	", \"labels\": {\"",
	", \"annotations\": {\"",
	"kubernetes.io/service-name\": ",
	"}, \"addressType\": ",
	", \"ports\": [{\"name\": ",
	", \"endpoints\": [{\"addresses\": [",
	"}}, {\"addresses\": [",
	"], \"nodeName\": ",
	"], \"conditions\": {\"ready\": true",
	", \"conditions\": {\"ready\": true",
	", \"serving\": true, \"terminating\": false",
	"}, \"nodeName\": ",
	", \"targetRef\": {\"kind\": Pod, \"name\": ",
	"}, \"spec\": {\"",
	"\"type\": LoadBalancer",
	", \"selector\": {\"",
	", \"port\": ",
	", \"targetPort\": ",
	", \"nodePort\": ",
	", \"protocol\": TCP",
	"}, {\"name\": ",
	"]}, \"status\": {\"loadBalancer\": {\"ingress\": [{\"ip\": ",
	"\"uid\": ",
	"\"creationTimestamp\": ",
	"app.kubernetes.io/",
	"}}]}",
};
_Static_assert(ARRAY_SIZE(phrases) < ' ', "each has a control character but NUL");

/* The phrase that the text begins with, 0 if none. */
static size_t find_phrase(const char *text, size_t len)
{
	size_t best = 0, best_len = 1;

	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
		size_t n = strlen(phrases[i]);

		if (phrases[i][0] == text[0] && n > best_len && n <= len &&
		    memcmp(text, phrases[i], n) == 0) {
			best = i + 1;
			best_len = n;
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
			i += strlen(phrases[phrase - 1]);
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
			strbuf_add(out, phrases[c - 1]);
		else
			strbuf_add_len(out, packed + i, 1);
	}
}
