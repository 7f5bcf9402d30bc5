# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Policy Cluster across nodes: the router knows node-a alone at first, and the pods are on node-b and node-c, which have
# no session at all. What the client gets goes through the tunnel to the pod's node and comes back from there. Then all
# three have one, and flows stay where they are whatever becomes of the nodes that attract them.
#
#   client ── router (FRR) ── br0 ─┬─ node-a
#                                  ├─ node-b: b1, b2
#                                  └─ node-c: c1
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

TN_VIP=192.0.2.80
TN_FLOWS_VIP=192.0.2.81 TN_FLOWS=120
TN_STICKY_VIP=192.0.2.82
LAB_NODE_ADDR+=([node-c]=192.168.1.12)
LAB_NODE_NET+=([node-c]=10.244.3)
LAB_PODS+=([node-c]=c1)
LAB_POD_ADDR+=([c1]=10.244.3.11)

tunnel_all() {
	LAB_NODES=(node-a node-b node-c)
	run_step tunnel-echo "Three nodes, of which each answers the others" step_tunnel_echo &&
		run_step tunnel-through "Through node-a to a pod on node-b, which sees the client and answers it itself" step_tunnel_through &&
		run_step tunnel-capture "What comes in a tunnel is captured as it is inside" step_tunnel_capture &&
		run_step tunnel-even "Two nodes with three pods: each gets its third" step_tunnel_even &&
		run_step tunnel-gateway "The nodes' addresses move behind a gateway of theirs: one way for each, and nothing fails" step_tunnel_gateway &&
		run_step tunnel-restart "The agents are killed and started one after the other: nothing fails" step_tunnel_restart &&
		run_step tunnel-silent "A node falls silent: its pods get no new flow, and without any other the route goes" step_tunnel_silent &&
		run_step tunnel-versions "All agents are replaced by those of another version, one after the other: no flow is cut, and it is spoken when all do" step_tunnel_versions &&
		run_step tunnel-back "One goes back to the version of before, which leaves the maps that it cannot read, then replaces them: no flow is cut" step_tunnel_back &&
		run_step tunnel-upload "What a client sends as fast as it can fits into the tunnel" step_tunnel_upload &&
		run_step tunnel-left "What was asked of the kernel is taken back" step_tunnel_left
}

# What lasts, on a network of its own.
tunnel_rows_all() {
	LAB_NODES=(node-a node-b node-c)
	run_step tunnel-begin "Three nodes, of which each answers the others" step_tunnel_echo &&
		run_step tunnel-affinity "Clients keep their pods on other nodes when pods come, and when another node attracts them" step_tunnel_affinity &&
		run_step tunnel-rehash "Three nodes attract; one leaves and comes back, pods come and drain: no flow is cut" step_tunnel_rehash &&
		run_step tunnel-settled "Each agent hears the others, and all rows settle; one that does not live keeps the next change's open" step_tunnel_settled
}

tn_put() {
	cat >"$LAB_DIR/config/.$1"
	mv "$LAB_DIR/config/.$1" "$LAB_DIR/config/$1.yaml"
}

# tn_objects NODE...: those have a session.
tn_objects() {
	local node
	lab_objects "enableGracefulRestart: true, $(lab_of_nodes "$@")"
	cat <<-YAML
		apiVersion: v1
		kind: Service
		metadata: {name: web, namespace: shop}
		spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, loadBalancerIP: $TN_VIP, ports: [{port: 80}]}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: flows, namespace: shop}
		spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, loadBalancerIP: $TN_FLOWS_VIP, ports: [{port: 7}]}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: sticky, namespace: shop}
		spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, loadBalancerIP: $TN_STICKY_VIP, sessionAffinity: ClientIP, ports: [{port: 80}]}
	YAML
	for node in "${LAB_NODES[@]}"; do
		cat <<-YAML
			---
			apiVersion: v1
			kind: Node
			metadata: {name: $node, labels: {kubernetes.io/hostname: $node}}
			status: {addresses: [{type: InternalIP, address: ${LAB_NODE_ADDR[$node]}}]}
		YAML
	done
}

