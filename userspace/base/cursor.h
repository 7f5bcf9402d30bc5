// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Cursors over bytes of a wire format. A read cursor never reads past its end and a write cursor
 * never past its room: both turn "failed" and stay so, and the caller asks once at the end. A
 * nested length gets a cursor of its own (rcur_sub), never the remainder of its parent: most parser
 * CVEs of the field are exactly that mistake. Integers are big-endian on the wire, host order here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rcur {
	const uint8_t *at, *end;
	bool failed;
};

struct wcur {
	uint8_t *start, *at, *end;
	bool failed;
};

static inline struct rcur rcur_init(const void *data, size_t len)
{
	return (struct rcur){.at = data, .end = (const uint8_t *)data + len};
}
static inline size_t rcur_left(const struct rcur *c)
{
	return (size_t)(c->end - c->at);
}

/* Each yields 0 (or NULL, or an empty failed cursor) once the cursor has failed. */
uint8_t rcur_u8(struct rcur *c);
uint16_t rcur_u16(struct rcur *c);
uint32_t rcur_u32(struct rcur *c);
const uint8_t *rcur_bytes(struct rcur *c, size_t len); /* borrowed view into the input */
struct rcur rcur_sub(struct rcur *c, size_t len);

static inline struct wcur wcur_init(void *buf, size_t cap)
{
	return (struct wcur){.start = buf, .at = buf, .end = (uint8_t *)buf + cap};
}
static inline size_t wcur_len(const struct wcur *c)
{
	return (size_t)(c->at - c->start);
}
static inline size_t wcur_room(const struct wcur *c)
{
	return (size_t)(c->end - c->at);
}
void wcur_u8(struct wcur *c, uint8_t v);
void wcur_u16(struct wcur *c, uint16_t v);
void wcur_u32(struct wcur *c, uint32_t v);
void wcur_bytes(struct wcur *c, const void *data, size_t len);

/* Overwrites an earlier length field: `at` must come from wcur_u8/u16's position before writing. */
void wcur_patch_u8(struct wcur *c, size_t offset, uint8_t v);
void wcur_patch_u16(struct wcur *c, size_t offset, uint16_t v);
