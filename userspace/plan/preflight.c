// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One function a feature. What stops the agent, or what it was asked for, is a problem; what costs
 * something only in some uses, or could not be asked, is a warning or says so.
 */
#include "plan/preflight.h"

#include <linux/capability.h>
#include <stdarg.h>

#define MTU_ETHERNET 1500
#define MTU_IPV6     1280 /* RFC 8200 section 5 */

struct judge {
	const struct host_facts *facts;
	struct arena *arena;
	struct preflight *out;
	const char *device; /* whose lines these are; NULL: the host's */
};

static void add(struct judge *j, const char *feature, enum preflight_state state,
		const char *remedy, const char *fmt, ...) printf_like(5, 6);

static void add(struct judge *j, const char *feature, enum preflight_state state,
		const char *remedy, const char *fmt, ...)
{
	struct preflight_line *line =
		arena_push(j->arena, &j->out->lines, &j->out->n, &j->out->cap, sizeof(*line));
	va_list ap;

	va_start(ap, fmt);
	*line = (struct preflight_line){.feature = feature,
					.device = j->device,
					.state = state,
					.message = arena_vprintf(j->arena, fmt, ap),
					.remedy = arena_strdup(j->arena, remedy)};
	va_end(ap);
}

/* --- the host --------------------------------------------------------------------------------- */

/* bpf_loop came with 5.17; 6.1 is the oldest kernel that the tests boot. */
static void judge_kernel(struct judge *j)
{
	const struct host_facts *f = j->facts;
	const unsigned version = f->major * 1000 + f->minor;

	if (version < 5017)
		add(j, "kernel", PREFLIGHT_PROBLEM, "boot Linux 6.1 or newer",
		    "Linux %s lacks what the programs use since 5.17", f->release);
	else if (version < 6001)
		add(j, "kernel", PREFLIGHT_WARNING, "boot Linux 6.1 or newer",
		    "Linux %s is older than what is tested, 6.1", f->release);
	else
		add(j, "kernel", PREFLIGHT_OK, NULL, "Linux %s", f->release);
	if (f->has_btf)
		add(j, "btf", PREFLIGHT_OK, NULL, "the kernel describes its types");
	else
		add(j, "btf", PREFLIGHT_PROBLEM, "boot a kernel with CONFIG_DEBUG_INFO_BTF=y",
		    "/sys/kernel/btf/vmlinux is not there");
}

static void judge_programs(struct judge *j)
{
	if (j->facts->load_failure)
		add(j, "programs", PREFLIGHT_PROBLEM,
		    "mount -t bpf bpf /sys/fs/bpf, and run as root with the capabilities below",
		    "%s", j->facts->load_failure);
	else
		add(j, "programs", PREFLIGHT_OK, NULL, "the kernel's verifier takes them");
	add(j, "tcx", PREFLIGHT_OK, NULL, "%s",
	    j->facts->load_failure ? "not told without the programs"
	    : j->facts->has_tcx    ? "replies are seen by tcx"
				   : "none before Linux 6.6: replies are seen by a clsact filter");
}

static const struct {
	unsigned bit;
	bool is_vital;
	const char *name, *why;
} capabilities[] = {
	{CAP_NET_ADMIN, true, "CAP_NET_ADMIN", "programs, routes and MD5"},
	{CAP_BPF, true, "CAP_BPF", "the data plane"},
	{CAP_PERFMON, true, "CAP_PERFMON", "the verifier of programs"},
	{CAP_NET_RAW, false, "CAP_NET_RAW", "peers by interface and echo"},
	{CAP_NET_BIND_SERVICE, false, "CAP_NET_BIND_SERVICE", "listening on port 179"},
	{CAP_SYS_NICE, false, "CAP_SYS_NICE", "BFD before all other work"},
};

/* CAP_SYS_ADMIN contains these two, as it did before there were such things (Linux 5.8). */
static bool has_capability(const struct host_facts *f, unsigned bit)
{
	return f->capabilities >> bit & 1 ||
	       ((bit == CAP_BPF || bit == CAP_PERFMON) && f->capabilities >> CAP_SYS_ADMIN & 1);
}

