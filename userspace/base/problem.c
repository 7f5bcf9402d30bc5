// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Lists of problems. A list outlives what it talks about (a decoded object may be replaced while
 * its problem is still shown), so every string is copied into the list's arena.
 *
 * Two problems are the same if everything an operator reads is the same: severity, object, field,
 * reason and message. File and line only decide which of two equal ones stays: a line number that
 * moves because a comment was added is not a new problem.
 */
#include "base/problem.h"

#include "base/strbuf.h"

#include <assert.h>

#define LINE_MAX_BYTES 16384u

static struct object_ref copy_ref(struct arena *arena, const struct object_ref *o)
{
	return (struct object_ref){
		.kind = arena_strdup(arena, o->kind),
		.ns = arena_strdup(arena, o->ns),
		.name = arena_strdup(arena, o->name),
		.uid = arena_strdup(arena, o->uid),
		.file = arena_strdup(arena, o->file),
		.line = o->line,
	};
}

static struct problem *push(struct problems *list)
{
	assert(list->arena);
	return arena_push(list->arena, &list->items, &list->n, &list->cap, sizeof(*list->items));
}

void problem_add(struct problems *list, enum severity severity, const struct object_ref *object,
		 const struct problem_text *text, const char *fmt, ...)
{
	struct problem *p = push(list);
	va_list ap;

	assert(text->reason); /* by which it is looked up in the documentation */
	p->severity = severity;
	if (object)
		p->object = copy_ref(list->arena, object);
	p->field = arena_strdup(list->arena, text->field);
	p->reason = arena_strdup(list->arena, text->reason);
	p->remedy = arena_strdup(list->arena, text->remedy);
	p->line = text->line;
	va_start(ap, fmt);
	p->message = arena_vprintf(list->arena, fmt, ap);
	va_end(ap);
}

void problems_append(struct problems *list, const struct problems *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct problem *p = &from->items[i];
		struct problem_text text = {p->field, p->reason, p->remedy, p->line};

		problem_add(list, p->severity, &p->object, &text, "%s", p->message);
	}
}

/* NULL sorts before every string. */
static int cmp_text(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

int problem_cmp(const struct problem *a, const struct problem *b)
{
	const char *const left[] = {a->object.kind, a->object.ns, a->object.name,
				    a->field,       a->reason,    a->message};
	const char *const right[] = {b->object.kind, b->object.ns, b->object.name,
				     b->field,       b->reason,    b->message};

	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		int order = cmp_text(left[i], right[i]);

		if (order)
			return order;
	}
	return 0;
}

static int cmp_with_place(const void *a, const void *b)
{
	const struct problem *p = a, *q = b;
	int order = problem_cmp(p, q);

	if (order == 0)
		order = cmp_text(p->object.file, q->object.file);
	if (order == 0 && p->object.line != q->object.line)
		order = p->object.line < q->object.line ? -1 : 1;
	if (order == 0 && p->line != q->line)
		order = p->line < q->line ? -1 : 1;
	return order;
}

void problems_borrow(struct problems *list, const struct problems *from)
{
	for (size_t i = 0; i < from->n; i++)
		*(struct problem *)arena_push(list->arena, &list->items, &list->n, &list->cap,
					      sizeof(*list->items)) = from->items[i];
}

/* Where the run that begins at `i` ends. */
static size_t run_end(const struct problems *list, size_t i)
{
	for (i++; i < list->n; i++)
		if (cmp_with_place(&list->items[i - 1], &list->items[i]) > 0)
			break;
	return i < list->n ? i : list->n;
}

/* items[a..b) and [b..c), both sorted; room for as many. */
static void merge_runs(struct problem *items, size_t a, size_t b, size_t c, struct problem *room)
{
	size_t i = a, k = b, n = 0;

	while (i < b && k < c)
		room[n++] = cmp_with_place(&items[i], &items[k]) <= 0 ? items[i++] : items[k++];
	while (i < b)
		room[n++] = items[i++];
	memcpy(&items[a], room, n * sizeof(*items));
}

/* Lists are put together from sorted ones: there are few runs. */
static void sort_runs(struct problems *list)
{
	_cleanup_(freep) struct problem *room = NULL;

	while (run_end(list, 0) < list->n) {
		if (!room)
			room = xcalloc(list->n, sizeof(*room));
		for (size_t a = 0, b, c; a < list->n; a = c) {
			b = run_end(list, a);
			c = b < list->n ? run_end(list, b) : b;
			merge_runs(list->items, a, b, c, room);
		}
	}
}

void problems_sort(struct problems *list)
{
	size_t n = 0;

	if (list->n == 0)
		return;
	sort_runs(list);
	for (size_t i = 1; i < list->n; i++)
		if (problem_cmp(&list->items[n], &list->items[i]) != 0)
			list->items[++n] = list->items[i];
	list->n = n + 1;
}

size_t problems_count(const struct problems *list, enum severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->items[i].severity == severity;
	return n;
}

const char *severity_text(enum severity severity)
{
	static const char *const text[] = {
		[SEVERITY_INFO] = "info",
		[SEVERITY_WARNING] = "warning",
		[SEVERITY_ERROR] = "error",
	};

	assert(severity < ARRAY_SIZE(text));
	return text[severity];
}

static void add_place(struct strbuf *s, const struct problem *p)
{
	unsigned line = p->line ? p->line : p->object.line;

	if (!p->object.file)
		return;
	strbuf_add(s, p->object.file);
	if (line)
		strbuf_printf(s, ":%u", line);
	strbuf_add(s, ": ");
}

/* KIND/NAME; the name of a file may begin with the slash that divides them. */
static void add_object(struct strbuf *s, const struct object_ref *o)
{
	const char *name = o->name ? o->name : "-";

	if (o->kind)
		strbuf_printf(s, "%s/%s: ", o->kind, name + (*name == '/'));
}

const char *problem_line(struct arena *arena, const struct problem *p)
{
	struct strbuf s;
	const char *ret;

	strbuf_init(&s, LINE_MAX_BYTES);
	add_place(&s, p);
	add_object(&s, &p->object);
	if (p->field)
		strbuf_printf(&s, "%s: ", p->field);
	strbuf_add(&s, p->message);
	if (p->remedy)
		strbuf_printf(&s, "; %s", p->remedy);
	ret = arena_strdup(arena, s.data);
	strbuf_done(&s);
	return ret;
}
