# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What the agent adds to the kernel's routes and rules: blackholes of aggregates. That the loop between
# router and node ends, that the host, pods and the node's own addresses are reached as before, that what
# somebody else takes away comes back, what is in the way, and that --cleanup leaves everything as it
# was. On a network of its own.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

AGGREGATE=192.168.100.0/24
UNUSED=192.168.100.77 # under it, and no Service's

netlink_all() {
	run_step loop "An aggregate without blackholes: what nobody has goes round until its TTL ends" step_loop &&
		run_step loop-ends "With them it ends at the node, after one hop" step_loop_ends &&
		run_step led "A Service with policy Local and a pod on one node: led there, past the aggregate" step_led &&
		run_step host-and-pods "Host and pods reach the VIP by kube-proxy's rules as before" step_host_and_pods &&
		run_step strict "rp_filter is strict and the way back another one: told, and mended by the remedy" step_strict &&
		run_step own-address "An aggregate over the node's own address: told, and the address answers" step_own_address &&
		run_step more-specific "What the node routes more precisely under it goes on" step_more_specific &&
		run_step taken-away "Somebody takes routes and rules away: put back and counted" step_taken_away &&
		run_step zebra "FRR's zebra starts beside the agent, whose routes it takes for its own" step_zebra &&
		run_step in-the-way "Somebody else in our table: told with both sides, and nothing of his touched" step_in_the_way &&
		run_step adopted "Killed and started again: adopted, nothing placed anew" step_adopted &&
		run_step cleanup "--cleanup leaves routes, rules and links byte for byte" step_cleanup
}

# advertise_as LENGTH [BLACKHOLES]
advertise_as() {
	{
		printf '%s\n' 'apiVersion: metallb.io/v1beta1' 'kind: BGPAdvertisement' \
			'metadata: {name: aggregate, namespace: metallb-system}' "spec: {aggregationLength: $1}" '---' \
			'apiVersion: lodestone.io/v1alpha1' 'kind: LodestoneConfig' 'metadata: {name: default}' \
			"spec: {netlink: {blackholes: ${2:-aggregates}}}"
	} >"$LAB_DIR/advertisement.new"
	mv "$LAB_DIR/advertisement.new" "$LAB_DIR/config/advertisement.yaml"
}

# jq_says FILTER: of what comes in; jq -e takes nothing at all for a yes.
jq_says() { [ "$(jq "$1")" = true ]; }
router_has() { lab_in router ip -j route show "$1" | jq_says 'length > 0'; }
router_has_both() { [ "$(lab_in router ip route show "$1" | grep -c "via 192.168.1.1[01]")" = 2 ]; }
placed_on() { lab_ctl "$1" show blackholes "$2" -o json | jq_says '.[0].placed'; }
gone_from() { lab_ctl "$1" show blackholes "$2" -o json | jq_says 'length == 0'; }
placed() { placed_on node-a "$1" && placed_on node-b "$1"; }
none_placed() { [ "$(for n in "${LAB_NODES[@]}"; do lab_ctl "$n" show blackholes -o json; done | jq -s 'add | length')" = 0 ]; }
ours() { lab_in node-a bash -c '(ip -N rule; ip -N -6 rule) | grep "proto 196"; ip -N route show table 19624'; }

# frames_of_a_packet ADDRESS: so many times the router sends one packet towards the nodes.
frames_sent() {
	lab_in router ip -j -s link show | jq '[.[] | select(.ifname | startswith("to-node")) | .stats64.tx.packets] | add'
}
frames_of_a_packet() {
	local before after
	before=$(frames_sent)
	lab_in client ping -q -c 5 -i 0.05 -W 1 "$1" >"$LAB_DIR/ping" 2>&1
	after=$(frames_sent)
	echo $(((after - before) / 5))
}

step_loop() {
	advertise_as 24 off
	lab_until 5 router_has_both "$AGGREGATE" || return 1
	none_placed || return 1
	local n
	n=$(frames_of_a_packet "$UNUSED")
	STEP_NOTE="one packet to $UNUSED passes the router $n times"
	[ "$n" -gt 20 ]
}

