// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The screen, from above: the node, its sessions (a place each), what goes in and is lost, the
 * frontends with the packets of the last minute, what is dropped, and the keys. A screen that is
 * too low loses the end of the list of frontends first.
 */
#include "cli/top.h"

#include "cli/cell.h"
#include "cli/screen_line.h"
#include "cli/table.h"

#include <math.h>

#define TEXT_BYTES  64
#define MAX_BARS    4   /* reasons of drops */
#define BAR_BYTES   960 /* 320 places */
#define HEAD_LINES  5   /* above the frontends, with their titles */
#define LOW_SCREEN  16  /* fewer rows: one reason is enough */
#define BASE_WIDTH  80
#define MAX_VIP     46
#define MAX_SERVICE 40

/* --- texts ------------------------------------------------------------------------------------ */

/* "999", "1.2k", "34.5M": at most five places. */
static const char *si(double v, char buf[TEXT_BYTES])
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	if (isnan(v)) {
		(void)snprintf(buf, TEXT_BYTES, "-");
		return buf;
	}
	for (; v >= 999.5 && unit + 2 < sizeof(units); unit++)
		v /= 1000;
	if (unit == 0)
		(void)snprintf(buf, TEXT_BYTES, "%.0f", v);
	else
		(void)snprintf(buf, TEXT_BYTES, v < 99.95 ? "%.1f%c" : "%.0f%c", v, units[unit]);
	return buf;
}

static const char *value(const cJSON *o, const char *key, cell_fn *cell, char buf[TEXT_BYTES])
{
	struct strbuf text;

	strbuf_init(&text, TEXT_BYTES);
	cell(&text, o, key);
	(void)snprintf(buf, TEXT_BYTES, "%s", text.len ? text.data : "?");
	strbuf_done(&text);
	return buf;
}

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* --- lines ------------------------------------------------------------------------------------ */

struct drawing {
	const struct top *t;
	struct top_view *v;
	struct strbuf *out;
	unsigned left; /* lines that are yet to come */
};

static struct screen_line begin(struct drawing *d)
{
	return (struct screen_line){
		.out = d->out, .columns = d->v->columns, .has_colour = d->v->has_colour};
}

static void end(struct drawing *d)
{
	while (d->out->len > 0 && d->out->data[d->out->len - 1] == ' ')
		d->out->data[--d->out->len] = '\0';
	if (--d->left > 0)
		strbuf_add(d->out, "\n");
}

static void draw_node(struct drawing *d)
{
	const cJSON *s = d->t->status, *plane = get(s, "dataplane"), *device;
	struct screen_line l = begin(d);
	char buf[TEXT_BYTES];

	screen_add(&l, TONE_NONE, "%s  ", value(s, "node", cell_value, buf));
	value(s, "state", cell_value, buf);
	screen_add(&l, tone_of(buf), "%s", buf);
	screen_add(&l, TONE_NONE, "  up %s", value(s, "uptimeSeconds", cell_duration, buf));
	screen_add(&l, TONE_NONE, "  data plane %s", value(plane, "mode", cell_value, buf));
	cJSON_ArrayForEach(device, get(plane, "devices"))
	{
		const bool failed = !cJSON_IsTrue(get(device, "xdp"));

		screen_add(&l, TONE_NONE, "  %s ", value(device, "name", cell_value, buf));
		screen_add(&l, failed ? TONE_BAD : TONE_NONE, "%s",
			   failed ? "no XDP" : value(device, "mode", cell_value, buf));
	}
	end(d);
}

/* A place for each: the first letter of its state; "." where there is none. */
static void draw_strip(struct screen_line *l, const struct top *t, const char *title, bool of_bfd)
{
	const char *well = of_bfd ? "Up" : "Established";
	unsigned n = 0, n_well = 0;

	screen_add(l, TONE_NONE, "%s ", title);
	for (size_t i = 0; i < t->n_peers; i++) {
		const char *state = of_bfd ? t->peers[i].bfd : t->peers[i].state;
		const bool is_none = strcmp(state, "None") == 0;

		screen_add(l, tone_of(state), "%c", is_none ? '.' : state[0]);
		n += !is_none;
		n_well += strcmp(state, well) == 0;
	}
	screen_add(l, TONE_NONE, "%s%u of %u %s", t->n_peers ? " " : "", n_well, n, well);
}

static void draw_sessions(struct drawing *d)
{
	struct screen_line l = begin(d);

	draw_strip(&l, d->t, "BGP", false);
	screen_add(&l, TONE_NONE, "   ");
	draw_strip(&l, d->t, "BFD", true);
	end(d);
}

