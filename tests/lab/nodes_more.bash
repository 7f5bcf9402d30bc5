# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The network of tests/lab/nodes.bash, and what befalls its nodes: agents that are killed, a node that dies, links that carry less than
# others, and tunnels over IPv6 and of it.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

ND_BULK_VIP=192.0.2.92
ND_SIX_VIP=2001:db8:ff::90
ND_BYTES=100000000

nodes_more_all() {
	ND_FLOWS=2000 ND_COUNTED=32000
	nodes_begin &&
		run_step nodes-even "Each pod gets its sixteenth, and sees the client" step_nodes_even &&
		run_step nodes-agents "The agent of each node is killed in turn and started: no connection is cut" step_nodes_agents &&
		run_step nodes-bulk "100 MB each way through the tunnel, at 1,500 with DF" step_nodes_bulk &&
		run_step nodes-narrow "The same from a client behind a link of 1,400" step_nodes_narrow &&
		run_step nodes-six "IPv6 in the tunnel, whose ends move from IPv4 to IPv6 meanwhile: no connection is cut" step_nodes_six &&
		run_step nodes-killed "A node dies: its connections end, all others live" step_nodes_killed
}

step_nodes_agents() {
	local node
	nd_keep agents || return 1
	for node in "${ND_NODES[@]}"; do
		lab_kill KILL "${LAB_AGENT_PID[$node]}"
		sleep 1
		lab_agent_up "$node"
		lab_until 90 nd_ready_lodestone && nd_paths_are || return 1
	done
	sleep 4
	nd_kept agents || return 1
	STEP_NOTE="$(jq -r '"\(.exchanges) exchanges of \(.flows) connections, \(.lost | length) cut"' "$LAB_DIR/agents.json")"
	jq -e --argjson n "$ND_FLOWS" '.flows == $n and .kept == $n and .lost == [] and .foreign == 0' "$LAB_DIR/agents.json" >/dev/null
}

# --- what fits ----------------------------------------------------------------------------------------

# nd_counts NAMESPACE...: fragments made and put together, packets refused as too large, and segments sent again, of these.
nd_counts() {
	local ns
	for ns in "$@"; do lab_in "$ns" nstat -asz IpFragCreates IpReasmReqds IpFragFails TcpRetransSegs; done |
		awk '/^Ip|^Tcp/ {n[$1] += $2} END {print n["IpFragCreates"] + n["IpReasmReqds"], n["IpFragFails"], n["TcpRetransSegs"]}'
}

# nd_both_ways CLIENT: so many octets to a pod of node-b and back by its echo, and as many from its HTTP server.
nd_both_ways() {
	lab_in "$1" timeout 600 python3 - "$ND_BULK_VIP" 7 "$ND_BYTES" <<-'PYTHON' || return 1
		import hashlib, socket, sys, threading
		address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		s = socket.create_connection((address, port), timeout=60)
		data, back, had = b"%064d" % 7 * (size // 64), hashlib.sha256(), 0
		threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
		while had < len(data) and (part := s.recv(1 << 20)):
		    back.update(part)
		    had += len(part)
		sys.exit(back.digest() != hashlib.sha256(data).digest())
	PYTHON
	lab_in "$1" curl -sS --max-time 600 -o "$LAB_DIR/bulk" "http://$ND_BULK_VIP/big?bytes=$ND_BYTES" && tail -n 1 "$LAB_DIR/bulk" | grep -qx 'done'
}

nd_bulk_service() {
	cat <<-YAML
		apiVersion: v1
		kind: Service
		metadata: {name: bulk, namespace: shop}
		spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, loadBalancerIP: $ND_BULK_VIP, ports: [{name: echo, port: 7}, {name: http, port: 80}]}
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: bulk-1, namespace: shop, labels: {kubernetes.io/service-name: bulk}}
		addressType: IPv4
		ports: [{name: echo, port: 7, protocol: TCP}, {name: http, port: 8080, protocol: TCP}]
		endpoints: [{addresses: [${LAB_POD_ADDR[b1]}], nodeName: node-b, conditions: {ready: true}}]
	YAML
}

