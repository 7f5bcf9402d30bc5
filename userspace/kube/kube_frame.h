// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the feeder and the agent say to each other over their socket: frames of a length (four
 * octets, of all behind it), a type (one octet) and what belongs to it. Integers are big-endian.
 *
 *   hello     both, first of all: four octets "LSKF", version (2), then of the feeder the names of
 *             the kinds that it will tell of, each with its length (1) before it
 *   put       kind (1, a place in that list), lengths of namespace (1) and name (1), both, and the
 *             object as one document of JSON
 *   gone      kind, lengths of namespace and name, both
 *   complete  kind: every object of it that is there was put on this connection
 *   state     kind, enum kube_state (1), and why it is so in words
 *   holder    of the feeder: whether it is to be told what Services are to have (1: 0 or 1)
 *   wish      of the agent: enum kube_wish (1), a number (8), lengths of namespace and name of a
 *             Service, both, and what is to be written, as JSON; nothing: that is not wished any
 *             more. The number says how many puts and gones of this connection were known to
 *             whoever wishes: if the object was told of later, the wish is forgotten.
 *
 *   report    of the agent: enum kube_report (1), lengths of namespace (1) and name (1), both, and
 * what is to be told of it in an object of the API server, as JSON; nothing: no more is reported of
 * the agent: all that is to be told of anything was reported on this connection
 *
 *   allocator of the feeder: whether some node is there that says what Services are to have (1: 0
 * or 1), and why this one does not where none is
 *
 * The hello is the same in all versions. A frame of a type that is not known is skipped, so that a
 * newer feeder may say more; what changes the meaning of the others takes another version.
 */
#pragma once

#include "base/limits.h"
#include "base/strbuf.h"
#include "kube/kube_kinds.h"

#include <stdbool.h>
#include <stdint.h>

#define KUBE_FEED_VERSION     1
#define KUBE_FEED_KINDS       32
#define KUBE_FRAME_HEAD_BYTES 5
#define KUBE_FRAME_BYTES      (LIMIT_DOCUMENT_BYTES + 1024) /* at most, with the head */
#define KUBE_NAME_BYTES       253                           /* of an object (RFC 1123) */
#define KUBE_WHY_BYTES        255

enum kube_frame_type {
	KUBE_FRAME_HELLO = 1,
	KUBE_FRAME_PUT = 2,
	KUBE_FRAME_GONE = 3,
	KUBE_FRAME_COMPLETE = 4,
	KUBE_FRAME_STATE = 5,
	KUBE_FRAME_HOLDER = 6,
	KUBE_FRAME_WISH = 7,
	KUBE_FRAME_REPORT = 8,
	KUBE_FRAME_REPORTED = 9,
	KUBE_FRAME_ALLOCATOR = 10,
};

/* What is to be written of a Service. */
enum kube_wish {
	KUBE_WISH_STATUS = 1, /* a merge patch of metadata.annotations and status, by the holder */
	KUBE_WISH_EVENT = 2,  /* {type, reason, message}, once */
};
#define KUBE_WISH_BYTES 4096 /* of its text */

/* What is told of this node in objects of its own, and by who allocates in those of users. */
enum kube_report {
	KUBE_REPORT_SERVICE = 1,       /* {labels, status} of a ServiceBGPStatus */
	KUBE_REPORT_CONFIGURATION = 2, /* {labels, status} of a ConfigurationState */
	KUBE_REPORT_SESSION = 3,       /* {labels, status} of a BGPSessionState */
	KUBE_REPORT_POOL = 4,          /* {status} of the IPAddressPool of that name */
	KUBE_REPORT_PEER = 5,          /* {status} of the BGPPeer */
	KUBE_REPORT_ADVERTISEMENT = 6, /* {status} of the BGPAdvertisement */
	/* {labels, status} of a ConfigurationState that goes from one allocator to the next */
	KUBE_REPORT_ALLOCATOR = 7,
};
#define KUBE_N_REPORTS    8
#define KUBE_REPORT_BYTES 32768 /* of its text */

/* Borrowed from whoever gave it; no NUL behind it. */
struct kube_text {
	const char *text;
	size_t len;
};

struct kube_frame {
	enum kube_frame_type type;
	uint16_t version;                        /* hello */
	struct kube_text kinds[KUBE_FEED_KINDS]; /* hello */
	size_t n_kinds;
	uint8_t kind, state; /* state: enum kube_state */
	bool is_holder;      /* holder; of allocator: there is one */
	enum kube_wish wish; /* wish */
	enum kube_report report;
	uint64_t seen; /* wish: so many puts and gones */
	struct kube_text ns, name;
	struct kube_text text; /* of put, wish and report; of state and allocator: why */
};

/* Appends a frame; what it holds must be within the bounds above. */
void kube_frame_encode(struct strbuf *out, const struct kube_frame *frame);

enum kube_decoded {
	KUBE_DECODED,      /* *ret, which borrows from data */
	KUBE_DECODED_MORE, /* it goes on behind the data */
	KUBE_DECODED_SKIP, /* of a type that is not known here */
	KUBE_DECODED_BAD,  /* no frame: the connection is of no use any more */
};

/* The frame at the start of data; *ret_taken: its length, unless it is bad or more is needed. */
enum kube_decoded kube_frame_decode(const void *data, size_t len, struct kube_frame *ret,
				    size_t *ret_taken) must_check;

bool kube_text_is(const struct kube_text *t, const char *word);
