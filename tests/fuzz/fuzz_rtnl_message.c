// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fuzzes what the kernel may say of routes and rules: the input is a datagram of messages. What is
 * taken of it can be sorted, compared with a plan, and said in words.
 */
#include "plan/plan_kernel.h"
#include "sys/rtnl_fib_message.h"
#include "sys/rtnl_message.h"

#include <assert.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#define TAKEN_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct kernel_picture *have, struct arena *arena)
{
	const struct ip_addr to = ip_addr_from_v4(0xc0000200);
	const struct ip_prefix prefix = ip_prefix_of(&to, 24);
	const char *const uplinks[] = {"eth0"};
	const struct plan_blackholes b = {
		.prefixes = &prefix, .n = 1, .uplinks = uplinks, .n_uplinks = 1, .receives = true};
	const struct kernel_picture want = kernel_want(arena, &b);
	struct kernel_changes changes;
	char text[KERNEL_CLASH_TEXT];

	kernel_changes(&want, have, have, arena, &changes);
	for (size_t i = 0; i < changes.n_clashes; i++)
		assert(strlen(kernel_clash_text(&changes.clashes[i], text)) > 10);
	for (size_t i = 0; i < changes.n; i++) /* what goes was ours by its own words */
		assert(changes.ops[i].verb != KERNEL_DEL_RULE ||
		       changes.ops[i].rule.protocol == KERNEL_PROTOCOL);
}

/* A received route, as a look has it; what it leads to can be written again. */
static void show(struct fib *f, const struct nlmsghdr *m)
{
	_Alignas(struct nlmsghdr) char buf[RTNL_FIB_MESSAGE_BYTES];
	struct fib_op op = {.verb = FIB_REPLACE};
	struct fib_seen seen;

	if (!rtnl_fib_message_read(m, &seen))
		return;
	assert(seen.hops.n > 0 && seen.hops.n <= FIB_HOPS_MAX);
	assert(seen.prefix.len <= ip_addr_bits(&seen.prefix.addr));
	fib_look_route(f, &seen);
	op.table = seen.table;
	op.prefix = seen.prefix;
	op.hops = seen.hops;
	assert(rtnl_fib_message_build(&op, buf) <= (int)sizeof(buf));
}

/* libmnl takes a length beyond 2^31 for a negative one, which is short. */
static bool is_whole(const struct nlmsghdr *m, int left)
{
	return mnl_nlmsg_ok(m, left) && m->nlmsg_len <= (uint32_t)left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel_route routes[TAKEN_MAX];
	struct kernel_rule rules[TAKEN_MAX];
	struct kernel_picture p = {.routes = routes, .rules = rules};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct nlmsghdr *m;
	struct fib *f;
	int left = (int)size;
	void *copy;

	if (size < sizeof(*m) || size > 65536)
		return 0;
	copy = xmalloc(size); /* aligned, and without anything behind it */
	memcpy(copy, data, size);
	f = fib_new();
	fib_look_begin(f);
	for (m = copy; is_whole(m, left) && p.n_routes < TAKEN_MAX && p.n_rules < TAKEN_MAX;
	     m = mnl_nlmsg_next(m, &left)) {
		if (m->nlmsg_type == RTM_NEWROUTE) {
			p.n_routes += rtnl_message_route(m, &routes[p.n_routes]);
			show(f, m);
		} else {
			p.n_rules += rtnl_message_rule(m, arena, &rules[p.n_rules]);
		}
	}
	kernel_picture_sort(&p);
	look(&p, arena);
	fib_look_end(f, true);
	fib_free(f);
	free(copy);
	return 0;
}
