// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the thread of BFD writes for the programs and reads of theirs, over memory that is no map.
 * What the programs make of it is tests/bpf/test_xdp_bfd.c's.
 */
#include "sys/bpf_bfd.h"

#include "unit/bfd/bfd_script.h"

#include <arpa/inet.h>
#include <linux/types.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/abi.h"

#define PLACE 5

struct bed {
	struct bpf_bfd b;
	struct lb_bfd *memory; /* mapped once more, as the programs' */
	struct bpf_bfd_end end;
};

static int new_memory(struct lb_bfd **ret)
{
	int fd = memfd_create("bfd", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bpf_bfd_bytes()), 0);
	*ret = mmap(NULL, bpf_bfd_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(*ret != MAP_FAILED);
	return fd;
}

/* No memory for rows of echo. */
static int use(struct bpf_bfd *b, int fd)
{
	return bpf_bfd_use(b, (struct bpf_bfd_fds){fd, -1, -1});
}

static int setup(void **state)
{
	struct bed *x = calloc(1, sizeof(*x));

	*state = x;
	x->end = (struct bpf_bfd_end){ip_addr_from_v4(LOCAL), 50000};
	assert_int_equal(use(&x->b, new_memory(&x->memory)), 0);
	return 0;
}

static int teardown(void **state)
{
	struct bed *x = *state;

	bpf_bfd_done(&x->b);
	munmap(x->memory, bpf_bfd_bytes());
	free(x);
	return 0;
}

static struct lb_bfd *entry(const struct bed *x)
{
	return &x->memory[PLACE];
}

static struct bfd_session up(void)
{
	const struct bfd_config config = usual_config();
	struct bfd_session s = up_session(&config);

	s.discriminator = 7 << LB_BFD_BITS | PLACE;
	return s;
}

/* As the programs do it. */
static void stamp(const struct bed *x, nsec_t at)
{
	entry(x)->seen_at = at;
	entry(x)->n_seen++;
}

static void an_up_session_is_told_with_both_addresses(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	struct lb_bfd_told want = {.detection_ns = MS(150),
				   .interval_ns = MS(50),
				   .ifindex = 3,
				   .source_port = htons(50000),
				   .flags = LB_BFD_ANSWERS | LB_BFD_PATIENT};
	struct bfd_carry c;

	s.config.ifindex = 3;
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_true(bfd_session_carry(&s, &c));
	memcpy(want.peer, ip_addr_from_v4(PEER).b, sizeof(want.peer));
	memcpy(want.local, x->end.addr.b, sizeof(want.local));
	memcpy(want.heard, c.heard, sizeof(want.heard));
	memcpy(want.answer, c.said, sizeof(want.answer));
	assert_memory_equal(&entry(x)->told, &want, sizeof(want));
	assert_int_equal(entry(x)->valid_until, NOW + BPF_BFD_NS);
	assert_int_equal(entry(x)->seen_at, s.heard_at);
	assert_int_equal(entry(x)->version % 2, 0);
	assert_false(bpf_bfd_is_seen(&x->b, &s));
}

static void it_is_taken_back_when_it_is_not_up(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	uint64_t version;

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	version = entry(x)->version;
	hear(&s, NOW, BFD_DOWN);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_int_equal(entry(x)->valid_until, 0);
	assert_int_equal(entry(x)->version, version + 2);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_int_equal(entry(x)->version, version + 2);
	/* The programs' time is nobody's then. */
	stamp(x, NOW + MS(500));
	bpf_bfd_look(&x->b, &s, NOW);
	assert_int_equal(s.heard_at, NOW);
}

static void it_is_taken_back_when_it_ends_or_its_address_is_not_known(void **state)
{
	const struct bpf_bfd_end none = {.port = 0};
	struct bed *x = *state;
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &none, NOW);
	assert_int_equal(entry(x)->valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_int_not_equal(entry(x)->valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &none, NOW);
	assert_int_equal(entry(x)->valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	bpf_bfd_forget(&x->b, &s);
	assert_int_equal(entry(x)->valid_until, 0);
}

static void nothing_is_written_for_nothing_but_once_a_second(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	uint64_t version;

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	version = entry(x)->version;
	for (unsigned i = 0; i < 20; i++) {
		hear(&s, NOW + MS(50 * i), BFD_UP);
		bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(50 * i));
		stamp(x, NOW + MS(50 * i));
	}
	assert_int_equal(entry(x)->version, version);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(1000));
	assert_int_equal(entry(x)->version, version + 2);
	assert_int_equal(entry(x)->valid_until, NOW + MS(1000) + BPF_BFD_NS);
	assert_int_equal(entry(x)->n_seen, 20);
}