# tn_slice SERVICE PORT POD...: those behind the Service; with a dash behind it a pod drains.
tn_slice() {
	local pod ready service=$1 port=$2
	shift 2
	{
		printf '%s\n' 'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
			"metadata: {name: $service-1, namespace: shop, labels: {kubernetes.io/service-name: $service}}" \
			'addressType: IPv4' "ports: [{name: \"\", port: $port, protocol: TCP}]" 'endpoints:'
		for pod in "$@"; do
			ready='ready: true'
			[[ $pod != *- ]] || ready='ready: false, serving: true, terminating: true'
			printf -- '- {addresses: [%s], nodeName: node-%s, conditions: {%s}}\n' \
				"${LAB_POD_ADDR[${pod%-}]}" "${pod:0:1}" "$ready"
		done
	} | tn_put "slices-$service"
}
tn_pods() { tn_slice web 80 "$@"; }

# tn_echo NODE OTHER: what the node knows of the other one's echo.
tn_echo() { lab_ctl "$1" show nodes "$2" -o json | jq -r '.[0].echo'; }
tn_all_answer() {
	local node other
	for node in "${LAB_NODES[@]}"; do
		for other in "${LAB_NODES[@]}"; do
			[ "$node" = "$other" ] || [ "$(tn_echo "$node" "$other")" = Answers ] || return 1
		done
	done
}
tn_reason() { lab_ctl node-a show services web -o json | jq -r '.[0].reason'; }
tn_is() { [ "$(tn_reason)" = "$1" ]; }
tn_route() { lab_vtysh "show ip route $TN_VIP/32 json" | jq -e --arg p "$TN_VIP/32" '.[$p][0].nexthops | length == 1' >/dev/null; }
tn_no_route() { ! tn_route; }
tn_problem() { lab_ctl "$1" show problems -o json | jq -e --arg r "$2" --arg n "$3" 'any(.[]; .reason == $r and .name == $n)' >/dev/null; }
tn_no_problem() { ! tn_problem "$@"; }
tn_get() { lab_in client "$LAB_ROOT/build/tests/client" requests "http://$TN_VIP/$1" "$2"; }
# tn_only POD: it answers, and no other.
tn_only() { tn_get "" 8 | jq -e --arg p "$1" '.failed == [] and .pods == {($p): 8}' >/dev/null; }
# tn_octets NODE: sent by its uplink so far.
tn_octets() { lab_in "$1" ip -s -j link show dev eth0 | jq '.[0].stats64.tx.bytes'; }

step_tunnel_echo() {
	local node pod
	lab_up
	for pod in a1 b1 b2 c1; do
		lab_spawn "$LAB_DIR/flows-$pod.log" "$pod" "$LAB_ROOT/build/tests/flows" serve 7
	done
	tn_objects node-a | tn_put objects
	tn_pods b1
	lab_frr_up <<-FRR
		router bgp 64512
		 no bgp ebgp-requires-policy
		 bgp router-id 192.168.1.1
		 neighbor 192.168.1.10 remote-as 64513
		 neighbor 192.168.1.11 remote-as 64513
		 neighbor 192.168.1.12 remote-as 64513
		 address-family ipv4 unicast
		  maximum-paths 8
	FRR
	for node in "${LAB_NODES[@]}"; do lab_agent_up "$node"; done
	lab_until 90 tn_all_answer || { for node in "${LAB_NODES[@]}"; do lab_ctl "$node" show nodes; lab_ctl "$node" show problems; done; return 1; }
	lab_ctl node-a show nodes
	STEP_NOTE="$(lab_ctl node-a show nodes node-b -o json | jq -r '.[0] | "node-b answers in \(.roundTripMicros) us, MTU \(.mtu)"')"
}

