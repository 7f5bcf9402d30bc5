// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Each device is an interface of the file for each place at which frames were seen there. */
#include "agent/capture_file.h"

#include "agent/agent.h"
#include "agent/capture_text.h"
#include "agent/show_backends.h"
#include "base/names.h"
#include "lb/lb_trace.h"
#include "sys/bpf_dataplane.h"
#include "sys/clock.h"

#define PIECE_BYTES   (1u << 20) /* more than CAPTURE_FILE_FRAMES and what they are named by */
#define COMMENT_BYTES 400u

enum seen { SEEN_ARRIVED, SEEN_LEFT, SEEN_REPLY, SEEN_REPLY_LEFT, SEEN_INNER };
struct capture_seen {
	int ifindex;
	enum seen what;
	uint64_t n;
};

static const char *device_name(const struct agent *a, int ifindex, char ret[16])
{
	const struct plan_node *node = &a->current->node;

	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].ifindex == ifindex)
			return node->links[i].name;
	(void)snprintf(ret, 16, "if%d", ifindex);
	return ret;
}

static uint32_t add_interface(struct capture_file *c, int ifindex, enum seen what)
{
	static const struct {
		const char *name, *text;
	} words[] = {[SEEN_ARRIVED] = {"in", "requests as they arrived"},
		     [SEEN_LEFT] = {"out", "requests as they went on"},
		     [SEEN_REPLY] = {"reply", "replies as backends sent them"},
		     [SEEN_REPLY_LEFT] = {"reply-out", "replies as clients get them"},
		     [SEEN_INNER] = {"inner", "requests inside of tunnels from other nodes"}};
	char name[PCAPNG_NAME], device[16];
	struct capture_seen *s = xpush(&c->seen, &c->n_seen, &c->cap_seen, sizeof(*s));

	*s = (struct capture_seen){.ifindex = ifindex, .what = what};
	(void)snprintf(name, sizeof(name), "%s %s", device_name(c->agent, ifindex, device),
		       words[what].name);
	pcapng_interface(&c->piece, name, words[what].text, c->snaplen);
	return (uint32_t)c->n_seen - 1;
}

/* Its number; the first frame of one says what it is. */
static uint32_t interface_of(struct capture_file *c, int ifindex, enum seen what)
{
	for (size_t i = 0; i < c->n_seen; i++)
		if (c->seen[i].ifindex == ifindex && c->seen[i].what == what)
			return (uint32_t)i;
	return add_interface(c, ifindex, what);
}

/* A file without any interface is none for its readers, so those that are sure to be are there. */
static void add_uplinks(struct capture_file *c)
{
	const struct plan *plan = &c->agent->current->plan;

	for (size_t i = 0; i < plan->n_devices; i++)
		if (plan->devices[i].xdp)
			(void)add_interface(c, plan->devices[i].ifindex, SEEN_ARRIVED);
	if (c->n_seen == 0)
		(void)add_interface(c, 0, SEEN_ARRIVED);
}

static const struct plan_service *service_of(const struct agent *a, const struct capture_flow *flow)
{
	const struct plan *plan = &a->current->plan;

	for (size_t i = 0; i < plan->n_services; i++) {
		const struct lb_key key = show_key_of(&plan->services[i]);

		if (key.port == flow->to_port && key.proto == flow->protocol &&
		    ip_addr_equal(&key.addr, &flow->to))
			return &plan->services[i];
	}
	return NULL;
}

static const char *node_of(const struct plan_service *s, const struct bpf_captured *f)
{
	for (size_t i = 0; s && i < s->n_backends; i++) {
		const struct plan_service_backend b = plan_backend_at(s, i);

		if (b.port == f->backend_port && ip_addr_equal(&b.addr, &f->backend))
			return b.node;
	}
	return NULL;
}

static int candidate_of(const struct agent *a, const struct plan_service *s,
			const struct capture_flow *flow, const struct bpf_captured *f)
{
	const struct lb_trace_flow of = {
		.key = show_key_of(s), .client = flow->from, .client_port = flow->from_port};
	struct lb_trace found = {.n = 0};

	bpf_dataplane_trace(a->dataplane, &of, &found);
	for (size_t i = 0; i < found.n; i++)
		if (found.candidates[i].target.port == f->backend_port &&
		    ip_addr_equal(&found.candidates[i].target.addr, &f->backend))
			return (int)i;
	return -1;
}

