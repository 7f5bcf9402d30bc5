// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A whole agent with one session, one pool and two Services, which is asked over its socket. */
#pragma once

#include "agent/show.h"

#include "agent_rig.h"

#include <sys/un.h>

static struct {
	int fd;
	char text[1 << 20];
	size_t len;
	bool ended;
} reply;

RIG_UNUSED static bool has_answered(const struct agent_rig *rig)
{
	ssize_t n = recv(reply.fd, reply.text + reply.len, sizeof(reply.text) - 1 - reply.len,
			 MSG_DONTWAIT);

	(void)rig;
	if (n > 0)
		reply.len += (size_t)n;
	reply.text[reply.len] = '\0';
	return n == 0;
}

/* The reply to one line: the status line, and the body as JSON (NULL if there is none). */
RIG_UNUSED static cJSON *ask(struct agent_rig *rig, const char *line, const char *first)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *end;
	cJSON *body;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", rig->socket);
	reply.len = 0;
	reply.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(reply.fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(send(reply.fd, line, strlen(line), 0), strlen(line));
	assert_int_equal(send(reply.fd, "\n", 1, 0), 1);
	RIG_WAIT(rig, has_answered);
	close(reply.fd);
	end = strchr(reply.text, '\n');
	assert_non_null(end);
	assert_int_equal(strncmp(reply.text, first, strlen(first)), 0);
	body = cJSON_Parse(end + 1);
	return body;
}

RIG_UNUSED static const char *text_of(const cJSON *item, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(item, key));
}

/* Numbers that count time, and texts that hold the folder's name, are no part of the contract. */
RIG_UNUSED static void json_blank(cJSON *o, const char *key)
{
	cJSON *item, *each;

	if (cJSON_IsArray(o)) {
		cJSON_ArrayForEach(each, o) json_blank(each, key);
		return;
	}
	item = cJSON_GetObjectItemCaseSensitive(o, key);
	assert_non_null(item);
	if (!cJSON_IsNull(item))
		assert_true(
			cJSON_ReplaceItemInObjectCaseSensitive(o, key, cJSON_CreateString("*")));
}

RIG_UNUSED static void json_expect(cJSON *body, const char *golden)
{
	char *text;

	assert_non_null(body);
	text = cJSON_PrintUnformatted(body);
	assert_string_equal(text, golden);
	free(text);
	cJSON_Delete(body);
}

#define OK "{\"protocol\":\"lodestone/1\",\"ok\":true}\n"

/* The router has heard it, and the plan has heard so. */
RIG_UNUSED static bool is_announced(const struct agent_rig *rig)
{
	return rig_announces(rig) && rig->agent.current->plan.services[0].announced;
}

RIG_UNUSED static struct agent_rig *rig_announcing(void)
{
	struct agent_rig *rig = rig_new();

	rig_write(rig, "s2.yaml",
		  "apiVersion: v1\nkind: Service\nmetadata: {name: s2, namespace: other,"
		  " annotations: {metallb.io/address-pool: none}}\n"
		  "spec: {type: LoadBalancer, ports: [{port: 53, protocol: UDP}]}\n");
	rig_start(rig);
	RIG_WAIT(rig, is_announced);
	return rig;
}
