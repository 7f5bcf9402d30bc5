// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A whole agent in a network namespace, with files in a folder, both its own, without a data plane
 * unless the test says otherwise, with the router of router.h. A test writes files, runs the loop.
 */
#pragma once

#include "agent/agent.h"

#include "agent/reconcile.h"
#include "agent/state_world.h"
#include "documents.h"
#include "router.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/watch.h"
#include "sys/worker.h"

#include <stdlib.h>
#include <sys/stat.h>
#define RIG_UNUSED     __attribute__((unused))
#define RIG_PATIENCE_S 120 /* what comes at all comes within it, however busy the machine is */

struct agent_rig {
	char dir[64]; /* DIR/config, DIR/state, DIR/sock, DIR/pin */
	char config[96], state[96], socket[96], pin[96];
	struct options options;
	struct agent agent;
	bool running; /* agent_start was called and agent_done not yet */
	struct router *router;
	bool (*until)(const struct agent_rig *rig);
	nsec_t give_up;
	bool reached;
	unsigned turns;
};

static inline void rig_write_to(const char *folder, const char *name, const char *text)
{
	char path[192], beside[200];
	FILE *file;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(beside, sizeof(beside), "%s.new", path);
	file = fopen(beside, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(beside, path), 0);
}

static inline void rig_write(const struct agent_rig *rig, const char *name, const char *text)
{
	rig_write_to(rig->config, name, text);
}

RIG_UNUSED static void rig_remove(const struct agent_rig *rig, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", rig->config, name);
	assert_int_equal(unlink(path), 0);
}

RIG_UNUSED static char *rig_read_state(const struct agent_rig *rig, const char *name)
{
	char path[192], text[8192] = "";
	FILE *file;

	if (rig->running)
		worker_finish(rig->agent.disk); /* what it still has to write */
	snprintf(path, sizeof(path), "%s/%s", rig->state, name);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	(void)!fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	return xstrdup(text);
}

RIG_UNUSED static struct agent_rig *rig_new(void)
{
	struct agent_rig *rig = xcalloc(1, sizeof(*rig));

	log_init(LOG_LEVEL_ERR, false);
	own_network();
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/lt-agent-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->config, sizeof(rig->config), "%s/config", rig->dir);
	snprintf(rig->state, sizeof(rig->state), "%s/state", rig->dir);
	snprintf(rig->socket, sizeof(rig->socket), "%s/sock", rig->dir);
	snprintf(rig->pin, sizeof(rig->pin), "%s/pin", rig->dir);
	assert_int_equal(mkdir(rig->config, 0700), 0);
	rig->options = (struct options){.config = rig->config,
					.node = "node",
					.socket = rig->socket,
					.pin = rig->pin,
					.state = rig->state,
					.ns = "metallb-system"};
	rig_write(rig, "a-config.yaml", RIG_OFF);
	rig_write(rig, "peer.yaml", RIG_PEER);
	rig_write(rig, "pool.yaml", RIG_POOL);
	rig_write(rig, "s1.yaml", RIG_SERVICE("s1"));
	rig->router = router_new();
	return rig;
}

RIG_UNUSED static void rig_start(struct agent_rig *rig)
{
	assert_int_equal(agent_start(&rig->agent, &rig->options), 0);
	rig->running = true;
}

/* As a crash: nothing is said, nothing is written. */
RIG_UNUSED static void rig_crash(struct agent_rig *rig)
{
	if (rig->running)
		agent_done(&rig->agent);
	rig->running = false;
	router_hang_up(rig->router);
}

RIG_UNUSED static void rig_free(struct agent_rig *rig)
{
	char lock[sizeof(rig->pin)], command[256];

	rig_crash(rig);
	router_free(rig->router);
	snprintf(lock, sizeof(lock), "%s", rig->pin + 1); /* agent/cleanup.h: as it is named */
	for (char *c = lock; (c = strchr(c, '/'));)
		*c = '-';
	snprintf(command, sizeof(command), "rm -rf %s /run/lodestone/%s.lock", rig->dir, lock);
	assert_int_equal(system(command), 0);
	free(rig);
}

static inline nsec_t rig_step(void *ctx, nsec_t now)
{
	struct agent_rig *rig = ctx;
	nsec_t next;

	router_turn(rig->router);
	next = reconcile_step(&rig->agent, now);
	rig->turns++;
	/* Nothing is to be seen of no plan, nor of one that another is about to follow. */
	rig->reached = rig->agent.current && !rig->agent.preparing && rig->until(rig);
	if (rig->reached || now > rig->give_up)
		loop_stop(rig->agent.loop);
	return nsec_min(next, now + NSEC_PER_MSEC);
}

static inline void rig_wait(struct agent_rig *rig, bool (*until)(const struct agent_rig *rig),
			    const char *what)
{
	rig->until = until;
	rig->give_up = clock_now() + RIG_PATIENCE_S * NSEC_PER_SEC;
	assert_int_equal(loop_run(rig->agent.loop, rig_step, rig), 0);
	if (!rig->reached)
		fail_msg("not within %d s: %s", RIG_PATIENCE_S, what);
}
#define RIG_WAIT(rig, until) rig_wait(rig, until, #until)

/* The address of a Service by the present plan, as text in a static buffer; "" if it has none. */
RIG_UNUSED static const char *rig_address(const struct agent_rig *rig, const char *name)
{
	const struct plan_addresses *all = &rig->agent.current->addresses;
	static char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].name, name) == 0)
			return ip_addr_text(&all->items[i].addr, text);
	return "";
}

RIG_UNUSED static const struct problem *rig_problem(const struct agent_rig *rig, const char *reason)
{
	const struct problems *all = &rig->agent.current->problems;

	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].reason, reason) == 0)
			return &all->items[i];
	return NULL;
}

RIG_UNUSED static bool rig_announces(const struct agent_rig *rig)
{
	return rig->router->end_of_ribs > 0 && rig->router->announced > 0;
}

RIG_UNUSED static bool rig_has_planned(const struct agent_rig *rig)
{
	return rig->agent.current && !rig->agent.is_put_off;
}

/* What the world holds by now would survive a crash. */
RIG_UNUSED static bool rig_is_saved(const struct agent_rig *rig)
{
	return rig->agent.current && state_world_is_saved(&rig->agent);
}
