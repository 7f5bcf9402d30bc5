// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Files and netlink. The configuration is read only by sources_scan, which the step calls right
 * before a plan, since a plan borrows from the world. It reads as long as a turn may take; the
 * world, and with it the plan, sees what a scan found when the scan is through.
 */
#include "agent/sources.h"

#include "agent/agent.h"
#include "agent/state_world.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/netlink.h"
#include "sys/watch.h"

#include <errno.h>

#define NODE_SHARE    10 /* one part in so many of a processor is for reading it */
#define NODE_MAX_NS   (50 * NSEC_PER_MSEC) /* ... but no change waits longer to be read */
#define NODE_RETRY_NS (1 * NSEC_PER_SEC)
#define SOURCE_CONFIG "config"
#define SOURCE_NODE   "node"
#define SLICE_NS      (8 * NSEC_PER_MSEC) /* of a turn, for reading files */
#define LOOK_NS       (1 * NSEC_PER_MSEC) /* ... for looking at them, as long as nothing is found */

static void on_watch(void *ctx, bool readable, bool writable)
{
	struct agent *a = ctx;

	(void)readable, (void)writable;
	agent_input_changed(&a->inputs, INPUT_FOLDER);
	loop_fd_want(a->watch_fd, false, false); /* only the scan reads it */
}

static void on_netlink(void *ctx, bool readable, bool writable)
{
	struct agent *a = ctx;
	unsigned changed = netlink_receive(a->netlink);

	(void)readable, (void)writable;
	if (changed & (NETLINK_CHANGED_NODE | NETLINK_LOST))
		agent_input_changed(&a->inputs, INPUT_LINKS);
	if (changed & (NETLINK_CHANGED_HOOKS | NETLINK_LOST))
		agent_input_changed(&a->inputs, INPUT_HOOKS);
	if (changed & (NETLINK_CHANGED_OURS | NETLINK_LOST))
		agent_input_changed(&a->inputs, INPUT_KERNEL);
	if (changed & (NETLINK_CHANGED_NEIGHBOURS | NETLINK_LOST)) {
		agent_input_changed(&a->inputs, INPUT_NEIGHBOURS);
		agent_peers_neighbours(&a->peers, loop_now(a->loop));
	}
	if (changed & (NETLINK_CHANGED_HOPS | NETLINK_LOST))
		tunnel_hops_changed(a, loop_now(a->loop));
}

static void on_node_read(void *ctx)
{
	struct agent *a = ctx;

	a->is_node_back = true;
}

/* True if the path is that of --config, or of its folder, and not of one file among others. */
static bool is_whole_config(const struct agent *a, const char *path)
{
	size_t len = strlen(a->options->config);

	while (len > 1 && a->options->config[len - 1] == '/')
		len--;
	return strncmp(path, a->options->config, len) != 0 ||
	       strspn(path + len, "/") == strlen(path + len);
}

/* --- configuration ---------------------------------------------------------------------------- */

static void on_file(void *ctx, struct watch_file *file)
{
	struct agent *a = ctx;

	switch (file->event) {
	case WATCH_CHANGED:
		a->config_failing &= !is_whole_config(a, file->path);
		log_info("config: read", "file=%s bytes=%zu", log_quote(file->path), file->len);
		break;
	case WATCH_GONE:
		log_info("config: gone", "file=%s", log_quote(file->path));
		break;
	case WATCH_FAILED:
		a->config_failing |= is_whole_config(a, file->path);
		break;
	case WATCH_RECOVERED:
		a->config_failing = false;
		break;
	}
	source_changes_add(&a->changes, a->world, file, a->scan_until);
}

/*
 * An edit may come between two turns of a look that finds nothing (sys/watch.h), so these are
 * short; and what it changes does not wait for the rest of the look.
 */
static bool is_enough(void *ctx)
{
	const struct agent *a = ctx;
	const bool looks = a->current && a->changes.n == 0;

	if (a->changes.n_read < a->changes.n) /* the helper's, or there was no time for it */
		return true;
	if (a->changes.n > 0 && watch_is_whole(a->watch))
		return true;
	return clock_now() + (looks ? SLICE_NS - LOOK_NS : 0) >= a->scan_until;
}

/* To where the peers are the kernel knows the way, and is asked for it right before the plan. */
static void note_peers(struct agent *a)
{
	const uint64_t generation = world_kind_generation(a->world, API_BGP_PEER);

	if (generation == a->peer_objects)
		return;
	a->peer_objects = generation;
	agent_input_changed(&a->inputs, INPUT_PEER_OBJECTS);
	a->node_at = 0;
}

void sources_told(struct agent *a)
{
	agent_input_changed(&a->inputs, INPUT_OBJECTS);
	note_peers(a);
}

static void apply_changes(struct agent *a)
{
	/* The plan borrows from the world: it is made again before anybody reads the old one. */
	if (a->changes.n > 0 || !a->current) {
		source_changes_apply(&a->changes, a->world);
		sources_told(a);
	}
	if (world_has_room_again(a->world) && a->repeated_at != world_generation(a->world)) {
		a->repeated_at = world_generation(a->world);
		watch_repeat(a->watch);
		feed_repeat(a);
		agent_input_changed(&a->inputs, INPUT_FOLDER);
	}
	if (!a->config_failing)
		agent_source_complete(&a->inputs, SOURCE_CONFIG);
}

static void on_text_read(void *ctx)
{
	struct agent *a = ctx;

	a->scan_at = 0;
}

bool sources_are_away(const struct agent *a)
{
	return a->changes.is_away || state_load_world_is_away(a);
}

