// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The small world that bench_turns and bench_wire measure the agent in: namespaces of this
 * process's own with a router behind a cable, and what fills the kernel's tables there. All of it
 * ends with the process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Enters a mount and a network namespace with bpffs, eth0 (192.0.2.2/24) and a router at its other
 * end, which takes BGP sessions and reads all that it is told. False, with errno: refused here.
 */
bool turns_net_enter(void);
void turns_net_leave(void);

/* Runs a command of iproute2 in the namespace; ends the process if it fails. */
void turns_net_ip(const char *arguments);

/* n routes through eth0. */
void turns_net_add_routes(size_t n);

/* n devices (cables of two ends), and so many addresses on them. */
void turns_net_add_links(size_t n, size_t n_addrs);

/* n rules of each family that lead to the main table. */
void turns_net_add_rules(size_t n);

/* n connections that the kernel tracks. 0, or -errno: it tracks nothing, or takes none from us. */
int turns_net_add_flows(size_t n);
