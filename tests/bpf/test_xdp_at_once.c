// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is known at once of a packet to another node, or from one, is sent and given at once, past
 * the steps of the cold half. It is a second way to the same end, so each packet goes both here:
 * worlds and packets are made by chance from a seed, and the same packets go through worlds that
 * differ in nothing but what leaves them to the cold half. After each packet all is compared that
 * is to be seen of it: the verdict, the frame octet by octet, what is counted, and all entries of
 * flows.
 */
#include "bpf/tunnel_bed.h"
#include "unit/rounds.h"

#define N_PACKETS    40
#define N_BACKENDS   4
#define OTHER_DEVICE 1234567
#define ROUTER       0x0a0b0c0d
#define RANGES       3u

/*
 * What leaves a packet to the cold half and changes nothing else: a tag, and one of the device's
 * own domain; and of what is inside a tunnel, that its source may be denied.
 */
#define TAG_OTHER 5u
#define TAG_COLD  9u
struct way {
	const char *name;
	uint16_t tag;
	bool may_be_denied;
};
#define N_WAYS 3u
static const struct way to_node[N_WAYS] = {
	{"at once", 0, false}, {"tagged", TAG_OTHER, false}, {"cold", TAG_COLD, false}};
static const struct way from_node[N_WAYS] = {
	{"at once", 0, false}, {"tagged", TAG_OTHER, false}, {"cold", TAG_OTHER, true}};

/* --- chance ----------------------------------------------------------------------------------- */

struct chance {
	uint64_t word;
};

static unsigned below(struct chance *c, unsigned n)
{
	c->word ^= c->word << 13;
	c->word ^= c->word >> 7;
	c->word ^= c->word << 17;
	return (unsigned)(c->word >> 33) % n;
}

static bool one_in(struct chance *c, unsigned n)
{
	return below(c, n) == 0;
}

#define ONE_OF(c, array) (array)[below(c, sizeof(array) / sizeof((array)[0]))]

/* --- worlds ----------------------------------------------------------------------------------- */

struct world {
	struct bed *x;
	struct chance c;
	int outer;         /* family between nodes */
	uint16_t mtu;      /* of the way there */
	bool is_from_node; /* packets come from there, else they are sent there */
};

static void set_backend(struct world *w, struct rig_service *s, unsigned i)
{
	static const unsigned servers[] = {LB_WAY_L2, LB_WAY_IPIP, LB_WAY_GUE};
	const unsigned kind = below(&w->c, 8);

	if (w->is_from_node ? kind < 6 : kind < 2)
		rig_set_backend(w->x->rig, s, i,
				(uint8_t)(LB_BE_IN_USE | LB_BE_LOCAL |
					  (one_in(&w->c, 6) ? 0 : LB_BE_READY)),
				1);
	else if (kind == 7)
		rig_set_server(w->x->rig, s, i, NODE, ONE_OF(&w->c, servers));
	else
		rig_set_remote(w->x->rig, s, i, NODE);
}

static void set_rows(struct world *w, struct rig_service *s)
{
	static const uint64_t bits[] = {0, LB_ROW_UNSETTLED, LB_ROW_UNSETTLED | LB_ROW_BEYOND};
	unsigned order[N_BACKENDS];
	const unsigned first = below(&w->c, N_BACKENDS);

	for (unsigned i = 0; i < N_BACKENDS; i++)
		order[i] = (first + i) % N_BACKENDS;
	rig_set_rows(w->x->rig, s, order, 1 + below(&w->c, N_BACKENDS), ONE_OF(&w->c, bits));
}