step_tunnel_through() {
	local a b out=$LAB_DIR/through.json
	lab_until 20 tn_is announced && lab_until 10 tn_route || { lab_ctl node-a explain service shop/web; lab_ctl node-a show problems; return 1; }
	tn_get "" 40 >"$out"
	say "$(jq -c '[.pods, .clients]' "$out")"
	jq -e '.failed == [] and .pods == {"b1": 40} and .clients == {"10.9.0.2": 40}' "$out" >/dev/null || return 1
	lab_ctl node-a trace --from 10.9.0.2:40000 --to "$TN_VIP:80" >"$LAB_DIR/trace" || return 1
	grep '^enters\|^goes' "$LAB_DIR/trace"
	grep -q '^enters at  *node-a: ' "$LAB_DIR/trace" || { say "trace: $(sed -n 2p "$LAB_DIR/trace")"; return 1; }
	grep -q '^goes to .* on node-b, by the tunnel: ' "$LAB_DIR/trace" || { say "trace: $(tail -n 1 "$LAB_DIR/trace")"; return 1; }
	# What the others have not taken by themselves went by the tunnel: each connection is some packets.
	lab_ctl node-a show nodes
	[ "$({ lab_ctl node-a show nodes node-b -o json && lab_ctl node-c show nodes node-b -o json; } |
		jq -s 'map(.[0].packets) | add')" -ge 40 ] || { say "not told what went by the tunnel"; return 1; }
	a=$(tn_octets node-a) b=$(tn_octets node-b)
	lab_in client curl -sS --max-time 60 -o "$LAB_DIR/big" "http://$TN_VIP/big?bytes=5000000" || return 1
	a=$(($(tn_octets node-a) - a)) b=$(($(tn_octets node-b) - b))
	STEP_NOTE="of 5 MB node-b sent $b octets and node-a $a"
	tail -n 1 "$LAB_DIR/big" | grep -qx 'done' && [ "$b" -gt 5000000 ] && [ "$a" -lt 1000000 ]
}

step_tunnel_even() {
	local out=$LAB_DIR/even.json
	tn_pods b1 b2 c1
	lab_until 10 tn_backends 3 || return 1
	sleep 1
	tn_get "" 900 >"$out"
	say "$(jq -c .pods "$out")"
	STEP_NOTE="$(jq -r '"\(.pods | map_values(. * 100 / 900 | floor)) % of 900"' "$out" | tr -d '\n')"
	# A third is 300; four standard deviations of a binomial are 57.
	jq -e '.failed == [] and .requests == 900 and (.pods | length == 3 and all(.[]; . > 240 and . < 360))' "$out" >/dev/null
}
tn_backends_at() { [ "$(lab_ctl node-a show services web -o json | jq -r '[.[0].backends[] | select(.state == "ready").node] | sort | join(",")')" = "$1" ]; }
tn_backends() { [ "$(lab_ctl node-a show services web -o json | jq '[.[0].backends[] | select(.state == "ready")] | length')" = "$1" ]; }

tn_sticky() { [ "$(lab_ctl "$1" show services sticky -o json | jq '[.[0].backends[] | select(.state == "ready")] | length')" = "$2" ]; }
tn_sticky_path() { [ "$(lab_vtysh "show ip route $TN_STICKY_VIP/32 json" | jq -r --arg p "$TN_STICKY_VIP/32" '.[$p][0].nexthops | map(.ip) | join(",")')" = "$1" ]; }
# Whom they are at is known at those pods' nodes, so it is no matter by which node they come.
step_tunnel_affinity() {
	local a dir=$LAB_DIR/sticky known strangers node
	mkdir -p "$dir"
	mapfile -t known < <(of_clients 20 12)
	mapfile -t strangers < <(of_clients 40 24)
	for a in "${known[@]}" "${strangers[@]}"; do lab_in client ip addr add "$a/24" dev eth0; done
	tn_slice sticky 80 b1 c1
	lab_until 10 tn_sticky node-a 2 && lab_until 10 tn_sticky_path 192.168.1.10 || return 1
	sleep 1
	choose from "$TN_STICKY_VIP" 6 "${known[@]}" >"$dir/before" || return 1
	tn_slice sticky 80 a1 b1 b2 c1
	for node in "${LAB_NODES[@]}"; do lab_until 10 tn_sticky "$node" 4 || return 1; done
	sleep 11 # two walks of the agents: what settles has
	choose from "$TN_STICKY_VIP" 6 "${known[@]}" >"$dir/after" && choose from "$TN_STICKY_VIP" 6 "${strangers[@]}" >"$dir/others" || return 1
	tn_objects node-c | tn_put objects
	lab_until 20 tn_sticky_path 192.168.1.12 || return 1
	choose from "$TN_STICKY_VIP" 6 "${known[@]}" >"$dir/elsewhere" || return 1
	tn_objects node-a | tn_put objects
	lab_until 20 tn_sticky_path 192.168.1.10 || return 1
	for a in "${known[@]}" "${strangers[@]}"; do lab_in client ip addr del "$a/24" dev eth0; done
	say "known clients had $(jq -c '[.[][]] | unique' "$dir/before"), new ones have $(jq -c '[.[][]] | unique' "$dir/others")"
	jq -e '[.[][]] | unique == ["a1", "b1", "b2", "c1"]' "$dir/others" >/dev/null || return 1
	STEP_NOTE="$(jq length "$dir/before") clients kept b1 and c1"
	jq -se 'map(map(unique)) | .[0] == .[1] and .[0] == .[2] and all(.[0][]; length == 1)' "$dir/before" "$dir/after" "$dir/elsewhere" >/dev/null
}

