// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Katran's program beside ours, if there is an object file of it (built elsewhere, its path in
 * KATRAN_OBJ): an adapter by the names and the layouts of its maps.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define KATRAN_FLOWS (1u << 20) /* room in its connection table, for the CPU that it runs on */

struct katran;

/*
 * Loads it with the bench's VIP, port SETTLED_PORT, and N_BACKENDS backends in IPv4. NULL, with the
 * reason: there is no such file, it does not load, or its maps are not those that are known here.
 */
struct katran *katran_open(const char *path, const char **ret_why);
void katran_close(struct katran *k);

/* To be tail-called from a program for packets in fragments; it makes the frame longer. */
int katran_program(const struct katran *k);

/*
 * Katran stops to record flows after 125,000 in a second. This makes it forget how many there were,
 * so that the next ones are recorded; or has it believe that there are too many.
 */
void katran_record(const struct katran *k, bool records);

/* Packets of which its table did not know the flow, since it was loaded. */
uint64_t katran_misses(const struct katran *k);
