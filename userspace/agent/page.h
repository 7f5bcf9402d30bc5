// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The status page (docs/status-page.md): where it is served follows LodestoneConfig, 127.0.0.1 if
 * nothing is said. While somebody looks, what lodectl shows is told every PAGE_TELL_NS, a kind a
 * turn of the loop and as much of a long list as one piece has (SHOW_PIECE), and the picture is
 * drawn anew. While nobody does, a sample of the counters is taken every half minute, and no more.
 */
#pragma once

#include "base/nsec.h"

#define PAGE_TELL_NS (2 * NSEC_PER_SEC)

struct agent;
struct agent_page;
struct problems;

void page_start(struct agent *a);
/* Before the loop is freed. */
void page_stop(struct agent *a);

/* A plan was made: what the configuration says of the address counts from now on. */
void page_apply(struct agent *a, nsec_t now);
/* Takes a sample, and tells who looks, if it is time; returns when to call again. */
nsec_t page_step(struct agent *a, nsec_t now);

/* A port that cannot be served on. */
void page_problems(const struct agent *a, struct problems *list);
