// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What goes wrong with a running node: an edit that has an error, something it needs that vanishes.
 * For tests of last good versions (plan/plan_good.h), each a row of a table.
 */
#pragma once

#include "fake/plan_fixture.h"
#include "plan/plan_ledger.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP      "192.168.100.0"
#define IN_FORCE "last good version stays in force"

struct mishap {
	void (*happens)(struct fixture *f);
	const char *reason, *object, *says;
};

static inline void assert_said(struct fixture *f, const struct mishap *m)
{
	const struct problem *p = fixture_problem(f, m->reason, m->object);

	assert_non_null(p);
	assert_int_equal(p->severity, SEVERITY_ERROR);
	assert_non_null(strstr(p->message, m->says));
}

/* All is read anew, sinks and sessions are as after a crash; the ledger alone remembers. */
static inline void restart(struct fixture *f)
{
	for (size_t i = 0; i < f->n_peers; i++) {
		bgp_rib_free(f->peers[i].rib);
		f->peers[i].rib = bgp_rib_new(NULL);
	}
	f->synced = false;
	fixture_converge(f, 10);
	f->synced = true;
	fixture_converge(f, 10);
}

static inline size_t n_good(const struct fixture *f, enum api_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < f->ledger.n_good; i++) {
		n += f->ledger.good[i].kind == kind;
		assert_true(i == 0 ||
			    plan_good_cmp(&f->ledger.good[i - 1], &f->ledger.good[i]) < 0);
	}
	return n;
}