static void judge_capabilities(struct judge *j)
{
	bool all = true;

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (has_capability(j->facts, capabilities[i].bit))
			continue;
		all = false;
		add(j, "capabilities",
		    capabilities[i].is_vital ? PREFLIGHT_PROBLEM : PREFLIGHT_WARNING,
		    arena_printf(j->arena, "run as root, or grant %s", capabilities[i].name),
		    "%s is missing, for %s", capabilities[i].name, capabilities[i].why);
	}
	if (all)
		add(j, "capabilities", PREFLIGHT_OK, NULL, "all that can be used are there");
}

static void judge_port(struct judge *j, const char *feature, const char *what, const char *failure,
		       bool may)
{
	if (!failure)
		add(j, feature, PREFLIGHT_OK, NULL, "%s is free", what);
	else if (j->facts->agent_runs)
		add(j, feature, PREFLIGHT_OK, NULL, "%s is in use, and an agent runs here", what);
	else
		add(j, feature, PREFLIGHT_WARNING,
		    may ? "ss -lnptu, and stop the other daemon"
			: "run as root, or grant CAP_NET_BIND_SERVICE",
		    "%s cannot be had: %s", what, failure);
}

static void judge_ports(struct judge *j)
{
	judge_port(j, "bgp-port", "TCP port 179, which only listening needs,", j->facts->port_bgp,
		   has_capability(j->facts, CAP_NET_BIND_SERVICE));
	judge_port(j, "bfd-port", "UDP port 3784", j->facts->port_bfd, true);
	judge_port(j, "bfd-port", "UDP port 4784, for multihop,", j->facts->port_bfd_multihop,
		   true);
}

static void judge_md5(struct judge *j)
{
	switch (j->facts->tcp_md5) {
	case HOST_HAS:
		add(j, "tcp-md5", PREFLIGHT_OK, NULL, "the kernel signs TCP segments");
		break;
	case HOST_LACKS:
		add(j, "tcp-md5", PREFLIGHT_WARNING, "boot a kernel with CONFIG_TCP_MD5SIG=y",
		    "the kernel cannot sign TCP segments: peers with a password stay down");
		break;
	case HOST_UNTOLD:
		add(j, "tcp-md5", PREFLIGHT_WARNING, NULL, "could not be asked for");
		break;
	}
}

static void judge_vrfs(struct judge *j)
{
	switch (j->facts->vrfs) {
	case HOST_HAS:
		add(j, "vrf", PREFLIGHT_OK, NULL, "the kernel has VRFs");
		break;
	case HOST_LACKS:
		add(j, "vrf", PREFLIGHT_WARNING, "boot a kernel with CONFIG_NET_VRF",
		    "the kernel has no VRFs: BGPPeer.spec.vrf cannot be served");
		break;
	case HOST_UNTOLD:
		add(j, "vrf", PREFLIGHT_WARNING, "run as root, or grant CAP_NET_ADMIN",
		    "VRFs could not be asked for");
		break;
	}
}

static void judge_forwarding(struct judge *j, const char *feature, int is_on, const char *name)
{
	if (is_on == 0)
		add(j, feature, PREFLIGHT_WARNING, arena_printf(j->arena, "sysctl -w %s=1", name),
		    "%s is 0: what the kernel is left to forward to pods is dropped", name);
	else if (is_on < 0)
		add(j, feature, PREFLIGHT_OK, NULL, "this family is not there");
	else
		add(j, feature, PREFLIGHT_OK, NULL, "the kernel forwards");
}

static void judge_conntrack(struct judge *j)
{
	const struct host_facts *f = j->facts;

	if (!f->tracks) {
		add(j, "conntrack", PREFLIGHT_OK, NULL, "the kernel tracks no connections");
		return;
	}
	if (f->n_tracked * 100 / f->n_tracked_max >= 80)
		add(j, "conntrack", PREFLIGHT_WARNING,
		    arena_printf(j->arena, "sysctl -w net.netfilter.nf_conntrack_max=%llu",
				 (unsigned long long)f->n_tracked_max * 2),
		    "%llu of %llu entries: when it is full, new connections are dropped",
		    (unsigned long long)f->n_tracked, (unsigned long long)f->n_tracked_max);
	else
		add(j, "conntrack", PREFLIGHT_OK, NULL, "%llu of %llu entries",
		    (unsigned long long)f->n_tracked, (unsigned long long)f->n_tracked_max);
	if (f->tracks_strictly)
		add(j, "tcp-loose", PREFLIGHT_WARNING,
		    "sysctl -w net.netfilter.nf_conntrack_tcp_loose=1",
		    "it is 0: connections whose beginning the kernel has not seen are invalid to "
		    "it, and rules may drop them");
	else
		add(j, "tcp-loose", PREFLIGHT_OK, NULL,
		    "connections may be taken up in their middle");
}

