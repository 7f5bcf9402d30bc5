/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The two halves of tests/lab/flows.c. */
#ifndef LAB_FLOWS_H
#define LAB_FLOWS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Echoes what comes to that address, TCP and UDP, until it is killed. */
int flows_serve(const struct sockaddr_storage *at, socklen_t len);

/* Of a numeric address of either family and a port. False if it is none. */
bool flows_address(const char *address, const char *port, struct sockaddr_storage *ret,
		   socklen_t *ret_len);

/* "flows: WHAT: the error of the call", and ends. */
_Noreturn void flows_die(const char *what);

#endif
