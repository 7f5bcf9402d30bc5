# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Real servers beyond the nodes: endpoints that are on no node, which have the VIP and answer their clients directly. What
# node-a sends them is as lodestone.io/forwarding says; tests/lab/open.bpf.c opens it there, in place of Linux' modules.
#
#   client ── router (FRR) ── br0 ─┬─ node-a
#                    │             ├─ s1, s2: real servers on the nodes' link
#                    └─ s3: one behind the router
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

SV_VIP=192.0.2.80 SV_FLOWS_VIP=192.0.2.81 SV_FLOWS=80
declare -A SV_ADDR=([s1]=192.168.1.51 [s2]=192.168.1.52 [s3]=10.50.0.2)

servers_all() {
	LAB_NODES=(node-a)
	run_step servers-unsaid "Without a word on how to get there they are left out and told; a word that is none is refused" step_servers_unsaid &&
		run_step servers-l2 "By their MAC addresses: each gets its half, sees the client and answers it itself" step_servers_l2 &&
		run_step servers-off-link "One behind the router gets nothing that way, and it is told" step_servers_off_link &&
		run_step servers-ipip "In another IP header, over the router too" step_servers_ipip &&
		run_step servers-gue "In UDP, over the router too" step_servers_gue &&
		run_step servers-change "One comes, one drains, the agent is killed and started: no flow is cut" step_servers_change &&
		run_step servers-upload "What is too large for the headers before it is said to the client, which sends less" step_servers_upload
}

# sv_server_up NAME: what a real server needs, at the other end of a cable of the router's: the VIPs on an interface
# that answers no ARP for them, and a way back to clients.
sv_server_up() {
	local name=$1 gateway=192.168.1.1
	[ "$name" != s3 ] || gateway=10.50.0.1
	lab_namespace "$name"
	lab_veth "$name" eth0 router "to-$name"
	lab_in "$name" sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
	lab_in "$name" ip addr add "${SV_ADDR[$name]}/24" dev eth0
	lab_in "$name" ip addr add "$SV_VIP/32" dev lo
	lab_in "$name" ip addr add "$SV_FLOWS_VIP/32" dev lo
	lab_in "$name" ip route add default via "$gateway"
	lab_xdp open "$name" eth0 || return 1
	lab_spawn "$LAB_DIR/$name.log" "$name" "$LAB_ROOT/build/tests/pod" "$name" 80
	lab_spawn "$LAB_DIR/flows-$name.log" "$name" "$LAB_ROOT/build/tests/flows" serve 7
	lab_until 10 sv_listens "$name"
}
sv_listens() { lab_in "$1" bash -c ": </dev/tcp/127.0.0.1/80" && lab_in "$1" bash -c ": </dev/tcp/127.0.0.1/7"; }

sv_put() {
	cat >"$LAB_DIR/config/.$1"
	mv "$LAB_DIR/config/.$1" "$LAB_DIR/config/$1.yaml"
}

# sv_services FORWARDING: both Services, with that word or, if it is empty, none.
sv_services() {
	local name vip port
	{
		lab_objects "enableGracefulRestart: true"
		while read -r name vip port; do
			cat <<-YAML
				apiVersion: v1
				kind: Service
				metadata: {name: $name, namespace: shop${1:+, annotations: {lodestone.io/forwarding: $1\}}}
				spec: {type: LoadBalancer, loadBalancerIP: $vip, ports: [{port: $port}]}
				---
			YAML
		done <<<"web $SV_VIP 80
flows $SV_FLOWS_VIP 7"
	} | sv_put objects
}

