// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a capture has taken, as a pcapng file in pieces: whoever takes one (`piece`) empties it. In
 * it frames have the comment of what became of them, from the plan in force and the data plane.
 */
#pragma once

#include "base/pcapng.h"
#include "sys/bpf_capture.h"

struct agent;
struct capture_seen;

#define CAPTURE_FILE_FRAMES 128u /* that a piece has room for */

struct capture_file {
	const struct agent *agent; /* borrowed */
	uint32_t snaplen;
	uint64_t wall_ns;          /* of clock_now() 0, since 1970 */
	struct capture_seen *seen; /* by the number of an interface; owned */
	size_t n_seen, cap_seen;
	uint32_t n_packets; /* each is one frame or more */
	uint64_t n_frames;
	struct strbuf piece;
	/* Of the request that was added last, for what becomes of it: its backend. */
	struct ip_addr backend;
	uint16_t backend_port;
	const char *node; /* of the plan's; NULL: not known */
};

void capture_file_begin(struct capture_file *c, const struct agent *a, uint32_t snaplen);
void capture_file_frame(struct capture_file *c, const struct bpf_captured *f);
/* The turn ends, and with it what is known of the plan. */
void capture_file_turn(struct capture_file *c);
/* The last piece: how many frames there are, and how many there should have been more. */
void capture_file_end(struct capture_file *c, uint64_t missed);
/* Frees what it owns; zeros are fine. */
void capture_file_done(struct capture_file *c);
