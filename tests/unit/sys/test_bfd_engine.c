// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The thread of BFD against another one, each in a network namespace of its own with a veth between
 * them: real sockets, real time.
 */
#include "sys/bfd_engine.h"

#include "sys/bfd_socket.h"
#include "sys/clock.h"
#include "sys/loop.h"

#include "sys_test.h"

#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>

#define MS(n) ((n)*NSEC_PER_MSEC)

struct seen {
	enum bfd_state state;
	unsigned ups, downs;
	struct bfd_event last, down;
	struct bfd_session_report report;
	bool has_report;
};

struct side {
	struct bfd_engine *engine;
	struct seen seen[BFD_ENGINE_SESSIONS];
	struct bfd_engine_report how;
};

struct rig {
	struct loop *loop;
	struct side side[2];
	uint32_t ifindex;   /* of the first side's end */
	unsigned wanted_up; /* sessions of each side, or ... */
	bool (*is_over)(const struct rig *rig);
	nsec_t until;
	bool is_met;
};

static void on_report(void *ctx, const struct bfd_report *r)
{
	struct side *s = ctx;
	struct seen *seen = &s->seen[r->id];

	if (r->type == BFD_REPORT_ENGINE) {
		s->how = r->engine;
	} else if (r->type == BFD_REPORT_SESSION) {
		seen->report = r->session;
		seen->has_report = true;
	} else {
		seen->state = r->event.to;
		seen->last = r->event;
		seen->ups += r->event.to == BFD_UP;
		seen->downs += r->event.from == BFD_UP;
		if (r->event.from == BFD_UP)
			seen->down = r->event;
	}
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct rig *rig = ctx;

	rig->is_met = rig->is_over && rig->is_over(rig);
	if (rig->is_met || now >= rig->until)
		loop_stop(rig->loop);
	return rig->until;
}

/* Until it is so, or it took too long. */
static bool wait_until(struct rig *rig, bool (*is_over)(const struct rig *rig), nsec_t most)
{
	rig->is_over = is_over;
	rig->until = clock_now() + most;
	assert_int_equal(loop_run(rig->loop, step, rig), 0);
	return rig->is_met;
}

static bool all_up(const struct rig *rig)
{
	for (unsigned i = 0; i < rig->wanted_up; i++)
		if (rig->side[0].seen[i].state != BFD_UP || rig->side[1].seen[i].state != BFD_UP)
			return false;
	return true;
}

static bool all_told(const struct rig *rig)
{
	for (unsigned i = 0; i < rig->wanted_up; i++)
		for (unsigned side = 0; side < 2; side++)
			if (rig->side[side].seen[i].report.session.state != BFD_UP)
				return false;
	return true;
}

static bool first_down(const struct rig *rig)
{
	return rig->side[0].seen[0].downs > 0 && rig->side[1].seen[0].downs > 0;
}

static unsigned downs(const struct rig *rig)
{
	unsigned n = 0;

	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < rig->wanted_up; i++)
			n += rig->side[side].seen[i].downs;
	return n;
}

/*
 * Addresses of one side's device, and neighbours that it need not ask for: the kernel has one table
 * of 1024 for all namespaces, and forgets who is in use where it is full.
 */
static void name_many(const char *device, unsigned own, unsigned other, const char *mac)
{
	run("for i in $(seq 0 199); do printf 'addr add fd00::%u:%%x/64 dev %s\\n' $i;"
	    " printf 'neigh add fd00::%u:%%x lladdr %s nud permanent dev %s\\n' $i; done |"
	    " ip -batch -",
	    own, device, other, mac, device);
}

/* The first side's namespace, which stays open as /proc/PID/fd/there; the process is in the other.
 */
static void make_link(int *ret_there)
{
	netns_enter();
	*ret_there = open("/proc/self/ns/net", O_RDONLY);
	assert_true(*ret_there >= 0);
	run("ip link add va type veth peer name vb && ip link set va address 02:00:00:00:00:0a &&"
	    " ip link set vb address 02:00:00:00:00:0b && ip addr add 192.0.2.1/24 dev va &&"
	    " ip addr add fd00::1/64 dev va && ip addr add fe80::a/64 dev va && ip link set va up");
	name_many("va", 1, 2, "02:00:00:00:00:0b");
}

static void enter_other(int there)
{
	netns_enter();
	run("nsenter --net=/proc/%d/fd/%d ip link set vb netns %d", getpid(), there, getpid());
	run("ip addr add 192.0.2.2/24 dev vb && ip addr add fd00::2/64 dev vb &&"
	    " ip addr add fe80::b/64 dev vb && ip link set vb up");
	name_many("vb", 2, 1, "02:00:00:00:00:0a");
}

