// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Four columns of boxes and the edges between them are made of the answers first; the two languages
 * only write them down. Boxes of a column stand below each other, and a column shorter than the
 * longest stands in its middle.
 */
#include "base/graph.h"

#include "base/arena.h"
#include "base/tone.h"

#include <assert.h>
#include <stdint.h>

enum column { PEERS, NODE, VIPS, PODS, N_COLUMNS };

struct box {
	const char *name, *more; /* two lines */
};

struct edge {
	enum column from; /* to the next column */
	uint32_t left, right;
	enum tone tone;
	const char *label;
};

struct graph {
	struct arena *arena;
	struct box *boxes[N_COLUMNS];
	size_t n[N_COLUMNS], cap[N_COLUMNS];
	struct edge *edges;
	size_t n_edges, cap_edges;
};

/* --- what there is ---------------------------------------------------------------------------- */

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static const char *text_of(const cJSON *o, const char *key, const char *none)
{
	const char *text = cJSON_GetStringValue(get(o, key));

	return text ? text : none;
}

static uint32_t add_box(struct graph *g, enum column c, const char *name, const char *more)
{
	struct box *b;

	assert(c < N_COLUMNS && name && more);
	b = arena_push(g->arena, &g->boxes[c], &g->n[c], &g->cap[c], sizeof(*g->boxes[c]));

	*b = (struct box){name, more};
	return (uint32_t)g->n[c] - 1;
}

static void add_edge(struct graph *g, enum column from, uint32_t left, uint32_t right,
		     enum tone tone, const char *label)
{
	struct edge *e;

	assert(from < PODS);
	assert(left < g->n[from] && right < g->n[from + 1]);
	e = arena_push(g->arena, &g->edges, &g->n_edges, &g->cap_edges, sizeof(*g->edges));

	*e = (struct edge){from, left, right, tone, label};
}

static void add_peers(struct graph *g, const cJSON *peers)
{
	const cJSON *p;

	cJSON_ArrayForEach(p, peers)
	{
		const char *state = text_of(p, "state", "?"), *bfd = text_of(p, "bfd", "None");
		const char *vrf = text_of(p, "vrf", NULL);
		const bool has_bfd = strcmp(bfd, "None") != 0;
		const bool is_well =
			strcmp(state, "Established") == 0 && (!has_bfd || strcmp(bfd, "Up") == 0);
		const uint32_t at =
			add_box(g, PEERS, text_of(p, "name", "?"),
				arena_printf(g->arena, "%s AS %.0f%s%s",
					     text_of(p, "address", text_of(p, "interface", "?")),
					     cJSON_GetNumberValue(get(p, "asn")),
					     vrf ? " VRF " : "", vrf ? vrf : ""));

		add_edge(g, PEERS, at, 0, is_well ? TONE_GOOD : TONE_BAD,
			 has_bfd ? arena_printf(g->arena, "%s, BFD %s", state, bfd) : state);
	}
}

static enum tone tone_of_pod(const char *state)
{
	return strcmp(state, "ready") == 0 || strcmp(state, "remote") == 0 ? TONE_GOOD : TONE_WARN;
}

static void add_pods(struct graph *g, const cJSON *service, uint32_t vip)
{
	const cJSON *pods = get(service, "backends"), *pod;
	const int n = cJSON_GetArraySize(pods);
	int told = 0;

	cJSON_ArrayForEach(pod, pods)
	{
		const char *state = text_of(pod, "state", "?");
		uint32_t at;

		if (told++ == GRAPH_PODS)
			break;
		at = add_box(g, PODS,
			     arena_printf(g->arena, "%s port %.0f", text_of(pod, "address", "?"),
					  cJSON_GetNumberValue(get(pod, "port"))),
			     text_of(pod, "node", ""));
		add_edge(g, VIPS, vip, at, tone_of_pod(state), state);
	}
	if (n > GRAPH_PODS)
		add_edge(
			g, VIPS, vip,
			add_box(g, PODS, arena_printf(g->arena, "and %d more", n - GRAPH_PODS), ""),
			TONE_NONE, "");
	if (n == 0)
		add_edge(g, VIPS, vip, add_box(g, PODS, "no pod", ""), TONE_BAD, "");
}

