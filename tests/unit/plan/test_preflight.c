// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/preflight: a host that has everything has no complaint; each fact by itself, changed, makes
 * one line worse, names what it is about and what mends it, and leaves the others as they were.
 */
#include "plan/preflight.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#define ALL_CAPABILITIES UINT64_MAX

static const struct host_option options_on[] = {
	{"CONFIG_BPF_SYSCALL", HOST_HAS},        {"CONFIG_BPF_JIT", HOST_HAS},
	{"CONFIG_NET_SCH_INGRESS", HOST_HAS},    {"CONFIG_NET_CLS_BPF", HOST_HAS},
	{"CONFIG_IP_MULTIPLE_TABLES", HOST_HAS}, {"CONFIG_IPV6_MULTIPLE_TABLES", HOST_HAS},
	{"CONFIG_NF_CT_NETLINK", HOST_HAS},      {"CONFIG_IPV6", HOST_HAS},
};

/* A host and its device, to be spoiled. */
struct host {
	struct host_facts facts;
	struct host_device device;
	struct host_option options[ARRAY_SIZE(options_on)];
	struct arena *arena;
	struct preflight out;
};

static void begin(struct host *h)
{
	*h = (struct host){.device = {.name = "eth0",
				      .driver = "mlx5_core",
				      .ifindex = 2,
				      .mtu = 1500,
				      .is_up = true,
				      .is_ethernet = true,
				      .rp_filter = 2,
				      .native_xdp = HOST_HAS},
			   .arena = arena_new()};
	memcpy(h->options, options_on, sizeof(options_on));
	h->facts = (struct host_facts){.release = "6.12.1-arch",
				       .major = 6,
				       .minor = 12,
				       .capabilities = ALL_CAPABILITIES,
				       .has_btf = true,
				       .has_tcx = true,
				       .tcp_md5 = HOST_HAS,
				       .vrfs = HOST_HAS,
				       .ipv4_forwarding = 1,
				       .ipv6_forwarding = 1,
				       .tracks = true,
				       .n_tracked = 100,
				       .n_tracked_max = 1000,
				       .options = h->options,
				       .n_options = ARRAY_SIZE(h->options),
				       .devices = &h->device,
				       .n_devices = 1};
}

static void judge(struct host *h)
{
	preflight_judge(&h->facts, h->arena, &h->out);
}

static unsigned count(const struct host *h, enum preflight_state state)
{
	unsigned ret = 0;

	for (size_t i = 0; i < h->out.n; i++)
		ret += h->out.lines[i].state == state;
	return ret;
}

/* Exactly one line is not ok; it is of this feature, and says both words. */
static void only(struct host *h, enum preflight_state state, const char *feature,
		 const char *message, const char *remedy)
{
	judge(h);
	assert_int_equal(count(h, PREFLIGHT_WARNING) + count(h, PREFLIGHT_PROBLEM), 1);
	assert_int_equal(preflight_has_problem(&h->out), state == PREFLIGHT_PROBLEM);
	for (size_t i = 0; i < h->out.n; i++) {
		const struct preflight_line *l = &h->out.lines[i];

		if (l->state == PREFLIGHT_OK)
			continue;
		assert_int_equal(l->state, state);
		assert_string_equal(l->feature, feature);
		if (!strstr(l->message, message))
			fail_msg("\"%s\" does not say %s", l->message, message);
		if (remedy && (!l->remedy || !strstr(l->remedy, remedy)))
			fail_msg("\"%s\" is no remedy: %s", l->remedy ? l->remedy : "", remedy);
		assert_int_equal(remedy != NULL, l->remedy != NULL);
	}
	arena_free(h->arena);
	begin(h);
}

static void a_host_that_has_everything_is_ok(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_OK), h.out.n);
	assert_true(h.out.n >= 18);
	assert_false(preflight_has_problem(&h.out));
	for (size_t i = 0; i < h.out.n; i++) {
		assert_null(h.out.lines[i].remedy);
		assert_true(h.out.lines[i].message[0] != '\0');
	}
	arena_free(h.arena);
}