static int setup(void **state)
{
	struct rig *rig = xcalloc(1, sizeof(*rig));
	int there;

	*state = rig;
	rig->loop = loop_new();
	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < BFD_ENGINE_SESSIONS; i++)
			rig->side[side].seen[i].state = BFD_DOWN;
	make_link(&there);
	rig->ifindex = if_nametoindex("va");
	/* With this seed two of two hundred sessions would draw one port. */
	rig->side[0].engine = bfd_engine_new(rig->loop, 11, on_report, &rig->side[0]);
	enter_other(there);
	rig->side[1].engine = bfd_engine_new(rig->loop, 2, on_report, &rig->side[1]);
	(void)close(there);
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	bfd_engine_free(rig->side[0].engine);
	bfd_engine_free(rig->side[1].engine);
	loop_free(rig->loop);
	free(rig);
	return 0;
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr a = {{0}};

	if (text[0] != '\0' && !ip_addr_parse(text, &a))
		fail_msg("%s is not an address", text);
	return a;
}

static struct bfd_config config_of(uint32_t id, const char *peer, const char *local)
{
	return (struct bfd_config){.id = id,
				   .peer = addr(peer),
				   .local = addr(local),
				   .minimum_ttl = 254,
				   .terms = {50000, 50000, 3}};
}

static void put(struct rig *rig, unsigned side, const struct bfd_config *c)
{
	assert_true(bfd_engine_put(rig->side[side].engine, c));
}

/* Session 0 over IPv4, up. */
static void first_up(struct rig *rig)
{
	const struct bfd_config a = config_of(0, "192.0.2.2", "192.0.2.1");
	const struct bfd_config b = config_of(0, "192.0.2.1", "");

	rig->wanted_up = 1;
	put(rig, 0, &a);
	put(rig, 1, &b);
	assert_true(wait_until(rig, all_up, MS(10000)));
}

static void sessions_of_each_kind_come_up(void **state)
{
	struct rig *rig = *state;
	struct bfd_config a = config_of(1, "fd00::2", "fd00::1"),
			  b = config_of(1, "fd00::1", "fd00::2");
	const struct seen *s = rig->side[1].seen;

	first_up(rig);
	put(rig, 0, &a);
	put(rig, 1, &b);
	a = config_of(2, "fe80::b", "fe80::a");
	b = config_of(2, "fe80::a", "fe80::b");
	a.ifindex = rig->ifindex;
	b.ifindex = if_nametoindex("vb");
	put(rig, 0, &a);
	put(rig, 1, &b);
	a = config_of(3, "192.0.2.2", "");
	b = config_of(3, "192.0.2.1", "");
	a.is_multihop = b.is_multihop = true;
	a.auth = b.auth =
		(struct bfd_auth_key){.type = BFD_AUTH_SIMPLE, .id = 1, .len = 3, .key = "key"};
	put(rig, 0, &a);
	put(rig, 1, &b);
	rig->wanted_up = 4;
	assert_true(wait_until(rig, all_up, MS(10000)));
	assert_true(wait_until(rig, all_told, MS(3000)));
	for (unsigned i = 0; i < 4; i++) {
		assert_true(s[i].report.source_port >= 49152);
		assert_int_equal(s[i].report.error, 0);
		assert_int_equal(s[i].report.session.state, BFD_UP);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(s[i].report.source_port, s[j].report.source_port);
	}
	/* Nobody is told its key. */
	b.auth = s[3].report.session.config.auth;
	assert_int_equal(b.auth.type, BFD_AUTH_SIMPLE);
	for (size_t i = 0; i < BFD_AUTH_KEY_MAX; i++)
		assert_int_equal(b.auth.key[i], 0);
	b.local = addr("192.0.2.2");
	assert_true(ip_addr_equal(&s[0].report.local, &b.local));
	assert_int_equal(downs(rig), 0);
}

static void silence_is_seen_in_time_and_never_early(void **state)
{
	struct rig *rig = *state;
	const struct seen *s = &rig->side[1].seen[0];
	nsec_t silence;

	first_up(rig);
	(void)wait_until(rig, NULL, MS(1500));
	run("nft 'add table inet t; add chain inet t in { type filter hook input priority 0; };"
	    " add rule inet t in udp dport 3784 drop'");
	assert_true(wait_until(rig, first_down, MS(2000)));
	assert_int_equal(s->down.diag, BFD_DIAG_EXPIRED);
	assert_int_equal(rig->side[0].seen[0].down.diag, BFD_DIAG_NEIGHBOUR_DOWN);
	/* What was lent for that is given back. */
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	(void)wait_until(rig, NULL, MS(1200));
	silence = s->down.at - s->report.session.heard_at;
	assert_true(silence >= MS(150));
	/* On a machine that others use, too; the lab measures it. */
	assert_true(silence < MS(250));
}

