// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The kinds of Kubernetes as typed structs: the half of api/objects.h that follows its API and not
 * MetalLB's. Include api/objects.h, which says what holds for all objects. Only fields that matter
 * to balancing are here; the rest of the schema is not even looked at.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

struct api_strings {
	const char *const *items;
	size_t n;
};

enum api_protocol { API_TCP = 6, API_UDP = 17, API_SCTP = 132 }; /* the IP protocol number */

struct api_service_port {
	const char *name; /* "" if unnamed */
	uint16_t port, node_port;
	enum api_protocol protocol;
	const char *target_name; /* targetPort as text, NULL if a number or absent */
	uint16_t target_port;
};

/*
 * How packets get to endpoints that are on no node, as a Service, its pool or LodestoneConfig says:
 * the first of them that says anything counts. 0: nothing is said.
 */
enum api_forwarding {
	API_FORWARD_AUTO = 1, /* as if nobody said anything */
	API_FORWARD_NAT,
	API_FORWARD_DSR_IPIP,
	API_FORWARD_DSR_GUE,
	API_FORWARD_DSR_L2,
};

/* The families that a Service wants an address of, from clusterIPs, ipFamilies, ipFamilyPolicy. */
struct api_families {
	enum ip_family items[IP_N_FAMILIES]; /* the first is the one to do without last */
	uint8_t n;                           /* 0: nothing is said about it */
	bool all;                            /* all of them or none (RequireDualStack) */
};

/* What else annotations ask for its routes, as text: for few Services. */
struct api_wishes {
	struct api_strings communities; /* beside those of advertisements */
	struct api_strings peers;       /* none: those of the advertisements, else these alone */
};

/* There are thousands of them, so what is small stands together. */
struct api_service {
	bool is_load_balancer;
	bool is_headless;
	bool is_of_other_proxy; /* labelled so: kube-proxy leaves it alone, and so do we */
	bool policy_local;      /* externalTrafficPolicy */
	bool is_paused;         /* annotation lodestone.io/pause */
	bool is_blackhole;      /* annotation lodestone.io/blackhole */
	bool affinity_client_ip;
	uint8_t unknown_port; /* enum api_unknown_port: annotation lodestone.io/unknown-ports */
	uint8_t rows_log2;  /* rows of its tables, annotation lodestone.io/rows; 0: as by default */
	uint8_t prepend;    /* annotation lodestone.io/prepend, for eBGP peers; 0 = none */
	uint8_t forwarding; /* enum api_forwarding: annotation lodestone.io/forwarding */
	uint16_t health_port; /* healthCheckNodePort, with policy_local only; 0 = none */
	bool has_med;         /* annotation lodestone.io/med: */
	bool has_new_flows;   /* annotation lodestone.io/new-flows: */
	uint32_t med;         /* of its routes, whatever advertisements say */
	uint32_t new_flows;   /* a second; 0: any number */
	uint32_t rate_limit;  /* packets a second, annotation lodestone.io/rate-limit; 0 = none */
	enum { API_CHECK_UNSAID, API_CHECK_NO, API_CHECK_YES } source_check; /* .../source-check */
	uint32_t affinity_timeout_s;                                         /* default 10800 */
	struct api_families families;
	const char *lb_class; /* NULL = none */
	uint64_t pods;        /* stands for spec.selector: equal where that is; 0 = none */
	const struct api_wishes *wishes; /* NULL: none */
	const struct api_service_port *ports;
	size_t n_ports;
	struct ip_addr cluster_ips[IP_N_FAMILIES]; /* none: it has none of the family */
	struct ip_addr lb_ip;                      /* spec.loadBalancerIP */
	const struct ip_prefix *source_ranges;
	size_t n_source_ranges;
	const struct ip_addr *ingress; /* status.loadBalancer.ingress[].ip */
	size_t n_ingress;
};

/* For whom an endpoint is meant: names of zones and of nodes. */
struct api_hints {
	struct api_strings zones, nodes;
};
struct api_endpoint {
	struct ip_addr address;        /* the first of the list */
	const char *node_name;         /* NULL = unknown, never local */
	const struct api_hints *hints; /* NULL = none */
	bool ready;                    /* nil = true */
	bool serving;                  /* nil = true */
	bool terminating;              /* nil = false */
};
struct api_slice_port {
	const char *name; /* "" if unnamed */
	uint16_t port;    /* 0 = nil = ignore */
	enum api_protocol protocol;
};
/*
 * Of endpoints there are more than of anything else, a hundred thousand, nearly all of one family,
 * on few nodes, and meant for anybody: so they are kept in eight octets each where that does, and
 * read by api_slice_endpoint().
 */
struct api_slice {
	const char *service;    /* label kubernetes.io/service-name, NULL if missing */
	bool is_fqdn;           /* ignored */
	uint8_t weight;         /* annotation lodestone.io/weight, of each endpoint; 0: unsaid, 1 */
	uint8_t address_octets; /* of each: 4, if all are IPv4, or 16 */
	const struct api_slice_port *ports;
	size_t n_ports;
	size_t n_endpoints;
	const uint8_t *addresses;
	const uint32_t *states;        /* of each: enum api_endpoint_bit, its node above them */
	const char *const *node_names; /* each once, if they are near each other; from 1 */
	const struct api_hints *const *hints; /* of each; NULL: none has any */
};
enum api_endpoint_bit {
	API_ENDPOINT_READY = 1,
	API_ENDPOINT_SERVING = 2,
	API_ENDPOINT_TERMINATING = 4,
	API_ENDPOINT_NODE_SHIFT = 3,
};
/* The i-th of a slice; what it points to is the slice's. */
struct api_endpoint api_slice_endpoint(const struct api_slice *s, size_t i);

struct api_node {
	const struct ip_addr *internal; /* status.addresses of type InternalIP */
	size_t n_internal;
	const struct ip_addr *external; /* of type ExternalIP */
	size_t n_external;
	const struct ip_prefix *pod_cidrs; /* spec.podCIDRs */
	size_t n_pod_cidrs;
	bool network_unavailable;
	bool is_drained;        /* annotation lodestone.io/drain */
	const char *removed_by; /* key of the taint that says so; NULL: it is not to be removed */
};

struct api_secret_item {
	const char *section; /* the field it stands in: "data" or "stringData" */
	const char *key;
	const uint8_t *data;
	size_t len;
};
struct api_secret {
	const char *type;
	const struct api_secret_item *items;
	size_t n;
};
