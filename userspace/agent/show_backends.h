// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What is shown of Services and of backends alike. */
#pragma once

#include "agent/show.h"
#include "plan/plan.h"
#include "plan/plan_backends.h"

struct bpf_counter;

struct lb_key show_key_of(const struct plan_service *s);
/* Of namespace, name, VIP, port and protocol. */
uint64_t show_service_hash(const struct plan_service *s);
/* The same as JSON. */
void show_add_frontend(cJSON *o, const struct plan_service *s);
/* packets, bytes and living flows; NULL, the data plane does not count: null. */
void show_add_counter(cJSON *o, const struct bpf_counter *c);
