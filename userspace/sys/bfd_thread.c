// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The thread of BFD: wait, read what arrived, do what was asked for, then what is due. A session
 * whose time is up is looked at once more after reading everything, so a thread that wakes late
 * declares nobody dead whose packets wait. One timerfd has the earliest deadline, absolute.
 *
 * Nothing here takes a lock, allocates or logs (scripts/check-calls).
 */
#include "sys/bfd_engine_inside.h"

#include "sys/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LEAVE_SAY 3 /* times: a packet may be lost, and silence would be a failure */
#define RETRY_NS  (10 * NSEC_PER_MSEC) /* a full ring of reports is tried again */

/* ---- reports --------------------------------------------------------------------------------- */

/* Where there is no room for it, the next one says it: but for changes, which wait. */
static void report(struct bfd_engine *e, const struct bfd_report *r)
{
	e->has_news |= ring_put(&e->reports, r);
}

static void set_behind(struct bfd_engine *e, struct engine_line *l, bool is_behind)
{
	e->n_behind += is_behind;
	e->n_behind -= l->is_behind;
	l->is_behind = is_behind;
}

/* Without room they wait in the session, which keeps the last ones. */
static void report_events(struct bfd_engine *e, struct engine_line *l)
{
	struct bfd_report r = {.type = BFD_REPORT_EVENT, .id = l->session->config.id};

	while (ring_has_room(&e->reports) && bfd_session_poll(l->session, &r.event)) {
		e->has_changes = true;
		e->is_urgent |= r.event.from == BFD_UP && r.event.to == BFD_DOWN;
		report(e, &r);
	}
	set_behind(e, l, l->session->n_events > 0);
}

static void report_session(struct bfd_engine *e, const struct engine_line *l)
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
	report(e, &r);
}

/* ---- packets --------------------------------------------------------------------------------- */

void engine_line_close(struct engine_line *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
	l->end.addr = (struct ip_addr){{0}};
	bfd_echo_way_close(&l->echo);
}

struct engine_line engine_line_none(void)
{
	struct engine_line l = {.fd = -1};

	bfd_echo_way_init(&l.echo);
	return l;
}

/* RFC 5881 4: of no other session of this system, which may have another address. */
static bool has_own_port(const struct bfd_engine *e, const struct engine_line *l)
{
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		if (&e->lines[i] != l && e->lines[i].session && e->lines[i].end.port == l->end.port)
			return false;
	return true;
}

static int connect_line(struct bfd_engine *e, struct engine_line *l)
{
	int fd;

	while ((fd = bfd_socket_connect(&l->session->config, &e->rng, &l->end.port,
					&l->end.addr)) >= 0 &&
	       !has_own_port(e, l)) {
		(void)close(fd);
		l->end.port = 0;
	}
	return fd;
}

static void send_packet(struct bfd_engine *e, struct engine_line *l, const uint8_t *data,
			size_t len)
{
	if (l->fd < 0)
		l->fd = connect_line(e, l);
	if (l->fd < 0) {
		l->error = TAKE_FD(l->fd);
		return;
	}
	l->error = bfd_socket_send(l->fd, data, len);
	/* Its address or device may be gone: the next one looks anew. */
	if (l->error != 0 && l->error != -EAGAIN && l->error != -ENOBUFS)
		engine_line_close(l);
}

/* Before control packets are sent: to the answer of the first one the way listens, too. */
static void follow_echo(struct engine_line *l, nsec_t now)
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
static void follow_up(struct bfd_engine *e, struct engine_line *l, nsec_t now)
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
		bpf_bfd_look(&e->programs, s, now);
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
	report(e, &r);
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++) {
		const struct engine_line *l = &e->lines[i];

		if (!l->session)
			continue;
		bpf_bfd_follow(&e->programs, l->session, &l->end, now);
		bfd_set_touch(e->set, l->session); /* who is timed elsewhere may be so no more */
		report_session(e, l);
	}
	e->tell_at = bfd_set_count(e->set) > 0 ? nsec_add(now, NSEC_PER_SEC) : NSEC_NEVER;
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Where an agent that died has left the session to the programs, it goes on. */
static struct bfd_session *begin(struct bfd_engine *e, struct engine_line *l,
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
	struct engine_line *l = &e->lines[config->id];

	if (l->session) {
		if (!ip_addr_equal(&config->local, &l->session->config.local))
			engine_line_close(l);
		bfd_session_reconfigure(l->session, now, config);
	} else {
		*l = engine_line_none();
		l->session = begin(e, l, config, now);
		assert(l->session); /* there is room for all ids, and the caller has no doubles */
		bfd_ports_open(&e->ports, e->epoll_fd, e->set);
	}
	follow_up(e, l, now);
	e->tell_at = now;
}

static void say_admin_down(struct bfd_engine *e, struct engine_line *l, nsec_t now)
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

