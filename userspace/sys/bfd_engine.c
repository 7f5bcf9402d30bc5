// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The thread of BFD: wait, read what arrived, do what was asked for, then what is due. A session
 * whose time is up is looked at once more after reading everything, so a thread that wakes late
 * declares nobody dead whose packets wait. One timerfd has the earliest deadline, absolute.
 */
#include "sys/bfd_engine.h"

#include "sys/bfd_echo_socket.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/ring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define COMMANDS  1024
#define REPORTS   2048
#define LEAVE_MS  100
#define LEAVE_SAY 3 /* times: a packet may be lost, and silence would be a failure */
#define SETTLE_NS (10 * NSEC_PER_MSEC) /* a full ring of reports is tried again */

enum command_type { COMMAND_PUT, COMMAND_REMOVE, COMMAND_CARRY, COMMAND_LEAVE, COMMAND_END };
struct command {
	enum command_type type;
	struct bpf_bfd_fds fds;   /* of COMMAND_CARRY */
	struct bfd_config config; /* of the others its id */
};

/* What belongs to a session beside it. */
struct line {
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
	struct line lines[BFD_ENGINE_SESSIONS];
	struct bfd_ports ports;
	int epoll_fd, timer_fd;
	nsec_t armed_at;                             /* NSEC_NEVER: not */
	nsec_t tell_at;                              /* how all is is reported */
	bool has_news, has_changes, is_urgent, ends; /* changes of state; one from Up to Down */
	struct bfd_engine_report how;
};

/* epoll's data: a port, or one of these. */
enum { ON_COMMAND = BFD_EVENTS_MAX, ON_TIMER };

const char *bfd_engine_port_text(size_t i)
{
	static const char *const text[] = {"3784 IPv4", "3784 IPv6", "4784 IPv4", "4784 IPv6"};

	_Static_assert(ARRAY_SIZE(text) == BFD_ENGINE_PORTS, "a text for each");
	assert(i < ARRAY_SIZE(text));
	return text[i];
}

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* ---- reports --------------------------------------------------------------------------------- */

static bool report(struct bfd_engine *e, const struct bfd_report *r)
{
	if (!ring_put(&e->reports, r))
		return false;
	e->has_news = true;
	return true;
}

/* Without room they wait in the session, which keeps the last ones. */
static void report_events(struct bfd_engine *e, struct line *l)
{
	struct bfd_report r = {.type = BFD_REPORT_EVENT, .id = l->session->config.id};

	while (ring_has_room(&e->reports) && bfd_session_poll(l->session, &r.event)) {
		e->has_changes = true;
		e->is_urgent |= r.event.from == BFD_UP && r.event.to == BFD_DOWN;
		(void)report(e, &r);
	}
	l->is_behind = l->session->n_events > 0;
}

static void report_session(struct bfd_engine *e, const struct line *l)
{
	struct bfd_report r = {
		.type = BFD_REPORT_SESSION,
		.id = l->session->config.id,
		.session = {.session = *l->session,
			    .local = l->end.addr,
			    .source_port = l->end.port,
			    .error = l->error,
			    .echo_error = l->echo.error,
			    .is_seen = bpf_bfd_is_seen(&e->programs, l->session),
			    .n_reflected = bpf_bfd_reflected(&e->programs, l->session)}};

	bfd_session_forget_keys(&r.session.session);
	(void)report(e, &r); /* the next one is due in a second */
}

/* ---- packets --------------------------------------------------------------------------------- */

static void close_line(struct line *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
	l->end.addr = (struct ip_addr){{0}};
	bfd_echo_way_close(&l->echo);
}

static struct line no_line(void)
{
	struct line l = {.fd = -1};

	bfd_echo_way_init(&l.echo);
	return l;
}