# From now on node-a reaches node-b by the router, and by its link again: the way is another one, the connections are not.
tn_way() { lab_in node-a ip -N -d neigh show "$1" dev eth0 | grep -q 'managed.*proto 196'; }
step_tunnel_gateway() {
	local out=$LAB_DIR/gateway.json stop=$LAB_DIR/gateway.stop client
	tn_pods b1 b2
	lab_until 10 tn_backends 2 || return 1
	lab_begin "$out" client "$LAB_ROOT/build/tests/client" until "http://$TN_VIP/" "$stop" 20 60
	client=$LAB_PID
	sleep 1
	lab_in node-a ip route add 192.168.1.11/32 via 192.168.1.1
	lab_until 15 tn_way 192.168.1.1 || { lab_in node-a ip -N -d neigh show; return 1; }
	lab_until 5 tn_no_way 192.168.1.11 || return 1
	sleep 2
	lab_in node-a ip route del 192.168.1.11/32
	lab_until 15 tn_way 192.168.1.11 || return 1
	lab_in node-a ip route add 192.168.1.8/30 via 192.168.1.1 # neither a default nor a host route
	lab_until 5 tn_way 192.168.1.1 && lab_until 5 tn_no_way 192.168.1.11 || return 1
	lab_in node-a ip route del 192.168.1.8/30
	lab_until 5 tn_way 192.168.1.11 || return 1
	sleep 1
	touch "$stop"
	wait "$client"
	STEP_NOTE="$(jq -r '"\(.requests) requests, \(.failed | length) failed"' "$out")"
	jq -e '.failed == [] and .requests > 60' "$out" >/dev/null || return 1
	tn_pods b1 b2 c1
	lab_until 10 tn_backends 3
}
tn_no_way() { ! tn_way "$1"; }

# An agent that is gone with its programs: what comes to a node without them is nobody's. Its tables are gone, too, so all that it served
# stays unsettled everywhere for as long as flows live that it has forgotten.
tn_takes_away() {
	lab_kill TERM "${LAB_AGENT_PID[$1]}"
	lab_in "$1" "$LAB_ROOT/build/lodestoned" --cleanup --pin "$(lab_pin "$1")"
}

