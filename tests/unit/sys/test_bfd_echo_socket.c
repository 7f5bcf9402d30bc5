// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The packet socket of echo on a veth, whose other end is a raw socket that plays the peer: what
 * goes out, octet for octet where it matters, and what of all that comes in is taken.
 */
#include "sys/bfd_echo_socket.h"

#include "sys/clock.h"

#include "sys_test.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MINE     0x12345601u /* discriminator */
#define ETH      14
#define UDP      8
#define ECHO     3785
#define CONTROL  3784
#define INTERVAL (50 * NSEC_PER_MSEC)

static const uint8_t our_mac[] = {2, 0, 0, 0, 0, 0xa}, peer_mac[] = {2, 0, 0, 0, 0, 0xb};

static const struct family {
	const char *local, *peer, *stranger;
	size_t ip;                     /* octets of the header */
	size_t ttl, source, addr, udp; /* where they are in it */
	uint16_t ethertype;
} families[] = {
	{"192.0.2.1", "192.0.2.2", "192.0.2.3", 20, 8, 12, 4, 9, ETH_P_IP},
	{"2001:db8::1", "2001:db8::2", "2001:db8::3", 40, 7, 8, 16, 6, ETH_P_IPV6},
};

struct bed {
	const struct family *f;
	struct ip_addr local, peer;
	struct bfd_session session;
	struct bfd_echo_way way;
	int wire; /* the peer's end */
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_true(ip_addr_parse(text, &a));
	return a;
}

static int raw_socket(const char *device)
{
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)if_nametoindex(device)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* A session that is Up and has echo; the devices have no addresses, so nobody else says anything.
 */
static void bed_up(struct bed *b, const struct family *f)
{
	struct bfd_config config = {.terms = {50000, 50000, 3}, .echo_tx_us = 50000};
	struct rng rng;

	*b = (struct bed){.f = f, .local = addr(f->local), .peer = addr(f->peer)};
	config.peer = b->peer;
	rng_seed(&rng, 1);
	bfd_session_init(&b->session, &config, MINE, &rng, 1);
	b->session.heard_on = if_nametoindex("va");
	bfd_echo_set(&b->session.echo, 1, INTERVAL, &rng);
	b->wire = raw_socket("vb");
	bfd_echo_way_init(&b->way);
	bfd_echo_way_open(&b->way, &b->session, &b->local);
	assert_int_equal(b->way.error, 0);
	assert_true(b->way.fd >= 0);
}

static void bed_down(struct bed *b)
{
	bfd_echo_way_close(&b->way);
	assert_int_equal(b->way.fd, -1);
	(void)close(b->wire);
}

static void link_up(void)
{
	netns_enter();
	run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip link add va type veth peer "
	    "name vb; ip link set va address 02:00:00:00:00:0a; ip link set vb address "
	    "02:00:00:00:00:0b; ip link set va up; ip link set vb up");
	/* Until then the kernel drops what is sent. */
	run("for i in $(seq 500); do [ $(ip -o link show up | grep -c 'state UP') = 2 ] && "
	    "exit 0; sleep 0.02; done; exit 1");
}

/* ---- frames ---------------------------------------------------------------------------------- */

struct frame {
	uint8_t b[256];
	size_t len;
};

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put_addr(const struct bed *b, uint8_t *at, const struct ip_addr *a)
{
	memcpy(at, a->b + 16 - b->f->addr, b->f->addr);
}

/* What the peer's host sends; no checksum is looked at on its way to a packet socket. */
static struct frame frame_from(const struct bed *b, const struct ip_addr *from,
			       const struct ip_addr *to, uint16_t port, uint8_t ttl,
			       const void *payload, size_t len)
{
	struct frame f = {.len = ETH + b->f->ip + UDP + len};
	uint8_t *ip = f.b + ETH, *udp = ip + b->f->ip;

	memcpy(f.b, our_mac, 6);
	memcpy(f.b + 6, peer_mac, 6);
	put16(f.b + 12, b->f->ethertype);
	ip[0] = b->f->ip == 20 ? 0x45 : 0x60;
	put16(ip + (b->f->ip == 20 ? 2 : 4), (uint16_t)(b->f->ip == 20 ? 28 + len : UDP + len));
	ip[b->f->ttl] = ttl;
	ip[b->f->udp] = IPPROTO_UDP;
	put_addr(b, ip + b->f->source, from);
	put_addr(b, ip + b->f->source + b->f->addr, to);
	put16(udp + 2, port);
	put16(udp + 4, (uint16_t)(UDP + len));
	memcpy(udp + UDP, payload, len);
	return f;
}

