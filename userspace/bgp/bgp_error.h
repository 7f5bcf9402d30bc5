// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Why a session has to end: a NOTIFICATION not yet encoded, or one received. Every decoder of this
 * folder fills one; bgp_notification.[ch] encodes and explains it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Room for a shutdown communication with its length octet (RFC 9003); longer data is cut. */
#define BGP_ERROR_DATA_MAX 256

/* Owns its data; plain to copy. */
struct bgp_error {
	uint8_t code, subcode; /* enum bgp_error_code and the subcodes of that code */
	uint16_t data_len;
	uint8_t data[BGP_ERROR_DATA_MAX];
};

/* An error without data. */
struct bgp_error bgp_error_make(uint8_t code, uint8_t subcode);

/* An error with data, cut at BGP_ERROR_DATA_MAX. data may be NULL with len 0. */
struct bgp_error bgp_error_with(uint8_t code, uint8_t subcode, const void *data, size_t len);
