// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A pass takes as long as a few routes, but the kernel has one lock for all that is configured of
 * its network, and others may hold that as long as they like: so a helper makes it. Where there are
 * many it is the kernel's pace, 50,000 a second, so some are done at a time: others wait for the
 * same helper.
 */
#include "agent/blackholes.h"

#include "agent/agent.h"
#include "base/hash.h"
#include "sys/log.h"
#include "sys/nlsock.h"
#include "sys/rtnl.h"
#include "sys/worker.h"

#include <errno.h>

#define PASS_NS  (60 * NSEC_PER_SEC)
#define PASS_MAX 400 /* operations */

struct blackholes_job {
	struct worker_job base;   /* first */
	struct agent *a;          /* not the helper's */
	struct kernel_pass *pass; /* owned */
	struct nlsock *sock;      /* the helper's alone meanwhile */
	bool is_adoption;
};

static void end_pass(struct worker_job *base);

static void run_pass(struct worker_job *base)
{
	struct blackholes_job *job = (struct blackholes_job *)base;
	const struct kernel_sink sink = rtnl_sink(job->sock);

	kernel_pass_run(job->pass, &sink, PASS_MAX);
}

static void begin_pass(struct agent *a, struct kernel_pass *pass, bool is_adoption)
{
	struct blackholes_job *job = xcalloc(1, sizeof(*job));

	*job = (struct blackholes_job){.base = {.run = run_pass, .done = end_pass},
				       .a = a,
				       .pass = pass,
				       .sock = a->blackholes.sock,
				       .is_adoption = is_adoption};
	a->blackholes.job = job;
	worker_add(a->network, &job->base);
}

void blackholes_start(struct agent *a)
{
	struct agent_blackholes *b = &a->blackholes;

	kernel_state_init(&b->state);
	b->error = nlsock_open_strict(&b->sock);
	b->is_known = b->error < 0;
	if (b->error == 0)
		begin_pass(a, kernel_adoption_new(), true);
}

void blackholes_stop(struct agent *a)
{
	kernel_state_done(&a->blackholes.state);
	a->blackholes.sock = nlsock_free(a->blackholes.sock);
}

bool blackholes_are_known(const struct agent *a)
{
	return a->blackholes.is_known;
}

uint32_t blackholes_port(const struct agent *a)
{
	return a->blackholes.sock ? nlsock_port(a->blackholes.sock) : 0;
}

void blackholes_tell(const struct agent *a, struct arena *arena, struct plan_actual *actual)
{
	const struct agent_blackholes *b = &a->blackholes;

	actual->places_blackholes = b->sock != NULL;
	actual->blackholes = kernel_tried(&b->state, b->job ? b->job->pass : NULL, arena);
}

static uint64_t hash_of(const struct plan_blackholes *b)
{
	uint64_t h = hash_bytes(hash_u64(HASH_INIT, b->receives), b->prefixes,
				b->n * sizeof(*b->prefixes));

	for (size_t i = 0; i < b->n_uplinks; i++)
		h = hash_str(h, b->uplinks[i]);
	for (size_t i = 0; i < b->n_vrfs; i++)
		h = hash_u64(hash_str(h, b->vrfs[i].name), b->vrfs[i].domain);
	for (size_t i = 0; i < b->n_in_vrfs; i++) {
		const struct plan_vrf_blackhole *hole = &b->in_vrfs[i];

		h = hash_bytes(h, &hole->prefix.addr, sizeof(hole->prefix.addr));
		h = hash_u64(h, (uint64_t)hole->domain << 8 | hole->prefix.len);
	}
	for (size_t i = 0; i < b->n_pods; i++) {
		const struct plan_vrf_pod *pod = &b->pods[i];

		h = hash_bytes(h, &pod->addr, sizeof(pod->addr));
		h = hash_u64(h,
			     (uint64_t)pod->domain << 32 | (uint64_t)pod->proto << 16 | pod->port);
		h = hash_u64(h, pod->is_own);
	}
	return h;
}

static void say(const struct kernel_state *s, int former_error)
{
	const int error = s->error ? s->error : s->first_error;

	if (s->n_repaired > 0)
		log_warn("blackholes: somebody took routes or rules away; put back", "n=%zu",
			 s->n_repaired);
	else if (s->n_done > 0)
		log_info("blackholes: placed", "prefixes=%zu changes=%zu", s->n_blackholes,
			 s->n_done);
	if (error && error != former_error)
		log_warn("blackholes: not all could be placed", "error=%s",
			 log_quote(strerror(-error)));
}

