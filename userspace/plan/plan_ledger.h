// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What every owner of a ledger does with it beside handing it to plan_compute: taking it over into
 * memory of its own, and telling whether what outlives a restart has changed.
 */
#pragma once

#include "plan/plan_inputs.h"

/* Order of plan_ledger.drains: by frontend, then target. */
int plan_drain_cmp(const void *a, const void *b);
/* Order of plan_ledger.good: by kind, ns, name. */
int plan_good_cmp(const void *a, const void *b);

/* Moves a ledger whose arrays lie elsewhere into the arena, with all they point to. */
void plan_ledger_copy(struct arena *arena, struct plan_ledger *ledger);

/* Equal for ledgers of which the same is worth keeping over a restart; so, not of what leaves. */
uint64_t plan_ledger_hash(const struct plan_ledger *ledger);

/*
 * That `now` may come to the disk later, while `saved` is there: a crash before costs the drains of
 * the time between no more than that they begin anew. It may not if anything but drains differs,
 * nor if a drain ends later now than on the disk (its backend was back, and left again), which
 * would be cut short.
 */
bool plan_ledger_may_wait(const struct plan_ledger *saved, const struct plan_ledger *now);

/* ... of what an environment is built from: the last good versions. */
uint64_t plan_ledger_good_hash(uint64_t h, const struct plan_ledger *ledger);