step_loop_ends() {
	advertise_as 24
	lab_until 5 placed "$AGGREGATE" || return 1
	ours | sed 's/^/  /'
	local n
	n=$(frames_of_a_packet "$UNUSED")
	STEP_NOTE="once"
	[ "$n" -le 2 ] || { say "it passes $n times"; return 1; }
	lab_in client curl -s -m 3 -o "$LAB_DIR/answer" "http://$VIP/" || { say "the VIP does not answer"; return 1; }
	router_has_both "$AGGREGATE"
}

# Both nodes announce the aggregate, and one of them has the only pod of another Service.
LONE=192.168.100.50
is_led() { [ "$(lab_in router ip route show "$LONE" | grep -o "via [0-9.]*")" = "via 192.168.1.10" ]; }
write_lone() {
	printf '%s\n' 'apiVersion: v1' 'kind: Service' "metadata: {name: lone, namespace: default, annotations: {metallb.io/loadBalancerIPs: $LONE}}" \
		'spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: "", port: 80, protocol: TCP}]}' '---' \
		'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
		'metadata: {name: lone-1, namespace: default, labels: {kubernetes.io/service-name: lone}}' \
		'addressType: IPv4' 'ports: [{name: "", port: 80, protocol: TCP}]' 'endpoints:' \
		"- {addresses: [${LAB_POD_ADDR[a1]}], nodeName: node-a, conditions: {ready: true}}" >"$LAB_DIR/lone.new"
	mv "$LAB_DIR/lone.new" "$LAB_DIR/config/lone.yaml"
	lab_until 5 is_led || { lab_in router ip route show | grep 192.168.100; return 1; }
}
lone_is_gone() {
	rm "$LAB_DIR/config/lone.yaml"
	lab_until 5 gone_from_router "$LONE"
}
step_led() {
	local out=$LAB_DIR/lone.json
	write_lone && router_has_both "$AGGREGATE" || return 1
	lab_in router ip route show "$LONE" | sed 's/^/  /'
	lab_ctl node-a explain service default/lone | sed -n '/ADVERTISEMENT/,$p' | sed 's/^/  /'
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$LONE/" 100 >"$out"
	lone_is_gone || return 1
	STEP_NOTE="$(jq -r '"\(.requests) requests, \(.failed | length) failed"' "$out")"
	jq -e '.requests == 100 and (.failed | length) == 0' "$out" >/dev/null
}
gone_from_router() { ! lab_in router ip route show "$1" | grep -q .; }

# answers_from NAMESPACE: the VIP, to that one.
answers_from() { lab_in "$1" curl -s -m 3 -o "$LAB_DIR/answer" "http://$VIP/" || { say "the VIP does not answer $1"; return 1; }; }

# As kube-proxy makes them: what this node itself sends, and what its pods send.
step_host_and_pods() {
	lab_in node-a nft -f - <<-NFT || return 1
		table ip kube-proxy {
			chain output { type nat hook output priority -100; ip daddr $VIP tcp dport 80 dnat to ${LAB_POD_ADDR[a1]}:80; }
			chain prerouting { type nat hook prerouting priority dstnat; iifname "pod-*" ip daddr $VIP tcp dport 80 dnat to ${LAB_POD_ADDR[a1]}:80; }
		}
	NFT
	answers_from node-a && answers_from a2 || return 1
	STEP_NOTE="DNAT in OUTPUT and PREROUTING"
	# The same with a blackhole in the main table, to see that this asks for something.
	lab_in node-a ip route add blackhole "$AGGREGATE"
	! lab_in node-a curl -s -m 1 -o "$LAB_DIR/answer" "http://$VIP/" || { say "a blackhole in main changed nothing"; return 1; }
	lab_in node-a ip route del blackhole "$AGGREGATE"
	lab_in node-a nft delete table ip kube-proxy
}

