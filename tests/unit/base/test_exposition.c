// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Metrics as text: golden texts of both formats, what clients ask for, and random families that a
 * strict parser of the grammar reads back as they were written.
 */
#include "base/exposition.h"
#include "base/rng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_TEXT (1u << 20)

static const nsec_t bounds[] = {NSEC_PER_MSEC, NSEC_PER_SEC, 2500 * NSEC_PER_MSEC};

static const struct metric_family updates = {
	.name = "x_updates", .type = METRIC_COUNTER, .help = "Sent.", .labels = {"peer", "vrf"}};
static const struct metric_family named = {
	.name = "y_opens_sent", .type = METRIC_NAMED_COUNTER, .help = "Opens.", .labels = {"peer"}};
static const struct metric_family uptime = {
	.name = "x_uptime_seconds", .type = METRIC_GAUGE, .unit = "seconds", .help = "Since."};
static const struct metric_family build = {
	.name = "x_build", .type = METRIC_INFO, .help = "What it is.", .labels = {"version"}};
static const struct metric_family plan = {.name = "x_plan_seconds",
					  .type = METRIC_HISTOGRAM,
					  .unit = "seconds",
					  .help = "How long.",
					  .labels = {"what"}};

static void sample(struct strbuf *out, const struct metric_family *f, const char *const *values,
		   uint64_t value)
{
	struct strbuf labels;

	strbuf_init(&labels, MAX_TEXT);
	exposition_labels(&labels, f, values);
	exposition_sample(out, f, labels.data ? labels.data : "", value);
	strbuf_done(&labels);
}

static void write_all(struct strbuf *out, enum exposition_format format)
{
	struct histogram h = histogram_of(bounds, 3);
	struct strbuf labels;

	exposition_family(out, format, &updates);
	sample(out, &updates, (const char *[]){"192.0.2.1:179", "default"}, 7);
	sample(out, &updates, (const char *[]){"[2001:db8::1]:179", "red"}, UINT64_MAX);
	exposition_family(out, format, &named);
	sample(out, &named, (const char *[]){"a"}, 0);
	exposition_family(out, format, &uptime);
	sample(out, &uptime, NULL, 90 * NSEC_PER_SEC + 50 * NSEC_PER_MSEC);
	exposition_family(out, format, &build);
	sample(out, &build, (const char *[]){"0.1.0"}, 1);
	exposition_family(out, format, &plan);
	histogram_add(&h, 0);
	histogram_add(&h, NSEC_PER_MSEC);
	histogram_add(&h, NSEC_PER_MSEC + 1);
	histogram_add(&h, 3 * NSEC_PER_SEC);
	strbuf_init(&labels, MAX_TEXT);
	exposition_labels(&labels, &plan, (const char *[]){"all"});
	exposition_histogram(out, &plan, labels.data, &h);
	strbuf_done(&labels);
	exposition_end(out, format);
}

static void plain_text_is_as_prometheus_reads_it(void **state)
{
	struct strbuf out;

	(void)state;
	strbuf_init(&out, MAX_TEXT);
	write_all(&out, EXPOSITION_TEXT);
	assert_string_equal(
		out.data,
		"# HELP x_updates_total Sent.\n"
		"# TYPE x_updates_total counter\n"
		"x_updates_total{peer=\"192.0.2.1:179\",vrf=\"default\"} 7\n"
		"x_updates_total{peer=\"[2001:db8::1]:179\",vrf=\"red\"} 18446744073709551615\n"
		"# HELP y_opens_sent Opens.\n"
		"# TYPE y_opens_sent counter\n"
		"y_opens_sent{peer=\"a\"} 0\n"
		"# HELP x_uptime_seconds Since.\n"
		"# TYPE x_uptime_seconds gauge\n"
		"x_uptime_seconds 90.05\n"
		"# HELP x_build_info What it is.\n"
		"# TYPE x_build_info gauge\n"
		"x_build_info{version=\"0.1.0\"} 1\n"
		"# HELP x_plan_seconds How long.\n"
		"# TYPE x_plan_seconds histogram\n"
		"x_plan_seconds_bucket{what=\"all\",le=\"0.001\"} 2\n"
		"x_plan_seconds_bucket{what=\"all\",le=\"1.0\"} 3\n"
		"x_plan_seconds_bucket{what=\"all\",le=\"2.5\"} 3\n"
		"x_plan_seconds_bucket{what=\"all\",le=\"+Inf\"} 4\n"
		"x_plan_seconds_sum{what=\"all\"} 3.002000001\n"
		"x_plan_seconds_count{what=\"all\"} 4\n");
	strbuf_done(&out);
}

