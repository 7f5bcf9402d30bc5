# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Forwarding nat: what is beyond the nodes and knows nothing of VIPs, and pods on another node without an agent. node-a sends
# them packets as its own, and has their answers.
#
#   client ── router (FRR) ── br0 ─┬─ node-a: a1
#                    │             ├─ node-b: b1, without an agent
#                    │             └─ s1
#                    └─ s2: behind the router       node-a ── side (a bridge, without XDP) ── s3
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

NA_VIP=192.0.2.80 NA_VIP6=2001:db8:100::80
NA_FLOWS_VIP=192.0.2.81 NA_FLOWS=200
NA_PODS_VIP=192.0.2.82
NA_SIDE_VIP=192.0.2.83 NA_SIDE_VIP6=2001:db8:100::83
declare -A NA_ADDR=([s1]=192.168.1.61 [s2]=10.50.0.2 [s3]=10.60.0.2)
declare -A NA_ADDR6=([s1]=2001:db8:1::61 [s2]=2001:db8:50::2 [s3]=2001:db8:60::2)

nat_all() {
	LAB_NODES=(node-a node-b)
	run_step nat-outside "Two servers outside, one behind the router: each gets its half, and sees node-a" step_nat_outside &&
		run_step nat-ipv6 "The same over IPv6, and datagrams over both" step_nat_ipv6 &&
		run_step nat-large "A large download and a large upload arrive whole, also where the way to the client is narrow" step_nat_large &&
		run_step nat-change "Under load one comes, one drains, the agent is killed and started: no flow is cut" step_nat_change &&
		run_step nat-pods "A Service that asks for it: a pod on another node sees node-a, one on node-a the client" step_nat_pods &&
		run_step nat-side "A server behind a device without XDP: tc sends and takes, over both families, and without an agent" step_nat_side &&
		run_step nat-few "More flows than ports: it is told which backend has none left" step_nat_few &&
		run_step nat-said "What is shown of it" step_nat_said
}

# na_server_up NAME GATEWAY GATEWAY6 [AT]: a host with a default route and an HTTP server; no VIP, no settings.
na_server_up() {
	local name=$1
	lab_namespace "$name"
	lab_veth "$name" eth0 "${4:-router}" "to-$name"
	lab_in "$name" ip addr add "${NA_ADDR[$name]}/24" dev eth0
	lab_in "$name" ip addr add "${NA_ADDR6[$name]}/64" dev eth0 nodad
	lab_in "$name" ip route add default via "$2"
	lab_in "$name" ip -6 route add default via "$3"
	lab_spawn "$LAB_DIR/$name.log" "$name" "$LAB_ROOT/build/tests/pod" "$name" 8080
	lab_spawn "$LAB_DIR/flows-$name.log" "$name" "$LAB_ROOT/build/tests/flows" serve 7
	lab_until 10 na_listens "$name"
}
na_listens() { lab_in "$1" bash -c ": </dev/tcp/127.0.0.1/8080" && lab_in "$1" bash -c ": </dev/tcp/127.0.0.1/7"; }

na_put() {
	cat >"$LAB_DIR/config/.$1"
	mv "$LAB_DIR/config/.$1" "$LAB_DIR/config/$1.yaml"
}

