// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One text at a time, part by part. What is counted by objects of this process is gathered when it
 * begins; it is written to the state folder while the rest is made, renamed into place and not
 * synced: that outlives the process, and after a power cut it is another boot.
 */
#include "agent/agent.h"
#include "agent/metrics_inside.h"
#include "agent/state_files.h"
#include "plan/plan_metrics.h"
#include "sys/files.h"
#include "sys/log.h"
#include "sys/metrics_server.h"
#include "sys/worker.h"

#include <errno.h>

#define MAX_TEXT   (64u << 20)
#define MAX_LABELS 4096
#define FILE_NAME  "counts.yaml"

struct agent_metrics {
	struct metrics_server *server; /* owned */
	struct worker *worker;         /* owned: writes the counts, which nothing may hold up */
	struct metrics_kept *kept;     /* owned */
	struct metrics_times times;
	struct metrics_text text; /* arena NULL: none is being made */
	size_t part;              /* that is under way */
	bool is_writing;          /* of counts */
	int keep_error;           /* -errno of the last time; 0: it went well */
	nsec_t keep_until;        /* a text that is made waits for that; NSEC_NEVER: none does */
	int errors[METRICS_N_PORTS];
};

static const nsec_t bounds[] = {
	100 * NSEC_PER_USEC,  250 * NSEC_PER_USEC, 500 * NSEC_PER_USEC, NSEC_PER_MSEC,
	2500 * NSEC_PER_USEC, 5 * NSEC_PER_MSEC,   10 * NSEC_PER_MSEC,  25 * NSEC_PER_MSEC,
	50 * NSEC_PER_MSEC,   100 * NSEC_PER_MSEC, 250 * NSEC_PER_MSEC, NSEC_PER_SEC,
};

static const metrics_part parts[] = {
	metrics_tell_agent,      metrics_tell_sources,  metrics_tell_pools,
	metrics_tell_dataplane,  metrics_tell_bgp,      metrics_tell_bfd,
	metrics_gather_services, metrics_read_counters, metrics_tell_services,
	metrics_tell_announced,
};

/* --- writing ---------------------------------------------------------------------------------- */

void metrics_family(struct metrics_text *t, enum metric id)
{
	exposition_family(&t->out, t->format, &metrics_table[id]);
}

void metrics_sample(struct metrics_text *t, enum metric id, uint64_t value,
		    const char *const *labels)
{
	t->labels.len = 0;
	exposition_labels(&t->labels, &metrics_table[id], labels);
	exposition_sample(&t->out, &metrics_table[id], t->labels.data, value);
}

void metrics_single(struct metrics_text *t, enum metric id, uint64_t value)
{
	metrics_family(t, id);
	exposition_sample(&t->out, &metrics_table[id], "", value);
}

void metrics_single_histogram(struct metrics_text *t, enum metric id, const char *key,
			      const struct histogram *h)
{
	struct histogram all = *h;
	uint64_t counts[HISTOGRAM_BOUNDS + 2];

	memcpy(counts, all.counts, sizeof(all.counts));
	counts[HISTOGRAM_BOUNDS + 1] = all.sum;
	metrics_kept_add(t->kept, key, counts, ARRAY_SIZE(counts));
	memcpy(all.counts, counts, sizeof(all.counts));
	all.sum = counts[HISTOGRAM_BOUNDS + 1];
	metrics_family(t, id);
	exposition_histogram(&t->out, &metrics_table[id], "", &all);
}

/* --- counts that are kept --------------------------------------------------------------------- */

struct keep_job {
	struct worker_job base;     /* first */
	struct agent *agent;        /* not the helper's */
	char *folder, *path, *data; /* owned */
	int error;
};

static void write_counts(struct worker_job *base)
{
	struct keep_job *j = (struct keep_job *)base;
	struct file_draft draft;

	j->error = dir_make(j->folder, 0750);
	if (j->error == 0)
		j->error = file_draft_begin(&draft, j->path, STATE_MODE);
	if (j->error != 0)
		return;
	j->error = file_draft_add(&draft, j->data, strlen(j->data));
	if (j->error == 0)
		j->error = file_draft_commit(&draft);
	else
		file_draft_discard(&draft);
}