static void openmetrics_names_families_and_ends(void **state)
{
	struct strbuf out;

	(void)state;
	strbuf_init(&out, MAX_TEXT);
	write_all(&out, EXPOSITION_OPENMETRICS);
	assert_string_equal(
		out.data,
		"# HELP x_updates Sent.\n"
		"# TYPE x_updates counter\n"
		"x_updates_total{peer=\"192.0.2.1:179\",vrf=\"default\"} 7\n"
		"x_updates_total{peer=\"[2001:db8::1]:179\",vrf=\"red\"} 18446744073709551615\n"
		"# HELP y_opens_sent Opens.\n"
		"# TYPE y_opens_sent unknown\n"
		"y_opens_sent{peer=\"a\"} 0\n"
		"# HELP x_uptime_seconds Since.\n"
		"# TYPE x_uptime_seconds gauge\n"
		"# UNIT x_uptime_seconds seconds\n"
		"x_uptime_seconds 90.05\n"
		"# HELP x_build What it is.\n"
		"# TYPE x_build info\n"
		"x_build_info{version=\"0.1.0\"} 1\n"
		"# HELP x_plan_seconds How long.\n"
		"# TYPE x_plan_seconds histogram\n"
		"# UNIT x_plan_seconds seconds\n"
		"x_plan_seconds_bucket{what=\"all\",le=\"0.001\"} 2\n"
		"x_plan_seconds_bucket{what=\"all\",le=\"1.0\"} 3\n"
		"x_plan_seconds_bucket{what=\"all\",le=\"2.5\"} 3\n"
		"x_plan_seconds_bucket{what=\"all\",le=\"+Inf\"} 4\n"
		"x_plan_seconds_sum{what=\"all\"} 3.002000001\n"
		"x_plan_seconds_count{what=\"all\"} 4\n"
		"# EOF\n");
	strbuf_done(&out);
}

static void a_histogram_needs_no_labels(void **state)
{
	static const struct metric_family f = {.name = "x_turn_seconds",
					       .type = METRIC_HISTOGRAM,
					       .unit = "seconds",
					       .help = "Turns."};
	struct histogram h = histogram_of(bounds, 1);
	struct strbuf out;

	(void)state;
	histogram_add(&h, 5);
	assert_int_equal(histogram_count(&h), 1);
	strbuf_init(&out, MAX_TEXT);
	exposition_histogram(&out, &f, "", &h);
	assert_string_equal(out.data, "x_turn_seconds_bucket{le=\"0.001\"} 1\n"
				      "x_turn_seconds_bucket{le=\"+Inf\"} 1\n"
				      "x_turn_seconds_sum 0.000000005\n"
				      "x_turn_seconds_count 1\n");
	strbuf_done(&out);
}

/* --- which format ----------------------------------------------------------------------------- */

