// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Cursors over wire bytes. One function on each side decides whether there is room (take, give);
 * everything else goes through it, so there is one bounds check to be right about. Bytes are put
 * together by shifts: alignment and the host's byte order do not matter.
 */
#include "base/cursor.h"

#include <assert.h>
#include <string.h>

/* The next len bytes, or NULL and the cursor has failed for good. */
static const uint8_t *take(struct rcur *c, size_t len)
{
	const uint8_t *ret = c->at;

	assert(c->at <= c->end);
	if (c->failed || rcur_left(c) < len) {
		c->failed = true;
		return NULL;
	}
	c->at += len;
	return ret;
}

uint8_t rcur_u8(struct rcur *c)
{
	const uint8_t *b = take(c, 1);

	return b ? b[0] : 0;
}

uint16_t rcur_u16(struct rcur *c)
{
	const uint8_t *b = take(c, 2);

	return (uint16_t)(b ? b[0] << 8 | b[1] : 0);
}

uint32_t rcur_u32(struct rcur *c)
{
	const uint8_t *b = take(c, 4);

	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

const uint8_t *rcur_bytes(struct rcur *c, size_t len)
{
	return take(c, len);
}

struct rcur rcur_sub(struct rcur *c, size_t len)
{
	const uint8_t *b = take(c, len);

	if (c->failed)
		return (struct rcur){.at = c->at, .end = c->at, .failed = true};
	return (struct rcur){.at = b, .end = c->at};
}

/* Room for len bytes, or NULL and the cursor has failed for good. */
static uint8_t *give(struct wcur *c, size_t len)
{
	uint8_t *ret = c->at;

	assert(c->start <= c->at && c->at <= c->end);
	if (c->failed || wcur_room(c) < len) {
		c->failed = true;
		return NULL;
	}
	c->at += len;
	return ret;
}

static void put_u16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

void wcur_u8(struct wcur *c, uint8_t v)
{
	uint8_t *b = give(c, 1);

	if (b)
		*b = v;
}

void wcur_u16(struct wcur *c, uint16_t v)
{
	uint8_t *b = give(c, 2);

	if (b)
		put_u16(b, v);
}

void wcur_u32(struct wcur *c, uint32_t v)
{
	uint8_t *b = give(c, 4);

	if (b) {
		put_u16(b, (uint16_t)(v >> 16));
		put_u16(b + 2, (uint16_t)v);
	}
}

void wcur_bytes(struct wcur *c, const void *data, size_t len)
{
	uint8_t *b = give(c, len);

	if (b && len)
		memcpy(b, data, len);
}

/* A failed cursor may never have reached the field; its output is thrown away anyway. */
void wcur_patch_u8(struct wcur *c, size_t offset, uint8_t v)
{
	if (c->failed)
		return;
	assert(offset < wcur_len(c));
	c->start[offset] = v;
}

void wcur_patch_u16(struct wcur *c, size_t offset, uint16_t v)
{
	if (c->failed)
		return;
	assert(wcur_len(c) >= 2 && offset <= wcur_len(c) - 2);
	put_u16(c->start + offset, v);
}