step_nodes_bulk() {
	local was now
	lab_spawn "$LAB_DIR/bulk-echo.log" b1 "$LAB_ROOT/build/tests/flows" serve 7
	lab_spawn "$LAB_DIR/bulk-http.log" b1 "$LAB_ROOT/build/tests/pod" b1 8080
	lab_until 60 lab_in node-b bash -c ": </dev/tcp/${LAB_POD_ADDR[b1]}/8080" || return 1
	# From node-a, that all of it goes through one tunnel.
	ND_ATTRACT=(node-a)
	nd_bulk_service | nd_put_lodestone bulk
	nd_tell_lodestone
	lab_until 90 nd_paths "$ND_BULK_VIP" 1 || return 1
	read -ra was < <(nd_counts client b1 "${ND_NODES[@]}")
	nd_both_ways client || return 1
	read -ra now < <(nd_counts client b1 "${ND_NODES[@]}")
	STEP_NOTE="fragments $((now[0] - was[0])), too large $((now[1] - was[1])), sent again $((now[2] - was[2]))"
	nd_is_sane
}
# No fragment, and of some 200,000 segments less than one in a hundred was sent again.
nd_is_sane() { [ $((now[0] - was[0])) -eq 0 ] && [ $((now[2] - was[2])) -lt 2000 ]; }

# The router's answers to what is too large for the link go to the VIP, by any of the nodes, and from there to the pod's.
step_nodes_narrow() {
	local was now pods
	lab_namespace edge
	lab_namespace far
	lab_veth router to-edge edge eth0
	lab_veth edge to-far far eth0
	lab_in router ip link set to-edge mtu 1400
	lab_in edge ip link set eth0 mtu 1400
	lab_in router ip addr add 10.8.0.1/24 dev to-edge
	lab_in router ip route add 10.7.0.0/24 via 10.8.0.2
	lab_in edge ip addr add 10.8.0.2/24 dev eth0
	lab_in edge ip addr add 10.7.0.1/24 dev to-far
	lab_in edge ip route add default via 10.8.0.1
	lab_in edge sysctl -qw net.ipv4.ip_forward=1
	lab_in far ip addr add 10.7.0.2/24 dev eth0
	lab_in far ip route add default via 10.7.0.1
	ND_ATTRACT=("${ND_NODES[@]}")
	nd_tell_lodestone
	lab_until 90 nd_paths "$ND_BULK_VIP" 8 || return 1
	read -ra was < <(nd_counts far b1 router edge "${ND_NODES[@]}")
	nd_both_ways far || return 1
	read -ra now < <(nd_counts far b1 router edge "${ND_NODES[@]}")
	pods=$(lab_in b1 ip route get 10.7.0.2 | grep -o 'mtu [0-9]*')
	STEP_NOTE="fragments $((now[0] - was[0])), too large $((now[1] - was[1])), sent again $((now[2] - was[2])); the pod knows: $pods"
	nd_is_sane && [ "$pods" = 'mtu 1400' ]
}

# --- IPv6 ---------------------------------------------------------------------------------------------

declare -A ND_ADDR6
nd_six_network() {
	local node pod n=10
	lab_in router sysctl -qw net.ipv6.conf.all.forwarding=1
	lab_hash_flows router 6
	lab_in router ip -6 addr add 2001:db8:1::1/64 dev br0 nodad
	lab_in router ip -6 addr add 2001:db8:9::1/64 dev to-client nodad
	lab_in client ip -6 addr add 2001:db8:9::2/64 dev eth0 nodad
	lab_in client ip -6 route add default via 2001:db8:9::1
	for node in "${ND_NODES[@]}"; do
		ND_ADDR6[$node]=2001:db8:1::$n
		lab_in "$node" sysctl -qw net.ipv6.conf.all.forwarding=1
		lab_in "$node" ip -6 addr add "2001:db8:1::$n/64" dev eth0 nodad
		lab_in "$node" ip -6 route add default via 2001:db8:1::1
		for pod in ${LAB_PODS[$node]}; do
			lab_in "$node" ip -6 addr add fe80::1/64 dev "pod-$pod" nodad
			lab_in "$node" ip -6 route add "$(nd_pod_six "$pod")/128" dev "pod-$pod"
			lab_in "$pod" ip -6 addr add "$(nd_pod_six "$pod")/128" dev eth0 nodad
			lab_in "$pod" ip -6 route add default via fe80::1 dev eth0
		done
		n=$((n + 1))
	done
}
nd_pod_six() { echo "2001:db8:244:${LAB_NODE_NET[node-${1:0:1}]##*.}::${1:1}"; }

nd_six_service() {
	local pod
	cat <<-YAML
		apiVersion: metallb.io/v1beta1
		kind: IPAddressPool
		metadata: {name: six, namespace: metallb-system}
		spec: {addresses: ["2001:db8:ff::/64"]}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: six, namespace: shop}
		spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, loadBalancerIP: "$ND_SIX_VIP", ipFamilies: [IPv6], ports: [{port: 80}]}
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: six-1, namespace: shop, labels: {kubernetes.io/service-name: six}}
		addressType: IPv6
		ports: [{name: "", port: 80, protocol: TCP}]
		endpoints:
	YAML
	for pod in "${!ND_STATE[@]}"; do
		printf -- '- {addresses: ["%s"], nodeName: node-%s, conditions: {ready: true}}\n' "$(nd_pod_six "$pod")" "${pod:0:1}"
	done
}