na_objects() {
	{
		lab_objects "enableGracefulRestart: true" "192.0.2.0/24, \"2001:db8:100::/64\"" "lodestone.io/forwarding: nat"
		cat <<-YAML
			apiVersion: v1
			kind: Service
			metadata: {name: web, namespace: shop, annotations: {metallb.io/loadBalancerIPs: "$NA_VIP,$NA_VIP6"}}
			spec:
			  type: LoadBalancer
			  ipFamilyPolicy: RequireDualStack
			  ipFamilies: [IPv4, IPv6]
			  ports: [{name: http, port: 80, protocol: TCP}, {name: who, port: 53, protocol: UDP}]
			---
			apiVersion: v1
			kind: Service
			metadata: {name: flows, namespace: shop}
			spec: {type: LoadBalancer, loadBalancerIP: $NA_FLOWS_VIP, ports: [{port: 7}]}
			---
			apiVersion: v1
			kind: Service
			metadata: {name: pods, namespace: shop, annotations: {lodestone.io/forwarding: nat}}
			spec: {type: LoadBalancer, loadBalancerIP: $NA_PODS_VIP, ports: [{port: 80}]}
			---
			apiVersion: v1
			kind: Service
			metadata: {name: side, namespace: shop, annotations: {metallb.io/loadBalancerIPs: "$NA_SIDE_VIP,$NA_SIDE_VIP6"}}
			spec:
			  type: LoadBalancer
			  ipFamilyPolicy: RequireDualStack
			  ipFamilies: [IPv4, IPv6]
			  ports: [{name: http, port: 80, protocol: TCP}, {name: who, port: 53, protocol: UDP}, {name: flows, port: 7, protocol: TCP}]
		YAML
	} | na_put objects
}

# na_slice SERVICE FAMILY PORTS ENDPOINT...: an endpoint is an address, a dash behind it where it drains, and @NODE where it is on one.
na_slice() {
	local at ready node service=$1 family=$2 ports=$3
	shift 3
	{
		printf '%s\n' 'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
			"metadata: {name: $service-${family,,}, namespace: shop, labels: {kubernetes.io/service-name: $service}}" \
			"addressType: $family" "ports: [$ports]" 'endpoints:'
		for at in "$@"; do
			ready='ready: true' node=
			[[ $at != *@* ]] || node="nodeName: ${at#*@}, "
			at=${at%@*}
			[[ $at != *- ]] || ready='ready: false, serving: true, terminating: true'
			printf -- '- {addresses: ["%s"], %sconditions: {%s}}\n' "${at%-}" "$node" "$ready"
		done
	} | na_put "slices-$service-${family,,}"
}
NA_WEB='{name: http, port: 8080, protocol: TCP}, {name: who, port: 8080, protocol: UDP}'

na_reason() { lab_ctl node-a show services "$1" -o json | jq -r '.[0].reason'; }
na_is() { [ "$(na_reason "$1")" = "$2" ]; }
na_route() { lab_vtysh "show ip route $1/32 json" | jq -e --arg p "$1/32" '.[$p][0].nexthops | length == 1' >/dev/null; }
na_get() { lab_in client "$LAB_ROOT/build/tests/client" requests "http://$1/" "$2"; }
na_answers() { na_get "$1" 20 | jq -e '.failed == []' >/dev/null; }

# na_even ADDRESS COUNT SOURCE: of so many requests each of two gets its half, all from that source.
na_even() {
	local out=$LAB_DIR/even.json
	lab_until 20 na_answers "$1" || { lab_ctl node-a show backends web; lab_ctl node-a show problems; lab_ctl node-a status; return 1; }
	na_get "$1" "$2" >"$out"
	say "$(jq -c '[.pods, .clients]' "$out")"
	STEP_NOTE="$(jq -c '[.pods, .clients]' "$out")"
	# Four standard deviations of a binomial are 2 times the root.
	jq -e --argjson n "$2" --arg c "$3" '.failed == [] and (.pods | length == 2 and all(.[]; . > $n / 2 - 2 * ($n | sqrt))) and .clients == {($c): $n}' "$out" >/dev/null
}

