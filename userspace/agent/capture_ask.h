// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a capture is asked for, from its request: {"service", "namespace", "vip", "port", "client",
 * "direction", "dropped", "reason", "packets", "seconds", "snaplen"}. What is missing or null is
 * not asked for, or has its default (base/capture.h). Pure.
 */
#pragma once

#include "plan/plan.h"
#include "sys/bpf_capture.h"

#include <cjson/cJSON.h>

struct capture_ask {
	struct bpf_capture_asked asked; /* its VIPs are those below */
	struct lb_key vips[BPF_CAPTURE_VIPS];
	uint32_t packets;
};

/* NULL, or why not, in words. *ret is not to be copied. */
const char *capture_ask_read(const cJSON *request, const struct plan *plan,
			     struct capture_ask *ret);