# All nodes' ends are of this family: a colon, or a dot.
nd_ends_are() {
	local node
	nd_ready_lodestone || return 1
	for node in "${ND_NODES[@]}"; do
		lab_ctl "$node" show nodes -o json | jq -e --arg in "$1" 'all(.[]; .address | contains($in))' >/dev/null || return 1
	done
}

step_nodes_six() {
	local hops=() node
	nd_six_network
	nd_six_service | nd_put_lodestone six
	for node in "${ND_NODES[@]}"; do hops+=(nexthop via "${ND_ADDR6[$node]}"); done
	lab_in router ip -6 route add "$ND_SIX_VIP/128" "${hops[@]}" || return 1
	lab_until 90 nd_six_is_served && nd_ends_are . || { lab_ctl node-a show problems; return 1; }
	ND_DIR=$LAB_DIR/six
	mkdir -p "$ND_DIR"
	lab_begin "$LAB_DIR/six.json" client "$LAB_ROOT/build/tests/conns" keep "$ND_SIX_VIP" 80 "$ND_FLOWS" "$ND_SEED" "$ND_DIR" 2001:db8:9::2
	ND_CLIENT=$LAB_PID ND_BEGUN=$SECONDS
	lab_until 60 test -e "$ND_DIR/ready" || { tail -n 3 "$LAB_DIR/six.json.err"; return 1; }
	declare -gA ND_END=()
	for node in "${ND_NODES[@]}"; do ND_END[$node]=${ND_ADDR6[$node]}; done
	nd_tell_lodestone
	lab_until 90 nd_ends_are : || { lab_ctl node-a show nodes; lab_ctl node-a show problems; return 1; }
	sleep 5
	nd_kept six || return 1
	STEP_NOTE="$(jq -r '"\(.exchanges) exchanges of \(.flows) connections, \(.pods | length) pods, \(.lost | length) cut"' "$LAB_DIR/six.json")"
	jq -e --argjson n "$ND_FLOWS" '.flows == $n and .kept == $n and .lost == [] and .foreign == 0 and (.pods | length == 16)' "$LAB_DIR/six.json" >/dev/null || return 1
	# and IPv4 in IPv6
	ND_COUNTED=2000
	nd_count four "$ND_VIP"
}
nd_six_is_served() { [ "$(lab_ctl node-h show services six -o json | jq '[.[0].backends[] | select(.state == "ready")] | length')" = 16 ]; }

# --- a node dies --------------------------------------------------------------------------------------

# Its links go down at once. The router notices by its hold time, the nodes by the echo.
step_nodes_killed() {
	local node pods
	nd_keep killed || return 1
	nd_shuffle "${ND_NODES[@]}"
	node=${ND_LIST[0]}
	nd_note "$node dies"
	lab_in "$node" ip link set eth0 down
	lab_until 60 tn_problem node-${ND_LIST[1]#node-} NodeSilent "$node" || return 1
	lab_until 90 nd_paths "$ND_VIP" 7 || return 1
	ND_COUNTED=1000
	lab_in client timeout 600 "$LAB_ROOT/build/tests/conns" count "$ND_VIP" 80 "$ND_COUNTED" "${ND_FROM[@]}" >"$LAB_DIR/after.json" 2>"$LAB_DIR/after.json.err"
	say "then: $(jq -c '[.pods, .refused]' "$LAB_DIR/after.json")"
	sleep 30 # until who has waited for it since it died has given up
	nd_kept killed || return 1
	pods=$(printf '%s\n' ${LAB_PODS[$node]} | jq -Rnc '[inputs]')
	STEP_NOTE="$node: $(jq -r --argjson pods "$pods" '"\([.pods | to_entries[] | select(.key | IN($pods[])).value] | add) connections were its, \(.lost | length) ended, of others \([.lost[] | select(.[0] | IN($pods[]) | not)] | length)"' "$LAB_DIR/killed.json")"
	jq -e '.refused == 0' "$LAB_DIR/after.json" >/dev/null &&
		jq -e --argjson pods "$pods" 'all(.lost[]; .[0] | IN($pods[])) and ([.pods | to_entries[] | select(.key | IN($pods[])).value] | add) == (.lost | length)' "$LAB_DIR/killed.json" >/dev/null
}
