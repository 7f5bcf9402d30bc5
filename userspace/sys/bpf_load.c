// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Loading. Sizes and the constants of the hot path are set between open and load:
 *
 *   flow4      flow_entries in all, shared out to possible CPUs in powers of two
 *   reply      flow_entries if that is set; else as many as conntrack may hold, as far as a small
 *              part of the machine's memory goes (docs/decisions/003-size-of-the-reply-table.md)
 *   age_shift  so that an age unit is near four seconds whatever the kernel's HZ
 *
 * Fresh maps are pinned beside the old ones and then take their place, so that a start that fails
 * half-way leaves the former run as it was. The old programs keep their maps until their links are
 * given the new program.
 */
#include "sys/bpf_load.h"

#include "sys/bpf_pins.h"
#include "sys/bpf_tcx.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <sys/sysinfo.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual" /* generated code */
#include "tc_reply.skel.h"
#include "xdp_lb.skel.h"
#pragma GCC diagnostic pop

#define FLOW_ENTRIES  131072u
#define REPLY_DEFAULT 65536u /* at least, unless flow_entries says less */
#define REPLY_MIN     1024u
#define REPLY_MAX     (1u << 24)
#define REPLY_BYTES   152u /* of an entry in the kernel, with what an LRU map adds */
#define REPLY_SHARE   512u /* of the machine's memory */
#define REPLY_NEW     16384u
#define FLOW_BITS_MAX 20u
#define CONNTRACK_MAX "/proc/sys/net/netfilter/nf_conntrack_max"

/* --- ages ----------------------------------------------------------------------------------------
 */

/* The length of a jiffy: what the coarse clock's resolution is. */
static nsec_t tick_ns(void)
{
	struct timespec res = {.tv_nsec = 0};

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &res) != 0 || res.tv_nsec < 100000)
		return 4 * NSEC_PER_MSEC;
	return (nsec_t)res.tv_nsec;
}

/* A unit between 2.8 and 5.7 seconds: four, as far as powers of two allow. */
static uint32_t age_shift(nsec_t tick)
{
	uint32_t shift = 0;

	while (tick << shift < 2828 * NSEC_PER_MSEC)
		shift++;
	return shift;
}

/* The kernel counts jiffies from five minutes before the wrap of 32 bits (INITIAL_JIFFIES). */
uint16_t bpf_load_age(void)
{
	nsec_t tick = tick_ns();
	uint64_t hz = (NSEC_PER_SEC + tick / 2) / tick;
	uint64_t jiffies = (uint32_t)(0 - 300 * hz) + clock_now() / tick;
	uint16_t age = (uint16_t)(jiffies >> age_shift(tick));

	return age ? age : 1;
}

/* --- sizes ---------------------------------------------------------------------------------------
 */

static uint32_t flow_bits(uint32_t entries)
{
	int cpus = libbpf_num_possible_cpus();
	uint32_t lines, bits = 0;

	entries = entries ? entries : FLOW_ENTRIES;
	lines = entries / LB_FLOW4_WAYS / (cpus > 0 ? (uint32_t)cpus : 1);
	while (bits < FLOW_BITS_MAX && UINT32_C(2) << bits <= lines)
		bits++;
	return bits;
}

/* What conntrack may hold, 0 = nobody knows. */
static uint64_t conntrack_max(void)
{
	_cleanup_(freep) char *text = NULL;
	size_t len;

	if (file_read(CONNTRACK_MAX, 64, &text, &len) != 0)
		return 0;
	return strtoul(text, NULL, 10);
}

static uint64_t memory_bytes(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
}

static uint32_t clamp(uint64_t n, uint32_t least, uint32_t most)
{
	return n < least ? least : n > most ? most : (uint32_t)n;
}

static uint32_t reply_entries(uint32_t flow_entries)
{
	uint64_t share = memory_bytes() / REPLY_SHARE / REPLY_BYTES, flows = conntrack_max();

	if (flow_entries > 0)
		return clamp(flow_entries, REPLY_MIN, REPLY_MAX);
	return clamp(flows > 0 && flows < share ? flows : share, REPLY_DEFAULT, REPLY_MAX);
}

/* Newcomers: a quarter of a small table, so that they do not cost more than it does. */
static uint32_t reply_new_entries(uint32_t n_reply)
{
	return n_reply / 4 < REPLY_NEW ? n_reply / 4 : REPLY_NEW;
}

