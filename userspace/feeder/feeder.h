// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The feeder: a watch for each kind, their requests, the store they fill, and the agent that is
 * told from it.
 */
#pragma once

struct access;

/* All outlive the run. */
struct feeder_args {
	struct access *access;          /* read again as it goes */
	const char *agent;              /* its socket */
	const char *node;               /* where we are */
	const char *ns;                 /* where MetalLB's objects are */
	const char *pod_name, *pod_uid; /* NULL: we are in none */
};

/* Runs until SIGTERM or SIGINT. 0 or -errno. */
int feeder_run(const struct feeder_args *args);
