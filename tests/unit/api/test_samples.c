// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sample set: every YAML block of the documents that users start from, each by itself. What is
 * expected of decoding, how many objects of which kind and which problems, is written down here;
 * what is expected of the plan stands beside the planner's tests.
 *
 * The texts are also cut off at every length and mutated: no input may do more than become
 * problems.
 */
#include "api/world.h"

#include "base/rng.h"
#include "unit/api/api_test.h"

static const struct sample {
	const char *name, *counts, *problems;
} samples[] = {
	{"S0-bgp-communities-01", "Community=1", ""},
	{"S0-bgp-communities-02", "IPAddressPool=1", ""},
	{"S0-bgp-communities-03", "BGPAdvertisement=1", ""},
	{"S0-bgp-communities-04", "Community=1", ""},
	{"S0-bgp-communities-05", "BGPAdvertisement=1", ""},
	{"S0-bgp-communities-06", "BGPAdvertisement=1 Community=1 IPAddressPool=1", ""},
	{"S0-bgp-communities-07", "BGPAdvertisement=1 Community=1 IPAddressPool=2", ""},
	{"S0-bgp-communities-08", "BGPPeer=2 Community=1", ""},
	{"S0-bgp-communities-09", "Community=1 IPAddressPool=1", ""},
	{"S0-bgp-communities-10",
	 "BGPAdvertisement=3 BGPPeer=2 BFDProfile=1 Community=2 IPAddressPool=3", ""},
	{"S0-bgp-communities-11", "Service=1",
	 "info DeprecatedAnnotation metadata.annotations[metallb.universe.tf/address-pool]:9"},
	{"S0-bgp-communities-12", "", "error NotAnObject line 6:6"},
	{"S1-bgp-production-01", "IPAddressPool=1", ""},
	{"S1-bgp-production-02", "IPAddressPool=2", ""},
	{"S1-bgp-production-03", "BGPPeer=1", ""},
	{"S1-bgp-production-04", "BGPPeer=1", ""},
	{"S1-bgp-production-05", "Secret=1", ""},
	{"S1-bgp-production-06", "BGPPeer=1", ""},
	{"S1-bgp-production-07", "BGPAdvertisement=1", ""},
	{"S1-bgp-production-08", "BGPAdvertisement=1", ""},
	{"S1-bgp-production-09", "BGPAdvertisement=1", ""},
	{"S1-bgp-production-10", "Community=3", ""},
	{"S1-bgp-production-11", "Community=1", ""},
	{"S1-bgp-production-12", "BGPAdvertisement=2", ""},
	{"S1-bgp-production-13",
	 "BGPAdvertisement=4 BGPPeer=4 BFDProfile=1 Community=4 IPAddressPool=1", ""},
	{"S1-bgp-production-14", "Service=1 foreign=1",
	 "info DeprecatedAnnotation metadata.annotations[metallb.universe.tf/address-pool]:33"},
	{"S1-bgp-production-15", "foreign=1", ""},
	{"S2-advanced-bgp-01", "IPAddressPool=1", ""},
	{"S2-advanced-bgp-02", "BGPAdvertisement=1", ""},
	{"S2-advanced-bgp-03", "BGPAdvertisement=1", ""},
	{"S2-advanced-bgp-04", "BGPPeer=1", ""},
	{"S2-advanced-bgp-05", "BGPAdvertisement=1", ""},
	{"S2-advanced-bgp-06", "BGPAdvertisement=1", ""},
	{"S2-advanced-bgp-07", "BGPPeer=1", ""},
	{"S2-advanced-bgp-08", "Community=1", ""},
	{"S2-advanced-bgp-09", "BGPAdvertisement=1", ""},
	{"S2-advanced-bgp-10", "BGPPeer=1", ""},
	{"S2-advanced-bgp-11", "BGPPeer=1 FRRConfiguration=1", ""},
	{"S2-advanced-bgp-12", "BGPPeer=1", ""},
	{"S3-local-preference-01", "BGPPeer=2", ""},
	{"S3-local-preference-02", "IPAddressPool=1", ""},
	{"S3-local-preference-03", "BGPAdvertisement=2", ""},
	{"S3-local-preference-04",
	 "BGPAdvertisement=2 BGPPeer=2 BFDProfile=1 Community=1 IPAddressPool=1", ""},
	{"S3-local-preference-05",
	 "BGPAdvertisement=2 BGPPeer=2 BFDProfile=1 Community=1 IPAddressPool=1", ""},
	{"S3-local-preference-06", "BGPAdvertisement=2 BGPPeer=2 IPAddressPool=1", ""},
	{"S3-local-preference-07", "BGPAdvertisement=2 BGPPeer=3 IPAddressPool=1", ""},
	{"S3-local-preference-08", "BGPAdvertisement=1", ""},
	{"S3-local-preference-09", "BGPAdvertisement=4 IPAddressPool=2", ""},
	{"S4-subset-of-peers-01", "BGPPeer=2", ""},
	{"S4-subset-of-peers-02", "IPAddressPool=2", ""},
	{"S4-subset-of-peers-03", "BGPAdvertisement=2", ""},
	{"S4-subset-of-peers-04", "BGPAdvertisement=1", ""},
};