# The node's way back to clients is another link to the router; on the one that they come by, rp_filter is strict.
lone_answers() { lab_in client curl -s -m "${1:-3}" -o "$LAB_DIR/answer" "http://$LONE/"; }
strict_says() { lab_ctl node-a show problems -o json | jq -r ".[] | select(.reason == \"StrictReversePath\" and .name == \"eth0\").$1"; }
strict_is_told() { [ -n "$(strict_says message)" ]; }
strict_is_over() { ! strict_is_told; }
strict_is_mended() {
	{ write_lone && lab_until 5 lone_answers; } || { say "no answer by another way back"; return 1; }
	strict_is_over || { say "told before"; return 1; }
	lab_in node-a sysctl -qw net.ipv4.conf.eth0.rp_filter=1
	lab_until 5 strict_is_told || { say "not told"; return 1; }
	! lone_answers 1 || { say "answered in spite of it"; return 1; }
	STEP_NOTE=$(strict_says remedy)
	lab_in node-a bash -c "$STEP_NOTE" >"$LAB_DIR/remedy" || return 1
	{ lab_until 5 strict_is_over && lab_until 5 lone_answers; } || { say "not mended by: $STEP_NOTE"; return 1; }
	lone_is_gone
}
step_strict() {
	local code=0
	lab_veth node-a alt router to-alt
	lab_in router ip addr add 192.168.7.1/24 dev to-alt
	lab_in router sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.to-alt.rp_filter=0
	lab_in node-a ip addr add 192.168.7.10/24 dev alt
	lab_in node-a ip route replace default via 192.168.7.1
	strict_is_mended || code=1
	lab_in node-a ip route replace default via 192.168.1.1
	lab_in node-a ip link del alt
	return "$code"
}

# write_wide NAME PREFIX VIP LENGTH: a pool as wide as its one route, for a Service of that address.
write_wide() {
	printf '%s\n' 'apiVersion: metallb.io/v1beta1' 'kind: IPAddressPool' "metadata: {name: $1, namespace: metallb-system}" \
		"spec: {addresses: [$2], autoAssign: false}" '---' \
		'apiVersion: metallb.io/v1beta1' 'kind: BGPAdvertisement' "metadata: {name: $1, namespace: metallb-system}" \
		"spec: {ipAddressPools: [$1], aggregationLength: $4}" '---' \
		'apiVersion: v1' 'kind: Service' "metadata: {name: $1, namespace: default, annotations: {metallb.io/loadBalancerIPs: $3}}" \
		'spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: "", port: 80, protocol: TCP}]}' '---' \
		'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
		"metadata: {name: $1-1, namespace: default, labels: {kubernetes.io/service-name: $1}}" \
		'addressType: IPv4' 'ports: [{name: "", port: 80, protocol: TCP}]' 'endpoints:' \
		"- {addresses: [${LAB_POD_ADDR[a1]}], nodeName: node-a, conditions: {ready: true}}" >"$LAB_DIR/wide.new"
	mv "$LAB_DIR/wide.new" "$LAB_DIR/config/$1.yaml"
}

covers_is_told() { lab_ctl node-a show problems -o json | jq_says 'any(.reason == "CoversNodeAddress")'; }
answers_ping() { lab_in "$1" ping -q -c 1 -W 1 "$2" >"$LAB_DIR/ping" 2>&1 || { say "$2 does not answer $1"; return 1; }; }
step_own_address() {
	write_wide lan 192.168.1.0/24 192.168.1.200 24
	lab_until 5 placed_on node-a 192.168.1.0/24 && lab_until 3 covers_is_told || return 1
	answers_ping client 192.168.1.10 && answers_ping node-b 192.168.1.10 || return 1
	answers_ping node-a 192.168.1.1 && peer_is_established node-a || return 1
	rm "$LAB_DIR/config/lan.yaml"
	lab_until 5 gone_from node-a 192.168.1.0/24 || return 1
	STEP_NOTE="192.168.1.10 answers client and node-b, and the session goes on"
}

# Behind node-a lies a network of its own, under the aggregate, that the router reaches by it.
step_more_specific() {
	local n code=0
	write_wide wide 10.77.0.0/16 10.77.0.1 16
	lab_until 5 placed_on node-a 10.77.0.0/16 && lab_until 5 router_has 10.77.0.0/16 || return 1
	lab_in node-a ip addr add 10.77.50.1/24 dev pod-a1
	lab_in a1 ip addr add 10.77.50.2/24 dev eth0
	lab_in node-a ip route add 10.0.0.0/8 via 192.168.1.1 # as many have: it would lead back
	answers_ping client 10.77.50.2 || code=1
	n=$(frames_of_a_packet 10.77.60.6)
	[ "$n" -le 2 ] || { say "10.77.60.6 passes $n times"; code=1; }
	lab_in node-a ip route del 10.0.0.0/8
	lab_in a1 ip addr del 10.77.50.2/24 dev eth0
	lab_in node-a ip addr del 10.77.50.1/24 dev pod-a1
	rm "$LAB_DIR/config/wide.yaml"
	lab_until 5 gone_from node-a 10.77.0.0/16 || code=1
	STEP_NOTE="a subnet is reached; a summary route to the router does not loop"
	return "$code"
}