static void what_the_programs_saw_keeps_it_up(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	stamp(x, NOW + MS(100));
	assert_true(bfd_session_is_silent(&s, NOW + MS(200)));
	bpf_bfd_look(&x->b, &s, NOW);
	assert_false(bfd_session_is_silent(&s, NOW + MS(200)));
	assert_true(bpf_bfd_is_seen(&x->b, &s));
	assert_true(bfd_session_is_silent(&s, NOW + MS(250)));
}

/* The peer says something new: what is told changes, what was seen stays. */
static void what_is_new_of_the_peer_is_told_at_once(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	struct bfd_packet p = usual_packet(BFD_UP);
	struct bfd_carry c;

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	stamp(x, NOW + MS(20));
	p.min_tx_us = 100000;
	hear_packet(&s, NOW + MS(60), &p);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(60));
	assert_true(bfd_session_carry(&s, &c));
	assert_memory_equal(entry(x)->told.heard, c.heard, sizeof(c.heard));
	assert_int_equal(entry(x)->told.detection_ns, MS(300));
	assert_int_equal(entry(x)->seen_at, NOW + MS(60));
	assert_true(bpf_bfd_is_seen(&x->b, &s));
}

/* The programs were taken off the device: our socket goes on, and they are not said to be there. */
static void programs_that_see_nothing_any_more_are_noticed(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	stamp(x, NOW + MS(50));
	bpf_bfd_look(&x->b, &s, NOW);
	hear(&s, NOW + MS(190), BFD_UP);
	assert_true(bpf_bfd_is_seen(&x->b, &s));
	hear(&s, NOW + MS(200), BFD_UP);
	assert_false(bpf_bfd_is_seen(&x->b, &s));
	bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(1000));
	assert_int_equal(entry(x)->n_seen, 0);
	assert_int_equal(entry(x)->seen_at, NOW + MS(200));
}

static void another_map_is_used_from_then_on(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	struct lb_bfd *other;
	int fd = new_memory(&other);

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_int_equal(use(&x->b, fd), 0);
	assert_int_equal(entry(x)->valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_int_equal(entry(x)->valid_until, 0);
	assert_int_not_equal(other[PLACE].valid_until, 0);
	assert_int_equal(use(&x->b, -1), 0);
	assert_int_equal(other[PLACE].valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	bpf_bfd_look(&x->b, &s, NOW);
	bpf_bfd_forget(&x->b, &s);
	assert_false(bpf_bfd_is_seen(&x->b, &s));
	munmap(other, bpf_bfd_bytes());
}

/* Places beyond the map's are not looked after. */
static void a_session_without_a_place_is_the_threads_alone(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	s.discriminator = LB_BFD_SESSIONS;
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	bpf_bfd_look(&x->b, &s, NOW);
	assert_false(bpf_bfd_is_seen(&x->b, &s));
	bpf_bfd_forget(&x->b, &s);
	assert_int_equal(entry(x)->version, 0);
}

/* A thread that died while it wrote. */
static void an_entry_left_half_written_is_made_whole(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	entry(x)->version = 7;
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_int_equal(entry(x)->version, 8);
}

/* As the programs do it with a packet whose peer's clock is proven. */
static void answer(const struct bed *x, nsec_t at)
{
	stamp(x, at);
	entry(x)->n_proofs = LB_BFD_PROOF;
	entry(x)->answered_at = at;
	entry(x)->n_answered++;
}

static void a_session_is_carried_once_its_peers_clock_is_proven(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	stamp(x, NOW + MS(20));
	bpf_bfd_look(&x->b, &s, NOW);
	assert_false(s.is_carried);
	answer(x, NOW + MS(70));
	bpf_bfd_look(&x->b, &s, NOW);
	assert_true(s.is_carried);
	assert_int_equal(s.sent_at, NOW + MS(70));
	/* Nor is it any more when the programs are away, or it polls. */
	hear(&s, NOW + MS(219), BFD_UP);
	bpf_bfd_look(&x->b, &s, NOW);
	assert_true(s.is_carried);
	hear(&s, NOW + MS(220), BFD_UP);
	bpf_bfd_look(&x->b, &s, NOW);
	assert_false(s.is_carried);
}

/* Two pages, as a ring buffer has its positions. */
static uint64_t *use_woken(struct bed *x)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("woken", MFD_CLOEXEC);
	uint64_t *ret;

	assert_int_equal(ftruncate(fd, (off_t)(2 * page)), 0);
	ret = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(ret != MAP_FAILED);
	assert_int_equal(bpf_bfd_use(&x->b, (struct bpf_bfd_fds){new_memory(&x->memory), -1, fd}),
			 0);
	assert_int_equal(bpf_bfd_woken_fd(&x->b), fd);
	return ret;
}

static void what_the_programs_time_is_not_waited_for(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	uint64_t *woken = use_woken(x);

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	answer(x, NOW + MS(20));
	bpf_bfd_look(&x->b, &s, NOW + MS(20));
	assert_true(s.is_carried && !s.is_timed);
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(120));
	entry(x)->timed_at = NOW + MS(120);
	bpf_bfd_look(&x->b, &s, NOW + MS(20));
	assert_true(s.is_timed);
	assert_int_equal(bfd_session_deadline(&s), NSEC_NEVER);
	/* It has not come, so it is none. */
	bpf_bfd_look(&x->b, &s, NOW + MS(120) + BPF_BFD_TIMED_NS - 1);
	assert_true(s.is_timed);
	bpf_bfd_look(&x->b, &s, NOW + MS(120) + BPF_BFD_TIMED_NS);
	assert_false(s.is_timed);
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(120));
	/* It has come, and what woke the thread is taken note of. */
	bpf_bfd_look(&x->b, &s, NOW + MS(20));
	entry(x)->timed_at = 0;
	woken[sysconf(_SC_PAGESIZE) / sizeof(*woken)] = 16;
	bpf_bfd_woken(&x->b);
	assert_int_equal(woken[0], 16);
	bpf_bfd_look(&x->b, &s, NOW + MS(120));
	assert_int_equal(bfd_session_deadline(&s), NOW + MS(120));
	/* One whose peer has said something new is not timed. */
	entry(x)->timed_at = NOW + MS(200);
	bpf_bfd_look(&x->b, &s, NOW + MS(120));
	assert_true(s.is_timed);
	hear(&s, NOW + MS(121), BFD_DOWN);
	assert_int_not_equal(bfd_session_deadline(&s), NSEC_NEVER);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(121));
	assert_false(s.is_timed);
	munmap(woken, 2 * (size_t)sysconf(_SC_PAGESIZE));
}