step_tunnel_silent() {
	local out=$LAB_DIR/silent.json begun
	tn_pods b1 b2 c1
	lab_until 10 tn_backends_at node-b,node-b,node-c || return 1
	tn_takes_away node-b || return 1
	begun=$(date +%s%N)
	# The router sends to both that are left, and each finds out for itself.
	lab_until 10 tn_problem node-a NodeSilent node-b && lab_until 10 tn_problem node-c NodeSilent node-b || return 1
	STEP_NOTE="silent after $((($(date +%s%N) - begun) / 1000000)) ms"
	# The table follows what is known.
	lab_until 10 tn_only c1 || return 1
	tn_get "" 60 >"$out"
	say "$(jq -c '[.pods, (.failed | length)]' "$out")"
	jq -e '.failed == [] and .pods == {"c1": 60}' "$out" >/dev/null || return 1
	tn_takes_away node-c || return 1
	lab_until 10 tn_is noReachableEndpoints && lab_until 10 tn_no_route || return 1
	lab_agent_up node-b && lab_agent_up node-c
	lab_until 20 tn_is announced && lab_until 10 tn_route && lab_until 10 tn_no_problem node-a NodeSilent node-b && lab_until 10 tn_no_problem node-a NodeSilent node-c || return 1
	tn_get "" 60 >"$out"
	say "$(jq -c '[.pods, (.failed | length)]' "$out")"
	jq -e '.failed == [] and (.pods | length == 3)' "$out" >/dev/null
}

step_tunnel_restart() {
	local out=$LAB_DIR/restart.json stop=$LAB_DIR/restart.stop client node
	lab_begin "$out" client "$LAB_ROOT/build/tests/client" until "http://$TN_VIP/" "$stop" 20 60
	client=$LAB_PID
	sleep 1
	for node in "${LAB_NODES[@]}"; do
		lab_kill KILL "${LAB_AGENT_PID[$node]}"
		sleep 2
		lab_agent_up "$node"
		lab_until 20 tn_is announced && lab_until 20 tn_all_answer || return 1
	done
	sleep 3
	touch "$stop"
	wait "$client"
	STEP_NOTE="$(jq -r '"\(.requests) requests, \(.failed | length) failed"' "$out")"
	jq -e '.failed == [] and .requests > 60' "$out" >/dev/null
}

tn_paths() { # tn_paths N: so many nodes attract the flows
	[ "$(lab_vtysh "show ip route $TN_FLOWS_VIP/32 json" | jq --arg p "$TN_FLOWS_VIP/32" '.[$p][0].nexthops | length')" = "$1" ]
}

step_tunnel_rehash() {
	local out=$LAB_DIR/rehash.json dir=$LAB_DIR/rehash client
	mkdir -p "$dir"
	tn_slice flows 7 b1 b2 c1
	tn_objects node-a node-b node-c | tn_put objects
	lab_until 20 tn_paths 3 && lab_until 10 tn_all_answer || { lab_vtysh "show bgp summary"; return 1; }
	lab_begin "$out" client "$LAB_ROOT/build/tests/flows" keep "$TN_FLOWS_VIP" 7 "$TN_FLOWS" 0 "$dir"
	client=$LAB_PID
	lab_until 20 test -e "$dir/ready" || { touch "$dir/stop"; cat "$out.err"; return 1; }
	tn_objects node-b node-c | tn_put objects # node-a leaves
	lab_until 20 tn_paths 2 || return 1
	sleep 2
	tn_slice flows 7 a1 b1 b2 c1 # a pod comes
	sleep 2
	tn_slice flows 7 a1 b1- b2 c1 # another one drains
	sleep 2
	tn_objects node-a node-b node-c | tn_put objects # and node-a is back
	lab_until 20 tn_paths 3 || return 1
	sleep 2
	tn_objects node-a | tn_put objects # now the others leave
	lab_until 20 tn_paths 1 || return 1
	sleep 3
	touch "$dir/stop"
	wait "$client"
	STEP_NOTE="$(jq -r '"\(.exchanges) exchanges of \(.flows) flows, \(.failed | length) cut"' "$out")"
	jq -e '.failed == [] and .flows == '"$TN_FLOWS" "$out" >/dev/null
}