static void counts_are_written(struct worker_job *base)
{
	struct keep_job *j = (struct keep_job *)base;

	state_note(j->agent, &j->agent->metrics->keep_error, j->path, j->error);
	j->agent->metrics->is_writing = false;
	free(j->folder);
	free(j->path);
	free(j->data);
	free(j);
}

static void keep_counts(struct agent *a)
{
	struct agent_metrics *m = a->metrics;
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct keep_job *j;

	if (m->is_writing || !metrics_kept_has_changed(m->kept))
		return;
	j = xcalloc(1, sizeof(*j));
	*j = (struct keep_job){
		.base = {.run = write_counts, .done = counts_are_written},
		.agent = a,
		.folder = xstrdup(a->options->state),
		.path = xstrdup(state_path(scratch, a, FILE_NAME)),
		.data = metrics_kept_text(m->kept, agent_inputs_are_complete(&a->inputs)),
	};
	m->is_writing = true;
	worker_add(m->worker, &j->base);
}

/* --- making a text ---------------------------------------------------------------------------- */

static void begin_text(struct agent *a, enum exposition_format format, nsec_t now)
{
	struct metrics_text *t = &a->metrics->text;

	*t = (struct metrics_text){
		.format = format,
		.now = now,
		.kept = a->metrics->kept,
		.arena = arena_new(),
		.scratch = arena_new(),
	};
	strbuf_init(&t->out, MAX_TEXT);
	strbuf_init(&t->labels, MAX_LABELS);
	a->metrics->part = 0;
	metrics_gather_peers(a, t);
}

static void end_text(struct metrics_text *t)
{
	strbuf_done(&t->out);
	strbuf_done(&t->labels);
	arena_free(t->arena);
	arena_free(t->scratch);
	free(t->items);
	free(t->counters);
	*t = (struct metrics_text){.arena = NULL};
}

/* Goes on with it for a slice. True: it is made. */
static bool go_on(const struct agent *a)
{
	struct agent_metrics *m = a->metrics;
	const nsec_t begun = loop_turn_so_far(a->loop);

	while (m->part < ARRAY_SIZE(parts)) {
		arena_reset(m->text.scratch);
		m->part += parts[m->part](a, &m->text);
		if (loop_turn_so_far(a->loop) - begun >= METRICS_SLICE_NS)
			break;
	}
	return m->part == ARRAY_SIZE(parts);
}

static void give(struct agent *a, nsec_t now)
{
	struct metrics_text *t = &a->metrics->text;
	const size_t len = t->out.len;

	metrics_server_give(a->metrics->server, t->format, TAKE_PTR(t->out.data), len, now);
	end_text(t);
	a->metrics->keep_until = NSEC_NEVER;
}

/* Returns when to go on. A plan that is being prepared may name objects that are gone. */
static nsec_t make(struct agent *a, nsec_t now)
{
	struct agent_metrics *m = a->metrics;
	enum exposition_format format;

	if (a->preparing || !a->current)
		return NSEC_NEVER; /* the loop comes here again when that is over */
	if (!m->text.arena) {
		if (!metrics_server_wants(m->server, &format))
			return NSEC_NEVER;
		begin_text(a, format, now);
	}
	if (m->keep_until == NSEC_NEVER) {
		if (!go_on(a))
			return now;
		exposition_end(&m->text.out, m->text.format);
		keep_counts(a);
		m->keep_until = nsec_add(now, METRICS_KEEP_NS);
	}
	if (m->is_writing && now < m->keep_until)
		return m->keep_until;
	give(a, now);
	return now; /* somebody may wait for the other format */
}

/* --- the agent's side ------------------------------------------------------------------------- */

/* Whether a port is answered on is a problem, or none any more: of the next plan. */
static void note_errors(struct agent *a)
{
	struct agent_metrics *m = a->metrics;

	for (enum metrics_port i = METRICS_PORT; i < METRICS_N_PORTS; i++) {
		const int error = metrics_server_error(m->server, i);

		if (error != m->errors[i])
			agent_input_changed(&a->inputs, INPUT_SINKS);
		m->errors[i] = error;
	}
}

