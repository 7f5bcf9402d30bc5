// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "cli/print.h"

#include "base/limits.h"
#include "cli/ask.h"
#include "cli/render.h"
#include "cli/terminal.h"

#include <errno.h>

bool print_body(const struct cli_args *args, const cJSON *body)
{
	struct strbuf out;
	bool written;

	strbuf_init(&out, LIMIT_REPLY_BYTES);
	render(args, body, &out);
	written = terminal_write(out.data, out.len, !args->watch);
	strbuf_done(&out);
	if (!written)
		(void)say_failure("cannot write: ", strerror(errno), "");
	return written;
}
