// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The rows. Verbs stand in the order of --help: what is asked first at night comes first.
 */
#include "cli/cli_table.h"

#include "base/names.h"

#include <string.h>

const char *const cli_formats[N_CLI_FORMATS] = {
	[CLI_TABLE] = "table",
	[CLI_WIDE] = "wide",
	[CLI_JSON] = "json",
	[CLI_YAML] = "yaml",
};

const struct cli_option_info cli_options[N_CLI_OPTIONS] = {
	[CLI_OPTION_OUTPUT] = {"output", 'o', "FORMAT", CLI_KIND_FORMAT,
			       "table (default), wide, json or yaml"},
	[CLI_OPTION_NAMESPACE] = {"namespace", 'n', "NS", CLI_KIND_NAMESPACE,
				  "only objects of this namespace"},
	[CLI_OPTION_PEER] = {"peer", 0, "NAME", CLI_KIND_PEER,
			     "only routes sent to this peer, or by it"},
	[CLI_OPTION_VRF] = {"vrf", 0, "NAME", CLI_KIND_VRF,
			    "only of peers in this VRF; default: in none"},
	[CLI_OPTION_SERVICE] = {"service", 0, "[NS/]NAME", CLI_KIND_SERVICE,
				"only routes that lead to this Service"},
	[CLI_OPTION_PREFIX] = {"prefix", 0, "PREFIX", CLI_KIND_PREFIX,
			       "only prefixes and addresses in this one"},
	[CLI_OPTION_RECEIVED] = {"received", 0, NULL, CLI_KIND_NONE, "routes that peers have sent"},
	[CLI_OPTION_FROM] = {"from", 0, "IP[:PORT]", CLI_KIND_OTHER,
			     "the client; of IPv6 [IP]:PORT; of capture IP or PREFIX"},
	[CLI_OPTION_TO] = {"to", 0, "VIP:PORT[/PROTOCOL]", CLI_KIND_ADDRESS,
			   "where it sends to, by tcp (default), udp or sctp"},
	[CLI_OPTION_VIP] = {"vip", 0, "IP[:PORT]", CLI_KIND_ADDRESS,
			    "only packets to this VIP, and its replies"},
	[CLI_OPTION_DROPPED] = {"dropped", 0, NULL, CLI_KIND_NONE, "only packets that are dropped"},
	[CLI_OPTION_REASON] = {"reason", 0, "REASON", CLI_KIND_OTHER,
			       "only for this reason, as drops has it"},
	[CLI_OPTION_DIRECTION] = {"direction", 0, "in|reply|both", CLI_KIND_OTHER,
				  "requests, replies, or both (default)"},
	[CLI_OPTION_COUNT] = {"count", 'c', "N", CLI_KIND_OTHER,
			      "ends after so many packets (1000; at most 100000)"},
	[CLI_OPTION_SECONDS] = {"seconds", 0, "S", CLI_KIND_OTHER,
				"ends after so many seconds (60; at most 3600)"},
	[CLI_OPTION_SNAPLEN] = {"snaplen", 's', "BYTES", CLI_KIND_OTHER,
				"so much of each frame is kept (256; 64 to 1536)"},
	[CLI_OPTION_FOR] = {"for", 0, "DURATION", CLI_KIND_OTHER,
			    "only for so long: 30m, 1h30m, 45s"},
	[CLI_OPTION_DRY_RUN] = {"dry-run", 0, NULL, CLI_KIND_NONE, "only say what it would do"},
	[CLI_OPTION_WATCH] = {"watch", 'w', NULL, CLI_KIND_NONE,
			      "again every second, until interrupted"},
	[CLI_OPTION_SOCKET] = {"socket", 0, "PATH", CLI_KIND_FILE,
			       "the agent's socket (" LODESTONE_SOCKET ")"},
	[CLI_OPTION_HELP] = {"help", 'h', NULL, CLI_KIND_NONE,
			     "this text; behind a command, what that one takes"},
	[CLI_OPTION_VERSION] = {"version", 0, NULL, CLI_KIND_NONE, "the version"},
};

#define WATCH  CLI_SET(CLI_OPTION_WATCH)
#define NS     CLI_SET(CLI_OPTION_NAMESPACE)
#define PEER   CLI_SET(CLI_OPTION_PEER)
#define VRF    CLI_SET(CLI_OPTION_VRF)
#define PREFIX CLI_SET(CLI_OPTION_PREFIX)

#define SHOW(WHAT, plural, singular, arg, arg_kind, takes, text)                                   \
	{                                                                                          \
		.command = CLI_SHOW, .what = WHAT, .word = "show", .word_too = "get",              \
		.second = plural, .second_too = singular, .argument = arg, .kind = arg_kind,       \
		.options = (takes) | WATCH | NS, .help = text                                      \
	}

