# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Bad input on a network that works: each bad thing must become a problem that names object, field,
# reason and remedy, and cost nothing else, also when the agent is restarted while it is there. Runs
# behind the demo's steps, on node-a; node-b goes on meanwhile.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

bad_input_all() {
	run_step bad-objects "Bad objects cost only themselves" step_bad_objects &&
		run_step bad-restart "... also when the agent starts while they are there" step_bad_restart &&
		run_step bad-hooks "A foreign program in front, and a bridge, which has no XDP" step_bad_hooks &&
		run_step last-good "The last good version of an object stays in force" step_last_good &&
		run_step wrong-password "A router that drops what we sign is not just silent" step_wrong_password &&
		run_step check "lodestoned --check says the same, with file and line" step_check
}

write_bad_objects() {
	local dir=$LAB_DIR/config
	cat >"$dir/bad-yaml.yaml" <<'YAML'
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: broken
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: beside-the-broken-one, namespace: metallb-system}
spec: {addresses: [192.168.200.0/30], autoAssign: false}
YAML
	cat >"$dir/bad-kind.yaml" <<'YAML'
apiVersion: metallb.io/v1beta1
kind: BGPCommunity
metadata: {name: not-a-kind, namespace: metallb-system}
spec: {}
YAML
	cat >"$dir/bad-field.yaml" <<'YAML'
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: odd-field, namespace: metallb-system}
spec:
  addresses: [192.168.201.0/30]
  avoidBuggyIps: true
  autoAssign: false
YAML
	cat >"$dir/bad-pool.yaml" <<'YAML'
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: tiny, namespace: metallb-system}
spec: {addresses: [192.168.202.1-192.168.202.1], autoAssign: false}
---
apiVersion: v1
kind: Service
metadata: {name: first, namespace: default, annotations: {metallb.io/address-pool: tiny}}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: second, namespace: default, annotations: {metallb.io/address-pool: tiny}}
spec: {type: LoadBalancer, ports: [{port: 80}]}
YAML
	cat >"$dir/bad-peer.yaml" <<'YAML'
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: refuses, namespace: metallb-system}
spec: {myASN: 64513, peerASN: 64999, peerAddress: 10.9.0.1, peerPort: 1790, ebgpMultiHop: true}
YAML
}

# problem NODE NAME REASON: the problem's JSON, if it is complete.
problem() {
	lab_ctl "$1" show problems -o json |
		jq -e --arg n "$2" --arg r "$3" \
			'[.[] | select(.name == $n and .reason == $r and .message != null and .remedy != null)][0] // empty'
}

problem_in_file() {
	lab_ctl "$1" show problems -o json |
		jq -e --arg f "$2" '[.[] | select((.source // "") | contains($f)) |
			select(.reason != null and .remedy != null)][0] // empty'
}

say_problem() { jq -r '"  \(.source // "-"): \(.kind // "-")/\(.name // "-"): \(.field // "-"): \(.message); \(.remedy)"' <<<"$1"; }

bad_objects_are_told() {
	local p
	p=$(problem_in_file "$1" bad-yaml.yaml) && say_problem "$p" || return 1
	p=$(problem_in_file "$1" bad-kind.yaml) && say_problem "$p" || return 1
	p=$(problem "$1" odd-field UnknownField) && say_problem "$p" &&
		jq -e '.field | contains("avoidBuggyIps")' <<<"$p" >/dev/null || return 1
	p=$(problem "$1" second PoolExhausted) && say_problem "$p" || return 1
	p=$(problem "$1" refuses PeerNotEstablished) && say_problem "$p" || return 1
	lab_ctl "$1" show pools -o json | jq -e '[.[].name] | contains(["beside-the-broken-one"])' >/dev/null
}

still_serves() {
	local out=$LAB_DIR/serves.json
	vip_next_hops_are "192.168.1.10 192.168.1.11" || return 1
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$VIP/" 100 >"$out"
	jq -e '(.failed | length) == 0 and (.pods | length) == 4' "$out" >/dev/null
}

step_bad_objects() {
	lab_until 10 vip_next_hops_are "192.168.1.10 192.168.1.11" || return 1
	traffic_start
	write_bad_objects
	lab_until 20 bad_objects_are_told node-a || { lab_ctl node-a show problems; traffic_stop; return 1; }
	bad_objects_are_told node-a
	still_serves || { traffic_stop; return 1; }
	traffic_stop
	say "meanwhile $TRAFFIC_REQUESTS requests, failed: $TRAFFIC_FAILED"
	STEP_NOTE="5 problems told, $TRAFFIC_FAILED of $TRAFFIC_REQUESTS requests failed"
	[ "$TRAFFIC_FAILED" -eq 0 ]
}