static void the_kernel(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	h.facts.major = 5, h.facts.minor = 17;
	only(&h, PREFLIGHT_WARNING, "kernel", "older than what is tested", "6.1");
	h.facts.major = 5, h.facts.minor = 16;
	only(&h, PREFLIGHT_PROBLEM, "kernel", "lacks", "6.1");
	h.facts.major = 6, h.facts.minor = 0;
	only(&h, PREFLIGHT_WARNING, "kernel", "older", "6.1");
	h.facts.has_btf = false;
	only(&h, PREFLIGHT_PROBLEM, "btf", "vmlinux", "CONFIG_DEBUG_INFO_BTF");
	h.facts.load_failure = "the pin directory: it is not on a bpffs";
	only(&h, PREFLIGHT_PROBLEM, "programs", "not on a bpffs", "mount -t bpf");
	h.facts.tcp_md5 = HOST_LACKS;
	only(&h, PREFLIGHT_WARNING, "tcp-md5", "password", "CONFIG_TCP_MD5SIG");
	h.facts.tcp_md5 = HOST_UNTOLD;
	only(&h, PREFLIGHT_WARNING, "tcp-md5", "could not", NULL);
	h.facts.vrfs = HOST_LACKS;
	only(&h, PREFLIGHT_WARNING, "vrf", "spec.vrf", "CONFIG_NET_VRF");
	h.facts.vrfs = HOST_UNTOLD;
	only(&h, PREFLIGHT_WARNING, "vrf", "could not", "CAP_NET_ADMIN");
	arena_free(h.arena);
}

static const struct preflight_line *line_of(const struct host *h, const char *feature)
{
	for (size_t i = 0; i < h->out.n; i++)
		if (strcmp(h->out.lines[i].feature, feature) == 0)
			return &h->out.lines[i];
	return NULL;
}

/* What could not be tried is not said to be missing. */
static void where_replies_are_seen(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	judge(&h);
	assert_string_equal(line_of(&h, "tcx")->message, "replies are seen by tcx");
	h.facts.has_tcx = false;
	judge(&h);
	assert_non_null(strstr(line_of(&h, "tcx")->message, "clsact"));
	h.facts.load_failure = "Operation not permitted";
	judge(&h);
	assert_string_equal(line_of(&h, "tcx")->message, "not told without the programs");
	arena_free(h.arena);
}

static void oldest_kernels_that_are_well(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	h.facts.major = 6, h.facts.minor = 1, h.facts.has_tcx = false;
	h.facts.n_options = 0;
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_OK), h.out.n);
	arena_free(h.arena);
}

static void options_of_the_kernel(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	for (size_t i = 0; i < ARRAY_SIZE(h.options); i++) {
		const char *name = preflight_option(i);

		assert_string_equal(name, options_on[i].name);
		h.options[i].has = HOST_LACKS;
		only(&h, i ? PREFLIGHT_WARNING : PREFLIGHT_PROBLEM, "kernel-options", name, name);
	}
	assert_null(preflight_option(ARRAY_SIZE(h.options)));
	arena_free(h.arena);
}

static void capabilities(void **state)
{
	static const struct {
		unsigned bit;
		const char *name;
		bool is_vital;
	} all[] = {{12, "CAP_NET_ADMIN", true},
		   {13, "CAP_NET_RAW", false},
		   {10, "CAP_NET_BIND_SERVICE", false},
		   {23, "CAP_SYS_NICE", false},
		   {39, "CAP_BPF", true},
		   {38, "CAP_PERFMON", true}};
	struct host h;

	(void)state;
	begin(&h);
	/* CAP_SYS_ADMIN has CAP_BPF and CAP_PERFMON in it, and is asked for by nothing else. */
	h.facts.capabilities = UINT64_MAX & ~(UINT64_C(1) << 39) & ~(UINT64_C(1) << 38);
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_OK), h.out.n);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		h.facts.capabilities = UINT64_MAX & ~(UINT64_C(1) << 21);
		h.facts.capabilities &= ~(UINT64_C(1) << all[i].bit);
		only(&h, all[i].is_vital ? PREFLIGHT_PROBLEM : PREFLIGHT_WARNING, "capabilities",
		     all[i].name, all[i].name);
	}
	h.facts.capabilities = 0;
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_PROBLEM), 3);
	assert_int_equal(count(&h, PREFLIGHT_WARNING), 3);
	arena_free(h.arena);
}

static void ports(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	h.facts.port_bgp = "Address already in use";
	only(&h, PREFLIGHT_WARNING, "bgp-port", "Address already in use", "ss -");
	h.facts.port_bfd = "Address already in use";
	only(&h, PREFLIGHT_WARNING, "bfd-port", "3784", "ss -");
	h.facts.port_bfd_multihop = "Permission denied";
	only(&h, PREFLIGHT_WARNING, "bfd-port", "Permission denied", "ss -");
	h.facts.port_bgp = "Permission denied";
	h.facts.capabilities &= ~(UINT64_C(1) << 10);
	judge(&h);
	assert_string_equal(line_of(&h, "bgp-port")->remedy,
			    "run as root, or grant CAP_NET_BIND_SERVICE");
	h.facts.capabilities = ALL_CAPABILITIES;
	h.facts.port_bgp = h.facts.port_bfd = "Address already in use";
	h.facts.agent_runs = true;
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_OK), h.out.n);
	arena_free(h.arena);
}

