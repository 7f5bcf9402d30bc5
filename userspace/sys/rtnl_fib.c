// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two sockets: changes are acknowledged on one while a dump waits half read in the other. Where a
 * table is large the kernel may be at a single change for tens of milliseconds, in which it
 * arranges the table anew (a tree whose nodes grow and shrink) and waits for a grace period.
 *
 * A dump is of one table and family, which the kernel filters (Linux 4.20); one that does not exist
 * is ENOENT. A table that changes under the dump, which it does by our own hand, has to be looked
 * at again: some times, and then the next look is waited for.
 */
#include "sys/rtnl_fib.h"

#include "plan/plan_kernel.h"
#include "sys/nlsock.h"
#include "sys/rtnl_fib_message.h"
#include "sys/worker.h"

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define BATCH       100
#define BATCH_BYTES 16384 /* a hundred routes of one hop; fewer of many */
#define DATAGRAMS   8     /* of a dump in one piece: 2,000 routes */
#define ATTEMPTS    3
#define TABLES_MAX  64
#define N_FAMILIES  2

/* What the helper is at; its alone while the job is away. */
struct changes {
	struct worker_job job; /* first */
	struct nlsock *sock;   /* owned */
	struct rtnl_fib *r;    /* not the helper's */
	struct fib_op ops[RTNL_FIB_CHANGES_MAX];
	int errors[RTNL_FIB_CHANGES_MAX];
	size_t n;
};
struct piece {
	struct worker_job job; /* first */
	struct nlsock *sock;   /* owned */
	struct rtnl_fib *r;    /* not the helper's */
	uint32_t table;
	uint8_t family;
	bool is_asked; /* for this dump */
	struct fib_seen *seen;
	size_t n, cap;
	int outcome; /* 1: the dump goes on; else it is over */
};

struct rtnl_fib {
	struct changes changes;
	struct piece piece;
	struct worker *worker; /* owned; NULL: only for rtnl_fib_cleanup() */
	struct fib *fib;       /* that the helper's return is told to */
	bool is_away;
	uint32_t tables[TABLES_MAX];
	size_t n_tables;
	size_t at; /* of tables and families; twice n_tables: no look is under way */
	unsigned attempts;
	bool is_whole; /* so far all was shown */
};

static void work(struct worker_job *job);
static void take_back(struct worker_job *job);
static void read_piece(struct worker_job *job);
static void show_piece(struct worker_job *job);

int rtnl_fib_open(struct loop *loop, struct rtnl_fib **ret)
{
	_cleanup_(rtnl_fib_freep) struct rtnl_fib *r = xcalloc(1, sizeof(*r));
	int err = nlsock_open_strict(&r->changes.sock);

	if (err == 0)
		err = nlsock_open_strict(&r->piece.sock);
	if (err < 0)
		return err;
	r->changes.job = (struct worker_job){.run = work, .done = take_back};
	r->piece.job = (struct worker_job){.run = read_piece, .done = show_piece};
	r->changes.r = r->piece.r = r;
	r->worker = loop ? worker_new(loop) : NULL;
	*ret = TAKE_PTR(r);
	return 0;
}

struct rtnl_fib *rtnl_fib_free(struct rtnl_fib *r)
{
	if (!r)
		return NULL;
	worker_free(r->worker);
	nlsock_free(r->changes.sock);
	nlsock_free(r->piece.sock);
	free(r->piece.seen);
	free(r);
	return NULL;
}

void rtnl_fib_freep(struct rtnl_fib **r)
{
	*r = rtnl_fib_free(*r);
}

uint32_t rtnl_fib_port(const struct rtnl_fib *r)
{
	return nlsock_port(r->changes.sock);
}

bool rtnl_fib_is_away(const struct rtnl_fib *r)
{
	return r->is_away;
}

static void give(struct rtnl_fib *r, struct worker_job *job)
{
	assert(!r->is_away);
	r->is_away = true;
	worker_add(r->worker, job);
}

/* --- changes --------------------------------------------------------------------------------- */

/* The first of n, as many as there is room for; returns how many. Those that cannot be built fail
 * by themselves. */
static size_t change(struct nlsock *sock, const struct fib_op *ops, size_t n, int *errors)
{
	_Alignas(struct nlmsghdr) char messages[BATCH_BYTES];
	int outcomes[BATCH];
	size_t used = 0, k = 0, ret = 0;

	for (; ret < n && ret < BATCH && sizeof(messages) - used >= RTNL_FIB_MESSAGE_BYTES; ret++) {
		const int len = rtnl_fib_message_build(&ops[ret], messages + used);

		errors[ret] = len < 0 ? len : 0;
		used += len < 0 ? 0 : NLMSG_ALIGN((size_t)len);
	}
	nlsock_change(sock, messages, used, outcomes);
	for (size_t i = 0; i < ret; i++)
		if (errors[i] == 0)
			errors[i] = outcomes[k++];
	return ret;
}

static void work(struct worker_job *job)
{
	struct changes *c = (struct changes *)job;

	for (size_t i = 0; i < c->n;)
		i += change(c->sock, c->ops + i, c->n - i, c->errors + i);
}

static void take_back(struct worker_job *job)
{
	struct changes *c = (struct changes *)job;

	c->r->is_away = false;
	for (size_t i = 0; i < c->n; i++)
		fib_done(c->r->fib, &c->ops[i], c->errors[i]);
}