static void clients_get_what_they_ask_for(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format want;
	} cases[] = {
		{NULL, EXPOSITION_TEXT},
		{"", EXPOSITION_TEXT},
		{"*/*", EXPOSITION_TEXT},
		{"text/html", EXPOSITION_TEXT},
		{"text/plain;version=0.0.4", EXPOSITION_TEXT},
		{"application/openmetrics-text", EXPOSITION_OPENMETRICS},
		{"Application/OpenMetrics-Text ; Version=1.0.0", EXPOSITION_OPENMETRICS},
		{"application/openmetrics-text;version=2.0.0", EXPOSITION_TEXT},
		{"application/openmetrics-text;version=0.0.1,text/plain;q=0.1", EXPOSITION_TEXT},
		/* Prometheus */
		{"application/openmetrics-text;version=1.0.0;q=0.75,"
		 "application/openmetrics-text;version=0.0.1;q=0.5,"
		 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 EXPOSITION_OPENMETRICS},
		{"text/plain, application/openmetrics-text", EXPOSITION_TEXT},
		{"text/plain;q=0.9, application/openmetrics-text;q=0.8", EXPOSITION_TEXT},
		{"text/plain;q=0.8,\tapplication/openmetrics-text; q=0.801 ",
		 EXPOSITION_OPENMETRICS},
		{"text/*;q=0.2,application/openmetrics-text;q=0.1", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=0", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=much", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=7", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=10", EXPOSITION_TEXT},
		{"application/openmetrics-text;q=1", EXPOSITION_OPENMETRICS},
		{",;,;=,", EXPOSITION_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (exposition_choose(cases[i].accept) != cases[i].want)
			fail_msg("Accept: %s", cases[i].accept ? cases[i].accept : "(none)");
	assert_non_null(strstr(exposition_content_type(EXPOSITION_TEXT), "version=0.0.4"));
	assert_non_null(strstr(exposition_content_type(EXPOSITION_OPENMETRICS), "openmetrics"));
}

/* --- labels ----------------------------------------------------------------------------------- */

static void wrong_octets_become_question_marks(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{"", ""},
		{"a\\b\"c\nd", "a\\\\b\\\"c\\nd"},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"\x80", "?"},
		{"a\xc3", "a?"},                  /* cut short */
		{"\xe2\x82", "??"},               /* likewise */
		{"\xc3\"", "?\\\""},              /* the quote is not swallowed */
		{"\xc0\xaf", "??"},               /* longer than need be */
		{"\xe0\x80\xaf", "???"},          /* likewise */
		{"\xf0\x80\x80\x80", "????"},     /* likewise */
		{"\xed\xa0\x80", "???"},          /* half of a UTF-16 pair */
		{"\xed\x9f\xbf", "\xed\x9f\xbf"}, /* the last one before these */
		{"\xf4\x90\x80\x80", "????"},     /* beyond Unicode */
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
		{"\xe0\xa0\x80\xf0\x90\x80\x80", "\xe0\xa0\x80\xf0\x90\x80\x80"},
		{"\xf5\x80\x80\x80", "????"},
	};
	static const struct metric_family f = {.name = "f", .help = "F.", .labels = {"l"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char want[64];
		struct strbuf out;

		snprintf(want, sizeof(want), "{l=\"%s\"}", cases[i].want);
		strbuf_init(&out, MAX_TEXT);
		exposition_labels(&out, &f, &cases[i].value);
		if (strcmp(out.data, want) != 0)
			fail_msg("case %zu", i);
		strbuf_done(&out);
	}
}

/* --- reading back ------------------------------------------------------------------------------
 * Strict: what the grammars do not allow fails the test.
 */

static void expect(const char **at, const char *text)
{
	if (strncmp(*at, text, strlen(text)) != 0)
		fail_msg("expected %s at: %.60s", text, *at);
	*at += strlen(text);
}

/* [a-zA-Z_:][a-zA-Z0-9_:]* */
static void read_name(const char **at, char *ret, size_t cap)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789";
	const size_t len = strspn(*at, letters);

	assert_true(len > 0 && len < cap && !strchr("0123456789", **at));
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at += len;
}

static void read_value(const char **at, char *ret, size_t cap)
{
	size_t len = 0;

	expect(at, "\"");
	while (**at != '"') {
		assert_true(**at != '\0' && **at != '\n' && len + 1 < cap);
		if (**at == '\\') {
			++*at;
			assert_true(**at == '\\' || **at == '"' || **at == 'n');
			ret[len++] = **at == 'n' ? '\n' : **at;
			++*at;
		} else {
			ret[len++] = *(*at)++;
		}
	}
	++*at;
	ret[len] = '\0';
}

