// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Metrics as text: Prometheus text format 0.0.4 and OpenMetrics 1.0, from one description of each
 * family. Who writes says a family's head, then all of its samples, then the next family, and
 * exposition_end() last.
 *
 * All values are whole numbers or times, so no number depends on a locale or on how a double is
 * printed; a family of the unit "seconds" takes nanoseconds.
 */
#pragma once

#include "base/histogram.h"
#include "base/strbuf.h"

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER, /* named without _total, which the samples have */
	/*
	 * A counter whose samples have the very name, as others chose it. OpenMetrics has none, so
	 * it is of type unknown there: a series has the same name in both formats.
	 */
	METRIC_NAMED_COUNTER,
	METRIC_HISTOGRAM,
	METRIC_INFO, /* named without _info, which the samples have; always 1 */
};

#define METRIC_LABELS 6

struct metric_family {
	const char *name; /* ends in _UNIT where there is one */
	enum metric_type type;
	const char *unit;                      /* "seconds", "bytes"; NULL: none */
	const char *help;                      /* a sentence */
	const char *labels[METRIC_LABELS + 1]; /* names, NULL behind the last */
};

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

/*
 * What of the two a client would rather have, by the Accept header (RFC 9110 12.5.1); NULL: it has
 * none. The plain text where it wants neither, which everybody reads.
 */
enum exposition_format exposition_choose(const char *accept);
/* The value of Content-Type. */
const char *exposition_content_type(enum exposition_format format);

void exposition_family(struct strbuf *out, enum exposition_format format,
		       const struct metric_family *f);

/*
 * A label set, "" or {a="b",c="d"}, to be given to the functions below: made once where many
 * samples have it. One value for each of the family's labels. A value that is no UTF-8 has a "?"
 * for each octet that is wrong.
 */
void exposition_labels(struct strbuf *out, const struct metric_family *f,
		       const char *const *values);

/* A sample of any type but a histogram; `value` in nanoseconds where the unit is seconds. */
void exposition_sample(struct strbuf *out, const struct metric_family *f, const char *labels,
		       uint64_t value);
/* All samples of one label set of a histogram, whose unit is seconds. */
void exposition_histogram(struct strbuf *out, const struct metric_family *f, const char *labels,
			  const struct histogram *h);
/* Nothing follows. */
void exposition_end(struct strbuf *out, enum exposition_format format);