step_bad_restart() {
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	lab_agent_up node-a
	lab_until 15 peer_is_established node-a || return 1
	lab_until 20 bad_objects_are_told node-a || return 1
	lab_until 10 still_serves || { vip_fib; return 1; }
	rm -f "$LAB_DIR"/config/bad-*.yaml
	STEP_NOTE="the same problems, the VIP still announced"
	lab_until 10 no_problems_left node-a
}
no_problems_left() {
	lab_ctl "$1" show problems -o json | jq -e '[.[] | select(.severity == "error")] | length == 0' >/dev/null
}

# A foreign XDP program owns node-a's uplink before our agent starts: the node announces nothing and
# says why; the other node serves. When the program goes, the node comes back by itself.
step_bad_hooks() {
	local p
	lab_kill TERM "${LAB_AGENT_PID[node-a]}"
	lab_in node-a "$LAB_ROOT/build/lodestoned" --cleanup --pin "$(lab_pin node-a)" || return 1
	lab_in node-a ip link add plain0 type bridge
	lab_in node-a ip link set plain0 up
	lab_xdp_pass node-a eth0 || return 1
	cat >"$LAB_DIR/config/bad-hooks.yaml" <<'YAML'
apiVersion: lodestone.io/v1alpha1
kind: LodestoneConfig
metadata: {name: node-a}
spec: {dataplane: {uplinks: [eth0, plain0]}}
YAML
	lab_agent_up node-a
	lab_until 15 problem node-a eth0 XdpBusy || { lab_ctl node-a show problems; return 1; }
	p=$(problem node-a eth0 XdpBusy) && say_problem "$p"
	lab_until 5 problem node-a plain0 UplinkIsBridge || { lab_ctl node-a show problems; return 1; }
	p=$(problem node-a plain0 UplinkIsBridge) && say_problem "$p"
	lab_until 10 peer_is_established node-a || return 1
	lab_until 10 vip_next_hops_are "192.168.1.11" || { say "next hops: $(vip_next_hops)"; return 1; }
	say "node-a keeps its session and announces nothing; node-b serves"
	lab_in node-a ip link set dev eth0 xdp off
	lab_until 45 vip_next_hops_are "192.168.1.10 192.168.1.11" || { lab_ctl node-a status; return 1; }
	say "the foreign program gone: node-a announces again, although plain0 is still a bridge"
	rm "$LAB_DIR/config/bad-hooks.yaml"
	lab_until 10 no_problems_left node-a || { lab_ctl node-a show problems; return 1; }
	lab_in node-a ip link del plain0
	STEP_NOTE="XdpBusy and UplinkIsBridge told, node back by itself"
	lab_until 10 still_serves
}

step_last_good() {
	local p file=$LAB_DIR/config/advertisement.yaml
	sed -i 's/aggregationLength: 32/aggregationLength: 99/' "$file"
	lab_until 10 problem node-a production-with-communities OutOfRange || { lab_ctl node-a show problems; return 1; }
	p=$(problem node-a production-with-communities OutOfRange) && say_problem "$p"
	sleep 1
	still_serves || return 1
	[ "$(vip_communities)" = "64512:100,64512:200,noExport" ] || return 1
	sed -i 's/aggregationLength: 99/aggregationLength: 32/' "$file"
	STEP_NOTE="the route kept its communities"
	lab_until 10 no_problems_left node-a
}

# A real FRR drops a SYN whose signature does not fit, and says nothing: neither may we leave it at that.
step_wrong_password() {
	local p begun=$SECONDS
	lab_in router ip addr add 192.168.1.2/32 dev br0
	cat >"$LAB_DIR/config/bad-password.yaml" <<'YAML'
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: silent, namespace: metallb-system}
spec: {myASN: 64513, peerASN: 64512, peerAddress: 192.168.1.2, password: not-the-one}
YAML
	lab_until 15 problem node-a silent PeerNotEstablished || { lab_ctl node-a show problems; return 1; }
	STEP_NOTE="told after $((SECONDS - begun)) s"
	p=$(problem node-a silent PeerNotEstablished) && say_problem "$p"
	lab_in router ip addr del 192.168.1.2/32 dev br0
	rm "$LAB_DIR/config/bad-password.yaml"
	jq -e '.message | contains("another MD5 password")' <<<"$p" >/dev/null && peer_is_established node-a
}

step_check() {
	local out code
	write_bad_objects
	out=$("$LAB_ROOT/build/lodestoned" --check --config "$LAB_DIR/config" --node node-a 2>&1)
	code=$?
	rm -f "$LAB_DIR"/config/bad-*.yaml
	grep -E '^[^ ]+bad-[a-z]+\.yaml:[0-9]+: ' <<<"$out" | sed 's/^/  /'
	STEP_NOTE="exit $code on errors"
	[ "$code" -eq 2 ] && grep -q 'bad-yaml.yaml:' <<<"$out" &&
		grep -qE 'bad-pool.yaml:[0-9]+: Service/second: ' <<<"$out" &&
		"$LAB_ROOT/build/lodestoned" --check --config "$LAB_DIR/config" --node node-a >/dev/null
}
