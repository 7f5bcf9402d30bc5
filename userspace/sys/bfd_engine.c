// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The side of whoever began the thread of BFD: its beginning and end, what is asked of it, and what
 * it reports. The thread itself is bfd_thread.c.
 */
#include "sys/bfd_engine_inside.h"

#include "sys/loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define COMMANDS 1024
#define REPORTS  2048
#define LEAVE_MS 100

const char *bfd_engine_port_text(size_t i)
{
	static const char *const text[] = {"3784 IPv4", "3784 IPv6", "4784 IPv4", "4784 IPv6"};

	_Static_assert(ARRAY_SIZE(text) == BFD_ENGINE_PORTS, "a text for each");
	assert(i < ARRAY_SIZE(text));
	return text[i];
}

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

	engine_need(fd >= 0);
	return fd;
}

static void start_thread(struct bfd_engine *e)
{
	sigset_t all, before;

	(void)sigfillset(&all); /* cannot fail */
	engine_need(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	engine_need(pthread_create(&e->thread, NULL, bfd_thread_run, e) == 0);
	engine_need(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

/* An edge is enough: nobody counts how often it was woken, so there is nothing to be read. */
static void watch_fd(struct bfd_engine *e, int fd, uint64_t what)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = what};

	engine_need(epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

struct bfd_engine *bfd_engine_new(struct loop *loop, uint64_t seed, bfd_report_cb cb, void *ctx)
{
	struct bfd_engine *e = xcalloc(1, sizeof(*e));
	struct rng rng;

	ring_init(&e->commands, COMMANDS, sizeof(struct engine_command));
	ring_init(&e->reports, REPORTS, sizeof(struct bfd_report));
	e->caller = gettid();
	e->cb = cb;
	e->ctx = ctx;
	rng_seed(&e->rng, seed);
	rng_seed(&rng, rng_next(&e->rng));
	e->set = bfd_set_new(BFD_ENGINE_SESSIONS, &rng);
	e->armed_at = e->tell_at = NSEC_NEVER;
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		e->lines[i] = engine_line_none();
	bfd_ports_init(&e->ports);
	e->wake_fd = new_eventfd();
	e->report_fd = new_eventfd();
	e->left_fd = new_eventfd();
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	e->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	engine_need(e->epoll_fd >= 0 && e->timer_fd >= 0);
	watch_fd(e, e->wake_fd, ENGINE_ON_COMMAND);
	watch_fd(e, e->timer_fd, ENGINE_ON_TIMER);
	(void)mlock(e, sizeof(*e)); /* a limit may refuse; a page fault is a delay, no fault */
	e->watch = loop_fd_new(loop, "bfd", e->report_fd, on_reports, e);
	loop_fd_want(e->watch, true, false);
	start_thread(e);
	return e;
}

static bool command(struct bfd_engine *e, const struct engine_command *c)
{
	if (!ring_put(&e->commands, c))
		return false;
	engine_need(eventfd_write(e->wake_fd, 1) == 0);
	return true;
}

bool bfd_engine_put(struct bfd_engine *e, const struct bfd_config *config)
{
	struct engine_command c = {.type = ENGINE_PUT, .config = *config};
	bool is_put;

	assert(config->id < BFD_ENGINE_SESSIONS);
	is_put = command(e, &c);
	explicit_bzero(&c, sizeof(c));
	return is_put;
}

bool bfd_engine_remove(struct bfd_engine *e, uint32_t id)
{
	const struct engine_command c = {.type = ENGINE_REMOVE, .config = {.id = id}};

	assert(id < BFD_ENGINE_SESSIONS);
	return command(e, &c);
}

bool bfd_engine_carry(struct bfd_engine *e, struct bpf_bfd_fds fds)
{
	const struct engine_command c = {.type = ENGINE_CARRY, .fds = fds};

	return command(e, &c);
}

bool bfd_engine_path_down(struct bfd_engine *e, uint32_t id)
{
	const struct engine_command c = {.type = ENGINE_PATH_DOWN, .config = {.id = id}};

	assert(id < BFD_ENGINE_SESSIONS);
	return command(e, &c);
}

void bfd_engine_leave(struct bfd_engine *e)
{
	const struct engine_command c = {.type = ENGINE_LEAVE};
	struct pollfd p = {.fd = e->left_fd, .events = POLLIN};

	if (command(e, &c))
		(void)poll(&p, 1, LEAVE_MS); /* late or not, what follows is the same */
}

struct bfd_engine *bfd_engine_free(struct bfd_engine *e)
{
	const struct engine_command c = {.type = ENGINE_END};

	if (!e)
		return NULL;
	while (!command(e, &c))
		(void)poll(NULL, 0, 1);
	engine_need(pthread_join(e->thread, NULL) == 0);
	loop_fd_free(e->watch);
	for (size_t i = 0; i < BFD_ENGINE_SESSIONS; i++)
		engine_line_close(&e->lines[i]);
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