static void set_service(struct world *w, struct rig_service *s)
{
	static const uint32_t flags[] = {0,
					 0,
					 0,
					 0,
					 LB_SVC_AFFINITY,
					 LB_SVC_CLOSED,
					 LB_SVC_PAUSED,
					 LB_SVC_RANGES,
					 LB_SVC_KERNEL_FLOWS};
	const uint32_t own = ONE_OF(&w->c, flags);

	for (unsigned i = 0; i < N_BACKENDS; i++)
		set_backend(w, s, i);
	rig_set_region(w->x->rig, s, LB_BACKEND_UNIT);
	set_rows(w, s);
	rig_set_flags(w->x->rig, s, LB_SVC_REMOTE | own);
	if (own == LB_SVC_AFFINITY)
		rig_set_affinity(w->x->rig, s, 100);
	if (own == LB_SVC_RANGES)
		rig_set_ranges(w->x->rig, s, RANGES);
	if (one_in(&w->c, 6))
		rig_set_limit(w->x->rig, s, 1 + below(&w->c, 3));
}

static void set_hops(struct world *w)
{
	static const uint16_t mtus[] = {1500, 1500, 600, 8000};
	static const uint32_t uplinks[] = {RIG_IFINDEX, RIG_IFINDEX, RIG_IFINDEX, 0, 77};
	struct rig_hop h = tunnel_hop(w->outer);

	h.mtu = w->mtu = ONE_OF(&w->c, mtus);
	h.uplink = ONE_OF(&w->c, uplinks);
	h.is_on_link = !one_in(&w->c, 4);
	if (one_in(&w->c, 4)) {
		h.ifindex = OTHER_DEVICE;
		rig_add_device(w->x->rig, OTHER_DEVICE);
	}
	rig_set_hop(w->x->rig, NODE, 0, &h);
	if (one_in(&w->c, 4)) {
		h.uplink = RIG_IFINDEX;
		h.mtu = ONE_OF(&w->c, mtus);
		h.is_torn = one_in(&w->c, 2);
		rig_set_hop(w->x->rig, NODE, one_in(&w->c, 2) ? 0 : 1, &h);
	}
}

static void set_node(struct world *w)
{
	static const uint64_t versions[] = {0, LB_TUNNEL_LEAST, LB_TUNNEL_VERSION};
	uint64_t state = LB_NODE_IN_USE | LB_NODE_KNOWN;

	if (!one_in(&w->c, 5))
		state |= LB_NODE_USABLE;
	if (!w->is_from_node && one_in(&w->c, 12))
		state = 0;
	rig_set_node_state(w->x->rig, NODE,
			   state | ONE_OF(&w->c, versions) << LB_NODE_VERSION_SHIFT);
}

/* The bed from its beginning, with what the seed says and no more, looked at by this way. */
static struct world world_make(struct bed *x, uint64_t seed, bool is_from_node,
			       const struct way *way)
{
	struct world w = {.x = x, .c = {.word = (seed + 1) * 0x9e3779b97f4a7c15}};
	const char *why = "";

	rig_free(x->rig);
	x->rig = rig_new(&why);
	rig_add_vip(x->rig, VIP, LB_SVC_ECHO_ANSWER);
	bed_add(x, &x->tcp, 80, IPPROTO_TCP, N_BACKENDS);
	bed_add(x, &x->udp, 53, IPPROTO_UDP, N_BACKENDS);
	w.is_from_node = is_from_node;
	w.outer = ONE_OF(&w.c, outers);
	tunnel_begin(x, w.outer);
	set_hops(&w);
	set_node(&w);
	set_service(&w, &x->tcp);
	set_service(&w, &x->udp);
	rig_add_range(x->rig, RANGES, CLIENT, bed_whole());
	rig_set_vlan(x->rig, TAG_COLD, 0, 0);
	rig_set_denies(x->rig, way->may_be_denied);
	for (uint32_t i = 0; i < 2; i++)
		rig_set_deny_bit(x->rig, CLIENT + i, way->may_be_denied);
	return w;
}

/* --- packets ---------------------------------------------------------------------------------- */

static void set_class(struct frame *f, uint8_t tos)
{
	uint8_t *ip = &f->bytes[FRAME_IP];

	if (bed_is_v6()) {
		ip[0] = (uint8_t)(0x60 | tos >> 4);
		ip[1] = (uint8_t)(tos << 4 | (ip[1] & 0xf));
		return;
	}
	ip[1] = tos;
	put_u16(&ip[10], 0);
	put_u16(&ip[10], (uint16_t)~frame_sum(0, ip, (ip[0] & 0xfu) * 4));
}

