// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "plan/plan_metrics.h"

#include "plan/plan_objects.h"

struct api_listen plan_metrics_address(const struct world *world, const char *node)
{
	const struct api_object *const objects[] = {plan_config_object(world, node),
						    plan_config_object(world, "default")};
	struct api_listen ret = {.port = 0};

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		if (!objects[i] || !(objects[i]->config.set & API_CONFIG_METRICS))
			continue;
		ret = objects[i]->config.metrics;
		break;
	}
	if (ret.port == 0)
		ret.port = PLAN_METRICS_PORT;
	return ret;
}