static void send_packet(struct bfd_engine *e, struct line *l, const uint8_t *data, size_t len)
{
	if (l->fd < 0)
		l->fd = bfd_socket_connect(&l->session->config, &e->rng, &l->end.port,
					   &l->end.addr);
	if (l->fd < 0) {
		l->error = TAKE_FD(l->fd);
		return;
	}
	l->error = bfd_socket_send(l->fd, data, len);
	/* Its address or device may be gone: the next one looks anew. */
	if (l->error != 0 && l->error != -EAGAIN && l->error != -ENOBUFS)
		close_line(l);
}

/* Before control packets are sent: to the answer of the first one the way listens, too. */
static void follow_echo(struct line *l, nsec_t now)
{
	uint8_t buf[BFD_ECHO_BYTES];

	if (l->session->echo.interval == 0 || ip_addr_is_none(&l->end.addr)) {
		bfd_echo_way_close(&l->echo);
		return;
	}
	bfd_echo_way_open(&l->echo, l->session, &l->end.addr);
	if (bfd_session_transmit_echo(l->session, now, buf))
		bfd_echo_way_send(&l->echo, buf);
}

/* After every verb. */
static void follow_up(struct bfd_engine *e, struct line *l, nsec_t now)
{
	uint8_t buf[BFD_PACKET_MAX];
	size_t len;

	bpf_bfd_follow(&e->programs, l->session, &l->end, now);
	follow_echo(l, now);
	while ((len = bfd_session_transmit(l->session, now, buf)) > 0) {
		bpf_bfd_sent(&e->programs, l->session, now);
		send_packet(e, l, buf, len);
	}
	report_events(e, l);
	bfd_set_touch(e->set, l->session);
}

static void on_datagram(void *ctx, const struct bfd_datagram *d, nsec_t now)
{
	struct bfd_engine *e = ctx;
	struct bfd_session *s = bfd_set_named(e->set, d->data, d->len);

	if (s)
		bpf_bfd_look(&e->programs, s);
	if (bfd_set_receive(e->set, &d->arrival, d->data, d->len, &s) == BFD_ACCEPTED)
		follow_up(e, &e->lines[s->config.id], now);
}

