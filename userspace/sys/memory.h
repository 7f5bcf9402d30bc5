// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What memory of this process is and is not kept for the next time. The least that is resident is
 * measured in quiet (`make bench-memory`).
 */
#pragma once

#include "base/arena.h"

/* No core is written of this process, nor of what it begins: passwords would be in it. */
void memory_no_core(void);
/* Before anything large is allocated. */
void memory_init(void);
/* What is free goes back to the system; some milliseconds, where there is much. */
void memory_give_back(void);
/* The pages that lie wholly in that room go back: what is in it is lost, and the room stays. */
void memory_give_back_room(void *room, size_t len);
/* The pages of the arena that hold nothing, as after a larger plan, go back, and stay the arena's.
 */
void memory_give_back_spare(const struct arena *a);
