# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Symptoms of docs/troubleshooting.md that no other step brings about: each is made, seen as who is on call sees it, by the
# command of the page, and mended as the page says. On the demo's network.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

symptoms_all() {
	run_step symptom-pending "EXTERNAL-IP stays pending" step_symptom_pending &&
		run_step symptom-ttl "TTL security at one end only" step_symptom_ttl &&
		run_step symptom-unheard "A peer by interface, and a router that is silent there" step_symptom_unheard &&
		run_step symptom-other-peers "Established, and no route: the advertisement is for others" step_symptom_other_peers &&
		run_step symptom-held-back "An alias that nobody defines" step_symptom_held_back &&
		run_step symptom-one-node "One node gets all: no maximum-paths" step_symptom_one_node &&
		run_step symptom-hang "Unfinished checksums: the VIP hangs, the pod answers" step_symptom_hang &&
		run_step symptom-restart "A restart moves traffic: no graceful restart" step_symptom_restart
}

# sy_says COMMAND... -- PATTERN: lodectl at node-a says so.
sy_says() {
	local words=()
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	lab_ctl node-a "${words[@]}" >"$LAB_DIR/says" 2>&1
	grep -E -- "$2" "$LAB_DIR/says"
}
# sy_said SECONDS COMMAND... -- PATTERN: within that time; the line is shown.
sy_said() {
	lab_until "$1" sy_says "${@:2}" || { cat "$LAB_DIR/says"; return 1; }
	say "lodectl ${*:2:$#-3}: $(sy_says "${@:2}" | head -n 1 | cut -c 1-200)"
	STEP_NOTE=$SAID
}
sy_both_lead() { lab_until "${1:-20}" vip_next_hops_are "192.168.1.10 192.168.1.11"; }
sy_put() {
	cat >"$LAB_DIR/symptom.new"
	mv "$LAB_DIR/symptom.new" "$LAB_DIR/config/$1.yaml"
}

step_symptom_pending() {
	sy_put symptom <<-'YAML'
		apiVersion: v1
		kind: Service
		metadata: {name: poolless, namespace: default, annotations: {metallb.io/address-pool: none-such}}
		spec: {type: LoadBalancer, ports: [{port: 80}]}
	YAML
	sy_said 10 explain service default/poolless -- 'noIPAllocated' &&
		sy_said 10 explain service default/poolless -- 'Service/default/poolless.*none-such' || return 1
	rm "$LAB_DIR/config/symptom.yaml"
}

# sy_peer SPEC [ANNOTATIONS]: one more BGPPeer, of this node alone.
sy_peer() {
	sy_put symptom <<-YAML
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: symptom, namespace: metallb-system, annotations: {${2-}}}
		spec: {myASN: 64513, peerASN: 64512, $1, nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-a}}]}
	YAML
}
step_symptom_ttl() {
	lab_in router ip addr add 192.168.1.2/32 dev br0
	sy_peer 'peerAddress: 192.168.1.2, password: your-secure-password' 'lodestone.io/ttl-security: "1"'
	sy_said 20 explain peer symptom -- 'too small a TTL' || return 1
	rm "$LAB_DIR/config/symptom.yaml"
	lab_in router ip addr del 192.168.1.2/32 dev br0
	sy_both_lead
}

step_symptom_unheard() {
	sy_peer 'interface: eth0'
	sy_said 20 explain peer symptom -- 'no router advertisement was heard' || return 1
	rm "$LAB_DIR/config/symptom.yaml"
}

step_symptom_other_peers() {
	local file=$LAB_DIR/config/advertisement.yaml
	cp "$file" "$LAB_DIR/good.yaml"
	sy_peer 'peerAddress: 192.168.1.99'
	sed 's/^  ipAddressPools:/  peers: [symptom]\n&/' "$LAB_DIR/good.yaml" >"$LAB_DIR/symptom.new"
	mv "$LAB_DIR/symptom.new" "$file"
	lab_until 20 vip_next_hops_are "" || { say "next hops: $(vip_next_hops)"; return 1; }
	peer_is_established node-a && sy_said 10 explain peer router-primary -- 'noMatchingPeer' || return 1
	mv "$LAB_DIR/good.yaml" "$file"
	rm "$LAB_DIR/config/symptom.yaml"
	sy_both_lead
}