static void report_all(struct bfd_engine *e, nsec_t now)
{
	struct bfd_report r = {.type = BFD_REPORT_ENGINE};

	if (bfd_set_count(e->set) > 0) /* those that could not be had */
		bfd_ports_open(&e->ports, e->epoll_fd, e->set);
	for (size_t i = 0; i < BFD_ENGINE_PORTS; i++)
		e->how.port_errors[i] = bfd_ports_error(&e->ports, i);
	memcpy(e->how.rejected, bfd_set_rejected(e->set), sizeof(e->how.rejected));
	r.engine = e->how;
	(void)report(e, &r);
	for (size_t i = 0; i < bfd_set_count(e->set); i++) {
		const struct line *l = &e->lines[bfd_set_at(e->set, i)->config.id];

		bpf_bfd_follow(&e->programs, l->session, &l->end, now);
		report_session(e, l);
	}
	e->tell_at = bfd_set_count(e->set) > 0 ? nsec_add(now, NSEC_PER_SEC) : NSEC_NEVER;
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Where an agent that died has left the session to the programs, it goes on. */
static struct bfd_session *begin(struct bfd_engine *e, struct line *l,
				 const struct bfd_config *config, nsec_t now)
{
	struct bfd_session *s = NULL;
	struct bpf_bfd_end end;
	struct bfd_left left;

	if (bpf_bfd_find(&e->programs, config, now, &left, &end))
		s = bfd_set_resume(e->set, now, config, &left);
	if (s)
		l->end = end;
	return s ? s : bfd_set_add(e->set, now, config);
}

static void put(struct bfd_engine *e, const struct bfd_config *config, nsec_t now)
{
	struct line *l = &e->lines[config->id];

	if (l->session) {
		if (!ip_addr_equal(&config->local, &l->session->config.local))
			close_line(l);
		bfd_session_reconfigure(l->session, now, config);
	} else {
		*l = no_line();
		l->session = begin(e, l, config, now);
		assert(l->session); /* there is room for all ids, and the caller has no doubles */
		bfd_ports_open(&e->ports, e->epoll_fd, e->set);
	}
	follow_up(e, l, now);
	e->tell_at = now;
}

static void say_admin_down(struct bfd_engine *e, struct line *l, nsec_t now)
{
	uint8_t buf[BFD_PACKET_MAX];
	size_t len;

	bfd_session_notify(l->session, now, BFD_NOTE_ADMIN_DOWN);
	bpf_bfd_follow(&e->programs, l->session, &l->end, now);
	len = bfd_session_transmit(l->session, now, buf);
	for (unsigned i = 0; len > 0 && i < LEAVE_SAY; i++)
		send_packet(e, l, buf, len);
	follow_up(e, l, now);
}

static void remove_line(struct bfd_engine *e, struct line *l, nsec_t now)
{
	if (!l->session)
		return;
	say_admin_down(e, l, now);
	bpf_bfd_forget(&e->programs, l->session);
	bfd_set_remove(e->set, l->session);
	close_line(l);
	*l = no_line();
	bfd_ports_steer(&e->ports, e->set);
	if (bfd_set_count(e->set) == 0)
		bfd_ports_close(&e->ports);
}

/* Without the maps the sessions go on as they are. */
static void carry(struct bfd_engine *e, struct bpf_bfd_fds fds, nsec_t now)
{
	e->how.carry_error = bpf_bfd_use(&e->programs, fds);
	for (size_t i = 0; i < BPF_BFD_PLACES; i++) {
		uint32_t discriminator = bpf_bfd_left_at(&e->programs, i, now);

		if (discriminator != 0)
			bfd_set_reserve(e->set, discriminator);
	}
	e->tell_at = nsec_min(e->tell_at, now); /* which tells the programs of all sessions */
}

static void leave(struct bfd_engine *e, nsec_t now)
{
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		if (e->lines[i].session)
			say_admin_down(e, &e->lines[i], now);
	need(eventfd_write(e->left_fd, 1) == 0);
}

static void obey(struct bfd_engine *e, nsec_t now)
{
	struct command c;

	while (ring_take(&e->commands, &c)) {
		if (c.type == COMMAND_PUT)
			put(e, &c.config, now);
		else if (c.type == COMMAND_REMOVE)
			remove_line(e, &e->lines[c.config.id], now);
		else if (c.type == COMMAND_CARRY)
			carry(e, c.fds, now);
		else if (c.type == COMMAND_LEAVE)
			leave(e, now);
		else
			e->ends = true;
	}
	explicit_bzero(&c, sizeof(c));
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void do_due(struct bfd_engine *e, nsec_t now, bool has_heard)
{
	struct bfd_session *s;
	bool has_read = false;

	while ((s = bfd_set_due(e->set, now))) {
		bpf_bfd_look(&e->programs, s);
		if (!has_heard && bfd_session_wants_to_hear(s, now)) {
			bfd_ports_read_quiet(&e->ports, on_datagram, e);
			has_heard = true;
			continue;
		}
		if (bfd_session_wants_to_hear(s, now))
			bfd_echo_way_read(&e->lines[s->config.id].echo, s);
		if (!has_read && bfd_session_is_silent(s, now)) {
			bfd_ports_read_all(&e->ports, on_datagram, e);
			has_read = true;
			continue;
		}
		bfd_session_tick(s, now);
		follow_up(e, &e->lines[s->config.id], now);
	}
}

static bool is_behind(const struct bfd_engine *e)
{
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		if (e->lines[i].is_behind)
			return true;
	return false;
}

static void catch_up(struct bfd_engine *e)
{
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		if (e->lines[i].is_behind && e->lines[i].session)
			report_events(e, &e->lines[i]);
}

static void arm(struct bfd_engine *e, nsec_t now)
{
	nsec_t at = nsec_min(bfd_set_deadline(e->set), e->tell_at);
	struct itimerspec spec = {.it_value = {0}};

	at = nsec_min(at, bfd_ports_deadline(&e->ports));
	if (!ring_has_room(&e->reports) && is_behind(e))
		at = nsec_min(at, nsec_add(now, SETTLE_NS));
	if (at == e->armed_at)
		return;
	e->armed_at = at;
	if (at != NSEC_NEVER) { /* all zero would disarm it */
		spec.it_value.tv_sec = (time_t)(at / NSEC_PER_SEC);
		spec.it_value.tv_nsec = (long)(at % NSEC_PER_SEC) + (at == 0);
	}
	need(timerfd_settime(e->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
}

static void note_lateness(struct bfd_engine *e, nsec_t now)
{
	nsec_t late = now > e->armed_at ? now - e->armed_at : 0;
	size_t bucket = 0;

	while (bucket < BFD_LATENESS - 1 && late >> bucket >= NSEC_PER_USEC)
		bucket++;
	e->how.lateness[bucket]++;
	if (late > e->how.latest)
		e->how.latest = late;
	e->armed_at = NSEC_NEVER;
}

/*
 * A session that is Down is not to wait for its BGP, on a machine that is busy, until the agent's
 * loop gets a processor: it has one as we do until it has heard.
 */
static void tell(struct bfd_engine *e)
{
	if (e->is_urgent && e->how.priority == BFD_PRIORITY_FIFO && bfd_priority_lend(e->caller))
		e->has_lent = true;
	if (e->has_news)
		need(eventfd_write(e->report_fd, 1) == 0);
	e->has_news = e->is_urgent = false;
}

static void turn(struct bfd_engine *e)
{
	struct epoll_event events[BFD_EVENTS_MAX + 2];
	int n = epoll_wait(e->epoll_fd, events, ARRAY_SIZE(events), -1);
	nsec_t now = clock_now();
	bool has_heard = now >= bfd_ports_deadline(&e->ports);

	e->how.wakes++;
	for (int i = 0; i < n; i++)
		has_heard |= events[i].data.u64 < BFD_EVENTS_MAX;
	if (has_heard)
		bfd_ports_read_quiet(&e->ports, on_datagram, e); /* before what came after it */
	for (int i = 0; i < n; i++) {
		uint64_t what = events[i].data.u64;

		if (what < BFD_EVENTS_MAX)
			bfd_ports_read(&e->ports, what, on_datagram, e);
		if (what == ON_TIMER)
			note_lateness(e, now);
	}
	obey(e, now);
	do_due(e, now, has_heard);
	catch_up(e);
	if (now >= e->tell_at)
		report_all(e, now);
	if (e->has_changes)
		bfd_ports_steer(&e->ports, e->set);
	e->has_changes = false;
	arm(e, now);
	tell(e);
}

static void *run(void *ctx)
{
	struct bfd_engine *e = ctx;

	(void)prctl(PR_SET_NAME, "bfd");
	e->how.priority = bfd_priority_take();
	while (!e->ends)
		turn(e);
	return NULL;
}

/* ---- the caller's side ----------------------------------------------------------------------- */

static void on_reports(void *ctx, bool readable, bool writable)
{
	struct bfd_engine *e = ctx;
	struct bfd_report r;
	eventfd_t n;

	(void)readable, (void)writable;
	(void)eventfd_read(e->report_fd, &n);
	while (ring_take(&e->reports, &r))
		e->cb(e->ctx, &r);
	if (atomic_exchange(&e->has_lent, false))
		bfd_priority_give_back();
}

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	need(fd >= 0);
	return fd;
}

static void start_thread(struct bfd_engine *e)
{
	sigset_t all, before;

	(void)sigfillset(&all); /* cannot fail */
	need(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	need(pthread_create(&e->thread, NULL, run, e) == 0);
	need(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

/* An edge is enough: nobody counts how often it was woken, so there is nothing to be read. */
static void watch_fd(struct bfd_engine *e, int fd, uint64_t what)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = what};

	need(epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

struct bfd_engine *bfd_engine_new(struct loop *loop, uint64_t seed, bfd_report_cb cb, void *ctx)
{
	struct bfd_engine *e = xcalloc(1, sizeof(*e));
	struct rng rng;

	ring_init(&e->commands, COMMANDS, sizeof(struct command));
	ring_init(&e->reports, REPORTS, sizeof(struct bfd_report));
	e->caller = gettid();
	e->cb = cb;
	e->ctx = ctx;
	rng_seed(&e->rng, seed);
	rng_seed(&rng, rng_next(&e->rng));
	e->set = bfd_set_new(BFD_ENGINE_SESSIONS, &rng);
	e->armed_at = e->tell_at = NSEC_NEVER;
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		e->lines[i] = no_line();
	bfd_ports_init(&e->ports);
	e->wake_fd = new_eventfd();
	e->report_fd = new_eventfd();
	e->left_fd = new_eventfd();
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	e->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	need(e->epoll_fd >= 0 && e->timer_fd >= 0);
	watch_fd(e, e->wake_fd, ON_COMMAND);
	watch_fd(e, e->timer_fd, ON_TIMER);
	(void)mlock(e, sizeof(*e)); /* a limit may refuse; a page fault is a delay, no fault */
	e->watch = loop_fd_new(loop, "bfd", e->report_fd, on_reports, e);
	loop_fd_want(e->watch, true, false);
	start_thread(e);
	return e;
}

static bool command(struct bfd_engine *e, const struct command *c)
{
	if (!ring_put(&e->commands, c))
		return false;
	need(eventfd_write(e->wake_fd, 1) == 0);
	return true;
}

bool bfd_engine_put(struct bfd_engine *e, const struct bfd_config *config)
{
	struct command c = {.type = COMMAND_PUT, .config = *config};
	bool is_put;

	assert(config->id < BFD_ENGINE_SESSIONS);
	is_put = command(e, &c);
	explicit_bzero(&c, sizeof(c));
	return is_put;
}

bool bfd_engine_remove(struct bfd_engine *e, uint32_t id)
{
	const struct command c = {.type = COMMAND_REMOVE, .config = {.id = id}};

	assert(id < BFD_ENGINE_SESSIONS);
	return command(e, &c);
}

bool bfd_engine_carry(struct bfd_engine *e, struct bpf_bfd_fds fds)
{
	const struct command c = {.type = COMMAND_CARRY, .fds = fds};

	return command(e, &c);
}

void bfd_engine_leave(struct bfd_engine *e)
{
	const struct command c = {.type = COMMAND_LEAVE};
	struct pollfd p = {.fd = e->left_fd, .events = POLLIN};

	if (command(e, &c))
		(void)poll(&p, 1, LEAVE_MS); /* late or not, what follows is the same */
}

struct bfd_engine *bfd_engine_free(struct bfd_engine *e)
{
	const struct command c = {.type = COMMAND_END};

	if (!e)
		return NULL;
	while (!command(e, &c))
		(void)poll(NULL, 0, 1);
	need(pthread_join(e->thread, NULL) == 0);
	loop_fd_free(e->watch);
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		close_line(&e->lines[i]);
	bfd_ports_close(&e->ports);
	bpf_bfd_done(&e->programs);
	(void)close(e->timer_fd);
	(void)close(e->epoll_fd);
	(void)close(e->left_fd);
	(void)close(e->report_fd);
	(void)close(e->wake_fd);
	e->set = bfd_set_free(e->set);
	explicit_bzero(e->commands.items, e->commands.n * e->commands.size);
	ring_done(&e->commands);
	ring_done(&e->reports);
	(void)munlock(e, sizeof(*e));
	free(e);
	return NULL;
}
