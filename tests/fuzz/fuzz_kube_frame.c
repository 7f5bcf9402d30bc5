// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The frames between feeder and agent: what decodes lies within the input, and written again it is
 * the same octets.
 */
#include "kube/kube_frame.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(const struct kube_text *t, const uint8_t *from, const uint8_t *to)
{
	assert(t->len == 0 ||
	       ((const uint8_t *)t->text >= from && (const uint8_t *)t->text + t->len <= to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_frame f;
	size_t taken;

	while (size > 0) {
		const enum kube_decoded d = kube_frame_decode(data, size, &f, &taken);
		struct strbuf out;

		if (d == KUBE_DECODED_BAD || d == KUBE_DECODED_MORE)
			return 0;
		assert(taken >= KUBE_FRAME_HEAD_BYTES && taken <= size);
		if (d == KUBE_DECODED) {
			check_within(&f.ns, data, data + taken);
			check_within(&f.name, data, data + taken);
			check_within(&f.text, data, data + taken);
			for (size_t i = 0; i < f.n_kinds; i++)
				check_within(&f.kinds[i], data, data + taken);
			strbuf_init(&out, KUBE_FRAME_BYTES);
			kube_frame_encode(&out, &f);
			/* Of another version's hello only the beginning is read. */
			assert(out.len == taken || f.type == KUBE_FRAME_HELLO);
			if (out.len == taken)
				assert(memcmp(out.data, data, taken) == 0);
			strbuf_done(&out);
		}
		data += taken;
		size -= taken;
	}
	return 0;
}