bool rtnl_fib_apply(struct rtnl_fib *r, struct fib *f)
{
	struct changes *c = &r->changes;

	assert(!r->is_away);
	c->n = fib_take(f, c->ops, ARRAY_SIZE(c->ops));
	if (c->n == 0)
		return false;
	r->fib = f;
	give(r, &c->job);
	return true;
}

/* --- looking --------------------------------------------------------------------------------- */

static int on_route(void *ctx, const struct nlmsghdr *m)
{
	struct piece *p = ctx;
	struct fib_seen seen;

	if (m->nlmsg_type == RTM_NEWROUTE && rtnl_fib_message_read(m, &seen) &&
	    seen.table == p->table)
		*(struct fib_seen *)xpush(&p->seen, &p->n, &p->cap, sizeof(seen)) = seen;
	return 0;
}

static int ask(const struct piece *p)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;

	route->rtm_family = p->family;
	mnl_attr_put_u32(m, RTA_TABLE, p->table);
	return nlsock_begin(p->sock, m);
}

static void read_piece(struct worker_job *job)
{
	struct piece *p = (struct piece *)job;
	const int err = p->is_asked ? 0 : ask(p);

	p->outcome = err < 0 ? err : nlsock_go_on(p->sock, on_route, p, DATAGRAMS);
	p->is_asked = p->outcome == 1;
}

/* One dump is over; err is how. False: the others cannot be expected to go better. */
static bool next_dump(struct rtnl_fib *r, int err)
{
	if (err == -EINTR && ++r->attempts < ATTEMPTS)
		return true;
	r->is_whole &= err == 0 || err == -ENOENT;
	r->attempts = 0;
	r->at++;
	return err == 0 || err == -ENOENT || err == -EINTR;
}

static void end_look(struct rtnl_fib *r)
{
	r->at = r->n_tables * N_FAMILIES;
	fib_look_end(r->fib, r->is_whole);
	free(r->piece.seen); /* of a large table it is much */
	r->piece.seen = NULL;
	r->piece.cap = 0;
}

static void show_piece(struct worker_job *job)
{
	struct piece *p = (struct piece *)job;
	struct rtnl_fib *r = p->r;

	r->is_away = false;
	for (size_t i = 0; i < p->n; i++)
		fib_look_route(r->fib, &p->seen[i]);
	p->n = 0;
	if (p->outcome == 1)
		return;
	if (!next_dump(r, p->outcome) || !rtnl_fib_is_looking(r))
		end_look(r);
}

void rtnl_fib_look_begin(struct rtnl_fib *r, struct fib *f, const uint32_t *tables, size_t n)
{
	assert(!rtnl_fib_is_looking(r));
	r->n_tables = n < TABLES_MAX ? n : TABLES_MAX;
	memcpy(r->tables, tables, r->n_tables * sizeof(*tables));
	r->at = 0;
	r->is_whole = true;
	r->fib = f;
	fib_look_begin(f);
	if (r->n_tables == 0)
		end_look(r);
}

bool rtnl_fib_is_looking(const struct rtnl_fib *r)
{
	return r->at < r->n_tables * N_FAMILIES;
}

int rtnl_fib_looked(const struct rtnl_fib *r)
{
	return r->is_whole ? 0 : -EAGAIN;
}

bool rtnl_fib_look(struct rtnl_fib *r)
{
	struct piece *p = &r->piece;

	if (!rtnl_fib_is_looking(r))
		return false;
	p->table = r->tables[r->at / N_FAMILIES];
	p->family = r->at % N_FAMILIES == 0 ? AF_INET : AF_INET6;
	give(r, &p->job);
	return true;
}

/* --- cleaning up ----------------------------------------------------------------------------- */

struct found {
	struct fib_op *items;
	size_t n, cap;
};

static int on_any_route(void *ctx, const struct nlmsghdr *m)
{
	struct found *found = ctx;
	struct fib_seen seen;

	if (m->nlmsg_type != RTM_NEWROUTE || !rtnl_fib_message_read(m, &seen) || !seen.is_ours)
		return 0;
	*(struct fib_op *)xpush(&found->items, &found->n, &found->cap, sizeof(*found->items)) =
		(struct fib_op){.verb = FIB_DELETE, .table = seen.table, .prefix = seen.prefix};
	return 0;
}

static int find_all(struct rtnl_fib *r, uint8_t family, struct found *found)
{
	char buf[NLSOCK_REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	void *header;
	struct nlmsghdr *m =
		nlsock_request(buf, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg), &header);
	struct rtmsg *route = header;

	route->rtm_family = family;
	route->rtm_protocol = KERNEL_PROTOCOL;
	return nlsock_ask(r->piece.sock, m, on_any_route, found);
}

static int delete_all(struct rtnl_fib *r, const struct found *found)
{
	int errors[BATCH], err = 0;

	for (size_t i = 0, n; i < found->n; i += n) {
		n = change(r->changes.sock, found->items + i, found->n - i, errors);
		for (size_t k = 0; k < n; k++)
			if (errors[k] != 0 && errors[k] != -ESRCH)
				err = errors[k];
	}
	return err;
}

int rtnl_fib_cleanup(struct rtnl_fib *r)
{
	struct found found = {.n = 0};
	int err = find_all(r, AF_INET, &found);

	if (err == 0 || err == -ENOENT)
		err = find_all(r, AF_INET6, &found);
	if (err == 0 || err == -ENOENT)
		err = delete_all(r, &found);
	free(found.items);
	return err;
}