static void draw_totals(struct drawing *d)
{
	const struct top *t = d->t;
	const cJSON *flows = get(get(t->status, "dataplane"), "flowTable");
	const cJSON *problems = get(t->status, "problems");
	const double errors = cJSON_GetNumberValue(get(problems, "error"));
	struct screen_line l = begin(d);
	char a[TEXT_BYTES], b[TEXT_BYTES];

	screen_add(&l, TONE_NONE, "in %s pkt/s %s bit/s",
		   si(t->has_rates ? t->packet_rate : NAN, a),
		   si(t->has_rates ? t->bit_rate : NAN, b));
	if (cJSON_IsObject(flows))
		screen_add(&l, TONE_NONE, "   flows %s of %s",
			   si(cJSON_GetNumberValue(get(flows, "flows")), a),
			   si(cJSON_GetNumberValue(get(flows, "size")), b));
	if (t->has_flow_rates)
		screen_add(&l, TONE_NONE, ", new %s/s", si(t->flow_rate, a));
	screen_add(&l, t->drop_rate > 0 ? TONE_WARN : TONE_NONE, "   dropped %s/s",
		   si(t->has_rates ? t->drop_rate : NAN, a));
	screen_add(&l, errors > 0 ? TONE_BAD : TONE_NONE, "   problems %s+%s",
		   value(problems, "error", cell_value, a),
		   value(problems, "warning", cell_value, b));
	end(d);
}

/* --- frontends -------------------------------------------------------------------------------- */

/* Where columns end. What is wider than 80 is given to names first, the rest to the picture. */
struct layout {
	unsigned vip, service, packets, bits, flows, pods;
};

static struct layout layout_of(unsigned columns)
{
	const unsigned more = columns > BASE_WIDTH ? columns - BASE_WIDTH : 0;
	const unsigned to_vip = more / 3 < MAX_VIP - 22 ? more / 3 : MAX_VIP - 22;
	const unsigned to_service = more / 4 < MAX_SERVICE - 14 ? more / 4 : MAX_SERVICE - 14;
	struct layout ret = {.vip = 22 + to_vip};

	ret.service = ret.vip + 1 + 14 + to_service;
	ret.packets = ret.service + 7;
	ret.bits = ret.packets + 7;
	ret.flows = ret.bits + 7;
	ret.pods = ret.flows + 7;
	return ret;
}

/* The last samples, as many as there is room for, as heights below the highest of them. */
static void draw_history(struct screen_line *l, const struct top_view *view,
			 const struct top_vip *v)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
	const unsigned room = l->columns > l->used ? l->columns - l->used : 0;
	const uint32_t n = v->n_history < room ? v->n_history : room;
	const float *last = v->history + v->n_history - n;
	float max = 0;

	for (uint32_t i = 0; i < n; i++)
		max = last[i] > max ? last[i] : max;
	for (uint32_t i = 0; i < n; i++) {
		/* Any traffic is more than none. */
		const unsigned height = last[i] > 0 ? 1 + (unsigned)(last[i] / max * 7 + 0.5f) : 0;

		screen_add(l, TONE_NONE, "%s", (view->has_blocks ? blocks : letters)[height]);
	}
}

/* A name that is too long ends in dots, and does not touch the next. */
static void draw_name(struct screen_line *l, unsigned until, const char *name)
{
	const unsigned room = until - l->used;

	if (table_width(name) <= room)
		screen_add(l, TONE_NONE, "%s", name);
	else
		screen_add(l, TONE_NONE, "%.*s..", (int)room - 2, name); /* ASCII, as names are */
	screen_to(l, until + 1);
}

static void draw_vip(struct drawing *d, const struct layout *at, const struct top_vip *v)
{
	const enum tone tone = v->ready == 0 ? TONE_BAD : TONE_NONE;
	struct screen_line l = begin(d);
	char buf[TEXT_BYTES];

	draw_name(&l, at->vip, v->vip);
	draw_name(&l, at->service, v->service);
	screen_add_right(&l, at->packets, TONE_NONE, si(v->packet_rate, buf));
	screen_add_right(&l, at->bits, TONE_NONE, si(v->bit_rate, buf));
	screen_add_right(&l, at->flows, TONE_NONE, si(v->flows, buf));
	(void)snprintf(buf, sizeof(buf), "%u/%u", v->ready, v->backends);
	screen_add_right(&l, at->pods, tone, buf);
	screen_add(&l, v->announced ? TONE_NONE : TONE_WARN, v->announced ? "  " : " !");
	draw_history(&l, d->v, v);
	end(d);
}

static void draw_titles(struct drawing *d, const struct layout *at)
{
	struct screen_line l = begin(d);

	draw_name(&l, at->vip, "VIP");
	draw_name(&l, at->service, "SERVICE");
	screen_add_right(&l, at->packets, TONE_NONE, "PKT/S");
	screen_add_right(&l, at->bits, TONE_NONE, "BIT/S");
	screen_add_right(&l, at->flows, TONE_NONE, "FLOWS");
	screen_add_right(&l, at->pods, TONE_NONE, "PODS");
	screen_add(&l, TONE_NONE, "  LAST MINUTE");
	end(d);
}

static double rank(const struct top_vip *v, enum top_order order)
{
	const double ret = order == TOP_BY_PACKETS ? v->packet_rate
			   : order == TOP_BY_BITS  ? v->bit_rate
			   : order == TOP_BY_FLOWS ? v->flows
						   : 0;

	return isnan(ret) ? -1 : ret;
}

