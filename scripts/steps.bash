# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The steps of the demo, which are the lab's assertions as well. Each step_* function returns 0 if it
# held, says in plain words what it did and saw, and leaves the network as the next one expects it.
#
# Input: the production set of MetalLB's documentation as users write it (tests/samples/S1-*), with
# `enableGracefulRestart: true` on the peer and policy Local on the Service.

VIP=192.168.100.1
STEP_RESULTS=()

# run_step NAME TITLE FUNCTION: a step that failed has as its note the last that it said.
run_step() {
	local start=$SECONDS result=ok
	printf '\n== %s\n' "$2"
	STEP_NOTE='' SAID=''
	"$3" || {
		result=FAILED
		STEP_NOTE="${SAID:-said nothing}${STEP_NOTE:+; $STEP_NOTE}"
		step_figures
	}
	STEP_RESULTS+=("$result|$1|$((SECONDS - start))|${STEP_NOTE//$'\n'/ }")
	[ "$result" = ok ]
}

# What the nodes dropped and let pass, by reason, and the requests that failed: for a step that did.
step_figures() {
	local node file
	[ -n "$LAB_DIR" ] || return 0
	for node in "${LAB_NODES[@]}"; do
		say "$node: $(lab_ctl "$node" status -o json 2>&1 |
			jq -c '[.. | objects | (.drops?, .passed?) // empty | with_entries(select(.value != 0))]' 2>&1)"
	done
	for file in "$LAB_DIR"/*.json; do
		jq -r --arg f "${file##*/}" 'select(type == "object" and (.failed | length? > 0)) |
			"  \($f): \(.failed | length) of \(.requests // .flows // .pairs) failed, first \(.failed[:3])"' \
			"$file" 2>/dev/null
	done
}