static void who_is_removed_says_admin_down(void **state)
{
	struct rig *rig = *state;

	first_up(rig);
	assert_true(bfd_engine_remove(rig->side[0].engine, 0));
	assert_true(wait_until(rig, first_down, MS(2000)));
	assert_int_equal(rig->side[1].seen[0].down.diag, BFD_DIAG_NEIGHBOUR_DOWN);
	assert_int_equal(rig->side[1].seen[0].down.remote_state, BFD_ADMIN_DOWN);
	assert_int_equal(rig->side[1].seen[0].down.remote_diag, BFD_DIAG_ADMIN_DOWN);
}

static void who_leaves_has_said_so_when_it_returns(void **state)
{
	struct rig *rig = *state;

	first_up(rig);
	bfd_engine_leave(rig->side[0].engine);
	rig->side[0].engine = bfd_engine_free(rig->side[0].engine);
	rig->side[0].seen[0].downs = 1;
	assert_true(wait_until(rig, first_down, MS(100)));
	assert_int_equal(rig->side[1].seen[0].down.remote_state, BFD_ADMIN_DOWN);
}

static void a_path_that_is_known_to_be_dead_is_not_waited_for(void **state)
{
	struct rig *rig = *state;

	first_up(rig);
	assert_true(bfd_engine_path_down(rig->side[0].engine, 0));
	assert_true(wait_until(rig, first_down, MS(2000)));
	assert_int_equal(rig->side[0].seen[0].down.diag, BFD_DIAG_PATH_DOWN);
	assert_int_equal(rig->side[1].seen[0].down.diag, BFD_DIAG_NEIGHBOUR_DOWN);
	assert_int_equal(rig->side[1].seen[0].down.remote_diag, BFD_DIAG_PATH_DOWN);
	/* Of no session it is no fault. */
	assert_true(bfd_engine_path_down(rig->side[0].engine, 7));
	assert_true(wait_until(rig, all_up, MS(10000)));
}

static void other_terms_need_no_new_session(void **state)
{
	struct rig *rig = *state;
	struct bfd_config a = config_of(0, "192.0.2.2", "192.0.2.1");
	uint16_t port;

	first_up(rig);
	assert_true(wait_until(rig, all_told, MS(3000)));
	port = rig->side[0].seen[0].report.source_port;
	a.terms = (struct bfd_terms){300000, 20000, 5};
	put(rig, 0, &a);
	(void)wait_until(rig, NULL, MS(2500));
	assert_int_equal(downs(rig), 0);
	assert_int_equal(rig->side[0].seen[0].report.session.tx_us, 300000);
	assert_int_equal(rig->side[0].seen[0].report.source_port, port);
	assert_int_equal(bfd_session_detection(&rig->side[1].seen[0].report.session), MS(1500));
}

/* Memory in place of the programs' maps, which outlives its thread as they do. */
static void carry(const struct side *side, int memory)
{
	assert_true(bfd_engine_carry(side->engine, (struct bpf_bfd_fds){dup(memory), -1, -1}));
}

static bool second_is_told(const struct rig *rig)
{
	return rig->side[1].seen[0].has_report;
}

static void what_a_dead_thread_has_left_goes_on_in_the_next(void **state)
{
	struct bfd_config a = config_of(0, "192.0.2.2", ""), b = config_of(0, "192.0.2.1", "");
	int memory = memfd_create("bfd", MFD_CLOEXEC);
	struct rig *rig = *state;
	struct side *s = &rig->side[1];
	struct bfd_session_report before;

	assert_int_equal(ftruncate(memory, (off_t)bpf_bfd_bytes()), 0);
	a.terms = b.terms = (struct bfd_terms){10000000, 10000000, 3};
	rig->wanted_up = 1;
	put(rig, 0, &a);
	put(rig, 1, &b);
	assert_true(wait_until(rig, all_up, MS(10000)));
	assert_true(wait_until(rig, all_told, MS(3000)));
	(void)wait_until(rig, NULL, MS(1500)); /* no packet is due for seconds */
	s->seen[0].has_report = false;
	carry(s, memory);
	assert_true(wait_until(rig, second_is_told, MS(3000)));
	assert_int_equal(s->how.carry_error, 0);
	before = s->seen[0].report;
	s->engine = bfd_engine_free(s->engine);

	s->seen[0].has_report = false;
	s->engine = bfd_engine_new(rig->loop, 3, on_report, s);
	carry(s, memory);
	put(rig, 1, &b);
	assert_true(wait_until(rig, second_is_told, MS(3000)));
	assert_int_equal(s->seen[0].report.session.state, BFD_UP);
	assert_int_equal(s->seen[0].report.session.discriminator, before.session.discriminator);
	assert_int_equal(s->seen[0].report.source_port, before.source_port);
	assert_int_equal(downs(rig), 0);
	(void)close(memory);
}

