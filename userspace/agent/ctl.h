// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The control socket's requests: one JSON line in ({"command":"show","what":"peers",...}); out a
 * line that names the protocol and says whether it worked, then the body as one line of JSON. The
 * keys are a contract (DESIGN 10): only ever added, absent = null.
 */
#pragma once

#include "base/nsec.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <sys/types.h>

struct agent;
struct strbuf;
struct unix_request;

/* Opens the socket. 0, or -errno after saying on stderr what failed. */
int ctl_start(struct agent *a);
void ctl_stop(struct agent *a);
/* What keeps the group out although it exists: -errno (unix_server.h); 0: nothing. */
int ctl_group_error(const struct agent *a);
/* What the current plan says of health-check node ports is answered from now on. */
void ctl_apply(struct agent *a, nsec_t now);
/* Closes clients whose time is up; returns when to call again. */
nsec_t ctl_tick(struct agent *a, nsec_t now);

/*
 * Answers {"command":"log-level"}: what is logged, and with "level" (root only) from now on until
 * it is said otherwise, or until the next start.
 */
void ctl_log_level(const cJSON *request, uid_t uid, struct strbuf *reply);

/* Answers {"command":"log"}: {"lines"}, the last of the log, oldest first. */
void ctl_log(struct strbuf *reply);

/*
 * Answers {"command":"trace", "client", "clientPort", "vip", "port", "protocol"}: which backend has
 * a client's flow, or would get it, and why; without "clientPort" only as far as it does not
 * matter. Of what the programs check nothing is sent and nothing is changed.
 */
void ctl_trace(const struct agent *a, const cJSON *request, struct strbuf *reply);

/*
 * Answers {"command":"capture", ...} (capture_ask.h), for root: a stream of lines {"bytes": N},
 * each with N octets of a pcapng file behind it, and {"packets", "frames", "missed", "unseen",
 * "ended"} at its end; what lacks that is not whole. "missed": frames that were meant and had no
 * room, "unseen": that nobody looked at, as there were too many; "ended": "packets", "seconds" or
 * "client", which ended it by sending anything.
 */
bool ctl_capture(struct agent *a, const cJSON *request, struct unix_request *r,
		 struct strbuf *reply);