# sv_slice SERVICE PORT SERVER...: those behind the Service; with a dash behind it one drains.
sv_slice() {
	local server ready service=$1 port=$2
	shift 2
	{
		printf '%s\n' 'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
			"metadata: {name: $service-1, namespace: shop, labels: {kubernetes.io/service-name: $service}}" \
			'addressType: IPv4' "ports: [{name: \"\", port: $port, protocol: TCP}]" 'endpoints:'
		for server in "$@"; do
			ready='ready: true'
			[[ $server != *- ]] || ready='ready: false, serving: true, terminating: true'
			printf -- '- {addresses: [%s], conditions: {%s}}\n' "${SV_ADDR[${server%-}]}" "$ready"
		done
	} | sv_put "slices-$service"
}

sv_reason() { lab_ctl node-a show services "$1" -o json | jq -r '.[0].reason'; }
sv_is() { [ "$(sv_reason "$1")" = "$2" ]; }
sv_route() { lab_vtysh "show ip route $SV_VIP/32 json" | jq -e --arg p "$SV_VIP/32" '.[$p][0].nexthops | length == 1' >/dev/null; }
sv_problem() { lab_ctl node-a show problems -o json | jq -e --arg r "$1" 'any(.[]; .reason == $r)' >/dev/null; }
sv_no_problem() { ! sv_problem "$1"; }
sv_get() { lab_in client "$LAB_ROOT/build/tests/client" requests "http://$SV_VIP/" "$1"; }
# sv_reached N WAY: so many backends of the Service web are reached by that way, and answer.
sv_reached() {
	[ "$(lab_ctl node-a show backends web -o json | jq --arg w "$2" '[.[] | select(.forwarding == $w and .state == "ready")] | length')" = "$1" ] &&
		lab_in node-a ip -N -d neigh show dev eth0 | grep -q 'managed.*proto 196' && sv_get 20 | jq -e '.failed == []' >/dev/null
}

# sv_even WAY SERVER...: of 400 requests each gets its share, all of the client's address.
sv_even() {
	local way=$1 out=$LAB_DIR/even-$1.json
	shift
	lab_until 20 sv_reached "$#" "$way" || { lab_ctl node-a show backends web; lab_ctl node-a show problems; lab_ctl node-a status; return 1; }
	sv_get 400 >"$out"
	say "$(jq -c '[.pods, .clients]' "$out")"
	STEP_NOTE="$(jq -c .pods "$out") of 400"
	# Half is 200 and a third 133; four standard deviations of a binomial are 40.
	jq -e --argjson n "$#" '.failed == [] and (.pods | length == $n and all(.[]; . > 400 / $n - 45)) and .clients == {"10.9.0.2": 400}' "$out" >/dev/null
}

step_servers_unsaid() {
	local server
	lab_up
	for server in s1 s2 s3; do sv_server_up "$server" || return 1; done
	for server in s1 s2; do lab_in router ip link set "to-$server" master br0; done
	lab_in router ip addr add 10.50.0.1/24 dev to-s3
	sv_services ""
	sv_slice web 80 s1 s2
	sv_slice flows 7 s1 s2
	lab_frr_up <<-FRR
		router bgp 64512
		 no bgp ebgp-requires-policy
		 bgp router-id 192.168.1.1
		 neighbor 192.168.1.10 remote-as 64513
	FRR
	lab_agent_up node-a
	lab_until 20 sv_problem EndpointWithoutNode || { lab_ctl node-a show problems; return 1; }
	sv_is web noReachableEndpoints || return 1
	sv_services dsr
	lab_until 10 sv_problem BadValue || { lab_ctl node-a show problems; return 1; }
	STEP_NOTE="$(lab_ctl node-a show problems -o json | jq -r '[.[] | select(.reason == "BadValue")][0] | "\(.field): \(.remedy)"')"
}