const struct cli_verb cli_verbs[] = {
	{.command = CLI_STATUS,
	 .word = "status",
	 .options = WATCH,
	 .help = "the agent in a few lines, as without any command; exits 2 if all is not well"},
	SHOW(CLI_PEERS, "peers", "peer", "[NAME]", CLI_KIND_PEER, VRF, "BGP sessions"),
	SHOW(CLI_ROUTES, "routes", "route", "[PREFIX]", CLI_KIND_PREFIX,
	     PEER | VRF | PREFIX | CLI_SET(CLI_OPTION_SERVICE) | CLI_SET(CLI_OPTION_RECEIVED),
	     "what is advertised (--peer P: to one peer), or with --received what peers have sent "
	     "and became of it"),
	SHOW(CLI_SERVICES, "services", "service", "[[NS/]NAME]", CLI_KIND_SERVICE, PREFIX,
	     "front ends, their backends and counters"),
	SHOW(CLI_BACKENDS, "backends", "backend", "[SERVICE]", CLI_KIND_SERVICE, PREFIX,
	     "each backend: its state, flows and counters"),
	SHOW(CLI_BFD, "bfd", NULL, "[PEER]", CLI_KIND_PEER, VRF,
	     "BFD sessions, and with a name their last changes"),
	SHOW(CLI_POOLS, "pools", "pool", "[NAME]", CLI_KIND_POOL, 0, "address pools and their use"),
	SHOW(CLI_NODES, "nodes", "node", "[NAME]", CLI_KIND_OTHER, 0,
	     "other nodes, whether they answer, and the way there"),
	SHOW(CLI_BLACKHOLES, "blackholes", "blackhole", "[PREFIX]", CLI_KIND_PREFIX, 0,
	     "prefixes of which unused addresses end here, and those of which nothing gets "
	     "through, on demand"),
	SHOW(CLI_PROBLEMS, "problems", "problem", "[NAME]", CLI_KIND_OTHER, 0,
	     "what is wrong, and what to do about it"),
	{.command = CLI_TOP,
	 .word = "top",
	 .help = "the node live: sessions, front ends with their rates and the last minute, what "
		 "is dropped; h has the keys"},
	{.command = CLI_DROPS,
	 .what = CLI_DROP_REASONS,
	 .word = "drops",
	 .options = WATCH,
	 .help = "packets that were dropped, by reason, and with --watch how many a second"},
	{.command = CLI_FLOWS,
	 .what = CLI_LIVING_FLOWS,
	 .word = "flows",
	 .argument = "[[NS/]SERVICE]",
	 .kind = CLI_KIND_SERVICE,
	 .options = WATCH | NS | PREFIX,
	 .help = "flows that live, by backend, most first"},
	{.command = CLI_EXPLAIN,
	 .word = "explain",
	 .second = "service",
	 .second_too = "services svc",
	 .argument = "[NS/]NAME",
	 .needs_argument = true,
	 .kind = CLI_KIND_SERVICE,
	 .options = WATCH | NS,
	 .help = "why it is announced, or why not: each check, to whom, and what the other nodes "
		 "do"},
	{.command = CLI_EXPLAIN,
	 .word = "explain",
	 .second = "ip",
	 .argument = "ADDRESS",
	 .needs_argument = true,
	 .kind = CLI_KIND_ADDRESS,
	 .options = WATCH,
	 .help = "whose it is, and the same"},
	{.command = CLI_EXPLAIN,
	 .word = "explain",
	 .second = "peer",
	 .argument = "NAME",
	 .needs_argument = true,
	 .kind = CLI_KIND_PEER,
	 .options = WATCH,
	 .help = "what became of it, and what it is sent"},
	{.command = CLI_TRACE,
	 .word = "trace",
	 .options = WATCH | CLI_SET(CLI_OPTION_FROM) | CLI_SET(CLI_OPTION_TO),
	 .help = "which pod has a client's flow, or would get it, and why: each check, the row and "
		 "what the flow table says; nothing is sent"},
	{.command = CLI_CAPTURE,
	 .word = "capture",
	 .argument = "[FILE]",
	 .kind = CLI_KIND_FILE,
	 .options = NS | CLI_SET(CLI_OPTION_SERVICE) | CLI_SET(CLI_OPTION_VIP) |
		    CLI_SET(CLI_OPTION_FROM) | CLI_SET(CLI_OPTION_DROPPED) |
		    CLI_SET(CLI_OPTION_REASON) | CLI_SET(CLI_OPTION_DIRECTION) |
		    CLI_SET(CLI_OPTION_COUNT) | CLI_SET(CLI_OPTION_SECONDS) |
		    CLI_SET(CLI_OPTION_SNAPLEN),
	 .help = "packets to VIPs and their replies for tcpdump and Wireshark (pcapng): as they "
		 "came, as they went on, what was in a tunnel, and in a comment to which backend, "
		 "or why they were dropped (FILE; - or none: standard output)"},
	{.command = CLI_GRAPH,
	 .word = "graph",
	 .second = "dot",
	 .argument = "[[NS/]SERVICE]",
	 .kind = CLI_KIND_SERVICE,
	 .options = NS | PREFIX,
	 .help = "routers, node, VIPs and pods in the language of graphviz, broken edges red"},
	{.command = CLI_GRAPH,
	 .word = "graph",
	 .second = "svg",
	 .argument = "[[NS/]SERVICE]",
	 .kind = CLI_KIND_SERVICE,
	 .options = NS | PREFIX,
	 .help = "the same as a picture for a browser"},
	{.command = CLI_DRAIN,
	 .what = CLI_CHANGES,
	 .word = "drain",
	 .options = CLI_SET(CLI_OPTION_DRY_RUN),
	 .help = "withdraw this node's routes, serve what lives to its end, leave the rest to the "
		 "kernel; until undrain"},
	{.command = CLI_UNDRAIN, .word = "undrain", .help = "serve and announce again"},
	{.command = CLI_LOG,
	 .word = "log",
	 .options = WATCH,
	 .help = "what happened last, oldest first: routes that came and went, problems, sessions, "
		 "as the agent has logged it"},
	{.command = CLI_LOG_LEVEL,
	 .word = "log-level",
	 .argument = "[LEVEL]",
	 .kind = CLI_KIND_LEVEL,
	 .help = "what the agent logs: error, warn, info or debug, until its next start; without "
		 "LEVEL, what it logs now"},
	{.command = CLI_BLACKHOLE,
	 .word = "blackhole",
	 .second = "add",
	 .argument = "PREFIX",
	 .needs_argument = true,
	 .kind = CLI_KIND_ADDRESS,
	 .options = CLI_SET(CLI_OPTION_FOR),
	 .help = "drop all packets to a prefix of our pools, and tell routers that ask for it "
		 "(BGPPeer lodestone.io/rtbh)"},
	{.command = CLI_BLACKHOLE,
	 .word = "blackhole",
	 .second = "remove",
	 .argument = "PREFIX",
	 .needs_argument = true,
	 .kind = CLI_KIND_ADDRESS,
	 .help = "let them through again"},
	{.command = CLI_MIGRATE,
	 .word = "migrate",
	 .second = "diff",
	 .argument = "[FILE]",
	 .kind = CLI_KIND_FILE,
	 .options = PEER,
	 .help = "what another speaker announces from this node beside what this agent would: "
		 "FRR's JSON of routes, kubectl's of ServiceBGPStatus or Services (-, or none: "
		 "standard input; --peer P: of that BGPPeer's router); exits 1 with differences, 2 "
		 "if it could not compare"},
	{.command = CLI_CONFIG_DIFF,
	 .what = CLI_CHANGES,
	 .word = "config",
	 .second = "diff",
	 .argument = "FILE|DIR",
	 .needs_argument = true,
	 .kind = CLI_KIND_FILE,
	 .help = "what an edit would change on this node, before it is made: a file's objects (-: "
		 "standard input) in place of those of the same names, or a folder in place of "
		 "that of --config; exits 1 with differences, 2 if it could not compare"},
	{.command = CLI_SUPPORT,
	 .word = "support",
	 .second = "dump",
	 .argument = "[FILE]",
	 .kind = CLI_KIND_FILE,
	 .help = "one archive for whoever helps: what the agent tells, its log, maps, the host's "
		 "network and versions, without any secret (lodestone-support.tar; -: standard "
		 "output)"},
	{.command = CLI_PREFLIGHT,
	 .word = "preflight",
	 .help = "what this host has and lacks, with or without an agent; exits 2 if something "
		 "vital is missing"},
	{.command = CLI_COMPLETION,
	 .word = "completion",
	 .argument = "bash|zsh|fish",
	 .needs_argument = true,
	 .kind = CLI_KIND_OTHER,
	 .help = "the script by which that shell completes lodectl's commands and names"},
};

const size_t cli_n_verbs = sizeof(cli_verbs) / sizeof(cli_verbs[0]);

const char *const cli_exit_codes =
	"Exit code: 0 done; 1 could not (usage, no agent, refused, nothing there to explain); 2 "
	"from status, if the agent has an error, a peer that is not Established or a failing data plane, and from "
	"preflight, if something vital is missing. Of migrate diff "
	"and config diff: 0 all is equal; 1 something differs; 2 could not.";

bool cli_word_is(const char *word, const char *name, const char *too)
{
	const size_t len = strlen(word);

	for (; too && *too; too += strspn(too, " ")) {
		const size_t n = strcspn(too, " ");

		if (n == len && strncmp(word, too, n) == 0)
			return true;
		too += n;
	}
	return strcmp(word, name) == 0;
}
