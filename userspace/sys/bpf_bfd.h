// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The thread of BFD and the programs: the map in which it says which sessions are to be looked
 * after (bpf/bfd.h), and they when their peers were heard. All of it is memory that the thread owns
 * alone; nothing here calls the system but bpf_bfd_use().
 */
#pragma once

#include "bfd/bfd_carry.h"

struct lb_bfd;

struct bpf_bfd {
	struct lb_bfd *sessions; /* mapped; NULL: there are no programs, and nothing is done */
};

/*
 * What was told until now is taken back, and this map used from now on, whose fd goes over; -1:
 * none. Another fd of memory of bpf_bfd_bytes() does as well. 0, or -errno and none is used.
 */
int bpf_bfd_use(struct bpf_bfd *b, int fd) must_check;
size_t bpf_bfd_bytes(void);
/* Lets go of the map; what it says stays, until nobody has put it off. */
void bpf_bfd_done(struct bpf_bfd *b);

/*
 * Tells how the session is now, and that it is for BPF_BFD_NS from now on, if the programs do not
 * know; or takes it back. `local` is the address that it sends from; none: not known. After every
 * verb on it, before anything is sent, and once a second.
 */
#define BPF_BFD_NS (30 * NSEC_PER_SEC)
void bpf_bfd_follow(struct bpf_bfd *b, const struct bfd_session *s, const struct ip_addr *local,
		    nsec_t now);
/* The session ends. */
void bpf_bfd_forget(struct bpf_bfd *b, const struct bfd_session *s);

/* Tells the session what was heard meanwhile. Before any verb on it. */
void bpf_bfd_look(const struct bpf_bfd *b, struct bfd_session *s);
/* The programs do look after it: they have heard its peer within the detection time. */
bool bpf_bfd_is_seen(const struct bpf_bfd *b, const struct bfd_session *s);
