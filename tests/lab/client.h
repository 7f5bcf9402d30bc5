/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The two halves of tests/lab/client.c: what is wanted, and requests as such. */
#ifndef LAB_CLIENT_H
#define LAB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define CLIENT_ABREAST 16 /* requests at a time, at most */

/* Whom to ask, and what. */
struct client_server {
	struct sockaddr_storage to;
	socklen_t len;
	int type;           /* SOCK_STREAM: HTTP, SOCK_DGRAM */
	int option;         /* IPV6_HOPOPTS, IPV6_DSTOPTS: that header is sent; 0: none */
	bool is_random;     /* each request has octets of its own */
	unsigned n_answers; /* of a datagram */
	size_t n_data;
	char data[1 << 16];
};

struct client_run {
	const struct client_server *server;
	size_t count;      /* requests, at most */
	unsigned abreast;  /* 1 to CLIENT_ABREAST */
	unsigned patience; /* seconds for each step of one */
	const char *stop;  /* a file that ends it; NULL: none */
	double rate;       /* a second; 0: as fast as they go */
	double seconds;    /* where there is a rate: at most */
};

/* Makes the requests and prints what came of them. Returns what main() does. */
int client_requests(const struct client_run *run);

/* "client: WHAT: the error of the call", and ends. */
_Noreturn void client_die(const char *what);

#endif