step_symptom_held_back() {
	sy_put symptom <<-'YAML'
		apiVersion: metallb.io/v1beta1
		kind: BGPAdvertisement
		metadata: {name: symptom, namespace: metallb-system}
		spec: {communities: [nobody-defines-me], aggregationLength: 28}
	YAML
	sy_said 10 explain service default/nginx-lb -- '^symptom +no +advertisementHeldBack' &&
		sy_said 10 show problems -- 'BGPAdvertisement/metallb-system/symptom.*nobody-defines-me' || return 1
	rm "$LAB_DIR/config/symptom.yaml"
	[ "$(lab_ctl node-a show routes -o json | jq length)" = 1 ]
}

# sy_pods: those that answer 60 requests.
sy_pods() { lab_in client "$LAB_ROOT/build/tests/client" requests "http://$VIP/" 60 | jq -c '[.pods | keys[]] | sort'; }
sy_pods_are() { [ "$(sy_pods)" = "$1" ]; }
sy_paths() { lab_vtysh $'configure terminal\nrouter bgp 64512\naddress-family ipv4 unicast\nmaximum-paths '"$1" >/dev/null; }
step_symptom_one_node() {
	local pods
	sy_paths 1
	lab_until 10 sy_one_next_hop || { vip_fib; return 1; }
	pods=$(sy_pods)
	STEP_NOTE="60 requests reach $pods"
	say "$STEP_NOTE"
	[ "$pods" = '["a1","a2"]' ] || [ "$pods" = '["b1","b2"]' ] || return 1
	sy_paths 8
	lab_until 20 sy_pods_are '["a1","a2","b1","b2"]'
}
sy_one_next_hop() { [ "$(vip_fib | grep -c 192.168.1)" = 1 ]; }

# The client and the router's port leave checksums to a card that never comes; node-a's end of the cable to the pod has them finished.
sy_offload() {
	local port
	lab_in client ethtool -K eth0 tx "$1" >/dev/null
	for port in to-node-a to-node-b; do lab_in router ethtool -K "$port" tx "$1" >/dev/null; done
}
sy_answers() { lab_in client curl -sS --max-time 2 -o "$LAB_DIR/hang.out" "http://$1/"; }
sy_hangs() { ! sy_answers "$VIP"; }
sy_sum_errors() { lab_in "$1" nstat -asz TcpInCsumErrors | awk '$1 == "TcpInCsumErrors" { print $2 }'; }
step_symptom_hang() {
	local pod before=0 after=0
	for pod in a1 a2 b1 b2; do before=$((before + $(sy_sum_errors "$pod"))); done
	lab_in router ip route add 10.244.1.11 via 192.168.1.10
	sy_offload on
	lab_until 10 sy_hangs || { sy_offload off; say "it answers"; return 1; }
	sy_answers 10.244.1.11 || { sy_offload off; say "the pod does not answer either"; return 1; }
	for pod in a1 a2 b1 b2; do after=$((after + $(sy_sum_errors "$pod"))); done
	lab_in client ethtool -K eth0 tx off >/dev/null # the sending end
	lab_until 10 sy_answers "$VIP" || { sy_offload off; return 1; }
	sy_offload off
	lab_in router ip route del 10.244.1.11 via 192.168.1.10
	STEP_NOTE="$((after - before)) wrong sums at the pods; then tx off at the client"
	[ "$after" -gt "$before" ]
}

step_symptom_restart() {
	local file=$LAB_DIR/config/peer.yaml
	sed -i 's/^  enableGracefulRestart: true/  enableGracefulRestart: false/' "$file"
	lab_until 30 sy_no_graceful && sy_both_lead 30 || return 1
	lab_kill TERM "${LAB_AGENT_PID[node-a]}"
	lab_until 10 vip_next_hops_are 192.168.1.11 || { say "next hops: $(vip_next_hops)"; return 1; }
	lab_agent_up node-a
	sy_both_lead 30 || return 1
	STEP_NOTE="the router forgot the route at once"
	sed -i 's/^  enableGracefulRestart: false/  enableGracefulRestart: true/' "$file"
	lab_until 30 sy_graceful && sy_both_lead 30 || return 1
	lab_kill TERM "${LAB_AGENT_PID[node-a]}"
	sleep 2
	vip_next_hops_are "192.168.1.10 192.168.1.11" || { say "next hops: $(vip_next_hops)"; return 1; }
	STEP_NOTE="$STEP_NOTE; with graceful restart it stays"
	lab_agent_up node-a
	lab_until 15 peer_is_established node-a
}
sy_offers() {
	lab_vtysh 'show bgp neighbors 192.168.1.10 json' |
		jq -r '.["192.168.1.10"] | select(.bgpState == "Established") | .neighborCapabilities.gracefulRestart // "none"'
}
sy_graceful() { sy_offers | grep -qi received; }
sy_no_graceful() { [ -n "$(sy_offers)" ] && ! sy_graceful; }
