// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The finite state machine of RFC 4271 8.2.2, internal to bgp_conn: what each event does in each
 * state. Events carry the RFC's numbers; those without a meaning here are left out: 5 to 7 (other
 * kinds of start), 12 and 20 (DelayOpen, not implemented), 14 and 15 (the driver's listener
 * decides).
 */
#pragma once

#include "bgp/bgp_conn.h"

enum bgp_fsm_event {
	BGP_FSM_MANUAL_START = 1,
	BGP_FSM_MANUAL_STOP = 2,
	BGP_FSM_PASSIVE_START = 4,  /* ManualStart_with_PassiveTcpEstablishment */
	BGP_FSM_AUTOMATIC_STOP = 8, /* BFD says the path is down */
	BGP_FSM_CONNECT_RETRY = 9,
	BGP_FSM_HOLD_EXPIRED = 10,
	BGP_FSM_KEEPALIVE_EXPIRED = 11,
	BGP_FSM_IDLE_HOLD = 13,
	BGP_FSM_TCP_ACKED = 16,     /* Tcp_CR_Acked: we dialled */
	BGP_FSM_TCP_CONFIRMED = 17, /* TcpConnectionConfirmed: the peer dialled */
	BGP_FSM_TCP_FAILS = 18,
	BGP_FSM_OPEN = 19,
	BGP_FSM_HEADER_ERROR = 21,
	BGP_FSM_OPEN_ERROR = 22,
	BGP_FSM_COLLISION_DUMP = 23,
	BGP_FSM_NOTIFICATION_VERSION = 24,
	BGP_FSM_NOTIFICATION = 25,
	BGP_FSM_KEEPALIVE = 26,
	BGP_FSM_UPDATE = 27,
	BGP_FSM_UPDATE_ERROR = 28,
	BGP_FSM_SEND_HOLD = 29,     /* RFC 9687 */
	BGP_FSM_ROUTE_REFRESH = 30, /* RFC 2918, without a number of its own; an UPDATE elsewhere */
	BGP_FSM_BFD_UP = 32, /* of the draft of BFD strict mode; only while it is waited for */
};

struct bgp_fsm_input {
	enum bgp_fsm_event event;
	/*
	 * 2, 8, 21, 22, 23, 28: the NOTIFICATION to send (with 2: NULL for none). 24, 25: the one
	 * received.
	 */
	const struct bgp_error *error;
	const struct bgp_open *open; /* 19 */
	enum bgp_family family;      /* 30: which is asked for */
	uint8_t message_type;        /* of the message that is the event, 0 if none is */
	const char *reason;          /* for bgp_conn.reason; NULL: made from the error */
};

void bgp_fsm_step(struct bgp_conn *c, nsec_t now, const struct bgp_fsm_input *in);
/* Starts the keepalive timer anew, jittered (RFC 4271 10); none if the hold time is 0. */
void bgp_fsm_restart_keepalive(struct bgp_conn *c, nsec_t now);
/* Starts the send hold timer anew (RFC 9687 4.2). */
void bgp_fsm_restart_send_hold(struct bgp_conn *c, nsec_t now);
/* min(configured, negotiated hold / 3), at least 1; 0 for none. */
uint16_t bgp_fsm_keepalive_s(const struct bgp_conn *c);
