// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Attaching. A link knows its device as long as that lives; afterwards it says 0, and the index in
 * its pin's name may belong to another device by then. So a pinned link is asked before it is used.
 *
 * An agent that dies while it takes back the head leaves two links, the newer pinned beside the
 * older (bpf_pins_put()); whoever adopts them next ends what it began.
 */
#include "sys/bpf_attach.h"

#include "sys/bpf_clsact.h"
#include "sys/bpf_pins.h"
#include "sys/bpf_tcx.h"
#include "sys/files.h"
#include "sys/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>

/* What pins of its links begin with, and where it is at tc. */
static const struct {
	const char *pin, *place;
	enum bpf_tc_attach_point at;
} hooks[BPF_N_HOOKS] = {
	[BPF_HOOK_XDP] = {.pin = "xdp", .place = "XDP hook"},
	[BPF_HOOK_REPLY] = {.pin = "tcx", .place = "egress", .at = BPF_TC_EGRESS},
	[BPF_HOOK_NAT] = {.pin = "nat", .place = "ingress", .at = BPF_TC_INGRESS},
};

/* --- pinned links ----------------------------------------------------------------------------- */

static int link_path(char path[BPF_PINS_PATH], const char *pin_dir, enum bpf_hook hook, int ifindex)
{
	char name[32];

	snprintf(name, sizeof(name), "%s-%d", hooks[hook].pin, ifindex);
	return bpf_pins_path(path, pin_dir, BPF_PINS_LINKS, name);
}

static bool is_there(int ifindex)
{
	char name[IF_NAMESIZE];

	return if_indextoname((unsigned)ifindex, name) != NULL;
}

/* The words of a struct bpf_link_info that libbpf's header knows, and tcx's, which it does not. */
struct link_info {
	struct bpf_link_info known;
	uint8_t more[64];
};

/* The device a link is bound to, 0 = gone; and its program. XDP and tcx name it at one place. */
static int link_device(int fd, uint32_t *ret_prog_id)
{
	struct link_info info = {.known = {.type = 0}};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info.known, &len) != 0)
		return 0;
	if (ret_prog_id)
		*ret_prog_id = info.known.prog_id;
	return (int)info.known.xdp.ifindex;
}

static void detach_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	(void)unlink(path);
	if (fd < 0)
		return;
	(void)bpf_link_detach(fd); /* fails if the device is gone: then nothing is attached */
	close(fd);
}

static void detach_link(const char *pin_dir, enum bpf_hook hook, int ifindex)
{
	char path[BPF_PINS_PATH], beside[BPF_PINS_PATH];

	if (link_path(path, pin_dir, hook, ifindex) != 0)
		return;
	detach_pin(path);
	if (bpf_pins_beside(beside, path) == 0)
		detach_pin(beside);
}

/* Pins a link in place of the one that is pinned, which is detached then. */
static int replace_pin(int fd, const char *path)
{
	int old = bpf_obj_get(path), error = bpf_pins_put(fd, path);

	if (old < 0)
		return error;
	if (error == 0)
		(void)bpf_link_detach(old);
	close(old);
	return error;
}

/* Ends what an agent began that died while it replaced a pin. */
static void end_replacing(const char *path)
{
	char beside[BPF_PINS_PATH];
	int fd = bpf_pins_beside(beside, path) == 0 ? bpf_obj_get(beside) : -1;

	if (fd < 0)
		return;
	if (replace_pin(fd, path) != 0)
		log_warn("bpf: a link left behind by a former run stays", "pin=%s", beside);
	close(fd);
}

/* Gives the pinned link of a device the program; its fd, or -ENOENT: there is none that can be
 * used. */
