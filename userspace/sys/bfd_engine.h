// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The thread that runs the BFD sessions. It owns them, their sockets and a loop of its own, and
 * shares nothing: what is wanted goes to it by one ring, what happens comes back by another, and an
 * eventfd wakes the other side. After its start it takes no lock, allocates nothing and logs
 * nothing, so whatever keeps the agent's loop busy does not make a session late. It runs at a
 * real-time priority where that is permitted, else at nice -20.
 *
 * The caller numbers the sessions: 0 to BFD_ENGINE_SESSIONS - 1.
 */
#pragma once

#include "bfd/bfd_set.h"
#include "sys/bfd_ports.h"
#include "sys/bfd_priority.h"
#include "sys/bpf_bfd.h"

#define BFD_ENGINE_SESSIONS 256
#define BFD_ENGINE_PORTS    BFD_PORTS
#define BFD_LATENESS        24 /* buckets: less than 2^i microseconds */

struct bfd_engine;
struct loop;

enum bfd_report_type {
	BFD_REPORT_EVENT,   /* a change of state, at once */
	BFD_REPORT_SESSION, /* how a session is, once a second */
	BFD_REPORT_ENGINE,  /* how the thread is, once a second */
};

/* "3784 IPv4", ...; i below BFD_ENGINE_PORTS. */
const char *bfd_engine_port_text(size_t i);

struct bfd_session_report {
	struct bfd_session session; /* a copy, without its keys */
	struct ip_addr local;       /* none: there is no socket */
	uint16_t source_port;
	int error;            /* -errno of the socket or of the last packet; 0: it went out */
	int echo_error;       /* the same of our echo packets; -EPERM without CAP_NET_RAW */
	bool is_seen;         /* its peer's packets are seen by our programs, too */
	uint64_t n_reflected; /* echo packets of its peer */
};

struct bfd_engine_report {
	enum bfd_priority priority;
	int port_errors[BFD_ENGINE_PORTS]; /* -errno; 0: it is open */
	int carry_error;                   /* of the maps of bfd_engine_carry(); 0: none */
	uint64_t wakes, lateness[BFD_LATENESS];
	nsec_t latest; /* the longest that a timer was late */
	nsec_t late;   /* all of them together */
	uint64_t rejected[BFD_N_REJECTS];
};

struct bfd_report {
	enum bfd_report_type type;
	uint32_t id; /* of the session */
	union {
		struct bfd_event event;
		struct bfd_session_report session;
		struct bfd_engine_report engine;
	};
};

typedef void (*bfd_report_cb)(void *ctx, const struct bfd_report *report);

/* Starts the thread. Reports come by the loop. Aborts if there is no thread to be had. */
struct bfd_engine *bfd_engine_new(struct loop *loop, uint64_t seed, bfd_report_cb cb, void *ctx);

/* Begins a session, or gives it other terms (bfd_session_reconfigure); config->id says which.
 * False: the thread does not keep up; try again later. */
bool bfd_engine_put(struct bfd_engine *e, const struct bfd_config *config) must_check;
/* Ends one: it says AdminDown and is gone. False: as above. */
bool bfd_engine_remove(struct bfd_engine *e, uint32_t id) must_check;

/* The caller knows that there is no path: Down, with that diagnostic. False: as above. */
bool bfd_engine_path_down(struct bfd_engine *e, uint32_t id) must_check;

/*
 * The maps by which the programs look after sessions (sys/bpf_bfd.h), whose fds go over; -1: there
 * are none any more. Sessions that begin after that go on with what a former agent has left there.
 * False: as above, and the fds are the caller's.
 */
bool bfd_engine_carry(struct bfd_engine *e, struct bpf_bfd_fds fds) must_check;

/* All say AdminDown; returns when that is sent, or after 100 ms. The peers keep their BGP. */
void bfd_engine_leave(struct bfd_engine *e);

/* Ends the thread without a word to the peers. NULL is fine. */
struct bfd_engine *bfd_engine_free(struct bfd_engine *e);
