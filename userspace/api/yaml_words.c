// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The words of api/yaml_words.h. libyaml's own messages describe its scanner; those that manifests
 * run into are translated, the rest is passed on. A tab in the indentation, the most common mistake
 * of all, is named as such whatever libyaml stumbled over.
 */
#include "api/yaml_words.h"

#include "api/text.h"

#include <assert.h>
#include <yaml.h>

static const struct {
	const char *theirs, *message, *remedy;
} words[] = {
	{"found character that cannot start any token",
	 "a value starts with a character that YAML reserves", "put the value in quotes"},
	{"mapping values are not allowed in this context", "a key stands where none can",
	 "check the indentation, and put a value that holds \": \" in quotes"},
	{"did not find expected key", "the line belongs to nothing above it",
	 "check that the indentation agrees with the lines above"},
	{"did not find expected '-' indicator", "the line belongs to nothing above it",
	 "check that the items of the list are indented alike"},
	{"could not find expected ':'", "a key has no value", "write \"key: value\""},
	{"found unexpected end of stream", "a quoted value has no end", "close the quotes"},
	{"did not find expected ',' or ']'", "a list in brackets has no end", "add \",\" or \"]\""},
	{"did not find expected ',' or '}'", "a map in braces has no end", "add \",\" or \"}\""},
	{"did not find expected <document start>", "text after the end of the document",
	 "begin a new document with a line ---"},
	/* What the reader finds before there are lines. */
	{"control characters are not allowed", "a control character", "remove it"},
	{"invalid Unicode character", "a code that is no character, such as half a pair of UTF-16",
	 "save the file as UTF-8"},
	{"invalid leading UTF-8 octet", "a byte that is not UTF-8, or half a character at the end",
	 "save the file as UTF-8"},
};

/* Lines that end within the first len bytes. */
static size_t count_lines(const struct api_yaml_text *in, size_t len)
{
	const char *at = in->text, *end = in->text + in->len;
	size_t n = 0;

	for (at = api_text_line_end(at, end); at < end && (size_t)(at - in->text) <= len; n++)
		at = api_text_line_end(at, end);
	return n;
}

/* The line, 0-based. What is missed at the end of the text is missed in its last line. */
static size_t problem_line_of(const struct api_yaml_text *in, const struct yaml_parser_s *parser)
{
	size_t last = count_lines(in, in->len);

	if (parser->error == YAML_READER_ERROR)
		return count_lines(in, parser->problem_offset);
	return parser->problem_mark.line < last ? parser->problem_mark.line : last;
}

/* Does the indentation of line n (0-based) hold a tab? */
static bool is_tab_indented(const struct api_yaml_text *in, size_t n)
{
	const char *at = in->text, *end = in->text + in->len;

	for (; n > 0 && at < end; n--)
		at = api_text_line_end(at, end);
	for (; at < end && (*at == ' ' || *at == '\t'); at++)
		if (*at == '\t')
			return true;
	return false;
}

struct api_yaml_error api_yaml_explain(struct arena *arena, const struct api_yaml_text *in,
				       const struct yaml_parser_s *parser)
{
	const char *problem = parser->problem ? parser->problem : "unreadable";
	bool is_reader = parser->error == YAML_READER_ERROR;
	size_t line = problem_line_of(in, parser);
	struct api_yaml_error ret = {.line = in->first_line + (unsigned)line, .reason = "BadYAML"};

	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	assert(parser->error != YAML_NO_ERROR);
	assert(line <= in->len); /* each line has its end */
	if (!is_reader && is_tab_indented(in, line)) {
		ret.message = "a tab in the indentation";
		ret.remedy = "indent with spaces";
		return ret;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(problem, words[i].theirs) == 0) {
			ret.message = words[i].message;
			ret.remedy = words[i].remedy;
			return ret;
		}
	ret.message = arena_strdup(arena, problem);
	ret.remedy = is_reader ? "save the file as UTF-8" : "check the syntax of this line";
	return ret;
}
