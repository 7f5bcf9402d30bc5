// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The ledger as a document: drains with their deadlines in the monotonic clock of the boot that the
 * document names. In another boot there are no flows left to drain, so it reads as empty. What is
 * leaving is not kept: its wait begins anew after a restart, which errs on the safe side.
 */
#pragma once

#include "plan/plan.h"

/* The document's text; the caller frees it. */
char *ledger_to_json(const struct plan_ledger *ledger, uint64_t boot);

/* False if the text is no such document; *ret is empty then, as it is for another boot. */
bool ledger_from_json(const char *text, size_t len, uint64_t boot, struct arena *arena,
		      struct plan_ledger *ret);