step_nat_outside() {
	lab_up
	na_server_up s1 192.168.1.1 2001:db8:1::1 && na_server_up s2 10.50.0.1 2001:db8:50::1 || return 1
	lab_in router ip link set to-s1 master br0
	lab_in router ip addr add 10.50.0.1/24 dev to-s2
	lab_in router sysctl -qw net.ipv6.conf.all.forwarding=1
	lab_in router ip addr add 2001:db8:1::1/64 dev br0 nodad
	lab_in router ip addr add 2001:db8:9::1/64 dev to-client nodad
	lab_in router ip addr add 2001:db8:50::1/64 dev to-s2 nodad
	lab_in router ip -6 route add "$NA_VIP6/128" via 2001:db8:1::a
	lab_in client ip addr add 2001:db8:9::2/64 dev eth0 nodad
	lab_in client ip -6 route add default via 2001:db8:9::1
	lab_in node-a sysctl -qw net.ipv6.conf.all.forwarding=1
	lab_in node-a ip addr add 2001:db8:1::a/64 dev eth0 nodad
	lab_in node-a ip -6 route add default via 2001:db8:1::1
	na_objects
	na_slice web IPv4 "$NA_WEB" "${NA_ADDR[s1]}" "${NA_ADDR[s2]}"
	na_slice web IPv6 "$NA_WEB" "${NA_ADDR6[s1]}" "${NA_ADDR6[s2]}"
	na_slice flows IPv4 '{name: "", port: 7, protocol: TCP}' "${NA_ADDR[s1]}" "${NA_ADDR[s2]}"
	lab_frr_up <<-FRR
		router bgp 64512
		 no bgp ebgp-requires-policy
		 bgp router-id 192.168.1.1
		 neighbor 192.168.1.10 remote-as 64513
	FRR
	lab_agent_up node-a
	lab_until 20 na_route "$NA_VIP" || { lab_ctl node-a explain service shop/web; lab_ctl node-a show problems; return 1; }
	na_even "$NA_VIP" 400 "${LAB_NODE_ADDR[node-a]}"
}

step_nat_ipv6() {
	local family at
	na_even "[$NA_VIP6]" 400 2001:db8:1::a || return 1
	for at in "$NA_VIP" "$NA_VIP6"; do
		lab_in client "$LAB_ROOT/build/tests/client" datagrams "$at" 53 200 >"$LAB_DIR/who.json"
		say "$(jq -c '[.pods, .clients, .failed]' "$LAB_DIR/who.json")"
		jq -e '.failed == [] and (.pods | length == 2)' "$LAB_DIR/who.json" >/dev/null || return 1
	done
}

# na_upload ADDRESS SIZE: what is sent comes back.
na_upload() {
	lab_in client timeout 60 python3 - "$1" 7 "$2" <<-'PYTHON'
		import os, socket, sys, threading
		address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		s = socket.create_connection((address, port), timeout=20)
		data, back = os.urandom(size), bytearray()
		threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
		while len(back) < size and (part := s.recv(1 << 20)):
		    back += part
		print("same" if bytes(back) == data else "other", s.getsockopt(socket.IPPROTO_IP, 14))
	PYTHON
}

# What a server sends is too large for the client's link: the router tells the VIP so, and node-a the server.
step_nat_large() {
	local out=$LAB_DIR/upload.txt
	lab_in router ip link set to-client mtu 1400
	lab_in client curl -sS --max-time 60 -o "$LAB_DIR/big" "http://$NA_VIP/big?bytes=20000000" &&
		tail -n 1 "$LAB_DIR/big" | grep -qx 'done' &&
		lab_in client curl -sS --max-time 60 -o "$LAB_DIR/big" "http://[$NA_VIP6]/big?bytes=20000000" &&
		tail -n 1 "$LAB_DIR/big" | grep -qx 'done' || { lab_ctl node-a status; return 1; }
	lab_in router ip link set to-client mtu 1500
	na_upload "$NA_FLOWS_VIP" 3000000 >"$out" || { cat "$out"; return 1; }
	STEP_NOTE="2 x 20 MB through a link of 1,400 octets; 3 MB came back: $(cat "$out")"
	grep -q same "$out"
}