ours_are() { [ "$(ours)" = "$1" ]; }
step_taken_away() {
	local was
	was=$(ours)
	lab_in node-a bash -c "ip rule del pref 19617; ip route flush table 19624"
	lab_until 3 ours_are "$was" || { say "now: $(ours)"; return 1; }
	grep -q 'somebody took routes or rules away; put back' "$LAB_DIR/node-a.log" || { say "nothing in the log"; return 1; }
	lab_in node-a ip route show table all | grep -q "dev lo.*$AGGREGATE" && return 1
	STEP_NOTE="within 3 s, and a line in the log"
}

# It calls 196 "static" and sweeps what it takes for routes of its own former life.
step_zebra() {
	local was dir=$LAB_DIR/zebra pid
	was=$(ours)
	mkdir -p "$dir" && chown frr:frr "$dir"
	lab_in node-a /usr/lib/frr/zebra -d -z "$dir/zserv.api" --vty_socket "$dir" -i "$dir/zebra.pid" -P 0 -f /dev/null
	lab_until 5 test -s "$dir/zebra.pid" || return 1
	pid=$(cat "$dir/zebra.pid")
	lab_note "$pid"
	sleep 2
	lab_until 3 ours_are "$was" || { say "now: $(ours)"; kill "$pid"; return 1; }
	kill "$pid"
	sleep 0.5
	lab_until 3 ours_are "$was" || { say "after zebra: $(ours)"; return 1; }
	STEP_NOTE="put back $(grep -c 'took routes or rules away' "$LAB_DIR/node-a.log") times so far"
}

in_the_way() {
	lab_ctl node-a show problems -o json |
		jq_says 'any(.reason == "RouteTableTaken" and (.message | test("198.51.100.0/24 .* table 19624 .*length 24")))'
}
step_in_the_way() {
	local was
	was=$(ours)
	lab_in node-a ip route add 198.51.100.0/24 via 192.168.1.1 table 19624
	lab_until 3 in_the_way || return 1
	ours | grep -q '19624 proto 196\|192.168.100' && { say "still placed: $(ours)"; return 1; }
	lab_in node-a ip route show table 19624 | grep -q '^198.51.100.0/24 via 192.168.1.1' || { say "his route has gone"; return 1; }
	router_has "$AGGREGATE" || { say "not announced any more"; return 1; }
	lab_in node-a ip route del 198.51.100.0/24 table 19624
	lab_until 3 ours_are "$was"
}

step_adopted() {
	local was
	was=$(ours)
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	: >"$LAB_DIR/monitor"
	lab_spawn "$LAB_DIR/monitor" node-a ip -4 monitor route rule
	local monitor=$LAB_PID
	sleep 0.3
	ours_are "$was" || { say "gone with the agent: $(ours)"; return 1; }
	lab_agent_up node-a
	lab_until 10 peer_is_established node-a || return 1
	lab_until 5 placed_on node-a "$AGGREGATE" || return 1
	sleep 0.5
	lab_kill TERM "$monitor"
	grep '196' "$LAB_DIR/monitor" && { say "it was placed anew"; return 1; }
	ours_are "$was"
}

everything() {
	lab_in node-a bash -c 'ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; ip link' |
		sed 's/ state [A-Z]*//; s/prog\/xdp id [0-9]*//'
}
clean_up() { lab_in node-a "$LAB_AGENT" --cleanup --pin "$(lab_pin node-a)"; }
step_cleanup() {
	lab_kill INT "${LAB_AGENT_PID[node-a]}"
	clean_up || return 1
	[ -z "$(ours)" ] || { say "left: $(ours)"; return 1; }
	everything >"$LAB_DIR/before"
	lab_agent_up node-a
	lab_until 10 placed_on node-a "$AGGREGATE" || return 1
	[ "$(everything)" != "$(cat "$LAB_DIR/before")" ] || return 1
	lab_kill INT "${LAB_AGENT_PID[node-a]}"
	clean_up || return 1
	everything >"$LAB_DIR/after"
	cmp "$LAB_DIR/before" "$LAB_DIR/after" || { diff "$LAB_DIR/before" "$LAB_DIR/after"; return 1; }
}
