// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The store asks to be tried again for up to two seconds (a slot rests before it is used again), so
 * a refusal is a problem only when it lasts longer, or when a table is full.
 */
#include "agent/problems_own.h"

#include "agent/agent.h"
#include "agent/ctl.h"
#include "agent/feed.h"
#include "agent/state_world.h"
#include "sys/bpf_dataplane.h"
#include "sys/health_server.h"

#include <errno.h>

#define LASTING_NS (3 * NSEC_PER_SEC)

static const char *protocol_text(uint8_t proto)
{
	return proto == API_UDP ? "UDP" : proto == API_SCTP ? "SCTP" : "TCP";
}

/* "192.0.2.1", of a VIP, or "192.0.2.1 TCP port 80". */
static const char *key_text(struct arena *arena, const struct lb_key *key)
{
	char text[IP_ADDR_TEXT];

	ip_addr_text(&key->addr, text);
	return key->port == 0 ? arena_strdup(arena, text)
			      : arena_printf(arena, "%s %s port %u", text,
					     protocol_text(key->proto), key->port);
}

static void add_refused(const struct agent *a, nsec_t now, struct problems *list)
{
	const struct agent_refused *refused = &a->refused;
	const bool is_full = refused->error == -ENOSPC;
	const struct object_ref ref = {.kind = "DataPlane", .name = a->options->node};
	const struct problem_text text = {
		.reason = is_full ? "TableFull" : "ProgrammingFailed",
		.remedy = is_full ? "remove Services or endpoints that are not needed"
				  : "nothing yet: it is tried again every second; if it stays, "
				    "restart the agent",
	};

	if (refused->n == 0 || (!is_full && now - refused->since < LASTING_NS))
		return;
	problem_add(list, SEVERITY_ERROR, &ref, &text, "%s cannot be programmed: %s",
		    key_text(list->arena, &refused->key), strerror(-refused->error));
}

/* Said beside what cannot be programmed for it, for this is why. */
static void add_far(const struct agent *a, struct problems *list)
{
	const struct object_ref ref = {.kind = "DataPlane", .name = a->options->node};
	const struct problem_text text = {
		.reason = "ProgramsRefused",
		.remedy = "lodectl preflight says what this kernel lacks; it is tried again every "
			  "few minutes at most",
	};
	const char *failure = NULL;

	if (a->dataplane && !bpf_dataplane_has_far(a->dataplane, &failure) && failure)
		problem_add(list, SEVERITY_ERROR, &ref, &text,
			    "nothing is sent to other nodes and servers: %s", failure);
}

/* Another BFD daemon of this node, most likely. */
static void add_bfd_ports(const struct agent *a, struct problems *list)
{
	const struct object_ref ref = {.kind = "Node", .name = a->options->node};
	const struct problem_text text = {
		.field = "bfd",
		.reason = "BFDPortTaken",
		.remedy = "stop the other BFD daemon of this node, or name no BFDProfile; it is "
			  "tried again every second",
	};

	for (size_t i = 0; a->bfd.engine && i < BFD_ENGINE_PORTS; i++)
		if (a->bfd.how.port_errors[i] == -EADDRINUSE)
			problem_add(list, SEVERITY_ERROR, &ref, &text,
				    "somebody else has port %s; BFD hears nothing there",
				    bfd_engine_port_text(i));
}

static void add_bfd_mute(const struct agent *a, struct problems *list)
{
	for (size_t i = 0; i < a->peers.n; i++) {
		const struct agent_peer *p = a->peers.items[i];
		const struct bfd_line *l = agent_bfd_of(&a->bfd, p);
		const struct object_ref ref = {
			.kind = "BGPPeer", .ns = a->options->ns, .name = p->key.name};
		const struct problem_text text = {
			.field = "spec.bfdProfile",
			.reason = "BFDNobodyBegins",
			.remedy = "set passiveMode: false in the BFDProfile, or let the router "
				  "begin",
		};

		if (l && l->is_mute)
			problem_add(list, SEVERITY_WARNING, &ref, &text,
				    "BFD waits for the router to begin (passiveMode), and the "
				    "router says nothing: is it passive, too?");
	}
}

