// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A watch whose answers are the input: splitter, objects, store and the decisions behind them. The
 * first octet says which kind it is and how the answers come; each zero octet ends one of them,
 * the octet behind it says how and with which status the next begins. Whatever comes, the store
 * loses nothing but by a deletion or a complete picture, and what is told of it are whole frames.
 */
#include "kube/kube_feed.h"
#include "kube/kube_store.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct kube_store *store;
	struct kube_watch w;
	nsec_t now;
	size_t chunk;
};

static void open_next(struct run *r, uint8_t how)
{
	static const int statuses[] = {200, 200, 200, 410, 422, 404, 429, 504};
	struct kube_note head = {
		.what = KUBE_NOTE_HEAD, .status = statuses[how & 7], .retry_s = how >> 6};
	struct strbuf target;

	if (kube_watch_poll(&r->w, r->now) == KUBE_ASK_CLOSE)
		kube_watch_notify(&r->w, &(struct kube_note){.what = KUBE_NOTE_CLOSED}, r->now);
	r->now = nsec_add(r->now, 0) < r->w.at ? r->w.at : r->now;
	assert(kube_watch_poll(&r->w, r->now) == KUBE_ASK_OPEN);
	strbuf_init(&target, 1 << 24);
	kube_watch_transmit(&r->w, &target, r->now);
	assert(target.len > 0 && target.data[0] == '/');
	strbuf_done(&target);
	kube_watch_notify(&r->w, &head, r->now);
}

static void answer(struct run *r, const char *text, size_t len)
{
	while (len > 0) {
		const size_t n = len < r->chunk ? len : r->chunk;

		kube_watch_receive(&r->w, text, n, r->now);
		text += n;
		len -= n;
	}
}

static void end(struct run *r, uint8_t how)
{
	const struct kube_note note = {.what = how & 8 ? KUBE_NOTE_LOST : KUBE_NOTE_END,
				       .why = "cut"};

	r->now += (how & 16) ? NSEC_PER_SEC : 1;
	kube_watch_notify(&r->w, &note, r->now);
	if (how & 32)
		kube_watch_tick(&r->w, r->now += 100 * NSEC_PER_SEC);
}

static void tell(struct run *r)
{
	struct kube_feed feed = {0};
	struct strbuf out;
	size_t at = 0, taken, n = 0;
	struct kube_frame f;

	strbuf_init(&out, 1 << 26);
	kube_feed_begin(&feed, r->store);
	kube_feed_note(&feed, &r->w);
	while (kube_feed_is_due(&feed))
		kube_feed_transmit(&feed, &out, out.len + 1);
	while (at < out.len) {
		const enum kube_decoded d =
			kube_frame_decode(out.data + at, out.len - at, &f, &taken);

		assert(d == KUBE_DECODED);
		n += f.type == KUBE_FRAME_PUT;
		at += taken;
	}
	/* Of what this node has written itself the agent is told nothing. */
	assert(n == (r->w.kind < KUBE_N_TOLD ? kube_store_count(r->store, r->w.kind) : 0));
	strbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = {.now = 1000 * NSEC_PER_SEC};
	uint8_t how = 0;

	if (size < 1)
		return 0;
	r.store = kube_store_new();
	r.chunk = 1 + data[0] % 61;
	kube_watch_init(&r.w, &(struct kube_watch_args){.node = "node-a",
							.kind = data[0] % KUBE_N_KINDS,
							.ns = "ns",
							.store = r.store,
							.seed = 1});
	for (size_t at = 1; at < size;) {
		const uint8_t *zero = memchr(data + at, 0, size - at);
		const size_t stop = zero ? (size_t)(zero - data) : size;

		open_next(&r, how);
		answer(&r, (const char *)data + at, stop - at);
		how = stop + 1 < size ? data[stop + 1] : 0;
		end(&r, how);
		at = stop + 2;
	}
	tell(&r);
	kube_watch_done(&r.w);
	kube_store_free(r.store);
	return 0;
}