# Rows that are unsettled at a node. Those of a flow that has just ended are so for four minutes more, while its entry closes: of the
# flows and requests of the steps before some two hundred, where a Service has 2,048 rows.
tn_unsettled() { lab_ctl "$1" show nodes "$1" -o json | jq '.[0].unsettledRows'; }
tn_hears() { lab_ctl "$1" show nodes -o json | jq -e 'all(.[]; .self or .agentHeard)' >/dev/null; }
# All hear each other, and only the same rows of flows of before are unsettled everywhere.
tn_settled() {
	local node n first=''
	for node in "${LAB_NODES[@]}"; do
		n=$(tn_unsettled "$node")
		first=${first:-$n}
		tn_hears "$node" && [ "$n" -le 500 ] && [ "$n" = "$first" ] || return 1
	done
}
tn_is_open() { [ "$(tn_unsettled "$1")" -gt 1000 ]; }
step_tunnel_settled() {
	local begun
	begun=$(date +%s)
	lab_until 120 tn_settled || { for node in "${LAB_NODES[@]}"; do lab_ctl "$node" show nodes -o json; done; return 1; }
	STEP_NOTE="after $(($(date +%s) - begun)) s, but for $(tn_unsettled node-a) rows of flows that ended"
	lab_kill KILL "${LAB_AGENT_PID[node-c]}"
	tn_slice web 80 a1 b1 c1
	lab_until 20 tn_is_open node-a && lab_until 20 tn_is_open node-b || return 1
	sleep 20 # with three agents it would have been time
	tn_is_open node-a && tn_is_open node-b || return 1
	lab_agent_up node-c
	lab_until 20 tn_all_answer
}

# build/next speaks version 2 of private data too, makes rows by a recipe of another name, and takes the maps of this version for its own.
TN_NEXT=$LAB_ROOT/build/next/lodestoned
tn_speaks() { # tn_speaks VERSION: that is what all nodes send
	local node
	for node in "${LAB_NODES[@]}"; do
		[ "$(lab_ctl "$node" show nodes "$node" -o json | jq '.[0].versionUsed')" = "$1" ] || return 1
	done
}
# What the router has kept of a session before it counts as a path, too.
tn_has_session() { [ "$(lab_ctl "$1" show peers -o json | jq -r '.[0].state')" = Established ]; }
step_tunnel_versions() {
	local out=$LAB_DIR/versions.json dir=$LAB_DIR/versions node client
	mkdir -p "$dir"
	tn_slice flows 7 a1 b1 b2 c1
	tn_objects "${LAB_NODES[@]}" | tn_put objects
	lab_until 30 tn_paths 3 && lab_until 20 tn_speaks 1 || return 1
	lab_begin "$out" client "$LAB_ROOT/build/tests/flows" keep "$TN_FLOWS_VIP" 7 "$TN_FLOWS" 0 "$dir"
	client=$LAB_PID
	lab_until 30 test -e "$dir/ready" || { touch "$dir/stop"; cat "$out.err"; return 1; }
	for node in "${LAB_NODES[@]}"; do
		lab_kill KILL "${LAB_AGENT_PID[$node]}"
		LAB_AGENT=$TN_NEXT lab_agent_up "$node"
		lab_until 60 tn_has_session "$node" && lab_until 60 tn_all_answer && lab_until 60 tn_paths 3 || { lab_ctl "$node" show problems; return 1; }
		[ "$(tn_maps "$node")" = '4 true' ] || { say "$node: maps of version $(tn_maps "$node")"; return 1; }
		[ "$node" = node-c ] || tn_speaks 1 || return 1
		[ "$node" != node-a ] || { # two versions, and the routers send flows elsewhere
			tn_objects node-b node-c | tn_put objects
			lab_until 30 tn_paths 2 || return 1
			sleep 2
			tn_objects "${LAB_NODES[@]}" | tn_put objects
			lab_until 30 tn_paths 3 || return 1
		}
		sleep 2
	done
	lab_until 30 tn_speaks 2 || return 1
	sleep 3
	touch "$dir/stop"
	wait "$client"
	STEP_NOTE="$(jq -r '"\(.exchanges) exchanges of \(.flows) flows, \(.failed | length) cut"' "$out")"
	jq -e '.failed == [] and .flows == '"$TN_FLOWS" "$out" >/dev/null
}