/* --- options of the kernel -------------------------------------------------------------------- */

static const struct {
	const char *name, *feature, *without;
	bool is_vital;
} options[] = {
	{"CONFIG_BPF_SYSCALL", "data plane", "no program can be loaded", true},
	{"CONFIG_BPF_JIT", "data plane", "programs are interpreted, many times slower", false},
	{"CONFIG_NET_SCH_INGRESS", "replies before Linux 6.6", "there is no clsact", false},
	{"CONFIG_NET_CLS_BPF", "replies before Linux 6.6", "there is no BPF filter", false},
	{"CONFIG_IP_MULTIPLE_TABLES", "blackholes, received routes and VRFs",
	 "there are no rules for routes", false},
	{"CONFIG_IPV6_MULTIPLE_TABLES", "the same of IPv6", "there are no rules for routes", false},
	{"CONFIG_NF_CT_NETLINK", "taking over", "flows of kube-proxy are read from /proc, slowly",
	 false},
	{"CONFIG_IPV6", "IPv6", "there is no IPv6", false},
};

const char *preflight_option(size_t i)
{
	return i < ARRAY_SIZE(options) ? options[i].name : NULL;
}

static enum host_has has_option(const struct host_facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_options; i++)
		if (strcmp(f->options[i].name, name) == 0)
			return f->options[i].has;
	return HOST_UNTOLD;
}

static void judge_options(struct judge *j)
{
	bool all = true;

	if (j->facts->n_options == 0) {
		add(j, "kernel-options", PREFLIGHT_OK, NULL,
		    "not told: there is no configuration of this kernel in /boot or /proc");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (has_option(j->facts, options[i].name) != HOST_LACKS)
			continue;
		all = false;
		add(j, "kernel-options",
		    options[i].is_vital ? PREFLIGHT_PROBLEM : PREFLIGHT_WARNING,
		    arena_printf(j->arena, "boot a kernel with %s", options[i].name),
		    "%s is off, for %s: %s", options[i].name, options[i].feature,
		    options[i].without);
	}
	if (all)
		add(j, "kernel-options", PREFLIGHT_OK, NULL, "all that are asked for are on");
}

/* --- devices ---------------------------------------------------------------------------------- */

static bool is_kind(const struct host_device *d, const char *kind)
{
	return strcmp(d->kind, kind) == 0;
}

/* The bridge that a device is a port of has the host's address; the programs sit on ports. */
static void judge_kind(struct judge *j, const struct host_device *d)
{
	if (!d->is_ethernet)
		add(j, "uplink", PREFLIGHT_WARNING,
		    "name an Ethernet device in LodestoneConfig.spec.dataplane.uplinks",
		    "frames have no Ethernet header%s%s: the programs do not serve it",
		    d->kind[0] ? ", kind " : "", d->kind);
	else if (is_kind(d, "bridge"))
		add(j, "uplink", PREFLIGHT_WARNING,
		    arena_printf(j->arena,
				 "name the ports of %s in LodestoneConfig.spec.dataplane.uplinks",
				 d->name),
		    "a bridge: XDP there is generic, and its ports are served natively");
	else if (!d->is_up)
		add(j, "uplink", PREFLIGHT_WARNING,
		    arena_printf(j->arena, "ip link set %s up", d->name), "down");
	else
		add(j, "uplink", PREFLIGHT_OK, NULL, "%s%s%s", d->kind[0] ? d->kind : "hardware",
		    d->driver[0] ? ", driver " : "", d->driver);
}