static void add_services(struct graph *g, const cJSON *services)
{
	const cJSON *s;

	cJSON_ArrayForEach(s, services)
	{
		const bool announced = cJSON_IsTrue(get(s, "announced"));
		uint32_t at;

		if (g->n[VIPS] == GRAPH_VIPS) {
			at = add_box(g, VIPS,
				     arena_printf(g->arena, "and %d more",
						  cJSON_GetArraySize(services) - GRAPH_VIPS),
				     "");
			add_edge(g, NODE, 0, at, TONE_NONE, "");
			return;
		}
		at = add_box(g, VIPS,
			     arena_printf(g->arena, "%s:%.0f/%s", text_of(s, "vip", "no address"),
					  cJSON_GetNumberValue(get(s, "port")),
					  text_of(s, "protocol", "?")),
			     arena_printf(g->arena, "%s/%s", text_of(s, "namespace", ""),
					  text_of(s, "name", "?")));
		add_edge(g, NODE, 0, at, announced ? TONE_GOOD : TONE_BAD,
			 announced ? "" : text_of(s, "reason", "not announced"));
		add_pods(g, s, at);
	}
}

static struct graph graph_of(const cJSON *status, const cJSON *peers, const cJSON *services)
{
	struct graph g = {.arena = arena_new()};

	add_box(&g, NODE, text_of(status, "node", "?"),
		text_of(get(status, "dataplane"), "mode", "?"));
	add_peers(&g, peers);
	add_services(&g, services);
	return g;
}

/* --- dot -------------------------------------------------------------------------------------- */

/* Between quotes; what is no text is a question mark. */
static void add_quoted(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			strbuf_add(out, "\\");
		strbuf_add_len(out, c < 0x20 || c == 0x7f ? "?" : text, 1);
	}
}

void graph_dot(const cJSON *status, const cJSON *peers, const cJSON *services, struct strbuf *out)
{
	static const char *const colours[] = {
		[TONE_NONE] = "gray50",
		[TONE_GOOD] = "forestgreen",
		[TONE_WARN] = "orange",
		[TONE_BAD] = "red",
	};
	struct graph g = graph_of(status, peers, services);

	strbuf_add(out, "graph lodestone {\n  rankdir=LR;\n  node [shape=box];\n");
	for (unsigned c = 0; c < N_COLUMNS; c++)
		for (size_t i = 0; i < g.n[c]; i++) {
			strbuf_printf(out, "  n%u_%zu [label=\"", c, i);
			add_quoted(out, g.boxes[c][i].name);
			strbuf_add(out, "\\n");
			add_quoted(out, g.boxes[c][i].more);
			strbuf_add(out, "\"];\n");
		}
	for (size_t i = 0; i < g.n_edges; i++) {
		const struct edge *e = &g.edges[i];

		strbuf_printf(out, "  n%u_%u -- n%u_%u [color=%s,label=\"", e->from, e->left,
			      e->from + 1, e->right, colours[e->tone]);
		add_quoted(out, e->label);
		strbuf_add(out, "\"];\n");
	}
	strbuf_add(out, "}\n");
	arena_free(g.arena);
}

/* --- svg -------------------------------------------------------------------------------------- */

#define BOX_WIDTH  220
#define BOX_HEIGHT 40
#define GAP_X      150
#define GAP_Y      14
#define MARGIN     16

static void add_escaped(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			strbuf_add(out, "&amp;");
			break;
		case '<':
			strbuf_add(out, "&lt;");
			break;
		case '>':
			strbuf_add(out, "&gt;");
			break;
		case '"':
			strbuf_add(out, "&quot;");
			break;
		default:
			strbuf_add_len(
				out, (unsigned char)*text < 0x20 || *text == 0x7f ? "?" : text, 1);
		}
	}
}

static unsigned height_of(size_t n)
{
	return n == 0 ? 0 : (unsigned)n * (BOX_HEIGHT + GAP_Y) - GAP_Y;
}

