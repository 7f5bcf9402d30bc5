// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A connection under test, and the other side's messages written in hex: type and body, the header
 * is added. Shared by the tests of bgp_conn.c.
 */
#pragma once

#include "bgp_script.h"

#include "bgp/bgp_conn.h"

#define NOW SECONDS(1000)

struct fixture {
	struct bgp_peer_config config;
	struct bgp_rib *rib;
	struct bgp_rib_in *rib_in;
	struct bgp_conn conn;
};

static inline int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct rng rng;

	rng_seed(&rng, 7);
	f->config = script_config();
	f->rib = bgp_rib_new(NULL);
	f->rib_in = bgp_rib_in_new(1);
	bgp_conn_init(&f->conn, &f->config, f->rib, f->rib_in, &rng);
	f->conn.local.ipv4 = ip_addr_from_v4(0xc0000201);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	bgp_rib_free(f->rib);
	bgp_rib_in_free(f->rib_in);
	free(f);
	return 0;
}

static inline void receive(struct bgp_conn *c, nsec_t now, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t n = bgp_conn_receive(c, now, data, len);

		assert_in_range(n, 1, len);
		data += n;
		len -= n;
	}
}

static inline struct script_text sent(struct bgp_conn *c, nsec_t now)
{
	uint8_t buf[32 << 10];

	return script_text_of(buf, bgp_conn_transmit(c, now, buf, sizeof(buf)));
}

static inline size_t hex_bytes(const char *hex, uint8_t *ret)
{
	size_t n = 0;
	unsigned v;

	for (; *hex; hex += 2) {
		if (*hex == ' ') {
			hex--;
			continue;
		}
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		ret[n++] = (uint8_t)v;
	}
	return n;
}

/* A message from its type and body in hex. */
static inline size_t message(uint8_t *buf, const char *hex)
{
	uint8_t body[BGP_MESSAGE_MAX];
	size_t n = hex_bytes(hex, body);

	memset(buf, 0xff, BGP_MARKER_LEN);
	buf[16] = (uint8_t)((n + 18) >> 8);
	buf[17] = (uint8_t)(n + 18);
	memcpy(buf + 18, body, n);
	return n + 18;
}

static inline void receive_hex(struct bgp_conn *c, nsec_t now, const char *hex)
{
	uint8_t buf[BGP_MESSAGE_MAX];

	receive(c, now, buf, message(buf, hex));
}

/* version 4, AS 64501, hold 90, id 10.0.0.2; with the 4-octet AS number and without */
#define OPEN      "01 04 fbf5 005a 0a000002 08 0206 4104 0000fbf5"
#define OPEN_OLD  "01 04 fbf5 005a 0a000002 00"
#define KEEPALIVE "04"
/* 198.51.100.0/24: ORIGIN, AS_PATH 64501, NEXT_HOP 192.0.2.2 */
#define ROUTE "02 0000 0014 40010100 4002 06 02010000fbf5 400304 c0000202 18c63364"

static inline void establish_with(struct fixture *f, nsec_t now, const char *open)
{
	bgp_conn_notify(&f->conn, now, BGP_NOTE_START);
	bgp_conn_notify(&f->conn, now, BGP_NOTE_TCP_UP);
	receive_hex(&f->conn, now, open);
	receive_hex(&f->conn, now, KEEPALIVE);
	assert_int_equal(f->conn.state, BGP_ESTABLISHED);
	assert_string_equal(sent(&f->conn, now).s, "OPEN KEEPALIVE");
	f->conn.want_connect = false;
}

static inline void establish(struct fixture *f, nsec_t now)
{
	establish_with(f, now, OPEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
