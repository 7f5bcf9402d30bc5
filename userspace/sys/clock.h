// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The only place where a clock is read. The agent counts in the monotonic clock (base/nsec.h),
 * which is the same for all processes of one boot, does not jump, and stands still while the
 * machine is suspended; that is right for protocol timers, whose peers are gone after a suspend
 * anyway. Wall time is for people: it is shown, never compared. Times that outlive the process (the
 * ledger) are stored with the boot's id, because the monotonic clock begins anew with each boot.
 */
#pragma once

#include "base/nsec.h"

#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC; never 0, never NSEC_NEVER. */
nsec_t clock_now(void);

/* The same of CLOCK_BOOTTIME, which goes on meanwhile: for what others count on. */
nsec_t clock_boot(void);

/* Nanoseconds of the processor's time that the calling thread has had. */
nsec_t clock_thread(void);

/* Milliseconds and seconds since 1970 UTC, for showing. */
int64_t clock_wall_ms(void);
int64_t clock_wall_s(void);

/* The time of day as RFC 3339 says it, UTC with microseconds: 27 characters. */
#define CLOCK_STAMP_BYTES 40
const char *clock_stamp(char ret[CLOCK_STAMP_BYTES]);

/* A number that names this boot (hash of the kernel's boot_id); 0 when /proc does not tell. */
uint64_t clock_boot_id(void);
