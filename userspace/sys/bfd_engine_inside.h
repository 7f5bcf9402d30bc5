// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the thread of BFD (bfd_thread.c) and whoever began it (bfd_engine.c) share: two rings, and
 * the fds by which each wakes the other. Of all else one side alone knows.
 */
#pragma once

#include "sys/bfd_echo_socket.h"
#include "sys/bfd_engine.h"
#include "sys/ring.h"

#include <pthread.h>
#include <stdlib.h>

enum engine_command_type {
	ENGINE_PUT,
	ENGINE_REMOVE,
	ENGINE_CARRY,
	ENGINE_PATH_DOWN,
	ENGINE_LEAVE,
	ENGINE_END
};
struct engine_command {
	enum engine_command_type type;
	struct bpf_bfd_fds fds;   /* of ENGINE_CARRY */
	struct bfd_config config; /* of the others its id */
};

/* What belongs to a session beside it. */
struct engine_line {
	struct bfd_session *session; /* of the set; NULL: none */
	int fd;                      /* to send; -1: not yet, or it failed */
	struct bpf_bfd_end end;      /* port 0: none yet */
	struct bfd_echo_way echo;
	int error;
	bool is_behind; /* there was no room to report */
};

struct bfd_engine {
	/* Both sides'. */
	struct ring commands, reports;
	int wake_fd, report_fd, left_fd; /* eventfds, owned */
	_Atomic bool has_lent;           /* real time to the caller */
	/* The caller's. */
	int caller; /* its thread */
	pthread_t thread;
	struct loop_fd *watch; /* owned */
	bfd_report_cb cb;
	void *ctx;
	/* The thread's. */
	struct bfd_set *set; /* owned */
	struct rng rng;
	struct bpf_bfd programs;
	struct engine_line lines[BFD_ENGINE_SESSIONS];
	struct bfd_ports ports;
	int epoll_fd, timer_fd;
	nsec_t armed_at;                             /* NSEC_NEVER: not */
	nsec_t tell_at;                              /* how all is is reported */
	size_t n_behind;                             /* lines that are */
	bool has_news, has_changes, is_urgent, ends; /* changes of state; one from Up to Down */
	struct bfd_engine_report how;
};

/* epoll's data: a port, or one of these. */
enum { ENGINE_ON_COMMAND = BFD_EVENTS_MAX, ENGINE_ON_TIMER, ENGINE_ON_PROGRAMS };

/* The thread, to its end; ctx is its engine. */
void *bfd_thread_run(void *ctx);

void engine_line_close(struct engine_line *l);
struct engine_line engine_line_none(void);

/* What the kernel refuses only for a mistake of ours. */
static inline void engine_need(bool ok)
{
	if (!ok)
		abort();
}