static int set_sizes(struct xdp_lb_bpf *xdp, const struct bpf_load_args *args)
{
	uint32_t bits = flow_bits(args->flow_entries), n_reply = reply_entries(args->flow_entries);
	int cpus = libbpf_num_possible_cpus(), error;

	if (cpus < 0)
		return cpus;
	error = bpf_map__set_max_entries(xdp->maps.flow4, (uint32_t)cpus << bits);
	if (error == 0)
		error = bpf_map__set_max_entries(xdp->maps.reply, n_reply);
	if (error == 0)
		error = bpf_map__set_max_entries(xdp->maps.reply_new, reply_new_entries(n_reply));
	return error;
}

/* What it came to, for whoever sizes machines. */
static void say_sizes(const struct xdp_lb_bpf *xdp, bool adopted)
{
	uint32_t n_reply = bpf_map__max_entries(xdp->maps.reply);

	log_info("bpf: flow tables", "adopted=%s flow_cache=%u replies=%u replies_kib=%u new=%u",
		 adopted ? "yes" : "no", bpf_map__max_entries(xdp->maps.flow4) * LB_FLOW4_WAYS,
		 n_reply, n_reply / 1024 * REPLY_BYTES, bpf_map__max_entries(xdp->maps.reply_new));
}

/* --- adoption ------------------------------------------------------------------------------------
 */

/* The config of pinned maps that we can go on with. -ENOENT: none, or not ours to adopt. */
static int pinned_config(const char *maps_dir, struct lb_config *ret)
{
	char path[BPF_PINS_PATH];
	__u32 zero = 0;
	int fd, error = bpf_pins_path(path, maps_dir, "config", NULL);

	if (error != 0)
		return error;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -ENOENT;
	error = bpf_map_lookup_elem(fd, &zero, ret);
	close(fd);
	if (error != 0)
		return error;
	if (ret->abi_version != LB_ABI_VERSION || ret->boot != clock_boot_id()) {
		log_warn("bpf: pinned maps not adopted", "abi_version=%u", ret->abi_version);
		return -ENOENT;
	}
	return 0;
}

/* Opens xdp_lb over the pinned maps, or with fresh ones; *config says what both agree on. */
static struct xdp_lb_bpf *open_xdp(const struct bpf_load_args *args, const char *maps_dir,
				   struct lb_config *config, bool *ret_adopted)
{
	struct xdp_lb_bpf *xdp = xdp_lb_bpf__open();
	int error;

	*ret_adopted = false;
	if (xdp && pinned_config(maps_dir, config) == 0) {
		error = bpf_maps_reuse(xdp->obj, maps_dir);
		*ret_adopted = error == 0;
		if (error != 0) { /* some are reused already: begin anew */
			log_warn("bpf: pinned maps not adopted", "error=%d", -error);
			xdp_lb_bpf__destroy(xdp);
			xdp = xdp_lb_bpf__open();
		}
	}
	if (!*ret_adopted)
		*config = (struct lb_config){.abi_version = LB_ABI_VERSION,
					     .flow_seed = args->flow_seed,
					     .flow_bits = flow_bits(args->flow_entries),
					     .boot = clock_boot_id()};
	return xdp;
}

static int open_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static int load_xdp(const struct bpf_load_args *args, const char *maps_dir, struct bpf_programs *p,
		    struct lb_config *config)
{
	struct xdp_lb_bpf *xdp = open_xdp(args, maps_dir, config, &p->adopted);
	__u32 zero = 0;
	int error;

	if (!xdp)
		return open_error();
	p->xdp_skeleton = xdp;
	error = bpf_maps_inners(xdp->obj, &p->inners);
	if (error == 0 && !p->adopted)
		error = set_sizes(xdp, args);
	xdp->rodata->age_shift = age_shift(tick_ns());
	xdp->rodata->flow_bits = config->flow_bits;
	xdp->rodata->flow_seed = config->flow_seed;
	if (error == 0)
		error = xdp_lb_bpf__load(xdp);
	if (error == 0 && !p->adopted)
		error = bpf_map_update_elem(bpf_map__fd(xdp->maps.config), &zero, config, BPF_ANY);
	if (error == 0) {
		p->flow_entries = bpf_map__max_entries(xdp->maps.reply);
		say_sizes(xdp, p->adopted);
	}
	p->xdp = xdp->obj;
	p->xdp_fd = bpf_program__fd(xdp->progs.xdp_lb);
	return error;
}

