// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Where metrics are answered for, and the status page, by the LodestoneConfig of the node and that
 * of all nodes. */
#pragma once

#include "api/objects.h"
#include "api/world.h"

/* MetalLB's, so that who scrapes one scrapes the other. */
#define PLAN_METRICS_PORT 7472
#define PLAN_HEALTH_PORT  17472 /* of 127.0.0.1 */

/* With a port, but where it is off. */
struct api_listen plan_metrics_address(const struct world *world, const char *node);

#define PLAN_PAGE_PORT 17480 /* of 127.0.0.1, if nothing else is said */
/* Likewise of the status page; with an address, too. */
struct api_listen plan_page_address(const struct world *world, const char *node);
