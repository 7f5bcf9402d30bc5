// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The thread of BFD and the programs: the map in which it says which sessions are to be looked
 * after (bpf/bfd.h), and they when the peers were heard and answered. All of it is memory that the
 * thread alone owns on this side; the system is called where a session begins or ends to have its
 * peer's echo packets reflected.
 */
#pragma once

#include "bfd/bfd_carry.h"

struct lb_bfd;

/* Of the maps; -1: none. */
struct bpf_bfd_fds {
	int sessions; /* or another memory of bpf_bfd_bytes() */
	int echoes;
	int woken; /* a ring buffer */
};

void bpf_bfd_close(struct bpf_bfd_fds fds);

struct bpf_bfd {
	struct lb_bfd *sessions; /* mapped; NULL: there are no programs, and nothing is done */
	int echoes;              /* owned, if sessions is not NULL */
	uint32_t map_id;         /* of sessions; 0: it is no map */
	/* By it the programs wake the thread: owned, and its two positions, mapped; -1: they
	 * cannot, and the thread wakes up by itself. Nothing without sessions. */
	int woken;
	uint64_t *woken_read;
	const uint64_t *woken_written;
};

/*
 * What was told until now is taken back, and these maps are used from now on, whose fds go over. If
 * it is the same map, all stays. 0, or -errno and none is used.
 */
int bpf_bfd_use(struct bpf_bfd *b, struct bpf_bfd_fds fds) must_check;
size_t bpf_bfd_bytes(void);
/* Lets go of the maps; what they say stays, until nobody has put it off. */
void bpf_bfd_done(struct bpf_bfd *b);

/* What is readable when the programs have woken the thread; -1: nothing ever is. What is told so is
 * taken note of; each session is to be looked at after that. */
int bpf_bfd_woken_fd(const struct bpf_bfd *b);
void bpf_bfd_woken(struct bpf_bfd *b);

/* Which end of a session sends: not known yet while the address is none. */
struct bpf_bfd_end {
	struct ip_addr addr;
	uint16_t port;
};

/*
 * Tells how the session is now, and that it is for BPF_BFD_NS from now on, if the programs do not
 * know; or takes it back. Tells the session whether they do look after it. After every verb on it,
 * before anything is sent, and once a second.
 */
#define BPF_BFD_NS (30 * NSEC_PER_SEC)
/* A timer of theirs that has not come by so long after its time is none. */
#define BPF_BFD_TIMED_NS (10 * NSEC_PER_MSEC)
void bpf_bfd_follow(struct bpf_bfd *b, struct bfd_session *s, const struct bpf_bfd_end *end,
		    nsec_t now);
/* A packet of the session was sent. */
void bpf_bfd_sent(struct bpf_bfd *b, const struct bfd_session *s, nsec_t now);
/* The session ends. */
void bpf_bfd_forget(struct bpf_bfd *b, const struct bfd_session *s);

/* Tells the session what the programs have done meanwhile. Before any verb on it. */
void bpf_bfd_look(const struct bpf_bfd *b, struct bfd_session *s, nsec_t now);
/* The programs have heard its peer within the detection time. */
bool bpf_bfd_is_seen(const struct bpf_bfd *b, const struct bfd_session *s);
/* How many echo packets of its peer they have sent back. */
uint64_t bpf_bfd_reflected(const struct bpf_bfd *b, const struct bfd_session *s);

/* ---- after a thread that has died ------------------------------------------------------------ */

/* Maps of our shape that a former run has pinned, for bpf_bfd_use(). */
struct bpf_bfd_fds bpf_bfd_pinned(const char *pin_dir);
/* The discriminator under which a session goes on at this place, below BPF_BFD_PLACES; 0: none. */
#define BPF_BFD_PLACES 64
uint32_t bpf_bfd_left_at(const struct bpf_bfd *b, size_t place, nsec_t now);
/* What is left of the session of a config, which then is to be resumed under bfd_set_resume(). */
bool bpf_bfd_find(const struct bpf_bfd *b, const struct bfd_config *config, nsec_t now,
		  struct bfd_left *ret, struct bpf_bfd_end *ret_end);
