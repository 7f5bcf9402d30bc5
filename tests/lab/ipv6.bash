# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# IPv6 beside IPv4 on the lab's network: a Service with an address of each. No session carries IPv6 yet,
# so the router is given static routes; the rest is as with IPv4: TCP and UDP, errors both ways, a
# narrow link on the way to the client, rollouts, and an agent that is killed. Last of its group, since it
# adds to the network.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

VIP6=2001:db8:100::1
CLIENT6=2001:db8:9::2
declare -A NODE_ADDR6=([node-a]=2001:db8:1::a [node-b]=2001:db8:1::b)
declare -A POD_ADDR6=([a1]=fd00:10:1::11 [a2]=fd00:10:1::12 [b1]=fd00:10:2::11 [b2]=fd00:10:2::12)

ipv6_all() {
	run_step dual-stack "A Service of two families is programmed in both" step_dual_stack &&
		run_step ipv6-traffic "TCP, UDP and echo over IPv6, the client's own address" step_ipv6_traffic &&
		run_step ipv6-source-check "A flood over IPv6, and sources that prove themselves" step_source_check_v6 &&
		run_step ipv6-headers "IPv6 extension headers on the wire" step_ipv6_headers &&
		run_step hop-limit "TTL and hop limit that run out on the node" step_hop_limit &&
		run_step path-mtu "A narrow link on the way to the client" step_path_mtu &&
		run_step ipv6-rollout "Pods leave under IPv6 traffic, agents are killed" step_ipv6_rollout
}

# --- the network ------------------------------------------------------------------------------------

ipv6_node_up() {
	local node=$1 pod
	lab_in "$node" sysctl -qw net.ipv6.conf.all.forwarding=1
	lab_in "$node" ip addr add "${NODE_ADDR6[$node]}/64" dev eth0 nodad
	lab_in "$node" ip -6 route add default via 2001:db8:1::1
	for pod in ${LAB_PODS[$node]}; do
		lab_in "$node" ip addr add fd00:10::1/128 dev "pod-$pod" nodad
		lab_in "$node" ip -6 route add "${POD_ADDR6[$pod]}/128" dev "pod-$pod"
		lab_in "$pod" ip addr add "${POD_ADDR6[$pod]}/128" dev eth0 nodad
		lab_in "$pod" ip -6 route add fd00:10::1/128 dev eth0
		lab_in "$pod" ip -6 route add default via fd00:10::1
	done
}

ipv6_up() {
	local node
	lab_in router sysctl -qw net.ipv6.conf.all.forwarding=1
	lab_hash_flows router 6
	lab_in router ip addr add 2001:db8:1::1/64 dev br0 nodad
	lab_in router ip addr add 2001:db8:9::1/64 dev to-client nodad
	lab_in client ip addr add "$CLIENT6/64" dev eth0 nodad
	lab_in client ip -6 route add default via 2001:db8:9::1
	for node in "${LAB_NODES[@]}"; do ipv6_node_up "$node"; done
	ipv6_route "${NODE_ADDR6[node-a]}" "${NODE_ADDR6[node-b]}"
}

# ipv6_route NODE-ADDRESS...: the router's way to the VIP.
ipv6_route() {
	local hops=() a
	for a in "$@"; do hops+=(nexthop via "$a"); done
	lab_in router ip -6 route replace "$VIP6/128" "${hops[@]}"
}

