// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The writer of api/emit.h. Every value is written in double quotes, so no name can turn into a
 * number, a comment or a second line (YAML 1.2, 7.3.1).
 */
#include "api/emit.h"

#include <assert.h>

static void emit_quoted(struct strbuf *out, const char *label, const char *value)
{
	strbuf_add(out, label);
	strbuf_add(out, "\"");
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ')
			strbuf_printf(out, "\\x%02x", (unsigned)*c);
		else if (*c == '"' || *c == '\\')
			strbuf_printf(out, "\\%c", *c);
		else
			strbuf_add_len(out, c, 1);
	strbuf_add(out, "\"\n");
}

void api_emit_allocation(struct strbuf *out, const struct api_allocation *a)
{
	char text[IP_ADDR_TEXT];

	assert(*a->ns && *a->name); /* or it would be read as another Service's */
	strbuf_add(out, "---\napiVersion: v1\nkind: Service\nmetadata:\n");
	emit_quoted(out, "  namespace: ", a->ns);
	emit_quoted(out, "  name: ", a->name);
	if (a->pool && *a->pool) {
		strbuf_add(out, "  annotations:\n");
		emit_quoted(out, "    metallb.io/ip-allocated-from-pool: ", a->pool);
	}
	strbuf_add(out, "status:\n  loadBalancer:\n    ingress:\n");
	for (size_t i = 0; i < a->n_addrs; i++)
		emit_quoted(out, "    - ip: ", ip_addr_text(&a->addrs[i], text));
}
