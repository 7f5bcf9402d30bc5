// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The parsers of api/scalar.h. Each reads one NUL-terminated string once, from left to right, with
 * every addition checked against overflow; none allocates but the base64 decoder, whose result is
 * never longer than its input.
 */
#include "api/scalar.h"

#include "base/nsec.h"

#include <assert.h>

#define LEN_DATE_TIME 19 /* "2024-01-02T03:04:05" */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Most texts are none of them, and this is asked of all: the first character first. */
static bool is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[0] == words[i][0] && strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static const char *skip_digits(const char *at)
{
	return at + strspn(at, "0123456789");
}

static bool is_int(const char *text)
{
	static const char octal[] = "01234567", hex[] = "0123456789abcdefABCDEF";

	if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
		const char *digits = text[1] == 'o' ? octal : hex;

		return text[2] && text[2 + strspn(text + 2, digits)] == '\0';
	}
	text += *text == '-' || *text == '+';
	return is_digit(*text) && *skip_digits(text) == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(const char *text)
{
	const char *at = text + (*text == '-' || *text == '+');
	const char *whole = at;

	at = skip_digits(at);
	bool has_digits = at > whole;

	if (*at == '.') {
		const char *fraction = ++at;

		at = skip_digits(at);
		has_digits |= at > fraction;
	}
	if (!has_digits)
		return false;
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '-' || *at == '+';
		if (!is_digit(*at))
			return false;
		at = skip_digits(at);
	}
	return *at == '\0';
}

bool api_parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
					  "y",    "Y",    "on",   "On",  "ON"};
	static const char *const no[] = {"false", "False", "FALSE", "no",  "No", "NO",
					 "n",     "N",     "off",   "Off", "OFF"};
	bool value = is_one_of(text, yes, ARRAY_SIZE(yes));

	if (!value && !is_one_of(text, no, ARRAY_SIZE(no)))
		return false;
	*ret = value;
	return true;
}

enum api_scalar api_scalar_of(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	static const char *const special[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
					      "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN"};
	bool ignored;

	if (is_one_of(text, nulls, ARRAY_SIZE(nulls)))
		return API_SCALAR_NULL;
	if (api_parse_bool(text, &ignored))
		return API_SCALAR_BOOL;
	if (is_int(text))
		return API_SCALAR_INT;
	if (is_float(text) || is_one_of(text, special, ARRAY_SIZE(special)))
		return API_SCALAR_FLOAT;
	return API_SCALAR_TEXT;
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

bool api_parse_int(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	int64_t value = 0;
	int base = 10;

	if (!is_int(text))
		return false;
	text += *text == '-' || *text == '+';
	if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
		base = text[1] == 'o' ? 8 : 16;
		text += 2;
	} else if (text[0] == '0' && text[1]) {
		return false;
	}
	for (; *text; text++)
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit_value(*text), &value))
			return false;
	*ret = negative ? -value : value;
	return true;
}

struct unit {
	const char *name;
	uint64_t ns;
};

/* The unit at the start of text; longer names first, since "m" begins "ms". */
static const struct unit *unit_at(const char *text)
{
	static const struct unit units[] = {
		{"ns", 1},
		{"us", NSEC_PER_USEC},
		{"\xc2\xb5s", NSEC_PER_USEC}, /* micro sign */
		{"\xce\xbcs", NSEC_PER_USEC}, /* Greek mu */
		{"ms", NSEC_PER_MSEC},
		{"s", NSEC_PER_SEC},
		{"m", 60 * NSEC_PER_SEC},
		{"h", 3600 * NSEC_PER_SEC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
			return &units[i];
	return NULL;
}

/* Digits as a number; false if there is none or it does not fit. */
static bool take_number(const char **at, uint64_t *ret)
{
	uint64_t value = 0;
	const char *start = *at;

	for (; is_digit(**at); (*at)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**at - '0'), &value))
			return false;
	*ret = value;
	return *at > start;
}

