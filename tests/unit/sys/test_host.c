// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/host: a fresh network namespace is changed, and the facts follow; nothing is left behind.
 */
#include "sys/host.h"

#include "bpf_fixture.h"
#include "sys/bpf_clsact.h"
#include "sys/bpf_pins.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

static const struct host_device *find(const struct host_facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_devices; i++)
		if (strcmp(f->devices[i].name, name) == 0)
			return &f->devices[i];
	return NULL;
}

static void configurations_of_kernels(void **state)
{
	const char *text = "#\n# Automatically generated\n#\nCONFIG_IPV6=m\nCONFIG_BPF_JIT=y\n"
			   "# CONFIG_NET_VRF is not set\nCONFIG_NET_VRF_MORE=y\nCONFIG_HZ=250\n"
			   "CONFIG_LOCALVERSION=\"CONFIG_TLS=y\"\n";

	(void)state;
	assert_int_equal(host_config_has(text, "CONFIG_IPV6"), HOST_HAS);
	assert_int_equal(host_config_has(text, "CONFIG_BPF_JIT"), HOST_HAS);
	assert_int_equal(host_config_has(text, "CONFIG_NET_VRF"), HOST_LACKS);
	assert_int_equal(host_config_has(text, "CONFIG_NET"), HOST_UNTOLD);
	assert_int_equal(host_config_has(text, "CONFIG_HZ"), HOST_UNTOLD);
	assert_int_equal(host_config_has(text, "CONFIG_TLS"), HOST_UNTOLD);
	assert_int_equal(host_config_has("", "CONFIG_IPV6"), HOST_UNTOLD);
}

static void numbers_in_files(void **state)
{
	(void)state;
	assert_int_equal(host_number_in("/proc/sys/net/ipv4/ip_default_ttl"), 64);
	assert_int_equal(host_number_in("/proc/no/such"), -1);
}

static void devices_are_told(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct host_facts f = {.n_devices = 0};
	struct host_device *devices;
	const struct host_device *d;
	int program;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	run("ip link add up0 type veth peer name far0 && ip link set up0 mtu 1400 up && "
	    "ip link set far0 up && ip addr add 192.0.2.1/24 dev up0");
	run("ip link add pod0 type veth peer name pod1 && ip link set pod0 up && "
	    "ip addr add 192.0.2.9/32 dev pod0");
	run("ip link add br0 type bridge && ip addr add 2001:db8::1/64 dev br0 nodad");
	run("echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter && "
	    "echo 1 > /proc/sys/net/ipv4/conf/up0/rp_filter");
	assert_int_equal(host_devices(arena, &devices, &f.n_devices), 0);
	f.devices = devices;
	assert_int_equal(f.n_devices, 2);
	d = find(&f, "up0");
	assert_non_null(d);
	assert_string_equal(d->kind, "veth");
	assert_string_equal(d->driver, "veth");
	assert_int_equal(d->mtu, 1400);
	assert_int_equal(d->rp_filter, 1);
	assert_true(d->is_up && d->is_ethernet);
	assert_string_equal(d->xdp, "");
	assert_true(d->native_xdp != HOST_LACKS); /* veth has it; 6.1 does not tell */
	d = find(&f, "br0");
	assert_non_null(d);
	assert_string_equal(d->kind, "bridge");
	assert_false(d->is_up);
	assert_int_equal(d->rp_filter, 0);
	run("echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter");
	assert_int_equal(host_devices(arena, &devices, &f.n_devices), 0);
	f.devices = devices;
	d = find(&f, "up0");
	assert_int_equal(d->rp_filter, 2);

	program = foreign_program(BPF_PROG_TYPE_XDP, "stranger", XDP_PASS);
	assert_true(program >= 0);
	assert_int_equal(bpf_xdp_attach(d->ifindex, program, 0, NULL), 0);
	close(program);
	assert_int_equal(host_devices(arena, &devices, &f.n_devices), 0);
	f.devices = devices;
	assert_string_equal(find(&f, "up0")->xdp, "stranger");
	assert_string_equal(find(&f, "br0")->xdp, "");
}

