// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Running: signals and the loop. SIGTERM leaves the sessions to graceful restart and the data plane
 * forwarding; SIGINT withdraws first (DESIGN 10).
 */
#include "agent/agent.h"
#include "agent/reconcile.h"
#include "agent/state.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/notify.h"

#include <signal.h>

#define STOP_NS      (1 * NSEC_PER_SEC)    /* routers have so long to hear the end */
#define SLOW_TURN_NS (100 * NSEC_PER_MSEC) /* hold timers and BFD begin to notice */
#define SAY_SLOW_NS  (10 * NSEC_PER_SEC)

static void on_signal(void *ctx, int signo)
{
	struct agent *a = ctx;
	nsec_t now = loop_now(a->loop);

	if (signo == SIGHUP) {
		log_info("config: reload asked for", NULL);
		notify_reloading(now);
		a->ready_said = false;
		agent_input_changed(&a->inputs, INPUT_RELOAD);
		return;
	}
	if (a->stopping) { /* asked twice */
		loop_stop(a->loop);
		return;
	}
	log_info("stopping", "signal=%s", signo == SIGINT ? "INT" : "TERM");
	notify_stopping();
	if (signo == SIGINT) {
		agent_peers_notify(&a->peers, BGP_NOTE_STOP, now);
		state_forget_alive(a);
	} else {
		agent_peers_notify(&a->peers, BGP_NOTE_RESTARTING, now);
	}
	a->stopping = true;
	a->stop_at = nsec_add(now, STOP_NS);
}

/* Nothing is read or planned any more; the loop ends once the routers have heard the end. */
static nsec_t step_to_the_end(struct agent *a, nsec_t now)
{
	const nsec_t next = agent_peers_tick(&a->peers, now);

	if (agent_peers_are_closed(&a->peers) || now >= a->stop_at) {
		/* Not before: routers that take AdminDown for a failure would forget the routes. */
		agent_bfd_leave(&a->bfd);
		loop_stop(a->loop);
	}
	return nsec_min(next, a->stop_at);
}

/* Of the turn before: everybody else waited for it. All but idle ones are told to who debugs. */
static void tell_turn(struct agent *a, nsec_t now)
{
	const struct loop_turn turn = loop_last_turn(a->loop);
	const bool is_slow = turn.length >= SLOW_TURN_NS && now >= a->slow_said_at;

	metrics_note_turn(a, turn.length);
	if (turn.length < NSEC_PER_MSEC)
		return;
	if (is_slow)
		a->slow_said_at = nsec_add(now, SAY_SLOW_NS);
	log_at(is_slow ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG,
	       is_slow ? "loop: a slow turn" : "loop: a turn",
	       "millis=%.1f what=%s whatMillis=%.1f cpuMillis=%.1f",
	       (double)turn.length / NSEC_PER_MSEC, log_quote(turn.what),
	       (double)turn.part / NSEC_PER_MSEC, (double)turn.cpu / NSEC_PER_MSEC);
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct agent *a = ctx;

	tell_turn(a, now);
	return a->stopping ? step_to_the_end(a, now) : reconcile_step(a, now);
}

int agent_run(struct agent *a)
{
	int r;

	loop_signal(a->loop, SIGTERM, on_signal, a);
	loop_signal(a->loop, SIGINT, on_signal, a);
	loop_signal(a->loop, SIGHUP, on_signal, a);
	log_info("lodestoned starting", "version=%s node=%s config=%s restarted=%s",
		 LODESTONE_VERSION, log_quote(a->options->node), log_quote(a->options->config),
		 a->peers.restarted ? "yes" : "no");
	a->watchdog_at = nsec_add(loop_now(a->loop), notify_watchdog_interval());
	r = loop_run(a->loop, step, a);
	state_finish(a, loop_now(a->loop));
	if (r < 0)
		log_err("event loop failed", "error=%s", log_quote(strerror(-r)));
	return r;
}