static int adopt_link(const struct bpf_hook_args *args)
{
	char path[BPF_PINS_PATH];
	int fd;

	if (link_path(path, args->pin_dir, args->hook, args->ifindex) != 0)
		return -ENOENT;
	end_replacing(path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -ENOENT;
	if (link_device(fd, NULL) == args->ifindex && bpf_link_update(fd, args->prog_fd, NULL) == 0)
		return fd;
	close(fd);
	detach_link(args->pin_dir, args->hook, args->ifindex);
	return -ENOENT;
}

/* Pins a new link; an unpinned one would end with this process. */
static int pin_link(const struct bpf_hook_args *args, int fd)
{
	char path[BPF_PINS_PATH];
	int error = link_path(path, args->pin_dir, args->hook, args->ifindex);

	return error ? error : replace_pin(fd, path);
}

/* --- XDP -------------------------------------------------------------------------------------- */

static void refuse(struct bpf_refusal *ret, const char *reason, const char *remedy,
		   const char *failure)
{
	*ret = (struct bpf_refusal){.failure = failure, .reason = reason, .remedy = remedy};
}

static void refuse_xdp(const struct bpf_hook_args *args, int error, struct bpf_refusal *ret)
{
	if (error == -EBUSY || error == -EEXIST)
		refuse(ret, "XdpBusy",
		       "detach the other program (ip link set dev DEVICE xdp off), choose other "
		       "uplinks, or set spec.dataplane.mode to off to announce only",
		       arena_printf(args->words, "another program owns the XDP hook of %s: EBUSY",
				    args->name));
	else if (error == -EOPNOTSUPP || error == -EINVAL)
		refuse(ret, "XdpUnsupported",
		       "set spec.dataplane.mode to generic (slower), or choose other uplinks",
		       arena_printf(args->words, "the driver of %s refuses native XDP: %s",
				    args->name, strerror(-error)));
	else if (error == -ENODEV)
		refuse(ret, "DeviceMissing", "create the device, or choose other uplinks",
		       arena_printf(args->words, "there is no device %s: ENODEV", args->name));
	else
		refuse(ret, "XdpRefused", "see the agent's log at level debug",
		       arena_printf(args->words, "cannot attach XDP to %s: %s", args->name,
				    strerror(-error)));
}

/* 1: generic, 0: native, or -errno. */
static int xdp_is_generic(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	int error = bpf_xdp_query(ifindex, 0, &opts);

	return error ? error : opts.attach_mode == XDP_ATTACHED_SKB;
}

static int create_xdp(const struct bpf_hook_args *args, uint32_t mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);
	int fd = bpf_link_create(args->prog_fd, args->ifindex, BPF_XDP, &opts), error;

	if (fd < 0)
		return fd;
	error = pin_link(args, fd);
	close(fd);
	return error;
}

static int adopt_xdp(const struct bpf_hook_args *args, bool *ret_generic)
{
	int fd = adopt_link(args), generic;

	if (fd < 0)
		return fd;
	close(fd);
	generic = xdp_is_generic(args->ifindex);
	if (generic < 0 || (generic && !args->allow_generic)) {
		bpf_detach(args->pin_dir, args->ifindex, BPF_HOOK_XDP);
		return -ENOENT;
	}
	*ret_generic = generic;
	return 0;
}

int bpf_attach_xdp(const struct bpf_hook_args *args, bool *ret_generic,
		   struct bpf_refusal *ret_refusal)
{
	int error = adopt_xdp(args, ret_generic);

	if (error == 0)
		return 0;
	*ret_generic = false;
	error = is_there(args->ifindex) ? create_xdp(args, XDP_FLAGS_DRV_MODE) : -ENODEV;
	if ((error == -EOPNOTSUPP || error == -EINVAL) && args->allow_generic) {
		error = create_xdp(args, XDP_FLAGS_SKB_MODE);
		*ret_generic = error == 0;
	}
	if (error != 0)
		refuse_xdp(args, error, ret_refusal);
	return error;
}

/* --- tc --------------------------------------------------------------------------------------- */

