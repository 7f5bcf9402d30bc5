// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Facts of the host as a whole; those of its devices are in host_devices.c. */
#include "sys/host.h"

#include "sys/bpf_load.h"
#include "sys/bpf_pins.h"
#include "sys/conntrack.h"
#include "sys/files.h"
#include "sys/nlsock.h"
#include "sys/rtnl_vrf.h"
#include "sys/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#define FILE_MAX     (1u << 20)
#define PORT_BGP     179
#define PORT_BFD     3784 /* RFC 5881 */
#define PORT_BFD_FAR 4784 /* RFC 5883 */
#define BTF          "/sys/kernel/btf/vmlinux"
#define IPV4_FORWARD "/proc/sys/net/ipv4/ip_forward"
#define IPV6_FORWARD "/proc/sys/net/ipv6/conf/all/forwarding"

/* --- texts ------------------------------------------------------------------------------------ */

size_t host_numbers_in(const char *path, int *ret, size_t most)
{
	_cleanup_(freep) char *text = NULL;
	char *at, *end;
	size_t len, n = 0;

	if (file_read(path, FILE_MAX, &text, &len) != 0)
		return 0;
	for (at = text; n < most; at = end, n++) {
		ret[n] = (int)strtol(at, &end, 10);
		if (end == at)
			break;
	}
	return n;
}

int host_number_in(const char *path)
{
	int ret;

	return host_numbers_in(path, &ret, 1) == 1 ? ret : -1;
}

/* The text behind a name at the beginning of a line, or NULL. */
static const char *line_of(const char *text, const char *name)
{
	const size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n'), line += line != NULL)
		if (strncmp(line, name, len) == 0)
			return line + len;
	return NULL;
}

enum host_has host_config_has(const char *config, const char *option)
{
	char off[128], on[128];
	const char *value;

	(void)snprintf(off, sizeof(off), "# %s is not set\n", option);
	(void)snprintf(on, sizeof(on), "%s=", option);
	value = line_of(config, on);
	if (value && (value[0] == 'y' || value[0] == 'm') && value[1] == '\n')
		return HOST_HAS;
	return line_of(config, off) ? HOST_LACKS : HOST_UNTOLD;
}

/* --- the kernel ------------------------------------------------------------------------------- */

static void ask_release(struct host_facts *f)
{
	struct utsname u;

	if (uname(&u) != 0)
		return;
	(void)snprintf(f->release, sizeof(f->release), "%.*s", (int)sizeof(f->release) - 1,
		       u.release);
	(void)sscanf(f->release, "%u.%u", &f->major, &f->minor);
}

/* An option that a configuration does not name at all is one that this kernel does not have. */
static void ask_options(struct host_facts *f, struct arena *arena)
{
	const char *const paths[] = {arena_printf(arena, "/boot/config-%s", f->release),
				     arena_printf(arena, "/lib/modules/%s/config", f->release)};
	_cleanup_(freep) char *text = NULL;
	struct host_option *options;
	size_t len, n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && !text; i++)
		if (file_read(paths[i], FILE_MAX, &text, &len) != 0)
			text = NULL;
	if (!text)
		return;
	while (preflight_option(n))
		n++;
	options = arena_array_of(arena, n, struct host_option);
	for (size_t i = 0; i < n; i++) {
		options[i].name = preflight_option(i);
		options[i].has =
			host_config_has(text, options[i].name) == HOST_HAS ? HOST_HAS : HOST_LACKS;
	}
	f->options = options;
	f->n_options = n;
}

static uint64_t effective_capabilities(void)
{
	_cleanup_(freep) char *text = NULL;
	const char *value;
	size_t len;

	if (file_read("/proc/self/status", FILE_MAX, &text, &len) != 0)
		return 0;
	value = line_of(text, "CapEff:");
	return value ? strtoull(value, NULL, 16) : 0;
}

/* --- trying ----------------------------------------------------------------------------------- */

