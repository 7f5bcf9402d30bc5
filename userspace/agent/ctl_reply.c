// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "agent/ctl_reply.h"

#include "base/names.h"

static void add_json(struct strbuf *reply, cJSON *body)
{
	char *text = cJSON_PrintUnformatted(body);

	strbuf_add(reply, text);
	strbuf_add(reply, "\n");
	free(text);
	cJSON_Delete(body);
}

void ctl_refuse(struct strbuf *reply, const char *error)
{
	cJSON *line = cJSON_CreateObject();

	cJSON_AddStringToObject(line, "protocol", LODESTONE_PROTOCOL);
	cJSON_AddBoolToObject(line, "ok", false);
	cJSON_AddStringToObject(line, "error", error);
	add_json(reply, line);
}

void ctl_agree(struct strbuf *reply)
{
	cJSON *line = cJSON_CreateObject();

	cJSON_AddStringToObject(line, "protocol", LODESTONE_PROTOCOL);
	cJSON_AddBoolToObject(line, "ok", true);
	add_json(reply, line);
}

void ctl_answer(struct strbuf *reply, cJSON *body)
{
	ctl_agree(reply);
	add_json(reply, body);
}