static void note_adopted(struct agent_blackholes *b)
{
	b->is_known = true;
	if (b->state.n_blackholes > 0)
		log_info("blackholes: adopted", "prefixes=%zu", b->state.n_blackholes);
}

/* Whatever came of it, a plan is to know, and there may be more to do. */
static void end_pass(struct worker_job *base)
{
	struct blackholes_job *job = (struct blackholes_job *)base;
	struct agent_blackholes *b = &job->a->blackholes;
	const int former = b->state.error ? b->state.error : b->state.first_error;

	kernel_pass_end(&b->state, job->pass);
	b->job = NULL;
	if (job->is_adoption)
		note_adopted(b);
	else
		say(&b->state, former);
	if (b->state.is_under_way)
		b->pass_at = 0;
	agent_input_changed(&job->a->inputs, INPUT_PLACED);
	free(job);
}

static bool is_due(const struct agent *a, uint64_t wanted, nsec_t now)
{
	return wanted != a->blackholes.wanted || now >= a->blackholes.pass_at ||
	       agent_inputs_due(&a->inputs, DUE_KERNEL);
}

void blackholes_apply(struct agent *a, const struct plan *plan, nsec_t now)
{
	struct agent_blackholes *b = &a->blackholes;
	const uint64_t wanted = hash_of(&plan->blackholes);

	if (!b->sock || b->job || !is_due(a, wanted, now))
		return;
	loop_doing(a->loop, "blackholes");
	agent_inputs_done(&a->inputs, DUE_KERNEL);
	begin_pass(a, kernel_pass_new(&b->state, &plan->blackholes), false);
	b->wanted = wanted;
	b->pass_at = nsec_add(now, PASS_NS);
}

static size_t n_refused(const struct kernel_state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_blackholes; i++)
		n += s->blackholes[i].error != 0;
	return n;
}

static void refused_problem(const struct agent *a, int error, struct problems *list)
{
	const struct kernel_state *s = &a->blackholes.state;
	const struct object_ref ref = {.kind = "Node", .name = a->options->node};
	const struct problem_text text = {
		.field = "blackholes",
		.reason = "BlackholesRefused",
		.remedy = "let the agent change routes and rules (CAP_NET_ADMIN, a kernel with "
			  "CONFIG_IP_MULTIPLE_TABLES), or set spec.netlink.blackholes: off",
	};

	problem_add(list, SEVERITY_WARNING, &ref, &text,
		    "%zu of %zu prefixes have no blackhole, so that packets to their unused "
		    "addresses may go back to the router: %s",
		    n_refused(s), s->n_blackholes, strerror(-error));
}

/* Of rules beside those of blackholes. */
static void rules_refused_problem(const struct agent *a, int error, struct problems *list)
{
	const struct object_ref ref = {.kind = "Node", .name = a->options->node};
	const struct problem_text text = {
		.field = "rules",
		.reason = "RulesRefused",
		.remedy = "let the agent change rules (CAP_NET_ADMIN, a kernel with "
			  "CONFIG_IP_MULTIPLE_TABLES)",
	};

	problem_add(list, SEVERITY_WARNING, &ref, &text,
		    "rules that lead to received routes, or from VRFs to pods, are not placed: %s",
		    strerror(-error));
}

void blackholes_problems(const struct agent *a, struct problems *list)
{
	const struct kernel_state *s = &a->blackholes.state;
	const int error = a->blackholes.error ? a->blackholes.error
			  : s->error          ? s->error
					      : s->first_error;

	kernel_clash_problems(s, a->options->node, list);
	if (!error)
		return;
	if (a->blackholes.error || n_refused(s) > 0)
		refused_problem(a, error, list);
	else
		rules_refused_problem(a, error, list);
}

int blackholes_cleanup(void)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	const struct plan_blackholes none = {0};
	struct kernel_state state;
	int err = nlsock_open_strict(&s);

	if (err < 0)
		return err;
	const struct kernel_sink sink = rtnl_sink(s);

	kernel_state_init(&state);
	(void)kernel_adopt(&state, &sink); /* so that it is known which tables there are */
	kernel_pass(&state, &sink, &none, SIZE_MAX);
	err = state.error ? state.error : state.first_error;
	kernel_state_done(&state);
	return err;
}
