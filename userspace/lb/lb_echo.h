// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The control echo between nodes (bpf/wire_tunnel.h), for who sends it and reads the answers: what
 * goes into UDP to LB_ECHO_PORT of another node's address. Its program answers by itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LB_ECHO_PORT  6080
#define LB_ECHO_BYTES 28

struct lb_echo {
	uint32_t sequence;
	uint64_t token;      /* any; only an answer of the one who was asked has it */
	uint8_t least, most; /* versions of the tunnel's private data that the sender reads */
	uint8_t recipe;      /* version of the recipe by which it makes rows */
	bool is_answer;
	bool is_closed; /* of an answer: no flow is to begin there */
};

/* A request with this sequence and token, and what this build speaks. */
void lb_echo_request(uint8_t to[LB_ECHO_BYTES], uint32_t sequence, uint64_t token);
/* Reads what came; false: it is no such packet. More octets than LB_ECHO_BYTES are no error. */
bool lb_echo_read(const uint8_t *from, size_t n, struct lb_echo *ret);
/*
 * Its sender and this build have a version of private data in common. By another recipe its rows
 * are others, and then none settles (lb_settling.h); but what is tunnelled names whom it is for.
 */
bool lb_echo_agrees(const struct lb_echo *e);
/* The highest version of private data that this build and all who have `most` speak. */
uint8_t lb_echo_version(uint8_t most);