static uint64_t read_number(const char **at)
{
	char *end;
	uint64_t v;

	assert_true(**at >= '0' && **at <= '9');
	v = strtoull(*at, &end, 10);
	*at = end;
	return v;
}

static nsec_t read_seconds(const char **at)
{
	nsec_t v = read_number(at) * NSEC_PER_SEC, digit = NSEC_PER_SEC / 10;

	expect(at, ".");
	assert_true(**at >= '0' && **at <= '9');
	for (; **at >= '0' && **at <= '9'; ++*at, digit /= 10)
		v += (nsec_t)(**at - '0') * digit;
	return v;
}

struct written {
	struct metric_family family;
	char name[40], labels[METRIC_LABELS][24], values[4][METRIC_LABELS][24];
	uint64_t samples[4];
	struct histogram histograms[4];
	size_t n;
};

static const char *suffix(const struct metric_family *f)
{
	return f->type == METRIC_COUNTER ? "_total" : f->type == METRIC_INFO ? "_info" : "";
}

static void read_labels(const char **at, const struct written *w, size_t i, bool is_bucket)
{
	char name[64], value[64];
	size_t n = 0;

	for (; w->family.labels[n]; n++) {
		expect(at, n == 0 ? "{" : ",");
		read_name(at, name, sizeof(name));
		assert_string_equal(name, w->labels[n]);
		expect(at, "=");
		read_value(at, value, sizeof(value));
		assert_string_equal(value, w->values[i][n]);
	}
	if (is_bucket)
		expect(at, n == 0 ? "{le=\"" : ",le=\"");
	else if (n > 0)
		expect(at, "}");
}

static void read_histogram(const char **at, const struct written *w, size_t i)
{
	const struct histogram *h = &w->histograms[i];
	uint64_t count = 0;

	for (size_t b = 0; b <= h->n; b++) {
		expect(at, w->name);
		expect(at, "_bucket");
		read_labels(at, w, i, true);
		if (b < h->n)
			assert_int_equal(read_seconds(at), h->bounds[b]);
		else
			expect(at, "+Inf");
		expect(at, "\"} ");
		count += h->counts[b];
		assert_int_equal(read_number(at), count);
		expect(at, "\n");
	}
	expect(at, w->name);
	expect(at, "_sum");
	read_labels(at, w, i, false);
	expect(at, " ");
	assert_int_equal(read_seconds(at), h->sum);
	expect(at, "\n");
	expect(at, w->name);
	expect(at, "_count");
	read_labels(at, w, i, false);
	expect(at, " ");
	assert_int_equal(read_number(at), count);
	expect(at, "\n");
}

static void read_family(const char **at, const struct written *w, enum exposition_format format)
{
	const char *after = format == EXPOSITION_TEXT ? suffix(&w->family) : "";

	expect(at, "# HELP ");
	expect(at, w->name);
	expect(at, after);
	expect(at, " Help.\n# TYPE ");
	expect(at, w->name);
	expect(at, after);
	*at = strchr(*at, '\n') + 1;
	if (format == EXPOSITION_OPENMETRICS && w->family.unit) {
		expect(at, "# UNIT ");
		expect(at, w->name);
		expect(at, " seconds\n");
	}
	for (size_t i = 0; i < w->n; i++) {
		if (w->family.type == METRIC_HISTOGRAM) {
			read_histogram(at, w, i);
			continue;
		}
		expect(at, w->name);
		expect(at, suffix(&w->family));
		read_labels(at, w, i, false);
		expect(at, " ");
		assert_int_equal(w->family.unit ? read_seconds(at) : read_number(at),
				 w->samples[i]);
		expect(at, "\n");
	}
}

