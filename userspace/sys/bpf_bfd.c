// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An entry is written while its version is odd, so that a program that reads it at that time takes
 * nothing of it. It is written when it changes, and once a second to put off the end of its
 * validity: this is how long a thread that hangs, or that has died, is believed.
 */
#include "sys/bpf_bfd.h"

#include <errno.h>
#include <linux/types.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/abi.h"

#define RENEW_NS NSEC_PER_SEC

_Static_assert(sizeof(((struct lb_bfd_told *)NULL)->heard) == BFD_PACKET_BYTES, "a packet");

size_t bpf_bfd_bytes(void)
{
	return LB_BFD_SESSIONS * sizeof(struct lb_bfd);
}

/* Its place in the map; NULL: none. */
static struct lb_bfd *entry_of(const struct bpf_bfd *b, const struct bfd_session *s)
{
	uint32_t place = s->discriminator & ((1u << LB_BFD_BITS) - 1);

	return b->sessions && place < LB_BFD_SESSIONS ? &b->sessions[place] : NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

static uint64_t load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void store(__u64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static void begin_write(struct lb_bfd *e)
{
	/* Odd it is, too, where a former thread died in the middle of it. */
	store(&e->version, load(&e->version) | 1);
	atomic_thread_fence(memory_order_seq_cst);
}

static void end_write(struct lb_bfd *e)
{
	__atomic_store_n(&e->version, load(&e->version) + 1, __ATOMIC_SEQ_CST);
}

static void withdraw(struct lb_bfd *e)
{
	if (load(&e->valid_until) == 0)
		return;
	begin_write(e);
	store(&e->valid_until, 0);
	end_write(e);
}

/*
 * What the programs have seen stays. They begin anew with a session that is new, and where our
 * socket has heard for the detection time what they have not: they were away.
 */
static void write_entry(struct lb_bfd *e, const struct lb_bfd_told *told, nsec_t heard_at,
			nsec_t until)
{
	bool is_same = memcmp(&e->told, told, sizeof(*told)) == 0;
	bool is_new = load(&e->valid_until) == 0 ||
		      heard_at >= nsec_add(load(&e->seen_at), told->detection_ns);

	begin_write(e);
	e->told = *told;
	if (is_new)
		store(&e->n_seen, 0);
	if (is_new || (!is_same && heard_at > load(&e->seen_at)))
		store(&e->seen_at, heard_at);
	store(&e->valid_until, until);
	end_write(e);
}

static struct lb_bfd_told told_of(const struct bfd_session *s, const struct ip_addr *local,
				  const struct bfd_carry *c)
{
	struct lb_bfd_told ret = {.detection_ns = c->detection, .ifindex = s->config.ifindex};

	memcpy(ret.peer, s->config.peer.b, sizeof(ret.peer));
	memcpy(ret.local, local->b, sizeof(ret.local));
	memcpy(ret.heard, c->heard, sizeof(ret.heard));
	return ret;
}

/* ---- the thread's side ----------------------------------------------------------------------- */

void bpf_bfd_done(struct bpf_bfd *b)
{
	if (b->sessions)
		(void)munmap(b->sessions, bpf_bfd_bytes());
	b->sessions = NULL;
}

int bpf_bfd_use(struct bpf_bfd *b, int fd)
{
	void *at = NULL;
	int error = 0;

	for (size_t i = 0; b->sessions && i < LB_BFD_SESSIONS; i++)
		withdraw(&b->sessions[i]);
	bpf_bfd_done(b);
	if (fd >= 0) {
		at = mmap(NULL, bpf_bfd_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		error = at == MAP_FAILED ? -errno : 0;
		(void)close(fd); /* the mapping holds the map */
	}
	b->sessions = error == 0 ? at : NULL;
	return error;
}

void bpf_bfd_follow(struct bpf_bfd *b, const struct bfd_session *s, const struct ip_addr *local,
		    nsec_t now)
{
	struct lb_bfd *e = entry_of(b, s);
	struct lb_bfd_told told;
	struct bfd_carry c;

	if (!e)
		return;
	if (ip_addr_is_none(local) || !bfd_session_carry(s, &c)) {
		withdraw(e);
		return;
	}
	told = told_of(s, local, &c);
	if (load(&e->valid_until) > now + BPF_BFD_NS - RENEW_NS &&
	    memcmp(&e->told, &told, sizeof(told)) == 0)
		return;
	write_entry(e, &told, s->heard_at, now + BPF_BFD_NS);
}

void bpf_bfd_forget(struct bpf_bfd *b, const struct bfd_session *s)
{
	struct lb_bfd *e = entry_of(b, s);

	if (e)
		withdraw(e);
}

void bpf_bfd_look(const struct bpf_bfd *b, struct bfd_session *s)
{
	const struct lb_bfd *e = entry_of(b, s);

	if (e && load(&e->valid_until) != 0)
		bfd_session_seen(s, load(&e->seen_at));
}

bool bpf_bfd_is_seen(const struct bpf_bfd *b, const struct bfd_session *s)
{
	const struct lb_bfd *e = entry_of(b, s);

	return e && load(&e->valid_until) != 0 && load(&e->n_seen) > 0 &&
	       s->heard_at < nsec_add(load(&e->seen_at), bfd_session_detection(s));
}