/* The first octets of what follows the header become an option. */
static void set_mss(struct frame *f, const struct frame_spec *s)
{
	uint8_t *tcp = &f->bytes[FRAME_IP + frame_l3_len(s)];
	const size_t len = f->len - (size_t)(tcp - f->bytes);

	tcp[12] = 0x60;
	put_u16(put_u16(&tcp[20], 0x0204), 1460);
	put_u16(&tcp[16], 0);
	put_u16(&tcp[16], (uint16_t)~frame_sum(frame_pseudo_sum(s, len), tcp, len));
}

/* As much as goes there at most, by the tunnel or to a real server, or some octets more or less. */
static uint16_t some_payload(struct world *w)
{
	const size_t ip = tunnel_ip_len(w->outer);
	const size_t over[] = {lb_tunnel_overhead(w->outer == AF_INET, !bed_is_v6(), 0), ip, ip + 8,
			       0};

	if (one_in(&w->c, 3))
		return (uint16_t)(w->mtu - ONE_OF(&w->c, over) - frame_ip_len() - 22 +
				  below(&w->c, 5));
	return (uint16_t)below(&w->c, 300);
}

static struct frame_spec some_flow(struct world *w)
{
	static const uint8_t flags[] = {TCP_SYN_FLAG,
					TCP_SYN_FLAG,
					TCP_ACK_FLAG,
					TCP_ACK_FLAG,
					TCP_ACK_FLAG,
					TCP_ACK_FLAG | TCP_FIN_FLAG,
					TCP_RST_FLAG,
					TCP_RST_FLAG | TCP_ACK_FLAG,
					TCP_SYN_FLAG | TCP_ACK_FLAG,
					TCP_SYN_FLAG | TCP_FIN_FLAG};
	const struct rig_service *s = one_in(&w->c, 3) ? &w->x->udp : &w->x->tcp;
	struct frame_spec ret =
		bed_request(s, (uint16_t)(40000 + below(&w->c, 3)), ONE_OF(&w->c, flags));

	ret.src = CLIENT + (one_in(&w->c, 6) ? 1 : 0);
	return ret;
}

/* What a router on the way says of what a backend answered. */
static void make_error(struct world *w, struct frame *f)
{
	const struct frame_spec of = some_flow(w);
	struct frame_spec answer = {.src = of.dst,
				    .dst = of.src,
				    .sport = of.dport,
				    .dport = of.sport,
				    .proto = of.proto};
	struct frame_spec error = {
		.src = ROUTER, .dst = VIP, .proto = bed_icmp(), .icmp_type = bed_is_v6() ? 2 : 3};
	struct frame quoted;

	frame_make(&quoted, &answer);
	error.quote = &quoted;
	error.quote_len = (uint16_t)(frame_ip_len() + 8 + below(&w->c, 20));
	frame_make(f, &error);
}

static void make_packet(struct world *w, struct frame *f)
{
	static const uint8_t ttls[] = {1, 2, 64, 255};
	static const uint16_t frags[] = {0x4000, 0x4000, 0, 0x2000, 0x2003, 3};
	struct frame_spec s = some_flow(w);

	if (one_in(&w->c, 12)) {
		make_error(w, f);
		return;
	}
	s.ttl = ONE_OF(&w->c, ttls);
	s.payload = some_payload(w);
	s.bare = !s.payload;
	s.frag = one_in(&w->c, 3) ? ONE_OF(&w->c, frags) : 0x4000;
	s.options = (uint8_t)(one_in(&w->c, 6) ? 1 + below(&w->c, 3) : 0);
	s.no_udp_checksum = !bed_is_v6() && one_in(&w->c, 6);
	if (one_in(&w->c, 20))
		s.dport = 81; /* that nobody serves */
	frame_make(f, &s);
	if (s.proto == IPPROTO_TCP && s.tcp_flags & TCP_SYN_FLAG && s.payload >= 4)
		set_mss(f, &s);
	set_class(f, (uint8_t)below(&w->c, 256));
	for (unsigned n = one_in(&w->c, 6) ? below(&w->c, 20) : 0; n; n--)
		f->bytes[f->len++] = (uint8_t)n; /* behind the packet, as short frames have it */
}

