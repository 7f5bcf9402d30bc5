// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One round: compute the plan from the present inputs and bring every sink to it. The data plane
 * may take more than one turn for that; the next round's plan takes the place of what is left.
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>

struct agent;

void apply_start(struct agent *a);
/* Lets go of the data plane. */
void apply_stop(struct agent *a);

/*
 * Before the first round: makes ready what the plan is put together from, as much of it as a turn
 * has time for. True: a round may begin.
 */
bool apply_prepare(struct agent *a, nsec_t now);

/*
 * True if something changed that the plan depends on, so that another round may do more. Not while
 * the data plane is being opened, which a round may begin; it is applied by the round after that.
 */
bool apply_round(struct agent *a, nsec_t now);

/* The helper opens the data plane. Until it is over nothing is read, planned or applied. */
bool apply_is_opening(const struct agent *a);

/* The data plane has not taken all of the current plan yet, or some peers not its routes. */
bool apply_is_under_way(const struct agent *a);
/* ... and it is not a growing map that is waited for. */
bool apply_wants_a_turn(const struct agent *a);
/* Goes on with it. Returns as apply_round() does, once the rest is done; false before. */
bool apply_go_on(struct agent *a, nsec_t now);

/*
 * Gives back what the plan before took, which nobody reads any more, and what malloc kept of it:
 * once it is quiet, since the next plan is the quicker for having it.
 */
void apply_give_back(struct agent *a);