static int compare(const void *a_, const void *b_, void *order_)
{
	const struct top_vip *a = *(const struct top_vip *const *)a_;
	const struct top_vip *b = *(const struct top_vip *const *)b_;
	const enum top_order order = *(const enum top_order *)order_;
	const double x = rank(a, order), y = rank(b, order);

	return x < y ? 1 : x > y ? -1 : strcmp(a->vip, b->vip);
}

static void draw_vips(struct drawing *d, unsigned lines)
{
	const struct layout at = layout_of(d->v->columns);
	const size_t n = d->t->n_vips;
	const size_t last = n > lines ? n - lines : 0;
	const size_t first = d->v->first = (unsigned)(d->v->first < last ? d->v->first : last);
	const struct top_vip **vips = xcalloc(n + 1, sizeof(*vips));
	enum top_order order = d->v->order;

	for (size_t i = 0; i < n; i++)
		vips[i] = &d->t->vips[i];
	qsort_r(vips, n, sizeof(*vips), compare, &order);
	draw_titles(d, &at);
	for (size_t i = first; i < first + lines; i++)
		if (i < n)
			draw_vip(d, &at, vips[i]);
		else
			end(d);
	free(vips);
}

/* --- below ------------------------------------------------------------------------------------ */

/* As much of the room that is left as this is of the fastest. */
static void draw_bar(struct screen_line *l, const struct top_view *view, double part)
{
	const unsigned room = l->columns > l->used ? l->columns - l->used : 0;
	const unsigned n = (unsigned)(part * room + 0.5);
	struct strbuf bar;

	strbuf_init(&bar, BAR_BYTES);
	for (unsigned i = 0; i < n; i++)
		strbuf_add(&bar, view->has_blocks ? "█" : "#");
	screen_add(l, TONE_WARN, "%s", bar.data ? bar.data : "");
	strbuf_done(&bar);
}

static void draw_drops(struct drawing *d, unsigned bars)
{
	const struct top *t = d->t;
	struct screen_line l = begin(d);
	char buf[TEXT_BYTES];

	screen_add(&l, TONE_NONE, t->n_drops ? "DROPPED" : "nothing is dropped");
	screen_to(&l, t->n_drops ? 18 : 0);
	if (t->n_drops)
		screen_add_right(&l, 25, TONE_NONE, "PKT/S");
	end(d);
	for (unsigned i = 0; i < bars; i++) {
		const struct top_drop *drop = &t->drops[i];

		l = begin(d);
		screen_add(&l, TONE_NONE, "%s", drop->reason);
		screen_add_right(&l, 25, TONE_NONE, si(drop->rate, buf));
		screen_add(&l, TONE_NONE, "  ");
		draw_bar(&l, d->v, drop->rate / t->drops[0].rate);
		end(d);
	}
}

static void draw_keys(struct drawing *d)
{
	static const char *const orders[] = {
		[TOP_BY_PACKETS] = "packets",
		[TOP_BY_BITS] = "bits",
		[TOP_BY_FLOWS] = "flows",
		[TOP_BY_NAME] = "name",
	};
	struct screen_line l = begin(d);

	if (d->v->error)
		screen_add(&l, TONE_BAD, "%s", d->v->error);
	else
		screen_add(&l, TONE_NONE, "q quit  s sort: %s  j/k scroll  p %s  h help",
			   orders[d->v->order], d->v->is_paused ? "PAUSED" : "pause");
	end(d);
}

static void draw_help(struct drawing *d, unsigned lines)
{
	static const char *const text[] = {
		"BGP and BFD: a letter for each peer, the first of its state; E and U are well,",
		"             and a point is a peer without BFD; \"show peers\" has their names",
		"PODS         that are ready, of all; \"!\" behind it: the VIP is not announced,",
		"             and \"explain service NS/NAME\" says why",
		"PKT/S        into the VIP; the picture is scaled to the highest of each row",
		"FLOWS        that live, as of a few seconds ago; \"flows\" has them by pod",
		"problems     errors and warnings; \"show problems\" has them, and what helps",
		"dropped      \"drops\" says what each reason means",
	};

	for (unsigned i = 0; i < lines; i++) {
		struct screen_line l = begin(d);

		if (i < ARRAY_SIZE(text))
			screen_add(&l, TONE_NONE, "%s", text[i]);
		end(d);
	}
}

void top_draw(const struct top *t, struct top_view *view, struct strbuf *out)
{
	struct drawing d = {.t = t, .v = view, .out = out, .left = view->rows};
	const unsigned most = view->rows < LOW_SCREEN ? 1 : MAX_BARS;
	const unsigned bars = t->n_drops < most ? (unsigned)t->n_drops : most;
	const unsigned around = HEAD_LINES + 1 + bars + 1; /* with the titles of either list */
	const unsigned lines = view->rows > around ? view->rows - around : 0;

	if (view->rows < around) { /* no screen: who is that small wants to know one thing */
		if (view->rows > 0)
			draw_node(&d);
		while (d.left > 0)
			end(&d);
		return;
	}
	draw_node(&d);
	draw_sessions(&d);
	draw_totals(&d);
	end(&d);
	if (view->shows_help)
		draw_help(&d, lines + 1);
	else
		draw_vips(&d, lines);
	draw_drops(&d, bars);
	draw_keys(&d);
}
