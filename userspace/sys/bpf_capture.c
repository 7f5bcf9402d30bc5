// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The budget of a processor is told in jiffies, since the programs know the time by them at no cost
 * (bpf/capture.h): some thousand frames a second, which a slice of the agent's reading can follow.
 */
#include "sys/bpf_capture.h"

#include "lb/lb_tables.h"
#include "sys/bpf_hooks.h"
#include "sys/log.h"
#include "sys/worker.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#define TAKES 16000u  /* frames a second and processor */
#define LOOKS 250000u /* ... that are looked at, 0.1 to 0.2 us each */
#define SLACK (2 * NSEC_PER_SEC)

enum stage { IDLE, LOADING, TAKEN_BACK, ATTACHING, RUNNING, FAILED, LEAVING };

struct bpf_capture {
	struct worker_job job; /* first; loads */
	const struct bpf_kept *maps;
	struct bpf_hooks *hooks;
	const struct lb_tables *tables;
	const char *pin_dir;
	struct worker *worker;
	enum stage stage; /* TAKEN_BACK: ended while the helper loads */
	int error;
	struct lb_capture asked;
	nsec_t length;
	struct bpf_capture_programs programs;
	struct ring_buffer *ring; /* owned */
	/* Of the read that is under way. */
	bpf_captured_cb cb;
	void *ctx;
	size_t left;
};

_Static_assert(BPF_CAPTURE_VIPS == LB_CAPTURE_VIPS && BPF_CAPTURE_BYTES == LB_CAPTURE_BYTES,
	       "as many as the programs know");

/* --- what is asked ---------------------------------------------------------------------------- */

static void mask_of(const struct ip_prefix *p, __u32 ret[4])
{
	unsigned bits = p->len + (ip_addr_is_v4(&p->addr) ? 96u : 0u);
	uint8_t octets[16] = {0};

	for (size_t i = 0; i < sizeof(octets) && bits > 0; i++) {
		const unsigned n = bits < 8 ? bits : 8;

		octets[i] = (uint8_t)(0xff00 >> n);
		bits -= n;
	}
	memcpy(ret, octets, sizeof(octets));
}

static struct lb_capture asked_of(const struct bpf_capture_asked *a)
{
	struct lb_capture ret = {.reasons = a->reasons,
				 .flags = (a->requests ? LB_CAPTURE_IN : 0) |
					  (a->replies ? LB_CAPTURE_REPLY : 0),
				 .bytes = a->bytes < LB_CAPTURE_BYTES ? a->bytes : LB_CAPTURE_BYTES,
				 .n_vips = (__u32)a->n_vips};

	if (!ip_addr_is_none(&a->clients.addr)) {
		memcpy(ret.client, a->clients.addr.b, sizeof(ret.client));
		mask_of(&a->clients, ret.mask);
	}
	for (size_t i = 0; i < a->n_vips; i++) {
		ret.vips[i] = (struct lb_capture_vip){.port = htons(a->vips[i].port),
						      .proto = a->vips[i].proto};
		memcpy(ret.vips[i].addr, a->vips[i].addr.b, sizeof(ret.vips[i].addr));
	}
	return ret;
}

static uint32_t per_tick(uint32_t per_second, nsec_t tick)
{
	const uint64_t n = per_second * (uint64_t)tick / NSEC_PER_SEC;

	return n > 0 ? (uint32_t)n : 1;
}

static void set_budget(struct lb_capture *asked, nsec_t length)
{
	nsec_t tick;

	asked->until = bpf_load_jiffies(&tick);
	asked->until += (length + SLACK) / tick;
	asked->takes = per_tick(TAKES, tick);
	asked->looks = per_tick(LOOKS, tick);
}

/* --- its programs ----------------------------------------------------------------------------- */

static void work(struct worker_job *job)
{
	struct bpf_capture *c = (struct bpf_capture *)job;

	set_budget(&c->asked, c->length);
	c->error = bpf_load_capture(c->maps, c->pin_dir, &c->asked, &c->programs);
}

static int load_again(const void *capture, int *ret_fd)
{
	const struct bpf_capture *c = capture;

	return bpf_load_capture_tc(c->maps, &c->programs, ret_fd);
}

static void give_back(struct bpf_capture *c)
{
	ring_buffer__free(c->ring);
	c->ring = NULL;
	bpf_unload_capture(&c->programs);
	bpf_unpin_capture(c->pin_dir);
	c->stage = IDLE;
}

static int on_record(void *ctx, void *data, size_t len);

static void done(struct worker_job *job)
{
	struct bpf_capture *c = (struct bpf_capture *)job;
	struct bpf_hook_programs use;

	if (c->stage == TAKEN_BACK) {
		give_back(c);
		return;
	}
	if (c->error == 0) {
		c->ring = ring_buffer__new(c->programs.ring_fd, on_record, c, NULL);
		c->error = c->ring ? 0 : -errno;
	}
	c->stage = c->error ? FAILED : ATTACHING;
	if (c->error != 0)
		return;
	use = (struct bpf_hook_programs){.xdp_fd = c->programs.xdp_fd,
					 .tc_fd = c->programs.tc_fd,
					 .load_again = load_again,
					 .programs = c};
	bpf_hooks_use(c->hooks, &use);
}