static void without_a_ring_the_thread_wakes_up_by_itself(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	assert_int_equal(bpf_bfd_woken_fd(&x->b), -1);
	bpf_bfd_woken(&x->b);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	answer(x, NOW + MS(20));
	entry(x)->timed_at = NOW + MS(120);
	bpf_bfd_look(&x->b, &s, NOW + MS(20));
	assert_true(s.is_carried && !s.is_timed);
}

/* What is sent after a verb that nobody asked the programs before is not a packet too many. */
static void what_was_answered_is_known_before_anything_is_sent(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	uint8_t buf[BFD_PACKET_MAX];

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	answer(x, NOW + MS(90));
	bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(100));
	assert_int_equal(bfd_session_transmit(&s, NOW + MS(100), buf), 0);
	/* Nor is it carried when the programs are gone. */
	assert_true(s.is_carried);
	assert_int_equal(use(&x->b, -1), 0);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(100));
	assert_false(s.is_carried);
}

static void it_is_not_carried_while_it_polls_or_is_down(void **state)
{
	struct bed *x = *state;
	struct bfd_config config = usual_config();
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	answer(x, NOW + MS(50));
	bpf_bfd_look(&x->b, &s, NOW);
	config.terms.min_tx_us = 100000;
	bfd_session_reconfigure(&s, NOW + MS(50), &config);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(50));
	assert_int_equal(entry(x)->told.flags, 0);
	assert_false(s.is_carried);
	hear(&s, NOW + MS(60), BFD_DOWN);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW + MS(60));
	assert_int_equal(entry(x)->valid_until, 0);
	assert_false(s.is_carried);
}

static void what_we_send_is_told(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	bpf_bfd_sent(&x->b, &s, NOW); /* nobody asks */
	assert_int_equal(entry(x)->sent_at, 0);
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_int_equal(entry(x)->sent_at, s.sent_at);
	bpf_bfd_sent(&x->b, &s, NOW + MS(30));
	assert_int_equal(entry(x)->sent_at, NOW + MS(30));
}

/* The place of a session that is no more: nothing of it is the next one's. */
static void another_session_at_the_place_begins_anew(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	answer(x, NOW + MS(50));
	s = up();
	s.discriminator += 1u << LB_BFD_BITS;
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	assert_int_equal(entry(x)->n_proofs, 0);
	assert_int_equal(entry(x)->n_seen, 0);
	assert_int_equal(entry(x)->answered_at, 0);
	assert_int_equal(entry(x)->seen_at, NOW);
}

/* ---- after a thread that has died ------------------------------------------------------------ */

