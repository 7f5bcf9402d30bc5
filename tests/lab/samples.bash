# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Blocks of the documents that users start from (tests/samples/), as they are, on real FRRs: what the routers
# have in their tables, and which of two ways a third one behind them takes. The agent's data plane is off.
#
#                 10.0.0.1  first ─── 10.1.1.0/24 ───┐
#   hub 10.0.0.10 ── br0 ─┤                          upstream, AS 65100
#                 10.0.0.2  second ── 10.1.2.0/24 ───┘
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

SAMPLE_ROUTERS=(first second upstream)

samples_all() {
	lab_folder
	LAB_NODES=(hub) # for lab_down
	run_step samples-communities "S0: a Community attached by the name of its resource" step_samples_communities &&
		run_step samples-subset "S4: each pool to its own router, then one to both" step_samples_subset &&
		run_step samples-two-routes "S2: a /32 that stays with the router, and one clean /24 for all" step_samples_two_routes &&
		run_step samples-maintenance "S3: the router behind takes the backup, and comes back" step_samples_maintenance &&
		run_step samples-standby "S3: active and standby; BFD sees the active way die" step_samples_standby
}

# --- the network --------------------------------------------------------------------------------------

sample_vtysh() { lab_frr "$LAB_DIR/frr-$1" "${@:2}"; }

samples_network() {
	local r
	mkdir -p "$LAB_DIR/config"
	lab_namespace hub
	lab_in hub ip link add br0 type bridge
	lab_in hub ip link set br0 up
	lab_in hub ip addr add 10.0.0.10/24 dev br0
	for r in "${SAMPLE_ROUTERS[@]}"; do lab_namespace "$r"; done
	for r in first second; do
		lab_veth "$r" eth0 hub "to-$r"
		lab_in hub ip link set "to-$r" master br0
	done
	lab_in first ip addr add 10.0.0.1/24 dev eth0
	lab_in second ip addr add 10.0.0.2/24 dev eth0
	lab_veth first eth1 upstream to-first
	lab_veth second eth1 upstream to-second
	lab_in first ip addr add 10.1.1.1/24 dev eth1
	lab_in second ip addr add 10.1.2.1/24 dev eth1
	lab_in upstream ip addr add 10.1.1.2/24 dev to-first
	lab_in upstream ip addr add 10.1.2.2/24 dev to-second
	for r in "${SAMPLE_ROUTERS[@]}"; do lab_frr_start "$r" "$LAB_DIR/frr-$r" zebra bgpd "bfdd --bfdctl $LAB_DIR/frr-$r/bfdd.sock" || return 1; done
	cat >"$LAB_DIR/config/lodestone.yaml" <<-YAML
		apiVersion: lodestone.io/v1alpha1
		kind: LodestoneConfig
		metadata: {name: default}
		spec: {dataplane: {mode: "off"}, bgp: {ebgpLocalPref: prepend}}
	YAML
	lab_agent_up hub
}

