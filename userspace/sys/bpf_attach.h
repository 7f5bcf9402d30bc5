// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The hooks of one device: xdp_lb at its XDP hook, tc_reply first at its egress and tc_nat at its
 * ingress, by links that are pinned under the device's index, so that they outlive the agent. A
 * pinned link is adopted by giving it the new program, which no packet notices; one whose device is
 * gone is put away. When another program has come before ours at tc, ours is put there anew before
 * the one behind is taken away: at no time is there none.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

/* What was refused, in words; failure == NULL: nothing. */
struct bpf_refusal {
	const char *failure, *reason, *remedy;
};

enum bpf_hook { BPF_HOOK_XDP, BPF_HOOK_REPLY, BPF_HOOK_NAT, BPF_N_HOOKS };

struct bpf_hook_args {
	enum bpf_hook hook;
	const char *pin_dir;
	int ifindex;
	const char *name; /* of the device, for words */
	int prog_fd;
	/* tc: the program once more, for a list takes each but once: 0, and the fd is the caller's;
	 * or -errno */
	int (*load_again)(const void *programs, int *ret_fd);
	const void *programs;
	bool has_tcx;       /* tc: else clsact; bpf_tcx_is_there() */
	bool allow_generic; /* XDP: skb mode where the driver has none */
	struct arena *words;
};

/* 0 and whether it is generic mode; or -errno and *ret_refusal. */
int bpf_attach_xdp(const struct bpf_hook_args *args, bool *ret_generic,
		   struct bpf_refusal *ret_refusal) must_check;

/*
 * Attached and, read back, the first of its list. 0; or -errno and *ret_refusal: -EBUSY, when
 * another stays in front; ours then stays where it is.
 */
int bpf_attach_tc(const struct bpf_hook_args *args, struct bpf_refusal *ret_refusal) must_check;

/* Detaches and unpins one hook of a device; nothing there is fine. */
void bpf_detach(const char *pin_dir, int ifindex, enum bpf_hook hook);

/* Something of ours that hangs at a hook of a device, wherever it comes from. */
struct bpf_attached {
	int ifindex;
	enum bpf_hook hook;
	bool is_generic; /* XDP in skb mode */
};
typedef void (*bpf_attach_cb)(void *ctx, const struct bpf_attached *attached);

/* Calls back for all that an earlier run has left attached here. 0 or -errno of the first failure.
 */
int bpf_attach_each(const char *pin_dir, bpf_attach_cb cb, void *ctx) must_check;

/* Detaches what hangs on pinned links, except what keep() wants. 0 or -errno. */
typedef bool (*bpf_attach_keep)(const void *ctx, int ifindex, enum bpf_hook hook);
int bpf_attach_sweep(const char *pin_dir, bpf_attach_keep keep, const void *ctx);

/* Classic filters are not pinned: looks for ours on all devices of this namespace. 0 or -errno. */
int bpf_attach_sweep_filters(bpf_attach_keep keep, const void *ctx);
