// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Loading. Between open and load the constants of the programs are set:
 *
 *   flow_keys  from the secret that is made with the maps and lies with them
 *   age_shift  so that an age unit is near 64 seconds whatever the kernel's HZ
 *
 * Fresh maps are pinned beside the old ones and then take their place, so that a start that fails
 * half-way leaves the former run as it was. The old programs keep their maps until their links are
 * given the new program.
 */
#include "sys/bpf_load.h"

#include "sys/bpf_former.h"
#include "sys/bpf_pins.h"
#include "sys/bpf_tcx.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <sys/random.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual" /* generated code */
#include "tc_reply.skel.h"
#include "xdp_lb.skel.h"
#pragma GCC diagnostic pop

/* --- ages ------------------------------------------------------------------------------------- */

/* The length of a jiffy: what the coarse clock's resolution is. */
static nsec_t tick_ns(void)
{
	struct timespec res = {.tv_nsec = 0};

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &res) != 0 || res.tv_nsec < 100000)
		return 4 * NSEC_PER_MSEC;
	return (nsec_t)res.tv_nsec;
}

/* A unit between 45 and 91 seconds: 64, as far as powers of two allow. */
static uint32_t age_shift(nsec_t tick)
{
	uint32_t shift = 0;

	while (tick << shift < 45255 * NSEC_PER_MSEC)
		shift++;
	return shift;
}

/* The kernel counts jiffies from five minutes before the wrap of 32 bits (INITIAL_JIFFIES). */
uint64_t bpf_load_jiffies(nsec_t *ret_tick)
{
	const nsec_t tick = *ret_tick = tick_ns();
	const uint64_t hz = (NSEC_PER_SEC + tick / 2) / tick;

	return (uint32_t)(0 - 300 * hz) + clock_now() / tick;
}

uint32_t bpf_load_age_shift(void)
{
	return age_shift(tick_ns());
}

void bpf_load_age(struct lb_clock *ret)
{
	nsec_t tick;
	const uint64_t jiffies = bpf_load_jiffies(&tick);

	ret->age = (uint8_t)(jiffies >> age_shift(tick));
	ret->age_long = (uint8_t)(jiffies >> (age_shift(tick) + LB_AGE_LONG_SHIFT));
	ret->age_unit = tick << age_shift(tick);
}

/* --- adoption --------------------------------------------------------------------------------- */

/*
 * The config of pinned maps that we can go on with. -ENOENT: none, or not ours to adopt. *ret_lost:
 * they are of this boot, so there may be flows that nobody knows then.
 */
static int pinned_config(const char *pin_dir, struct lb_config *ret, bool *ret_lost)
{
	int error = bpf_former_config(pin_dir, ret);

	*ret_lost = error == 0 && ret->boot == clock_boot_id();
	if (error != 0)
		return error;
	if (!bpf_former_is_readable(ret->abi_version) || !*ret_lost) {
		log_warn("bpf: pinned maps not adopted", "abi_version=%u", ret->abi_version);
		return -ENOENT;
	}
	return 0;
}

/* Of maps that are made now. */
static int fresh_config(struct lb_config *ret, bool served_unknown)
{
	*ret = (struct lb_config){.abi_version = LB_ABI_VERSION,
				  .boot = clock_boot_id(),
				  .settle_from = nsec_add(clock_now(), LB_SETTLE_BLIND_NS),
				  .served_unknown = served_unknown};
	if (getrandom(ret->flow_secret, sizeof(ret->flow_secret), 0) !=
	    (ssize_t)sizeof(ret->flow_secret))
		return -EIO;
	return 0;
}

static int open_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* Opens xdp_lb over the pinned maps, or with fresh ones; *config says what both agree on. */
static int open_xdp(const struct bpf_load_args *args, struct lb_config *config,
		    struct xdp_lb_bpf **ret, bool *ret_adopted)
{
	char maps_dir[BPF_PINS_PATH];
	bool lost = false;
	int error = bpf_pins_path(maps_dir, args->pin_dir, BPF_PINS_MAPS, NULL);

