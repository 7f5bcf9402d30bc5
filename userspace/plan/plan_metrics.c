// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "plan/plan_metrics.h"

#include "plan/plan_objects.h"

/* The node's own object goes before that of all nodes; NULL: neither has the field. */
static const struct api_config *find_config(const struct world *world, const char *node,
					    unsigned field)
{
	const struct api_object *const objects[] = {plan_config_object(world, node),
						    plan_config_object(world, "default")};

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (objects[i] && (objects[i]->config.set & field))
			return &objects[i]->config;
	return NULL;
}

struct api_listen plan_metrics_address(const struct world *world, const char *node)
{
	const struct api_config *config = find_config(world, node, API_CONFIG_METRICS);
	struct api_listen ret = {.port = 0};

	if (config)
		ret = config->metrics;
	if (ret.port == 0)
		ret.port = PLAN_METRICS_PORT;
	return ret;
}

struct api_listen plan_page_address(const struct world *world, const char *node)
{
	const struct api_config *config = find_config(world, node, API_CONFIG_STATUS_PAGE);
	struct api_listen ret = {.port = 0};

	if (config)
		ret = config->status_page;
	if (ret.port == 0)
		ret.port = PLAN_PAGE_PORT;
	if (ip_addr_is_none(&ret.addr))
		ret.addr = ip_addr_from_v4(0x7f000001);
	return ret;
}
