# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Eight unequal nodes with sixteen pods of one Service, policy Cluster, behind a router (FRR) that spreads over all of them, and a ninth
# node that comes later. Many connections live while nodes and pods come and go: none may be cut whose pod lives.
#
#   client ── router (FRR) ── br0 ─┬─ node-a: a1 ... a5
#                                  ├─ node-b: b1 b2 b3
#                                  ├─ node-c, node-d: two each
#                                  ├─ node-e ... node-h: one each
#                                  └─ node-i: none
#
# ND_SEED chooses who goes and comes, and in which order; ND_PLANE=proxy has kube-proxy and BIRD in the agents' place
# (tests/lab/nodes_proxy.bash), for docs/comparison.md.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

ND_VIP=192.0.2.90
ND_SEED=${ND_SEED:-1}
ND_PLANE=${ND_PLANE:-lodestone}
ND_ROWS=${ND_ROWS:-2048} ND_SURGE=${ND_SURGE:-4}
ND_DRAIN=20
ND_FROM=(10.9.0.2 10.9.0.3 10.9.0.4 10.9.0.5 10.9.0.6 10.9.0.7 10.9.0.8 10.9.0.9)

# What `make lab` has of it: a quarter of the connections, and no rollout.
nodes_all() {
	ND_FLOWS=500 ND_COUNTED=4000
	nodes_begin &&
		run_step nodes-even "Each pod gets its sixteenth, and sees the client" step_nodes_even &&
		run_step nodes-changes "A node leaves the router, another comes, a pod comes, another one drains: the connections stay" step_nodes_changes
}

# One seeded run of the whole.
nodes_run_all() {
	ND_FLOWS=2000
	nodes_begin &&
		run_step nodes-rollout "The same with 2,000 connections, then each pod is replaced by another" step_nodes_rollout
}

nodes_begin() {
	local n=0 node pod
	LAB_NODES=() LAB_POD_SERVER=("$LAB_ROOT/build/tests/conns" serve)
	declare -gA ND_END=() # ends of tunnels, if not by the nodes' addresses of IPv4
	declare -gA ND_PODS=([a]=5 [b]=3 [c]=2 [d]=2 [e]=1 [f]=1 [g]=1 [h]=1 [i]=0) ND_STATE=() ND_ENDS=()
	for node in a b c d e f g h i; do
		LAB_NODES+=("node-$node")
		LAB_NODE_ADDR[node-$node]=192.168.1.$((10 + n))
		LAB_NODE_NET[node-$node]=10.244.$((++n))
		LAB_PODS[node-$node]=
		for ((pod = 1; pod <= ND_PODS[$node]; pod++)); do nd_pod_is "$node$pod"; done
	done
	ND_NODES=("${LAB_NODES[@]:0:8}") ND_ATTRACT=("${LAB_NODES[@]:0:8}")
	run_step nodes-up "Eight nodes, sixteen pods, a router with eight next hops" step_nodes_up
}

# --- nodes and pods -----------------------------------------------------------------------------------

# nd_pod_is POD: it is the next of its node, which its first letter names; its number is in its address.
nd_pod_is() {
	LAB_POD_ADDR[$1]=${LAB_NODE_NET[node-${1:0:1}]}.$((10 + ${1:1}))
	LAB_PODS[node-${1:0:1}]+=" $1"
	ND_STATE[$1]=ready
}

