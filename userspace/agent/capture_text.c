// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Extension headers of IPv6 are not walked: such a packet has no ports here. */
#include "agent/capture_text.h"

#include "lb/lb_drops.h"

#define ETHERNET    14u
#define TAGS        8u /* two of VLANs */
#define ETHER_V4    0x0800
#define ETHER_V6    0x86dd
#define V4_HEADER   20u
#define V6_HEADER   40u
#define PROTO_TCP   6
#define PROTO_UDP   17
#define PROTO_SCTP  132
#define V4_FRAGMENT 0x1fff /* an offset: it is no first one */

static uint16_t word(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* --- the flow --------------------------------------------------------------------------------- */

static void read_ports(const uint8_t *at, size_t left, struct capture_flow *ret)
{
	if (left < 4 || (ret->protocol != PROTO_TCP && ret->protocol != PROTO_UDP &&
			 ret->protocol != PROTO_SCTP))
		return;
	ret->from_port = word(at);
	ret->to_port = word(at + 2);
}

static bool read_v4(const uint8_t *ip, size_t left, struct capture_flow *ret)
{
	const size_t head = left >= V4_HEADER ? (ip[0] & 15u) * 4u : 0;

	if (head < V4_HEADER)
		return false;
	ret->from = ip_addr_from_v4((uint32_t)word(ip + 12) << 16 | word(ip + 14));
	ret->to = ip_addr_from_v4((uint32_t)word(ip + 16) << 16 | word(ip + 18));
	ret->protocol = ip[9];
	if (!(word(ip + 6) & V4_FRAGMENT) && head < left)
		read_ports(ip + head, left - head, ret);
	return true;
}

static bool read_v6(const uint8_t *ip, size_t left, struct capture_flow *ret)
{
	if (left < V6_HEADER)
		return false;
	memcpy(ret->from.b, ip + 8, sizeof(ret->from.b));
	memcpy(ret->to.b, ip + 24, sizeof(ret->to.b));
	ret->protocol = ip[6];
	read_ports(ip + V6_HEADER, left - V6_HEADER, ret);
	return true;
}

bool capture_flow_read(const struct bpf_captured *frame, struct capture_flow *ret)
{
	const size_t left = frame->ip_off < frame->kept ? frame->kept - frame->ip_off : 0;
	const uint8_t *ip = frame->bytes + frame->ip_off;

	*ret = (struct capture_flow){.protocol = 0};
	if (left == 0)
		return false;
	if (ip[0] >> 4 == 4)
		return read_v4(ip, left, ret);
	return ip[0] >> 4 == 6 && read_v6(ip, left, ret);
}

/* --- in a tunnel ------------------------------------------------------------------------------ */

bool capture_is_in_tunnel(const struct bpf_captured *frame)
{
	return frame->point == BPF_CAPTURED_REQUEST && frame->ip_off > ETHERNET + TAGS;
}

uint32_t capture_take_out(const struct bpf_captured *frame, uint8_t *ret, uint32_t *ret_len)
{
	const uint32_t kept = frame->ip_off < frame->kept ? frame->kept - frame->ip_off : 0;
	const uint16_t type =
		kept > 0 && frame->bytes[frame->ip_off] >> 4 == 6 ? ETHER_V6 : ETHER_V4;

	*ret_len = ETHERNET + (frame->len > frame->ip_off ? frame->len - frame->ip_off : 0);
	memcpy(ret, frame->bytes, ETHERNET - 2);
	ret[ETHERNET - 2] = (uint8_t)(type >> 8);
	ret[ETHERNET - 1] = (uint8_t)type;
	memcpy(ret + ETHERNET, frame->bytes + frame->ip_off, kept);
	return ETHERNET + kept;
}

/* --- the comment ------------------------------------------------------------------------------ */

/* Reasons of one kind, by name and, if there is one alone, by what it means. */
static bool add_reasons(struct strbuf *to, uint64_t reasons, bool lost, const char *what)
{
	const char *text = NULL;
	size_t n = 0;

	for (size_t i = 1; i < lb_drop_count(); i++) {
		if (!(reasons >> i & 1) || lb_drop_is_lost(i) != lost)
			continue;
		strbuf_printf(to, "%s%s", n > 0 ? ", " : what, lb_drop_name(i));
		text = lb_drop_text(i);
		n++;
	}
	if (n == 1 && lost)
		strbuf_printf(to, " (%s)", text);
	return n > 0;
}

static void add_backend(struct strbuf *to, const struct bpf_captured *frame,
			const struct capture_where *where)
{
	const bool is_v4 = ip_addr_is_v4(&frame->backend);
	char text[IP_ADDR_TEXT];

	strbuf_printf(to, "to backend %s%s%s:%u", is_v4 ? "" : "[",
		      ip_addr_text(&frame->backend, text), is_v4 ? "" : "]", frame->backend_port);
	if (where->node && where->node[0])
		strbuf_printf(to, " on %s", where->node);
	if (where->candidate >= 0)
		strbuf_printf(to, ", candidate %d", where->candidate);
}

static void add_request(struct strbuf *to, const struct bpf_captured *frame,
			const struct capture_where *where)
{
	const bool is_sent = frame->point == BPF_CAPTURED_REQUEST_SENT;
	const char *lost = frame->is_dropped ? "drop: " : is_sent ? "answer: " : "answered: ";

	if (add_reasons(to, frame->reasons, true, lost))
		return;
	if (frame->is_dropped)
		strbuf_add(to, "drop");
	else if (!ip_addr_is_none(&frame->backend))
		add_backend(to, frame, where);
	else
		strbuf_add(to, is_sent ? "sent on" : "passed to the kernel, or answered");
}

void capture_comment(struct strbuf *to, const struct bpf_captured *frame,
		     const struct capture_where *where)
{
	if (capture_is_in_tunnel(frame))
		strbuf_add(to, "from another node; ");
	if (frame->point == BPF_CAPTURED_REQUEST || frame->point == BPF_CAPTURED_REQUEST_SENT)
		add_request(to, frame, where);
	else if (!add_reasons(to, frame->reasons, true, "drop: "))
		strbuf_add(to, frame->point == BPF_CAPTURED_REPLY ? "reply of a backend"
								  : "reply as the VIP's");
	(void)add_reasons(to, frame->reasons, false, "; counted: ");
}
