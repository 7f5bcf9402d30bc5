// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Numbers of the BGP wire format, named as in the RFCs: message types (RFC 4271 4.1), NOTIFICATION
 * codes and subcodes (4271 4.5, 4486, 5492, 6608, 7313, 9234, 9384, 9687), path attributes
 * (4271 4.3 and later) and capabilities (IANA). Numbers only, no code.
 */
#pragma once

#define BGP_PORT                 179
#define BGP_VERSION              4
#define BGP_MARKER_LEN           16
#define BGP_HEADER_LEN           19
#define BGP_MESSAGE_MAX          4096
#define BGP_MESSAGE_MAX_EXTENDED 65535 /* RFC 8654, negotiated; never for OPEN and KEEPALIVE */
#define BGP_AS_TRANS             23456 /* RFC 6793 */
#define BGP_HOLD_MIN_S           3     /* 1 and 2 are illegal, 0 is "none" */
#define BGP_AFI_IPV4             1
#define BGP_AFI_IPV6             2
#define BGP_SAFI_UNICAST         1

enum bgp_message_type {
	BGP_OPEN = 1,
	BGP_UPDATE = 2,
	BGP_NOTIFICATION = 3,
	BGP_KEEPALIVE = 4,
	BGP_ROUTE_REFRESH = 5,
};

enum bgp_error_code {
	BGP_ERROR_HEADER = 1,
	BGP_ERROR_OPEN = 2,
	BGP_ERROR_UPDATE = 3,
	BGP_ERROR_HOLD_TIMER = 4,
	BGP_ERROR_FSM = 5,
	BGP_ERROR_CEASE = 6,
	BGP_ERROR_ROUTE_REFRESH = 7,
	BGP_ERROR_SEND_HOLD_TIMER = 8,
};

enum bgp_error_header {
	BGP_HEADER_NOT_SYNCHRONIZED = 1,
	BGP_HEADER_BAD_LENGTH = 2, /* data: the length field */
	BGP_HEADER_BAD_TYPE = 3,   /* data: the type field */
};

enum bgp_error_open {
	BGP_OPEN_UNSPECIFIC = 0,
	BGP_OPEN_UNSUPPORTED_VERSION = 1, /* data: the version we speak, 2 octets */
	BGP_OPEN_BAD_PEER_AS = 2,
	BGP_OPEN_BAD_BGP_ID = 3,
	BGP_OPEN_UNSUPPORTED_PARAMETER = 4,
	BGP_OPEN_UNACCEPTABLE_HOLD_TIME = 6,
	BGP_OPEN_UNSUPPORTED_CAPABILITY = 7, /* RFC 5492; data: the capabilities wanted */
	BGP_OPEN_ROLE_MISMATCH = 11,         /* RFC 9234 */
};

enum bgp_error_update {
	BGP_UPDATE_MALFORMED_ATTRIBUTE_LIST = 1,
	BGP_UPDATE_UNRECOGNIZED_WELL_KNOWN = 2, /* data: the attribute */
	BGP_UPDATE_MISSING_WELL_KNOWN = 3,
	BGP_UPDATE_ATTRIBUTE_FLAGS = 4,
	BGP_UPDATE_ATTRIBUTE_LENGTH = 5,
	BGP_UPDATE_INVALID_ORIGIN = 6,
	BGP_UPDATE_INVALID_NEXT_HOP = 8,
	BGP_UPDATE_OPTIONAL_ATTRIBUTE = 9,
	BGP_UPDATE_INVALID_NETWORK_FIELD = 10,
	BGP_UPDATE_MALFORMED_AS_PATH = 11,
};

enum bgp_error_fsm { /* RFC 6608 */
		     BGP_FSM_UNSPECIFIC = 0,
		     BGP_FSM_IN_OPEN_SENT = 1,
		     BGP_FSM_IN_OPEN_CONFIRM = 2,
		     BGP_FSM_IN_ESTABLISHED = 3,
};