	*ret_adopted = false;
	if (error != 0)
		return error;
	*ret = xdp_lb_bpf__open();
	if (*ret && pinned_config(args->pin_dir, config, &lost) == 0) {
		error = bpf_maps_reuse((*ret)->obj, maps_dir);
		*ret_adopted = error == 0;
		if (error != 0) { /* some are reused already: begin anew */
			log_warn("bpf: pinned maps not adopted", "error=%d", -error);
			xdp_lb_bpf__destroy(*ret);
			*ret = xdp_lb_bpf__open();
		}
	}
	if (!*ret)
		return open_error();
	return *ret_adopted ? 0 : fresh_config(config, lost && !args->knows_served);
}

static int keep_program(const struct bpf_program *program, int *ret_fd)
{
	*ret_fd = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? -errno : 0;
}

static void set_constants(struct xdp_lb_bpf *xdp, const struct lb_flow_keys *keys)
{
	xdp->rodata->age_shift = age_shift(tick_ns());
	memcpy(&xdp->rodata->flow_keys, keys, sizeof(*keys));
}

/* *ret, also after an error: the object, for the caller to close. */
static int load_xdp(const struct bpf_load_args *args, struct bpf_programs *p,
		    struct xdp_lb_bpf **ret)
{
	struct lb_config config = {.abi_version = 0};
	int error = open_xdp(args, &config, ret, &p->adopted);
	struct xdp_lb_bpf *xdp = *ret;
	__u32 zero = 0;

	if (error != 0)
		return error;
	assert(xdp);
	lb_flow_keys(config.flow_secret, &p->flow_keys);
	error = bpf_maps_inners(xdp->obj, &p->inners);
	set_constants(xdp, &p->flow_keys);
	if (error == 0)
		error = bpf_beside_choose(xdp->obj, args->beside);
	if (error == 0)
		error = xdp_lb_bpf__load(xdp);
	if (error == 0)
		error = bpf_beside_fill(xdp->obj);
	config.abi_version = LB_ABI_VERSION; /* of adopted ones nothing else changes */
	if (error == 0)
		error = bpf_map_update_elem(bpf_map__fd(xdp->maps.config), &zero, &config, BPF_ANY);
	if (error == 0)
		error = bpf_kept_take(xdp->obj, &p->maps);
	return error ? error : keep_program(xdp->progs.xdp_lb, &p->xdp_fd);
}

/* One of the object's two programs; it is loaded alone. */
static int load_tc(const struct bpf_programs *p, bool nat, int *ret_fd)
{
	struct tc_reply_bpf *tc = tc_reply_bpf__open();
	const struct bpf_program *wanted;
	int error;

	if (!tc)
		return open_error();
	wanted = nat ? tc->progs.tc_nat : tc->progs.tc_reply;
	tc->rodata->age_shift = age_shift(tick_ns());
	memcpy(&tc->rodata->flow_keys, &p->flow_keys, sizeof(p->flow_keys));
	error = bpf_program__set_autoload(nat ? tc->progs.tc_reply : tc->progs.tc_nat, false);
	if (error == 0)
		error = bpf_maps_share(&p->maps, tc->obj);
	if (error == 0)
		error = tc_reply_bpf__load(tc);
	if (error == 0)
		error = keep_program(wanted, ret_fd);
	tc_reply_bpf__destroy(tc);
	return error;
}

int bpf_load_tc(const struct bpf_programs *p, int *ret_fd)
{
	return load_tc(p, false, ret_fd);
}

int bpf_load_nat(const struct bpf_programs *p, int *ret_fd)
{
	return load_tc(p, true, ret_fd);
}