static struct world *world_of(const char *name, const char *text, size_t len)
{
	struct world *w = world_new();

	world_put_source(w, name, text, len);
	return w;
}

static char *sample_text(const struct sample *s, size_t *ret_len)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	return read_file(arena_printf(arena, SAMPLES "%s.yaml", s->name), ret_len);
}

/* "BGPPeer=2 Community=1 foreign=1" */
static char *counts_text(const struct world *w)
{
	struct strbuf s;

	strbuf_init(&s, 4096);
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		size_t n = world_list(w, (enum api_kind)kind).n;

		if (n > 0)
			strbuf_printf(&s, "%s%s=%zu", s.len ? " " : "",
				      api_kind_text((enum api_kind)kind), n);
	}
	if (world_foreign(w) > 0)
		strbuf_printf(&s, "%sforeign=%zu", s.len ? " " : "", world_foreign(w));
	return s.data ? s.data : xstrdup("");
}

static void every_sample_loads_as_written_down(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_SIZE(samples), 52);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		size_t len;
		_cleanup_(freep) char *text = sample_text(&samples[i], &len);
		struct world *w = world_of(samples[i].name, text, len);
		_cleanup_(freep) char *counts = counts_text(w);
		_cleanup_(freep) char *problems = problems_text(world_problems(w));

		if (strcmp(counts, samples[i].counts) || strcmp(problems, samples[i].problems))
			print_error("in %s:\n", samples[i].name);
		assert_string_equal(counts, samples[i].counts);
		assert_string_equal(problems, samples[i].problems);
		world_free(w);
	}
}

/* The numbers of the documents themselves, so that nothing is lost in the table above. */
static void all_samples_together_hold_119_objects(void **state)
{
	static const size_t want[API_N_KINDS] = {
		[API_BGP_ADVERTISEMENT] = 39,
		[API_BGP_PEER] = 29,
		[API_IP_ADDRESS_POOL] = 22,
		[API_COMMUNITY] = 19,
		[API_BFD_PROFILE] = 4,
		[API_SERVICE] = 2,
		[API_SECRET] = 1,
		[API_FRR_CONFIGURATION] = 1,
	};
	size_t got[API_N_KINDS] = {0}, foreign = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		size_t len;
		_cleanup_(freep) char *text = sample_text(&samples[i], &len);
		struct world *w = world_of(samples[i].name, text, len);

		for (int kind = 0; kind < API_N_KINDS; kind++)
			got[kind] += world_list(w, (enum api_kind)kind).n;
		foreign += world_foreign(w);
		world_free(w);
	}
	for (int kind = 0; kind < API_N_KINDS; kind++)
		assert_int_equal(got[kind], want[kind]);
	assert_int_equal(foreign, 2); /* a Deployment and a ServiceMonitor */
}

static const struct sample *sample(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		if (strcmp(samples[i].name, name) == 0)
			return &samples[i];
	return NULL;
}

