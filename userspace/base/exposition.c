// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * There may be tens of thousands of samples in a text, so these are put together without printf.
 */
#include "base/exposition.h"

#include <assert.h>
#include <ctype.h>
#include <strings.h>

#define ONE   1000u /* a quality of 1 */
#define DIGIT 20    /* octets of a 64-bit number */

/* --- which format ----------------------------------------------------------------------------- */

static const char *const content_types[] = {
	[EXPOSITION_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

const char *exposition_content_type(enum exposition_format format)
{
	assert((size_t)format < ARRAY_SIZE(content_types));
	return content_types[format];
}

/* Text without the blanks around it. */
struct piece {
	const char *at;
	size_t len;
};

static struct piece trimmed(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct piece){at, (size_t)(end - at)};
}

/* Up to the next `until` or the end; *at is behind it then. False: nothing is left. */
static bool next_piece(const char **at, const char *end, char until, struct piece *ret)
{
	const char *stop;

	if (*at > end)
		return false;
	stop = memchr(*at, until, (size_t)(end - *at));
	if (!stop)
		stop = end;
	*ret = trimmed(*at, stop);
	*at = stop + 1;
	return true;
}

static bool piece_is(const struct piece *p, const char *text)
{
	return p->len == strlen(text) && strncasecmp(p->at, text, p->len) == 0;
}

static bool piece_begins(struct piece *p, const char *text)
{
	const size_t len = strlen(text);

	if (p->len < len || strncasecmp(p->at, text, len) != 0)
		return false;
	p->at += len;
	p->len -= len;
	return true;
}

/* "0.75" in thousandths; what is no quality counts as 0. */
static unsigned quality_of(const struct piece *p)
{
	unsigned ret = 0, weight = ONE;

	for (size_t i = 0; i < p->len && weight > 0; i++) {
		if (i == 1 && p->at[i] == '.')
			continue;
		if (!isdigit((unsigned char)p->at[i]) || (i > 0 && p->at[1] != '.'))
			return 0;
		ret += (unsigned)(p->at[i] - '0') * weight;
		weight /= 10;
	}
	return ret > ONE ? 0 : ret;
}

/* One item of Accept: how much it wants each format. */
static void weigh(struct piece item, unsigned quality[2])
{
	const char *at = item.at, *const end = item.at + item.len;
	bool is_open, is_text, is_right_version = true;
	unsigned q = ONE;
	struct piece p;

	if (!next_piece(&at, end, ';', &p))
		return;
	is_open = piece_is(&p, "application/openmetrics-text");
	is_text = piece_is(&p, "text/plain") || piece_is(&p, "text/*") || piece_is(&p, "*/*");
	while (next_piece(&at, end, ';', &p)) {
		if (piece_begins(&p, "q="))
			q = quality_of(&p);
		else if (is_open && piece_begins(&p, "version="))
			is_right_version = piece_is(&p, "1.0.0");
	}
	if (is_open && is_right_version && q > quality[EXPOSITION_OPENMETRICS])
		quality[EXPOSITION_OPENMETRICS] = q;
	if (is_text && q > quality[EXPOSITION_TEXT])
		quality[EXPOSITION_TEXT] = q;
}

enum exposition_format exposition_choose(const char *accept)
{
	const char *end = accept ? accept + strlen(accept) : NULL;
	unsigned quality[2] = {0, 0};
	struct piece item;

	while (accept && next_piece(&accept, end, ',', &item))
		weigh(item, quality);
	return quality[EXPOSITION_OPENMETRICS] > quality[EXPOSITION_TEXT] ? EXPOSITION_OPENMETRICS
									  : EXPOSITION_TEXT;
}

/* --- heads ------------------------------------------------------------------------------------ */

static const char *type_text(enum exposition_format format, enum metric_type type)
{
	const bool is_open = format == EXPOSITION_OPENMETRICS;

	switch (type) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_NAMED_COUNTER:
		return is_open ? "unknown" : "counter";
	case METRIC_HISTOGRAM:
		return "histogram";
	case METRIC_INFO:
		return is_open ? "info" : "gauge";
	case METRIC_GAUGE:
		break;
	}
	return "gauge";
}

static const char *suffix_of(enum metric_type type)
{
	return type == METRIC_COUNTER ? "_total" : type == METRIC_INFO ? "_info" : "";
}

/* OpenMetrics speaks of the family there, the plain text of its samples. */
static void head(struct strbuf *out, enum exposition_format format, const char *what,
		 const struct metric_family *f)
{
	strbuf_add(out, what);
	strbuf_add(out, f->name);
	if (format == EXPOSITION_TEXT)
		strbuf_add(out, suffix_of(f->type));
	strbuf_add(out, " ");
}

static bool is_named_by_unit(const struct metric_family *f)
{
	const size_t name = strlen(f->name), unit = f->unit ? strlen(f->unit) : 0;

	return !f->unit || (name > unit && f->name[name - unit - 1] == '_' &&
			    strcmp(f->name + name - unit, f->unit) == 0);
}

void exposition_family(struct strbuf *out, enum exposition_format format,
		       const struct metric_family *f)
{
	assert(is_named_by_unit(f)); /* what OpenMetrics asks of a family with a unit */
	assert(!strpbrk(f->help, "\\\n\""));
	head(out, format, "# HELP ", f);
	strbuf_add(out, f->help);
	strbuf_add(out, "\n");
	head(out, format, "# TYPE ", f);
	strbuf_add(out, type_text(format, f->type));
	strbuf_add(out, "\n");
	if (format == EXPOSITION_TEXT || !f->unit)
		return;
	head(out, format, "# UNIT ", f);
	strbuf_add(out, f->unit);
	strbuf_add(out, "\n");
}

