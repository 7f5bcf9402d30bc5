/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What pods and the client of tests/lab/conns.c tell each other: records of one size over TCP, both
 * on this machine.
 *
 * A pod begins with a record that names itself and the client as it sees it; each record of the
 * client's comes back with both written in. Its last says goodbye, so that an end without one is a
 * connection that was cut.
 */
#ifndef LAB_CONNS_H
#define LAB_CONNS_H

#include <stdint.h>

#define CONNS_HELLO 0
#define CONNS_BYE   UINT64_MAX

struct conns_record {
	char pod[16];
	char client[48];
	uint64_t conn, serial, salt; /* serial: CONNS_HELLO, CONNS_BYE, else the client's, from 1 */
};

/* Serves as the pod until it is told to end (SIGTERM). Returns what main() does. */
int conns_serve(const char *name, const char *port);

/* "conns: WHAT: the error of the call", and ends. */
_Noreturn void conns_die(const char *what);

#endif
