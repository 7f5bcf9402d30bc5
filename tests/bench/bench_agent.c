// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "bench_agent.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

noreturn void bench_fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

void bench_hurry(void)
{
	if (sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 1}) != 0)
		(void)setpriority(PRIO_PROCESS, 0, -20); /* refused, too: there is more noise */
}

void bench_agent_init(struct bench_agent *a)
{
	char path[128];

	snprintf(a->dir, sizeof(a->dir), "/tmp/lodestone-bench-XXXXXX");
	if (!mkdtemp(a->dir))
		bench_fail(a->dir);
	snprintf(path, sizeof(path), "%s/config", a->dir);
	if (mkdir(path, 0755) != 0)
		bench_fail(path);
}

void bench_agent_done(struct bench_agent *a)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", a->dir);
	if (system(command) != 0)
		bench_fail(command);
}

void bench_agent_put(const struct bench_agent *a, const char *name, const char *text)
{
	char path[160], beside[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/config/%s.yaml", a->dir, name);
	snprintf(beside, sizeof(beside), "%s.new", path);
	f = fopen(beside, "we");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || rename(beside, path) != 0)
		bench_fail(path);
}

static void run(const struct bench_agent *a, const char *program, const char *log_level)
{
	char config[128], state[128], at[128], log[128], pin[128], feed[128];
	int fd;

	snprintf(config, sizeof(config), "%s/config", a->dir);
	snprintf(state, sizeof(state), "%s/state", a->dir);
	snprintf(at, sizeof(at), "%s/socket", a->dir);
	snprintf(log, sizeof(log), "%s/log", a->dir);
	snprintf(pin, sizeof(pin), "/sys/fs/bpf/%s", a->dir + strlen("/tmp/"));
	snprintf(feed, sizeof(feed), "%s/feed", a->dir);
	fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		bench_fail(log);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		bench_fail("prctl");
	bench_hurry();
	execl(program, program, "--config", config, "--state", state, "--socket", at, "--pin", pin,
	      "--node", "bench", "--log-level", log_level, a->is_fed ? "--feed" : (char *)NULL,
	      feed, (char *)NULL);
	bench_fail(program);
}

void bench_agent_start(struct bench_agent *a, const char *program, const char *log_level)
{
	a->pid = fork();
	if (a->pid < 0)
		bench_fail("fork");
	if (a->pid == 0)
		run(a, program, log_level);
}

void bench_agent_stop(struct bench_agent *a)
{
	if (kill(a->pid, SIGTERM) != 0 || waitpid(a->pid, NULL, 0) != a->pid)
		bench_fail("the agent");
}

void bench_agent_cleanup(const struct bench_agent *a, const char *program)
{
	char command[512];

	snprintf(command, sizeof(command), "%s --cleanup --pin /sys/fs/bpf/%s >/dev/null 2>&1",
		 program, a->dir + strlen("/tmp/"));
	if (system(command) != 0)
		bench_fail(command);
}

void bench_agent_check(const struct bench_agent *a)
{
	if (waitpid(a->pid, NULL, WNOHANG) == 0)
		return;
	fprintf(stderr, "bench: the agent ended; its log is in %s\n", a->dir);
	exit(1);
}
