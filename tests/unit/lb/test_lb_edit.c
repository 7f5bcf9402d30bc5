// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a reader sees in the middle of a put: one thread changes services as an agent does, another
 * looks up as the programs do, all the time. Each service has backends in a network of its own, so
 * a torn or early reused word shows as a backend of somebody else.
 */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>

#define N_SERVICES 6
#define N_TARGETS  40
#define ROWS       256
#define PORT       80

struct shared {
	struct fixture x;
	bool stop;
	uint64_t n_reads;
	const char *wrong; /* what the reader found, NULL = nothing */
};

static uint32_t network_of(uint32_t service)
{
	return 0x0a000000 + (service << 16);
}

static struct lb_key key_of_service(uint32_t service)
{
	return key_of(0xc0000201 + service, PORT);
}

/* The backend was retired between the read of the row and of its state: then the row is new, too.
 */
static bool row_has_changed(const uint64_t *slot, uint64_t row)
{
	return (__atomic_load_n(slot, __ATOMIC_ACQUIRE) | LB_ROW_UNSETTLED) !=
	       (row | LB_ROW_UNSETTLED);
}

static const char *read_candidate(struct shared *s, uint32_t service, uint64_t live, uint32_t at)
{
	uint64_t *slot = reader_row(&s->x, live, at);
	uint64_t row = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

	for (unsigned k = 0; k < LB_CANDIDATES; k++) {
		const struct lb_backend *be;
		struct ip_addr addr;

		if (lb_row_candidate(row, k) == LB_ROW_NONE)
			return k ? NULL : "a row without a first candidate";
		be = reader_backend(&s->x, reader_index(live, row, k));
		if (!reader_in_use(be) && !row_has_changed(slot, row))
			return "a backend that is not in use";
		memcpy(addr.b, be->addr, sizeof(addr.b));
		if ((ip_addr_v4(&addr) & 0xffff0000) != network_of(service))
			return "a backend of another service";
	}
	return NULL;
}

static void *reader(void *arg)
{
	struct shared *s = arg;
	struct rng rng;

	rng_seed(&rng, 99);
	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE) && !s->wrong) {
		uint32_t service = (uint32_t)rng_below(&rng, N_SERVICES);
		struct lb_key key = key_of_service(service);
		uint64_t live;

		if (!reader_find(&s->x, &key, &live))
			s->wrong = "a service out of sight";
		else
			s->wrong =
				read_candidate(s, service, live, (uint32_t)rng_below(&rng, ROWS));
		__atomic_fetch_add(&s->n_reads, 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE); /* also when something was wrong */
	return NULL;
}

/* At least one backend always; they come, drain and go, and regions grow now and then. */
static void put_random(struct shared *s, struct rng *rng, uint32_t service, uint32_t most)
{
	struct lb_target targets[N_TARGETS];
	struct lb_frontend f;
	size_t n = 0;

	for (uint32_t i = 1; i <= most; i++)
		if (i == 1 + service || rng_below(rng, 2))
			targets[n++] =
				target_of_v4(network_of(service) + i, 8080, rng_below(rng, 5) != 0);
	f = frontend_of(key_of_service(service), targets, n);
	assert_int_equal(fixture_put(&s->x, &f), 0);
}

/* Time goes on only when a read that began after the last puts has ended: as a rest ensures. */
static void pass_time(struct shared *s)
{
	uint64_t since = __atomic_load_n(&s->n_reads, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&s->n_reads, __ATOMIC_ACQUIRE) < since + 2 &&
	       !__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
		sched_yield();
	fixture_at(&s->x, s->x.c.now + LB_REST_NS / 8);
}

static void a_reader_always_finds_a_backend_of_the_service_it_asked_for(void **state)
{
	static struct shared s;
	struct rng rng;
	pthread_t thread;

	(void)state;
	fixture_init(&s.x);
	rng_seed(&rng, 5);
	fixture_add_chunk(&s.x, LB_NEED_ROWS_CHUNK);
	for (uint32_t i = 0; i < N_SERVICES; i++)
		put_random(&s, &rng, i, 10);
	assert_int_equal(pthread_create(&thread, NULL, reader, &s), 0);
	for (unsigned i = 0; i < 6000; i++) {
		uint32_t service = (uint32_t)rng_below(&rng, N_SERVICES);

		if (i % 64 == 0)
			pass_time(&s);
		put_random(&s, &rng, service, 10 + i * 30 / 6000);
		lb_tables_tick(s.x.t, &s.x.c);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	if (s.wrong)
		fail_msg("after %lu reads: %s", (unsigned long)s.n_reads, s.wrong);
	assert_true(s.n_reads > 1000);
	fixture_done(&s.x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_always_finds_a_backend_of_the_service_it_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
