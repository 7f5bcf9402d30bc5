// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What the files of plan_changes.h share. */
#pragma once

#include "base/strbuf.h"
#include "plan/plan_changes.h"

struct changes {
	struct arena *arena;
	struct plan_change *items;
	size_t n, cap;
};

/* Adds one with a message as printf makes it; valid until the next is added. */
struct plan_change *changes_add(struct changes *c, enum plan_op op, const char *kind,
				const char *name, const char *fmt, ...) printf_like(5, 6);

/* Addresses, ports, backends of Services, and whether they are announced. */
void changes_services(struct changes *c, const struct plan *from, const struct plan *to);
/* What is sent to whom. */
void changes_routes(struct changes *c, const struct plan *from, const struct plan *to);
