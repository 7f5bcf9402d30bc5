// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An entry is written while its version is odd, so that a program that reads it at that time takes
 * nothing of it. It is written when it changes, and once a second to put off the end of its
 * validity: this is how long a thread that hangs, or that has died, is believed.
 */
#include "sys/bpf_bfd.h"

#include "base/limits.h"
#include "sys/bpf_pins.h"

#include <arpa/inet.h>
#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/types.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/abi.h"

#define RENEW_NS NSEC_PER_SEC

_Static_assert(sizeof(((struct lb_bfd_told *)NULL)->heard) == BFD_PACKET_BYTES, "a packet");
_Static_assert(LB_BFD_SESSIONS == BPF_BFD_PLACES, "a session each");
_Static_assert(LB_BFD_SESSIONS >= LIMIT_PEERS, "each session that a node can have has a place");

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

static struct lb_bfd_echo echo_key(const struct lb_bfd_told *told)
{
	struct lb_bfd_echo ret = {.ifindex = told->ifindex};

	memcpy(ret.peer, told->peer, sizeof(ret.peer));
	return ret;
}

/* Without a row its echo packets are not reflected, and it is not told that they are. */
static bool set_echo(const struct bpf_bfd *b, const struct lb_bfd *e,
		     const struct lb_bfd_told *told)
{
	const struct lb_bfd_echo key = echo_key(told);
	const uint32_t place = (uint32_t)(e - b->sessions);

	return bpf_map_update_elem(b->echoes, &key, &place, BPF_ANY) == 0;
}

static void drop_echo(const struct bpf_bfd *b, const struct lb_bfd *e)
{
	const struct lb_bfd_echo key = echo_key(&e->told);

	if (e->told.flags & LB_BFD_REFLECTS)
		(void)bpf_map_delete_elem(b->echoes, &key); /* none is as good */
}

static void withdraw(const struct bpf_bfd *b, struct lb_bfd *e)
{
	if (load(&e->valid_until) == 0)
		return;
	begin_write(e);
	store(&e->valid_until, 0);
	end_write(e);
	drop_echo(b, e);
}

/* The session that an entry is of, by its discriminator. */
static bool is_of(const struct lb_bfd *e, const struct lb_bfd_told *told)
{
	return load(&e->valid_until) != 0 && e->told.answer[1] == told->answer[1];
}

/*
 * What the programs have done stays. They begin anew with a session that is new, and where our
 * socket has heard for the detection time what they have not: they were away.
 */
static void write_entry(struct lb_bfd *e, const struct lb_bfd_told *told,
			const struct bfd_session *s, nsec_t until)
{
	bool is_same = memcmp(&e->told, told, sizeof(*told)) == 0;
	bool is_new =
		!is_of(e, told) || s->heard_at >= nsec_add(load(&e->seen_at), told->detection_ns);

	begin_write(e);
	e->told = *told;
	if (is_new) {
		store(&e->sent_at, s->sent_at);
		store(&e->answered_at, 0);
		store(&e->n_seen, 0);
		store(&e->n_answered, 0);
		store(&e->n_reflected, 0);
		store(&e->n_proofs, 0);
		store(&e->timed_at, 0);
	}
	if (is_new || (!is_same && s->heard_at > load(&e->seen_at)))
		store(&e->seen_at, s->heard_at);
	store(&e->valid_until, until);
	end_write(e);
}

static struct lb_bfd_told told_of(const struct bfd_session *s, const struct bpf_bfd_end *end,
				  const struct bfd_carry *c)
{
	struct lb_bfd_told ret = {.detection_ns = c->detection,
				  .interval_ns = c->interval,
				  .ifindex = s->config.ifindex,
				  .source_port = htons(end->port)};

	memcpy(ret.peer, s->config.peer.b, sizeof(ret.peer));
	memcpy(ret.local, end->addr.b, sizeof(ret.local));
	memcpy(ret.heard, c->heard, sizeof(ret.heard));
	memcpy(ret.answer, c->said, sizeof(ret.answer));
	ret.flags = (c->may_answer ? LB_BFD_ANSWERS : 0) | (c->is_patient ? LB_BFD_PATIENT : 0) |
		    (c->may_reflect ? LB_BFD_REFLECTS : 0);
	return ret;
}

/* ---- the thread's side ----------------------------------------------------------------------- */

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The positions of a ring buffer lie in a page each; what it holds is nobody's interest. */
static void map_woken(struct bpf_bfd *b, int fd)
{
	void *at =
		fd < 0 ? MAP_FAILED : mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	const void *written =
		at == MAP_FAILED ? MAP_FAILED
				 : mmap(NULL, page(), PROT_READ, MAP_SHARED, fd, (off_t)page());

	b->woken = fd;
	b->woken_read = at;
	b->woken_written = written;
	if (written != MAP_FAILED)
		return;
	if (at != MAP_FAILED)
		(void)munmap(at, page());
	if (fd >= 0)
		(void)close(fd);
	b->woken = -1;
}

