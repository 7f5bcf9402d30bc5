// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Offsets are from the IP header on, since the socket leaves the link-layer header to the kernel.
 * Headers with options or extensions are not ours.
 */
#include "sys/bfd_echo_socket.h"

#include "base/cursor.h"
#include "sys/bfd_socket.h"
#include "sys/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ECHO_PORT 3785
#define V4_BYTES  20
#define V6_BYTES  40
#define UDP_BYTES 8
#define TOS_CS6   0xc0
#define BATCH     16
#define MOST      (V6_BYTES + UDP_BYTES + BFD_PACKET_MAX) /* of what the filter leaves */
#define CODE      64

void bfd_echo_way_init(struct bfd_echo_way *w)
{
	*w = (struct bfd_echo_way){.fd = -1};
}

void bfd_echo_way_close(struct bfd_echo_way *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	bfd_echo_way_init(w);
}

static size_t ip_bytes(const struct bfd_echo_way *w)
{
	return ip_addr_is_v4(&w->local) ? V4_BYTES : V6_BYTES;
}

static bool knows_mac(const struct bfd_echo_way *w)
{
	static const uint8_t none[sizeof(w->mac)];

	return memcmp(w->mac, none, sizeof(none)) != 0;
}

/* ---- filter ---------------------------------------------------------------------------------- */

struct filter {
	struct sock_filter code[CODE];
	unsigned short n;
};

static void add(struct filter *f, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	f->code[f->n++] = (struct sock_filter){code, jt, jf, k};
}

/* Goes on if what is loaded is so, else the packet is dropped. */
static void want(struct filter *f, uint16_t load, uint32_t at, uint32_t value)
{
	add(f, BPF_LD | BPF_ABS | load, at, 0, 0);
	add(f, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
	add(f, BPF_RET | BPF_K, 0, 0, 0);
}

static uint32_t word_of(const struct ip_addr *a, size_t i)
{
	uint32_t word;

	memcpy(&word, a->b + 4 * i, sizeof(word));
	return ntohl(word);
}

/* IPv4 has its address in the last word. */
static void want_addr(struct filter *f, uint32_t at, const struct ip_addr *a)
{
	if (ip_addr_is_v4(a)) {
		want(f, BPF_W, at, ip_addr_v4(a));
		return;
	}
	for (size_t i = 0; i < 4; i++)
		want(f, BPF_W, at + 4 * (uint32_t)i, word_of(a, i));
}

static void want_udp(struct filter *f, bool is_v4)
{
	if (is_v4) {
		want(f, BPF_B, 0, 0x45);
		want(f, BPF_B, 9, IPPROTO_UDP);
	} else {
		want(f, BPF_B, 6, IPPROTO_UDP);
	}
}

static void make_filter(struct filter *f, const struct bfd_echo_way *w, const struct bfd_session *s)
{
	const bool is_v4 = ip_addr_is_v4(&w->local);
	const uint32_t udp = (uint32_t)ip_bytes(w), payload = udp + UDP_BYTES;
	unsigned short jump;

	want_udp(f, is_v4);
	add(f, BPF_LD | BPF_ABS | BPF_H, udp + 2, 0, 0);
	jump = f->n;
	add(f, BPF_JMP | BPF_JEQ | BPF_K, ECHO_PORT, 0, 0);
	want(f, BPF_H, udp + 2, BFD_PORT);
	want(f, BPF_B, is_v4 ? 8 : 7, BFD_TTL);
	want_addr(f, is_v4 ? 12 : 8, &s->config.peer);
	want(f, BPF_W, payload + 8, s->discriminator);
	add(f, BPF_RET | BPF_K, MOST, 0, 0);
	f->code[jump].jt = (uint8_t)(f->n - jump - 1);
	want_addr(f, is_v4 ? 16 : 24, &w->local);
	want(f, BPF_W, payload, s->discriminator);
	add(f, BPF_RET | BPF_K, MOST, 0, 0);
}

/* ---- socket ---------------------------------------------------------------------------------- */

static uint16_t protocol_of(const struct bfd_echo_way *w)
{
	return htons(ip_addr_is_v4(&w->local) ? ETH_P_IP : ETH_P_IPV6);
}

static bool set(int fd, int level, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, level, option, value, len) == 0;
}

/* The filter is there before the first packet is. */
static bool prepare(const struct bfd_echo_way *w, const struct bfd_session *s)
{
	struct filter f = {.n = 0};
	struct sock_fprog program = {.filter = f.code};
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
				       .sll_protocol = protocol_of(w),
				       .sll_ifindex = (int)w->ifindex};
	const int on = 1;

	make_filter(&f, w, s);
	program.len = f.n;
	return set(w->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) &&
	       set(w->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) &&
	       set(w->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) &&
	       bind(w->fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

void bfd_echo_way_open(struct bfd_echo_way *w, const struct bfd_session *s,
		       const struct ip_addr *local)
{
	int error;

	if (w->ifindex == s->heard_on && ip_addr_equal(&w->local, local))
		return; /* also one that failed: it is tried again when the session is Up again */
	bfd_echo_way_close(w);
	w->ifindex = s->heard_on;
	w->local = *local;
	w->read_at = clock_now();
	w->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd >= 0 && prepare(w, s))
		return;
	error = errno;
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
	w->error = -error;
}

/* ---- send ------------------------------------------------------------------------------------ */

