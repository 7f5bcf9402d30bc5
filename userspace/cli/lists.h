// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Lists that are made here, of what the agent tells: what is dropped and how fast, and where flows
 * are. Pure; the caller owns what is returned (cJSON_Delete).
 */
#pragma once

#include <cjson/cJSON.h>

/*
 * Reasons as {reason, lost, packets, perSecond, meaning}: those that cost a packet first, and of
 * these the fastest. perSecond is null unless `before` is an earlier status of the same process.
 */
cJSON *list_drops(const cJSON *status, const cJSON *before);

/* Rows of `show backends` that have flows, most first, with percent, their share of the frontend's.
 */
cJSON *list_flows(const cJSON *backends);

/*
 * What a counter has grown by in a second between two answers, by the agent's own clock; NaN if
 * that cannot be told: one of them does not say, the agent was restarted, or the counter was.
 */
double list_rate(double now, double before, const cJSON *status, const cJSON *status_before);

/*
 * Adds "entersAt" to what trace answers: names of the nodes that announce the Service, by its
 * explanation; null where that is NULL.
 */
void list_entries(cJSON *trace, const cJSON *explained);
