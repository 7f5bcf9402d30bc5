// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `lodectl top` without its terminal: answers of the agent go in, one a second, and a screen of a
 * given size comes out as text. Pure, so that a screen is a golden text. What the keys do is here,
 * too; reading them is top_run's.
 */
#pragma once

#include "base/strbuf.h"
#include "cli/tone.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define TOP_HISTORY 60 /* samples that are remembered of each frontend */

struct top_vip {
	const char *vip, *service;    /* "192.0.2.1:80/TCP"; "NS/NAME" */
	double packets, bytes, begun; /* counters of the last sample; NaN: not known */
	double packet_rate, bit_rate, flows;
	unsigned ready, backends;
	bool announced;
	uint32_t n_history;
	float history[TOP_HISTORY]; /* of packets a second, the last one last */
};

struct top_peer {
	const char *name, *state, *bfd;
};

struct top_drop {
	const char *reason;
	double rate;
};

/* The last sample, with what it differs in from the one before. All is the arena's. */
struct top {
	struct arena *arena;
	cJSON *status;
	struct top_vip *vips; /* by vip */
	size_t n_vips;
	struct top_peer *peers;
	size_t n_peers;
	struct top_drop *drops; /* that grow, the fastest first */
	size_t n_drops;
	double packet_rate, bit_rate, drop_rate;
	double flow_rate;    /* of flows that begin */
	bool has_rates;      /* there was one before */
	bool has_flow_rates; /* ... of these, which older agents do not tell */
};

/* Zero it before the first; bodies are those of status, show peers and show services. */
void top_feed(struct top *t, const cJSON *status, const cJSON *peers, const cJSON *services);
void top_done(struct top *t);

enum top_order { TOP_BY_PACKETS, TOP_BY_BITS, TOP_BY_FLOWS, TOP_BY_NAME, N_TOP_ORDERS };

struct top_view {
	unsigned columns, rows; /* of the screen */
	bool has_colour;
	bool has_blocks; /* the terminal shows UTF-8 */
	enum top_order order;
	unsigned first; /* frontends that were scrolled away */
	bool is_paused, shows_help;
	const char *error; /* why there is no newer sample; NULL: there is one */
};

#define TOP_KEY_UP   256
#define TOP_KEY_DOWN 257
/* What a key changes of the view; false: it ends the program. */
bool top_key(struct top_view *view, int key);

/*
 * Adds exactly view->rows lines, none longer than view->columns places, the last without its end.
 * What was scrolled beyond the end is scrolled back.
 */
void top_draw(const struct top *t, struct top_view *view, struct strbuf *out);