static void remove_line(struct bfd_engine *e, struct engine_line *l, nsec_t now)
{
	if (!l->session)
		return;
	say_admin_down(e, l, now);
	bpf_bfd_forget(&e->programs, l->session);
	bfd_set_remove(e->set, l->session);
	engine_line_close(l);
	set_behind(e, l, false);
	*l = engine_line_none();
	bfd_ports_steer(&e->ports, e->set);
	if (bfd_set_count(e->set) == 0)
		bfd_ports_close(&e->ports);
}

/* By an edge: what was taken note of need not be seen again. */
static void watch_programs(struct bfd_engine *e, int how)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = ENGINE_ON_PROGRAMS};
	const int fd = bpf_bfd_woken_fd(&e->programs);

	if (fd >= 0)
		engine_need(epoll_ctl(e->epoll_fd, how, fd, &event) == 0);
}

/* Where the programs have nothing more to do, the sessions' own times count. */
static void on_programs(struct bfd_engine *e, nsec_t now)
{
	bpf_bfd_woken(&e->programs);
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++) {
		struct bfd_session *s = e->lines[i].session;

		if (!s)
			continue;
		bpf_bfd_look(&e->programs, s, now);
		bfd_set_touch(e->set, s);
	}
}

/* Without the maps the sessions go on as they are. */
static void carry(struct bfd_engine *e, struct bpf_bfd_fds fds, nsec_t now)
{
	watch_programs(e, EPOLL_CTL_DEL);
	e->how.carry_error = bpf_bfd_use(&e->programs, fds);
	watch_programs(e, EPOLL_CTL_ADD);
	for (size_t i = 0; i < BPF_BFD_PLACES; i++) {
		uint32_t discriminator = bpf_bfd_left_at(&e->programs, i, now);

		if (discriminator != 0)
			bfd_set_reserve(e->set, discriminator);
	}
	e->tell_at = nsec_min(e->tell_at, now); /* which tells the programs of all sessions */
}

static void path_down(struct bfd_engine *e, struct engine_line *l, nsec_t now)
{
	if (!l->session)
		return;
	bfd_session_notify(l->session, now, BFD_NOTE_PATH_DOWN);
	follow_up(e, l, now);
}

static void leave(struct bfd_engine *e, nsec_t now)
{
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		if (e->lines[i].session)
			say_admin_down(e, &e->lines[i], now);
	engine_need(eventfd_write(e->left_fd, 1) == 0);
}

static void obey(struct bfd_engine *e, nsec_t now)
{
	struct engine_command c;

	while (ring_take(&e->commands, &c)) {
		if (c.type == ENGINE_PUT)
			put(e, &c.config, now);
		else if (c.type == ENGINE_REMOVE)
			remove_line(e, &e->lines[c.config.id], now);
		else if (c.type == ENGINE_CARRY)
			carry(e, c.fds, now);
		else if (c.type == ENGINE_PATH_DOWN)
			path_down(e, &e->lines[c.config.id], now);
		else if (c.type == ENGINE_LEAVE)
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
		bpf_bfd_look(&e->programs, s, now);
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

/* Lines are looked at only then: after every sleep they would have to come from memory first. */
static void catch_up(struct bfd_engine *e)
{
	for (size_t i = 0; e->n_behind > 0 && i < BFD_ENGINE_SESSIONS; i++)
		if (e->lines[i].is_behind)
			report_events(e, &e->lines[i]);
}

static void arm(struct bfd_engine *e, nsec_t now)
{
	nsec_t at = nsec_min(bfd_set_deadline(e->set), e->tell_at);
	struct itimerspec spec = {.it_value = {0}};

	at = nsec_min(at, bfd_ports_deadline(&e->ports));
	if (e->n_behind > 0 && !ring_has_room(&e->reports))
		at = nsec_min(at, nsec_add(now, RETRY_NS));
	if (at == e->armed_at)
		return;
	e->armed_at = at;
	assert(at > 0); /* which would be never */
	if (at != NSEC_NEVER) {
		spec.it_value.tv_sec = (time_t)(at / NSEC_PER_SEC);
		spec.it_value.tv_nsec = (long)(at % NSEC_PER_SEC);
	}
	engine_need(timerfd_settime(e->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
}

static void note_lateness(struct bfd_engine *e, nsec_t now)
{
	nsec_t late = now > e->armed_at ? now - e->armed_at : 0;
	size_t bucket = 0;

	while (bucket < BFD_LATENESS - 1 && late >> bucket >= NSEC_PER_USEC)
		bucket++;
	e->how.lateness[bucket]++;
	e->how.late += late;
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
		engine_need(eventfd_write(e->report_fd, 1) == 0);
	e->has_news = e->is_urgent = false;
}

static void turn(struct bfd_engine *e)
{
	struct epoll_event events[BFD_EVENTS_MAX + 3];
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
		if (what == ENGINE_ON_TIMER)
			note_lateness(e, now);
		if (what == ENGINE_ON_PROGRAMS)
			on_programs(e, now);
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

void *bfd_thread_run(void *ctx)
{
	struct bfd_engine *e = ctx;

	(void)prctl(PR_SET_NAME, "bfd");
	e->how.priority = bfd_priority_take();
	while (!e->ends)
		turn(e);
	return NULL;
}