step_servers_l2() {
	local a s
	sv_services dsr-l2
	lab_until 20 sv_is web announced && lab_until 10 sv_route || { lab_ctl node-a explain service shop/web; lab_ctl node-a show problems; return 1; }
	sv_no_problem BadValue && sv_no_problem EndpointWithoutNode || return 1
	sv_even dsr-l2 s1 s2 || return 1
	a=$(sv_octets node-a) s=$(($(sv_octets s1) + $(sv_octets s2)))
	lab_in client curl -sS --max-time 60 -o "$LAB_DIR/big" "http://$SV_VIP/big?bytes=5000000" || return 1
	a=$(($(sv_octets node-a) - a)) s=$(($(sv_octets s1) + $(sv_octets s2) - s))
	STEP_NOTE="$STEP_NOTE; of 5 MB they sent $s octets and node-a $a"
	tail -n 1 "$LAB_DIR/big" | grep -qx 'done' && [ "$s" -gt 5000000 ] && [ "$a" -lt 1000000 ]
}
# sv_octets NAMESPACE: sent by its uplink so far.
sv_octets() { lab_in "$1" ip -s -j link show dev eth0 | jq '.[0].stats64.tx.bytes'; }

step_servers_off_link() {
	sv_slice web 80 s1 s3
	lab_until 30 sv_problem ServerNotOnLink || { lab_ctl node-a show problems; return 1; }
	STEP_NOTE="$(lab_ctl node-a show problems -o json | jq -r '[.[] | select(.reason == "ServerNotOnLink")][0].message')"
}

step_servers_ipip() {
	sv_slice web 80 s1 s2 s3
	sv_services dsr-ipip
	sv_even dsr-ipip s1 s2 s3 && sv_no_problem ServerNotOnLink && sv_problem ServerMtu
}

step_servers_gue() {
	sv_services dsr-gue
	sv_even dsr-gue s1 s2 s3
}

step_servers_change() {
	local out=$LAB_DIR/change.json dir=$LAB_DIR/change client
	mkdir -p "$dir"
	lab_until 20 sv_is flows announced || return 1
	lab_begin "$out" client "$LAB_ROOT/build/tests/flows" keep "$SV_FLOWS_VIP" 7 "$SV_FLOWS" 0 "$dir"
	client=$LAB_PID
	lab_until 20 test -e "$dir/ready" || { touch "$dir/stop"; cat "$out.err"; return 1; }
	sv_slice flows 7 s1 s2 s3 # one comes
	sleep 2
	sv_slice flows 7 s1- s2 s3 # another one drains
	sleep 2
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	sleep 1
	lab_agent_up node-a
	lab_until 20 sv_is flows announced || return 1
	sv_slice flows 7 s2 s3 # and is gone from its slice
	sleep 3
	touch "$dir/stop"
	wait "$client"
	STEP_NOTE="$(jq -r '"\(.exchanges) exchanges of \(.flows) flows, \(.failed | length) cut"' "$out")"
	jq -e '.failed == [] and .flows == '"$SV_FLOWS" "$out" >/dev/null
}

# A real server's SYN-ACK does not come by node-a, so the client begins with segments that do not fit, and is told.
step_servers_upload() {
	local out=$LAB_DIR/upload.txt
	sv_slice flows 7 s3
	lab_until 10 sv_flows_at 1 || return 1
	lab_in client timeout 60 python3 - "$SV_FLOWS_VIP" 7 3000000 >"$out" <<-'PYTHON' || { cat "$out"; lab_ctl node-a status; return 1; }
		import os, socket, sys, threading
		address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		s = socket.create_connection((address, port), timeout=20)
		data, back = os.urandom(size), bytearray()
		threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
		while len(back) < size and (part := s.recv(1 << 20)):
		    back += part
		print(s.getsockopt(socket.IPPROTO_IP, 14), "same" if bytes(back) == data else "other")
	PYTHON
	STEP_NOTE="packets of at most $(cut -d' ' -f1 "$out") octets; 3 MB came back: $(cut -d' ' -f2 "$out")"
	[ "$(cut -d' ' -f2 "$out")" = same ] && [ "$(cut -d' ' -f1 "$out")" -eq 1472 ]
}
sv_flows_at() { [ "$(lab_ctl node-a show backends flows -o json | jq '[.[] | select(.state == "ready")] | length')" = "$1" ]; }
