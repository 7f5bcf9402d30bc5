// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The thread of BFD with more sessions than an agent has peers, for the lab: `bfd_many FILE`, a
 * session for each line "OURS THEIRS" of the file, single hop, 300 ms three times. Says at each
 * change how many are Up, and how many went from Up to Down in all, by silence and otherwise:
 * "UP SILENT OTHER". Ends when it is ended, without a word to the peers.
 */
#include "sys/bfd_engine.h"
#include "sys/clock.h"
#include "sys/loop.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE (2 * IP_ADDR_TEXT + 2)

struct many {
	bool is_up[BFD_ENGINE_SESSIONS];
	unsigned n, up, silent, other;
};

static void on_report(void *ctx, const struct bfd_report *r)
{
	struct many *m = ctx;
	const bool is_up = r->event.to == BFD_UP;

	if (r->type != BFD_REPORT_EVENT || is_up == m->is_up[r->id])
		return;
	m->is_up[r->id] = is_up;
	m->up += is_up ? 1 : -1u;
	if (!is_up && r->event.diag == BFD_DIAG_EXPIRED)
		m->silent++;
	else if (!is_up)
		m->other++;
	printf("%u %u %u\n", m->up, m->silent, m->other);
	(void)fflush(stdout);
}

static nsec_t step(void *ctx, nsec_t now)
{
	(void)ctx, (void)now;
	return NSEC_NEVER;
}

static void add_session(struct bfd_engine *e, struct many *m, char *line)
{
	char *theirs = strchr(line, ' ');
	struct bfd_config c = {.id = m->n, .terms = {300000, 300000, 3}};

	line[strcspn(line, "\n")] = '\0';
	if (theirs)
		*theirs++ = '\0';
	if (!theirs || !ip_addr_parse(line, &c.local) || !ip_addr_parse(theirs, &c.peer) ||
	    m->n == BFD_ENGINE_SESSIONS || !bfd_engine_put(e, &c)) {
		(void)fprintf(stderr, "bfd_many: session %u cannot be: %s\n", m->n, line);
		exit(EXIT_FAILURE);
	}
	m->n++;
}

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
	struct many m = {.n = 0};
	struct bfd_engine *e;
	struct loop *loop;
	char line[LINE];

	if (!f) {
		(void)fprintf(stderr, "usage: bfd_many FILE\n");
		return EXIT_FAILURE;
	}
	loop = loop_new();
	e = bfd_engine_new(loop, (uint64_t)clock_now(), on_report, &m);
	while (fgets(line, sizeof(line), f))
		add_session(e, &m, line);
	(void)fclose(f);
	return loop_run(loop, step, NULL) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