static void unmap_woken(struct bpf_bfd *b)
{
	if (b->woken < 0)
		return;
	(void)munmap(b->woken_read, page());
	(void)munmap((void *)(uintptr_t)b->woken_written, page());
	(void)close(b->woken);
}

int bpf_bfd_woken_fd(const struct bpf_bfd *b)
{
	return b->sessions ? b->woken : -1;
}

void bpf_bfd_woken(struct bpf_bfd *b)
{
	if (bpf_bfd_woken_fd(b) >= 0)
		__atomic_store_n(b->woken_read, __atomic_load_n(b->woken_written, __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
}

void bpf_bfd_done(struct bpf_bfd *b)
{
	if (!b->sessions)
		return;
	(void)munmap(b->sessions, bpf_bfd_bytes());
	if (b->echoes >= 0)
		(void)close(b->echoes);
	unmap_woken(b);
	*b = (struct bpf_bfd){.sessions = NULL};
}

static uint32_t id_of(int fd)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 ? info.id : 0;
}

void bpf_bfd_close(struct bpf_bfd_fds fds)
{
	if (fds.sessions >= 0)
		(void)close(fds.sessions);
	if (fds.echoes >= 0)
		(void)close(fds.echoes);
	if (fds.woken >= 0)
		(void)close(fds.woken);
}

int bpf_bfd_use(struct bpf_bfd *b, struct bpf_bfd_fds fds)
{
	uint32_t id = id_of(fds.sessions);
	void *at;
	int error;

	if (id != 0 && id == b->map_id) {
		bpf_bfd_close(fds);
		return 0;
	}
	for (size_t i = 0; b->sessions && i < LB_BFD_SESSIONS; i++)
		withdraw(b, &b->sessions[i]);
	bpf_bfd_done(b);
	if (fds.sessions < 0) {
		bpf_bfd_close(fds);
		return 0;
	}
	at = mmap(NULL, bpf_bfd_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fds.sessions, 0);
	error = at == MAP_FAILED ? -errno : 0;
	if (error != 0) {
		bpf_bfd_close(fds);
		return error;
	}
	(void)close(fds.sessions); /* the mapping holds the map */
	*b = (struct bpf_bfd){.sessions = at, .echoes = fds.echoes, .map_id = id};
	map_woken(b, fds.woken);
	return 0;
}

/* The entry, if it is told and of this session; NULL else. */
static struct lb_bfd *told_entry(const struct bpf_bfd *b, const struct bfd_session *s)
{
	struct lb_bfd *e = entry_of(b, s);

	return e && load(&e->valid_until) != 0 && e->told.answer[1] == htonl(s->discriminator)
		       ? e
		       : NULL;
}

/* What the socket has heard may be a packet ahead. */
static bool is_seen(const struct lb_bfd *e, const struct bfd_session *s)
{
	return load(&e->n_seen) > 0 &&
	       s->heard_at < nsec_add(load(&e->seen_at), bfd_session_detection(s));
}

bool bpf_bfd_is_seen(const struct bpf_bfd *b, const struct bfd_session *s)
{
	const struct lb_bfd *e = told_entry(b, s);

	return e && is_seen(e, s);
}

uint64_t bpf_bfd_reflected(const struct bpf_bfd *b, const struct bfd_session *s)
{
	const struct lb_bfd *e = told_entry(b, s);

	return e ? load(&e->n_reflected) : 0;
}

void bpf_bfd_look(const struct bpf_bfd *b, struct bfd_session *s, nsec_t now)
{
	const struct lb_bfd *e = told_entry(b, s);
	struct bfd_carried c = {.heard_at = 0};

	if (e) {
		bool seen = is_seen(e, s);

		c.heard_at = load(&e->seen_at);
		c.answered_at = load(&e->answered_at);
		c.n_answered = load(&e->n_answered);
		c.is_carried = seen && e->told.flags & LB_BFD_ANSWERS &&
			       load(&e->n_proofs) >= LB_BFD_PROOF;
		c.is_timed = b->woken >= 0 && load(&e->timed_at) != 0 &&
			     now < load(&e->timed_at) + BPF_BFD_TIMED_NS;
		c.is_reflecting = seen && e->told.flags & LB_BFD_REFLECTS;
	}
	bfd_session_carried(s, &c);
}

/* What the session says follows from whether the programs look after it, and is told to them. */
void bpf_bfd_follow(struct bpf_bfd *b, struct bfd_session *s, const struct bpf_bfd_end *end,
		    nsec_t now)
{
	struct lb_bfd *e = entry_of(b, s);
	struct lb_bfd_told told;
	struct bfd_carry c;

	/* The verb may be one that nobody asked the programs before. */
	bpf_bfd_look(b, s, now);
	if (!e)
		return;
	if (ip_addr_is_none(&end->addr) || !bfd_session_carry(s, &c)) {
		withdraw(b, e);
		bpf_bfd_look(b, s, now);
		return;
	}
	told = told_of(s, end, &c);
	if (load(&e->valid_until) > now + BPF_BFD_NS - RENEW_NS &&
	    memcmp(&e->told, &told, sizeof(told)) == 0)
		return;
	if (told.flags & LB_BFD_REFLECTS && !set_echo(b, e, &told))
		told.flags &= (uint16_t)~LB_BFD_REFLECTS;
	if (!(told.flags & LB_BFD_REFLECTS))
		drop_echo(b, e);
	write_entry(e, &told, s, now + BPF_BFD_NS);
	bpf_bfd_look(b, s, now);
}

void bpf_bfd_sent(struct bpf_bfd *b, const struct bfd_session *s, nsec_t now)
{
	struct lb_bfd *e = told_entry(b, s);

	if (e)
		store(&e->sent_at, now);
}

void bpf_bfd_forget(struct bpf_bfd *b, const struct bfd_session *s)
{
	struct lb_bfd *e = entry_of(b, s);

	if (e)
		withdraw(b, e);
}

/* ---- after a thread that has died ------------------------------------------------------------ */

static int open_pin(const char *pin_dir, const char *name, uint32_t value_size, uint32_t n)
{
	struct bpf_map_info info = {.id = 0};
	__u32 len = sizeof(info);
	char path[BPF_PINS_PATH];
	int fd = bpf_pins_path(path, pin_dir, BPF_PINS_MAPS, name) == 0 ? bpf_obj_get(path) : -1;

	if (fd < 0)
		return -1;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.value_size == value_size &&
	    info.max_entries == n)
		return fd;
	(void)close(fd);
	return -1;
}

