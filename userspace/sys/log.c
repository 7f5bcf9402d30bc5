// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The log. A caller writes its pairs as one printf format; the text is cut into pairs again here,
 * so that both formats come from the same calls and a value that somebody forgot to quote cannot
 * break the line: it reaches to the next " key=". What comes from a peer or a file is passed
 * through log_quote and so cannot forge a pair or a line either. Bytes that are not valid UTF-8 and
 * control characters are escaped; a terminal or a JSON reader never sees them.
 *
 * stderr is asked before each write whether it takes a line. Lines are no longer than PIPE_BUF, so
 * a pipe that says yes takes the whole line at once. The first line that finds it full waits a
 * moment for the reader; further ones are dropped at once until it reads again. One lock is around
 * that and the count of what was dropped, so that a line of the helper thread is whole, too.
 */
#include "sys/log.h"

#include "sys/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>

#define WAIT_MS 20
#define RESERVE 8 /* of a line, for what closes it: quote, brace, newline */

_Static_assert(LOG_LINE_BYTES <= PIPE_BUF, "a line must fit into a pipe in one piece");

/* The one global state of the program. */
static struct {
	enum log_level level; /* atomic */
	bool json;
	pthread_mutex_t lock; /* of what follows; json is set before there is a thread */
	bool stuck;           /* the last line was dropped */
	uint64_t n_dropped;
	size_t n_kept;
	char kept[LOG_KEPT_BYTES]; /* whole lines, oldest first; of it only what was used is memory
				    */
} state = {.level = LOG_LEVEL_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const level_names[] = {
	[LOG_LEVEL_ERR] = "err",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_init(enum log_level level, bool json)
{
	log_set_level(level);
	state.json = json;
}

bool log_level_parse(const char *text, enum log_level *ret)
{
	if (strcmp(text, "error") == 0)
		text = "err";
	if (strcmp(text, "warning") == 0)
		text = "warn";
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(text, level_names[i]) != 0)
			continue;
		*ret = (enum log_level)i;
		return true;
	}
	return false;
}

bool log_enabled(enum log_level level)
{
	return level <= log_level();
}

void log_set_level(enum log_level level)
{
	__atomic_store_n(&state.level, level, __ATOMIC_RELAXED);
}

enum log_level log_level(void)
{
	return __atomic_load_n(&state.level, __ATOMIC_RELAXED);
}

const char *log_level_text(enum log_level level)
{
	return level_names[level];
}

/* --- text under construction ------------------------------------------------------------------ */

struct text {
	char *data;
	size_t len, cap;
	bool full; /* something did not fit; nothing is added any more */
};