static void add_denying(const struct agent *a, nsec_t now, struct problems *list)
{
	const bool is_full = a->denying.error == -ENOSPC;
	const struct object_ref ref = {.kind = "DataPlane", .name = a->options->node};
	const struct problem_text text = {
		.field = "spec.dataplane.deny",
		.reason = "DenyIncomplete",
		.remedy = is_full ? "shorten the lists, or those of loadBalancerSourceRanges"
				  : "nothing yet: it is tried again every second; if it stays, "
				    "restart the agent",
	};
	size_t n, wanted;

	if (!a->dataplane || a->denying.error == 0 ||
	    (!is_full && now - a->denying.since < LASTING_NS))
		return;
	n = bpf_dataplane_denied(a->dataplane, &wanted);
	problem_add(list, SEVERITY_ERROR, &ref, &text, "%zu of %zu prefixes are denied: %s", n,
		    wanted, is_full ? "there is no room for more" : strerror(-a->denying.error));
}

static void add_rates(const struct agent *a, struct problems *list)
{
	const struct object_ref ref = {.kind = "DataPlane", .name = a->options->node};
	const struct problem_text text = {
		.field = "lodestone.io/rate-limit",
		.reason = "RateLimitFailed",
		.remedy = "nothing yet: it is tried again every second; if it stays, restart the "
			  "agent",
	};

	if (a->denying.rates_error)
		problem_add(list, SEVERITY_ERROR, &ref, &text, "not all limits are in force: %s",
			    strerror(-a->denying.rates_error));
}

static void add_state(const struct agent *a, struct problems *list)
{
	const struct object_ref ref = {.kind = "State", .name = a->options->state};
	const struct problem_text text = {
		.reason = "StateUnwritable",
		.remedy = "make the folder of --state writable for the agent",
	};

	const int error = a->state_error ? a->state_error : state_world_error(a);

	if (error)
		problem_add(list, SEVERITY_WARNING, &ref, &text,
			    "cannot be written (%s): after a restart Services may get other "
			    "addresses, and what cannot be read then is lost",
			    strerror(-error));
}

static void add_damage(const struct agent *a, struct problems *list)
{
	const struct saved_damage damage = state_world_damage(a);
	const struct object_ref ref = {.kind = "State", .name = a->options->state};
	const struct problem_text text = {
		.reason = "StateDamaged",
		.remedy = "nothing, if no file of the configuration has a problem; the damaged "
			  "files are kept as world/*.bad",
	};

	if (damage.files + damage.objects > 0)
		problem_add(
			list, SEVERITY_WARNING, &ref, &text,
			"%zu files were damaged and %zu objects not right any more: done without",
			damage.files, damage.objects);
}

static void add_restless(const struct agent *a, struct problems *list)
{
	const struct object_ref ref = {.kind = "Agent", .name = a->options->node};
	const struct problem_text text = {
		.reason = "DoesNotConverge",
		.remedy =
			"look for what else changes the same links, hooks or maps, else report it",
	};

	if (a->restless >= AGENT_RESTLESS)
		problem_add(list, SEVERITY_WARNING, &ref, &text,
			    "every plan is followed by another change; slowed down to one a "
			    "second");
}

static void add_socket(const struct agent *a, struct problems *list)
{
	const int error = ctl_group_error(a);
	const struct object_ref ref = {.kind = "ControlSocket", .name = a->options->socket};
	const struct problem_text text = {
		.reason = "GroupKeptOut",
		.remedy = error == -EACCES ? "let the group enter the socket's folder, or name "
					     "another one by --socket, and restart the agent"
					   : "start the agent with the capability CAP_CHOWN",
	};

	if (error)
		problem_add(list, SEVERITY_WARNING, &ref, &text,
			    "members of the group " LODESTONE_GROUP " cannot use it: %s",
			    strerror(-error));
}