step_nat_change() {
	local out=$LAB_DIR/change.json dir=$LAB_DIR/change client
	mkdir -p "$dir"
	na_slice flows IPv4 '{name: "", port: 7, protocol: TCP}' "${NA_ADDR[s1]}"
	lab_until 20 na_is flows announced || return 1
	lab_begin "$out" client "$LAB_ROOT/build/tests/flows" keep "$NA_FLOWS_VIP" 7 "$NA_FLOWS" 0 "$dir"
	client=$LAB_PID
	lab_until 20 test -e "$dir/ready" || { touch "$dir/stop"; cat "$out.err"; return 1; }
	na_slice flows IPv4 '{name: "", port: 7, protocol: TCP}' "${NA_ADDR[s1]}" "${NA_ADDR[s2]}" # one comes
	sleep 2
	na_slice flows IPv4 '{name: "", port: 7, protocol: TCP}' "${NA_ADDR[s1]}-" "${NA_ADDR[s2]}" # the other drains
	sleep 2
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	sleep 2
	lab_agent_up node-a
	lab_until 20 na_is flows announced || return 1
	na_slice flows IPv4 '{name: "", port: 7, protocol: TCP}' "${NA_ADDR[s2]}" # and is gone from its slice
	sleep 3
	touch "$dir/stop"
	wait "$client"
	STEP_NOTE="$(jq -r '"\(.exchanges) exchanges of \(.flows) flows, \(.failed | length) cut"' "$out")"
	jq -e '.failed == [] and .flows == '"$NA_FLOWS" "$out" >/dev/null
}

step_nat_pods() {
	local out=$LAB_DIR/pods.json
	lab_in node-a ip route add "${LAB_POD_ADDR[b1]}/32" via "${LAB_NODE_ADDR[node-b]}"
	na_slice pods IPv4 '{name: "", port: 80, protocol: TCP}' "${LAB_POD_ADDR[a1]}@node-a" "${LAB_POD_ADDR[b1]}@node-b"
	lab_until 20 na_route "$NA_PODS_VIP" || { lab_ctl node-a explain service shop/pods; return 1; }
	lab_until 20 na_answers "$NA_PODS_VIP" || { lab_ctl node-a show backends pods; lab_ctl node-a status; return 1; }
	na_get "$NA_PODS_VIP" 400 >"$out"
	STEP_NOTE="$(jq -c '[.pods, .clients]' "$out")"
	say "$STEP_NOTE"
	jq -e --arg n "${LAB_NODE_ADDR[node-a]}" '.failed == [] and (.pods | length == 2 and all(.[]; . > 160)) and
		.clients == {"10.9.0.2": .pods.a1, ($n): .pods.b1}' "$out" >/dev/null
}

na_side_is() { lab_ctl node-a status -o json | jq -e --arg d "$1" --argjson is "$2" 'any(.dataplane.devices[]; .name == $d and .nat == $is)' >/dev/null; }

# Answers come in by the bridge, where the kernel would reset them; and what is on its way to the server has an address of the node
# as its source, which the kernel would take from nobody.
step_nat_side() {
	local out=$LAB_DIR/side.json dir=$LAB_DIR/side client at ports='{name: flows, port: 7, protocol: TCP}'
	lab_in node-a ip link add side type bridge
	lab_in node-a ip link set side up
	lab_in node-a ip addr add 10.60.0.1/24 dev side
	lab_in node-a ip addr add 2001:db8:60::1/64 dev side nodad
	na_server_up s3 10.60.0.1 2001:db8:60::1 node-a || return 1
	lab_in node-a ip link set to-s3 master side
	na_slice side IPv4 "$NA_WEB, $ports" "${NA_ADDR[s3]}"
	na_slice side IPv6 "$NA_WEB, $ports" "${NA_ADDR6[s3]}"
	lab_in router ip -6 route add "$NA_SIDE_VIP6/128" via 2001:db8:1::a
	lab_until 20 na_side_is side true && lab_until 20 na_side_is eth0 true &&
		lab_until 20 na_answers "$NA_SIDE_VIP" && lab_until 20 na_answers "[$NA_SIDE_VIP6]" ||
		{ lab_ctl node-a status; lab_ctl node-a show problems; return 1; }
	na_get "$NA_SIDE_VIP" 100 | jq -e '.failed == [] and .clients == {"10.60.0.1": 100}' >/dev/null || return 1
	for at in "$NA_SIDE_VIP" "$NA_SIDE_VIP6"; do
		lab_in client "$LAB_ROOT/build/tests/client" datagrams "$at" 53 100 >"$out"
		jq -e '.failed == []' "$out" >/dev/null || { cat "$out"; return 1; }
	done
	lab_in client curl -sS --max-time 60 -o "$LAB_DIR/big" "http://$NA_SIDE_VIP/big?bytes=20000000" &&
		tail -n 1 "$LAB_DIR/big" | grep -qx 'done' || return 1
	na_upload "$NA_SIDE_VIP" 3000000 | grep same || return 1
	mkdir -p "$dir"
	lab_begin "$out" client "$LAB_ROOT/build/tests/flows" keep "$NA_SIDE_VIP" 7 50 0 "$dir"
	client=$LAB_PID
	lab_until 20 test -e "$dir/ready" || { touch "$dir/stop"; cat "$out.err"; return 1; }
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	sleep 2
	lab_agent_up node-a
	lab_until 20 na_is side announced || return 1
	sleep 3
	touch "$dir/stop"
	wait "$client"
	STEP_NOTE="20 MB down, 3 MB up and down, $(jq -r '"\(.exchanges) exchanges of \(.flows) flows over kill -9, \(.failed | length) cut"' "$out")"
	jq -e '.failed == [] and .flows == 50' "$out" >/dev/null || return 1
	na_slice side IPv4 "$NA_WEB, $ports"
	na_slice side IPv6 "$NA_WEB, $ports"
}