/* One "1.5h" of a duration. */
static bool take_part(const char **at, uint64_t *total)
{
	const char *fraction = "";
	uint64_t number = 0;
	bool has_whole = **at != '.';

	if (has_whole && !take_number(at, &number))
		return false;
	if (**at == '.') {
		fraction = ++*at;
		*at = skip_digits(*at);
		if (!has_whole && *at == fraction)
			return false;
	}
	const struct unit *unit = unit_at(*at);

	if (!unit)
		return false;
	*at += strlen(unit->name);
	if (__builtin_mul_overflow(number, unit->ns, &number) ||
	    __builtin_add_overflow(*total, number, total) || *total > INT64_MAX)
		return false;
	assert(*total <= UINT64_MAX - unit->ns); /* a fraction is less than one */
	for (uint64_t scale = unit->ns / 10; is_digit(*fraction) && scale > 0; scale /= 10)
		*total += (uint64_t)(*fraction++ - '0') * scale;
	return true;
}

bool api_parse_duration(const char *text, int64_t *ret_ns)
{
	bool negative = *text == '-';
	uint64_t total = 0;

	text += *text == '-' || *text == '+';
	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return true;
	}
	if (!*text)
		return false;
	while (*text)
		if (!take_part(&text, &total))
			return false;
	if (total > INT64_MAX)
		return false;
	*ret_ns = negative ? -(int64_t)total : (int64_t)total;
	return true;
}

/* n digits as a number, -1 if they are not all digits. */
static int digits(const char *at, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (!is_digit(at[i]))
			return -1;
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar, counted in years from March. */
static int64_t days_from_date(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	assert(day_of_year >= 0 && day_of_year < 366);
	assert(day_of_era >= 0 && day_of_era < 146097);
	return era * 146097 + day_of_era - 719468;
}

static bool is_in(int value, int min, int max)
{
	return value >= min && value <= max;
}

/* "Z", "+01:00": seconds east of Greenwich. */
static bool parse_zone(const char *at, int64_t *ret)
{
	if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0) {
		*ret = 0;
		return true;
	}
	if ((*at != '+' && *at != '-') || strlen(at) != 6 || at[3] != ':')
		return false;
	int hour = digits(at + 1, 2), minute = digits(at + 4, 2);

	if (!is_in(hour, 0, 23) || !is_in(minute, 0, 59))
		return false;
	*ret = (*at == '-' ? -60 : 60) * (hour * 60 + minute);
	return true;
}

bool api_parse_time(const char *text, int64_t *ret_s)
{
	if (strlen(text) <= LEN_DATE_TIME || text[4] != '-' || text[7] != '-' ||
	    (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':')
		return false;
	int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
	int hour = digits(text + 11, 2), minute = digits(text + 14, 2), s = digits(text + 17, 2);
	const char *rest = text + LEN_DATE_TIME;
	int64_t east;

	if (*rest == '.') {
		if (!is_digit(rest[1]))
			return false;
		rest = skip_digits(rest + 1);
	}
	if (year < 0 || !is_in(month, 1, 12) || !is_in(day, 1, 31) || !is_in(hour, 0, 23) ||
	    !is_in(minute, 0, 59) || !is_in(s, 0, 60) || !parse_zone(rest, &east))
		return false;
	*ret_s = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + s - east;
	return true;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

bool api_parse_base64(struct arena *arena, const char *text, uint8_t **ret, size_t *ret_len)
{
	uint8_t *out = arena_alloc(arena, strlen(text) / 4 * 3 + 3, 1);
	size_t len = 0, n = 0, n_pad = 0;
	uint32_t group = 0; /* 24 bits of it; older ones are shifted out */

	for (; *text; text++) {
		if (*text == '\n' || *text == '\r')
			continue;
		int value = base64_value(*text);

		n_pad += *text == '=';
		if ((value < 0 && *text != '=') || (value >= 0 && n_pad > 0))
			return false;
		group = group << 6 | (uint32_t)(value < 0 ? 0 : value);
		if (++n % 4 > 0)
			continue;
		out[len++] = (uint8_t)(group >> 16);
		out[len++] = (uint8_t)(group >> 8);
		out[len++] = (uint8_t)group;
	}
	if (n % 4 > 0 || n_pad > 2)
		return false;
	assert(n_pad <= len && len == n / 4 * 3);
	*ret = out;
	*ret_len = len - n_pad;
	return true;
}
