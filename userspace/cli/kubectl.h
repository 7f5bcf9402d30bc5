// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `kubectl lodestone`: the same program by the name kubectl-lodestone, on the operator's machine.
 * It looks for the agents' pods and has kubectl run lodectl in them, so it needs no right and no
 * connection that the operator's kubectl has not.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

#define KUBECTL_NAMESPACE "metallb-system"

/* What is kubectl-lodestone's own of a command line; the rest is lodectl's. Borrowed from argv. */
struct kubectl_line {
	const char *node; /* NULL: not said */
	const char *in;   /* namespace of the agents */
	bool all_nodes;
	const char **argv; /* of lodectl, the program's name first, NULL-terminated; the arena's */
	int argc;
};

/* NULL, or what is wrong in words. */
const char *kubectl_split(struct arena *arena, int argc, const char *const *argv,
			  struct kubectl_line *ret);

struct kubectl_pod {
	const char *node, *name; /* the arena's */
};
/* Of lines "NODE POD"; others are left out. Returns how many. */
size_t kubectl_pods(struct arena *arena, const char *text, struct kubectl_pod **ret);

/* The program's name asks for all this. */
bool kubectl_is_asked(const char *program);
/* The exit code: the highest of those of the nodes. */
int kubectl_run(int argc, const char *const *argv);