/* In a folder beside the agent's, which stays untouched. */
static void try_programs(const char *pin_dir, struct arena *arena, struct host_facts *f)
{
	char dir[BPF_PINS_PATH];
	const struct bpf_load_args args = {
		.pin_dir = dir, .knows_served = true, .beside = BPF_BESIDE_ALL};
	_cleanup_(fd_closep) int held = -1;
	struct bpf_programs programs;

	bpf_pins_remove_tried(pin_dir);
	held = bpf_pins_try(pin_dir, dir);
	/* If it cannot be made, bpf_load() says so as well, and in words. */
	if (bpf_load(&args, arena, &programs, &f->load_failure) == 0) {
		f->has_tcx = programs.has_tcx;
		bpf_unload(&programs);
	}
	/* No more than that: on a kernel without tcx a sweep finds the agent's filters. */
	(void)bpf_pins_remove(dir);
}

/* 0 or an errno. */
static int port_error(int type, uint16_t port)
{
	const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	_cleanup_(fd_closep) int fd6 = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	_cleanup_(fd_closep) int fd4 = fd6 < 0 ? socket(AF_INET, type | SOCK_CLOEXEC, 0) : -1;
	const int one = 1, fd = fd6 < 0 ? fd4 : fd6;

	if (fd < 0)
		return errno;
	/* A connection that has ended is nobody who listens. */
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd6 < 0 ? bind(fd, (const struct sockaddr *)&four, sizeof(four))
		    : bind(fd, (const struct sockaddr *)&six, sizeof(six)))
		return errno;
	return type == SOCK_STREAM && listen(fd, 1) != 0 ? errno : 0;
}

static enum host_has try_md5(void)
{
	const struct ip_addr peer = ip_addr_from_v4(0xc0000201); /* RFC 5737: nobody's */
	_cleanup_(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : tcp_set_md5(fd, &peer, (const uint8_t *)"x", 1);

	return r == 0 ? HOST_HAS : r == -ENOPROTOOPT ? HOST_LACKS : HOST_UNTOLD;
}

static enum host_has try_vrfs(void)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	int r = nlsock_open_strict(&s);

	if (r == 0)
		r = rtnl_vrf_ask(s);
	return r == 0 ? HOST_HAS : r == -EOPNOTSUPP ? HOST_LACKS : HOST_UNTOLD;
}

static void ask_conntrack(struct host_facts *f)
{
	struct conntrack_limits limits;

	if (conntrack_limits(&limits) != 0)
		return;
	f->tracks = true;
	f->n_tracked = limits.count;
	f->n_tracked_max = limits.max;
	f->tracks_strictly = limits.is_strict;
}

/* Why nobody can listen there, or NULL. */
static const char *try_port(int type, uint16_t port, struct arena *arena)
{
	const int error = port_error(type, port);

	return error ? arena_strdup(arena, strerror(error)) : NULL;
}

void host_facts(const char *pin_dir, bool agent_runs, struct arena *arena, struct host_facts *ret)
{
	struct host_device *devices;

	*ret = (struct host_facts){.agent_runs = agent_runs};
	ask_release(ret);
	ask_options(ret, arena);
	ret->has_btf = access(BTF, R_OK) == 0;
	ret->capabilities = effective_capabilities();
	try_programs(pin_dir, arena, ret);
	ret->tcp_md5 = try_md5();
	ret->vrfs = try_vrfs();
	ret->port_bgp = try_port(SOCK_STREAM, PORT_BGP, arena);
	ret->port_bfd = try_port(SOCK_DGRAM, PORT_BFD, arena);
	ret->port_bfd_multihop = try_port(SOCK_DGRAM, PORT_BFD_FAR, arena);
	ret->ipv4_forwarding = host_number_in(IPV4_FORWARD);
	ret->ipv6_forwarding = host_number_in(IPV6_FORWARD);
	ask_conntrack(ret);
	if (host_devices(arena, &devices, &ret->n_devices) == 0)
		ret->devices = devices;
}