static void refuse_tc(const struct bpf_hook_args *args, int error, struct bpf_refusal *ret)
{
	if (error == -EBUSY)
		refuse(ret, "TcNotFirst",
		       "find out who attaches before others at tc (bpftool net), and make it "
		       "attach behind",
		       arena_printf(args->words,
				    "another program stays in front of ours at the %s of %s",
				    hooks[args->hook].place, args->name));
	else if (error == -ENODEV)
		refuse(ret, "DeviceMissing", "create the device, or choose other uplinks",
		       arena_printf(args->words, "there is no device %s: ENODEV", args->name));
	else
		refuse(ret, "TcRefused", "see the agent's log at level debug",
		       arena_printf(args->words, "cannot attach at the %s of %s: %s",
				    hooks[args->hook].place, args->name, strerror(-error)));
}

/* 1: the link's program is the first of the list; 0: it is not; -errno. */
static int tcx_is_first(const struct bpf_hook_args *args, int link_fd)
{
	uint32_t ours = 0, first = 0;
	int error;

	if (link_device(link_fd, &ours) != args->ifindex)
		return 0;
	error = bpf_tcx_first(args->ifindex, hooks[args->hook].at, &first);
	return error ? error : first == ours;
}

static int attach_tcx(const struct bpf_hook_args *args)
{
	int fd = bpf_tcx_attach(args->ifindex, hooks[args->hook].at, args->prog_fd), error, first;

	if (fd < 0)
		return fd;
	error = pin_link(args, fd);
	first = error ? error : tcx_is_first(args, fd);
	close(fd);
	return first < 0 ? first : first ? 0 : -EBUSY;
}

/*
 * The program once more, as a list takes each but once. It goes to the head, then the link behind
 * is detached, then the first one takes its place: for a moment a packet meets both, of which the
 * second finds nothing left to do.
 */
static int retake_head(const struct bpf_hook_args *args)
{
	_cleanup_(fd_closep) int again = -1;
	int fd = args->load_again(args->programs, &again), error, first;

	if (fd == 0)
		fd = bpf_tcx_attach(args->ifindex, hooks[args->hook].at, again);
	if (fd < 0) {
		log_warn("bpf: the head at tc is not to be had", "device=%s place=%s error=%d",
			 args->name, hooks[args->hook].place, -fd);
		return -EBUSY;
	}
	error = pin_link(args, fd);
	if (error == 0)
		error = bpf_link_update(fd, args->prog_fd, NULL);
	first = error ? error : tcx_is_first(args, fd);
	close(fd);
	log_warn("bpf: another program was in front of ours at tc",
		 "device=%s place=%s first_now=%s", args->name, hooks[args->hook].place,
		 first == 1 ? "yes" : "no");
	return first < 0 ? first : first ? 0 : -EBUSY;
}

static int bring_tcx(const struct bpf_hook_args *args)
{
	int fd = adopt_link(args), first;

	if (fd < 0)
		return attach_tcx(args);
	first = tcx_is_first(args, fd);
	close(fd);
	return first < 0 ? first : first ? 0 : retake_head(args);
}

static int attach_clsact(const struct bpf_hook_args *args)
{
	const enum bpf_tc_attach_point at = hooks[args->hook].at;
	int error = bpf_clsact_attach(args->ifindex, at, args->prog_fd), first;

	if (error != 0)
		return error;
	first = bpf_clsact_is_first(args->ifindex, at);
	return first < 0 ? first : first ? 0 : -EBUSY;
}

int bpf_attach_tc(const struct bpf_hook_args *args, struct bpf_refusal *ret_refusal)
{
	int error = -ENODEV;

	if (is_there(args->ifindex))
		error = args->has_tcx ? bring_tcx(args) : attach_clsact(args);
	if (error != 0)
		refuse_tc(args, error, ret_refusal);
	return error;
}

void bpf_detach(const char *pin_dir, int ifindex, enum bpf_hook hook)
{
	detach_link(pin_dir, hook, ifindex);
	if (hook != BPF_HOOK_XDP)
		(void)bpf_clsact_detach(ifindex, hooks[hook].at);
}

/* --- all devices ------------------------------------------------------------------------------ */

struct listing {
	const char *pin_dir;
	bpf_attach_cb cb;
	void *ctx;
};