static void judge_xdp(struct judge *j, const struct host_device *d)
{
	if (d->native_xdp == HOST_LACKS)
		add(j, "native-xdp", PREFLIGHT_WARNING, NULL,
		    "the driver has none: generic XDP serves it at a fraction of the rate");
	else if (d->native_xdp == HOST_HAS)
		add(j, "native-xdp", PREFLIGHT_OK, NULL, "the driver has it");
	else
		add(j, "native-xdp", PREFLIGHT_OK, NULL,
		    "not told by this kernel (6.3 and newer do); the agent tries it first");
	if (d->xdp[0] && strcmp(d->xdp, "xdp_lb") != 0)
		add(j, "xdp-owner", PREFLIGHT_PROBLEM,
		    arena_printf(j->arena, "ip link set dev %s xdp off, and what put it there",
				 d->name),
		    "program %s is attached: there is room for one", d->xdp);
	else
		add(j, "xdp-owner", PREFLIGHT_OK, NULL, "%s", d->xdp[0] ? "ours" : "nobody");
	if (d->tcx[0] && strcmp(d->tcx, "tc_reply") != 0)
		add(j, "tc-owner", PREFLIGHT_WARNING, NULL,
		    "program %s is first at egress: ours goes before it, and it sees replies as "
		    "clients do",
		    d->tcx);
	else if (d->tc[0])
		add(j, "tc-owner", PREFLIGHT_WARNING, NULL,
		    "filter %s is at egress (tc filter show dev %s egress): ours goes before it, and "
		    "it sees replies as clients do",
		    d->tc, d->name);
	else
		add(j, "tc-owner", PREFLIGHT_OK, NULL, "%s",
		    d->tcx[0] ? "ours is first" : "nobody");
}

static void judge_settings(struct judge *j, const struct host_device *d)
{
	if (d->rp_filter == 1)
		add(j, "rp-filter", PREFLIGHT_WARNING,
		    arena_printf(j->arena,
				 "sysctl -w net.ipv4.conf.%s.rp_filter=2 (the stricter of this "
				 "and conf.all counts)",
				 d->name),
		    "strict: packets whose way back is another device are dropped");
	else
		add(j, "rp-filter", PREFLIGHT_OK, NULL, "%s",
		    d->rp_filter == 2   ? "loose"
		    : d->rp_filter == 0 ? "off"
					: "not told");
	if (d->mtu < MTU_IPV6)
		add(j, "mtu", PREFLIGHT_PROBLEM,
		    arena_printf(j->arena, "ip link set %s mtu %d", d->name, MTU_ETHERNET),
		    "%u: IPv6 needs %d", d->mtu, MTU_IPV6);
	else if (d->mtu < MTU_ETHERNET)
		add(j, "mtu", PREFLIGHT_WARNING,
		    arena_printf(j->arena, "ip link set %s mtu %d", d->name, MTU_ETHERNET),
		    "%u: clients that send %d octets rely on path MTU discovery", d->mtu,
		    MTU_ETHERNET);
	else
		add(j, "mtu", PREFLIGHT_OK, NULL, "%u", d->mtu);
}

/* A VRF has no traffic of its own: its members have. */
static void judge_device(struct judge *j, const struct host_device *d)
{
	j->device = d->name;
	if (is_kind(d, "vrf")) {
		add(j, "vrf", PREFLIGHT_OK, NULL, "a VRF; its members are judged by themselves");
		return;
	}
	judge_kind(j, d);
	judge_xdp(j, d);
	judge_settings(j, d);
}

void preflight_judge(const struct host_facts *facts, struct arena *arena, struct preflight *ret)
{
	struct judge j = {.facts = facts, .arena = arena, .out = ret};

	*ret = (struct preflight){.lines = NULL};
	judge_kernel(&j);
	judge_options(&j);
	judge_programs(&j);
	judge_capabilities(&j);
	judge_ports(&j);
	judge_md5(&j);
	judge_vrfs(&j);
	judge_forwarding(&j, "forwarding", facts->ipv4_forwarding, "net.ipv4.ip_forward");
	judge_forwarding(&j, "forwarding-ipv6", facts->ipv6_forwarding,
			 "net.ipv6.conf.all.forwarding");
	judge_conntrack(&j);
	for (size_t i = 0; i < facts->n_devices; i++)
		judge_device(&j, &facts->devices[i]);
	if (facts->n_devices == 0)
		add(&j, "uplink", PREFLIGHT_PROBLEM, "ip address add, ip link set up",
		    "no device but lo has an address");
}

const char *preflight_state_text(enum preflight_state state)
{
	static const char *const texts[] = {"ok", "warning", "problem"};

	return texts[state];
}

bool preflight_has_problem(const struct preflight *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->lines[i].state == PREFLIGHT_PROBLEM)
			return true;
	return false;
}
