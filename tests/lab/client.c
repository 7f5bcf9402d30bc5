// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The client of the lab, of pods as tests/lab/pod.c. Each request is one new connection or socket;
 * nothing is ever tried again.
 *
 *   client requests URL COUNT            COUNT requests, four at a time
 *   client until URL STOPFILE RATE MAX   requests at RATE a second until STOPFILE exists (MAX
 *                                        seconds at most)
 *   client download URL                  one long download; prints its pod's name at once
 *   client datagrams ADDRESS PORT COUNT [HEADERS|BYTES]
 *                                        COUNT datagrams, four at a time, each answered or failed;
 *                                        HEADERS: with an IPv6 header of these options, hop-by-hop
 *                                        or destination; BYTES: so many, which must come back as
 *                                        they were
 *   client segments ADDRESS PORT COUNT   the same, one at a time, each answered by twenty datagrams
 *                                        that the pod hands to its kernel as one
 *   client unreachable ADDRESS PORT TTL  one datagram with this TTL or hop limit; prints the error
 *                                        that came back for it
 *
 * `download` prints "pod NAME", then "done" or "cut after N lines: REASON", and exits 0 only when
 * done. All others but `unreachable` print what tests/lab/client_requests.c says.
 */
#include "lab/client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT  5  /* seconds for each step of a request */
#define PATIENCE 20 /* of a download, which is to outlive a time without answers */
#define ABREAST  4
#define SEGMENTS 20

_Noreturn void client_die(const char *what)
{
	(void)fprintf(stderr, "client: %s: %m\n", what);
	exit(EXIT_FAILURE);
}

static void find(struct client_server *s, const char *host, const char *port, int type)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = type};
	struct addrinfo *found;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		client_die(host);
	memcpy(&s->to, found->ai_addr, found->ai_addrlen);
	s->len = found->ai_addrlen, s->type = type;
	freeaddrinfo(found);
}

/* http://HOST[:PORT][/PATH], HOST an address, of IPv6 in brackets. */
static void find_url(struct client_server *s, const char *url)
{
	char host[64] = "", port[8] = "80";
	int n = 0;

	if (sscanf(url, "http://[%63[^]]]%n", host, &n) != 1 &&
	    sscanf(url, "http://%63[^:/]%n", host, &n) != 1)
		client_die(url);
	if (url[n] == ':') {
		int digits = 0;

		if (sscanf(url + n, ":%7[0-9]%n", port, &digits) != 1)
			client_die(url);
		n += digits;
	}
	find(s, host, port, SOCK_STREAM);
	s->n_data = (size_t)snprintf(s->data, sizeof(s->data), "GET %s HTTP/1.0\r\n\r\n",
				     url[n] ? url + n : "/");
	s->n_answers = 1;
}

/* A blocking socket that is connected; each call on it takes so many seconds at most. -1 and errno.
 */
