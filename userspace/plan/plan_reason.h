// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The words in which the plan says why an address is not announced (metallb.md 3.1's, and ours),
 * each with its sentence: what status, `lodectl explain` and docs/operations.md show.
 */
#pragma once

struct plan_reason {
	const char *word;  /* NULL ends the list */
	const char *holds; /* what is said of the check that it is the reason of, where it holds */
	const char *fails; /* ... and where it does not */
};

/* All of them, in the order in which they are asked. */
const struct plan_reason *plan_reasons(void);
/* Never NULL: every word of the plan is there. */
const struct plan_reason *plan_reason_find(const char *word);