/* Wholly or not at all. */
static void add(struct text *t, const char *data, size_t len)
{
	if (t->full || len > t->cap - t->len) {
		t->full = true;
		return;
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
}

static void add_str(struct text *t, const char *s)
{
	add(t, s, strlen(s));
}

/* Into the reserve, whatever happened before. */
static void add_closing(struct text *t, const char *s)
{
	size_t len = strlen(s);

	assert(t->len + len <= LOG_LINE_BYTES);
	memcpy(t->data + t->len, s, len);
	t->len += len;
}

/* Length of the valid UTF-8 sequence at s (RFC 3629) for a printable character, else 0. */
static size_t printable(const char *s, size_t left)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

	if (len == 1)
		return u[0] >= 0x20 && u[0] != 0x7f;
	if (len == 0 || u[0] > 0xf4 || len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if (u[0] == 0xc2 && u[1] < 0xa0) /* C1 control characters: a terminal obeys them */
		return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return len;
}

/* Adds one character of a quoted value; returns how many bytes of it that was. */
static size_t add_escaped(struct text *t, const char *s, size_t left, bool json)
{
	char hex[8];
	size_t len = printable(s, left);

	if (*s == '"' || *s == '\\') {
		add(t, (const char[]){'\\', *s}, 2);
		return 1;
	}
	if (len > 0) {
		add(t, s, len);
		return len;
	}
	if (*s == '\n')
		add_str(t, "\\n");
	else if (*s == '\t')
		add_str(t, "\\t");
	else if (json && (unsigned char)*s >= 0x80)
		add_str(t, "\\ufffd"); /* JSON cannot carry a byte that is no text */
	else {
		(void)snprintf(hex, sizeof(hex), json ? "\\u%04x" : "\\x%02x", (unsigned char)*s);
		add_str(t, hex);
	}
	return 1;
}

static bool is_bare(const char *s, size_t len)
{
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' || s[i] == '=')
			return false;
	return true;
}

static void add_value(struct text *t, const char *s, size_t len, bool json)
{
	for (size_t i = 0; i < len && !t->full;)
		i += add_escaped(t, s + i, len - i, json);
}

const char *log_quote_to(char *buf, size_t size, const char *value)
{
	struct text t = {.data = buf, .cap = size - 2};
	const char *v = value ? value : "";
	size_t len = strlen(v);

	assert(size >= 4);
	if (is_bare(v, len) && len < size)
		return v;
	add_str(&t, "\"");
	add_value(&t, v, len, false);
	buf[t.len] = '"';
	buf[t.len + 1] = '\0';
	return buf;
}

/* --- pairs ------------------------------------------------------------------------------------ */

struct pair {
	const char *key, *value;
	size_t key_len, value_len;
	bool quoted; /* value is escaped as log_quote does */
};

/* Length of the key at s if "key=" stands there, else 0. */
static size_t key_at(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return s[len] == '=' ? len : 0;
}

/* End of a quoted value that begins at s, behind its opening quote; the text's end if it has none.
 */
static const char *quoted_end(const char *s)
{
	while (*s != '\0' && *s != '"')
		s += s[0] == '\\' && s[1] != '\0' ? 2 : 1;
	return s;
}

/* End of a bare value: where the next pair begins. */
static const char *bare_end(const char *s)
{
	const char *end = s;

	while (*end != '\0' && !(*end == ' ' && key_at(end + 1) > 0))
		end++;
	while (end > s && end[-1] == ' ')
		end--;
	return end;
}

/* Cuts the next pair off; what stands there without a key gets one. False at the end. */
static bool next_pair(const char **at, struct pair *ret)
{
	const char *s = *at + strspn(*at, " ");

	if (*s == '\0')
		return false;
	*ret = (struct pair){.key = s, .key_len = key_at(s)};
	if (ret->key_len > 0)
		s += ret->key_len + 1;
	else
		*ret = (struct pair){.key = "text", .key_len = strlen("text")};
	ret->quoted = *s == '"';
	ret->value = ret->quoted ? s + 1 : s;
	s = ret->quoted ? quoted_end(s + 1) : bare_end(s);
	ret->value_len = (size_t)(s - ret->value);
	*at = ret->quoted && *s == '"' ? s + 1 : s;
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The reverse of log_quote; out has room for the value's length. Returns the length. */
static size_t unquote(const struct pair *p, char *out)
{
	size_t n = 0;

	for (const char *s = p->value, *end = s + p->value_len; s < end; s++) {
		if (*s != '\\' || s + 1 == end) {
			out[n++] = *s;
			continue;
		}
		s++;
		if (*s == 'x' && end - s > 2 && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0) {
			out[n++] = (char)(hex_digit(s[1]) * 16 + hex_digit(s[2]));
			s += 2;
		} else {
			out[n++] = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s;
		}
	}
	return n;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* A key goes in with the opening of its value or not at all, so a cut line is still well formed. */
static void put_json(struct text *t, const char *key, size_t key_len, const char *value, size_t len)
{
	char open[LOG_VALUE_BYTES];
	int n = snprintf(open, sizeof(open), "%s\"%.*s\":\"", t->len == 0 ? "{" : ",", (int)key_len,
			 key);

	if (n < 0 || (size_t)n >= sizeof(open))
		return;
	add(t, open, (size_t)n);
	if (t->full)
		return;
	add_value(t, value, len, true);
	add_closing(t, "\"");
}

static void put_kv(struct text *t, const char *key, size_t key_len, const char *value, size_t len)
{
	bool bare = is_bare(value, len) && len <= t->cap - t->len;
	char open[LOG_VALUE_BYTES];
	int n = snprintf(open, sizeof(open), "%s%.*s=%s", t->len == 0 ? "" : " ", (int)key_len, key,
			 bare ? "" : "\"");

	if (n < 0 || (size_t)n >= sizeof(open))
		return;
	add(t, open, (size_t)n);
	if (t->full)
		return;
	add_value(t, value, len, false);
	if (!bare)
		add_closing(t, "\"");
}

static void put(struct text *t, const char *key, size_t key_len, const char *value, size_t len)
{
	if (t->full)
		return;
	if (state.json)
		put_json(t, key, key_len, value, len);
	else
		put_kv(t, key, key_len, value, len);
}

static void put_str(struct text *t, const char *key, const char *value)
{
	put(t, key, strlen(key), value, strlen(value));
}

static void put_time(struct text *t)
{
	int64_t ms = clock_wall_ms();
	time_t s = (time_t)(ms / 1000);
	struct tm tm = {0};
	char date[32], all[48];

	if (!gmtime_r(&s, &tm) || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return;
	(void)snprintf(all, sizeof(all), "%s.%03dZ", date, (int)(ms % 1000));
	put_str(t, "time", all);
}

static void put_pairs(struct text *t, const char *pairs)
{
	char plain[LOG_LINE_BYTES];
	struct pair p;

	while (!t->full && next_pair(&pairs, &p)) {
		assert(p.value_len < sizeof(plain));
		if (!p.quoted)
			put(t, p.key, p.key_len, p.value, p.value_len);
		else
			put(t, p.key, p.key_len, plain, unquote(&p, plain));
	}
}

static bool stderr_takes_a_line(int wait_ms)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&p, 1, wait_ms) == 1 && (p.revents & POLLOUT) != 0 &&
	       (p.revents & (POLLERR | POLLNVAL)) == 0;
}

static void write_line(const struct text *t)
{
	state.stuck = !stderr_takes_a_line(state.stuck ? 0 : WAIT_MS) ||
		      write(STDERR_FILENO, t->data, t->len) < 0;
	if (state.stuck)
		state.n_dropped++;
	else
		state.n_dropped = 0;
}

/* Whether or not somebody reads stderr. What is for a search for faults would push all else out. */
static void keep(enum log_level level, const struct text *t)
{
	size_t gone = 0;

	_Static_assert(LOG_LINE_BYTES <= LOG_KEPT_BYTES, "a line must find room");
	if (level == LOG_LEVEL_DEBUG)
		return;
	while (state.n_kept - gone + t->len > sizeof(state.kept))
		gone = (size_t)((char *)memchr(state.kept + gone, '\n', state.n_kept - gone) -
				state.kept) +
		       1;
	memmove(state.kept, state.kept + gone, state.n_kept - gone);
	state.n_kept -= gone;
	memcpy(state.kept + state.n_kept, t->data, t->len);
	state.n_kept += t->len;
}

void log_recent(struct strbuf *out)
{
	if (pthread_mutex_lock(&state.lock) != 0)
		abort();
	strbuf_add_len(out, state.kept, state.n_kept);
	if (pthread_mutex_unlock(&state.lock) != 0)
		abort();
}

static void tell(enum log_level level, const char *message, const char *pairs)
{
	char line[LOG_LINE_BYTES], dropped[24];
	struct text t = {.data = line, .cap = sizeof(line) - RESERVE};

	put_time(&t);
	put_str(&t, "level", level_names[level]);
	put_str(&t, "msg", message);
	if (state.n_dropped > 0) {
		(void)snprintf(dropped, sizeof(dropped), "%" PRIu64, state.n_dropped);
		put_str(&t, "dropped", dropped);
	}
	put_pairs(&t, pairs);
	add_closing(&t, state.json ? "}\n" : "\n");
	write_line(&t);
	keep(level, &t);
}

void log_at(enum log_level level, const char *message, const char *pairs, ...)
{
	char pairs_text[LOG_LINE_BYTES];
	int saved = errno;
	va_list ap;

	if (!log_enabled(level))
		return;
	pairs_text[0] = '\0';
	va_start(ap, pairs);
	if (pairs && vsnprintf(pairs_text, sizeof(pairs_text), pairs, ap) < 0)
		pairs_text[0] = '\0';
	va_end(ap);
	if (pthread_mutex_lock(&state.lock) != 0)
		abort();
	tell(level, message, pairs_text);
	if (pthread_mutex_unlock(&state.lock) != 0)
		abort();
	errno = saved;
}