static bool port_is_had(const struct rig *rig)
{
	return rig->side[1].how.port_errors[0] == 0 && all_up(rig);
}

static void a_port_that_another_daemon_has_is_told_and_taken_when_free(void **state)
{
	const struct bfd_port port = {.family = IP_V4};
	struct rig *rig = *state;
	const struct bfd_config a = config_of(0, "192.0.2.2", ""),
				b = config_of(0, "192.0.2.1", "");
	int fd = bfd_socket_listen(&port);

	assert_true(fd >= 0);
	rig->wanted_up = 1;
	put(rig, 0, &a);
	put(rig, 1, &b);
	assert_false(wait_until(rig, all_up, MS(1500)));
	assert_int_equal(rig->side[1].how.port_errors[0], -EADDRINUSE);
	(void)close(fd);
	assert_true(wait_until(rig, port_is_had, MS(10000)));
}

/* Reports of both kinds come in one go, once a second. */
static bool was_told_again(const struct rig *rig)
{
	return rig->side[0].seen[0].has_report;
}

static void what_says_nothing_new_wakes_nobody(void **state)
{
	struct rig *rig = *state;
	struct side *s = &rig->side[0];
	struct bfd_counters before;
	uint64_t wakes, received, sent;

	first_up(rig);
	(void)wait_until(rig, NULL, MS(1500));
	s->seen[0].has_report = false;
	assert_true(wait_until(rig, was_told_again, MS(3000)));
	before = s->seen[0].report.session.counters;
	wakes = s->how.wakes;
	(void)wait_until(rig, NULL, MS(1500));
	s->seen[0].has_report = false;
	assert_true(wait_until(rig, was_told_again, MS(3000)));
	received = s->seen[0].report.session.counters.received - before.received;
	sent = s->seen[0].report.session.counters.sent - before.sent;
	wakes = s->how.wakes - wakes;
	assert_true(received > 20); /* it heard as much as it said */
	assert_true(wakes < sent + received / 2);
}

static void add_many(struct rig *rig, const struct bfd_terms *terms)
{
	char peer[IP_ADDR_TEXT], local[IP_ADDR_TEXT];

	rig->wanted_up = 200;
	for (unsigned i = 0; i < rig->wanted_up; i++) {
		struct bfd_config a, b;

		(void)snprintf(local, sizeof(local), "fd00::1:%x", i);
		(void)snprintf(peer, sizeof(peer), "fd00::2:%x", i);
		a = config_of(i, peer, local);
		b = config_of(i, local, peer);
		a.terms = b.terms = *terms;
		put(rig, 0, &a);
		put(rig, 1, &b);
	}
	assert_true(wait_until(rig, all_up, MS(20000)));
}

/* RFC 5881 4, whatever the addresses are. */
static void two_hundred_sessions_have_as_many_source_ports(void **state)
{
	const struct bfd_terms terms = {300000, 300000, 10};
	struct rig *rig = *state;

	add_many(rig, &terms);
	assert_true(wait_until(rig, all_told, MS(5000)));
	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < rig->wanted_up; i++)
			for (unsigned j = 0; j < i; j++)
				assert_int_not_equal(rig->side[side].seen[i].report.source_port,
						     rig->side[side].seen[j].report.source_port);
}

/* The agent's own loop stands still, and what happened is all there afterwards. */
static void two_hundred_sessions_live_through_ten_seconds_of_a_stalled_loop(void **state)
{
	/* A third of the stall; less would also tell of a machine that others keep busy. */
	const struct bfd_terms terms = {100000, 100000, 30};
	struct rig *rig = *state;

	add_many(rig, &terms);
	poll(NULL, 0, 10000);
	(void)wait_until(rig, NULL, MS(1100));
	print_message("priority %s, the latest wake-up %.1f ms late\n",
		      bfd_priority_text(rig->side[1].how.priority),
		      (double)rig->side[1].how.latest / NSEC_PER_MSEC);
	assert_int_equal(downs(rig), 0);
	assert_true(rig->side[1].how.wakes > 0);
}

