// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One capture of packets at a time. The programs that capture are loaded by the helper and take the
 * place of the others at all hooks, without a gap; when it is over they go, and with them their
 * ring buffer. They stop capturing by themselves some time after their end, so an agent that dies
 * leaves nothing that goes on; the next one puts its own programs in their place.
 */
#pragma once

#include "base/addr.h"
#include "base/nsec.h"
#include "lb/lb.h"

#include <stdbool.h>

struct bpf_hooks;
struct bpf_kept;
struct lb_tables;
struct worker;

#define BPF_CAPTURE_VIPS  32u
#define BPF_CAPTURE_BYTES 1536u /* of a frame that can be kept */

/* All is copied. */
struct bpf_capture_asked {
	const struct lb_key *vips; /* their domain is not looked at; port 0: all of the address */
	size_t n_vips;             /* up to BPF_CAPTURE_VIPS; 0: all VIPs */
	struct ip_prefix clients;  /* none: all */
	bool requests, replies;
	uint64_t reasons; /* bits by lb_drops.h: only what was counted by one; 0: all */
	uint32_t bytes;   /* of a frame that are kept */
	nsec_t length;    /* the programs capture no longer */
};

enum bpf_captured_point {
	BPF_CAPTURED_REQUEST, /* as it arrived */
	BPF_CAPTURED_REQUEST_SENT,
	BPF_CAPTURED_REPLY,
	BPF_CAPTURED_REPLY_SENT,
};
struct bpf_captured {
	nsec_t at; /* of clock_now() */
	enum bpf_captured_point point;
	int ifindex;
	uint64_t reasons; /* that it was counted by */
	bool is_dropped;
	struct ip_addr backend; /* that it goes to; none: no backend */
	uint16_t backend_port;
	uint32_t ip_off; /* of the IP header; with a tunnel's packet, of that inside */
	uint32_t len, kept;
	const uint8_t *bytes; /* `kept` of them, as long as the callback */
};

struct bpf_capture;

/* All is borrowed and outlives it. The worker may be NULL: then begin() does all by itself. */
struct bpf_capture *bpf_capture_new(const struct bpf_kept *maps, struct bpf_hooks *hooks,
				    const struct lb_tables *tables, const char *pin_dir);
void bpf_capture_use_worker(struct bpf_capture *c, struct worker *worker);
/* Before the hooks are freed, which then have their own programs again. NULL is fine. */
struct bpf_capture *bpf_capture_free(struct bpf_capture *c);

/* 0, and the programs are on their way; -EBUSY: another one is not over yet. */
int bpf_capture_begin(struct bpf_capture *c, const struct bpf_capture_asked *asked) must_check;
/*
 * 0: all devices have the programs; -EINPROGRESS: not yet; -ENOENT: there is none; another -errno:
 * they could not be loaded.
 */
int bpf_capture_state(struct bpf_capture *c) must_check;
/* Frames that are there, at most so many; how many those were. */
typedef void (*bpf_captured_cb)(void *ctx, const struct bpf_captured *frame);
size_t bpf_capture_read(struct bpf_capture *c, size_t most, bpf_captured_cb cb, void *ctx);
/* Frames that it did not take although they were meant, and that it did not look at. */
void bpf_capture_missed(const struct bpf_capture *c, uint64_t *ret_missed, uint64_t *ret_unseen);
/* Ends it, and it is over for whoever asked. To be called also after an error of its state. */
void bpf_capture_end(struct bpf_capture *c);
/* Now and then: gives back what an ended one had, once nothing of it is attached. */
void bpf_capture_tick(struct bpf_capture *c);
