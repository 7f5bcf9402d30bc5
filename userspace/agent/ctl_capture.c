// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The first piece of the answer comes when the programs are attached. Then there are pieces of the
 * file, each behind a line that says how many octets it has, and at the end a line of what was
 * captured. A client that goes, or does not read, ends it.
 */
#include "agent/ctl.h"

#include "agent/agent.h"
#include "agent/capture_ask.h"
#include "agent/capture_file.h"
#include "agent/ctl_reply.h"
#include "sys/bpf_dataplane.h"
#include "sys/log.h"
#include "sys/unix_server.h"

#include <errno.h>
#include <inttypes.h>

#define POLL_NS (20 * NSEC_PER_MSEC) /* so often the ring buffer is looked at */

struct capturing {
	struct agent *agent;             /* borrowed */
	struct bpf_dataplane *dataplane; /* that it is of; compared only */
	struct capture_ask ask;
	pid_t pid;
	nsec_t begun_at; /* 0: the programs are not attached yet */
	nsec_t until;
	struct capture_file file;
};

/* --- the answer ------------------------------------------------------------------------------- */

static void put_piece(struct capturing *c, struct strbuf *reply)
{
	struct strbuf *piece = &c->file.piece;

	if (piece->len == 0)
		return;
	strbuf_printf(reply, "{\"bytes\":%zu}\n", piece->len);
	strbuf_add_len(reply, piece->data, piece->len);
	strbuf_done(piece);
}

static void begin(struct capturing *c, nsec_t now, struct strbuf *reply)
{
	c->begun_at = now;
	c->until = nsec_add(now, c->ask.asked.length);
	ctl_agree(reply);
	capture_file_begin(&c->file, c->agent, c->ask.asked.bytes);
	log_info("capture", "begins=true pid=%d seconds=%u packets=%u dropped=%s", (int)c->pid,
		 (unsigned)(c->ask.asked.length / NSEC_PER_SEC), c->ask.packets,
		 c->ask.asked.reasons ? "true" : "false");
}

static bool end(struct capturing *c, const char *why, struct strbuf *reply)
{
	uint64_t missed, unseen;

	bpf_capture_missed(bpf_dataplane_capture(c->dataplane), &missed, &unseen);
	capture_file_end(&c->file, missed);
	put_piece(c, reply);
	strbuf_printf(reply,
		      "{\"packets\":%u,\"frames\":%" PRIu64 ",\"missed\":%" PRIu64
		      ",\"unseen\":%" PRIu64 ",\"ended\":\"%s\"}\n",
		      c->file.n_packets, c->file.n_frames, missed, unseen, why);
	return false;
}

/* Of the last packet also what became of it. */
static void on_frame(void *ctx, const struct bpf_captured *f)
{
	const bool is_first = f->point == BPF_CAPTURED_REQUEST || f->point == BPF_CAPTURED_REPLY;
	struct capturing *c = ctx;

	if (!is_first || c->file.n_packets < c->ask.packets)
		capture_file_frame(&c->file, f);
}

static bool go_on(struct capturing *c, struct unix_request *r, struct strbuf *reply)
{
	struct bpf_capture *of = bpf_dataplane_capture(c->dataplane);
	const nsec_t now = loop_now(c->agent->loop);
	const int state = bpf_capture_state(of);
	size_t n;

	r->again_at = nsec_add(now, POLL_NS);
	if (state == -EINPROGRESS)
		return true;
	if (state < 0 && c->begun_at > 0)
		return false; /* as above */
	if (state < 0) {
		ctl_refuse(reply, "the programs that capture could not be loaded; the log says "
				  "more at level debug");
		log_warn("capture", "error=%d", -state);
		return false;
	}
	if (c->begun_at == 0)
		begin(c, now, reply);
	n = bpf_capture_read(of, CAPTURE_FILE_FRAMES, on_frame, c);
	capture_file_turn(&c->file);
	if (c->file.n_packets == c->ask.packets)
		return end(c, "packets", reply);
	if (now >= c->until)
		return end(c, "seconds", reply);
	if (r->has_spoken)
		return end(c, "client", reply);
	put_piece(c, reply);
	if (n == CAPTURE_FILE_FRAMES)
		r->again_at = 0;
	return true;
}

/* Whatever the reason: nobody asks any more. */
static void over(void *ctx, void *more)
{
	struct capturing *c = more;
	struct agent *a = ctx;

	if (!c)
		return;
	if (c->dataplane == a->dataplane)
		bpf_capture_end(bpf_dataplane_capture(c->dataplane));
	log_info("capture", "begins=false pid=%d packets=%u", (int)c->pid, c->file.n_packets);
	capture_file_done(&c->file);
	free(c);
}

bool ctl_capture(struct agent *a, const cJSON *request, struct unix_request *r,
		 struct strbuf *reply)
{
	struct capturing *c = r->more;
	const char *error = NULL;

	/* The data plane is another one, and so the stream ends in the middle. */
	if (c && c->dataplane != a->dataplane)
		return false;
	if (c)
		return go_on(c, r, reply);
	if (r->uid != 0)
		error = "only root may capture packets";
	else if (!a->dataplane)
		error = "XDP does not serve on this node: see status";
	c = xcalloc(1, sizeof(*c));
	if (!error)
		error = capture_ask_read(request, &a->current->plan, &c->ask);
	if (!error && bpf_capture_begin(bpf_dataplane_capture(a->dataplane), &c->ask.asked) != 0)
		error = "somebody captures already, or did a moment ago; one can at a time";
	if (error) {
		ctl_refuse(reply, error);
		free(c);
		return false;
	}
	c->agent = a;
	c->dataplane = a->dataplane;
	c->pid = r->pid;
	r->more = c;
	r->done = over;
	return go_on(c, r, reply);
}
