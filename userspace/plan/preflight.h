// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What this host has and lacks, judged before an agent runs on it: each feature is ok, worth a
 * warning, or missing, with what mends it. Pure: the facts are gathered by sys/host.h.
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a kernel, a driver or a file says of itself, as far as it does. */
enum host_has { HOST_UNTOLD, HOST_LACKS, HOST_HAS };

#define HOST_DRIVER_TEXT  32
#define HOST_PROGRAM_TEXT 16 /* the kernel's BPF_OBJ_NAME_LEN */

/* A device that traffic may come in by. */
struct host_device {
	char name[16], kind[16];       /* kind: "" is hardware, or the kernel does not say */
	char driver[HOST_DRIVER_TEXT]; /* "": not told */
	int ifindex, master;
	unsigned mtu;
	bool is_up, is_ethernet;
	int rp_filter; /* the stricter of its own and that of all devices; -1: not told */
	enum host_has native_xdp;
	char xdp[HOST_PROGRAM_TEXT]; /* the XDP program there; "": none */
	char tcx[HOST_PROGRAM_TEXT]; /* the first of egress tcx; "": none */
	char tc[HOST_PROGRAM_TEXT];  /* the first filter at egress (clsact) that is not ours; "":
					none */
};

/* A kernel option and what it is for. */
struct host_option {
	const char *name; /* CONFIG_... */
	enum host_has has;
};

struct host_facts {
	char release[64];      /* uname -r */
	unsigned major, minor; /* of it */
	uint64_t capabilities; /* the effective ones, bits by number */
	bool has_btf;
	/* Why the programs cannot be loaded, in words; NULL: they can. */
	const char *load_failure;
	bool has_tcx;
	enum host_has tcp_md5, vrfs;
	/* Why nobody could listen there, in words; NULL: one can. */
	const char *port_bgp, *port_bfd, *port_bfd_multihop;
	bool agent_runs;                      /* which then has the ports */
	int ipv4_forwarding, ipv6_forwarding; /* 0 or 1; -1: not told */
	bool tracks;                          /* conntrack is there, then: */
	uint64_t n_tracked, n_tracked_max;
	bool tracks_strictly; /* tcp_loose=0 */
	const struct host_option *options;
	size_t n_options; /* 0: the kernel's configuration is not told */
	const struct host_device *devices;
	size_t n_devices;
};

enum preflight_state { PREFLIGHT_OK, PREFLIGHT_WARNING, PREFLIGHT_PROBLEM };

struct preflight_line {
	const char *feature;
	const char *device; /* NULL: of the host as a whole */
	enum preflight_state state;
	const char *message;
	const char *remedy; /* NULL: there is nothing to mend, or nobody can */
};

struct preflight {
	struct preflight_line *lines;
	size_t n, cap;
};

/* The name of the i-th option that is asked for; NULL: there are no more. */
const char *preflight_option(size_t i);

/* All lines, in a fixed order: the host's, then those of each device. From the arena. */
void preflight_judge(const struct host_facts *facts, struct arena *arena, struct preflight *ret);

/* "ok", "warning", "problem". */
const char *preflight_state_text(enum preflight_state state);
/* One of them is a problem. */
bool preflight_has_problem(const struct preflight *p);