# steps_summary NAME: the table, and a closing line that begins with the name.
steps_summary() {
	local row result name secs note failed=0
	printf '\n%-8s %-24s %5s  %s\n' RESULT STEP SECS WHAT
	for row in "${STEP_RESULTS[@]}"; do
		IFS='|' read -r result name secs note <<<"$row"
		[ "$result" = ok ] || failed=$((failed + 1))
		printf '%-8s %-24s %5s  %s\n' "$result" "$name" "$secs" "$note"
	done
	STEPS_PASSED=$((${#STEP_RESULTS[@]} - failed)) STEPS_FAILED=$failed
	printf '\n%s: %s steps held, %s failed\n' "$1" "$STEPS_PASSED" "$STEPS_FAILED"
	[ "$failed" -eq 0 ] && [ "$STEPS_PASSED" -gt 0 ] # none is none that held
}

# The network at work, on which all else stands.
steps_begin() {
	run_step network "A network: client, router (FRR), two nodes, four pods" step_network &&
		run_step sessions "BGP sessions, with the password from a Secret" step_sessions &&
		run_step route "The VIP on the router: next hops and communities" step_route
}

steps_all() {
	steps_begin &&
		run_step balance "1,000 requests, four pods, the client's own address" step_balance &&
		run_step pod-removed "A pod leaves its EndpointSlice under traffic" step_pod_removed &&
		run_step node-emptied "All pods of one node leave" step_node_emptied &&
		run_step agents-killed "Both agents killed with -9 and started again" step_agents_killed
}

# --- configuration ------------------------------------------------------------------------------------

samples() {
	local s
	for s in "$@"; do
		cat "$LAB_ROOT/tests/samples/S1-bgp-production-$s.yaml"
		printf -- '---\n'
	done
}

HEALTH_PORT=30999
# health_is NODE STATUS: what the node's health-check port answers the client; none: nobody listens.
health_is() {
	local got
	got=$(lab_in client bash -c "exec 3<>/dev/tcp/${LAB_NODE_ADDR[$1]}/$HEALTH_PORT &&
		printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3" 2>"$LAB_DIR/health.err" |
		tr -d '\r' | cut -d ' ' -f 2)
	[ "${got:-none}" = "$2" ]
}

write_config() {
	local dir=$LAB_DIR/config
	samples 01 >"$dir/pool.yaml"
	# S1-03 with the password of S1-04.
	samples 03 | sed -e 's/^  holdTime: 90s/  password: bgp-auth-secret\n  enableGracefulRestart: true\n&/' \
		>"$dir/peer.yaml"
	samples 05 >"$dir/secret.yaml"
	samples 09 10 >"$dir/advertisement.yaml"
	samples 14 | sed -e "s/^  type: LoadBalancer/&\n  externalTrafficPolicy: Local/" \
		-e "s/^  type: LoadBalancer/&\n  healthCheckNodePort: $HEALTH_PORT/" \
		>"$dir/service.yaml"
	write_slices a1 a2 b1 b2
}

# write_slices POD...: the Service's EndpointSlice with these pods, replaced in one rename.
write_slices() {
	local pod node file=$LAB_DIR/config/slices.yaml
	{
		printf '%s\n' 'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' 'metadata:' \
			'  name: nginx-lb-1' '  namespace: default' '  labels:' \
			'    kubernetes.io/service-name: nginx-lb' 'addressType: IPv4' \
			'ports: [{name: "", port: 80, protocol: TCP}]'
		if [ $# -eq 0 ]; then echo 'endpoints: []'; else echo 'endpoints:'; fi
		for pod in "$@"; do
			case $pod in a*) node="node-a" ;; *) node="node-b" ;; esac
			printf '%s\n' "- addresses: [${LAB_POD_ADDR[$pod]}]" \
				"  nodeName: $node" '  conditions: {ready: true}'
		done
	} >"$file.new"
	mv "$file.new" "$file"
}

# write_local_service NAME "PROTOCOL/PORT..." POD...: a Service of its own in front of these pods, policy Local.
write_local_service() {
	local name=$1 port pod ports="" file=$LAB_DIR/config/$1.yaml
	for port in $2; do ports+="{name: ${port,,}, port: ${port#*/}, protocol: ${port%/*}}, "; done
	ports=${ports//\//-}
	shift 2
	{
		printf '%s\n' 'apiVersion: v1' 'kind: Service' "metadata: {name: $name, namespace: default}" \
			"spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [$ports]}" '---' \
			'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
			"metadata: {name: $name-1, namespace: default, labels: {kubernetes.io/service-name: $name}}" \
			'addressType: IPv4' "ports: [$ports]" 'endpoints:'
		for pod in "$@"; do
			echo "- {addresses: [${LAB_POD_ADDR[$pod]}], nodeName: node-${pod:0:1}, conditions: {ready: true}}"
		done
	} >"$LAB_DIR/service.new"
	mv "$LAB_DIR/service.new" "$file"
}

write_frr_config() {
	cat <<'FRR'
frr defaults traditional
hostname router
router bgp 64512
 bgp router-id 192.168.1.1
 bgp log-neighbor-changes
 no bgp ebgp-requires-policy
 neighbor 192.168.1.10 remote-as 64513
 neighbor 192.168.1.10 password your-secure-password
 neighbor 192.168.1.11 remote-as 64513
 neighbor 192.168.1.11 password your-secure-password
 address-family ipv4 unicast
  maximum-paths 8
 exit-address-family
FRR
}

# --- questions to the router and the agents -----------------------------------------------------------

# Next hops of the VIP in the router's BGP table, sorted, on one line.
vip_next_hops() {
	lab_vtysh "show bgp ipv4 unicast $VIP/32 json" 2>/dev/null |
		jq -r '[.paths[]? | select(.valid) | .nexthops[0].ip] | sort | join(" ")' 2>/dev/null
}
vip_next_hops_are() { [ "$(vip_next_hops)" = "$1" ]; }

vip_communities() {
	lab_vtysh "show bgp ipv4 unicast $VIP/32 json" 2>/dev/null |
		jq -r '[.paths[].community.list | sort | join(",")] | unique | join(" | ")' 2>/dev/null
}

# What the router's kernel forwards by.
vip_fib() { lab_in router ip -4 route show "$VIP"; }
vip_fib_has() { vip_fib | grep -qF "$1"; }
vip_fib_is_only() { vip_fib_has "$1" && ! vip_fib_has "$2"; }

peer_state() { lab_ctl "$1" show peers -o json 2>/dev/null | jq -r '.[] | select(.name == "router-primary").state'; }
peer_is_established() { [ "$(peer_state "$1")" = Established ]; }
frr_peers_established() {
	[ "$(lab_vtysh 'show bgp summary json' | jq '[.ipv4Unicast.peers[] | select(.state == "Established")] | length')" = "$1" ]
}

ready_backends() {
	lab_ctl "$1" show services -o json | jq '[.[0].backends[] | select(.state == "ready")] | length'
}
ready_backends_are() { [ "$(ready_backends "$1")" = "$2" ]; }

# --- traffic ------------------------------------------------------------------------------------------

# traffic_start: requests at 100 a second until traffic_stop; the summary goes to $LAB_DIR/traffic.json.
traffic_start() {
	rm -f "$LAB_DIR/stop"
	lab_begin "$LAB_DIR/traffic.json" client \
		"$LAB_ROOT/build/tests/client" until "http://$VIP/" "$LAB_DIR/stop" 100 120
	TRAFFIC_PID=$LAB_PID
}
traffic_stop() {
	: >"$LAB_DIR/stop"
	wait "$TRAFFIC_PID"
	TRAFFIC_REQUESTS=$(jq .requests "$LAB_DIR/traffic.json")
	TRAFFIC_FAILED=$(jq '.failed | length' "$LAB_DIR/traffic.json")
}

# download_start N SECONDS: a download in the background; its words go to $LAB_DIR/download.N.
download_start() {
	lab_begin "$LAB_DIR/download.$1" client \
		"$LAB_ROOT/build/tests/client" download "http://$VIP/download?seconds=$2"
	DOWNLOAD_PID[$1]=$LAB_PID
}
declare -A DOWNLOAD_PID
download_pod() { awk '$1 == "pod" {print $2}' "$LAB_DIR/download.$1" 2>/dev/null; }
download_has_pod() { [ -n "$(download_pod "$1")" ]; }
download_finished() { wait "${DOWNLOAD_PID[$1]}"; }

# --- steps --------------------------------------------------------------------------------------------

step_network() {
	lab_up
	write_config
	write_frr_config | lab_frr_up
	lab_agent_up node-a
	lab_agent_up node-b
	say "client 10.9.0.2 - router 192.168.1.1 (AS 64512) - node-a .10 and node-b .11 (AS 64513)"
	say "configuration: $(cd "$LAB_DIR/config" && echo ./*.yaml)"
	STEP_NOTE="two agents started"
}

step_sessions() {
	local node
	for node in "${LAB_NODES[@]}"; do
		lab_until 15 peer_is_established "$node" || {
			say "$node: $(lab_ctl "$node" show peers 2>&1)"
			tail -n 20 "$LAB_DIR/$node.log"
			return 1
		}
		lab_ctl "$node" show peers | sed "s/^/  $node  /"
	done
	lab_until 10 frr_peers_established 2 || return 1
	say "FRR agrees: both neighbours Established, MD5 key taken from Secret bgp-auth-secret"
	STEP_NOTE="2 of 2 Established on both ends"
}

step_route() {
	local communities
	lab_until 15 vip_next_hops_are "192.168.1.10 192.168.1.11" || {
		say "next hops on the router: '$(vip_next_hops)'"
		lab_ctl node-a show problems
		lab_ctl node-a status
		return 1
	}
	lab_until 10 vip_fib_has 192.168.1.11 || return 1
	communities=$(vip_communities)
	say "$VIP/32 via $(vip_next_hops), communities $communities"
	vip_fib | sed 's/^/  router FIB: /'
	STEP_NOTE="communities $communities"
	[ "$communities" = "64512:100,64512:200,noExport" ]
}

# Each backend was sent packets, and those of a VIP's backends add up to the VIP's.
counters_agree() {
	local node
	for node in "${LAB_NODES[@]}"; do
		lab_ctl "$node" show services -o json |
			jq -e '.[0] | ([.backends[].packets] | min) > 100 and ([.backends[].packets] | add) == .packets' \
				>/dev/null || return 1
	done
}

step_balance() {
	local out=$LAB_DIR/balance.json
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$VIP/" 1000 >"$out"
	say "pods: $(jq -c .pods "$out")"
	say "client addresses seen by the pods: $(jq -c .clients "$out")"
	jq -r '.failed[:5][] | "  failed: \(.[2])"' "$out"
	lab_ctl node-a show services | sed 's/^/  node-a  /'
	lab_in client ping -c 5 -i 0.2 -W 1 "$VIP" >"$LAB_DIR/ping.txt" || { cat "$LAB_DIR/ping.txt"; return 1; }
	say "ping: $(tail -n 1 "$LAB_DIR/ping.txt")"
	counters_agree || { lab_ctl node-a show services -o json; return 1; }
	STEP_NOTE="$(jq -r '"\(.requests) requests, \(.failed | length) failed, \(.pods | length) pods"' "$out")"
	jq -e '(.failed | length) == 0 and (.pods | length) == 4 and ([.pods[]] | min) >= 100 and
		(.clients | keys) == ["10.9.0.2"]' "$out" >/dev/null
}

step_pod_removed() {
	local pod rest
	download_start removed 6
	lab_until 5 download_has_pod removed || return 1
	pod=$(download_pod removed)
	say "a download runs from pod $pod; requests run at 100 a second"
	traffic_start
	sleep 1
	rest=$(printf '%s\n' a1 a2 b1 b2 | grep -vx "$pod")
	# shellcheck disable=SC2086
	write_slices $rest
	say "pod $pod removed from its EndpointSlice"
	download_finished removed || { say "the download: $(tail -n 1 "$LAB_DIR/download.removed")"; return 1; }
	say "the download from $pod finished"
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$VIP/" 200 >"$LAB_DIR/after.json"
	traffic_stop
	say "new requests go to: $(jq -c .pods "$LAB_DIR/after.json")"
	say "requests meanwhile: $TRAFFIC_REQUESTS, failed: $TRAFFIC_FAILED"
	write_slices a1 a2 b1 b2
	STEP_NOTE="$TRAFFIC_REQUESTS requests, $TRAFFIC_FAILED failed, download finished"
	lab_until 5 ready_backends_are node-a 2 && lab_until 5 ready_backends_are node-b 2 || return 1
	[ "$TRAFFIC_FAILED" -eq 0 ] && [ "$TRAFFIC_REQUESTS" -gt 200 ] &&
		jq -e --arg pod "$pod" '(.failed | length) == 0 and (.pods | has($pod) | not)' \
			"$LAB_DIR/after.json" >/dev/null
}

# Downloads that began on node-b must go on when node-a's pods go; those on node-a end with its route,
# which is what policy Local means.
# some_download_is_on_b N: of the first N.
some_download_is_on_b() {
	local i
	for ((i = 1; i <= $1; i++)); do
		case $(download_pod "$i") in b*) return 0 ;; esac
	done
	return 1
}
step_node_emptied() {
	local i n=6 withdrawn late on_b=0 cut=0
	for i in 1 2 3 4 5 6; do download_start "$i" 6; done
	for i in 1 2 3 4 5 6; do lab_until 5 download_has_pod "$i" || return 1; done
	# One of 64 times the router's hash gives all of them to node-a.
	while [ "$n" -lt 30 ] && ! some_download_is_on_b "$n"; do
		n=$((n + 1))
		download_start "$n" 6
		lab_until 5 download_has_pod "$n" || return 1
	done
	traffic_start
	sleep 1
	health_is node-a 200 || { say "node-a's health check: $(cat "$LAB_DIR/health.err")"; return 1; }
	write_slices b1 b2
	lab_until 2 health_is node-a 503 && health_is node-b 200 || return 1
	lab_until 10 vip_fib_is_only 192.168.1.11 192.168.1.10 || { say "FIB: $(vip_fib)"; return 1; }
	withdrawn=$(date +%s.%N)
	say "pods a1 and a2 removed: node-a withdrew its route, the router has $(vip_next_hops)"
	for ((i = 1; i <= n; i++)); do
		case $(download_pod "$i") in
		b*)
			on_b=$((on_b + 1))
			download_finished "$i" || cut=$((cut + 1))
			;;
		*) lab_kill TERM "${DOWNLOAD_PID[$i]}" ;;
		esac
	done
	traffic_stop
	late=$(jq --argjson t "$withdrawn" '[.failed[] | select(.[0] > $t)] | length' "$LAB_DIR/traffic.json")
	say "downloads on node-b: $on_b, cut: $cut"
	say "requests: $TRAFFIC_REQUESTS, of those begun after the withdrawal failed: $late"
	say "failed in flight on node-a while its route went: $((TRAFFIC_FAILED - late))"
	write_slices a1 a2 b1 b2
	STEP_NOTE="withdrawn; $late new requests failed, $cut of $on_b downloads on node-b cut"
	lab_until 15 vip_fib_has 192.168.1.10 || return 1
	[ "$on_b" -gt 0 ] && [ "$late" -eq 0 ] && [ "$cut" -eq 0 ] && [ $((TRAFFIC_FAILED - late)) -le 5 ] &&
		[ "$TRAFFIC_REQUESTS" -gt 200 ]
}