static struct world *load(const char *name)
{
	size_t len;
	_cleanup_(freep) char *text = sample_text(sample(name), &len);

	return world_of(name, text, len);
}

static void the_samples_mean_what_their_comments_say(void **state)
{
	struct world *w = load("S2-advanced-bgp-04");
	const struct api_object *o = world_list(w, API_BGP_PEER).items[0];

	(void)state;
	assert_int_equal(o->peer.port, 180);
	assert_int_equal(o->peer.node_selectors.n, 2);
	assert_int_equal(o->peer.node_selectors.items[0].n, 2);
	assert_string_equal(o->peer.node_selectors.items[1].terms[0].values[1], "hostB");
	world_free(w);

	w = load("S2-advanced-bgp-08");
	o = world_list(w, API_COMMUNITY).items[0];
	assert_string_equal(o->community.items[0].value, "1234:1");
	assert_string_equal(o->community.items[1].name, "NO_ADVERTISE");
	world_free(w);

	w = load("S1-bgp-production-05");
	o = world_find(w, API_SECRET, "metallb-system", "bgp-auth-secret");
	assert_int_equal(o->secret.items[0].len, strlen("your-secure-password"));
	assert_memory_equal(o->secret.items[0].data, "your-secure-password",
			    strlen("your-secure-password"));
	world_free(w);

	w = load("S0-bgp-communities-08");
	o = world_find(w, API_BGP_PEER, "metallb-system", "isp1-primary");
	assert_int_equal(o->peer.hold_s, 90);
	assert_int_equal(o->peer.keepalive_s, 30);
	assert_string_equal(o->peer.bfd_profile, "production-bfd");
	world_free(w);
}

/* Everything that reads a world, for the sanitizers to watch. */
static void read_world(const struct world *w)
{
	_cleanup_(freep) char *counts = counts_text(w);
	_cleanup_(freep) char *problems = problems_text(world_problems(w));

	assert_non_null(counts);
	assert_non_null(problems);
}

static void every_prefix_of_every_sample_is_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		size_t len;
		_cleanup_(freep) char *text = sample_text(&samples[i], &len);

		/* All lengths of short texts, every 7th of long ones. */
		for (size_t n = 0; n <= len; n += len > 1000 ? 7 : 1) {
			char *exact = xmalloc(n + 1); /* so that a read past the end is seen */
			struct world *w;

			memcpy(exact, text, n);
			exact = xrealloc(exact, n ? n : 1, 1);
			w = world_of("prefix", exact, n);
			read_world(w);
			world_free(w);
			free(exact);
		}
	}
}

/* Bytes that mean something to YAML come more often than others. */
static char random_byte(struct rng *rng)
{
	static const char special[] = ":-[]{},#&*!|>'\"%@`\n\t 0~\\";

	if (rng_below(rng, 2))
		return special[rng_below(rng, sizeof(special))];
	return (char)rng_below(rng, 256);
}

static void mutate(struct rng *rng, char *text, size_t *len)
{
	for (uint64_t n = 1 + rng_below(rng, 6); n > 0 && *len > 1; n--) {
		size_t at = rng_below(rng, *len);

		if (rng_below(rng, 4) == 0) {
			memmove(text + at, text + at + 1, *len - at - 1);
			--*len;
		} else {
			text[at] = random_byte(rng);
		}
	}
}

static void mutations_of_samples_are_survived(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 20);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		size_t len;
		_cleanup_(freep) char *text = sample_text(&samples[i], &len);

		for (int round = 0; round < 150; round++) {
			size_t n = len;
			char *mutant = xmalloc(len);
			struct world *w = world_of("mutant", text, len);

			memcpy(mutant, text, len);
			mutate(&rng, mutant, &n);
			world_put_source(w, "mutant", mutant, n); /* over the good version */
			read_world(w);
			world_free(w);
			free(mutant);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_loads_as_written_down),
		cmocka_unit_test(all_samples_together_hold_119_objects),
		cmocka_unit_test(the_samples_mean_what_their_comments_say),
		cmocka_unit_test(every_prefix_of_every_sample_is_survived),
		cmocka_unit_test(mutations_of_samples_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
