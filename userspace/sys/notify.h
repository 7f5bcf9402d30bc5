// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Tells systemd about the service's state (sd_notify(3)'s protocol) without linking libsystemd: one
 * datagram to $NOTIFY_SOCKET. Without that variable, and whenever sending fails, nothing happens:
 * the agent must run the same under any supervisor.
 */
#pragma once

#include "base/nsec.h"

/* READY=1 and a status line for `systemctl status` (NULL: none). Also ends a reload. */
void notify_ready(const char *status);
/* RELOADING=1; to be followed by notify_ready. */
void notify_reloading(nsec_t now);
/* STOPPING=1. */
void notify_stopping(void);
/* WATCHDOG=1; to be sent at least every notify_watchdog_interval. */
void notify_watchdog(void);

/* Half of what the supervisor allows between two signs of life; NSEC_NEVER: it does not ask. */
nsec_t notify_watchdog_interval(void);
