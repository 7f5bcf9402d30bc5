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

/* Nanoseconds of the processor's time that the calling thread has had. */
nsec_t clock_thread(void);

/* Milliseconds and seconds since 1970 UTC, for showing. */
int64_t clock_wall_ms(void);
int64_t clock_wall_s(void);

/* A number that names this boot (hash of the kernel's boot_id); 0 when /proc does not tell. */
uint64_t clock_boot_id(void);