struct bpf_bfd_fds bpf_bfd_pinned(const char *pin_dir)
{
	return (struct bpf_bfd_fds){
		open_pin(pin_dir, "bfd_sessions", sizeof(struct lb_bfd), LB_BFD_SESSIONS),
		open_pin(pin_dir, "bfd_echoes", sizeof(uint32_t), LB_BFD_SESSIONS),
		open_pin(pin_dir, "bfd_woken", 0, LB_BFD_WOKEN_BYTES)};
}

/* It still holds, was written to its end, and its peer is not silent. */
static bool is_left(const struct lb_bfd *e, nsec_t now)
{
	return now < load(&e->valid_until) && load(&e->version) % 2 == 0 &&
	       e->told.flags & LB_BFD_ANSWERS &&
	       now < nsec_add(load(&e->seen_at), e->told.detection_ns);
}

uint32_t bpf_bfd_left_at(const struct bpf_bfd *b, size_t place, nsec_t now)
{
	assert(place < LB_BFD_SESSIONS);
	if (!b->sessions || !is_left(&b->sessions[place], now))
		return 0;
	return ntohl(b->sessions[place].told.answer[1]);
}

static bool is_of_config(const struct lb_bfd_told *told, const struct bfd_config *c)
{
	return memcmp(told->peer, c->peer.b, sizeof(told->peer)) == 0 &&
	       (ip_addr_is_none(&c->local) ||
		memcmp(told->local, c->local.b, sizeof(told->local)) == 0) &&
	       told->ifindex == c->ifindex;
}

static bool read_left(const struct lb_bfd *e, struct bfd_left *ret, struct bpf_bfd_end *ret_end)
{
	struct bfd_left left = {.heard_at = load(&e->seen_at), .n_answered = load(&e->n_answered)};

	if (bfd_packet_parse((const uint8_t *)e->told.answer, BFD_PACKET_BYTES, &left.said) !=
		    BFD_ACCEPTED ||
	    bfd_packet_parse((const uint8_t *)e->told.heard, BFD_PACKET_BYTES, &left.heard) !=
		    BFD_ACCEPTED)
		return false;
	*ret = left;
	memcpy(ret_end->addr.b, e->told.local, sizeof(ret_end->addr.b));
	ret_end->port = ntohs(e->told.source_port);
	return true;
}

bool bpf_bfd_find(const struct bpf_bfd *b, const struct bfd_config *config, nsec_t now,
		  struct bfd_left *ret, struct bpf_bfd_end *ret_end)
{
	if (config->is_multihop || config->vrf || config->auth.type != BFD_AUTH_NONE)
		return false;
	for (size_t i = 0; b->sessions && i < LB_BFD_SESSIONS; i++) {
		const struct lb_bfd *e = &b->sessions[i];

		if (is_left(e, now) && is_of_config(&e->told, config))
			return read_left(e, ret, ret_end);
	}
	return false;
}