# write_dual POD...: the Service and its slices, with these pods.
write_dual() {
	local pod node family file=$LAB_DIR/config/dual.yaml
	{
		cat <<-YAML
			apiVersion: metallb.io/v1beta1
			kind: IPAddressPool
			metadata: {name: dual, namespace: metallb-system}
			spec: {addresses: [192.168.101.0/24, "2001:db8:100::/64"], autoAssign: false}
			---
			apiVersion: metallb.io/v1beta1
			kind: BGPAdvertisement
			metadata: {name: dual, namespace: metallb-system}
			spec: {ipAddressPools: [dual]}
			---
			apiVersion: v1
			kind: Service
			metadata:
			  name: web-dual
			  namespace: default
			  annotations: {metallb.io/loadBalancerIPs: "192.168.101.1,$VIP6"}
			spec:
			  type: LoadBalancer
			  externalTrafficPolicy: Local
			  ipFamilyPolicy: RequireDualStack
			  ipFamilies: [IPv4, IPv6]
			  ports:
			    - {name: http, port: 80, targetPort: 80, protocol: TCP}
			    - {name: who, port: 53, targetPort: 80, protocol: UDP}
		YAML
		for family in IPv4 IPv6; do
			printf '%s\n' --- 'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
				"metadata: {name: web-dual-${family,,}, namespace: default," \
				'  labels: {kubernetes.io/service-name: web-dual}}' "addressType: $family" \
				'ports: [{name: http, port: 80, protocol: TCP}, {name: who, port: 80, protocol: UDP}]' \
				'endpoints:'
			for pod in "$@"; do
				case $pod in a*) node="node-a" ;; *) node="node-b" ;; esac
				if [ "$family" = IPv4 ]; then
					printf '%s\n' "- addresses: [${LAB_POD_ADDR[$pod]}]"
				else
					printf '%s\n' "- addresses: [\"${POD_ADDR6[$pod]}\"]"
				fi
				printf '%s\n' "  nodeName: $node" '  conditions: {ready: true}'
			done
		done
	} >"$file.new"
	mv "$file.new" "$file"
}

# --- questions --------------------------------------------------------------------------------------

# The row of the Service's address: `lodectl show services`.
dual_row() { lab_ctl "$1" show services -o json | jq --arg vip "$2" '.[] | select(.vip == $vip)'; }
dual_backends_are() {
	[ "$(dual_row "$1" "$VIP6" | jq -s 'map(.backends[] | select(.state == "ready")) | length')" = "$2" ]
}
dual_answers() { lab_in client curl -sfm 2 "http://$1/" >/dev/null; }
ask() { lab_in client "$LAB_ROOT/build/tests/client" "$@"; }

# all_answered FILE CLIENT [PODS]: nothing failed, so many pods (every one) were asked, and each saw the client itself.
all_answered() {
	jq -r '.failed[:5][] | "  failed: \(.[2])"' "$1"
	jq -e --arg client "$2" --argjson pods "${3:-4}" '(.failed | length) == 0 and (.pods | length) == $pods and
		(.clients | keys) == [$client]' "$1" >/dev/null
}

# --- steps ------------------------------------------------------------------------------------------

step_dual_stack() {
	local node p
	ipv6_up
	write_dual a1 a2 b1 b2
	for node in "${LAB_NODES[@]}"; do
		# Two ports with two pods each.
		lab_until 10 dual_backends_are "$node" 4 || { lab_ctl "$node" show services; return 1; }
		lab_until 10 problem "$node" web-dual FamilyNotCarried || { lab_ctl "$node" show problems; return 1; }
	done
	p=$(problem node-a web-dual FamilyNotCarried) && say_problem "$p"
	lab_until 10 dual_answers 192.168.101.1 || { say "IPv4 does not answer"; return 1; }
	lab_until 10 dual_answers "[$VIP6]" || { lab_ctl node-a show services; lab_ctl node-a status; return 1; }
	lab_ctl node-a show services | sed 's/^/  node-a  /'
	STEP_NOTE="$VIP6 is served, IPv4 announced as before"
	[ "$(dual_row node-a "$VIP6" | jq -sr '.[0].reason')" = familyNotCarried ] &&
		[ "$(dual_row node-a 192.168.101.1 | jq -s '.[0].announced')" = true ]
}