/* It is sent far more than it sends, and has no other reason to wake up. */
static void what_wakes_nobody_is_read_before_its_socket_is_full(void **state)
{
	const struct bfd_terms terms = {10000000, 10000000, 100};
	struct rig *rig = *state;
	struct side *s = &rig->side[0];
	uint64_t wakes;

	add_many(rig, &terms);
	(void)wait_until(rig, NULL, MS(2000)); /* the poll sequences are over */
	s->seen[0].has_report = false;
	assert_true(wait_until(rig, was_told_again, MS(3000)));
	wakes = s->how.wakes;
	s->seen[0].has_report = false;
	assert_true(wait_until(rig, was_told_again, MS(3000)));
	/* Of two hundred sessions 20 to 27 packets are due in a second. */
	assert_true(s->how.wakes - wakes > 40);
}

/* Each of the first side has gone down, and is up again. */
static bool all_back(const struct rig *rig)
{
	for (unsigned i = 0; i < rig->wanted_up; i++)
		if (rig->side[0].seen[i].downs == 0)
			return false;
	return all_up(rig);
}

/* Each command has all sessions reported, until there is no room for more. */
static void no_change_is_lost_where_there_is_no_room_to_report_it(void **state)
{
	struct bfd_config first = config_of(0, "fd00::2:0", "fd00::1:0");
	struct rig *rig = *state;

	first.terms = (struct bfd_terms){300000, 300000, 10};
	add_many(rig, &first.terms);
	for (unsigned i = 0; i < 20; i++) {
		put(rig, 0, &first);
		poll(NULL, 0, 10);
	}
	for (unsigned i = 0; i < rig->wanted_up; i++)
		assert_true(bfd_engine_path_down(rig->side[0].engine, i));
	poll(NULL, 0, 1500);
	assert_true(wait_until(rig, all_back, MS(20000)));
	for (unsigned i = 0; i < rig->wanted_up; i++)
		assert_int_equal(rig->side[0].seen[i].ups, rig->side[0].seen[i].downs + 1);
}

/* We have the only processor that it may run on. */
static void a_thread_that_does_not_keep_up_takes_no_more(void **state)
{
	const struct sched_param above = {.sched_priority = 50}, usual = {.sched_priority = 0};
	const struct bfd_config c = config_of(0, "192.0.2.1", "");
	struct rig *rig = *state;
	struct side side = {.how = {.wakes = 0}};
	cpu_set_t all, one;
	unsigned n = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	side.engine = bfd_engine_new(rig->loop, 3, on_report, &side);
	poll(NULL, 0, 100);
	if (sched_setscheduler(0, SCHED_FIFO, &above) == 0) {
		while (n < 100000 && bfd_engine_put(side.engine, &c))
			n++;
		assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &usual), 0);
		assert_in_range(n, 1, 99999);
		(void)wait_until(rig, NULL, MS(100));
		assert_true(bfd_engine_put(side.engine, &c));
	}
	bfd_engine_free(side.engine);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	if (n == 0) {
		print_message("needs SCHED_FIFO\n");
		skip();
	}
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(sessions_of_each_kind_come_up),
		WITH_RIG(silence_is_seen_in_time_and_never_early),
		WITH_RIG(who_is_removed_says_admin_down),
		WITH_RIG(who_leaves_has_said_so_when_it_returns),
		WITH_RIG(a_path_that_is_known_to_be_dead_is_not_waited_for),
		WITH_RIG(other_terms_need_no_new_session),
		WITH_RIG(what_a_dead_thread_has_left_goes_on_in_the_next),
		WITH_RIG(what_says_nothing_new_wakes_nobody),
		WITH_RIG(two_hundred_sessions_have_as_many_source_ports),
		WITH_RIG(what_wakes_nobody_is_read_before_its_socket_is_full),
		WITH_RIG(no_change_is_lost_where_there_is_no_room_to_report_it),
		WITH_RIG(a_thread_that_does_not_keep_up_takes_no_more),
		WITH_RIG(a_port_that_another_daemon_has_is_told_and_taken_when_free),
		WITH_RIG(two_hundred_sessions_live_through_ten_seconds_of_a_stalled_loop),
	};

	return cmocka_run_group_tests_name("bfd_engine", tests, NULL, NULL);
}