static void put_tag(struct frame *f, uint16_t tag)
{
	memmove(&f->bytes[16], &f->bytes[12], f->len - 12);
	put_u16(put_u16(&f->bytes[12], 0x8100), tag);
	f->len += 4;
}

static void take_tag(struct frame *f)
{
	if (f->bytes[12] != 0x81 || f->bytes[13])
		return;
	f->len -= 4;
	memmove(&f->bytes[12], &f->bytes[16], f->len - 12);
}

/* From the other node, that names one backend, or asks all of them. */
static void wrap(struct world *w, struct frame *f)
{
	struct tunnel_spec t = tunnel_from(w->outer);
	const unsigned named[] = {below(&w->c, N_BACKENDS)};
	struct frame inner = *f;

	t.backends = named;
	t.tos = (uint8_t)below(&w->c, 256);
	t.hops = (uint8_t)(one_in(&w->c, 6) ? 1 : 0);
	if (one_in(&w->c, 8)) {
		t.flags = LB_TUNNEL_ASK;
		t.backends = tunnel_in_order;
	}
	tunnel_make(f, &inner, &t);
}

/* --- what is to be seen ----------------------------------------------------------------------- */

struct seen {
	int verdict;
	struct frame out; /* without a tag; nothing of what was dropped */
	uint64_t drops[LB_N_DROPS], entries, begun[2];
	struct lb_counter counts[2][N_BACKENDS];
	unsigned marked[2];
};

/* All of them, wherever they lie. */
static uint64_t entries_of(struct rig *r)
{
	uint64_t ret = 0, word;

	for (unsigned i = 0; i < rig_n_lines(r); i++)
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++) {
			const struct lb_flow *e = &rig_line(r, i)->way[way];

			if (e->hash <= LB_FLOW_FREE)
				continue;
			memcpy(&word, &e->slot, sizeof(word));
			word = (word ^ e->hash) * 0x9e3779b97f4a7c15;
			ret += word ^ word >> 29;
		}
	return ret;
}

/* Marks of rows are many, and stay: they are looked at now and again. */
static void look(struct bed *x, struct seen *to, bool at_marks)
{
	const struct rig_service *of[] = {&x->tcp, &x->udp};

	if (to->verdict == XDP_DROP)
		to->out.len = 0;
	else
		take_tag(&to->out);
	for (unsigned i = 0; i < LB_N_DROPS; i++)
		to->drops[i] = rig_drops(x->rig, (enum lb_drop)i);
	for (unsigned s = 0; s < 2; s++) {
		for (unsigned i = 0; i < N_BACKENDS; i++)
			to->counts[s][i] = rig_count(x->rig, of[s], i);
		to->begun[s] = rig_begun(x->rig, of[s]);
		to->marked[s] = at_marks ? rig_marked(x->rig, of[s]) : 0;
	}
	to->entries = entries_of(x->rig);
}

static bool is_same(const struct seen *a, const struct seen *b)
{
	return a->verdict == b->verdict && frame_equal(&a->out, &b->out) &&
	       !memcmp(a->drops, b->drops, sizeof(a->drops)) && a->entries == b->entries &&
	       !memcmp(a->begun, b->begun, sizeof(a->begun)) &&
	       !memcmp(a->counts, b->counts, sizeof(a->counts)) &&
	       !memcmp(a->marked, b->marked, sizeof(a->marked));
}

static void say(const char *name, const struct seen *a)
{
	print_message(
		"  %-8s verdict %d, %zu octets, entries %016llx, begun %llu %llu, marked %u %u",
		name, a->verdict, a->out.len, (unsigned long long)a->entries,
		(unsigned long long)a->begun[0], (unsigned long long)a->begun[1], a->marked[0],
		a->marked[1]);
	for (unsigned i = 0; i < LB_N_DROPS; i++)
		if (a->drops[i])
			print_message(", drop %u: %llu", i, (unsigned long long)a->drops[i]);
	for (unsigned i = 0; i < 2 * N_BACKENDS; i++)
		print_message(
			" %llu",
			(unsigned long long)a->counts[i / N_BACKENDS][i % N_BACKENDS].packets);
	print_message("\n");
	for (size_t i = 0; i < a->out.len && i < 160; i++)
		print_message("%02x%s", a->out.bytes[i], i % 32 == 31 ? "\n" : "");
	print_message("\n");
}