static unsigned highest(const struct graph *g)
{
	unsigned ret = 0;

	for (unsigned c = 0; c < N_COLUMNS; c++)
		ret = height_of(g->n[c]) > ret ? height_of(g->n[c]) : ret;
	return ret;
}

static unsigned x_of(unsigned column)
{
	assert(column < N_COLUMNS);
	return MARGIN + column * (BOX_WIDTH + GAP_X);
}

static unsigned y_of(const struct graph *g, unsigned column, size_t i)
{
	return MARGIN + (highest(g) - height_of(g->n[column])) / 2 +
	       (unsigned)i * (BOX_HEIGHT + GAP_Y);
}

/* At its right end, where edges to one box lie apart. */
static void add_line(const struct graph *g, const struct edge *e, struct strbuf *out)
{
	static const char *const classes[] = {
		[TONE_NONE] = "none",
		[TONE_GOOD] = "good",
		[TONE_WARN] = "warn",
		[TONE_BAD] = "bad",
	};
	const unsigned x1 = x_of(e->from) + BOX_WIDTH, x2 = x_of(e->from + 1);
	const unsigned y1 = y_of(g, e->from, e->left) + BOX_HEIGHT / 2;
	const unsigned y2 = y_of(g, e->from + 1, e->right) + BOX_HEIGHT / 2;
	const bool at_left = e->from == PEERS;

	strbuf_printf(out, "<line class=\"%s\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>\n",
		      classes[e->tone], x1, y1, x2, y2);
	if (!e->label[0])
		return;
	strbuf_printf(out, "<text class=\"%s\" x=\"%u\" y=\"%u\" text-anchor=\"%s\">",
		      classes[e->tone], at_left ? x1 + 4 : x2 - 4, (at_left ? y1 : y2) - 4,
		      at_left ? "start" : "end");
	add_escaped(out, e->label);
	strbuf_add(out, "</text>\n");
}

static void add_svg_box(const struct graph *g, unsigned column, size_t i, struct strbuf *out)
{
	const unsigned x = x_of(column), y = y_of(g, column, i);

	strbuf_printf(out, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"4\"/>\n", x, y,
		      BOX_WIDTH, BOX_HEIGHT);
	strbuf_printf(out, "<text x=\"%u\" y=\"%u\">", x + 8, y + 17);
	add_escaped(out, g->boxes[column][i].name);
	strbuf_printf(out, "</text>\n<text class=\"more\" x=\"%u\" y=\"%u\">", x + 8, y + 33);
	add_escaped(out, g->boxes[column][i].more);
	strbuf_add(out, "</text>\n");
}

void graph_svg(const cJSON *status, const cJSON *peers, const cJSON *services, struct strbuf *out)
{
	struct graph g = graph_of(status, peers, services);
	const unsigned width = x_of(N_COLUMNS - 1) + BOX_WIDTH + MARGIN;
	const unsigned height = highest(&g) + 2 * MARGIN;

	strbuf_printf(out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" "
		      "width=\"%u\" height=\"%u\" font-family=\"sans-serif\" font-size=\"12\">\n",
		      width, height, width, height);
	strbuf_add(out, "<style>rect{fill:#fff;stroke:#888}text{fill:#222}.more{fill:#666}"
			"line{stroke:#888;stroke-width:1.5}line.good{stroke:#2a8a3e}"
			"line.warn{stroke:#c77700}line.bad{stroke:#d00;stroke-width:3}"
			"text.bad{fill:#d00}text.warn{fill:#c77700}text.good{fill:#2a8a3e}"
			"@media(prefers-color-scheme:dark){rect{fill:#222}text{fill:#eee}"
			".more{fill:#aaa}}</style>\n");
	for (size_t i = 0; i < g.n_edges; i++)
		add_line(&g, &g.edges[i], out);
	for (unsigned c = 0; c < N_COLUMNS; c++)
		for (size_t i = 0; i < g.n[c]; i++)
			add_svg_box(&g, c, i, out);
	strbuf_add(out, "</svg>\n");
	arena_free(g.arena);
}