/* What is known of its backend. */
static struct capture_where where_of(struct capture_file *c, const struct bpf_captured *f)
{
	struct capture_where ret = {.candidate = -1};
	const struct plan_service *s;
	struct capture_flow flow;

	if (ip_addr_is_none(&f->backend))
		return ret;
	if (f->point == BPF_CAPTURED_REQUEST && capture_flow_read(f, &flow) &&
	    (s = service_of(c->agent, &flow))) {
		ret.node = node_of(s, f);
		ret.candidate = candidate_of(c->agent, s, &flow, f);
		c->backend = f->backend;
		c->backend_port = f->backend_port;
		c->node = ret.node;
	} else if (c->node && f->backend_port == c->backend_port &&
		   ip_addr_equal(&f->backend, &c->backend)) {
		ret.node = c->node;
	}
	return ret;
}

static void put_frame(struct capture_file *c, const struct bpf_captured *f, enum seen what,
		      const char *comment)
{
	const bool is_out = what == SEEN_LEFT || what == SEEN_REPLY || what == SEEN_REPLY_LEFT;
	struct pcapng_packet p = {.at = c->wall_ns + f->at,
				  .bytes = f->bytes,
				  .kept = f->kept,
				  .len = f->len,
				  .comment = comment,
				  .direction = is_out ? PCAPNG_OUTBOUND : PCAPNG_INBOUND};
	uint8_t inner[BPF_CAPTURE_BYTES];

	if (what == SEEN_INNER) {
		p.kept = capture_take_out(f, inner, &p.len);
		p.bytes = inner;
	}
	p.interface = interface_of(c, f->ifindex, what);
	c->seen[p.interface].n++;
	pcapng_packet(&c->piece, &p);
	c->n_frames++;
}

void capture_file_frame(struct capture_file *c, const struct bpf_captured *f)
{
	static const enum seen seen[] = {[BPF_CAPTURED_REQUEST] = SEEN_ARRIVED,
					 [BPF_CAPTURED_REQUEST_SENT] = SEEN_LEFT,
					 [BPF_CAPTURED_REPLY] = SEEN_REPLY,
					 [BPF_CAPTURED_REPLY_SENT] = SEEN_REPLY_LEFT};
	const bool is_first = f->point == BPF_CAPTURED_REQUEST || f->point == BPF_CAPTURED_REPLY;
	struct capture_where where;
	struct strbuf comment;

	c->n_packets += is_first;
	where = where_of(c, f);
	strbuf_init(&comment, COMMENT_BYTES);
	capture_comment(&comment, f, &where);
	put_frame(c, f, seen[f->point], comment.data);
	if (capture_is_in_tunnel(f))
		put_frame(c, f, SEEN_INNER, comment.data);
	strbuf_done(&comment);
}

void capture_file_begin(struct capture_file *c, const struct agent *a, uint32_t snaplen)
{
	char text[COMMENT_BYTES];

	*c = (struct capture_file){.agent = a,
				   .snaplen = snaplen,
				   .wall_ns =
					   (uint64_t)clock_wall_ms() * NSEC_PER_MSEC - clock_now()};
	strbuf_init(&c->piece, PIECE_BYTES);
	(void)snprintf(text, sizeof(text), "packets to the VIPs of node %s, as XDP and tc saw them",
		       a->settings.node_name);
	pcapng_begin(&c->piece, "lodestone " LODESTONE_VERSION, text);
	add_uplinks(c);
}

void capture_file_turn(struct capture_file *c)
{
	c->node = NULL;
}

void capture_file_end(struct capture_file *c, uint64_t missed)
{
	const uint64_t at = c->wall_ns + clock_now();

	for (size_t i = 0; i < c->n_seen; i++)
		pcapng_statistics(&c->piece, (uint32_t)i, at, c->seen[i].n + (i ? 0 : missed),
				  i ? 0 : missed);
}

void capture_file_done(struct capture_file *c)
{
	strbuf_done(&c->piece);
	free(c->seen);
}