step_ipv6_traffic() {
	local out=$LAB_DIR/ipv6.json vip client
	for vip in "$VIP6" 192.168.101.1; do
		client=$CLIENT6
		[ "$vip" = "$VIP6" ] || client=10.9.0.2
		case $vip in *:*) ask requests "http://[$vip]/" 400 ;; *) ask requests "http://$vip/" 400 ;; esac >"$out"
		say "$vip, TCP: $(jq -c '[.pods, .clients]' "$out")"
		all_answered "$out" "$client" || return 1
		ask datagrams "$vip" 53 200 >"$out"
		say "$vip, UDP: $(jq -c '[.pods, .clients]' "$out")"
		all_answered "$out" "$client" || return 1
	done
	lab_in client ping -6 -c 5 -i 0.2 -W 1 "$VIP6" >"$LAB_DIR/ping6.txt" || { cat "$LAB_DIR/ping6.txt"; return 1; }
	say "ping: $(tail -n 1 "$LAB_DIR/ping6.txt")"
	STEP_NOTE="800 connections, 400 datagrams, none failed"
}

step_ipv6_headers() {
	local kind out=$LAB_DIR/headers.json
	for kind in hop-by-hop destination; do
		ask datagrams "$VIP6" 53 100 "$kind" >"$out"
		say "datagrams with $kind options: $(jq -c .pods "$out")"
		all_answered "$out" "$CLIENT6" || return 1
	done
	STEP_NOTE="200 datagrams with options, none failed"
}

# Two routers on the way are the router and the node, which complains of a packet that it was given for a
# pod; the client knows it again only with the VIP in the quote.
step_hop_limit() {
	local vip told
	for vip in 192.168.101.1 "$VIP6"; do
		told=$(ask unreachable "$vip" 53 2)
		say "to $vip with two hops: $told"
		[ "$told" = "No route to host" ] || return 1
		[ "$(ask unreachable "$vip" 53 3)" = answered ] || { say "three hops do not do"; return 1; }
	done
	STEP_NOTE="the client hears of both"
}

# big NAME URL BYTES: fetches so much; the words of curl go to a file.
big() { lab_in client curl -sfm 20 -o "$LAB_DIR/big.$1" "$2/big?bytes=$3"; }
pods_that_know() {
	local pod n=0
	for pod in a1 a2 b1 b2; do
		lab_in "$pod" ip route get "$1" | grep -q 'mtu 1300' && n=$((n + 1))
	done
	echo "$n"
}

step_path_mtu() {
	local i vip url client knew=0
	lab_in router ip link set to-client mtu 1300
	for vip in 192.168.101.1 "$VIP6"; do
		url="http://$vip" client=10.9.0.2
		[ "$vip" = "$VIP6" ] && url="http://[$vip]" client=$CLIENT6
		for i in 1 2 3 4 5 6 7 8; do
			big "$i" "$url" 300000 || { say "$vip: a download did not finish"; return 1; }
			[ "$(tail -n 1 "$LAB_DIR/big.$i")" = done ] || return 1
		done
		knew=$(pods_that_know "$client")
		say "$vip: eight downloads over a link of 1,300 octets; $knew pods know of it"
		[ "$knew" -gt 0 ] || return 1
	done
	lab_in router ip link set to-client mtu 1500
	STEP_NOTE="the pods learned the path's MTU in both families"
}

step_ipv6_rollout() {
	local VIP="[$VIP6]" node pod rest
	download_start v6 8
	lab_until 5 download_has_pod v6 || return 1
	pod=$(download_pod v6)
	traffic_start
	rest=$(printf '%s\n' a1 a2 b1 b2 | grep -vx "$pod")
	# shellcheck disable=SC2086
	write_dual $rest
	sleep 1
	for node in "${LAB_NODES[@]}"; do
		lab_kill KILL "${LAB_AGENT_PID[$node]}"
		lab_agent_up "$node"
	done
	say "pod $pod left, both agents were killed and came back; a download from $pod goes on"
	download_finished v6 || { say "the download: $(tail -n 1 "$LAB_DIR/download.v6")"; return 1; }
	traffic_stop
	say "the download finished; requests meanwhile: $TRAFFIC_REQUESTS, failed: $TRAFFIC_FAILED"
	STEP_NOTE="$TRAFFIC_REQUESTS requests, $TRAFFIC_FAILED failed, download finished"
	[ "$TRAFFIC_FAILED" -eq 0 ] && [ "$TRAFFIC_REQUESTS" -gt 200 ]
}