/* --- both ways -------------------------------------------------------------------------------- */

/* The seed's packets by one way: what is seen after each. */
static void play(struct bed *x, uint64_t seed, bool is_from_node, const struct way *way,
		 struct seen seen[N_PACKETS])
{
	struct world w = world_make(x, seed, is_from_node, way);
	struct frame in;

	for (unsigned i = 0; i < N_PACKETS; i++) {
		if (one_in(&w.c, 10))
			set_rows(&w, one_in(&w.c, 3) ? &x->udp : &x->tcp);
		make_packet(&w, &in);
		if (is_from_node)
			wrap(&w, &in);
		if (way->tag)
			put_tag(&in, way->tag);
		seen[i].verdict = rig_xdp(x->rig, &in, &seen[i].out);
		look(x, &seen[i], i % 20 == 19);
	}
}

/* All that is seen by this way is what is seen at once. */
static bool plays_as(struct bed *x, uint64_t seed, bool is_from_node, const struct way *way,
		     const struct seen at_once[N_PACKETS])
{
	static struct seen seen[N_PACKETS];
	unsigned i = 0;

	play(x, seed, is_from_node, way, seen);
	while (i < N_PACKETS && is_same(&at_once[i], &seen[i]))
		i++;
	if (i == N_PACKETS)
		return true;
	print_message("seed %u, packet %u:\n", (unsigned)seed, i);
	say("at once", &at_once[i]);
	say(way->name, &seen[i]);
	return false;
}

static void expect_same(struct bed *x, unsigned rounds, bool is_from_node)
{
	static struct seen at_once[N_PACKETS];
	const struct way *ways = is_from_node ? from_node : to_node;

	for (uint64_t seed = 0; seed < rounds; seed++) {
		play(x, seed, is_from_node, &ways[0], at_once);
		for (unsigned k = 1; k < N_WAYS; k++) {
			if (plays_as(x, seed, is_from_node, &ways[k], at_once))
				continue;
			/* The clock that limits count by turns once in hours, and not twice. */
			play(x, seed, is_from_node, &ways[0], at_once);
			assert_true(plays_as(x, seed, is_from_node, &ways[k], at_once));
		}
	}
}

static void what_goes_to_a_node_is_the_same_by_each_way(void **state)
{
	expect_same(bed_begin(state), test_rounds(8), false);
}

static void what_comes_from_a_node_is_the_same_by_each_way(void **state)
{
	expect_same(bed_begin(state), test_rounds(8), true);
}

/* --- each way is taken ------------------------------------------------------------------------ */

/* Without the cold half, where what is left to it is dropped. */
static void begin_anew(struct bed *x, int outer)
{
	const char *why = "";

	rig_free(x->rig);
	x->rig = rig_new_sized(1, &why);
	rig_add_vip(x->rig, VIP, 0);
	bed_add(x, &x->tcp, 80, IPPROTO_TCP, N_BACKENDS);
	bed_add(x, &x->udp, 53, IPPROTO_UDP, N_BACKENDS);
	tunnel_begin(x, outer);
	rig_set_vlan(x->rig, TAG_COLD, 0, 0);
}

static void begin_without_cold(struct bed *x, int outer)
{
	begin_anew(x, outer);
	rig_take_cold_out(x->rig);
}

static void expect_sent(struct bed *x, struct frame_spec *s, uint16_t sport, bool is_sent)
{
	s->sport = sport;
	assert_int_equal(bed_xdp(x, s), is_sent ? XDP_TX : XDP_DROP);
}

