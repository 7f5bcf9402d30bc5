// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Block style for arrays and objects, flow style only for empty ones ("[]", "{}"). A string is
 * plain only if it looks like a word to every YAML reader; whatever could be taken for a number, a
 * date, a boolean or syntax is double-quoted, whose escapes are JSON's.
 *
 * Recursion follows the nesting of the value. Below LIMIT_YAML_DEPTH it is written as one line of
 * JSON instead, which is YAML too, so the depth of the stack has a bound of ours.
 */
#include "cli/yaml.h"

#include "base/limits.h"

#include <strings.h>

#define INDENT 2

/* Words that some YAML reader takes for something else than a string. */
static const char *const reserved[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};

static bool is_plain(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len = strlen(text);

	if (len == 0 || !strchr(letters, text[0]) || text[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr(letters, text[i]) && !strchr("0123456789 ._/-", text[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (strcasecmp(text, reserved[i]) == 0)
			return false;
	return true;
}

static void add_string(struct strbuf *out, const char *text)
{
	if (is_plain(text)) {
		strbuf_add(out, text);
		return;
	}
	strbuf_add(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			strbuf_printf(out, "\\x%02x", c);
		else
			strbuf_printf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	strbuf_add(out, "\"");
}

/*
 * Whole numbers in full, since YAML 1.1 takes "1e+21" for a string. Others, of which the agent
 * sends none, in the one form that has the point and the sign that it wants.
 */
static void add_number(struct strbuf *out, double v)
{
	bool is_whole = v > -1e18 && v < 1e18 && (double)(long long)v == v;

	strbuf_printf(out, is_whole ? "%.0f" : "%.16e", v);
}

/* Booleans, null, and what is nested too deeply. */
static void add_json(struct strbuf *out, const cJSON *value)
{
	char *text = cJSON_PrintUnformatted(value);

	if (!text)
		abort(); /* out of memory */
	strbuf_add(out, text);
	cJSON_free(text);
}

static void add_indent(struct strbuf *out, unsigned depth)
{
	strbuf_printf(out, "%*s", (int)depth * INDENT, "");
}

static bool is_block(const cJSON *value, unsigned depth)
{
	return (cJSON_IsArray(value) || cJSON_IsObject(value)) && value->child &&
	       depth < LIMIT_YAML_DEPTH;
}

static void add_scalar(struct strbuf *out, const cJSON *value)
{
	if (cJSON_IsString(value))
		add_string(out, value->valuestring);
	else if (cJSON_IsNumber(value))
		add_number(out, value->valuedouble);
	else
		add_json(out, value);
	strbuf_add(out, "\n");
}

/* The items of a block; the cursor already stands at the place of the first one. */
static void add_block(struct strbuf *out, const cJSON *block, unsigned depth)
{
	for (const cJSON *item = block->child; item; item = item->next) {
		bool nested = is_block(item, depth + 1);

		if (item != block->child)
			add_indent(out, depth);
		if (cJSON_IsArray(block)) {
			strbuf_add(out, "- ");
		} else {
			add_string(out, item->string);
			strbuf_add(out, nested ? ":\n" : ": ");
			if (nested)
				add_indent(out, depth + 1);
		}
		if (nested)
			add_block(out, item, depth + 1);
		else
			add_scalar(out, item);
	}
}

void yaml_print(const cJSON *value, struct strbuf *out)
{
	if (is_block(value, 0))
		add_block(out, value, 0);
	else
		add_scalar(out, value);
}
