# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The pages of docs/routers/ that say "run here": the nodes' objects of README.md, and FRR and BIRD with the blocks of
# their pages as these stand, one after the other in the same place. The agents' data plane is off: this is about routers.
#
#   node-a 192.168.1.10 AS 64513 ─┐
#   node-b 192.168.1.11 AS 64514 ─┴─ br0 192.168.1.1  router  eth1 ── no address ── node-c AS 64515
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

RO_VIP=192.168.100.1    # one pod on node-a, two on node-b
RO_URGENT=192.168.100.2 # the same, with 64512:200
RO_EDGE=192.168.100.3   # a pod on node-c
RO_HOLE=192.168.100.77  # nobody's

routers_all() {
	lab_folder
	LAB_NODES=(node-a node-b node-c)
	run_step routers-frr "FRR as its page has it: ECMP over two ASNs by weight, communities, BFD, MD5, TTL security" step_routers_frr &&
		run_step routers-frr-restart "The agent killed with -9: FRR keeps the route" step_routers_kept &&
		run_step routers-frr-rtbh "A blackhole on demand: FRR's kernel discards" step_routers_frr_hole &&
		run_step routers-bird "BIRD as its page has it, in FRR's place: the same" step_routers_bird &&
		run_step routers-bird-restart "The agent killed with -9: BIRD keeps the route" step_routers_kept &&
		run_step routers-bird-rtbh "A blackhole on demand: BIRD's kernel discards" step_routers_bird_hole
}

# router_block PAGE INFO: the block of that page which opens with ```INFO, on standard output; there is one.
router_block() {
	awk -v open="\`\`\`$2" '$0 == open {inside = 1; n++; next} /^```/ {inside = 0} inside; END {exit n != 1}' \
		"$LAB_ROOT/docs/routers/$1.md"
}

routers_network() {
	local node addr=10
	lab_namespace router
	lab_in router ip link add br0 type bridge
	lab_in router ip link set br0 up
	lab_in router ip addr add 192.168.1.1/24 dev br0
	lab_in router sysctl -qw net.ipv4.ip_forward=1
	for node in node-a node-b; do
		lab_namespace "$node"
		lab_veth "$node" eth0 router "to-$node"
		lab_in router ip link set "to-$node" master br0
		lab_in "$node" ip addr add "192.168.1.$addr/24" dev eth0
		addr=$((addr + 1))
	done
	lab_namespace node-c
	lab_veth node-c eth0 router eth1
}

