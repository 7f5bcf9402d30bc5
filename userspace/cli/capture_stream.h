// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The agent's stream of a capture, cut into what is the file's and what is said of it, however its
 * octets come. Pure but for where the file's go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CAPTURE_LINE_BYTES 1024u

struct capture_stream {
	/* False: the octets of the file cannot be written, and the stream is over. */
	bool (*put)(void *ctx, const char *data, size_t len);
	void *ctx;
	/* The rest is the stream's; begin with zeros. */
	char line[CAPTURE_LINE_BYTES]; /* under way; at the end the last one */
	size_t line_len, left;         /* of it, and octets of the file still to come */
	bool has_first;                /* the first line was there, and announces something */
	bool is_over;                  /* the last line is in `line`, or the refusal */
	bool is_bad;                   /* what comes is no such stream */
};

/* False: nothing more is wanted, for one of the reasons above. */
bool capture_stream_take(struct capture_stream *s, const char *data, size_t len);
