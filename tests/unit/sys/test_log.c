// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/log: lines as they leave on stderr, captured through a pipe in its place. The time is checked
 * for its shape and cut off before lines are compared.
 */
#include "sys/log.h"

#include "sys/clock.h"
#include "sys_test.h"

#define KV_TIME   "time=2026-01-02T03:04:05.678Z "
#define JSON_TIME "{\"time\":\"2026-01-02T03:04:05.678Z\","

struct capture {
	int saved, read_end, write_end;
};

static void capture_begin(struct capture *c)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	c->read_end = ends[0];
	c->write_end = ends[1];
	c->saved = dup(STDERR_FILENO);
	assert_true(c->saved >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
}

static ssize_t capture_read(const struct capture *c, char *buf, size_t cap)
{
	ssize_t got = read(c->read_end, buf, cap - 1);

	buf[got > 0 ? got : 0] = '\0';
	return got;
}

static void capture_end(const struct capture *c)
{
	assert_int_equal(dup2(c->saved, STDERR_FILENO), STDERR_FILENO);
	close(c->saved);
	close(c->read_end);
	close(c->write_end);
}

/* The line behind its time, whose digits must be where the model has digits. */
static const char *behind_time(const char *line, const char *model)
{
	for (; *model != '\0'; model++, line++) {
		if (*model >= '0' && *model <= '9')
			assert_in_range(*line, '0', '9');
		else
			assert_int_equal(*line, *model);
	}
	return line;
}

#define expect_line(json, expected, ...)                                                           \
	do {                                                                                       \
		char line_[2 * LOG_LINE_BYTES];                                                    \
		struct capture c_;                                                                 \
		log_init(LOG_LEVEL_DEBUG, (json));                                                 \
		capture_begin(&c_);                                                                \
		__VA_ARGS__;                                                                       \
		(void)capture_read(&c_, line_, sizeof(line_));                                     \
		capture_end(&c_);                                                                  \
		assert_string_equal(behind_time(line_, (json) ? JSON_TIME : KV_TIME), (expected)); \
	} while (0)

static void kv_lines_carry_level_message_and_pairs(void **state)
{
	(void)state;
	expect_line(false, "level=info msg=\"bgp: peer up\" peer=tor1 address=192.0.2.1\n",
		    log_info("bgp: peer up", "peer=%s address=%s", "tor1", "192.0.2.1"));
	expect_line(false, "level=err msg=ready\n", log_err("ready", NULL));
	expect_line(false, "level=warn msg=a n=-3\n", log_warn("a", "n=%d", -3));
	expect_line(false, "level=debug msg=a empty=\"\" x=1\n", log_debug("a", "empty= x=%d", 1));
}

static void json_lines_are_one_object_of_strings(void **state)
{
	(void)state;
	expect_line(true,
		    "\"level\":\"info\",\"msg\":\"bgp: peer up\",\"peer\":\"tor1\",\"n\":\"7\"}\n",
		    log_info("bgp: peer up", "peer=%s n=%d", "tor1", 7));
	expect_line(true, "\"level\":\"warn\",\"msg\":\"a\"}\n", log_warn("a", NULL));
}

static void quoted_values_survive_in_both_formats(void **state)
{
	const char *nasty =
		"he said \"no\" \\ level=err\nforged=1\t\x1b[31m\x7f\xc3\xa9\xc2\xa7\xff\xc2\x9b";

	(void)state;
	expect_line(false,
		    "level=info msg=a reason=\"he said \\\"no\\\" \\\\ level=err\\nforged=1\\t"
		    "\\x1b[31m\\x7f\xc3\xa9\xc2\xa7\\xff\\xc2\\x9b\" b=2\n",
		    log_info("a", "reason=%s b=2", log_quote(nasty)));
	expect_line(
		true,
		"\"level\":\"info\",\"msg\":\"a\",\"reason\":\"he said \\\"no\\\" \\\\ level=err"
		"\\nforged=1\\t\\u001b[31m\\u007f\xc3\xa9\xc2\xa7\\ufffd\\ufffd\\ufffd\",\"b\":\"2\"}\n",
		log_info("a", "reason=%s b=2", log_quote(nasty)));
}

