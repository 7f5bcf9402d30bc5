// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "cli/preflight.h"

#include "cli/agent_program.h"
#include "cli/child.h"

#include <errno.h>

#define EXIT_PROBLEMS 2

int preflight_ask(struct strbuf *out)
{
	const char *argv[] = {"", "--preflight=json", NULL};
	const int code = agent_program_run(argv, 0, false, out);

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
	const char *argv[] = {"", "--version", NULL};

	return agent_program_run(argv, 10, true, out);
}