static int load_tc(const struct bpf_programs *p, void **ret_skeleton, int *ret_fd)
{
	struct tc_reply_bpf *tc = tc_reply_bpf__open();
	int error;

	if (!tc)
		return open_error();
	*ret_skeleton = tc;
	tc->rodata->age_shift = age_shift(tick_ns());
	error = bpf_maps_share(p->xdp, tc->obj);
	if (error == 0)
		error = tc_reply_bpf__load(tc);
	*ret_fd = bpf_program__fd(tc->progs.tc_reply);
	return error;
}

/* --- pins ----------------------------------------------------------------------------------------
 */

/* Fresh maps beside the old ones, then in their place. */
static int pin_maps(const struct bpf_programs *p, const char *pin_dir, const char *maps_dir)
{
	char next[BPF_PINS_PATH];
	int error = bpf_pins_path(next, pin_dir, BPF_PINS_NEXT, NULL);

	if (error == 0)
		error = bpf_pins_remove_folder(next);
	if (error == 0)
		error = dir_make(next, 0700);
	if (error == 0)
		error = bpf_maps_pin(p->xdp, next);
	if (error == 0)
		error = bpf_pins_remove_folder(maps_dir);
	if (error == 0 && rename(next, maps_dir) != 0)
		error = -errno;
	return error;
}

static int pin_program(int fd, const char *pin_dir, const char *name)
{
	char path[BPF_PINS_PATH];
	int error = bpf_pins_path(path, pin_dir, BPF_PINS_PROGS, name);

	return error ? error : bpf_pins_put(fd, path);
}

/* --- all of it -----------------------------------------------------------------------------------
 */

static const char *refusal(struct arena *arena, const char *what, int error)
{
	if (error == -EPERM)
		return arena_printf(arena,
				    "%s: not permitted; CAP_BPF, CAP_NET_ADMIN and "
				    "CAP_SYS_ADMIN are needed",
				    what);
	if (error == -EMEDIUMTYPE)
		return arena_printf(arena, "%s: it is not on a bpffs", what);
	return arena_printf(arena, "%s: %s", what, strerror(-error));
}

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
	printf_like(2, 0);

/* libbpf tells of the verifier at length; it is for those who look. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[LOG_VALUE_BYTES];

	if (level == LIBBPF_DEBUG || !log_enabled(LOG_LEVEL_DEBUG))
		return 0;
	vsnprintf(text, sizeof(text), fmt, args);
	log_debug("bpf: libbpf", "text=%s", log_quote(text));
	return 0;
}

int bpf_load(const struct bpf_load_args *args, struct arena *arena, struct bpf_programs *ret,
	     const char **ret_failure)
{
	struct bpf_programs p = {.xdp_fd = -1, .tc_fd = -1, .tc_spare_fd = -1};
	struct lb_config config = {.abi_version = 0};
	const char *what = "the pin directory";
	char maps_dir[BPF_PINS_PATH];
	int error = bpf_pins_path(maps_dir, args->pin_dir, BPF_PINS_MAPS, NULL);

	libbpf_set_print(print_libbpf);
	if (error == 0)
		error = bpf_pins_prepare(args->pin_dir);
	if (error == 0) {
		what = "the program xdp_lb";
		error = load_xdp(args, maps_dir, &p, &config);
	}
	if (error == 0) {
		what = "the program tc_reply";
		error = load_tc(&p, &p.tc_skeletons[0], &p.tc_fd);
	}
	if (error == 0)
		error = load_tc(&p, &p.tc_skeletons[1], &p.tc_spare_fd);
	if (error == 0) {
		what = "the pins";
		error = p.adopted ? bpf_maps_pin_fresh(p.xdp, maps_dir)
				  : pin_maps(&p, args->pin_dir, maps_dir);
	}
	if (error == 0)
		error = pin_program(p.xdp_fd, args->pin_dir, "xdp_lb");
	if (error == 0)
		error = pin_program(p.tc_fd, args->pin_dir, "tc_reply");
	p.has_tcx = bpf_tcx_is_there();
	if (error == 0) {
		*ret = p;
		return 0;
	}
	*ret_failure = refusal(arena, what, error);
	bpf_unload(&p);
	return error;
}

void bpf_unload(struct bpf_programs *p)
{
	xdp_lb_bpf__destroy(p->xdp_skeleton);
	for (size_t i = 0; i < ARRAY_SIZE(p->tc_skeletons); i++)
		tc_reply_bpf__destroy(p->tc_skeletons[i]);
	*p = (struct bpf_programs){.xdp_fd = -1, .tc_fd = -1, .tc_spare_fd = -1};
}