/* Whatever stands for an octet in a line of words is read back for the one of JSON. */
static void every_octet_that_is_no_character_is_told_in_both_formats(void **state)
{
	(void)state;
	for (unsigned octet = 1; octet < 0x80; octet++) {
		const char value[] = {'<', ' ', (char)octet, '>', '\0'};
		char kv[64], json[64];

		if ((octet >= 0x20 && octet < 0x7f) || octet == '\n' || octet == '\t')
			continue;
		snprintf(kv, sizeof(kv), "level=info msg=a b=\"< \\x%02x>\"\n", octet);
		snprintf(json, sizeof(json),
			 "\"level\":\"info\",\"msg\":\"a\",\"b\":\"< \\u%04x>\"}\n", octet);
		expect_line(false, kv, log_info("a", "b=%s", log_quote(value)));
		expect_line(true, json, log_info("a", "b=%s", log_quote(value)));
	}
}

static void a_value_somebody_forgot_to_quote_reaches_to_the_next_pair(void **state)
{
	(void)state;
	expect_line(false, "level=info msg=a reason=\"no such file\" b=2\n",
		    log_info("a", "reason=%s b=2", "no such file"));
	expect_line(true, "\"level\":\"info\",\"msg\":\"a\",\"text\":\"just words\"}\n",
		    log_info("a", "just words"));
}

static void quoting_leaves_plain_values_alone_and_cuts_long_ones(void **state)
{
	char small[8];
	const char *plain = "192.0.2.1:179";

	(void)state;
	assert_ptr_equal(log_quote_to((char[32]){0}, 32, plain), plain);
	assert_string_equal(log_quote_to(small, sizeof(small), "a b c d e f"), "\"a b c\"");
	assert_string_equal(log_quote_to(small, sizeof(small), "aaaa\n\n"), "\"aaaa\"");
	/* Nor does what comes later take the place where that did not fit. */
	assert_string_equal(log_quote_to(small, sizeof(small), "aaaa\nb"), "\"aaaa\"");
	assert_string_equal(log_quote_to(small, sizeof(small), NULL), "\"\"");
	assert_string_equal(log_quote_to(small, sizeof(small), "abcdefghijk"), "\"abcde\"");
}

static void lines_longer_than_a_pipe_takes_are_cut_and_stay_well_formed(void **state)
{
	static char value[3 * LOG_LINE_BYTES], line[2 * LOG_LINE_BYTES];
	struct capture c;

	(void)state;
	memset(value, '\n', sizeof(value) - 1);
	for (int json = 0; json < 2; json++) {
		log_init(LOG_LEVEL_INFO, json);
		capture_begin(&c);
		log_info("long", "a=%s b=1", value);
		ssize_t got = capture_read(&c, line, sizeof(line));
		capture_end(&c);
		assert_in_range(got, LOG_LINE_BYTES / 2, LOG_LINE_BYTES);
		assert_string_equal(line + got - (json ? 4 : 3), json ? "n\"}\n" : "n\"\n");
	}
}

static void less_urgent_lines_than_the_level_are_not_written(void **state)
{
	char line[64];
	struct capture c;

	(void)state;
	log_init(LOG_LEVEL_WARN, false);
	capture_begin(&c);
	log_info("a", NULL);
	log_debug("a", NULL);
	assert_int_equal(capture_read(&c, line, sizeof(line)), -1);
	log_warn("a", NULL);
	assert_true(capture_read(&c, line, sizeof(line)) > 0);
	capture_end(&c);
	assert_true(log_enabled(LOG_LEVEL_ERR));
	assert_false(log_enabled(LOG_LEVEL_INFO));
}

static void a_reader_that_does_not_read_costs_lines_and_no_time(void **state)
{
	static char all[1 << 20];
	char last[LOG_LINE_BYTES];
	struct capture c;

	(void)state;
	log_init(LOG_LEVEL_INFO, false);
	capture_begin(&c);
	/* As it is inherited from a shell: a blocking pipe. */
	assert_int_equal(fcntl(c.write_end, F_SETFL, 0), 0);
	nsec_t begin = clock_now();
	for (int i = 0; i < 20000; i++)
		log_info("a line of some length", "number=%d", i);
	nsec_t took = clock_now() - begin;
	(void)capture_read(&c, all, sizeof(all));
	log_info("last", NULL);
	(void)capture_read(&c, last, sizeof(last));
	capture_end(&c);
	/* It would wait without end; on a machine that is busy it may take seconds. */
	assert_true(took < 30 * NSEC_PER_SEC);
	assert_non_null(strstr(all, "number=0\n"));
	assert_null(strstr(all, "number=19999\n"));
	const char *dropped = strstr(last, "msg=last dropped=");
	assert_non_null(dropped);
	long n = strtol(dropped + strlen("msg=last dropped="), NULL, 10);
	size_t kept = 0;
	for (const char *at = all; (at = strchr(at, '\n')); at++)
		kept++;
	assert_int_equal(n + (long)kept, 20000);
}