/* Names that begin so, in a folder. */
static unsigned names_in(const char *path, const char *prefix)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	unsigned ret = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		ret += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return ret;
}

static void the_host_is_told_and_left_as_it_was(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct bpf_fixture *fixture = *state;
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(179)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct host_facts f;
	int ours;

	SKIP_IF_REFUSED(fixture);
	ours = foreign_program(BPF_PROG_TYPE_SCHED_CLS, "tc_reply", -1);
	assert_int_equal(bpf_clsact_attach(device_index(), BPF_TC_EGRESS, ours),
			 0); /* an agent's */
	host_facts(fixture->pin_dir, false, arena, &f);
	assert_null(f.load_failure);
	assert_int_equal(bpf_clsact_is_there(device_index(), BPF_TC_EGRESS), 1);
	assert_int_equal(bpf_clsact_detach(device_index(), BPF_TC_EGRESS), 0);
	close(ours);
	assert_int_equal(names_in("/sys/fs/bpf", "lt-dp"), 0);
	assert_true(f.major > 5 && f.release[0]);
	assert_true(f.has_btf);
	assert_true(f.capabilities >> 12 & 1);
	assert_null(f.port_bgp);
	assert_null(f.port_bfd);
	assert_int_equal(f.tcp_md5, HOST_HAS);
	if (system("ip link add try type vrf table 9 2>/dev/null && ip link del try") == 0)
		assert_int_equal(f.vrfs, HOST_HAS);
	else
		assert_int_equal(f.vrfs, HOST_LACKS);
	assert_int_equal(f.ipv4_forwarding, 0);
	assert_false(f.agent_runs);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 1), 0);
	run("echo 1 > /proc/sys/net/ipv4/ip_forward");
	host_facts("/tmp/no-bpffs", true, arena, &f);
	assert_string_equal(f.port_bgp, strerror(EADDRINUSE));
	assert_int_equal(f.ipv4_forwarding, 1);
	assert_true(f.agent_runs);
	assert_non_null(f.load_failure);
	close(fd);
}

/* As a preflight that is killed while it loads leaves it, and as one that is at work has it. */
static void what_a_killed_one_left_is_removed(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct bpf_fixture *fixture = *state;
	char left[BPF_PINS_PATH], path[BPF_PINS_PATH + 16];
	struct host_facts f;
	int held, program, status;
	pid_t child;

	SKIP_IF_REFUSED(fixture);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(bpf_pins_try(fixture->pin_dir, left) < 0); /* and lets go by ending */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)snprintf(left, sizeof(left), "%s-preflight-%d", fixture->pin_dir, (int)child);
	(void)snprintf(path, sizeof(path), "%s/progs/xdp_lb", left);
	program = foreign_program(BPF_PROG_TYPE_XDP, "left", XDP_PASS);
	assert_int_equal(bpf_obj_pin(program, path), 0);
	close(program);
	assert_int_equal(names_in("/sys/fs/bpf", strrchr(fixture->pin_dir, '/') + 1), 1);

	held = bpf_pins_try(fixture->pin_dir, left); /* somebody's who lives */
	assert_true(held >= 0);
	bpf_pins_remove_tried(fixture->pin_dir);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(left, F_OK), 0);
	(void)close(held);
	host_facts(fixture->pin_dir, false, arena, &f);
	assert_null(f.load_failure);
	assert_int_equal(names_in("/sys/fs/bpf", strrchr(fixture->pin_dir, '/') + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_of_kernels),
		cmocka_unit_test(numbers_in_files),
		cmocka_unit_test(devices_are_told),
		cmocka_unit_test(the_host_is_told_and_left_as_it_was),
		cmocka_unit_test(what_a_killed_one_left_is_removed),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