void sources_scan(struct agent *a, nsec_t now)
{
	const struct watch_reader reader = {.tell = on_file, .is_enough = is_enough, .ctx = a};
	const bool all = agent_inputs_due(&a->inputs, DUE_SCAN_ALL);
	bool is_read;

	a->scan_until = nsec_add(clock_now(), SLICE_NS);
	a->scan_at = now;
	if (!state_load_world_on(a, a->scan_until) ||
	    !source_changes_read_on(&a->changes, a->scan_until))
		return;
	a->scan_at = watch_scan(a->watch, now, all, &reader);
	agent_inputs_done(&a->inputs, DUE_SCAN | DUE_SCAN_ALL);
	is_read = source_changes_read_on(&a->changes, 0);
	a->is_scanned = watch_is_whole(a->watch) && is_read;
	if (a->is_scanned) {
		apply_changes(a);
		loop_fd_want(a->watch_fd, true, false);
		return;
	}
	a->scan_at = now;
	/* Before the first plan nobody looks at the world, and nothing need wait. */
	if (is_read && !a->current)
		source_changes_apply(&a->changes, a->world);
}

/* --- node ------------------------------------------------------------------------------------- */

/* Where it is read quickly nobody waits long, and where it takes long it is not read all the time.
 */
static nsec_t pause_of(const struct netlink *nl)
{
	return nsec_min((NODE_SHARE - 1) * netlink_took(nl), NODE_MAX_NS);
}

void sources_refresh_node(struct agent *a, nsec_t now)
{
	struct world_list peers = world_list(a->world, API_BGP_PEER);
	const struct agent_receiving *r = &a->receiving;
	struct netlink_ask *ask = xcalloc(peers.n + r->n_asked + 1, sizeof(*ask));
	unsigned before = netlink_generation(a->netlink);
	size_t n = 0;
	int err;

	for (size_t i = 0; i < peers.n; i++) {
		const struct api_peer *p = &peers.items[i]->peer;

		if (ip_addr_is_none(&p->address))
			continue;
		ask[n].to = p->address;
		(void)snprintf(ask[n++].vrf, sizeof(ask->vrf), "%s", p->vrf ? p->vrf : "");
	}
	for (size_t i = 0; i < r->n_asked; i++)
		ask[n++] = r->asked[i];
	err = netlink_refresh(a->netlink, ask, n);
	free(ask);
	/* What a helper brought is what was asked for before; news is read when it is time. */
	if (!a->is_node_back)
		agent_inputs_done(&a->inputs, DUE_NODE);
	a->is_node_back = false;
	if (err == -EINPROGRESS) /* on_node_read() will say so */
		return;
	a->is_node_read = true; /* or nobody can say when it will be */
	if (err < 0) {
		log_warn("netlink: cannot read the node", "error=%s", log_quote(strerror(-err)));
		agent_input_changed(&a->inputs, INPUT_LINKS);
	} else {
		agent_source_complete(&a->inputs, SOURCE_NODE);
	}
	a->node_at = nsec_add(now, err < 0 ? NODE_RETRY_NS : pause_of(a->netlink));
	if (netlink_generation(a->netlink) == before)
		return;
	agent_input_changed(&a->inputs, INPUT_NODE);
	tunnel_hops_changed(a, now);
	agent_bfd_node(&a->bfd, netlink_node(a->netlink));
	agent_peers_node(&a->peers, netlink_node(a->netlink), now);
}

/* --- open and close --------------------------------------------------------------------------- */

int sources_start(struct agent *a)
{
	int r = watch_new(&(struct watch_args){.path = a->options->config}, &a->watch);

	agent_source_add(&a->inputs, SOURCE_CONFIG);
	agent_source_add(&a->inputs, SOURCE_NODE);
	if (r < 0) {
		fprintf(stderr, "lodestoned: cannot watch %s: %s\n", a->options->config,
			strerror(-r));
		return r;
	}
	r = netlink_open(&a->netlink);
	if (r < 0) {
		fprintf(stderr, "lodestoned: cannot open netlink: %s\n", strerror(-r));
		return r;
	}
	netlink_ignore(a->netlink, blackholes_port(a));
	netlink_ignore(a->netlink, receiving_port(a));
	netlink_use_helpers(a->netlink, &(struct netlink_helpers){.routes = a->worker,
								  .tables = a->network,
								  .changed = on_node_read,
								  .ctx = a});
	source_changes_use_helper(&a->changes, a->reader, on_text_read, a);
	a->watch_fd = loop_fd_new(a->loop, "config", watch_fd(a->watch), on_watch, a);
	a->netlink_fd = loop_fd_new(a->loop, "netlink", netlink_fd(a->netlink), on_netlink, a);
	loop_fd_want(a->watch_fd, true, false);
	loop_fd_want(a->netlink_fd, true, false);
	return feed_start(a);
}

int sources_check(struct agent *a)
{
	const char *path = a->options->config;
	int err = access(path, F_OK) == 0 ? 0 : -errno;

	if ((err != -ENOENT && err != -ENOTDIR) || a->options->wait_config)
		return 0;
	state_load_world_all(a);
	if (world_stale(a->world).objects > 0)
		return 0;
	fprintf(stderr,
		"lodestoned: --config %s: %s; correct the path, or give --wait-config if it will be "
		"there later\n",
		path, strerror(-err));
	return err;
}

void sources_stop(struct agent *a)
{
	feed_stop(a);
	loop_fd_free(a->netlink_fd);
	loop_fd_free(a->watch_fd);
	netlink_free(a->netlink);
	source_changes_done(&a->changes);
	watch_free(a->watch);
}