static void settings_of_the_host(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	h.facts.ipv4_forwarding = 0;
	only(&h, PREFLIGHT_WARNING, "forwarding", "is 0", "net.ipv4.ip_forward=1");
	h.facts.ipv6_forwarding = 0;
	only(&h, PREFLIGHT_WARNING, "forwarding-ipv6", "is 0", "net.ipv6.conf.all.forwarding=1");
	h.facts.n_tracked = 800;
	only(&h, PREFLIGHT_WARNING, "conntrack", "800 of 1000", "nf_conntrack_max=2000");
	h.facts.tracks_strictly = true;
	only(&h, PREFLIGHT_WARNING, "tcp-loose", "is 0", "nf_conntrack_tcp_loose=1");
	h.facts.n_tracked = 799;
	h.facts.ipv6_forwarding = -1;
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_OK), h.out.n);
	h.facts.tracks = false;
	h.facts.n_tracked_max = 0;
	h.facts.tracks_strictly = true;
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_OK), h.out.n);
	arena_free(h.arena);
}

static void devices(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	h.device.is_up = false;
	only(&h, PREFLIGHT_WARNING, "uplink", "down", "ip link set eth0 up");
	h.device.is_ethernet = false;
	memcpy(h.device.kind, "wireguard", sizeof("wireguard"));
	only(&h, PREFLIGHT_WARNING, "uplink", "kind wireguard", "uplinks");
	memcpy(h.device.kind, "bridge", sizeof("bridge"));
	only(&h, PREFLIGHT_WARNING, "uplink", "bridge", "ports of eth0");
	h.device.native_xdp = HOST_LACKS;
	only(&h, PREFLIGHT_WARNING, "native-xdp", "generic", NULL);
	memcpy(h.device.xdp, "cil_xdp_entry", sizeof("cil_xdp_entry"));
	only(&h, PREFLIGHT_PROBLEM, "xdp-owner", "cil_xdp_entry", "ip link set dev eth0 xdp off");
	memcpy(h.device.tc, "flower", sizeof("flower"));
	only(&h, PREFLIGHT_WARNING, "tc-owner",
	     "filter flower is at egress (tc filter show dev eth0", NULL);
	memcpy(h.device.tcx, "cil_to_netdev", sizeof("cil_to_netdev"));
	only(&h, PREFLIGHT_WARNING, "tc-owner", "cil_to_netdev", NULL);
	h.device.rp_filter = 1;
	only(&h, PREFLIGHT_WARNING, "rp-filter", "strict", "net.ipv4.conf.eth0.rp_filter=2");
	h.device.mtu = 1499;
	only(&h, PREFLIGHT_WARNING, "mtu", "1499", "ip link set eth0 mtu 1500");
	h.device.mtu = 1279;
	only(&h, PREFLIGHT_PROBLEM, "mtu", "1279", "ip link set eth0 mtu 1500");
	h.facts.n_devices = 0;
	only(&h, PREFLIGHT_PROBLEM, "uplink", "no device", "ip address add");
	arena_free(h.arena);
}

/* What is ours, what nobody tells, and what has no traffic of its own. */
static void devices_that_are_well(void **state)
{
	struct host h;

	(void)state;
	begin(&h);
	memcpy(h.device.xdp, "xdp_lb", sizeof("xdp_lb"));
	memcpy(h.device.tcx, "tc_reply", sizeof("tc_reply"));
	h.device.native_xdp = HOST_UNTOLD;
	h.device.rp_filter = -1;
	h.device.mtu = 9000;
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_OK), h.out.n);
	memcpy(h.device.kind, "vrf", sizeof("vrf"));
	h.device.is_ethernet = false;
	h.device.rp_filter = 1;
	judge(&h);
	assert_int_equal(count(&h, PREFLIGHT_OK), h.out.n);
	assert_string_equal(h.out.lines[h.out.n - 1].feature, "vrf");
	assert_string_equal(h.out.lines[h.out.n - 1].device, "eth0");
	assert_null(h.out.lines[0].device);
	arena_free(h.arena);
}

static void states_have_words(void **state)
{
	(void)state;
	assert_string_equal(preflight_state_text(PREFLIGHT_OK), "ok");
	assert_string_equal(preflight_state_text(PREFLIGHT_WARNING), "warning");
	assert_string_equal(preflight_state_text(PREFLIGHT_PROBLEM), "problem");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_that_has_everything_is_ok),
		cmocka_unit_test(the_kernel),
		cmocka_unit_test(where_replies_are_seen),
		cmocka_unit_test(oldest_kernels_that_are_well),
		cmocka_unit_test(options_of_the_kernel),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(ports),
		cmocka_unit_test(settings_of_the_host),
		cmocka_unit_test(devices),
		cmocka_unit_test(devices_that_are_well),
		cmocka_unit_test(states_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
