// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Makes it with iproute2 and nft, in a namespace that ends with the process.
 */
#include "tests/bench/bench_kernel_net.h"

#include "tests/bench/bench_bed.h"

#include "bpf/rig_private.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPLINK_MAC "02:00:00:00:00:0a" /* BENCH_MAC */
#define ROUTER_MAC "02:00:00:aa:bb:01" /* rig_neighbour, to which packets for other nodes go */

/* So that packets are forwarded whose checksums nobody filled in, and whose clients are not there.
 */
static const char settings[] = "echo 1 > /proc/sys/net/ipv4/ip_forward; "
			       "echo 0 > /proc/sys/net/netfilter/nf_conntrack_checksum; "
			       "echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal; "
			       "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done";

static bool sh(const char *command)
{
	return system(command) == 0;
}

/* The backends are neighbours that need no asking. */
static bool add_backends(void)
{
	char command[160];

	for (unsigned i = 0; i < N_BACKENDS; i++) {
		uint32_t a = rig_backend_addr(i);

		snprintf(command, sizeof(command),
			 "ip neigh add %u.%u.%u.%u lladdr 02:00:00:00:01:00 dev pods", a >> 24,
			 a >> 16 & 255, a >> 8 & 255, a & 255);
		if (!sh(command))
			return false;
	}
	return true;
}

bool kernel_net_enter(int drop, const char **ret_why)
{
	*ret_why = "no network namespace";
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
	    !sh("mount --make-rprivate / && mount -t sysfs sysfs /sys"))
		return false;
	*ret_why = "iproute2 refuses";
	if (!sh("ip link set lo up && "
		"ip link add uplink index 10 address " UPLINK_MAC " type veth peer name router "
		"address " ROUTER_MAC " && "
		"ip link add pods type veth peer name end && "
		"ip link set router up && ip link set uplink up && "
		"ip link set end up && ip link set pods up && "
		"ip addr add 192.0.2.2/24 dev uplink && ip addr add 10.1.0.254/24 dev pods") ||
	    !add_backends() || !sh(settings))
		return false;
	*ret_why = "no program can be attached to veth";
	return bpf_xdp_attach((int)if_nametoindex("end"), drop, XDP_FLAGS_DRV_MODE, NULL) == 0;
}

static void print_address(FILE *f, uint32_t a)
{
	fprintf(f, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

/* A chain that chooses a backend, one for each backend, and the map that leads to the first. */
static void print_rules(FILE *f, unsigned n_services)
{
	fprintf(f, "table ip bench {\n");
	for (unsigned i = 0; i < N_BACKENDS; i++) {
		fprintf(f, "chain backend-%u { meta l4proto tcp dnat to ", i);
		print_address(f, rig_backend_addr(i));
		fprintf(f, ":%u; }\n", RIG_BACKEND_PORT);
	}
	fprintf(f, "chain service { numgen random mod %u vmap {", N_BACKENDS);
	for (unsigned i = 0; i < N_BACKENDS; i++)
		fprintf(f, "%s %u : goto backend-%u", i ? "," : "", i, i);
	fprintf(f, " }; }\nmap services { type ipv4_addr . inet_proto . inet_service : verdict;\n"
		   "elements = {");
	for (unsigned i = 1; i <= n_services; i++) {
		print_address(f, VIP + n_services - i);
		fprintf(f, " . tcp . %u : goto service%s", SETTLED_PORT,
			i < n_services ? ",\n" : " }; }\n");
	}
	fprintf(f, "chain prerouting { type nat hook prerouting priority -100;\n"
		   "ip daddr . meta l4proto . th dport vmap @services\n}\n"
		   "chain postrouting { type nat hook postrouting priority 100;\n}\n}\n");
}

bool kernel_net_rules(unsigned n_services)
{
	FILE *f;

	if (!sh("nft flush ruleset"))
		return false;
	if (n_services == 0)
		return true;
	f = popen("nft -f -", "w");
	if (!f)
		return false;
	print_rules(f, n_services);
	return pclose(f) == 0;
}

void kernel_net_serve(int program)
{
	rig_must(bpf_xdp_attach((int)if_nametoindex("router"), program, XDP_FLAGS_DRV_MODE, NULL),
		 "attach at the uplink's other end");
}