/* Beside kube-proxy it is the rule, and its answer is as good until this node is to be left. */
static void add_health(const struct agent *a, struct problems *list)
{
	struct health_failure f;

	for (size_t i = 0; a->health && health_server_failure(a->health, i, &f); i++) {
		const bool taken = f.error == -EADDRINUSE;
		const struct object_ref ref = {.kind = "Service", .ns = f.ns, .name = f.name};
		const struct problem_text text = {
			.field = "spec.healthCheckNodePort",
			.reason = taken ? "HealthCheckPortTaken" : "HealthCheckPortFailed",
			.remedy = taken ? "nothing, if kube-proxy has it; else end who has it (ss "
					  "-ltnp), or give the Service another port"
					: "give the agent what was refused",
		};

		problem_add(list, taken ? SEVERITY_INFO : SEVERITY_WARNING, &ref, &text,
			    "health checks of this node at port %u are not answered from here: "
			    "%s; it is tried again every %u s",
			    f.port, taken ? "somebody else listens" : strerror(-f.error),
			    (unsigned)(HTTP_RETRY_NS / NSEC_PER_SEC));
	}
}

static void add_unnumbered(const struct agent *a, struct problems *list)
{
	const struct object_ref ref = {.kind = "Agent", .name = a->options->node};
	const struct problem_text text = {
		.reason = "RoutersNotHeard",
		.remedy = "give the agent the capability CAP_NET_RAW",
	};

	if (a->peers.unnumbered.error)
		problem_add(list, SEVERITY_ERROR, &ref, &text,
			    "peers by interface cannot find their routers: no socket for router "
			    "advertisements (%s); it is tried again every %u s",
			    strerror(-a->peers.unnumbered.error),
			    (unsigned)(UNNUMBERED_RETRY_NS / NSEC_PER_SEC));
}

/* The sessions that we dial are none the worse for it. */
static void add_listening(const struct agent *a, struct problems *list)
{
	const struct listener *l;

	for (size_t i = 0; (l = listening_at(&a->peers.listening, i)); i++) {
		const int error = l->error;
		const struct object_ref ref = {.kind = "Agent", .name = a->options->node};
		const struct problem_text text = {
			.field = "spec.bgp.listen",
			.reason = error == -EADDRINUSE ? "ListenPortTaken" : "ListenFailed",
			.remedy = "end who has the port (ss -ltnp), or do not listen",
		};

		if (error)
			problem_add(list, SEVERITY_WARNING, &ref, &text,
				    "routers cannot dial this node over %s, port %u%s%s: %s; it is "
				    "tried again every %u s",
				    ip_family_text(l->family), a->peers.listening.port,
				    l->vrf[0] ? ", VRF " : "", l->vrf,
				    error == -EADDRINUSE ? "somebody else listens"
							 : strerror(-error),
				    (unsigned)(LISTENING_RETRY_NS / NSEC_PER_SEC));
	}
}

static void add_conntrack(const struct agent *a, struct problems *list)
{
	const struct object_ref ref = {.kind = "Conntrack", .name = a->options->node};
	const struct problem_text full = {
		.reason = "ConntrackNearlyFull",
		.remedy = "sysctl -w net.netfilter.nf_conntrack_max=N, more than the connections "
			  "that live",
	};
	const struct problem_text strict = {
		.reason = "ConntrackStrict",
		.remedy = "sysctl -w net.netfilter.nf_conntrack_tcp_loose=1",
	};

	if (a->conntrack.is_full)
		problem_add(list, SEVERITY_WARNING, &ref, &full,
			    "nearly as many connections as nf_conntrack_max are tracked: when it "
			    "is full, new ones are dropped");
	if (a->conntrack.is_strict)
		problem_add(list, SEVERITY_WARNING, &ref, &strict,
			    "nf_conntrack_tcp_loose is 0: connections whose beginning it has not "
			    "seen, by another node or before it forgot them, are invalid");
}

void problems_own_add(const struct agent *a, nsec_t now, struct problems *list)
{
	add_refused(a, now, list);
	add_far(a, list);
	add_denying(a, now, list);
	add_rates(a, list);
	add_state(a, list);
	feed_problems_add(a, list);
	add_damage(a, list);
	add_restless(a, list);
	add_socket(a, list);
	add_health(a, list);
	add_listening(a, list);
	add_unnumbered(a, list);
	add_conntrack(a, list);
	nat_ports_problems(a, now, list);
	add_bfd_ports(a, list);
	add_bfd_mute(a, list);
	blackholes_problems(a, list);
	receiving_problems(a, list);
	vrfs_problems(a, list);
	metrics_problems(a, list);
	page_problems(a, list);
	problems_sort(list);
}
