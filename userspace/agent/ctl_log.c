// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The log by asking. Its level is the one setting that is changed so: who looks for a fault cannot
 * restart what has it. And its last lines, where nobody kept what stderr said, or may read it.
 */
#include "agent/ctl.h"

#include "agent/ctl_reply.h"
#include "sys/log.h"

void ctl_log_level(const cJSON *request, uid_t uid, struct strbuf *reply)
{
	const char *level = cJSON_GetStringValue(cJSON_GetObjectItem(request, "level"));
	const enum log_level before = log_level();
	enum log_level wanted = before;
	cJSON *body;

	if (level && !log_level_parse(level, &wanted)) {
		ctl_refuse(reply, "there are the levels error, warn, info and debug");
		return;
	}
	if (level && uid != 0) {
		ctl_refuse(reply, "only root may change what is logged");
		return;
	}
	log_set_level(wanted);
	body = cJSON_CreateObject();
	cJSON_AddStringToObject(body, "level", log_level_text(wanted));
	cJSON_AddStringToObject(body, "before", log_level_text(before));
	ctl_answer(reply, body);
}

void ctl_log(struct strbuf *reply)
{
	cJSON *body = cJSON_CreateObject(), *lines = cJSON_AddArrayToObject(body, "lines");
	struct strbuf text;
	char *at, *end;

	strbuf_init(&text, LOG_KEPT_BYTES);
	log_recent(&text);
	for (at = text.data; at && (end = strchr(at, '\n')); at = end + 1) {
		*end = '\0';
		cJSON_AddItemToArray(lines, cJSON_CreateString(at));
	}
	strbuf_done(&text);
	ctl_answer(reply, body);
}