/* The far programs, or that one of them alone, which then goes again. */
static int load_far(const struct bpf_programs *p, const char *only)
{
	struct xdp_lb_bpf *xdp = xdp_lb_bpf__open();
	int error;

	if (!xdp)
		return open_error();
	set_constants(xdp, &p->flow_keys);
	error = only ? bpf_beside_choose_one(xdp->obj, only)
		     : bpf_beside_choose(xdp->obj, BPF_BESIDE_FAR);
	if (error == 0)
		error = bpf_maps_share(&p->maps, xdp->obj);
	if (error == 0)
		error = xdp_lb_bpf__load(xdp);
	if (error == 0 && !only)
		error = bpf_beside_fill(xdp->obj);
	xdp_lb_bpf__destroy(xdp);
	return error;
}

/* libbpf says which program was refused in its log alone. */
static const char *find_refused(const struct bpf_programs *p, int *error)
{
	const char *program;

	for (size_t i = 0; (program = bpf_beside_far(i)); i++) {
		const int its = load_far(p, program);

		if (its == 0)
			continue;
		*error = its;
		return program;
	}
	return NULL;
}

/* --- pins ------------------------------------------------------------------------------------- */

/* Fresh maps beside the old ones, then in their place. */
static int pin_maps(const struct bpf_object *xdp, const char *pin_dir, const char *maps_dir)
{
	char next[BPF_PINS_PATH];
	int error = bpf_pins_path(next, pin_dir, BPF_PINS_NEXT, NULL);

	if (error == 0)
		error = bpf_pins_remove_folder(next);
	if (error == 0)
		error = bpf_pins_folder(next, pin_dir, BPF_PINS_NEXT);
	if (error == 0)
		error = bpf_maps_pin(xdp, next);
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

/* --- all of it -------------------------------------------------------------------------------- */

static const char *refusal(struct arena *arena, const char *what, int error)
{
	if (error == -EPERM)
		return arena_printf(arena,
				    "%s: not permitted; CAP_BPF, CAP_PERFMON and "
				    "CAP_NET_ADMIN are needed",
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

int bpf_load_far(const struct bpf_programs *p, struct arena *arena, const char **ret_failure)
{
	const char *program = NULL;
	int error = load_far(p, NULL);

	if (error == 0)
		return 0;
	program = find_refused(p, &error);
	*ret_failure = refusal(arena,
			       program ? arena_printf(arena, "the program %s", program)
				       : "the programs for other nodes and servers",
			       error);
	return error;
}

int bpf_load(const struct bpf_load_args *args, struct arena *arena, struct bpf_programs *ret,
	     const char **ret_failure)
{
	struct bpf_programs p = {.xdp_fd = -1, .tc_fd = -1, .maps = {.btf_fd = -1, .sums_fd = -1}};
	struct xdp_lb_bpf *xdp = NULL;
	const char *what = "the pin directory";
	char maps_dir[BPF_PINS_PATH];
	int error = bpf_pins_path(maps_dir, args->pin_dir, BPF_PINS_MAPS, NULL);

	libbpf_set_print(print_libbpf);
	bpf_pins_remove_tried(args->pin_dir);
	if (error == 0)
		error = bpf_pins_prepare(args->pin_dir);
	if (error == 0) {
		what = "the program xdp_lb";
		error = load_xdp(args, &p, &xdp);
	}
	if (error == 0) {
		what = "the program tc_reply";
		error = bpf_load_tc(&p, &p.tc_fd);
	}
	if (error == 0) {
		what = "the pins";
		error = bpf_former_keep(args->pin_dir);
	}
	if (error == 0) {
		error = p.adopted ? bpf_maps_pin_fresh(xdp->obj, maps_dir)
				  : pin_maps(xdp->obj, args->pin_dir, maps_dir);
	}
	xdp_lb_bpf__destroy(xdp);
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
	const int fds[] = {p->xdp_fd, p->tc_fd};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	bpf_kept_let_go(&p->maps);
	*p = (struct bpf_programs){
		.xdp_fd = -1, .tc_fd = -1, .maps = {.btf_fd = -1, .sums_fd = -1}};
}
