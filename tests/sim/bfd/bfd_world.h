// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two BFD sessions, each in a set of its own, over a link that loses, delays, duplicates and
 * reorders, on hosts whose scheduler lets them sleep. A world is a seed: it draws what the ends
 * want, how the link behaves and what happens: losses, one-way losses, sleeps, other terms,
 * AdminDown, an end that starts anew. Then the link heals, and both must agree. In some worlds a
 * program beside each end answers for it, and then an end may sleep, or die and start anew, though
 * nothing may go down. In some, an end's host sends the other's echo packets back, though it
 * sleeps, or says so and does not. In most, an end has two sockets: what only says Up is put aside,
 * and now and then what says more, and is read when it has to be, after what came later.
 */
#pragma once

#include "bfd/bfd_carry.h"
#include "bfd/bfd_set.h"

#include <stdio.h>

#define WORLD_PACKETS 256

struct world_packet {
	uint8_t b[BFD_PACKET_MAX];
	size_t len;
	nsec_t arrives_at;        /* NSEC_NEVER: the place is free */
	bool is_shown;            /* to the program */
	bool is_sorted, is_quiet; /* by the kernel; it wakes nobody */
};

/* The program beside an end, and what it was told. */
struct world_carrier {
	bool is_there;
	struct bfd_carry told;
	nsec_t valid_until; /* 0: it was told nothing */
	nsec_t sent_at, seen_at, answered_at;
	nsec_t timed_at; /* its timer; NSEC_NEVER: it has none, and the end wakes up by itself */
	uint64_t n_seen, n_answered;
	unsigned n_proofs;
};

/* What an observer knows of an end who sees its packets and its events, nothing inside. */
struct world_watch {
	enum bfd_state state;
	nsec_t heard_at;         /* last packet that it took */
	struct bfd_packet heard; /* that one */
	bool has_heard;
	bool saw_answer;      /* Init or Up that named its discriminator, since it was Down */
	uint32_t least_rx_us; /* of what it may count with: until a Final comes, the old */
	uint32_t asked_rx_us; /* the least that it has asked for: one of its Polls may have */
	uint32_t rx_us;
	uint32_t least_tx_us; /* of what it may send by */
	nsec_t said_at;       /* last packet that was no Final, and no change */
	bool has_changed;     /* its state, since then */
	unsigned downs;
	bool has_echo;       /* one has come back since it is Up */
	bool may_be_slow;    /* it wants the peer's packets slow, or has not agreed otherwise */
	nsec_t echoed_at;    /* the last that came back */
	nsec_t echo_sent_at; /* the last that was sent; 0: the next one may be at any time */
	nsec_t echo_sure_at; /* since then it is awake and wants the same */
	nsec_t least_echo;   /* detection times that it may count with since echoed_at */
};

struct world_echo {
	uint8_t b[BFD_ECHO_BYTES];
	nsec_t arrives_at; /* back at its sender; NSEC_NEVER: the place is free */
};

struct world_end {
	struct bfd_set *set;
	struct bfd_session *session;
	struct bfd_config config;
	struct world_packet inbox[WORLD_PACKETS]; /* on their way, or waiting to be read */
	struct world_echo echoes[WORLD_PACKETS];
	bool takes_echo, forwards_echo; /* it says that it does, and it does */
	struct world_carrier carrier;
	nsec_t looks_at; /* at what was put aside, at the latest */
	nsec_t sleeps_until;
	bool is_dead; /* until then */
	bool is_admin_down;
	struct world_watch watch;
};

struct world_weather {
	unsigned loss[2]; /* towards each end, per cent */
	unsigned duplicates;
	nsec_t delay_min, delay_max;
};

struct world_stats {
	uint64_t packets, ups, downs, polls, sleeps, late_reads, answers, woken, resumed, echoes,
		echo_downs;
};

struct world {
	struct rng rng;
	nsec_t now, faults_end, next_fault;
	bool has_echo;   /* may be wanted */
	bool is_calm;    /* nothing is lost, and nobody sleeps: nothing may go down */
	bool is_steered; /* ends have two sockets, as sys/bfd_ports.h has */
	struct world_weather weather;
	struct world_end end[2];
	struct world_stats stats;
	char violation[256];
};

struct world *world_new(uint64_t seed);
/* NULL, or what did not hold. */
const char *world_run(struct world *w);
struct world *world_free(struct world *w);

/* A packet of this end goes on its way. */
void world_send(struct world *w, int from, const uint8_t *data, size_t len);

/* Records the first violation. */
void world_violation(struct world *w, const char *fmt, ...) printf_like(2, 3);

/* bfd_check.c: the observer. A packet was taken, was sent, a state changed; and at each step. */
void world_check_heard(struct world *w, int end, const struct bfd_packet *p, nsec_t at);
void world_check_said(struct world *w, int end, const uint8_t *data, size_t len);
void world_check_event(struct world *w, int end, const struct bfd_event *e);
void world_check_awake(struct world *w, int end);
void world_check_reconfigured(struct world *w, int end);
void world_check_started(struct world *w, int end);
/* It went on: what was agreed before is in force until there is a Final. */
void world_check_resumed(struct world *w, int end, const struct world_watch *before);
/* After quiet: both are Up, know each other, and count with each other's terms. */
void world_check_agreed(struct world *w);

/*
 * bfd_echoes.c. What is due is sent; one that has come back is read, false if none has; when the
 * next one comes. And the observer, as above.
 */
void world_echo_send(struct world *w, int end);
bool world_echo_read(struct world *w, int end);
nsec_t world_echo_next(const struct world_end *e);
void world_echo_check_begun(struct world *w, int end);
void world_echo_check_reconfigured(struct world *w, int end);
void world_echo_check_sent(struct world *w, int end);
void world_echo_check_heard(struct world *w, int end, nsec_t at);
void world_echo_check_awake(struct world *w, int end);
void world_echo_check_down(struct world *w, int end, const struct bfd_event *event);
void world_echo_check_agreed(struct world *w, int end);

/*
 * bfd_carrier.c. After a verb and before what it sends; before a verb; after a packet that was
 * sent; a packet that arrives, true if it was answered and is no more; what an end that died has
 * left; and whether the end may sleep and nothing be new to anybody: it is carried, and so is
 * the other, if there is a program beside it.
 */
void world_carrier_follow(struct world *w, int end);
void world_carrier_look(struct world *w, int end);
void world_carrier_sent(struct world *w, int end);
bool world_carrier_takes(struct world *w, int end, const struct world_packet *p);
/* Its timer, when it is due: true if the end is to be woken. */
bool world_carrier_fires(struct world *w, int end);
bool world_carrier_left(const struct world *w, int end, struct bfd_left *ret);
bool world_carrier_holds(const struct world *w, int end);