/* ASCII alone, since nothing else comes back as it was; escapes often. */
static void make_value(struct rng *rng, char ret[24])
{
	static const char often[] = "\\\"\n{},= ";
	const size_t len = rng_below(rng, 23);

	for (size_t i = 0; i < len; i++)
		ret[i] = rng_below(rng, 2) ? often[rng_below(rng, sizeof(often) - 1)]
					   : (char)(1 + rng_below(rng, 127));
	ret[len] = '\0';
}

/* Times that a text holds have room for a sum of them. */
static uint64_t make_number(struct rng *rng, bool is_time)
{
	return rng_next(rng) >> (is_time ? 4 + rng_below(rng, 60) : rng_below(rng, 64));
}

static void make_family(struct rng *rng, struct written *w, size_t number)
{
	const size_t n_labels = rng_below(rng, METRIC_LABELS + 1);

	*w = (struct written){.n = rng_below(rng, 5)};
	snprintf(w->name, sizeof(w->name), "f%zu_seconds", number);
	w->family = (struct metric_family){
		.name = w->name,
		.help = "Help.",
		.type = (enum metric_type)rng_below(rng, METRIC_INFO + 1),
	};
	if (w->family.type == METRIC_HISTOGRAM ||
	    (w->family.type != METRIC_INFO && rng_below(rng, 2)))
		w->family.unit = "seconds";
	for (size_t l = 0; l < n_labels; l++) {
		snprintf(w->labels[l], sizeof(w->labels[l]), "l%zu", l);
		w->family.labels[l] = w->labels[l];
	}
	for (size_t i = 0; i < w->n; i++) {
		for (size_t l = 0; l < n_labels; l++)
			make_value(rng, w->values[i][l]);
		w->samples[i] = w->family.type == METRIC_INFO
					? 1
					: make_number(rng, w->family.unit != NULL);
		w->histograms[i] = histogram_of(bounds, rng_below(rng, 4));
		for (size_t k = rng_below(rng, 6); k > 0; k--)
			histogram_add(&w->histograms[i], make_number(rng, true) >> 4);
	}
}

static void write_family(struct strbuf *out, const struct written *w, enum exposition_format format)
{
	exposition_family(out, format, &w->family);
	for (size_t i = 0; i < w->n; i++) {
		const char *values[METRIC_LABELS];
		struct strbuf labels;
		const char *text;

		for (size_t l = 0; l < METRIC_LABELS; l++)
			values[l] = w->values[i][l];
		strbuf_init(&labels, MAX_TEXT);
		exposition_labels(&labels, &w->family, values);
		text = labels.data ? labels.data : "";
		if (w->family.type == METRIC_HISTOGRAM)
			exposition_histogram(out, &w->family, text, &w->histograms[i]);
		else
			exposition_sample(out, &w->family, text, w->samples[i]);
		strbuf_done(&labels);
	}
}

static void what_is_written_is_read_back(void **state)
{
	struct written families[4];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 17);
	for (int round = 0; round < 5000; round++) {
		const enum exposition_format format = (enum exposition_format)(round % 2);
		const size_t n = rng_below(&rng, 5);
		const char *at;
		struct strbuf out;

		strbuf_init(&out, MAX_TEXT);
		for (size_t i = 0; i < n; i++) {
			make_family(&rng, &families[i], i);
			write_family(&out, &families[i], format);
		}
		exposition_end(&out, format);
		at = out.data ? out.data : "";
		for (size_t i = 0; i < n; i++)
			read_family(&at, &families[i], format);
		if (format == EXPOSITION_OPENMETRICS)
			expect(&at, "# EOF\n");
		assert_string_equal(at, "");
		assert_false(out.truncated);
		strbuf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_is_as_prometheus_reads_it),
		cmocka_unit_test(openmetrics_names_families_and_ends),
		cmocka_unit_test(a_histogram_needs_no_labels),
		cmocka_unit_test(clients_get_what_they_ask_for),
		cmocka_unit_test(wrong_octets_become_question_marks),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
