// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the thread of BFD writes for the programs and reads of theirs, over memory that is no map.
 * What the programs make of it is tests/bpf/test_xdp_bfd.c's.
 */
#include "sys/bpf_bfd.h"

#include "unit/bfd/bfd_script.h"

#include <linux/types.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/abi.h"

#define PLACE 5

struct bed {
	struct bpf_bfd b;
	struct lb_bfd *memory; /* mapped once more, as the programs' */
	struct ip_addr local;
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

static int setup(void **state)
{
	struct bed *x = calloc(1, sizeof(*x));

	*state = x;
	x->local = ip_addr_from_v4(LOCAL);
	assert_int_equal(bpf_bfd_use(&x->b, new_memory(&x->memory)), 0);
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
	struct lb_bfd_told want = {.detection_ns = MS(150), .ifindex = 3};
	struct bfd_carry c;

	s.config.ifindex = 3;
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	assert_true(bfd_session_carry(&s, &c));
	memcpy(want.peer, ip_addr_from_v4(PEER).b, sizeof(want.peer));
	memcpy(want.local, x->local.b, sizeof(want.local));
	memcpy(want.heard, c.heard, sizeof(want.heard));
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

	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	version = entry(x)->version;
	hear(&s, NOW, BFD_DOWN);
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	assert_int_equal(entry(x)->valid_until, 0);
	assert_int_equal(entry(x)->version, version + 2);
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	assert_int_equal(entry(x)->version, version + 2);
	/* The programs' time is nobody's then. */
	stamp(x, NOW + MS(500));
	bpf_bfd_look(&x->b, &s);
	assert_int_equal(s.heard_at, NOW);
}

static void it_is_taken_back_when_it_ends_or_its_address_is_not_known(void **state)
{
	const struct ip_addr none = {{0}};
	struct bed *x = *state;
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &none, NOW);
	assert_int_equal(entry(x)->valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	assert_int_not_equal(entry(x)->valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &none, NOW);
	assert_int_equal(entry(x)->valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	bpf_bfd_forget(&x->b, &s);
	assert_int_equal(entry(x)->valid_until, 0);
}

static void nothing_is_written_for_nothing_but_once_a_second(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	uint64_t version;

	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	version = entry(x)->version;
	for (unsigned i = 0; i < 20; i++) {
		hear(&s, NOW + MS(50 * i), BFD_UP);
		bpf_bfd_follow(&x->b, &s, &x->local, NOW + MS(50 * i));
		stamp(x, NOW + MS(50 * i));
	}
	assert_int_equal(entry(x)->version, version);
	bpf_bfd_follow(&x->b, &s, &x->local, NOW + MS(1000));
	assert_int_equal(entry(x)->version, version + 2);
	assert_int_equal(entry(x)->valid_until, NOW + MS(1000) + BPF_BFD_NS);
	assert_int_equal(entry(x)->n_seen, 20);
}

static void what_the_programs_saw_keeps_it_up(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();

	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	stamp(x, NOW + MS(100));
	assert_true(bfd_session_is_silent(&s, NOW + MS(200)));
	bpf_bfd_look(&x->b, &s);
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

	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	stamp(x, NOW + MS(20));
	p.min_tx_us = 100000;
	hear_packet(&s, NOW + MS(60), &p);
	bpf_bfd_follow(&x->b, &s, &x->local, NOW + MS(60));
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

	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	stamp(x, NOW + MS(50));
	bpf_bfd_look(&x->b, &s);
	hear(&s, NOW + MS(190), BFD_UP);
	assert_true(bpf_bfd_is_seen(&x->b, &s));
	hear(&s, NOW + MS(200), BFD_UP);
	assert_false(bpf_bfd_is_seen(&x->b, &s));
	bpf_bfd_follow(&x->b, &s, &x->local, NOW + MS(1000));
	assert_int_equal(entry(x)->n_seen, 0);
	assert_int_equal(entry(x)->seen_at, NOW + MS(200));
}

static void another_map_is_used_from_then_on(void **state)
{
	struct bed *x = *state;
	struct bfd_session s = up();
	struct lb_bfd *other;
	int fd = new_memory(&other);

	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	assert_int_equal(bpf_bfd_use(&x->b, fd), 0);
	assert_int_equal(entry(x)->valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	assert_int_equal(entry(x)->valid_until, 0);
	assert_int_not_equal(other[PLACE].valid_until, 0);
	assert_int_equal(bpf_bfd_use(&x->b, -1), 0);
	assert_int_equal(other[PLACE].valid_until, 0);
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	bpf_bfd_look(&x->b, &s);
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
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	bpf_bfd_look(&x->b, &s);
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
	bpf_bfd_follow(&x->b, &s, &x->local, NOW);
	assert_int_equal(entry(x)->version, 8);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
