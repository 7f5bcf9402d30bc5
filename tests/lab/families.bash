# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Sessions over IPv6, and routes of both families on one session, with the lab's FRR: what it has in its
# tables and in the kernel, traffic by a route that it learned, a next hop that goes and comes back. After
# tests/lab/ipv6.bash, whose Service of two families and whose addresses it uses.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

families_all() {
	run_step ipv6-session "A session over IPv6, with routes of both families" step_ipv6_session &&
		run_step ipv6-learned "Traffic by the IPv6 route that FRR learned" step_ipv6_learned &&
		run_step link-bandwidth "Routers spread by the number of pods, and by MED" step_link_bandwidth &&
		run_step next-hop "A family is withdrawn with its next hop, and comes back" step_next_hop
}

families_frr() {
	local node addr
	{
		echo 'router bgp 64512'
		for node in "${LAB_NODES[@]}"; do
			addr=${NODE_ADDR6[$node]}
			printf ' neighbor %s remote-as 64513\n' "$addr"
		done
		echo ' address-family ipv6 unicast'
		for node in "${LAB_NODES[@]}"; do printf '  neighbor %s activate\n' "${NODE_ADDR6[$node]}"; done
		printf '%s\n' '  maximum-paths 8' ' exit-address-family'
	} >"$LAB_DIR/frr/families.conf"
	vtysh --vty_socket "$LAB_DIR/frr" --config_dir "$LAB_DIR/frr" -f "$LAB_DIR/frr/families.conf" \
		>"$LAB_DIR/frr/families.log" 2>&1 || { cat "$LAB_DIR/frr/families.log"; return 1; }
}

families_peer() {
	cat >"$LAB_DIR/config/peer-six.yaml.new" <<-YAML
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: router-six, namespace: metallb-system}
		spec:
		  myASN: 64513
		  peerASN: 64512
		  peerAddress: "2001:db8:1::1"
		  dualStackAddressFamily: true
		  enableGracefulRestart: true
	YAML
	mv "$LAB_DIR/config/peer-six.yaml.new" "$LAB_DIR/config/peer-six.yaml"
}

# --- questions --------------------------------------------------------------------------------------

six_is_up() {
	[ "$(lab_ctl "$1" show peers -o json | jq -r '.[] | select(.name == "router-six").state')" = Established ]
}
# bgp_hops FAMILY PREFIX: the next hops of the paths, sorted, on one line.
bgp_hops() {
	lab_vtysh "show bgp $1 unicast $2 json" 2>/dev/null |
		jq -r '[.paths[]? | select(.valid) | .nexthops[] | .ip] | sort | unique | join(" ")' 2>/dev/null
}
bgp_hops_are() { [ "$(bgp_hops "$1" "$2")" = "$3" ]; }
# Those of the family that came by the IPv6 session of the node.
hops_by_six() {
	lab_vtysh "show bgp $1 unicast $2 json" 2>/dev/null | jq -r --arg peer "$3" \
		'[.paths[]? | select(.peer.peerId == $peer) | .nexthops[].ip] | sort | join(" ")'
}
hops_by_six_are() { [ "$(hops_by_six "$1" "$2" "$3")" = "$4" ]; }
fib6() { lab_in router ip -6 route show "$VIP6"; }
# Learned, by both nodes.
fib6_is_learned() { fib6 | grep -q 'proto bgp' && [ "$(fib6 | grep -c 'via fe80:')" = "$1" ]; }

# Of both nodes: global and link-local.
own_hops() {
	local node
	for node in "${LAB_NODES[@]}"; do
		echo "${NODE_ADDR6[$node]}"
		lab_in "$node" ip -j -6 addr show dev eth0 scope link | jq -r '.[].addr_info[]?.local // empty'
	done | LC_ALL=C sort | paste -sd ' '
}

# --- steps ------------------------------------------------------------------------------------------

step_ipv6_session() {
	local node hops
	lab_in router ip -6 route del "$VIP6/128" || return 1
	families_frr && families_peer || return 1
	for node in "${LAB_NODES[@]}"; do
		lab_until 20 six_is_up "$node" || { lab_ctl "$node" show peers; lab_ctl "$node" show problems; return 1; }
	done
	lab_ctl node-a show peers router-six -o json | jq -c '.[0] | [.address, .state, .families]' | sed 's/^/  /'
	# RFC 2545: global and link-local, since the router is on the link.
	hops=$(own_hops)
	lab_until 15 bgp_hops_are ipv6 "$VIP6/128" "$hops" || { say "$(bgp_hops ipv6 "$VIP6/128"), not $hops"; return 1; }
	say "FRR has $VIP6/128 via $hops"
	lab_until 10 hops_by_six_are ipv4 192.168.101.1/32 2001:db8:1::a "${LAB_NODE_ADDR[node-a]}" ||
		{ say "IPv4 by the IPv6 session: '$(hops_by_six ipv4 192.168.101.1/32 2001:db8:1::a)'"; return 1; }
	say "and 192.168.101.1/32 by the same session via ${LAB_NODE_ADDR[node-a]}"
	lab_until 10 fib6_is_learned 2 || { say "router FIB: $(fib6)"; return 1; }
	lab_ctl node-a show routes --peer router-six | sed 's/^/  /'
	STEP_NOTE="next hops global and link-local, both nodes in the kernel"
	[ "$(dual_row node-a "$VIP6" | jq -s '.[0].announced')" = true ] && ! problem node-a web-dual FamilyNotCarried
}