routers_put() {
	cat >"$LAB_DIR/config/.$1"
	mv "$LAB_DIR/config/.$1" "$LAB_DIR/config/$1.yaml"
}
# routers_service NAME VIP ANNOTATION NODE...: with a pod on each of these.
routers_service() {
	local node pod=10.244.1.${2##*.} i=0
	printf '%s\n' --- 'apiVersion: v1' 'kind: Service' "metadata: {name: $1, namespace: shop, annotations: {$3}}" \
		"spec: {type: LoadBalancer, externalTrafficPolicy: Local, loadBalancerIP: $2, ports: [{port: 80}]}" --- \
		'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' 'addressType: IPv4' 'ports: [{port: 80}]' \
		"metadata: {name: $1-1, namespace: shop, labels: {kubernetes.io/service-name: $1}}" 'endpoints:'
	for node in "${@:4}"; do
		echo "- {addresses: [$pod$i], nodeName: $node}"
		i=$((i + 1))
	done
}
# routers_edge_peer MORE: node-c's, by its interface.
routers_edge_peer() {
	printf '%s\n' 'apiVersion: metallb.io/v1beta2' 'kind: BGPPeer' "metadata: {name: router-rack-c, namespace: metallb-system, annotations: {$1}}" \
		"spec: {myASN: 64515, peerASN: 64512, interface: eth0, enableGracefulRestart: true, nodeSelectors: [{matchLabels: {rack: c}}]$2}" |
		routers_put edge
}
routers_config() {
	local node
	mkdir -p "$LAB_DIR/config"
	router_block README yaml | routers_put page || return 1
	for node in "${LAB_NODES[@]}"; do
		printf '%s\n' --- 'apiVersion: v1' 'kind: Node' "metadata: {name: $node, labels: {rack: ${node#node-}}}" --- \
			'apiVersion: lodestone.io/v1alpha1' 'kind: LodestoneConfig' "metadata: {name: $node}" 'spec: {dataplane: {mode: "off"}}'
	done | routers_put nodes
	{
		routers_service web "$RO_VIP" '' node-a node-b node-b
		routers_service urgent "$RO_URGENT" 'lodestone.io/communities: "64512:200"' node-a node-b node-b
		routers_service edge "$RO_EDGE" '' node-c
	} | routers_put services
}

# --- questions ----------------------------------------------------------------------------------------

routers_are_up() {
	local node
	for node in "${LAB_NODES[@]}"; do
		lab_ctl "$node" show peers -o json | jq_says 'length == 1 and .[0].state == "Established"' || return 1
	done
}
routers_have_bfd() {
	local node
	for node in node-a node-b; do
		lab_ctl "$node" show bfd -o json | jq_says 'length == 1 and .[0].state == "Up"' || return 1
	done
}
routers_fib() { lab_in router ip route show "$1"; }
# GATEWAY=WEIGHT of each next hop.
routers_weights() {
	lab_in router ip -j route show "$1" | jq -r '[.[0].nexthops[]? | "\(.gateway)=\(.weight)"] | sort | join(" ")'
}
routers_edge_leads() { routers_fib "$RO_EDGE" | grep -q "via inet6 fe80:.* dev eth1"; }
routers_say() {
	local node
	for node in "${LAB_NODES[@]}"; do
		lab_ctl "$node" show peers
		lab_ctl "$node" show problems
		lab_ctl "$node" show bfd
		tail -n 5 "$LAB_DIR/$node.log"
	done
	lab_in router ip route
}

routers_frr() { lab_frr "$LAB_DIR/frr" -c "$1"; }
# routers_frr_pref PREFIX N: all paths have that local preference, and two are used.
routers_frr_pref() {
	routers_frr "show bgp ipv4 unicast $1/32 json" |
		jq_says "[.paths[] | select(.multipath)] | length == 2 and all(.locPrf == $2)"
}
routers_bird() { birdc -s "$LAB_DIR/bird.ctl" "$@"; }
routers_bird_pref() {
	[ "$(routers_bird show route for "$1/32" all | grep -c "BGP.local_pref: $2$")" = 2 ]
}

# --- steps ----------------------------------------------------------------------------------------------

step_routers_frr() {
	local node
	routers_network
	routers_config || { say "no block of objects"; return 1; }
	routers_edge_peer 'lodestone.io/ttl-security: "1"' ', password: your-secure-password'
	lab_frr_start router "$LAB_DIR/frr" zebra staticd bgpd "bfdd --bfdctl $LAB_DIR/frr/bfdd.sock" || return 1
	router_block frr frr | lab_frr_load "$LAB_DIR/frr" && router_block frr "frr unnumbered" | lab_frr_load "$LAB_DIR/frr" || {
		say "FRR refuses the page: $(cat "$LAB_DIR/frr/load.log")"
		return 1
	}
	for node in "${LAB_NODES[@]}"; do lab_agent_up "$node"; done
	lab_until 40 routers_are_up && lab_until 15 routers_have_bfd && lab_until 10 routers_edge_leads &&
		lab_until 10 routers_frr_pref "$RO_VIP" 200 && lab_until 5 routers_frr_pref "$RO_URGENT" 300 || { routers_say; return 1; }
	routers_frr "show bgp ipv4 unicast $RO_VIP/32" | sed 's/^/  /'
	lab_until 5 routers_weigh || { say "weights: $(routers_weights "$RO_VIP")"; return 1; }
	routers_frr "show bgp ipv4 unicast large-community-list lodestone-us json" | jq_says '.routes | has("192.168.100.1/32")' ||
		{ say "the large community's list has no route"; return 1; }
	routers_frr "show bgp neighbors 192.168.1.10 json" >"$LAB_DIR/neighbour" || return 1
	jq_says '.["192.168.1.10"] | .externalBgpNbrMaxHopsAway == 1 and (.gracefulRestartInfo.localGrMode | startswith("Helper")) and
		.remoteAs == 64513' <"$LAB_DIR/neighbour" || { say "no TTL security, or no helper"; cat "$LAB_DIR/neighbour"; return 1; }
	STEP_NOTE="kernel weights $(routers_weights "$RO_VIP"); $(routers_fib "$RO_EDGE")"
}
# Twice as much to the node of two pods: FRR scales to a hundred.
routers_weigh() {
	local a b
	a=$(routers_weights "$RO_VIP" | tr ' ' '\n' | sed -n 's/^192.168.1.10=//p')
	b=$(routers_weights "$RO_VIP" | tr ' ' '\n' | sed -n 's/^192.168.1.11=//p')
	[ -n "$a" ] && [ "$((b - 2 * a))" -ge -1 ] && [ "$((b - 2 * a))" -le 1 ]
}

step_routers_bird() {
	local pid
	for pid in "$LAB_DIR"/frr/*.pid; do
		kill -TERM "$(cat "$pid")"
		lab_until 5 lab_gone "$(cat "$pid")" || return 1
	done
	lab_in router ip route flush proto bgp
	lab_in router ip route flush proto static
	routers_edge_peer '' ''
	{ router_block bird bird && router_block bird "bird unnumbered"; } >"$LAB_DIR/bird.conf" || return 1
	lab_spawn "$LAB_DIR/bird.out" router bird -f -c "$LAB_DIR/bird.conf" -s "$LAB_DIR/bird.ctl" -P "$LAB_DIR/bird.pid"
	lab_on_time "$LAB_DIR/bird.pid"
	lab_until 60 routers_are_up && lab_until 15 routers_have_bfd && lab_until 10 routers_edge_leads &&
		lab_until 10 routers_bird_pref "$RO_VIP" 200 && lab_until 5 routers_bird_pref "$RO_URGENT" 300 || {
		routers_bird show protocols all
		routers_bird show route all
		routers_say
		return 1
	}
	lab_until 10 routers_are_two || { routers_say; return 1; }
	routers_bird show bfd sessions | sed 's/^/  /'
	STEP_NOTE="kernel weights $(routers_weights "$RO_VIP"); $(routers_fib "$RO_EDGE")"
}
routers_are_two() { [ "$(routers_weights "$RO_VIP")" = "192.168.1.10=1 192.168.1.11=1" ]; }

step_routers_kept() {
	local watcher
	lab_begin "$LAB_DIR/routes" router ip -o monitor route
	watcher=$LAB_PID
	lab_until 5 routers_watched || { say "the kernel's routes are not seen to go"; return 1; }
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	lab_agent_up node-a
	lab_until 30 routers_are_up && lab_until 15 routers_have_bfd || { routers_say; return 1; }
	sleep 1 # End-of-RIB, and what the helper does then
	lab_kill TERM "$watcher"
	! grep "Deleted.*$RO_VIP" "$LAB_DIR/routes" || { say "its kernel lost the route"; return 1; }
	routers_weights "$RO_VIP" | grep -q '192.168.1.10=.* 192.168.1.11='
}
routers_watched() {
	lab_in router ip route add 198.51.100.9/32 dev lo && lab_in router ip route del 198.51.100.9/32 dev lo
	grep -q "Deleted.*198.51.100.9" "$LAB_DIR/routes"
}

routers_discards() { lab_in router ip route show table all | grep -q "^blackhole $RO_HOLE "; }
routers_frr_discards() {
	routers_frr "show bgp ipv4 unicast $RO_HOLE/32 json" | jq_says '.paths[0] | .locPrf == 500 and (.community.string | test("blackhole"))'
}
routers_bird_discards() { routers_bird show route for "$RO_HOLE/32" all | grep -q 'BGP.local_pref: 500'; }
routers_passes() { ! routers_discards; }
step_routers_frr_hole() { routers_hole frr; }
step_routers_bird_hole() { routers_hole bird; }
routers_hole() { # WHO
	lab_ctl node-a blackhole add "$RO_HOLE" >"$LAB_DIR/added" 2>&1 || { say "$(cat "$LAB_DIR/added")"; return 1; }
	lab_until 10 routers_discards || { lab_in router ip route show table all; lab_ctl node-a show blackholes; return 1; }
	lab_until 5 "routers_$1_discards" || return 1
	lab_ctl node-a blackhole remove "$RO_HOLE" >"$LAB_DIR/removed" && lab_until 10 routers_passes
}