static struct frame control_from(const struct bed *b, const struct ip_addr *from, uint8_t ttl,
				 uint32_t discriminator)
{
	const struct bfd_packet p = {.state = BFD_UP,
				     .detect_mult = 3,
				     .my_discriminator = 7,
				     .your_discriminator = discriminator};
	uint8_t payload[BFD_PACKET_BYTES];

	bfd_packet_encode(payload, &p, 0);
	return frame_from(b, from, &b->local, CONTROL, ttl, payload, sizeof(payload));
}

/* On a machine that is busy the kernel hands it over a while later. */
static void wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)poll(&p, 1, 100); /* some never come, by the filter */
}

static void deliver(const struct bed *b, const struct frame *f)
{
	assert_int_equal(send(b->wire, f->b, f->len, 0), f->len);
	wait_for(b->way.fd);
}

/* What came to the peer's end; none: 0 octets. */
static struct frame taken(const struct bed *b)
{
	struct frame f;
	ssize_t n;

	wait_for(b->wire);
	n = recv(b->wire, f.b, sizeof(f.b), 0);
	f.len = n > 0 ? (size_t)n : 0;
	return f;
}

static void read_way(struct bed *b)
{
	bfd_echo_way_read(&b->way, &b->session);
}

static bool has_mac(const struct bed *b)
{
	return memcmp(b->way.mac, peer_mac, 6) == 0;
}

static void learn_mac(struct bed *b)
{
	const struct frame f = control_from(b, &b->peer, 255, MINE);

	deliver(b, &f);
	read_way(b);
	assert_true(has_mac(b));
}

/* One of ours, which is due whenever it is asked for. */
static void next_payload(struct bed *b, uint8_t payload[BFD_ECHO_BYTES])
{
	assert_true(bfd_session_transmit_echo(&b->session, b->session.echo.sent_at + NSEC_PER_SEC,
					      payload));
}

static struct frame sent(struct bed *b)
{
	uint8_t payload[BFD_ECHO_BYTES];

	next_payload(b, payload);
	bfd_echo_way_send(&b->way, payload);
	return taken(b);
}

/* RFC 1071: what holds its own sum comes to all ones. */
static uint16_t sum(const uint8_t *data, size_t len, uint32_t s)
{
	for (size_t i = 0; i < len; i += 2)
		s += (uint32_t)data[i] << 8 | data[i + 1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void it_is_to_ourselves_in_a_frame_to_the_peer(void **state)
{
	(void)state;
	link_up();
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct family *f = &families[i];
		const size_t l4 = UDP + BFD_ECHO_BYTES;
		struct frame got;
		struct bed b;
		uint8_t own[16];
		const uint8_t *ip = got.b + ETH, *udp = ip + f->ip;

		bed_up(&b, f);
		assert_int_equal(sent(&b).len, 0); /* whose link-layer address is not known */
		learn_mac(&b);
		got = sent(&b);
		assert_int_equal(got.len, ETH + f->ip + l4);
		assert_memory_equal(got.b, peer_mac, 6);
		assert_memory_equal(got.b + 6, our_mac, 6);
		assert_int_equal(got.b[12] << 8 | got.b[13], f->ethertype);
		put_addr(&b, own, &b.local);
		assert_memory_equal(ip + f->source, own, f->addr);
		assert_memory_equal(ip + f->source + f->addr, own, f->addr);
		assert_int_equal(ip[f->ttl], 255);
		assert_int_equal(ip[f->udp], IPPROTO_UDP);
		assert_int_equal(udp[2] << 8 | udp[3], ECHO);
		assert_int_equal(udp[4] << 8 | udp[5], l4);
		if (f->ip == 20)
			assert_int_equal(sum(ip, 20, 0), 0xffff);
		assert_int_equal(
			sum(ip + f->source, 2 * f->addr + l4, (uint32_t)(IPPROTO_UDP + l4)),
			0xffff);
		assert_int_equal(b.way.error, 0);
		bed_down(&b);
	}
}

static void what_comes_back_has_the_time_at_which_it_came(void **state)
{
	(void)state;
	link_up();
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const nsec_t end = clock_now() + 10 * NSEC_PER_SEC;
		uint8_t payload[BFD_ECHO_BYTES];
		nsec_t before, after;
		uint64_t n = 0;
		struct frame f;
		struct bed b;

		bed_up(&b, &families[i]);
		do { /* the kernel begins to stamp a while after the first socket that asks */
			read_way(&b);
			next_payload(&b, payload);
			f = frame_from(&b, &b.local, &b.local, ECHO, 254, payload, sizeof(payload));
			before = clock_now();
			deliver(&b, &f);
			after = clock_now();
			(void)poll(NULL, 0, 20);
			read_way(&b);
			assert_int_equal(b.session.counters.echo_returned, ++n);
		} while (b.session.echo.heard_at > after + NSEC_PER_MSEC && clock_now() < end);
		assert_in_range(b.session.echo.heard_at, before, after + NSEC_PER_MSEC);
		/* Once more is none that came back. */
		deliver(&b, &f);
		read_way(&b);
		assert_int_equal(b.session.counters.echo_returned, n);
		bed_down(&b);
	}
}

