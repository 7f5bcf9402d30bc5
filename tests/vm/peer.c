// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Both ends of a conversation on the kernel's own sockets, which look at every checksum:
 *
 *   peer serve PROTOCOL PORT NAME
 *   peer ask PROTOCOL ADDRESS PORT OCTETS [MTU]
 *
 * `ask` sends that many octets, of a pattern, and `serve` answers with its name, whom it talks to,
 * and the same octets; each looks at all that it gets. UDP: one datagram each way. SCTP with an
 * MTU: `ask` does not look for the path's, but makes packets of that length, which leave in
 * fragments. `ask` prints "NAME CLIENT" and fails if an octet is another one. Whoever calls bounds
 * the time.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/sctp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX 65000u
#define MESSAGE_MAX  8000u
#define HEAD         64u /* of an answer: a line of text, filled up */

static const struct protocol {
	const char *name;
	int type, number;
} protocols[] = {
	{"tcp", SOCK_STREAM, IPPROTO_TCP},
	{"udp", SOCK_DGRAM, IPPROTO_UDP},
	{"sctp", SOCK_STREAM, IPPROTO_SCTP},
};

static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	errx(1, "%s: no protocol of ours", name);
}

static int open_socket(const struct protocol *p)
{
	int fd = socket(AF_INET, p->type, p->number);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static uint8_t octet(uint32_t i)
{
	return (uint8_t)(i * 31 + i / 251);
}

static void make_octets(uint8_t *buf, uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf[i] = octet(from + i);
}

static bool are_octets(const uint8_t *buf, uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (buf[i] != octet(from + i))
			return false;
	return true;
}

static void make_head(uint8_t head[HEAD], const char *name, const struct sockaddr_in *client)
{
	memset(head, 0, HEAD);
	snprintf((char *)head, HEAD, "%s %s\n", name, inet_ntoa(client->sin_addr));
}

/* --- streams ---------------------------------------------------------------------------------- */

static bool send_all(int fd, const void *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool send_octets(int fd, uint32_t n)
{
	uint8_t buf[MESSAGE_MAX];

	for (uint32_t at = 0; at < n;) {
		uint32_t part = n - at < sizeof(buf) ? n - at : sizeof(buf);

		make_octets(buf, at, part);
		if (!send_all(fd, buf, part))
			return false;
		at += part;
	}
	return true;
}

static bool receive(int fd, uint8_t *to, uint32_t len)
{
	for (uint32_t at = 0; at < len;) {
		ssize_t n = recv(fd, to + at, len - at, 0);

		if (n <= 0)
			return false;
		at += (uint32_t)n;
	}
	return true;
}

static bool receive_octets(int fd, uint32_t n)
{
	uint8_t buf[MESSAGE_MAX];

	for (uint32_t at = 0; at < n;) {
		uint32_t part = n - at < sizeof(buf) ? n - at : sizeof(buf);

		if (!receive(fd, buf, part) || !are_octets(buf, at, part))
			return false;
		at += part;
	}
	return true;
}

static bool answer(int fd, const char *name, const struct sockaddr_in *client)
{
	uint8_t head[HEAD];
	uint32_t n;

	make_head(head, name, client);
	return receive(fd, (uint8_t *)&n, sizeof(n)) && receive_octets(fd, n) &&
	       send_all(fd, head, sizeof(head)) && send_octets(fd, n);
}

static void serve_stream(int fd, const char *name)
{
	if (listen(fd, 16))
		err(1, "listen");
	for (;;) {
		struct sockaddr_in from = {.sin_family = AF_INET};
		socklen_t len = sizeof(from);
		int peer = accept(fd, (struct sockaddr *)&from, &len);

		if (peer < 0)
			err(1, "accept");
		if (!answer(peer, name, &from))
			warnx("%s: ended early, or other octets", name);
		close(peer);
	}
}

static bool ask_stream(int fd, uint32_t n, uint8_t head[HEAD])
{
	return send_all(fd, &n, sizeof(n)) && send_octets(fd, n) && receive(fd, head, HEAD) &&
	       receive_octets(fd, n);
}

/* --- datagrams -------------------------------------------------------------------------------- */

static uint8_t datagram[HEAD + DATAGRAM_MAX];

static void serve_datagrams(int fd, const char *name)
{
	for (;;) {
		struct sockaddr_in from = {.sin_family = AF_INET};
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, datagram + HEAD, DATAGRAM_MAX, 0, (struct sockaddr *)&from,
				     &len);

		if (n < 0 || !are_octets(datagram + HEAD, 0, (uint32_t)n)) {
			warnx("%s: other octets", name);
			continue;
		}
		make_head(datagram, name, &from);
		if (sendto(fd, datagram, HEAD + (size_t)n, 0, (struct sockaddr *)&from, len) < 0)
			warn("%s: no answer", name);
	}
}

static bool ask_datagram(int fd, uint32_t n, uint8_t head[HEAD])
{
	if (n > DATAGRAM_MAX)
		return false;
	make_octets(datagram, 0, n);
	if (send(fd, datagram, n, 0) != (ssize_t)n ||
	    recv(fd, datagram, sizeof(datagram), 0) != (ssize_t)(HEAD + n))
		return false;
	memcpy(head, datagram, HEAD);
	return are_octets(datagram + HEAD, 0, n);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void serve(const struct protocol *p, uint16_t port, const char *name)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = open_socket(p);

	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)))
		err(1, "port %u", port);
	if (p->type == SOCK_STREAM)
		serve_stream(fd, name);
	serve_datagrams(fd, name);
}

static void use_mtu(int fd, uint32_t mtu)
{
	const struct sctp_paddrparams params = {.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = mtu};

	if (setsockopt(fd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof(params)))
		err(1, "SCTP_PEER_ADDR_PARAMS");
}

static int ask(const struct protocol *p, const struct sockaddr_in *to, uint32_t n, uint32_t mtu)
{
	uint8_t head[HEAD];
	int fd = open_socket(p);

	if (mtu)
		use_mtu(fd, mtu);
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		err(1, "connect");
	if (!(p->type == SOCK_STREAM ? ask_stream(fd, n, head) : ask_datagram(fd, n, head)))
		errx(1, "ended early, or other octets");
	close(fd);
	head[HEAD - 1] = '\0';
	fputs((const char *)head, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		serve(find_protocol(argv[2]), (uint16_t)atoi(argv[3]), argv[4]);
	if (argc < 6 || strcmp(argv[1], "ask") != 0) {
		fputs("usage: peer serve PROTOCOL PORT NAME\n"
		      "       peer ask PROTOCOL ADDRESS PORT OCTETS [MTU]\n",
		      stderr);
		return 1;
	}
	to.sin_port = htons((uint16_t)atoi(argv[4]));
	if (inet_pton(AF_INET, argv[3], &to.sin_addr) != 1)
		errx(1, "%s: no address", argv[3]);
	return ask(find_protocol(argv[2]), &to, (uint32_t)atol(argv[5]),
		   argc > 6 ? (uint32_t)atol(argv[6]) : 0);
}