# nd_pod_comes NODE: a pod starts there; it is in ND_POD.
nd_pod_comes() {
	local letter=${1#node-}
	ND_POD=$letter$((++ND_PODS[$letter]))
	nd_pod_is "$ND_POD"
	lab_pod_up "$1" "$ND_POD"
	lab_pod_start "$ND_POD"
	lab_until 60 lab_pod_listens "$1" "$ND_POD"
}

# nd_pod_drains POD: it takes no new connection, and ends when its time is over.
nd_pod_drains() { ND_STATE[$1]=drains ND_ENDS[$1]=$((SECONDS + ND_DRAIN)); }

# Pods whose time is over end, as kubelet has it: first the process, then its network, then the endpoint.
nd_pods_end() {
	local pod ended=
	for pod in "${!ND_ENDS[@]}"; do
		[ "$SECONDS" -ge "${ND_ENDS[$pod]}" ] || continue
		lab_kill TERM "${LAB_POD_PID[$pod]}"
		sleep 0.2 # for the last words
		ip netns del "$LAB-$pod"
		unset "ND_STATE[$pod]" "ND_ENDS[$pod]"
		ended+=" $pod"
	done
	[ -z "$ended" ] || nd_slice
}

# nd_in_state STATE: these pods, sorted, in ND_LIST.
nd_in_state() {
	local pod
	ND_LIST=()
	while read -r pod; do [ "${ND_STATE[$pod]}" != "$1" ] || ND_LIST+=("$pod"); done < <(printf '%s\n' "${!ND_STATE[@]}" | sort)
}

# nd_shuffle WORD...: in an order that the seed chooses, in ND_LIST. bash seeds RANDOM anew in each subshell, so it is drawn in none.
nd_shuffle() {
	local i j word
	ND_LIST=("$@")
	for ((i = $# - 1; i > 0; i--)); do
		j=$((RANDOM % (i + 1)))
		word=${ND_LIST[i]} ND_LIST[i]=${ND_LIST[j]} ND_LIST[j]=$word
	done
}

# --- what the nodes are told --------------------------------------------------------------------------

nd_slice() { nd_slice_of web | "nd_put_$ND_PLANE" slices; }
nd_slice_of() { # SERVICE
	local pod ready
	printf '%s\n' 'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
		"metadata: {name: $1-1, namespace: shop, labels: {kubernetes.io/service-name: $1}}" \
		'addressType: IPv4' 'ports: [{name: "", port: 80, protocol: TCP}]' 'endpoints:'
	for pod in "${!ND_STATE[@]}"; do
		ready='ready: true, serving: true, terminating: false'
		[ "${ND_STATE[$pod]}" = ready ] || ready='ready: false, serving: true, terminating: true'
		printf -- '- {addresses: [%s], nodeName: node-%s, conditions: {%s}}\n' "${LAB_POD_ADDR[$pod]}" "${pod:0:1}" "$ready"
	done
}

nd_put_lodestone() { tn_put "$1"; }

nd_service() { # NAME VIP [ANNOTATIONS]
	cat <<-YAML
		apiVersion: v1
		kind: Service
		metadata: {name: $1, namespace: shop, annotations: {${3:-}}}
		spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, loadBalancerIP: $2, ports: [{port: 80}]}
	YAML
}

nd_node() { # NODE
	cat <<-YAML
		apiVersion: v1
		kind: Node
		metadata: {name: $1, labels: {kubernetes.io/hostname: $1}}
		status: {addresses: [{type: InternalIP, address: "${ND_END[$1]-${LAB_NODE_ADDR[$1]}}"}]}
	YAML
}

# Nodes are ND_NODES, and those of ND_ATTRACT have a session.
nd_tell_lodestone() {
	local node
	{
		cat <<-YAML
			apiVersion: lodestone.io/v1alpha1
			kind: LodestoneConfig
			metadata: {name: default, namespace: metallb-system}
			spec: {drainSeconds: $ND_DRAIN}
			---
		YAML
		lab_objects "holdTime: 9s, $(lab_of_nodes "${ND_ATTRACT[@]}")"
		nd_service web "$ND_VIP" "lodestone.io/rows: \"$ND_ROWS\""
		for node in "${ND_NODES[@]}"; do
			echo '---'
			nd_node "$node"
		done
	} | nd_put_lodestone objects
}

nd_up_lodestone() { lab_agent_up "$1"; }

# Each node that has an agent knows each other one to answer.
nd_ready_lodestone() {
	local node
	for node in "${ND_NODES[@]}"; do
		lab_ctl "$node" show nodes -o json | jq -e --argjson n $((${#ND_NODES[@]} - 1)) \
			'[.[] | select(.echo == "Answers")] | length == $n' >/dev/null || return 1
	done
}

nd_paths() { # nd_paths VIP N: so many nodes attract
	[ "$(lab_vtysh "show ip route $1/32 json" | jq --arg p "$1/32" '.[$p][0].nexthops | length')" = "$2" ]
}
nd_paths_are() { lab_until 90 nd_paths "$ND_VIP" "${#ND_ATTRACT[@]}" || { lab_vtysh "show bgp summary"; return 1; }; }

# --- connections --------------------------------------------------------------------------------------

# nd_keep NAME: ND_FLOWS connections that live until nd_kept; returns when each has had an answer.
nd_keep() {
	ND_DIR=$LAB_DIR/$1
	mkdir -p "$ND_DIR"
	lab_begin "$LAB_DIR/$1.json" client "$LAB_ROOT/build/tests/conns" keep "$ND_VIP" 80 "$ND_FLOWS" "$ND_SEED" "$ND_DIR" "${ND_FROM[@]}"
	ND_CLIENT=$LAB_PID ND_BEGUN=$SECONDS
	lab_until 300 test -e "$ND_DIR/ready" || { tail -n 3 "$LAB_DIR/$1.json.err"; return 1; }
}

# nd_kept NAME: each says something once more; what became of them is said. False if the client itself failed.
nd_kept() {
	touch "$ND_DIR/stop"
	wait "$ND_CLIENT" || { tail -n 3 "$LAB_DIR/$1.json.err"; return 1; }
	say "$(jq -c '{flows, kept, ended, refused, foreign, exchanges, lost: (.lost | length)}' "$LAB_DIR/$1.json")"
	say "$(jq -c '"cut, of each pod: \(.lost | group_by(.[0]) | map({(.[0][0]): length}) | add // {}), first: \(.lost[:3])"' "$LAB_DIR/$1.json")"
	[ "$ND_PLANE" != lodestone ] || nd_traces "$1"
}

# nd_traces NAME: whose the nodes think that the first of those are that were cut.
nd_traces() {
	local from port node
	jq -r '.lost[:3][] | "\(.[5]) \(.[6])"' "$LAB_DIR/$1.json" >"$LAB_DIR/lost"
	while read -r from port; do
		for node in "${ND_NODES[@]}"; do
			printf '%s: ' "$node"
			lab_ctl "$node" trace --from "$from:$port" --to "$ND_VIP:80" -o json | jq -c '[.row, .settled, [.candidates[] | [.address, .node, .state, .entry]], .chosen.address]'
		done
	done <"$LAB_DIR/lost"
}

nd_note() { say "$((SECONDS - ND_BEGUN)) s: $*"; }

# --- steps --------------------------------------------------------------------------------------------

step_nodes_up() {
	local node other addr
	RANDOM=$ND_SEED
	lab_up
	for addr in "${ND_FROM[@]:1}"; do lab_in client ip addr add "$addr/24" dev eth0; done
	for node in "${LAB_NODES[@]}"; do
		for other in "${LAB_NODES[@]}"; do
			[ "$node" = "$other" ] || lab_in "$node" ip route add "${LAB_NODE_NET[$other]}.0/24" via "${LAB_NODE_ADDR[$other]}"
		done
	done
	{
		printf '%s\n' 'router bgp 64512' ' no bgp ebgp-requires-policy' ' bgp router-id 192.168.1.1' ' timers bgp 3 9'
		for node in "${LAB_NODES[@]}"; do printf ' neighbor %s remote-as 64513\n' "${LAB_NODE_ADDR[$node]}"; done
		printf '%s\n' ' address-family ipv4 unicast' '  maximum-paths 16'
	} | lab_frr_up
	"nd_tell_$ND_PLANE" && nd_slice || return 1
	for node in "${ND_NODES[@]}"; do "nd_up_$ND_PLANE" "$node" || return 1; done
	lab_until 300 "nd_ready_$ND_PLANE" && nd_paths_are || { lab_ctl node-a show nodes; lab_ctl node-a show problems; return 1; }
	say "seed $ND_SEED"
	STEP_NOTE="seed $ND_SEED, $ND_PLANE"
}

nd_count() { # nd_count NAME VIP: what so many connections come to
	lab_in client timeout 600 "$LAB_ROOT/build/tests/conns" count "$2" 80 "$ND_COUNTED" "${ND_FROM[@]}" >"$LAB_DIR/$1.json" 2>"$LAB_DIR/$1.json.err" || return 1
	say "$(jq -c '[.pods, .refused, .foreign]' "$LAB_DIR/$1.json")"
	jq -e '.refused == 0 and .foreign == 0 and (.pods | length == 16)' "$LAB_DIR/$1.json" >/dev/null
}
nd_shares() { jq -r '(.flows / 16) as $mean | [.pods[]] | "\(min / $mean * 1000 | round / 10) to \(max / $mean * 1000 | round / 10) %"' "$LAB_DIR/$1.json"; }

# A sixteenth, give or take a tenth of it; of few connections what chance does to them besides, four times its deviation.
step_nodes_even() {
	nd_count even "$ND_VIP" || return 1
	STEP_NOTE="of $ND_COUNTED with $ND_ROWS rows $(nd_shares even) of a share each"
	jq -e '(.flows / 16) as $mean | ([$mean / 10, 4 * ($mean * 15 / 16 | sqrt)] | max) as $off |
		all(.pods[]; . >= $mean - $off and . <= $mean + $off)' "$LAB_DIR/even.json" >/dev/null
}

nd_leave() {
	nd_shuffle "${ND_ATTRACT[@]}"
	ND_ATTRACT=("${ND_LIST[@]:1}")
	nd_note "${ND_LIST[0]} leaves the router"
	"nd_tell_$ND_PLANE" && nd_paths_are
}
nd_join() {
	ND_NODES+=(node-i) ND_ATTRACT+=(node-i)
	nd_note "node-i comes"
	"nd_tell_$ND_PLANE" && "nd_up_$ND_PLANE" node-i && nd_paths_are && lab_until 90 "nd_ready_$ND_PLANE"
}
nd_add() {
	nd_shuffle "${ND_NODES[@]}"
	nd_pod_comes "${ND_LIST[0]}" || return 1
	nd_note "$ND_POD comes"
	nd_slice
}
nd_drain() {
	nd_in_state ready
	nd_shuffle "${ND_LIST[@]}"
	nd_note "${ND_LIST[0]} drains"
	nd_pod_drains "${ND_LIST[0]}"
	nd_slice
}

# The four of them, a second apart at least.
nd_changes() {
	local change changes
	nd_shuffle leave join add drain
	changes=("${ND_LIST[@]}")
	for change in "${changes[@]}"; do
		"nd_$change" || return 1
		sleep 1
	done
}

# What is promised: docs/dataplane.md. So few are cut, of whose owner the first packet behind a change finds nothing, if any.
nd_stay() { # nd_stay NAME
	jq -e --argjson n "$ND_FLOWS" '(.lost | length) * 1000 <= 5 * $n and .kept == $n - (.lost | length) and .foreign == 0' "$LAB_DIR/$1.json" >/dev/null
}

step_nodes_changes() {
	nd_keep changes && nd_changes || return 1
	sleep 4 # until those who speak have done so
	nd_kept changes || return 1
	STEP_NOTE="$(jq -r '"\(.exchanges) exchanges of \(.flows) connections, \(.lost | length) cut"' "$LAB_DIR/changes.json")"
	nd_stay changes
}

# Each pod that is there is replaced, as a Deployment does it: of a quarter at a time the successors come, and when these are ready the
# quarter drains.
nd_rollout() {
	local at pod pods
	nd_in_state ready
	nd_shuffle "${ND_LIST[@]}"
	pods=("${ND_LIST[@]}")
	nd_note "each of ${#pods[@]} pods is replaced, $ND_SURGE at a time"
	for ((at = 0; at < ${#pods[@]}; at += ND_SURGE)); do
		for pod in "${pods[@]:at:ND_SURGE}"; do nd_pod_comes "node-${pod:0:1}" || return 1; done
		nd_slice
		sleep 1
		for pod in "${pods[@]:at:ND_SURGE}"; do nd_pod_drains "$pod"; done
		nd_slice
		sleep 1
		nd_pods_end
	done
	while [ ${#ND_ENDS[@]} -gt 0 ]; do
		sleep 0.3
		nd_pods_end
	done
	nd_note "the last of them has ended"
}

step_nodes_rollout() {
	local out=$LAB_DIR/rollout.json
	nd_keep rollout && nd_changes && nd_rollout || return 1
	sleep 5
	nd_kept rollout || return 1
	STEP_NOTE="$(jq -r --argjson n "$ND_FLOWS" '"seed '"$ND_SEED"', '"$ND_PLANE"': of \($n) places \($n - (.lost | length)) never cut (\(($n - (.lost | length)) * 1000 / $n | round / 10) %); \(.flows) connections"' "$out")"
	[ "$ND_PLANE" = lodestone ] || return 0
	nd_stay rollout && jq -e --argjson n "$ND_FLOWS" '.ended >= $n / 2' "$out" >/dev/null
}