static void what_a_dead_thread_has_left_is_found_and_goes_on(void **state)
{
	struct bed *x = *state;
	struct bfd_config config = usual_config();
	struct bfd_session s = up(), next = new_session(&config);

	struct bpf_bfd_end end;
	struct bfd_left left;
	uint64_t version;

	next.discriminator = s.discriminator;
	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	answer(x, NOW + MS(1000));
	version = entry(x)->version;
	assert_int_equal(bpf_bfd_left_at(&x->b, PLACE, NOW + MS(1149)), s.discriminator);
	assert_int_equal(bpf_bfd_left_at(&x->b, PLACE + 1, NOW + MS(1149)), 0);
	assert_true(bpf_bfd_find(&x->b, &config, NOW + MS(1149), &left, &end));
	assert_true(ip_addr_equal(&end.addr, &x->end.addr));
	assert_int_equal(end.port, 50000);
	bfd_session_resume(&next, NOW + MS(1149), &left);
	bpf_bfd_look(&x->b, &next, NOW);
	assert_int_equal(next.heard_at, NOW + MS(1000));
	assert_true(next.is_carried);
	/* The programs learn nothing new but that somebody is there. */
	bpf_bfd_follow(&x->b, &next, &end, NOW + MS(1149));
	assert_int_equal(entry(x)->version, version + 2);
	assert_int_equal(entry(x)->valid_until, NOW + MS(1149) + BPF_BFD_NS);
	assert_int_equal(entry(x)->n_proofs, LB_BFD_PROOF);
	assert_int_equal(entry(x)->n_answered, 1);
	/* We may choose our address; nobody else's is ours. */
	config.local = (struct ip_addr){{0}};
	assert_true(bpf_bfd_find(&x->b, &config, NOW + MS(1149), &left, &end));
}

static bool is_found(const struct bed *x, const struct bfd_config *c, nsec_t now)
{
	struct bpf_bfd_end end;
	struct bfd_left left;

	return bpf_bfd_find(&x->b, c, now, &left, &end);
}

static void nothing_else_is_taken_for_it(void **state)
{
	struct bed *x = *state;
	const struct bfd_config config = usual_config();
	struct bfd_config other = config;
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &x->end, NOW);
	stamp(x, NOW);
	assert_true(is_found(x, &config, NOW));
	other.peer = ip_addr_from_v4(PEER + 1);
	assert_false(is_found(x, &other, NOW));
	other = config;
	other.local = ip_addr_from_v4(LOCAL + 1);
	assert_false(is_found(x, &other, NOW));
	other = config;
	other.ifindex = 3;
	assert_false(is_found(x, &other, NOW));
	other = config;
	other.is_multihop = true;
	assert_false(is_found(x, &other, NOW));
	other = config;
	other.auth = (struct bfd_auth_key){.type = BFD_AUTH_SIMPLE, .len = 1};
	assert_false(is_found(x, &other, NOW));
	/* Its peer was silent, or it is too long ago. */
	assert_false(is_found(x, &config, NOW + MS(150)));
	stamp(x, NOW + BPF_BFD_NS);
	assert_false(is_found(x, &config, NOW + BPF_BFD_NS));
	assert_int_equal(bpf_bfd_left_at(&x->b, PLACE, NOW + BPF_BFD_NS), 0);
	/* It was being written, or may not have been answered. */
	stamp(x, NOW);
	entry(x)->version++;
	assert_false(is_found(x, &config, NOW));
	entry(x)->version++;
	assert_true(is_found(x, &config, NOW));
	entry(x)->told.flags = 0;
	assert_false(is_found(x, &config, NOW));
}

#define BED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED(an_up_session_is_told_with_both_addresses),
		BED(it_is_taken_back_when_it_is_not_up),
		BED(it_is_taken_back_when_it_ends_or_its_address_is_not_known),
		BED(nothing_is_written_for_nothing_but_once_a_second),
		BED(what_the_programs_saw_keeps_it_up),
		BED(what_is_new_of_the_peer_is_told_at_once),
		BED(programs_that_see_nothing_any_more_are_noticed),
		BED(another_map_is_used_from_then_on),
		BED(a_session_without_a_place_is_the_threads_alone),
		BED(an_entry_left_half_written_is_made_whole),
		BED(a_session_is_carried_once_its_peers_clock_is_proven),
		BED(what_the_programs_time_is_not_waited_for),
		BED(without_a_ring_the_thread_wakes_up_by_itself),
		BED(what_was_answered_is_known_before_anything_is_sent),
		BED(it_is_not_carried_while_it_polls_or_is_down),
		BED(what_we_send_is_told),
		BED(another_session_at_the_place_begins_anew),
		BED(what_a_dead_thread_has_left_is_found_and_goes_on),
		BED(nothing_else_is_taken_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