static int connected(const struct client_server *s, time_t seconds)
{
	const struct timeval patience = {.tv_sec = seconds};
	const int fd = socket(s->to.ss_family, s->type | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
		client_die("socket");
	return connect(fd, (const struct sockaddr *)&s->to, s->len) == 0 ? fd : -1;
}

static int download(const struct client_server *s)
{
	const char *reason = "connection closed";
	char line[4096] = "", pod[64];
	const int fd = connected(s, PATIENCE);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned lines = 0;

	if (!f || send(fd, s->data, s->n_data, MSG_NOSIGNAL) != (ssize_t)s->n_data) {
		reason = strerrorname_np(errno);
	} else {
		errno = 0;
		while (fgets(line, sizeof(line), f)) {
			lines++;
			if (sscanf(line, "{\"pod\": \"%63[^\"]\"", pod) != 1)
				continue;
			(void)printf("pod %s\n", pod);
			(void)fflush(stdout);
		}
		if (ferror(f))
			reason = strerrorname_np(errno);
	}
	if (strcmp(line, "done\n") == 0) {
		(void)printf("done\n");
		return EXIT_SUCCESS;
	}
	(void)printf("cut after %u lines: %s\n", lines, reason);
	return EXIT_FAILURE;
}

/* Errors have to be asked for: without that a hop count that ran out is told to nobody. */
static int unreachable(const struct client_server *s, int hops)
{
	const bool is_six = s->to.ss_family == AF_INET6;
	const int level = is_six ? IPPROTO_IPV6 : IPPROTO_IP, fd = connected(s, TIMEOUT);
	char answer[512];

	if (fd < 0 ||
	    setsockopt(fd, level, is_six ? IPV6_RECVERR : IP_RECVERR, &(int){1}, sizeof(int)) !=
		    0 ||
	    setsockopt(fd, level, is_six ? IPV6_UNICAST_HOPS : IP_TTL, &hops, sizeof(hops)) != 0)
		client_die("socket");
	if (send(fd, "who?", 4, 0) == 4 && recv(fd, answer, sizeof(answer), 0) >= 0)
		(void)printf("answered\n");
	else
		(void)printf("%s\n", errno == EAGAIN ? "nothing came back" : strerror(errno));
	return EXIT_SUCCESS;
}

static void find_datagrams(struct client_server *s, const char *address, const char *port,
			   const char *what)
{
	find(s, address, port, SOCK_DGRAM);
	s->n_data = (size_t)snprintf(s->data, sizeof(s->data), "%s", "who?");
	s->n_answers = 1;
	if (!what)
		return;
	if (strcmp(what, "hop-by-hop") == 0) {
		s->option = IPV6_HOPOPTS;
	} else if (strcmp(what, "destination") == 0) {
		s->option = IPV6_DSTOPTS;
	} else {
		s->is_random = true;
		s->n_data = strtoul(what, NULL, 10);
		if (s->n_data > sizeof(s->data))
			client_die(what);
	}
}

int main(int argc, char **argv)
{
	static struct client_server s;
	const char *verb = argc > 1 ? argv[1] : "";
	struct client_run run = {.server = &s, .abreast = ABREAST, .patience = TIMEOUT};

	if (argc == 4 && strcmp(verb, "requests") == 0) {
		find_url(&s, argv[2]);
		run.count = strtoul(argv[3], NULL, 10);
	} else if (argc == 6 && strcmp(verb, "until") == 0) {
		find_url(&s, argv[2]);
		run.stop = argv[3], run.rate = strtod(argv[4], NULL);
		run.seconds = strtod(argv[5], NULL);
		run.count = (size_t)(run.rate * run.seconds), run.abreast = CLIENT_ABREAST;
	} else if ((argc == 5 || argc == 6) && strcmp(verb, "datagrams") == 0) {
		find_datagrams(&s, argv[2], argv[3], argc == 6 ? argv[5] : NULL);
		run.count = strtoul(argv[4], NULL, 10);
	} else if (argc == 5 && strcmp(verb, "segments") == 0) {
		find_datagrams(&s, argv[2], argv[3], NULL);
		s.n_data = (size_t)snprintf(s.data, sizeof(s.data), "segments");
		s.n_answers = SEGMENTS;
		run.count = strtoul(argv[4], NULL, 10), run.abreast = 1;
	} else if (argc == 5 && strcmp(verb, "unreachable") == 0) {
		find_datagrams(&s, argv[2], argv[3], NULL);
		return unreachable(&s, (int)strtol(argv[4], NULL, 10));
	} else if (argc == 3 && strcmp(verb, "download") == 0) {
		find_url(&s, argv[2]);
		return download(&s);
	} else {
		(void)fprintf(stderr,
			      "usage: client requests URL COUNT | until URL STOPFILE RATE MAX | "
			      "download URL | datagrams ADDRESS PORT COUNT [HEADERS|BYTES] | "
			      "segments ADDRESS PORT COUNT | unreachable ADDRESS PORT TTL\n");
		return EXIT_FAILURE;
	}
	return client_requests(&run);
}
