// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What this host says of itself, for plan/preflight.h: read from /proc, /boot and netlink, and by
 * trying what can be tried without leaving anything: the programs are loaded and taken away again,
 * ports are bound and closed. Takes up to a second; not for the agent's loop.
 */
#pragma once

#include "plan/preflight.h"

/*
 * Fills *ret; texts and arrays are from the arena. The programs are tried in a folder of their own
 * beside pin_dir. agent_runs as in struct host_facts. What cannot be asked is told so in its place:
 * nothing of this fails.
 */
void host_facts(const char *pin_dir, bool agent_runs, struct arena *arena, struct host_facts *ret);

/*
 * The devices that traffic may come in by: hardware that is up, and whatever has an address in a
 * network that it shares with others. In the kernel's order. 0 or -errno, *ret untouched.
 */
int host_devices(struct arena *arena, struct host_device **ret, size_t *ret_n) must_check;

/*
 * Whether the configuration of a kernel has an option, y or m. HOST_UNTOLD: it does not name it.
 * The text ends with NUL.
 */
enum host_has host_config_has(const char *config, const char *option);

/* The number that a file of /proc or /sys holds; -1: there is none. */
int host_number_in(const char *path);
/* The first of them, at most so many; returns how many those are. */
size_t host_numbers_in(const char *path, int *ret, size_t most);