# tn_maps NODE: the version of its maps, and whether its agent found them there.
tn_maps() {
	echo "$(bpftool -j map dump pinned "$(lab_pin "$1")/maps/config" | jq '.[0].formatted.value.abi_version') $(lab_ctl "$1" status -o json | jq .dataplane.programsAdopted)"
}
tn_mode_is() { [ "$(lab_ctl "$1" status -o json | jq -r .dataplane.mode)" = "$2" ]; }

# The agent withdraws its routes, and what it found serves what began there until its time is over. Then the tables are empty, and whose
# flows are whose the pods' sockets know.
step_tunnel_back() {
	local out=$LAB_DIR/back.json dir=$LAB_DIR/back begun client
	mkdir -p "$dir"
	printf '%s\n' 'apiVersion: lodestone.io/v1alpha1' 'kind: LodestoneConfig' 'metadata: {name: node-b}' 'spec: {drainSeconds: 3}' | tn_put drain
	lab_begin "$out" client "$LAB_ROOT/build/tests/flows" keep "$TN_FLOWS_VIP" 7 "$TN_FLOWS" 0 "$dir"
	client=$LAB_PID
	lab_until 30 test -e "$dir/ready" || { touch "$dir/stop"; cat "$out.err"; return 1; }
	lab_kill KILL "${LAB_AGENT_PID[node-b]}"
	begun=$SECONDS
	lab_agent_up node-b
	lab_until 10 tn_paths 2 && tn_mode_is node-b leaving || { lab_ctl node-b status; return 1; }
	[ "$(tn_maps node-b)" = '4 false' ] || { say "maps of version $(tn_maps node-b)"; return 1; }
	lab_until 30 tn_paths 3 && tn_mode_is node-b xdp || { lab_ctl node-b status; return 1; }
	[ "$(tn_maps node-b)" = '3 false' ] && [ $((SECONDS - begun)) -ge 5 ] || { say "maps of version $(tn_maps node-b) after $((SECONDS - begun)) s"; return 1; }
	say "replaced and back after $((SECONDS - begun)) s"
	lab_until 30 tn_all_answer && lab_until 30 tn_speaks 1 || { lab_ctl node-b show nodes; return 1; }
	sleep 3
	touch "$dir/stop"
	wait "$client"
	rm "$LAB_DIR/config/drain.yaml"
	STEP_NOTE="$(jq -r '"\(.exchanges) exchanges of \(.flows) flows, \(.failed | length) cut"' "$out")"
	jq -e '.failed == [] and .flows == '"$TN_FLOWS" "$out" >/dev/null
}

# Segments of the client's fit beside what the tunnel adds, so none is too big and all that was sent comes back.
step_tunnel_upload() {
	local out=$LAB_DIR/upload.txt
	tn_slice flows 7 c1
	lab_until 10 tn_flows_at_c1 || return 1
	sleep 1
	lab_in client timeout 60 python3 - "$TN_FLOWS_VIP" 7 5000000 >"$out" <<-'PYTHON' || { cat "$out"; return 1; }
		import os, socket, sys, threading
		address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		s = socket.create_connection((address, port), timeout=20)
		data, back = os.urandom(size), bytearray()
		threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
		while len(back) < size and (part := s.recv(1 << 20)):
		    back += part
		print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG), "same" if bytes(back) == data else "other")
	PYTHON
	STEP_NOTE="segments of at most $(cut -d' ' -f1 "$out") octets; 5 MB came back: $(cut -d' ' -f2 "$out")"
	[ "$(cut -d' ' -f2 "$out")" = same ] && [ "$(cut -d' ' -f1 "$out")" -le 1400 ]
}
tn_flows_at_c1() { [ "$(lab_ctl node-a show services flows -o json | jq -r '[.[0].backends[] | select(.state == "ready").node] | join(",")')" = node-c ]; }

step_tunnel_left() {
	lab_in node-a ip -N -d neigh show dev eth0
	lab_in node-a ip -N -d neigh show 192.168.1.11 dev eth0 | grep -q 'managed.*proto 196' || return 1
	tn_takes_away node-a || return 1
	! lab_in node-a ip -N -d neigh show | grep managed
}
