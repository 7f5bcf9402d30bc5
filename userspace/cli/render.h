// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The body of a reply in the format that was asked for. Tables are described by data: per thing to
 * show a list of {title, key, cell formatter, only wide}.
 */
#pragma once

#include "base/strbuf.h"
#include "cli/cli_args.h"

#include <cjson/cJSON.h>

/* Adds the whole output to *out, ending in a newline. */
void render(const struct cli_args *args, const cJSON *body, struct strbuf *out);

/* The table of `status`, which is one object and not a list (render_status.c). */
void render_status(const struct cli_args *args, const cJSON *body, struct strbuf *out);
/* A peer in detail (render_peer.c). */
void render_peer(const cJSON *peer, struct strbuf *out);
/* Checks, advertisements, peers and other nodes (render_explain.c). */
void render_explain(const struct cli_args *args, const cJSON *body, struct strbuf *out);
/* Checks, the row and the pod (render_trace.c). */
void render_trace(const struct cli_args *args, const cJSON *body, struct strbuf *out);
/* What this host has and lacks (render_preflight.c). */
void render_preflight(const struct cli_args *args, const cJSON *lines, struct strbuf *out);
/* What differs, and how much does not (render_migrate.c). */
void render_migrate(const struct cli_args *args, const cJSON *diff, struct strbuf *out);
/* What blackhole answers, in a sentence or two. */
void render_blackhole(const struct cli_args *args, const cJSON *body, struct strbuf *out);
/* The lines of log. */
void render_log(const cJSON *body, struct strbuf *out);
/* What log-level answers, in a word or a sentence. */
void render_log_level(const struct cli_args *args, const cJSON *body, struct strbuf *out);
/* What drain and undrain answer, in a sentence. */
void render_drain(const cJSON *body, struct strbuf *out);
