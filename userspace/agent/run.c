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

static void on_signal(void *ctx, int signo)
{
	struct agent *a = ctx;
	nsec_t now = loop_now(a->loop);

	if (signo == SIGHUP) {
		log_info("config: reload asked for", NULL);
		notify_reloading(now);
		a->ready_said = false;
		a->scan_wanted = a->scan_forced = a->plan_dirty = true;
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
	loop_stop(a->loop);
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
	r = loop_run(a->loop, reconcile_step, a);
	if (r < 0)
		log_err("event loop failed", "error=%s", log_quote(strerror(-r)));
	return r;
}