enum bgp_error_cease { /* RFC 4486, 8538, 9384 */
		       BGP_CEASE_MAX_PREFIXES = 1,
		       BGP_CEASE_SHUTDOWN = 2,
		       BGP_CEASE_DECONFIGURED = 3,
		       BGP_CEASE_RESET = 4,
		       BGP_CEASE_REJECTED = 5,
		       BGP_CEASE_CONFIG_CHANGE = 6,
		       BGP_CEASE_COLLISION = 7,
		       BGP_CEASE_RESOURCES = 8,
		       BGP_CEASE_HARD_RESET = 9,
		       BGP_CEASE_BFD_DOWN = 10,
};

#define BGP_COMMUNITY_GRACEFUL_SHUTDOWN 0xffff0000u /* RFC 8326 */

#define BGP_ROUTE_REFRESH_BAD_LENGTH 1 /* RFC 7313 5; data: the message */

/* Attribute flags, RFC 4271 4.3. */
#define BGP_ATTR_OPTIONAL   0x80
#define BGP_ATTR_TRANSITIVE 0x40
#define BGP_ATTR_PARTIAL    0x20
#define BGP_ATTR_EXTENDED   0x10

enum bgp_attr_type {
	BGP_ATTR_ORIGIN = 1,
	BGP_ATTR_AS_PATH = 2,
	BGP_ATTR_NEXT_HOP = 3,
	BGP_ATTR_MED = 4,
	BGP_ATTR_LOCAL_PREF = 5,
	BGP_ATTR_ATOMIC_AGGREGATE = 6,
	BGP_ATTR_AGGREGATOR = 7,
	BGP_ATTR_COMMUNITIES = 8,
	BGP_ATTR_ORIGINATOR_ID = 9,
	BGP_ATTR_CLUSTER_LIST = 10,
	BGP_ATTR_MP_REACH = 14,
	BGP_ATTR_MP_UNREACH = 15,
	BGP_ATTR_EXT_COMMUNITIES = 16,
	BGP_ATTR_AS4_PATH = 17,
	BGP_ATTR_AS4_AGGREGATOR = 18,
	BGP_ATTR_IPV6_EXT_COMMUNITIES = 25, /* RFC 5701 */
	BGP_ATTR_LARGE_COMMUNITIES = 32,
	BGP_ATTR_ONLY_TO_CUSTOMER = 35, /* RFC 9234 */
};

enum bgp_as_segment { /* RFC 4271 4.3, 5065 */
		      BGP_AS_SET = 1,
		      BGP_AS_SEQUENCE = 2,
		      BGP_AS_CONFED_SEQUENCE = 3,
		      BGP_AS_CONFED_SET = 4,
};

enum bgp_role { /* RFC 9234 4.1: of the speaker that says it, towards the other */
		BGP_ROLE_PROVIDER = 0,
		BGP_ROLE_RS = 1,
		BGP_ROLE_RS_CLIENT = 2,
		BGP_ROLE_CUSTOMER = 3,
		BGP_ROLE_PEER = 4,
};

#define BGP_PARAM_CAPABILITIES 2   /* RFC 5492 */
#define BGP_PARAM_EXTENDED     255 /* RFC 9072: marks the extended form */

enum bgp_capability {
	BGP_CAP_MULTIPROTOCOL = 1,
	BGP_CAP_ROUTE_REFRESH = 2,
	BGP_CAP_EXTENDED_NEXT_HOP = 5,
	BGP_CAP_EXTENDED_MESSAGE = 6,
	BGP_CAP_ROLE = 9,
	BGP_CAP_GRACEFUL_RESTART = 64,
	BGP_CAP_AS4 = 65,
	BGP_CAP_ENHANCED_REFRESH = 70,
	BGP_CAP_LONG_LIVED_GR = 71,
	BGP_CAP_BFD_STRICT = 74, /* draft-ietf-idr-bgp-bfd-strict-mode */
	BGP_CAP_ROUTE_REFRESH_OLD = 128,
};
