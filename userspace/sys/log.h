// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The log: one line on stderr for each state change, as key=value pairs or as one JSON object. The
 * message is fixed text, so that it can be searched for and counted; what varies follows as pairs:
 *
 *	log_info("bgp: peer up", "peer=%s address=%s", name, address);
 *	time=2026-01-02T03:04:05.678Z level=info msg="bgp: peer up" peer=tor1 address=192.0.2.1
 *
 * A line is at most LOG_LINE_BYTES long (what a pipe takes in one piece) and longer ones are cut in
 * a value. A reader of stderr that does not read costs lines, never time: the line is dropped, and
 * the next one that can be written carries dropped=N. Level and format are the one global state of
 * the program; the format is set before there is a second thread, the level whenever somebody wants
 * to see more, and lines may come from any. The layers below sys/ never log.
 */
#pragma once

#include "base/strbuf.h"

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERR,   /* a human must act */
	LOG_LEVEL_WARN,  /* degraded */
	LOG_LEVEL_INFO,  /* state changes */
	LOG_LEVEL_DEBUG, /* everything else; never one line per packet */
};

#define LOG_KEPT_BYTES  (32u << 10)
#define LOG_LINE_BYTES  4096
#define LOG_VALUE_BYTES 1024

/* What is logged (this level and more urgent ones) and how. Before it: info, key=value. */
void log_init(enum log_level level, bool json);

/* "err" (also "error"), "warn" ("warning"), "info", "debug". False leaves *ret untouched. */
bool log_level_parse(const char *text, enum log_level *ret) must_check;

bool log_enabled(enum log_level level);

/* From now on; by any thread. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* As log_level_parse() takes it, and as it stands in lines. */
const char *log_level_text(enum log_level level);

/*
 * One line. `pairs` is a printf format that yields "key=value key=value"; NULL: no pairs. Keys are
 * [A-Za-z0-9_.-]. A value that may hold spaces, quotes, '=' or control characters is passed through
 * log_quote. errno is left alone, so that a caller may log before it looks.
 */
void log_at(enum log_level level, const char *message, const char *pairs, ...) printf_like(3, 4);

/* Adds the last lines, as they were written and as many as are kept, but those of debug. */
void log_recent(struct strbuf *out);

#define log_err(...)  log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_enabled(LOG_LEVEL_DEBUG))                                                  \
			log_at(LOG_LEVEL_DEBUG, __VA_ARGS__);                                      \
	} while (0)

/*
 * The value as it is if it can stand in a line bare, else in double quotes with \" \\ \n \t \xNN
 * escaped, cut to fit `size`; NULL yields "". Returns `value` or `buf`.
 */
const char *log_quote_to(char *buf, size_t size, const char *value);

/* The same into room of the enclosing block: log_warn("x: y", "reason=%s", log_quote(reason)). */
#define log_quote(value) log_quote_to((char[LOG_VALUE_BYTES]){0}, LOG_VALUE_BYTES, (value))