/* The hook and the device in a pin's name ("-next" may follow). False: not one of ours. */
static bool parse_pin(const char *name, enum bpf_hook *ret_hook, int *ret_ifindex)
{
	for (enum bpf_hook hook = 0; hook < BPF_N_HOOKS; hook++) {
		const size_t len = strlen(hooks[hook].pin);

		if (strncmp(name, hooks[hook].pin, len) != 0 || name[len] != '-')
			continue;
		*ret_hook = hook;
		*ret_ifindex = (int)strtol(name + len + 1, NULL, 10);
		return true;
	}
	return false;
}

static void list_link(void *ctx, const char *name)
{
	const struct listing *l = ctx;
	struct bpf_attached attached = {0};
	char path[BPF_PINS_PATH];
	int fd = -1;

	if (!parse_pin(name, &attached.hook, &attached.ifindex))
		return;
	if (bpf_pins_path(path, l->pin_dir, BPF_PINS_LINKS, name) == 0)
		fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	if (link_device(fd, NULL) == attached.ifindex) {
		attached.is_generic =
			attached.hook == BPF_HOOK_XDP && xdp_is_generic(attached.ifindex) == 1;
		l->cb(l->ctx, &attached);
	}
	close(fd);
}

static int list_filters(const struct listing *l, enum bpf_hook hook)
{
	struct if_nameindex *devices = if_nameindex();
	int error = 0;

	if (!devices)
		return -errno;
	for (const struct if_nameindex *d = devices; d->if_index != 0; d++) {
		struct bpf_attached attached = {.ifindex = (int)d->if_index, .hook = hook};
		int one = bpf_clsact_is_there(attached.ifindex, hooks[hook].at);

		if (one > 0)
			l->cb(l->ctx, &attached);
		else if (error == 0)
			error = one;
	}
	if_freenameindex(devices);
	return error;
}

int bpf_attach_each(const char *pin_dir, bpf_attach_cb cb, void *ctx)
{
	struct listing l = {.pin_dir = pin_dir, .cb = cb, .ctx = ctx};
	char links[BPF_PINS_PATH];
	int error = bpf_pins_path(links, pin_dir, BPF_PINS_LINKS, NULL), one;

	if (error == 0)
		error = bpf_pins_each(links, list_link, &l);
	for (enum bpf_hook hook = BPF_HOOK_REPLY; hook < BPF_N_HOOKS; hook++) {
		one = list_filters(&l, hook);
		error = error ? error : one;
	}
	return error;
}

struct sweep {
	const char *pin_dir;
	bpf_attach_keep keep;
	const void *ctx;
};

static void sweep_link(void *ctx, const char *name)
{
	const struct sweep *s = ctx;
	enum bpf_hook hook;
	int ifindex;

	if (!parse_pin(name, &hook, &ifindex))
		return;
	if (!s->keep(s->ctx, ifindex, hook))
		detach_link(s->pin_dir, hook, ifindex);
}

int bpf_attach_sweep(const char *pin_dir, bpf_attach_keep keep, const void *ctx)
{
	struct sweep s = {.pin_dir = pin_dir, .keep = keep, .ctx = ctx};
	char links[BPF_PINS_PATH];
	int error = bpf_pins_path(links, pin_dir, BPF_PINS_LINKS, NULL);

	return error ? error : bpf_pins_each(links, sweep_link, &s);
}

int bpf_attach_sweep_filters(bpf_attach_keep keep, const void *ctx)
{
	struct if_nameindex *devices = if_nameindex();
	int error = 0, one;

	if (!devices)
		return -errno;
	for (const struct if_nameindex *d = devices; d->if_index != 0; d++)
		for (enum bpf_hook hook = BPF_HOOK_REPLY; hook < BPF_N_HOOKS; hook++) {
			if (keep(ctx, (int)d->if_index, hook))
				continue;
			one = bpf_clsact_detach((int)d->if_index, hooks[hook].at);
			error = error ? error : one;
		}
	if_freenameindex(devices);
	return error;
}
