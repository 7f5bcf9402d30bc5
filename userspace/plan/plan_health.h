// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Health-check node ports (spec.healthCheckNodePort, policy Local): a load balancer in front asks
 * each node by HTTP whether it has endpoints of the Service. Here is what is answered, as
 * kube-proxy answers (its pkg/proxy/healthcheck), and who is asked for on which port;
 * sys/health_server.h speaks HTTP.
 */
#pragma once

#include "base/strbuf.h"
#include "plan/plan.h"

#define PLAN_HEALTH_TYPE "application/json"

/*
 * Adds the body of the answer and returns its HTTP status: 200 while there are endpoints and the
 * data plane serves, else 503. Headers beside the type: X-Content-Type-Options: nosniff, and
 * X-Load-Balancing-Endpoint-Weight with the number of endpoints.
 */
int plan_health_answer(const struct plan_health *h, struct strbuf *body);
