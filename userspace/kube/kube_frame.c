// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Frames to structs and back. What is decoded is checked for all that the reader would have to
 * check: lengths, an empty name, states that do not exist.
 */
#include "kube/kube_frame.h"

#include "base/cursor.h"
#include "kube/kube_state.h"

#include <assert.h>

#define MAGIC       "LSKF"
#define MAGIC_BYTES 4

static void add_u8(struct strbuf *out, size_t v)
{
	const char c = (char)v;

	assert(v <= UINT8_MAX);
	strbuf_add_len(out, &c, 1);
}

static void add_short(struct strbuf *out, const struct kube_text *t)
{
	add_u8(out, t->len);
	strbuf_add_len(out, t->text, t->len);
}

static void add_u64(struct strbuf *out, uint64_t v)
{
	for (int i = 7; i >= 0; i--)
		add_u8(out, v >> (8 * i) & 0xff);
}

static void add_key(struct strbuf *out, const struct kube_frame *f)
{
	assert(f->name.len > 0); /* nor does one without be read */
	add_u8(out, f->ns.len);
	add_u8(out, f->name.len);
	strbuf_add_len(out, f->ns.text, f->ns.len);
	strbuf_add_len(out, f->name.text, f->name.len);
}

static void add_body(struct strbuf *out, const struct kube_frame *f)
{
	switch (f->type) {
	case KUBE_FRAME_HELLO:
		strbuf_add_len(out, MAGIC, MAGIC_BYTES);
		add_u8(out, f->version >> 8);
		add_u8(out, f->version & 0xff);
		for (size_t i = 0; i < f->n_kinds; i++)
			add_short(out, &f->kinds[i]);
		return;
	case KUBE_FRAME_PUT:
	case KUBE_FRAME_GONE:
		add_u8(out, f->kind);
		add_key(out, f);
		break;
	case KUBE_FRAME_COMPLETE:
		add_u8(out, f->kind);
		return;
	case KUBE_FRAME_STATE:
		add_u8(out, f->kind);
		add_u8(out, f->state);
		break;
	case KUBE_FRAME_HOLDER:
		add_u8(out, f->is_holder);
		return;
	case KUBE_FRAME_WISH:
		add_u8(out, f->wish);
		add_u64(out, f->seen);
		add_key(out, f);
		break;
	case KUBE_FRAME_REPORT:
		add_u8(out, f->report);
		add_key(out, f);
		break;
	case KUBE_FRAME_REPORTED:
		return;
	case KUBE_FRAME_ALLOCATOR:
		add_u8(out, f->is_holder);
		break;
	}
	if (f->type != KUBE_FRAME_GONE)
		strbuf_add_len(out, f->text.text, f->text.len);
}

void kube_frame_encode(struct strbuf *out, const struct kube_frame *frame)
{
	const size_t start = out->len;
	size_t len;

	strbuf_add_len(out, "\0\0\0", 4);
	add_u8(out, frame->type);
	add_body(out, frame);
	if (out->truncated)
		return;
	len = out->len - start - 4;
	assert(len + 4 <= KUBE_FRAME_BYTES);
	for (size_t i = 0; i < 4; i++)
		out->data[start + i] = (char)(len >> (24 - 8 * i));
}

/* --- decoding --------------------------------------------------------------------------------- */

static struct kube_text take(struct rcur *c, size_t len)
{
	const uint8_t *bytes = rcur_bytes(c, len);

	return (struct kube_text){.text = (const char *)bytes, .len = bytes ? len : 0};
}

static bool read_hello(struct rcur *c, struct kube_frame *f)
{
	const uint8_t *magic = rcur_bytes(c, MAGIC_BYTES);

	if (!magic || memcmp(magic, MAGIC, MAGIC_BYTES) != 0)
		return false;
	f->version = rcur_u16(c);
	/* What another version says behind it is not for us to read. */
	while (f->version == KUBE_FEED_VERSION && rcur_left(c) > 0) {
		if (f->n_kinds == KUBE_FEED_KINDS)
			return false;
		f->kinds[f->n_kinds++] = take(c, rcur_u8(c));
		if (c->failed || f->kinds[f->n_kinds - 1].len == 0)
			return false;
	}
	return !c->failed;
}