step_agents_killed() {
	local node monitor gone
	lab_until 10 vip_next_hops_are "192.168.1.10 192.168.1.11" || return 1
	lab_spawn "$LAB_DIR/routes.log" router ip -ts monitor route
	monitor=$LAB_PID
	download_start restart 8
	lab_until 5 download_has_pod restart || return 1
	traffic_start
	sleep 1
	for node in "${LAB_NODES[@]}"; do lab_kill KILL "${LAB_AGENT_PID[$node]}"; done
	say "both agents killed with -9; a download from pod $(download_pod restart) goes on"
	sleep 2
	say "meanwhile the router still has $(vip_next_hops)"
	for node in "${LAB_NODES[@]}"; do lab_agent_up "$node"; done
	for node in "${LAB_NODES[@]}"; do lab_until 15 peer_is_established "$node" || return 1; done
	say "started again, sessions re-established, programs adopted: $(lab_ctl node-a status -o json | jq -r .dataplane.programsAdopted)"
	download_finished restart || { say "the download: $(tail -n 1 "$LAB_DIR/download.restart")"; return 1; }
	traffic_stop
	lab_kill TERM "$monitor"
	gone=$(grep -c "^.*Deleted $VIP" "$LAB_DIR/routes.log")
	say "the download finished; requests: $TRAFFIC_REQUESTS, failed: $TRAFFIC_FAILED; routes deleted: $gone"
	STEP_NOTE="$TRAFFIC_REQUESTS requests, $TRAFFIC_FAILED failed, route deleted $gone times"
	lab_until 5 vip_next_hops_are "192.168.1.10 192.168.1.11" || return 1
	[ "$TRAFFIC_FAILED" -eq 0 ] && [ "$TRAFFIC_REQUESTS" -gt 300 ] && [ "$gone" -eq 0 ]
}
