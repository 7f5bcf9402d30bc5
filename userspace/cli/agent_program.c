// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "cli/agent_program.h"

#include "cli/child.h"

#include <limits.h>
#include <stdint.h>
#include <unistd.h>

#define PROGRAM "lodestoned"

static void become(const void *argv)
{
	static const char *const places[] = {"", "../sbin/"};
	char self[PATH_MAX], path[PATH_MAX + 32];
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

int agent_program_run(const char **argv, unsigned seconds, bool with_errors, struct strbuf *out)
{
	argv[0] = PROGRAM;
	return child_run(become, argv, seconds, with_errors, out);
}
