// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The format of agent/world_text.h. A file's name may hold any byte but NUL, and must not end its
 * comment: all but printable ASCII is written as \x and two digits, in which the quote and the
 * backslash are no exception.
 */
#include "agent/world_text.h"

#include "api/objects.h"
#include "api/text_pack.h"
#include "base/hash.h"

#include <inttypes.h>

#define HEAD   "# Objects in force, kept by lodestoned for its next start. Secrets are among them.\n"
#define FORMAT "# lodestone-world: 1\n"
#define SOURCE "# source: \""
#define MARKER "--- "
#define END    "# end: "

/* --- writing ---------------------------------------------------------------------------------- */

void world_text_begin(struct strbuf *out, struct world_text *t)
{
	*t = (struct world_text){.checksum = HASH_INIT};
	strbuf_add(out, HEAD FORMAT);
}

static void add_name(struct strbuf *out, const char *name)
{
	for (; *name; name++)
		if (*name < ' ' || *name > '~' || *name == '"' || *name == '\\')
			strbuf_printf(out, "\\x%02x", (unsigned)(unsigned char)*name);
		else
			strbuf_add_len(out, name, 1);
}

void world_text_add(struct strbuf *out, struct world_text *t, const struct api_object *o)
{
	size_t start = out->len;

	strbuf_add(out, SOURCE);
	add_name(out, o->meta.file);
	strbuf_printf(out, "\", line %u\n" MARKER, o->meta.line);
	api_text_unpack(out, o->text, o->text_len);
	strbuf_add(out, "\n");
	t->n++;
	t->checksum = hash_bytes(t->checksum, out->data + start, out->len - start);
}

void world_text_end(struct strbuf *out, const struct world_text *t)
{
	strbuf_printf(out, END "%zu objects, checksum %016" PRIx64 "\n", t->n, t->checksum);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Moves behind the words if they stand there. */
static bool take_words(struct world_text_walk *w, const char *words)
{
	size_t len = strlen(words);

	if ((size_t)(w->end - w->at) < len || memcmp(w->at, words, len) != 0)
		return false;
	w->at += len;
	return true;
}

/* Moves behind the end of the line; false if it has none. */
static bool take_line(struct world_text_walk *w)
{
	const char *lf = memchr(w->at, '\n', (size_t)(w->end - w->at));

	if (lf)
		w->at = lf + 1;
	return lf;
}

/* Both lines of an object, unread. */
static bool take_object(struct world_text_walk *w)
{
	return take_words(w, SOURCE) && take_line(w) && take_words(w, MARKER) && take_line(w);
}

bool world_text_open(const char *text, size_t len, struct world_text_walk *ret)
{
	struct world_text_walk w = {.at = text, .end = text + len}, start;
	struct world_text t = {.checksum = HASH_INIT};
	struct strbuf want;
	bool ok;

	if (!take_line(&w) || !take_words(&w, FORMAT))
		return false;
	start = w;
	for (const char *from = w.at; take_object(&w); from = w.at) {
		t.n++;
		t.checksum = hash_bytes(t.checksum, from, (size_t)(w.at - from));
		start.end = w.at;
	}
	if (t.n == 0)
		start.end = start.at;
	w.at = start.end;
	strbuf_init(&want, 256);
	world_text_end(&want, &t);
	ok = take_words(&w, want.data) && w.at == w.end;
	strbuf_done(&want);
	if (ok)
		*ret = start;
	return ok;
}

static unsigned hex(char c)
{
	return (unsigned)(c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

/* The name that ends at a quote before `end`; *at is moved behind the quote. */
static const char *take_name(const char **at, const char *end, struct arena *arena)
{
	char *name = arena_alloc(arena, (size_t)(end - *at) + 1, 1), *to = name;

	for (; *at < end && **at != '"'; (*at)++)
		if (**at == '\\' && end - *at > 3) {
			*to++ = (char)(hex((*at)[2]) << 4 | hex((*at)[3]));
			*at += 3;
		} else {
			*to++ = **at;
		}
	*at += *at < end;
	return name;
}

static unsigned take_number(const char *at, const char *end)
{
	unsigned n = 0;

	while (at < end && (*at < '0' || *at > '9'))
		at++;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		n = n * 10 + (unsigned)(*at - '0');
	return n;
}

bool world_text_next(struct world_text_walk *walk, struct arena *arena, struct world_text_item *ret)
{
	struct world_text_walk w = *walk, item = w;
	const char *at;

	if (!take_object(&w))
		return false;
	(void)!take_words(&item, SOURCE); /* all of it was found by take_object() */
	at = item.at;
	(void)!take_line(&item);
	ret->source = take_name(&at, item.at - 1, arena);
	ret->document.line = take_number(at, item.at - 1);
	(void)!take_words(&item, MARKER);
	ret->document.text = item.at;
	ret->document.len = (size_t)(w.at - 1 - item.at);
	*walk = w;
	return true;
}