step_ipv6_learned() {
	local out=$LAB_DIR/learned.json
	write_dual a1 a2 b1 b2
	for node in "${LAB_NODES[@]}"; do lab_until 10 dual_backends_are "$node" 4 || return 1; done
	ask requests "http://[$VIP6]/" 400 >"$out"
	say "$VIP6: $(jq -c '[.pods, .clients]' "$out")"
	STEP_NOTE="400 requests"
	all_answered "$out" "$CLIENT6"
}

# bandwidths PREFIX: what FRR has of its paths, sorted.
bandwidths() {
	lab_vtysh "show bgp ipv4 unicast $1 json" 2>/dev/null |
		jq -r '[.paths[]?.extendedCommunity.string // "none"] | unique | join(" ")' 2>/dev/null
}
bandwidths_are() { [ "$(bandwidths "$1")" = "$2" ]; }
# The kernel's weights of the VIP, with the node of each.
fib_weights() {
	lab_in router ip -j -4 route show "$VIP" |
		jq -r '[.[0].nexthops[] | "\(.gateway)=\(.weight)"] | sort | join(" ")'
}
fib_weighs() { [ "$(fib_weights | tr ' ' '\n' | sed -n "s/^$1=//p")" -gt "$(fib_weights | tr ' ' '\n' | sed -n "s/^$2=//p")" ]; }

meds_are() {
	lab_vtysh "show bgp ipv4 unicast $VIP/32 json" | jq -e --argjson med "$1" '[.paths[].metric] | unique == [$med]' >/dev/null
}

# One pod on node-a, two on node-b.
step_link_bandwidth() {
	local want="LB:64513:125000000 (1.000 Gbps) LB:64513:250000000 (2.000 Gbps)"
	rm "$LAB_DIR/config/peer-six.yaml"
	cat >"$LAB_DIR/config/bandwidth.yaml" <<-YAML
		apiVersion: lodestone.io/v1alpha1
		kind: LodestoneConfig
		metadata: {name: default}
		spec: {bgp: {linkBandwidth: auto}}
	YAML
	sed -i 's/^  annotations:$/&\n    lodestone.io\/med: "77"/' "$LAB_DIR/config/service.yaml"
	write_slices a1 b1 b2
	lab_until 15 bandwidths_are "$VIP/32" "$want" || { say "FRR has: $(bandwidths "$VIP/32")"; lab_ctl node-a show problems; return 1; }
	lab_until 10 fib_weighs 192.168.1.11 192.168.1.10 || { say "weights: $(fib_weights)"; return 1; }
	say "FRR has $(bandwidths "$VIP/32"); its kernel $(fib_weights)"
	lab_until 5 meds_are 77 || { lab_vtysh "show bgp ipv4 unicast $VIP/32 json" | jq -c ".paths[] | {metric, med}"; cat "$LAB_DIR/config/service.yaml"; return 1; }
	STEP_NOTE="kernel weights $(fib_weights), MED 77"
}

# The IPv4 session is given both families, and node-a loses the address that would be the next hop.
step_next_hop() {
	local file=$LAB_DIR/config/peer.yaml flaps
	printf '%s\n' 'router bgp 64512' ' address-family ipv6 unicast' '  neighbor 192.168.1.10 activate' \
		'  neighbor 192.168.1.11 activate' ' exit-address-family' >"$LAB_DIR/frr/dual.conf"
	vtysh --vty_socket "$LAB_DIR/frr" --config_dir "$LAB_DIR/frr" -f "$LAB_DIR/frr/dual.conf" >/dev/null 2>&1
	sed 's/^  holdTime: 90s/  dualStackAddressFamily: true\n&/' "$file" >"$file.new" && mv "$file.new" "$file"
	lab_until 20 hops_have 2001:db8:1::a || { lab_ctl node-a show problems; say "$(bgp_hops ipv6 "$VIP6/128")"; return 1; }
	say "over the IPv4 session FRR has $VIP6/128 via $(bgp_hops ipv6 "$VIP6/128")"
	flaps=$(peer_flaps)
	lab_in node-a ip addr del 2001:db8:1::a/64 dev eth0
	lab_until 10 problem node-a router-primary NoNextHop || { lab_ctl node-a show problems; return 1; }
	lab_until 10 hops_lack 2001:db8:1::a || { say "$(bgp_hops ipv6 "$VIP6/128")"; return 1; }
	lab_ctl node-a show problems | grep NoNextHop | sed 's/^/  /'
	[ "$(peer_state node-a)" = Established ] || return 1
	lab_in node-a ip addr add 2001:db8:1::a/64 dev eth0 nodad
	lab_in node-a ip -6 route replace default via 2001:db8:1::1
	lab_until 10 hops_have 2001:db8:1::a || return 1
	STEP_NOTE="IPv6 went and came back, the session stayed"
	[ "$(peer_flaps)" = "$flaps" ]
}
peer_flaps() { lab_ctl node-a show peers -o json | jq '.[] | select(.name == "router-primary").flaps'; }
hops_have() { bgp_hops ipv6 "$VIP6/128" | grep -qw "$1"; }
hops_lack() { ! hops_have "$1"; }
