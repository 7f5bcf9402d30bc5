// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `lodectl explain`: the question is put to the next plan, which says why it is as it is
 * (plan/plan_explain.h), and its answer is told as JSON.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct agent;

/*
 * Puts the question of a request to the plans from now on. Returns its number; 0: it is none, and
 * *ret_error says why.
 */
uint64_t explain_ask(struct agent *a, const cJSON *request, const char **ret_error);
/* False: another question came after it, and it is to be put again. */
bool explain_is_open(const struct agent *a, uint64_t number);
/* The answer, the caller's to free; NULL: no plan has been made since. */
cJSON *explain_answer(struct agent *a, uint64_t number);
void explain_done(struct agent *a);