# sample_router NAME OWN-AS [NEIGHBOUR AS]...: that router anew, with these sessions.
sample_router() {
	local name=$1 as=$2 file=$LAB_DIR/frr-$1/router.conf
	shift 2
	{
		printf '%s\n' 'no router bgp' "router bgp $as" " bgp router-id 10.9.9.${#name}" ' no bgp ebgp-requires-policy'
		while [ $# -gt 0 ]; do
			printf ' neighbor %s remote-as %s\n' "$1" "$2"
			shift 2
		done
	} >"$file"
	sample_vtysh "$name" -f "$file" >"$file.log" 2>&1 || grep -q 'BGP process is already\|There is no BGP' "$file.log" ||
		grep -q "router bgp $as" <(sample_vtysh "$name" -c "show running-config")
}

# --- objects ------------------------------------------------------------------------------------------

# sample_service NAME POOL [ADDRESS]: a Service with a pod here, on standard output.
sample_service() {
	printf '%s\n' 'apiVersion: v1' 'kind: Service' 'metadata:' "  name: $1" '  namespace: default' '  annotations:' \
		"    metallb.io/address-pool: $2"
	[ $# -lt 3 ] || echo "    metallb.io/loadBalancerIPs: $3"
	printf '%s\n' 'spec: {type: LoadBalancer, ports: [{port: 80}]}' --- 'apiVersion: discovery.k8s.io/v1' \
		'kind: EndpointSlice' "metadata: {name: $1-1, namespace: default, labels: {kubernetes.io/service-name: $1}}" \
		'addressType: IPv4' 'ports: [{port: 80}]' 'endpoints: [{addresses: [10.244.0.1], nodeName: hub}]' ---
}
sample_peer() {
	printf '%s\n' 'apiVersion: metallb.io/v1beta2' 'kind: BGPPeer' "metadata: {name: $1, namespace: metallb-system}" \
		"spec: {myASN: $2, peerASN: $3, peerAddress: $4}" ---
}
sample_blocks() {
	local block
	for block in "$@"; do
		cat "$LAB_ROOT/tests/samples/$block.yaml"
		echo ---
	done
}
# sample_config NAME: these documents, from standard input, in place of those of the document before.
sample_config() {
	cat >"$LAB_DIR/$1.yaml"
	mv "$LAB_DIR/$1.yaml" "$LAB_DIR/config/"
	find "$LAB_DIR/config" -name '*.yaml' ! -name lodestone.yaml ! -name "$1.yaml" -delete
}

# --- questions ----------------------------------------------------------------------------------------

# Of one router: what it has of the node's, a line a prefix: PREFIX [localPref N] [COMMUNITY...], sorted.
sample_routes() {
	local prefix
	for prefix in $(sample_vtysh "$1" -c "show bgp ipv4 unicast json" | jq -r '.routes | keys[]'); do
		sample_vtysh "$1" -c "show bgp ipv4 unicast $prefix json" |
			jq -r --arg p "$prefix" '.paths[] | select(.peer.peerId == "10.0.0.10") | [$p, (.locPrf // empty | "localPref \(.)"),
				(.community.string // empty)] | join(" ")'
	done | LC_ALL=C sort | paste -sd '|'
}
# All that it has, from whomever.
sample_prefixes_are() { [ "$(sample_vtysh "$1" -c "show bgp ipv4 unicast json" | jq -r '.routes | keys | join("|")')" = "$2" ]; }
sample_routes_are() { [ "$(sample_routes "$1")" = "$2" ]; }
# sample_expect ROUTER ROUTES: within a while.
sample_expect() {
	lab_until 20 sample_routes_are "$1" "$2" || {
		say "$1 has '$(sample_routes "$1")', not '$2'"
		lab_ctl hub show peers
		lab_ctl hub show problems
		return 1
	}
	say "$1: ${2:-nothing}"
}
# The AS path that the router behind has chosen.
sample_path() {
	sample_vtysh upstream -c "show bgp ipv4 unicast $1 json" | jq -r '.paths[]? | select(.bestpath.overall) | .aspath.string'
}
sample_path_is() { [ "$(sample_path "$1")" = "$2" ]; }

# --- steps --------------------------------------------------------------------------------------------

step_samples_communities() {
	samples_network || return 1
	sample_router first 65001 10.0.0.10 64512
	{
		sample_peer r1 64512 65001 10.0.0.1
		sample_blocks S0-bgp-communities-01 S0-bgp-communities-02 S0-bgp-communities-03
		sample_service web production-pool
	} | sample_config s0
	STEP_NOTE="three communities"
	sample_expect first "192.168.100.0/32 64512:100 64512:200 64512:999"
}

step_samples_subset() {
	local answer=$LAB_DIR/explained.json
	sample_router first 64513 10.0.0.10 64512
	sample_router second 64514 10.0.0.10 64512
	{
		sample_blocks S4-subset-of-peers-01 S4-subset-of-peers-02 S4-subset-of-peers-03
		sample_service public public-pool
		sample_service internal internal-pool
	} | sample_config s4
	sample_expect first "203.0.113.0/32" && sample_expect second "10.100.0.0/32" || return 1
	lab_ctl hub explain service default/internal | sed 's/^/  /'
	lab_ctl hub explain service default/internal -o json >"$answer"
	jq -e '.addresses[0] | .announced and ([.peers[] | {peer, announced, reason}] | sort_by(.peer) == [
		{peer: "internal-router", announced: true, reason: "announced"},
		{peer: "internet-router", announced: false, reason: "noMatchingPeer"}])' "$answer" >/dev/null ||
		{ say "explained as $(jq -c '.addresses[0].peers' "$answer")"; return 1; }
	sample_blocks S4-subset-of-peers-04 >"$LAB_DIR/s4-04.yaml"
	mv "$LAB_DIR/s4-04.yaml" "$LAB_DIR/config/"
	STEP_NOTE="one pool each, then one to both; explained as it is"
	sample_expect second "10.100.0.0/32|203.0.113.0/32" && sample_expect first "203.0.113.0/32"
}

step_samples_two_routes() {
	sample_router first 64512 10.0.0.10 64512 10.1.1.2 65100
	sample_router second 64514
	sample_router upstream 65100 10.1.1.1 64512
	{
		sample_peer r1 64512 64512 10.0.0.1
		sample_blocks S2-advanced-bgp-01 S2-advanced-bgp-02 S2-advanced-bgp-03
		sample_service one first-pool 198.51.100.10
		sample_service two first-pool 198.51.100.11
	} | sample_config s2
	STEP_NOTE="two /32 with no-advertise and localPref 100, which go no farther, one /24"
	sample_expect first "198.51.100.0/24 localPref 100|198.51.100.10/32 localPref 100 no-advertise|198.51.100.11/32 localPref 100 no-advertise" &&
		lab_until 20 sample_prefixes_are upstream 198.51.100.0/24
}

step_samples_maintenance() {
	local object=$LAB_DIR/config/s3-maintenance.yaml vip=192.168.100.1/32
	sample_router first 65001 10.0.0.10 65000 10.1.1.2 65100
	sample_router second 65002 10.0.0.10 65000 10.1.2.2 65100
	sample_router upstream 65100 10.1.1.1 65001 10.1.2.1 65002
	{
		sample_blocks S3-local-preference-01 S3-local-preference-02 S3-local-preference-03
		sample_blocks S3-local-preference-04 | sample_only Community
		sample_service web production-pool
	} | sample_config s3
	lab_until 20 sample_path_is "$vip" "65001 65000" || { say "path '$(sample_path "$vip")'"; lab_ctl hub show problems; return 1; }
	say "upstream goes by 65001, the primary"
	sample_blocks S3-local-preference-08 >"$object.new" && mv "$object.new" "$object"
	lab_until 20 sample_path_is "$vip" "65002 65000 65000" || { say "path '$(sample_path "$vip")'"; return 1; }
	say "maintenance: by 65002, the backup"
	rm "$object"
	STEP_NOTE="primary, backup, primary again"
	lab_until 20 sample_path_is "$vip" "65001 65000" || { say "path '$(sample_path "$vip")'"; return 1; }
}

# The active router is cut off without its link going down: the hold time would be 90 s, and BFD's is 0.9.
step_samples_standby() {
	local vip=192.168.100.0/32 r
	for r in first second; do sample_bfd "$r"; done
	{
		sample_blocks S3-local-preference-04
		printf '%s\n' 'apiVersion: v1' 'kind: Node' 'metadata: {name: hub, labels: {node-role.kubernetes.io/worker: "true"}}' ---
		sample_service ha ha-pool
	} | sample_config s3-standby
	sample_expect first "$vip 65000:100" && sample_expect second "$vip 65000:200" || return 1
	lab_until 20 sample_path_is "$vip" "65001 65000" || { say "path '$(sample_path "$vip")'"; return 1; }
	lab_until 20 sample_bfd_is_up || { lab_ctl hub show bfd; return 1; }
	lab_in hub ip link set to-first nomaster
	lab_until 20 sample_path_is "$vip" "65002 65000 65000" || { say "path '$(sample_path "$vip")'"; return 1; }
	say "without the active router: by 65002, the standby"
	lab_in hub ip link set to-first master br0
	STEP_NOTE="active, standby, active again"
	lab_until 60 sample_path_is "$vip" "65001 65000" || { say "path '$(sample_path "$vip")'"; lab_ctl hub show peers; return 1; }
}
# BFD with the node, at that router; its AS is that of the steps before.
sample_bfd() {
	local as=6500$([ "$1" = first ] && echo 1 || echo 2)
	sample_vtysh "$1" -c 'configure terminal' -c "router bgp $as" -c 'neighbor 10.0.0.10 bfd'
}
sample_bfd_is_up() { lab_ctl hub show bfd -o json | jq -e 'length == 2 and all(.state == "Up")' >/dev/null; }
# sample_only KIND: of the documents on standard input those of that kind.
sample_only() {
	awk -v RS='\n---\n' -v kind="(^|\n)kind: $1\n" '$0 ~ kind { print $0 "\n---" }'
}
