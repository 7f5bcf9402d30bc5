// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Documents of the i-th Service that benchmarks have alike, one port each. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define BENCH_TEXT 640

/* With this address already given, in host order. */
static inline void bench_service_text(char text[static BENCH_TEXT], size_t i, unsigned vip)
{
	snprintf(text, BENCH_TEXT,
		 "apiVersion: v1\nkind: Service\nmetadata: {name: s%05zu, namespace: shop}\n"
		 "spec: {type: LoadBalancer, ports: [{port: 80, targetPort: 8080}]}\n"
		 "status: {loadBalancer: {ingress: [{ip: %u.%u.%u.%u}]}}\n",
		 i, vip >> 24, vip >> 16 & 255, vip >> 8 & 255, vip & 255);
}

/* Its EndpointSlice; the endpoints are lines of a YAML list, the last without its end. */
static inline void bench_slice_text(char text[static BENCH_TEXT], size_t i, const char *endpoints)
{
	snprintf(text, BENCH_TEXT,
		 "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n"
		 "  name: s%05zu-x\n  namespace: shop\n"
		 "  labels: {kubernetes.io/service-name: s%05zu}\naddressType: IPv4\n"
		 "ports: [{name: '', port: 8080, protocol: TCP}]\nendpoints:\n%s\n",
		 i, i, endpoints);
}
