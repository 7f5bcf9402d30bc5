// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The file has a line of names and a line of values for each group, both beginning with the group.
 */
#include "sys/tcp_silence.h"

#include "sys/files.h"

#include <stdlib.h>

#define NETSTAT_MAX (64u << 10)

/* The word after `at` on its line, and how long it is; NULL at the end of the line. */
static const char *next_word(const char *at, size_t *ret_len)
{
	at += strspn(at, " ");
	*ret_len = strcspn(at, " \n");
	return *ret_len > 0 ? at : NULL;
}

static uint64_t *counter(struct tcp_drops *d, const char *name, size_t len)
{
	const struct {
		const char *name;
		uint64_t *at;
	} all[] = {
		{"TCPMD5NotFound", &d->missing},
		{"TCPMD5Unexpected", &d->unexpected},
		{"TCPMD5Failure", &d->wrong},
		{"TCPMinTTLDrop", &d->far},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strlen(all[i].name) == len && memcmp(all[i].name, name, len) == 0)
			return all[i].at;
	return NULL;
}

struct tcp_drops tcp_drops_parse(const char *text)
{
	static const char group[] = "TcpExt:";
	struct tcp_drops ret = {0};
	const char *names = strstr(text, group);
	const char *values = names ? strstr(names + 1, group) : NULL;
	size_t n_name = 0, n_value = 0;

	if (!values)
		return ret;
	names += sizeof(group) - 1;
	values += sizeof(group) - 1;
	while ((names = next_word(names, &n_name)) && (values = next_word(values, &n_value))) {
		uint64_t *at = counter(&ret, names, n_name);

		if (at)
			*at = strtoull(values, NULL, 10);
		names += n_name;
		values += n_value;
	}
	return ret;
}

struct tcp_drops tcp_drops_now(void)
{
	_cleanup_(freep) char *text = NULL;
	size_t len;

	if (file_read("/proc/thread-self/net/netstat", NETSTAT_MAX, &text, &len) < 0)
		return (struct tcp_drops){0};
	return tcp_drops_parse(text);
}

const char *tcp_drops_text(const struct tcp_attempt *a, const struct tcp_drops *before,
			   const struct tcp_drops *now)
{
	if (a->has_guard && now->far > before->far)
		return "what comes from the router has too small a TTL for lodestone.io/ttl-security: "
		       "switch TTL security on at the router, too (it has to send with 255), or it "
		       "is more hops away";
	if (a->has_key && now->wrong > before->wrong)
		return "the answers are signed with another MD5 password than ours";
	if (a->has_key && now->missing > before->missing)
		return "the answers carry no MD5 signature: nothing listens on the peer's port (a "
		       "refusal is not signed), or it has no password for this session";
	if (!a->has_key && now->unexpected > before->unexpected)
		return "the answers carry an MD5 signature, and no password is configured here";
	return NULL;
}

const char *tcp_silence_text(const struct tcp_attempt *a, const struct tcp_drops *before,
			     const struct tcp_drops *now)
{
	const char *text = tcp_drops_text(a, before, now);

	if (text)
		return text;
	if (a->is_made)
		return "connected, but the router does not answer our OPEN";
	if (a->has_key)
		return "no answer to SYN: the router drops them because it has another MD5 "
		       "password, or none, or nothing listens on the peer's port (which is not "
		       "said to who signs); or address unreachable, or packets filtered";
	return "no answer to SYN: address unreachable, packets filtered, or the router drops them "
	       "because it demands an MD5 password";
}