static void logging_leaves_errno_alone(void **state)
{
	char line[256];
	struct capture c;

	(void)state;
	log_init(LOG_LEVEL_INFO, false);
	capture_begin(&c);
	close(STDERR_FILENO);
	errno = EXDEV;
	log_info("a", NULL);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(capture_read(&c, line, sizeof(line)), -1);
	capture_end(&c);
}

static void levels_are_parsed_by_name(void **state)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	(void)state;
	assert_true(log_level_parse("warn", &level) && level == LOG_LEVEL_WARN);
	assert_true(log_level_parse("warning", &level) && level == LOG_LEVEL_WARN);
	assert_true(log_level_parse("error", &level) && level == LOG_LEVEL_ERR);
	assert_true(log_level_parse("err", &level) && level == LOG_LEVEL_ERR);
	assert_true(log_level_parse("debug", &level) && level == LOG_LEVEL_DEBUG);
	assert_true(log_level_parse("info", &level) && level == LOG_LEVEL_INFO);
	assert_false(log_level_parse("loud", &level));
	assert_int_equal(level, LOG_LEVEL_INFO);
}

/* Whole lines, the latest last, as many as there is room for; what is for debugging is not kept. */
static void the_last_lines_are_kept(void **state)
{
	char value[LOG_VALUE_BYTES], first[32];
	struct strbuf out;
	struct capture c;
	unsigned n = 0;

	(void)state;
	log_init(LOG_LEVEL_DEBUG, false);
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	capture_begin(&c); /* nobody reads it */
	for (unsigned i = 0; i < 100; i++) {
		log_info("kept", "n=%u value=%s", i, value);
		log_debug("not kept", NULL);
	}
	capture_end(&c);
	strbuf_init(&out, 2 * LOG_KEPT_BYTES);
	log_recent(&out);
	assert_in_range(out.len, LOG_KEPT_BYTES - LOG_LINE_BYTES, LOG_KEPT_BYTES);
	assert_null(strstr(out.data, "not kept"));
	for (const char *at = out.data; (at = strstr(at, "msg=kept")); at++)
		n++;
	assert_in_range(n, 25, 32);
	snprintf(first, sizeof(first), " n=%u value", 100 - n);
	assert_non_null(strstr(out.data, first));
	assert_true(strstr(out.data, first) < strchr(out.data, '\n'));
	assert_non_null(strstr(out.data, " n=99 value"));
	assert_memory_equal(out.data, "time=", 5);
	assert_int_equal(out.data[out.len - 1], '\n');
	strbuf_done(&out);
	log_init(LOG_LEVEL_INFO, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kv_lines_carry_level_message_and_pairs),
		cmocka_unit_test(json_lines_are_one_object_of_strings),
		cmocka_unit_test(quoted_values_survive_in_both_formats),
		cmocka_unit_test(every_octet_that_is_no_character_is_told_in_both_formats),
		cmocka_unit_test(a_value_somebody_forgot_to_quote_reaches_to_the_next_pair),
		cmocka_unit_test(quoting_leaves_plain_values_alone_and_cuts_long_ones),
		cmocka_unit_test(lines_longer_than_a_pipe_takes_are_cut_and_stay_well_formed),
		cmocka_unit_test(less_urgent_lines_than_the_level_are_not_written),
		cmocka_unit_test(a_reader_that_does_not_read_costs_lines_and_no_time),
		cmocka_unit_test(logging_leaves_errno_alone),
		cmocka_unit_test(levels_are_parsed_by_name),
		cmocka_unit_test(the_last_lines_are_kept), /* last: lines are dropped */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