# With sixteen thousand ports it takes as many connections; so the range is made one of two, which the agent makes whole again with
# its next plan.
step_nat_few() {
	lab_until 60 na_is_told_of_few || { lab_ctl node-a status; return 1; }
	STEP_NOTE=$(lab_ctl node-a show problems | grep 'no source port')
	say "$STEP_NOTE"
}
na_make_few() { # the fourth word of struct lb_tunnel behind the addresses: the first port, and how many
	local map words
	map=$(lab_pin node-a)/maps/tunnel
	words=$(bpftool -j map dump pinned "$map" | jq -r '.[0].value | .[50] = "0x02" | .[51] = "0x00" | join(" ")')
	# shellcheck disable=SC2086 # one word an octet
	bpftool map update pinned "$map" key 0 0 0 0 value $words
}
# The agent may write the range anew before the flows begin, so some begin each time.
na_is_told_of_few() {
	na_make_few
	lab_in client timeout 3 bash -c "for _ in {1..16}; do (exec 3<>/dev/tcp/$NA_FLOWS_VIP/7; sleep 1) & done; wait" 2>/dev/null
	na_problem NatPortsUsedUp
}
na_problem() { lab_ctl node-a show problems -o json | jq -e --arg r "$1" 'any(.[]; .reason == $r)' >/dev/null; }

step_nat_said() {
	lab_ctl node-a show backends web -o json | jq -e 'all(.[]; .forwarding == "nat")' >/dev/null || return 1
	lab_ctl node-a show backends web -o wide >"$LAB_DIR/wide.txt"
	grep -q ' nat' "$LAB_DIR/wide.txt" || { cat "$LAB_DIR/wide.txt"; return 1; }
	lab_ctl node-a trace --from 10.9.0.2:40000 --to "$NA_VIP:80" >"$LAB_DIR/trace.txt" || { cat "$LAB_DIR/trace.txt"; return 1; }
	cat "$LAB_DIR/trace.txt"
	grep -q nat "$LAB_DIR/trace.txt" || return 1
	# Of a flow that there is: as what it comes to its server, and where that answers.
	lab_in client curl -sS --max-time 10 --local-port 40124 -o "$LAB_DIR/one" "http://$NA_VIP/" || return 1
	lab_ctl node-a trace --from 10.9.0.2:40124 --to "$NA_VIP:80" >"$LAB_DIR/trace.txt"
	grep 'from 192.168.1.10 port [0-9]* and back there: ' "$LAB_DIR/trace.txt" || { cat "$LAB_DIR/trace.txt"; return 1; }
}
