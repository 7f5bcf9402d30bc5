// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Asking over netlink. libmnl's mnl_cb_run gives up on the first message with another sequence
 * number; here such messages are what is left of a request that was broken off, so the messages are
 * walked by hand and those are skipped. Every single request asks for an acknowledgement, so that a
 * dump and a single object end alike: with NLMSG_DONE or NLMSG_ERROR. A dump is read to its end
 * even if the callback has given up: until then the kernel refuses another one (EBUSY).
 */
#include "sys/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ANSWER_WAIT_S 1

struct nlsock {
	struct mnl_socket *mnl; /* owned */
	uint32_t seq;
	bool is_interrupted; /* the dump that is read in pieces, so far */
	int err;             /* of its callback */
};

static void mnl_closep(struct mnl_socket **s)
{
	if (*s)
		(void)mnl_socket_close(*s);
}

int nlsock_open(int bus, struct nlsock **ret)
{
	_cleanup_(mnl_closep) struct mnl_socket *mnl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	struct timeval wait = {.tv_sec = ANSWER_WAIT_S};

	if (!mnl)
		return -errno;
	if (mnl_socket_bind(mnl, 0, MNL_SOCKET_AUTOPID) != 0)
		return -errno;
	if (setsockopt(mnl_socket_get_fd(mnl), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0)
		return -errno;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->mnl = TAKE_PTR(mnl);
	return 0;
}

int nlsock_open_strict(struct nlsock **ret)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	int on = 1, err = nlsock_open(NETLINK_ROUTE, &s);

	if (err < 0)
		return err;
	/* The latter: an outcome need not bring the request back. */
	if (mnl_socket_setsockopt(s->mnl, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) != 0 ||
	    mnl_socket_setsockopt(s->mnl, NETLINK_CAP_ACK, &on, sizeof(on)) != 0)
		return -errno;
	*ret = TAKE_PTR(s);
	return 0;
}

struct nlsock *nlsock_free(struct nlsock *s)
{
	if (!s)
		return NULL;
	mnl_closep(&s->mnl);
	free(s);
	return NULL;
}

void nlsock_freep(struct nlsock **s)
{
	*s = nlsock_free(*s);
}

struct nlmsghdr *nlsock_request(void *buf, uint16_t type, uint16_t flags, size_t header_len,
				void **ret_header)
{
	struct nlmsghdr *request;

	memset(buf, 0, NLSOCK_REQUEST_BYTES);
	request = mnl_nlmsg_put_header(buf);
	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (flags ? flags : NLM_F_ACK));
	*ret_header = mnl_nlmsg_put_extra_header(request, header_len);
	return request;
}

/* Both NLMSG_ERROR and NLMSG_DONE begin with the outcome; an empty DONE is a success. */
static int outcome(const struct nlmsghdr *answer)
{
	int err = 0;

	if (mnl_nlmsg_get_payload_len(answer) >= sizeof(err))
		memcpy(&err, mnl_nlmsg_get_payload(answer), sizeof(err));
	return err < 0 ? err : 0;
}

struct walk {
	uint32_t seq;
	nlsock_cb cb;
	void *ctx;
	bool is_done, is_interrupted;
	int err; /* the callback's; what follows is only read away */
};

/* One datagram of answers; sets is_done with the last one. */
static int walk_answers(struct walk *w, const void *data, int left)
{
	const struct nlmsghdr *m = data;

	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		if (m->nlmsg_seq != w->seq)
			continue;
		w->is_interrupted |= (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) {
			w->is_done = true;
			return outcome(m);
		}
		if (m->nlmsg_type >= NLMSG_MIN_TYPE && w->err == 0)
			w->err = w->cb(w->ctx, m);
	}
	return 0;
}

int nlsock_begin(struct nlsock *s, struct nlmsghdr *request)
{
	request->nlmsg_seq = ++s->seq;
	s->is_interrupted = false;
	s->err = 0;
	return mnl_socket_sendto(s->mnl, request, request->nlmsg_len) < 0 ? -errno : 0;
}

int nlsock_go_on(struct nlsock *s, nlsock_cb cb, void *ctx, size_t n_max)
{
	char answers[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct walk w = {.seq = s->seq,
			 .cb = cb,
			 .ctx = ctx,
			 .is_interrupted = s->is_interrupted,
			 .err = s->err};

	for (size_t n = 0; !w.is_done && n < n_max; n++) {
		ssize_t got = mnl_socket_recvfrom(s->mnl, answers, sizeof(answers));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		int err = walk_answers(&w, answers, (int)got);
		if (err < 0)
			return err;
	}
	s->is_interrupted = w.is_interrupted;
	s->err = w.err;
	if (!w.is_done)
		return 1;
	if (w.err < 0)
		return w.err;
	return w.is_interrupted ? -EINTR : 0;
}

int nlsock_ask(struct nlsock *s, struct nlmsghdr *request, nlsock_cb cb, void *ctx)
{
	const int err = nlsock_begin(s, request);

	return err < 0 ? err : nlsock_go_on(s, cb, ctx, SIZE_MAX);
}

uint32_t nlsock_port(const struct nlsock *s)
{
	return mnl_socket_get_portid(s->mnl);
}

/* Numbers them from `first` on; returns how many there are. */
static size_t number(void *messages, size_t bytes, uint32_t first, int *errors)
{
	struct nlmsghdr *m = messages;
	size_t n = 0;
	int left = (int)bytes;

	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		m->nlmsg_seq = first + (uint32_t)n;
		errors[n++] = -ETIMEDOUT;
	}
	return n;
}

/* How many outcomes were in the datagram. */
static size_t read_outcomes(const void *data, int left, uint32_t first, size_t n, int *errors)
{
	const struct nlmsghdr *m = data;
	size_t heard = 0;

	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		const uint32_t i = m->nlmsg_seq - first;

		if (m->nlmsg_type != NLMSG_ERROR || i >= n)
			continue;
		errors[i] = outcome(m);
		heard++;
	}
	return heard;
}

void nlsock_change(struct nlsock *s, void *messages, size_t bytes, int *errors)
{
	char answers[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	const uint32_t first = s->seq + 1;
	const size_t n = number(messages, bytes, first, errors);
	size_t heard = 0;
	int err = 0;

	s->seq += (uint32_t)n;
	if (n > 0 && mnl_socket_sendto(s->mnl, messages, bytes) < 0)
		err = -errno;
	while (heard < n && err == 0) {
		ssize_t got = mnl_socket_recvfrom(s->mnl, answers, sizeof(answers));

		if (got >= 0)
			heard += read_outcomes(answers, (int)got, first, n, errors);
		else if (errno != EINTR)
			err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	for (size_t i = 0; i < n && err < 0; i++)
		if (errors[i] == -ETIMEDOUT)
			errors[i] = err;
}
