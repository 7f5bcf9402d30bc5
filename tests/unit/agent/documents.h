// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the tests of the agent configure: no data plane, the router of router.h, a pool, and
 * Services with one endpoint each.
 */
#pragma once

#define RIG_OFF                                                                                    \
	"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\n"    \
	"spec: {dataplane: {mode: \"off\"}}\n"
#define RIG_PEER                                                                                   \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: r, namespace: metallb-system}\n"                                         \
	"spec: {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2, peerPort: 1790,"              \
	" sourceAddress: 10.0.0.1, routerID: 10.0.0.1, enableGracefulRestart: true}\n"
#define RIG_POOL                                                                                   \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: p, namespace: metallb-system}\nspec: {addresses: [192.0.2.0/28]}\n"      \
	"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"                            \
	"metadata: {name: a, namespace: metallb-system}\nspec: {}\n"
#define RIG_SERVICE(name)                                                                          \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: default}\n"          \
	"spec: {type: LoadBalancer, ports: [{port: 80, protocol: TCP}]}\n"                         \
	"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"                              \
	"metadata: {name: " name "-1, namespace: default,"                                         \
	" labels: {kubernetes.io/service-name: " name "}}\naddressType: IPv4\n"                    \
	"ports: [{name: \"\", port: 80, protocol: TCP}]\n"                                         \
	"endpoints: [{addresses: [10.244.0.1], nodeName: node, conditions: {ready: true}}]\n"
