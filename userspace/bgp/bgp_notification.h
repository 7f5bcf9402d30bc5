// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * NOTIFICATION: the encoding of a struct bgp_error (RFC 4271 4.5), and what a human reads of it:
 * the names of codes and subcodes, and the shutdown communication of an administrative Cease (RFC
 * 9003). Decides nothing about when one is sent.
 */
#pragma once

#include "base/cursor.h"
#include "base/mem.h"
#include "bgp/bgp_error.h"
#include "bgp/bgp_wire.h"

#include <stdbool.h>

/*
 * Cease 6/2 or 6/4 with a shutdown communication (RFC 9003): UTF-8 text, cut to 255 octets at a
 * character. NULL or "" sends an empty one.
 */
struct bgp_error bgp_error_shutdown(uint8_t subcode, const char *text);

/* Writes one NOTIFICATION; returns its length, 0 if cap is too small. 21 + data_len octets. */
size_t bgp_notification_encode(uint8_t *buf, size_t cap, const struct bgp_error *e);

/*
 * Reads a NOTIFICATION's body. False, *ret untouched: shorter than two octets (which the header's
 * length check already refuses). Longer data than fits is cut.
 */
bool bgp_notification_decode(struct rcur body, struct bgp_error *ret) must_check;

/*
 * "Cease/Administrative Shutdown", "Hold Timer Expired"; only the code's name when the subcode is 0
 * or unknown, "Unknown" for an unknown code. A constant string, never NULL.
 */
const char *bgp_notification_text(uint8_t code, uint8_t subcode);

/* Room for what bgp_capabilities_text() says, with NUL. */
#define BGP_CAPABILITIES_TEXT 192

struct bgp_open;

/*
 * What a 2/7 is about (RFC 5492 5: its data lists capabilities), and which side lacks each: "IPv4
 * unicast: not offered by the peer". `ours` is the OPEN that the peer answered so, NULL if the
 * NOTIFICATION is ours. Dots at the end where there is no room for all. Returns buf; NULL: no 2/7,
 * or its data lists nothing.
 */
const char *bgp_capabilities_text(const struct bgp_error *e, const struct bgp_open *ours,
				  char buf[BGP_CAPABILITIES_TEXT]);

/* The capabilities that an OPEN offers, but for families, by name; returns how many. */
#define BGP_CAPABILITIES_MAX 16
size_t bgp_capabilities_of(const struct bgp_open *open, const char *ret[BGP_CAPABILITIES_MAX]);

struct bgp_peer_config;

/*
 * What is wrong with a peer's OPEN that the name of our NOTIFICATION does not say: the AS or role
 * that it has, the capabilities that it lacks. Returns buf; NULL: nothing more.
 */
const char *bgp_open_refused_text(const struct bgp_error *e, const struct bgp_open *open,
				  const struct bgp_peer_config *config,
				  char buf[BGP_CAPABILITIES_TEXT]);

/* Room for what bgp_received_text() says, with NUL. */
#define BGP_RECEIVED_TEXT (255 * 4 + 128)

/*
 * A NOTIFICATION that came, in words: its name, that of what a Hard Reset holds (RFC 8538 3.1), a
 * shutdown communication, the AS number or the capabilities that it is about. `ours` is the OPEN
 * that we had sent. Returns buf.
 */
const char *bgp_received_text(const struct bgp_error *e, const struct bgp_open *ours,
			      char buf[BGP_RECEIVED_TEXT]);

/* What a Cease says to a peer that would keep routes over any other (RFC 8538 3.1, 4). */
struct bgp_error bgp_error_hard_reset(const struct bgp_error *cease);

/* Room for the longest shutdown communication, each octet escaped, with NUL. */
#define BGP_SHUTDOWN_TEXT (255 * 4 + 1)

/*
 * The shutdown communication of a Cease 6/2 or 6/4 as printable text: valid UTF-8 is kept, control
 * characters and invalid octets become \xNN. Returns buf, or NULL if there is none or its length
 * octet does not fit the data (RFC 9003 2: then it is ignored).
 */
const char *bgp_shutdown_text(const struct bgp_error *e, char buf[BGP_SHUTDOWN_TEXT]);