static void nothing_else_is_taken(void **state)
{
	(void)state;
	link_up();
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct ip_addr stranger = addr(families[i].stranger);
		uint8_t payload[BFD_ECHO_BYTES], other[BFD_ECHO_BYTES];
		struct frame f[8];
		size_t n = 0;
		struct bed b;

		bed_up(&b, &families[i]);
		next_payload(&b, payload);
		memcpy(other, payload, sizeof(other));
		other[3] ^= 1; /* of another session of ours */
		f[n++] = control_from(&b, &stranger, 255, MINE);
		f[n++] = control_from(&b, &b.peer, 254, MINE);
		f[n++] = control_from(&b, &b.peer, 255, MINE + 1);
		f[n++] = frame_from(&b, &b.local, &b.local, ECHO, 254, other, sizeof(other));
		f[n++] = frame_from(&b, &b.local, &b.peer, ECHO, 254, payload, sizeof(payload));
		f[n++] = frame_from(&b, &b.local, &b.local, ECHO, 254, payload, 8);
		f[n] = frame_from(&b, &b.local, &b.local, ECHO, 254, payload, sizeof(payload));
		f[n++].b[ETH + b.f->udp] = IPPROTO_TCP;
		f[n] = control_from(&b, &b.peer, 255, MINE);
		f[n++].b[ETH + b.f->udp] = IPPROTO_TCP;
		assert_int_equal(n, ARRAY_SIZE(f));
		for (size_t k = 0; k < n; k++)
			deliver(&b, &f[k]);
		read_way(&b);
		assert_int_equal(b.session.counters.echo_returned, 0);
		assert_false(has_mac(&b));
		bed_down(&b);
	}
}

/* More than one read takes. */
static void all_that_waits_is_read(void **state)
{
	struct bed b;
	uint8_t payload[BFD_ECHO_BYTES];

	(void)state;
	link_up();
	bed_up(&b, &families[0]);
	for (unsigned i = 0; i < 40; i++) {
		struct frame f;

		next_payload(&b, payload);
		f = frame_from(&b, &b.local, &b.local, ECHO, 254, payload, sizeof(payload));
		deliver(&b, &f);
	}
	read_way(&b);
	assert_int_equal(b.session.counters.echo_returned, 40);
	bed_down(&b);
}

static void what_cannot_be_opened_says_why_and_is_tried_on_another_device(void **state)
{
	struct bed b;

	(void)state;
	link_up();
	bed_up(&b, &families[0]);
	b.session.heard_on = 9999;
	bfd_echo_way_open(&b.way, &b.session, &b.local);
	assert_int_equal(b.way.fd, -1);
	assert_int_equal(b.way.error, -ENODEV);
	read_way(&b);
	assert_int_equal(sent(&b).len, 0);
	b.session.heard_on = if_nametoindex("va");
	bfd_echo_way_open(&b.way, &b.session, &b.local);
	assert_true(b.way.fd >= 0);
	assert_int_equal(b.way.error, 0);
	/* The peer on another device has another address. */
	assert_int_equal(sent(&b).len, 0);
	learn_mac(&b);
	assert_true(sent(&b).len > 0);
	bed_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_to_ourselves_in_a_frame_to_the_peer),
		cmocka_unit_test(what_comes_back_has_the_time_at_which_it_came),
		cmocka_unit_test(nothing_else_is_taken),
		cmocka_unit_test(all_that_waits_is_read),
		cmocka_unit_test(what_cannot_be_opened_says_why_and_is_tried_on_another_device),
	};

	return cmocka_run_group_tests_name("bfd_echo_socket", tests, NULL, NULL);
}