static bool read_key(struct rcur *c, struct kube_frame *f)
{
	const size_t ns_len = rcur_u8(c), name_len = rcur_u8(c);

	f->ns = take(c, ns_len);
	f->name = take(c, name_len);
	return !c->failed && name_len > 0 && name_len <= KUBE_NAME_BYTES &&
	       ns_len <= KUBE_NAME_BYTES && !memchr(f->name.text, '\0', name_len) &&
	       (ns_len == 0 || !memchr(f->ns.text, '\0', ns_len));
}

static bool read_wish(struct rcur *c, struct kube_frame *f)
{
	const uint8_t wish = rcur_u8(c);
	const uint64_t high = rcur_u32(c);

	f->wish = (enum kube_wish)wish;
	f->seen = high << 32 | rcur_u32(c);
	if (!read_key(c, f))
		return false;
	f->text = take(c, rcur_left(c));
	return wish >= KUBE_WISH_STATUS && wish <= KUBE_WISH_EVENT &&
	       f->text.len <= KUBE_WISH_BYTES;
}

static bool read_report(struct rcur *c, struct kube_frame *f)
{
	const uint8_t report = rcur_u8(c);

	f->report = (enum kube_report)report;
	if (!read_key(c, f))
		return false;
	f->text = take(c, rcur_left(c));
	return report >= KUBE_REPORT_SERVICE && report < KUBE_N_REPORTS &&
	       f->text.len <= KUBE_REPORT_BYTES;
}

static bool read_holder(struct rcur *c, struct kube_frame *f)
{
	const uint8_t is_holder = rcur_u8(c);

	f->is_holder = is_holder;
	return !c->failed && is_holder <= 1 && rcur_left(c) == 0;
}

static bool read_allocator(struct rcur *c, struct kube_frame *f)
{
	const uint8_t is_there = rcur_u8(c);

	f->is_holder = is_there;
	f->text = take(c, rcur_left(c));
	return !c->failed && is_there <= 1 && f->text.len <= KUBE_WHY_BYTES;
}

static bool read_body(struct rcur *c, struct kube_frame *f)
{
	if (f->type == KUBE_FRAME_HELLO)
		return read_hello(c, f);
	if (f->type == KUBE_FRAME_WISH)
		return read_wish(c, f);
	if (f->type == KUBE_FRAME_HOLDER)
		return read_holder(c, f);
	if (f->type == KUBE_FRAME_ALLOCATOR)
		return read_allocator(c, f);
	if (f->type == KUBE_FRAME_REPORT)
		return read_report(c, f);
	if (f->type == KUBE_FRAME_REPORTED)
		return !c->failed && rcur_left(c) == 0;
	f->kind = rcur_u8(c);
	if (f->kind >= KUBE_FEED_KINDS)
		return false;
	if (f->type == KUBE_FRAME_PUT || f->type == KUBE_FRAME_GONE)
		if (!read_key(c, f))
			return false;
	if (f->type == KUBE_FRAME_STATE)
		f->state = rcur_u8(c);
	if (f->type == KUBE_FRAME_STATE || f->type == KUBE_FRAME_PUT)
		f->text = take(c, rcur_left(c));
	if (f->type == KUBE_FRAME_STATE && (f->state > KUBE_ABSENT || f->text.len > KUBE_WHY_BYTES))
		return false;
	if (f->type == KUBE_FRAME_PUT && f->text.len == 0)
		return false;
	return !c->failed && rcur_left(c) == 0;
}

enum kube_decoded kube_frame_decode(const void *data, size_t len, struct kube_frame *ret,
				    size_t *ret_taken)
{
	struct rcur c = rcur_init(data, len);
	const size_t size = rcur_u32(&c);
	struct kube_frame f = {0};
	struct rcur body;
	uint8_t type;

	if (c.failed)
		return KUBE_DECODED_MORE;
	if (size < 1 || size > KUBE_FRAME_BYTES - 4)
		return KUBE_DECODED_BAD;
	if (rcur_left(&c) < size)
		return KUBE_DECODED_MORE;
	body = rcur_sub(&c, size);
	type = rcur_u8(&body);
	if (type < KUBE_FRAME_HELLO || type > KUBE_FRAME_ALLOCATOR) {
		*ret_taken = 4 + size;
		return KUBE_DECODED_SKIP;
	}
	f.type = (enum kube_frame_type)type;
	if (!read_body(&body, &f))
		return KUBE_DECODED_BAD;
	*ret = f;
	*ret_taken = 4 + size;
	assert(*ret_taken <= len);
	return KUBE_DECODED;
}

bool kube_text_is(const struct kube_text *t, const char *word)
{
	return strlen(word) == t->len && memcmp(t->text, word, t->len) == 0;
}
