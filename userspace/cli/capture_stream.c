// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Lines are JSON: the protocol's first, then {"bytes": N} with N octets behind it, then the last.
 */
#include "cli/capture_stream.h"

#include <cjson/cJSON.h>
#include <string.h>

#define BYTES_MAX (16u << 20) /* of one piece; what says more is no agent */

/* False: it is over. */
static bool take_line(struct capture_stream *s)
{
	cJSON *json = cJSON_Parse(s->line);
	const cJSON *bytes = cJSON_GetObjectItem(json, "bytes");
	const double n = cJSON_GetNumberValue(bytes);

	if (!cJSON_IsObject(json)) {
		s->is_bad = true;
	} else if (!s->has_first) {
		s->has_first = cJSON_IsTrue(cJSON_GetObjectItem(json, "ok"));
		s->is_over = !s->has_first;
	} else if (!bytes) {
		s->is_over = true;
	} else if (n >= 1 && n <= BYTES_MAX) {
		s->left = (size_t)n;
	} else {
		s->is_bad = true;
	}
	cJSON_Delete(json);
	s->line_len = 0;
	return !s->is_over && !s->is_bad;
}

/* Adds to the line; how much of the data that took. */
static size_t add_to_line(struct capture_stream *s, const char *data, size_t len,
			  bool *ret_is_whole)
{
	const char *end = memchr(data, '\n', len);
	const size_t n = end ? (size_t)(end - data) : len;

	*ret_is_whole = end != NULL;
	if (n >= sizeof(s->line) - s->line_len) {
		s->is_bad = true;
		return len;
	}
	memcpy(s->line + s->line_len, data, n);
	s->line_len += n;
	s->line[s->line_len] = '\0';
	return n + (end != NULL);
}

bool capture_stream_take(struct capture_stream *s, const char *data, size_t len)
{
	while (len > 0) {
		size_t n = s->left < len ? s->left : len;
		bool is_whole = false;

		if (n > 0) {
			if (!s->put(s->ctx, data, n))
				return false;
			s->left -= n;
		} else {
			n = add_to_line(s, data, len, &is_whole);
		}
		if (s->is_bad || (is_whole && !take_line(s)))
			return false;
		data += n;
		len -= n;
	}
	return true;
}