static void what_is_nearly_always_so_goes_at_once(void **state)
{
	static const unsigned server_ways[] = {LB_WAY_L2, LB_WAY_IPIP, LB_WAY_GUE};
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < 2; i++) {
		struct frame_spec ack = bed_request(&x->tcp, 1, TCP_ACK_FLAG);
		struct frame_spec syn = bed_request(&x->tcp, 1, TCP_SYN_FLAG);
		struct frame_spec datagram = bed_request(&x->udp, 1, 0);
		struct rig_hop h = tunnel_hop(outers[i]);

		begin_without_cold(x, outers[i]);
		h.is_on_link = true;
		for (unsigned uplink = 0; uplink < 2; uplink++) { /* any, and the packet's own */
			h.uplink = uplink ? RIG_IFINDEX : 0;
			rig_set_hop(x->rig, NODE, 0, &h);
			for (size_t k = 0; k <= 3; k++) {
				const uint16_t port = (uint16_t)(100 * uplink + k + 1);

				rig_set_server(x->rig, &x->tcp, 0, NODE,
					       k ? server_ways[k - 1] : 0);
				rig_set_server(x->rig, &x->udp, 0, NODE,
					       k ? server_ways[k - 1] : 0);
				expect_sent(x, &ack, port, true);
				expect_sent(x, &syn, port, true);
				expect_sent(x, &datagram, port, true);
				rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, LB_ROW_UNSETTLED);
				expect_sent(x, &ack, port, true); /* that begins by syn */
				rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, 0);
			}
		}
		ack.vlan = TAG_OTHER;
		expect_sent(x, &ack, 1, false);
		ack.vlan = TAG_COLD;
		expect_sent(x, &ack, 1, false);
	}
}

static void what_is_nearly_always_so_is_given_at_once(void **state)
{
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < 2; i++) {
		const struct tunnel_spec t = tunnel_from(outers[i]);
		struct frame_spec ack = bed_request(&x->tcp, 1, TCP_ACK_FLAG);
		struct frame_spec syn = bed_request(&x->tcp, 1, TCP_SYN_FLAG);
		struct frame_spec datagram = bed_request(&x->udp, 1, 0);

		begin_without_cold(x, outers[i]);
		assert_int_equal(tunnel_xdp(x, &ack, &t), XDP_PASS);
		assert_int_equal(tunnel_xdp(x, &syn, &t), XDP_PASS);
		assert_int_equal(tunnel_xdp(x, &datagram, &t), XDP_PASS);
		rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, LB_ROW_UNSETTLED);
		assert_int_equal(tunnel_xdp(x, &ack, &t), XDP_PASS);
		rig_set_denies(x->rig, true);
		rig_set_deny_bit(x->rig, CLIENT, true);
		assert_int_equal(tunnel_xdp(x, &ack, &t), XDP_DROP);
	}
}

/* Nothing leads there without them, but if something did, it would be seen. */
static void what_a_missing_program_costs_is_counted(void **state)
{
	struct bed *x = bed_begin(state);
	const struct tunnel_spec t = tunnel_from(AF_INET);
	struct frame_spec ack = bed_request(&x->tcp, 1, TCP_ACK_FLAG);

	begin_anew(x, AF_INET);
	rig_take_far_out(x->rig);
	assert_int_equal(tunnel_xdp(x, &ack, &t), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_BACKEND), 1);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, LB_ROW_UNSETTLED);
	assert_int_equal(bed_xdp(x, &ack), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_BACKEND), 2);
	ack.vlan = TAG_COLD;
	assert_int_equal(bed_xdp(x, &ack), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_BACKEND), 3);
}

static int setup(void **state)
{
	rig_stop_clock(); /* entries are as old by either way */
	return tunnel_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(what_goes_to_a_node_is_the_same_by_each_way, setup),
		CLAIM_BOTH(what_comes_from_a_node_is_the_same_by_each_way, setup),
		CLAIM_BOTH(what_is_nearly_always_so_goes_at_once, setup),
		CLAIM_BOTH(what_is_nearly_always_so_is_given_at_once, setup),
		CLAIM_BOTH(what_a_missing_program_costs_is_counted, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