/* RFC 1071, over an even number of octets. */
static uint32_t sum_of(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void write_ip(struct wcur *c, const struct bfd_echo_way *w, uint16_t l4_bytes)
{
	if (!ip_addr_is_v4(&w->local)) {
		wcur_u32(c, 6u << 28 | TOS_CS6 << 20);
		wcur_u16(c, l4_bytes);
		wcur_u8(c, IPPROTO_UDP);
		wcur_u8(c, BFD_TTL);
		wcur_bytes(c, w->local.b, sizeof(w->local.b));
		wcur_bytes(c, w->local.b, sizeof(w->local.b));
		return;
	}
	wcur_u16(c, 0x45 << 8 | TOS_CS6);
	wcur_u16(c, (uint16_t)(V4_BYTES + l4_bytes));
	wcur_u32(c, 0x4000); /* no ID, not to be cut */
	wcur_u16(c, BFD_TTL << 8 | IPPROTO_UDP);
	wcur_u16(c, 0);
	wcur_u32(c, ip_addr_v4(&w->local));
	wcur_u32(c, ip_addr_v4(&w->local));
	wcur_patch_u16(c, 10, fold(sum_of(c->start, V4_BYTES, 0)));
}

static size_t write_packet(const struct bfd_echo_way *w, const uint8_t *payload, uint8_t buf[MOST])
{
	const uint16_t l4_bytes = UDP_BYTES + BFD_ECHO_BYTES;
	const size_t ip = ip_bytes(w), addrs = ip_addr_is_v4(&w->local) ? 8 : 32;
	struct wcur c = wcur_init(buf, MOST);
	uint16_t check;

	write_ip(&c, w, l4_bytes);
	wcur_u16(&c, ECHO_PORT);
	wcur_u16(&c, ECHO_PORT);
	wcur_u16(&c, l4_bytes);
	wcur_u16(&c, 0);
	wcur_bytes(&c, payload, BFD_ECHO_BYTES);
	check = fold(sum_of(buf + ip - addrs, addrs + l4_bytes, IPPROTO_UDP + l4_bytes));
	wcur_patch_u16(&c, ip + 6, check ? check : 0xffff);
	return wcur_len(&c);
}

void bfd_echo_way_send(struct bfd_echo_way *w, const uint8_t payload[BFD_ECHO_BYTES])
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = protocol_of(w),
				 .sll_ifindex = (int)w->ifindex,
				 .sll_halen = ETH_ALEN};
	uint8_t buf[MOST];
	size_t len;

	if (w->fd < 0 || !knows_mac(w))
		return;
	memcpy(to.sll_addr, w->mac, sizeof(to.sll_addr));
	len = write_packet(w, payload, buf);
	w->error =
		sendto(w->fd, buf, len, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof(to)) < 0
			? -errno
			: 0;
}

/* ---- receive --------------------------------------------------------------------------------- */

struct frame {
	struct sockaddr_ll from;
	uint8_t data[MOST];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct timespec))];
	} control;
};

static nsec_t arrival_of(struct msghdr *m, const struct bfd_clocks *clocks, nsec_t since)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct timespec stamp;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return clocks->now;
	memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
	return bfd_clocks_put(clocks, &stamp, since);
}

static void take(struct bfd_echo_way *w, struct bfd_session *s, const struct frame *f, size_t len,
		 nsec_t at)
{
	const size_t payload = ip_bytes(w) + UDP_BYTES;
	struct rcur c = rcur_init(f->data, len);

	(void)rcur_bytes(&c, payload - UDP_BYTES + 2);
	if (rcur_u16(&c) == ECHO_PORT)
		(void)bfd_session_receive_echo(s, at, f->data + payload, BFD_ECHO_BYTES);
	else if (f->from.sll_halen == ETH_ALEN)
		memcpy(w->mac, f->from.sll_addr, ETH_ALEN);
}

static size_t read_some(struct bfd_echo_way *w, struct bfd_session *s)
{
	struct mmsghdr messages[BATCH];
	struct iovec data[BATCH];
	struct frame frames[BATCH];
	struct bfd_clocks clocks;
	int n;

	for (size_t i = 0; i < BATCH; i++) {
		data[i] = (struct iovec){frames[i].data, sizeof(frames[i].data)};
		messages[i] =
			(struct mmsghdr){.msg_hdr = {.msg_name = &frames[i].from,
						     .msg_namelen = sizeof(frames[i].from),
						     .msg_iov = &data[i],
						     .msg_iovlen = 1,
						     .msg_control = &frames[i].control,
						     .msg_controllen = sizeof(frames[i].control)}};
	}
	n = recvmmsg(w->fd, messages, BATCH, MSG_DONTWAIT, NULL);
	clocks = bfd_clocks_read();
	for (int i = 0; i < n; i++)
		if (messages[i].msg_len >= ip_bytes(w) + UDP_BYTES + BFD_ECHO_BYTES)
			take(w, s, &frames[i], messages[i].msg_len,
			     arrival_of(&messages[i].msg_hdr, &clocks, w->read_at));
	return n > 0 ? (size_t)n : 0;
}

void bfd_echo_way_read(struct bfd_echo_way *w, struct bfd_session *s)
{
	size_t n;

	if (w->fd < 0)
		return;
	do {
		const nsec_t now = clock_now();

		n = read_some(w, s);
		if (n < BATCH)
			w->read_at = now;
	} while (n == BATCH);
}
