// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The ledger as a document (kind Ledger, JSON and so YAML). Drains count in the monotonic clock of
 * the boot that the document names; in another boot there are no flows left to drain, so there are
 * none. The router id, the age order of pools and the last good versions of objects are kept over a
 * reboot too. What is leaving is not kept: its wait begins anew after a restart, which errs on the
 * safe side.
 *
 * A file may be damaged, or be edited, or come from another version, so nothing in it is believed:
 * each field of each item is checked, an item that fails is left out alone, and what is read is
 * sorted and free of doubles whatever the file's order was.
 */
#pragma once

#include "plan/plan.h"

/* What deadlines in the file are measured by. */
struct ledger_clock {
	uint64_t boot; /* clock_boot_id() */
	nsec_t now;
};

struct ledger_reading {
	bool is_ledger; /* of a version that is known; else the ledger is empty */
	size_t n_bad;   /* items that were left out: a field out of its range, or a double */
	struct plan_ledger ledger;
};

/* The document's text; the caller frees it. */
char *ledger_to_json(const struct plan_ledger *ledger, uint64_t boot);

/* Total. What is read lives in the arena. */
struct ledger_reading ledger_from_json(const char *text, size_t len,
				       const struct ledger_clock *clock, struct arena *arena);
