// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The program that adds up what backends have counted (bpf/sums.h), against sums that are made
 * here. Nobody else would notice that it refuses: the agent then reads one counter at a time, which
 * says the same and takes ten times as long.
 */
#include "bpf/bed.h"
#include "bpf/rig_private.h"
#include "unit/rounds.h"

#include <bpf/bpf.h>
#include <string.h>

#define MOST_CPUS 256

static int setup(void **state)
{
	(void)bed_make(state, 2, 0);
	return 0;
}

/* The verdict of the program about the first `len` octets of this, which are what it left then. */
static int ask(struct bed *x, struct lb_sums *s, size_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s, .data_size_in = (uint32_t)len,
		    .data_out = s, .data_size_out = (uint32_t)len);

	rig_must(bpf_prog_test_run_opts(bpf_program__fd(x->rig->xdp->progs.xdp_sums), &opts),
		 "run xdp_sums");
	return (int)opts.retval;
}

/* What a processor has counted of a backend; it differs from place to place. */
static struct lb_counter counted(uint32_t index, unsigned cpu)
{
	const uint64_t n = 1 + index * 257ull + cpu * 65537ull * LB_BACKEND_CHUNK;

	return (struct lb_counter){.packets = n, .bytes = n * 0x100000001};
}

static void fill(struct bed *x, unsigned chunk)
{
	struct lb_counter of[MOST_CPUS];

	assert_in_range(x->rig->n_cpus, 1, MOST_CPUS);
	for (uint32_t i = 0; i < LB_BACKEND_CHUNK; i++) {
		for (unsigned cpu = 0; cpu < x->rig->n_cpus; cpu++)
			of[cpu] = counted(chunk * LB_BACKEND_CHUNK + i, cpu);
		rig_must(bpf_map_update_elem(rig_chunk(x->rig, RIG_COUNTERS_MAP, chunk), &i, of,
					     BPF_ANY),
			 "write counters");
	}
}

/* Of what was asked for: those that there are, on top of what the packet held; the rest stays. */
static void expect_sums(struct bed *x, const struct lb_sums *asked)
{
	struct lb_sums s = *asked;

	assert_int_equal(ask(x, &s, sizeof(s)), XDP_PASS);
	for (uint32_t i = 0; i < LB_SUMS; i++) {
		struct lb_counter want = asked->of[i];

		for (unsigned cpu = 0; i < asked->n && cpu < asked->cpus; cpu++) {
			want.packets += counted(asked->index[i], cpu).packets;
			want.bytes += counted(asked->index[i], cpu).bytes;
		}
		assert_true(s.of[i].packets == want.packets && s.of[i].bytes == want.bytes);
	}
}

static void any_of_them_are_added_up(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_sums s;

	fill(x, 0);
	fill(x, 1);
	srand(1);
	for (unsigned round = 0; round < test_rounds(200); round++) {
		memset(&s, 0, sizeof(s));
		s.n = (uint32_t)rand() % (LB_SUMS + 3);
		s.cpus = (uint32_t)rand() % (x->rig->n_cpus + 1);
		for (uint32_t i = 0; i < LB_SUMS; i++) {
			s.index[i] = (uint32_t)rand() % (2 * LB_BACKEND_CHUNK);
			s.of[i] = (struct lb_counter){(uint64_t)rand(), (uint64_t)rand()};
		}
		expect_sums(x, &s);
	}
}

static void what_is_not_there_is_refused(void **state)
{
	struct bed *x = bed_begin(state);
	const struct lb_sums good = {.n = 1, .cpus = x->rig->n_cpus};
	struct lb_sums s = good;

	fill(x, 0);
	expect_sums(x, &good);
	s.index[0] = RIG_CHUNKS * LB_BACKEND_CHUNK; /* the rig has not made it */
	assert_int_equal(ask(x, &s, sizeof(s)), XDP_DROP);
	s = good;
	s.cpus = 1u << 20; /* as many as there are, and many more */
	assert_int_equal(ask(x, &s, sizeof(s)), XDP_DROP);
	s = good;
	assert_int_equal(ask(x, &s, sizeof(s) - 1), XDP_DROP); /* it is cut */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_V4(any_of_them_are_added_up, setup),
		CLAIM_V4(what_is_not_there_is_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