void exposition_end(struct strbuf *out, enum exposition_format format)
{
	if (format == EXPOSITION_OPENMETRICS)
		strbuf_add(out, "# EOF\n");
}

/* --- labels ----------------------------------------------------------------------------------- */

/* Octets of the character that begins there (RFC 3629 4); 0: none does. */
static size_t utf8_len(const unsigned char *s)
{
	const bool is_cut = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
	const bool is_none = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || is_cut || is_none)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80) /* NUL, too */
			return 0;
	return len;
}

/* As nearly all is. */
static bool is_plain(char c)
{
	return c >= ' ' && c != '"' && c != '\\' && (unsigned char)c < 0x80;
}

/* What may stand as it is, in one go; escapes are the same in both formats. */
static void add_value(struct strbuf *out, const char *value)
{
	const char *from = value;

	while (*value) {
		const size_t len = is_plain(*value) ? 1 : utf8_len((const unsigned char *)value);
		const char *instead = *value == '\\'   ? "\\\\"
				      : *value == '"'  ? "\\\""
				      : *value == '\n' ? "\\n"
				      : len == 0       ? "?"
						       : NULL;

		if (instead) {
			strbuf_add_len(out, from, (size_t)(value - from));
			strbuf_add(out, instead);
			from = value + 1;
		}
		value += len ? len : 1;
	}
	strbuf_add_len(out, from, (size_t)(value - from));
}

void exposition_labels(struct strbuf *out, const struct metric_family *f, const char *const *values)
{
	for (size_t i = 0; f->labels[i]; i++) {
		assert(i < METRIC_LABELS && values[i]);
		strbuf_add(out, i == 0 ? "{" : "\",");
		strbuf_add(out, f->labels[i]);
		strbuf_add(out, "=\"");
		add_value(out, values[i]);
	}
	if (f->labels[0])
		strbuf_add(out, "\"}");
}

/* --- samples ---------------------------------------------------------------------------------- */

/* In decimal, so that it ends before `end`; returns where it begins. */
static char *number_before(char *end, uint64_t value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return end;
}

static void add_number(struct strbuf *out, uint64_t value)
{
	char text[DIGIT], *at = number_before(text + sizeof(text), value);

	strbuf_add_len(out, at, (size_t)(text + sizeof(text) - at));
}

/* " 17\n", in one go: nearly all samples end so. */
static void add_whole(struct strbuf *out, uint64_t value)
{
	char text[1 + DIGIT + 1], *at = number_before(text + sizeof(text) - 1, value);

	text[sizeof(text) - 1] = '\n';
	*--at = ' ';
	strbuf_add_len(out, at, (size_t)(text + sizeof(text) - at));
}

/* Seconds, with a point also where nothing follows it: that is how a bound has to look. */
static void add_seconds(struct strbuf *out, nsec_t value)
{
	char text[] = ".000000000";
	size_t len = sizeof(text) - 1;

	add_number(out, value / NSEC_PER_SEC);
	value %= NSEC_PER_SEC;
	for (size_t i = len - 1; i > 0; i--, value /= 10)
		text[i] = (char)('0' + value % 10);
	while (len > 2 && text[len - 1] == '0')
		len--;
	strbuf_add_len(out, text, len);
}

static bool is_time(const struct metric_family *f)
{
	return f->unit && strcmp(f->unit, "seconds") == 0;
}

void exposition_sample(struct strbuf *out, const struct metric_family *f, const char *labels,
		       uint64_t value)
{
	assert(f->type != METRIC_HISTOGRAM);
	assert(f->type != METRIC_INFO || value == 1);
	strbuf_add(out, f->name);
	strbuf_add(out, suffix_of(f->type));
	strbuf_add(out, labels);
	if (!is_time(f)) {
		add_whole(out, value);
		return;
	}
	strbuf_add_len(out, " ", 1);
	add_seconds(out, value);
	strbuf_add_len(out, "\n", 1);
}

/* Of all that is no longer than the bound; NULL: of all. */
static void add_bucket(struct strbuf *out, const struct metric_family *f, const char *labels,
		       const nsec_t *bound, uint64_t count)
{
	const size_t len = strlen(labels);

	assert(len == 0 || (labels[0] == '{' && labels[len - 1] == '}'));
	strbuf_add(out, f->name);
	strbuf_add(out, "_bucket{");
	if (len > 0) { /* without its braces */
		strbuf_add_len(out, labels + 1, len - 2);
		strbuf_add(out, ",");
	}
	strbuf_add(out, "le=\"");
	if (bound)
		add_seconds(out, *bound);
	else
		strbuf_add(out, "+Inf");
	strbuf_add(out, "\"} ");
	add_number(out, count);
	strbuf_add(out, "\n");
}

static void add_summed(struct strbuf *out, const struct metric_family *f, const char *what,
		       const char *labels)
{
	strbuf_add(out, f->name);
	strbuf_add(out, what);
	strbuf_add(out, labels);
	strbuf_add(out, " ");
}

void exposition_histogram(struct strbuf *out, const struct metric_family *f, const char *labels,
			  const struct histogram *h)
{
	uint64_t count = 0;

	assert(f->type == METRIC_HISTOGRAM && is_time(f));
	for (size_t i = 0; i <= h->n; i++) {
		count += h->counts[i];
		add_bucket(out, f, labels, i < h->n ? &h->bounds[i] : NULL, count);
	}
	add_summed(out, f, "_sum", labels);
	add_seconds(out, h->sum);
	strbuf_add(out, "\n");
	add_summed(out, f, "_count", labels);
	add_number(out, count);
	strbuf_add(out, "\n");
}
