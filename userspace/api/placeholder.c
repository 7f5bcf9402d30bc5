// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* See the header. Known by how they begin: Go templates, shell variables, sops, Ansible's vault. */
#include "api/placeholder.h"

#include "base/mem.h"

#include <string.h>

const struct api_placeholder api_placeholder_braces = {
	"NotRendered", "holds a {{ }} of a template that was not rendered",
	"render it first, such as by: helm template"};

/* Of a whole value: how it begins and ends. */
static const struct {
	const char *begin, *end;
	struct api_placeholder what;
} forms[] = {
	{"${",
	 "}",
	 {"NotRendered", "holds a variable that was not filled in",
	  "fill it in first, such as by: envsubst"}},
	{"$(",
	 ")",
	 {"NotRendered", "holds a variable that was not filled in",
	  "fill it in first, such as by: envsubst"}},
	{"<no value>",
	 "",
	 {"NotRendered", "is what a template writes in place of a value that it was not given",
	  "give the template the value, and render it again"}},
	{"ENC[",
	 "]",
	 {"Encrypted", "is encrypted", "decrypt it first, such as by: sops --decrypt"}},
	{"$ANSIBLE_VAULT;",
	 "",
	 {"Encrypted", "is encrypted", "decrypt it first, such as by: ansible-vault decrypt"}},
};

bool api_placeholder_in(const char *text, size_t len)
{
	const char *at = memmem(text, len, "{{", 2);

	return at && memmem(at, len - (size_t)(at - text), "}}", 2);
}

static const struct api_placeholder *find_form(const char *text)
{
	const size_t len = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const size_t n_begin = strlen(forms[i].begin), n_end = strlen(forms[i].end);

		if (len >= n_begin + n_end && strncmp(text, forms[i].begin, n_begin) == 0 &&
		    strcmp(text + len - n_end, forms[i].end) == 0)
			return &forms[i].what;
	}
	return NULL;
}

/* Asked of every value, nearly none of which has such a character. */
const struct api_placeholder *api_placeholder_find(const char *text)
{
	const struct api_placeholder *ret = NULL;

	if (*text == '$' || *text == '<' || *text == 'E')
		ret = find_form(text);
	if (!ret && strchr(text, '{') && api_placeholder_in(text, strlen(text)))
		ret = &api_placeholder_braces;
	return ret;
}
