# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Steps of a cluster with the production set of MetalLB's documentation, whatever its nodes are: pods that podman runs
# in the lab's namespaces (tests/kube/pods), or nodes of kind (tests/kind/run). They need LAB_NODES and LAB_NODE_ADDR,
# kctl, lab_ctl NODE ARGUMENTS..., lab_vtysh COMMAND, lab_until, say and VIP, and no more of what is beneath.

# shellcheck disable=SC2034 # read by those who source this file
CLUSTER_SET=(pool peer secret advertisement)

# got KIND JQ: of all objects of the kind in our namespace, as an array.
got() { kctl -n metallb-system get "$1" -o json | jq -c "[.items[]] | $2"; }
is() { [ "$(got "$1" "$2")" = "$3" ]; }
# All nodes' names, or addresses, sorted.
cluster_nodes() { printf '%s\n' "${LAB_NODES[@]}" | jq -Rnc '[inputs] | sort'; }
# cluster_addresses [NODE...]: of these, or of all, as vip_next_hops tells them.
cluster_addresses() {
	local node
	[ $# -gt 0 ] || set -- "${LAB_NODES[@]}"
	for node in "$@"; do printf '%s\n' "${LAB_NODE_ADDR[$node]}"; done | sort | paste -sd ' '
}

# Every node has its session, and the router the VIP from each, with the communities of both aliases.
step_cluster_announced() {
	lab_until 60 frr_peers_established "${#LAB_NODES[@]}" || return 1
	lab_until 60 vip_next_hops_are "$(cluster_addresses)" || {
		say "next hops: $(vip_next_hops)"
		return 1
	}
	[ "$(vip_communities)" = "64512:100,64512:200,noExport" ] || return 1
	# shellcheck disable=SC2034
	STEP_NOTE="$VIP/32 via $(vip_next_hops)"
}

# What kubectl shows of it.
step_cluster_shown() {
	local nodes
	nodes=$(cluster_nodes)
	lab_until 60 is servicebgpstatuses.metallb.io 'map(.status.node) | sort' "$nodes" || return 1
	lab_until 60 is bgpsessionstates.lodestone.io 'map(select(.status.bgpStatus == "Established").status.node) | sort' "$nodes" || return 1
	lab_until 60 is configurationstates.metallb.io 'map(.status.result) | unique' '["Valid"]' || return 1
	lab_until 60 is ipaddresspools.metallb.io 'map(.status.assignedIPv4)' '[1]' || return 1
	kctl -n metallb-system get bgppeers -o wide
	kctl -n metallb-system get servicebgpstatuses.metallb.io,bgpsessionstates.lodestone.io
}

# A node that is annotated leaves the network, and comes back.
step_cluster_drain() {
	local node=${LAB_NODES[0]}
	kctl annotate node "$node" lodestone.io/drain=true >/dev/null || return 1
	lab_until 60 vip_next_hops_are "$(cluster_addresses "${LAB_NODES[@]:1}")" || return 1
	kctl annotate node "$node" lodestone.io/drain- >/dev/null || return 1
	lab_until 60 vip_next_hops_are "$(cluster_addresses)"
}

# One mistake costs its object alone, and everybody is told.
step_cluster_mistake() {
	kctl apply -f - >/dev/null <<-YAML || return 1
		apiVersion: metallb.io/v1beta1
		kind: BGPAdvertisement
		metadata: {name: mistaken, namespace: metallb-system}
		spec: {ipAddressPools: [production-pool], communities: [no-such-alias]}
	YAML
	lab_until 60 is configurationstates.metallb.io 'map(select(.metadata.name != "controller").status.result) | unique' '["Invalid"]' || return 1
	say "$(got configurationstates.metallb.io 'map(.status.errorSummary) | max')"
	vip_next_hops_are "$(cluster_addresses)" || return 1
	kctl -n metallb-system delete bgpadvertisement mistaken >/dev/null || return 1
	lab_until 60 is configurationstates.metallb.io 'map(.status.result) | unique' '["Valid"]'
}

# Nothing of ours could hold up a namespace.
cluster_has_no_finalizers() {
	kctl get all,secrets,configmaps,leases -n metallb-system -o json | jq -e 'all(.items[]; .metadata.finalizers == null)' >/dev/null &&
		kctl get lodestone -A -o json | jq -e 'all(.items[]; .metadata.finalizers == null)' >/dev/null
}
