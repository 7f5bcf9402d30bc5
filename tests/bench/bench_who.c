// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "bench_who.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t bench_who_run(const char *log, const char *const argv[])
{
	const pid_t pid = fork();
	int fd;

	if (pid < 0)
		bench_fail("fork");
	if (pid > 0)
		return pid;
	fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		bench_fail(log);
	(void)setpriority(PRIO_PROCESS, 0, -20); /* refused: there is more noise */
	execv(argv[0], (char *const *)(uintptr_t)argv);
	bench_fail(argv[0]);
}

static pid_t start_feeder(const struct bench_who *w, const char *config, const char *log)
{
	char feed[128];

	snprintf(feed, sizeof(feed), "%s/feed", w->agent.dir);
	return bench_who_run(log,
			     (const char *[]){w->feeder_program, "--agent", feed, "--kubeconfig",
					      config, "--node", "bench", NULL});
}

/* As their manifests run them, but that nobody asks for figures, and that no object is checked by a
 * webhook. */
static void start_metallb(struct bench_who *w, const char *config, const char *log)
{
	char speaker_log[128];

	snprintf(speaker_log, sizeof(speaker_log), "%s/speaker.log", w->agent.dir);
	if (setenv("KUBECONFIG", config, 1) != 0 || setenv("METALLB_BGP_TYPE", "native", 1) != 0)
		bench_fail("setenv");
	w->agent.pid = bench_who_run(speaker_log, (const char *[]){w->agent_program, "--namespace",
								   "metallb-system", "--port", "0",
								   "--node-name", "bench",
								   "--pod-name", "speaker", NULL});
	w->feeder = bench_who_run(
		log,
		(const char *[]){w->feeder_program, "--namespace", "metallb-system", "--port", "0",
				 "--health-probe-port", "17473", "--webhook-mode", "disabled",
				 "--disable-cert-rotation", "--pod-name", "controller", NULL});
}

void bench_who_init(struct bench_who *w, bool is_metallb, const char *agent_program,
		    const char *feeder_program)
{
	*w = (struct bench_who){.is_metallb = is_metallb,
				.agents = is_metallb ? "speaker" : "agent",
				.feeders = is_metallb ? "controller" : "feeder",
				.agent_program = agent_program,
				.feeder_program = feeder_program};
	bench_agent_init(&w->agent);
	w->agent.is_fed = true;
}

void bench_who_done(struct bench_who *w)
{
	bench_who_forget(w);
	bench_agent_done(&w->agent);
}

void bench_who_start(struct bench_who *w)
{
	char config[160], log[128];

	snprintf(config, sizeof(config), "%s/kube/kubeconfig", w->agent.dir);
	snprintf(log, sizeof(log), "%s/feeder.log", w->agent.dir);
	if (w->is_metallb) {
		start_metallb(w, config, log);
		return;
	}
	bench_agent_start(&w->agent, w->agent_program, "info");
	w->feeder = start_feeder(w, config, log);
}

void bench_who_stop(struct bench_who *w)
{
	if (kill(w->feeder, SIGTERM) != 0 || waitpid(w->feeder, NULL, 0) != w->feeder)
		bench_fail(w->feeders);
	bench_agent_stop(&w->agent);
}

void bench_who_forget(const struct bench_who *w)
{
	char command[256];

	if (w->is_metallb)
		return;
	bench_agent_cleanup(&w->agent, w->agent_program);
	snprintf(command, sizeof(command), "rm -rf %s/state %s/feed", w->agent.dir, w->agent.dir);
	if (system(command) != 0)
		bench_fail(command);
}