int bpf_capture_begin(struct bpf_capture *c, const struct bpf_capture_asked *asked)
{
	bpf_capture_tick(c);
	if (c->stage != IDLE)
		return -EBUSY;
	c->stage = LOADING;
	c->error = 0;
	c->asked = asked_of(asked);
	c->length = asked->length;
	if (c->worker) {
		worker_add(c->worker, &c->job);
		return 0;
	}
	work(&c->job);
	done(&c->job);
	return 0;
}

int bpf_capture_state(struct bpf_capture *c)
{
	const struct bpf_hook_programs use = {.xdp_fd = c->programs.xdp_fd};

	if (c->stage == FAILED || c->stage == IDLE)
		return c->stage == IDLE ? -ENOENT : c->error;
	if (c->stage == ATTACHING && bpf_hooks_are_using(c->hooks, &use))
		c->stage = RUNNING;
	return c->stage == RUNNING ? 0 : -EINPROGRESS;
}

void bpf_capture_end(struct bpf_capture *c)
{
	if (c->stage == LOADING) {
		c->stage = TAKEN_BACK;
	} else if (c->stage == FAILED) {
		give_back(c);
	} else if (c->stage == ATTACHING || c->stage == RUNNING) {
		c->stage = LEAVING;
		bpf_hooks_use(c->hooks, NULL);
		bpf_capture_tick(c);
	}
}

void bpf_capture_tick(struct bpf_capture *c)
{
	if (c->stage == LEAVING && bpf_hooks_are_using(c->hooks, NULL))
		give_back(c);
}

/* --- what it brings --------------------------------------------------------------------------- */

/* A value that stops the ring buffer behind this record, which counts as read. */
#define ENOUGH (-EAGAIN)

static int on_record(void *ctx, void *data, size_t len)
{
	const struct lb_captured *r = data;
	struct bpf_capture *c = ctx;
	struct bpf_captured frame;

	if (len < sizeof(*r) || len - sizeof(*r) < r->kept)
		return 0;
	frame = (struct bpf_captured){.at = r->at,
				      .point = (enum bpf_captured_point)r->point,
				      .ifindex = (int)r->ifindex,
				      .reasons = r->reasons,
				      .ip_off = r->ip_off,
				      .len = r->len,
				      .kept = r->kept,
				      .bytes = (const uint8_t *)(r + 1)};
	/* XDP_ABORTED and XDP_DROP, TC_ACT_SHOT */
	frame.is_dropped = r->point < LB_CAPTURE_REPLY_ARRIVED ? r->verdict <= 1 : r->verdict == 2;
	if (r->backend != LB_CAPTURE_NOBODY)
		(void)lb_tables_backend(c->tables, r->backend, &frame.backend, &frame.backend_port);
	c->cb(c->ctx, &frame);
	return --c->left > 0 ? 0 : ENOUGH;
}

size_t bpf_capture_read(struct bpf_capture *c, size_t most, bpf_captured_cb cb, void *ctx)
{
	if (!c->ring || most == 0)
		return 0;
	c->left = most;
	c->cb = cb;
	c->ctx = ctx;
	(void)!ring_buffer__consume(c->ring);
	return most - c->left;
}

void bpf_capture_missed(const struct bpf_capture *c, uint64_t *ret_missed, uint64_t *ret_unseen)
{
	const int n_cpus = libbpf_num_possible_cpus();
	_cleanup_(freep) struct lb_capturing *all =
		xcalloc(n_cpus > 0 ? (size_t)n_cpus : 1, sizeof(*all));

	*ret_missed = *ret_unseen = 0;
	for (__u32 which = 0; which < 2 && c->programs.capturing_fd >= 0; which++) {
		if (bpf_map_lookup_elem(c->programs.capturing_fd, &which, all) != 0)
			continue;
		for (int i = 0; i < n_cpus; i++) {
			*ret_missed += all[i].missed;
			*ret_unseen += all[i].unseen;
		}
	}
}

/* --- open and close --------------------------------------------------------------------------- */

struct bpf_capture *bpf_capture_new(const struct bpf_kept *maps, struct bpf_hooks *hooks,
				    const struct lb_tables *tables, const char *pin_dir)
{
	struct bpf_capture *c = xcalloc(1, sizeof(*c));

	*c = (struct bpf_capture){.job = {.run = work, .done = done},
				  .maps = maps,
				  .hooks = hooks,
				  .tables = tables,
				  .pin_dir = pin_dir,
				  .programs = BPF_CAPTURE_NO_PROGRAMS};
	return c;
}

void bpf_capture_use_worker(struct bpf_capture *c, struct worker *worker)
{
	c->worker = worker;
}

struct bpf_capture *bpf_capture_free(struct bpf_capture *c)
{
	if (!c)
		return NULL;
	bpf_capture_end(c);
	if (c->worker)
		worker_finish(c->worker);
	bpf_capture_tick(c);
	free(c);
	return NULL;
}
