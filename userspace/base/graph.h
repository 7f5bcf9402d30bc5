// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The node's network as a picture: routers, the node, its VIPs and their pods from left to right,
 * and what is broken in red: lodectl's, and the status page's. The same answers are the same
 * picture.
 */
#pragma once

#include "base/strbuf.h"

#include <cjson/cJSON.h>

/* More VIPs, and more pods of one, are a number and no picture. */
#define GRAPH_VIPS 64
#define GRAPH_PODS 16

/* Bodies are those of status, show peers and show services. Adds a graph in the language of dot. */
void graph_dot(const cJSON *status, const cJSON *peers, const cJSON *services, struct strbuf *out);
/* The same as SVG, which needs nothing from elsewhere, and follows dark mode. */
void graph_svg(const cJSON *status, const cJSON *peers, const cJSON *services, struct strbuf *out);
