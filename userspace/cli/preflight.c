// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "cli/preflight.h"

#include "cli/child.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

#define PROGRAM       "lodestoned"
#define EXIT_PROBLEMS 2

/* The agent's program, which lies beside this one, in the folder for such, or in PATH. */
static void become(const void *option)
{
	static const char *const places[] = {"", "../sbin/"};
	char self[PATH_MAX], path[PATH_MAX + 32];
	const char *const argv[] = {PROGRAM, option, NULL};
	const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[len > 0 ? len : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; i < ARRAY_SIZE(places) && slash; i++) {
		slash[1] = '\0';
		(void)snprintf(path, sizeof(path), "%s%s" PROGRAM, self, places[i]);
		(void)execv(path, (char *const *)(uintptr_t)argv);
	}
	child_exec(argv);
}

int preflight_ask(struct strbuf *out)
{
	const int code = child_run(become, "--preflight=json", 0, false, out);

	switch (code) {
	case 0:
	case EXIT_PROBLEMS:
		return 0;
	case CHILD_MISSING:
		return -ENOENT;
	default:
		return code < 0 ? code : -EPROTO;
	}
}

int preflight_agent_version(struct strbuf *out)
{
	return child_run(become, "--version", 10, true, out);
}
