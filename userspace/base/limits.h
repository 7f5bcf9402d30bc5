// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Every maximum of the agent in one place, each with its reason. What exceeds one becomes a problem
 * of the object that did, never a crash and never silence.
 */
#pragma once

#define LIMIT_PEERS          64    /* a node's BGP peers; a bitmap of one word in the plan */
#define LIMIT_SERVICES       10240 /* frontends; with as many VIPs a third of the kernel's slots */
#define LIMIT_BACKENDS       32766 /* of one service: 15-bit index in a row, one value is "none" */
#define LIMIT_PASSWORD_BYTES 80    /* of a session: TCP_MD5SIG_MAXKEYLEN */
#define LIMIT_PREPEND        10    /* of our own AS, as MetalLB */
#define LIMIT_WEIGHT         16    /* of an endpoint: as many draws in each row (bpf/wire.h) */
#define LIMIT_COMMUNITIES    63    /* per route, as MetalLB */
#define LIMIT_YAML_DEPTH     64
#define LIMIT_YAML_ANCHORS   1024       /* of one document; they are searched for each alias */
#define LIMIT_ALIAS_FACTOR   64         /* what aliases add to a document, in times of its text */
#define LIMIT_DOCUMENT_BYTES (4u << 20) /* one YAML document */
#define LIMIT_FILE_BYTES     (64u << 20)
#define LIMIT_CONFIG_BYTES   (UINT64_C(1) << 30) /* all files together, each at least a page */
#define LIMIT_OBJECTS        250000              /* of all files together */
#define LIMIT_REQUEST_BYTES  (64u << 10)         /* control socket, DESIGN 10 */
#define LIMIT_REPLY_BYTES    (64u << 20)
#define LIMIT_CLIENTS        16
#define LIMIT_DISCARDS       1024      /* blackholes on demand; those of Services and commands */
#define LIMIT_DISCARD_ORDERS 256       /* ... of commands alone */
#define LIMIT_DRAIN_S        86400     /* a backend that left keeps its flows at most so long */
#define LIMIT_NAT_PORTS      16384     /* source ports, one after the other */
#define LIMIT_NEW_FLOWS      16000000u /* of one frontend in a second */
#define LIMIT_ADJ_RIB_OUT    131072    /* prefixes to one peer */
#define LIMIT_ADJ_RIB_IN     1000000   /* ... accepted from one, at most; 40 octets each */
