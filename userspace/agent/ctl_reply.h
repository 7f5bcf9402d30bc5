// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The shapes of a reply on the control socket: a line that says how it is, and a body behind it. */
#pragma once

#include "base/strbuf.h"

#include <cjson/cJSON.h>

/* No body follows; the error is a sentence. */
void ctl_refuse(struct strbuf *reply, const char *error);
/* A body follows, which the caller adds. */
void ctl_agree(struct strbuf *reply);
/* ... which is this one; it is freed. */
void ctl_answer(struct strbuf *reply, cJSON *body);