void metrics_apply(struct agent *a, nsec_t now)
{
	const struct api_listen want = plan_metrics_address(a->world, a->options->node);
	const struct http_address at = {.addr = want.addr, .port = want.port};

	metrics_server_listen(a->metrics->server, METRICS_PORT, want.is_off ? NULL : &at, now);
	note_errors(a);
}

nsec_t metrics_step(struct agent *a, nsec_t now)
{
	struct agent_metrics *m = a->metrics;
	nsec_t next;

	loop_doing(a->loop, "metrics");
	metrics_server_set_ready(m->server, a->was_ready);
	next = make(a, now);
	next = nsec_min(next, metrics_server_tick(m->server, now));
	note_errors(a);
	return next;
}

void metrics_note_turn(struct agent *a, nsec_t length)
{
	histogram_add(&a->metrics->times.turn, length);
}

void metrics_note_plan(struct agent *a, nsec_t length)
{
	histogram_add(&a->metrics->times.plan, length);
}

void metrics_note_apply(struct agent *a, nsec_t length)
{
	histogram_add(&a->metrics->times.apply, length);
}

const struct metrics_times *metrics_times_of(const struct agent *a)
{
	return &a->metrics->times;
}

void metrics_problems(const struct agent *a, struct problems *list)
{
	static const char *const what[] = {
		[METRICS_PORT] = "metrics", [METRICS_HEALTH_PORT] = "health (/healthz, /readyz)"};
	static const char *const remedies[] = {
		[METRICS_PORT] = "end who has it (ss -ltnp; MetalLB's speaker, as a rule), or "
				 "write another one into spec.metrics.address",
		[METRICS_HEALTH_PORT] = "end who has it (ss -ltnp; MetalLB's speaker, as a rule), "
					"and let probes run lodectl until then",
	};

	for (size_t i = 0; a->metrics && i < METRICS_N_PORTS; i++) {
		const int error = a->metrics->errors[i];
		const bool taken = error == -EADDRINUSE;
		const struct object_ref ref = {.kind = "Agent", .name = a->options->node};
		const struct problem_text text = {
			.field = i == METRICS_PORT ? "spec.metrics.address" : NULL,
			.reason = i == METRICS_PORT ? taken ? "MetricsPortTaken" : "MetricsFailed"
				  : taken           ? "HealthPortTaken"
						    : "HealthFailed",
			.remedy = taken || i == METRICS_HEALTH_PORT
					  ? remedies[i]
					  : "write an address of this node into "
					    "spec.metrics.address, or none",
		};

		if (error)
			problem_add(list, SEVERITY_WARNING, &ref, &text,
				    "%s are not answered for: %s; it is tried again every %u s",
				    what[i],
				    taken ? "somebody else has the port" : strerror(-error),
				    (unsigned)(HTTP_RETRY_NS / NSEC_PER_SEC));
	}
}

void metrics_start(struct agent *a)
{
	struct agent_metrics *m = xcalloc(1, sizeof(*m));
	struct http_address health = {.port = PLAN_HEALTH_PORT};
	size_t len;
	_cleanup_(freep) char *text = state_read(a, FILE_NAME, &len);
	const struct histogram none = histogram_of(bounds, ARRAY_SIZE(bounds));

	a->metrics = m;
	m->server = metrics_server_new(a->loop);
	m->worker = worker_new(a->loop);
	m->kept = metrics_kept_new();
	m->times = (struct metrics_times){none, none, none};
	m->keep_until = NSEC_NEVER;
	if (text && !metrics_kept_read(m->kept, text))
		log_warn("state: damaged, begun anew", "file=" FILE_NAME);
	health.addr = ip_addr_from_v4(0x7f000001);
	metrics_server_listen(m->server, METRICS_HEALTH_PORT, &health, a->started_at);
	note_errors(a);
}

void metrics_stop(struct agent *a)
{
	struct agent_metrics *m = a->metrics;

	if (!m)
		return;
	worker_free(m->worker);
	if (m->text.arena)
		end_text(&m->text);
	metrics_server_free(m->server);
	metrics_kept_free(m->kept);
	free(m);
	a->metrics = NULL;
}
