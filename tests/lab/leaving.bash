# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# How an agent reloads, leaves and comes back, against a real router: SIGHUP changes what changed,
# SIGTERM keeps the routes, SIGINT takes them at once, and the next OPEN tells the truth about it; and
# how `mode: off` leaves the data plane. Runs on node-a, behind bad_input.bash.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

leaving_all() {
	run_step sighup "SIGHUP: read again, attributes change, no session resets" step_sighup &&
		run_step sigterm "SIGTERM: routes and forwarding stay, the next OPEN has R and F" step_sigterm &&
		run_step sigint "SIGINT: withdrawn at once, the next OPEN has no R" step_sigint &&
		run_step mode-off "mode: off withdraws, drains, detaches, and announces again" step_mode_off &&
		run_step mode-off-start "mode: off at a start leaves what a former run had attached" step_mode_off_start &&
		run_step other-version "Maps of another version are left by the gates, then replaced" step_other_version &&
		run_step one-agent "A second agent and --cleanup are refused" step_one_agent &&
		run_step lost-addresses "The file of addresses is damaged: they are as they are served" step_lost_addresses &&
		run_step no-bpf "Without the right to BPF the sessions run" step_no_bpf &&
		run_step bad-state "A state folder that cannot be written" step_bad_state
}

# vip_of NODE SERVICE: the address that it has there.
vip_of() { lab_ctl "$1" show services "$2" -o json 2>/dev/null | jq -r '.[0].vip // empty'; }
has_vip() { [ -n "$(vip_of "$1" "$2")" ]; }

# A newcomer that sorts first would have the address of who lost it.
step_lost_addresses() {
	local file=$LAB_DIR/node-a/state/addresses.yaml
	lab_until 10 both_next_hops || return 1
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	grep -qF "$VIP" "$file" || { say "$file does not have $VIP"; return 1; }
	echo 'kind: [unclosed' >"$file"
	printf '%s\n' 'apiVersion: v1' 'kind: Service' 'metadata: {name: aaa, namespace: default}' \
		'spec: {type: LoadBalancer, ports: [{port: 8080}]}' >"$LAB_DIR/config/aaa.yaml"
	lab_agent_up node-a
	lab_until 15 has_vip node-a nginx-lb && lab_until 10 has_vip node-a aaa || return 1
	STEP_NOTE="nginx-lb kept $(vip_of node-a nginx-lb), the newcomer has $(vip_of node-a aaa)"
	grep 'taken from what is served' "$LAB_DIR/node-a.log" | tail -n 1
	[ "$(vip_of node-a nginx-lb)" = "$VIP" ] && [ "$(vip_of node-a aaa)" != "$VIP" ] &&
		grep -qF "$VIP" "$file" && [ -s "$file.bad" ] || return 1
	rm "$LAB_DIR/config/aaa.yaml"
	lab_until 15 both_next_hops
}

# frr_neighbor NODE FILTER: a jq filter over what FRR knows of the neighbour.
frr_neighbor() {
	lab_vtysh "show bgp neighbors ${LAB_NODE_ADDR[$1]} json" 2>/dev/null |
		jq -r ".\"${LAB_NODE_ADDR[$1]}\" | $2" 2>/dev/null
}
frr_r_bit() { frr_neighbor "$1" '.gracefulRestartInfo.rBit'; }
frr_f_bit() { frr_neighbor "$1" '.gracefulRestartInfo.ipv4Unicast.fBit'; }
both_next_hops() { vip_next_hops_are "192.168.1.10 192.168.1.11"; }
route_deletions() { grep -c "Deleted.* $VIP\|Deleted $VIP" "$LAB_DIR/leaving.log"; }

vip_communities_are() { [ "$(vip_communities)" = "$1" ]; }
flaps_of() { lab_ctl "$1" show peers router-primary -o json | jq '.[0].flaps'; }

# The file is a link to one outside of the folder, whose changes inotify does not tell.
step_sighup() {
	local file=$LAB_DIR/config/advertisement.yaml target=$LAB_DIR/outside.yaml node before
	mv "$file" "$target" && ln -s "$target" "$file" || return 1
	sleep 1
	before=$(flaps_of node-a)
	sed -i 's/64512:200/64512:201/' "$target"
	for node in "${LAB_NODES[@]}"; do kill -HUP "${LAB_AGENT_PID[$node]}"; done
	lab_until 3 vip_communities_are "64512:100,64512:201,noExport" || { say "$(vip_communities)"; return 1; }
	say "the router has $(vip_communities)"
	for node in "${LAB_NODES[@]}"; do
		grep -q 'reload asked for' "$LAB_DIR/$node.log" || { say "$node saw no SIGHUP"; return 1; }
	done
	rm "$file" && sed 's/64512:201/64512:200/' "$target" >"$file.new" && mv "$file.new" "$file"
	lab_until 3 vip_communities_are "64512:100,64512:200,noExport" || return 1
	STEP_NOTE="there and back on the wire, session resets: $(($(flaps_of node-a) - before))"
	[ "$(flaps_of node-a)" = "$before" ] && peer_is_established node-a
}

step_sigterm() {
	local monitor code=0
	lab_until 10 both_next_hops || return 1
	: >"$LAB_DIR/leaving.log"
	lab_spawn "$LAB_DIR/leaving.log" router ip -ts monitor route
	monitor=$LAB_PID
	traffic_start
	sleep 0.5
	kill -TERM "${LAB_AGENT_PID[node-a]}"
	wait "${LAB_AGENT_PID[node-a]}" || code=$?
	say "node-a's agent ended by SIGTERM with exit code $code"
	sleep 1
	both_next_hops || { say "next hops: $(vip_next_hops)"; return 1; }
	lab_agent_up node-a
	lab_until 15 peer_is_established node-a || return 1
	lab_until 10 both_next_hops || return 1
	traffic_stop
	lab_kill TERM "$monitor"
	say "FRR saw R bit $(frr_r_bit node-a), F bit $(frr_f_bit node-a); routes deleted: $(route_deletions)"
	STEP_NOTE="$TRAFFIC_FAILED of $TRAFFIC_REQUESTS requests failed, R $(frr_r_bit node-a) F $(frr_f_bit node-a)"
	[ "$code" -eq 0 ] && [ "$TRAFFIC_FAILED" -eq 0 ] && [ "$(route_deletions)" -eq 0 ] &&
		[ "$(frr_r_bit node-a)" = true ] && [ "$(frr_f_bit node-a)" = true ]
}

step_sigint() {
	local code=0 reason
	kill -INT "${LAB_AGENT_PID[node-a]}"
	wait "${LAB_AGENT_PID[node-a]}" || code=$?
	lab_until 2 vip_next_hops_are "192.168.1.11" || { say "next hops: $(vip_next_hops)"; return 1; }
	reason=$(frr_neighbor node-a .lastNotificationReason)
	say "withdrawn; the last FRR heard of node-a: $reason"
	lab_agent_up node-a
	lab_until 15 peer_is_established node-a || return 1
	lab_until 10 both_next_hops || return 1
	STEP_NOTE="gone in under 2 s, then R $(frr_r_bit node-a)"
	[ "$code" -eq 0 ] && [ "$(frr_r_bit node-a)" = false ] &&
		[ "$reason" = "Cease/Administrative Shutdown" ]
}

# After a withdrawal what lives has two seconds for the routers' FIBs and these.
LEAVE_DRAIN=2

write_mode_off() {
	printf '%s\n' 'apiVersion: lodestone.io/v1alpha1' 'kind: LodestoneConfig' \
		'metadata: {name: node-a}' "spec: {drainSeconds: $LEAVE_DRAIN, dataplane: {mode: \"off\"}}" \
		>"$LAB_DIR/off.yaml" && mv "$LAB_DIR/off.yaml" "$LAB_DIR/config/off.yaml"
}
xdp_is_attached() { lab_in node-a ip link show dev eth0 | grep -q 'prog/xdp'; }
dataplane_mode() { lab_ctl node-a status -o json | jq -r .dataplane.mode; }
dataplane_mode_is() { [ "$(dataplane_mode)" = "$1" ]; }

# leave_begin: requests, and a download from a pod of node-a. Its client loses the way to it with the
# route, so the pod never hears of an end, and the flow lives for all of the drain time.
leave_begin() {
	local i
	traffic_start
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		download_start leave 30
		lab_until 5 download_has_pod leave || return 1
		case $(download_pod leave) in a*) return 0 ;; esac
		lab_kill TERM "${DOWNLOAD_PID[leave]}"
	done
	say "none of 12 downloads came to node-a"
	return 1
}

# leave_watch BEGUN: what the router and the node see until the data plane is left, for which the cause
# was given at the second BEGUN. Nobody forwards on node-a afterwards, so requests end before it announces
# again.
leave_watch() {
	lab_until 5 vip_fib_is_only 192.168.1.11 192.168.1.10 || { say "FIB: $(vip_fib)"; return 1; }
	xdp_is_attached || { say "detached in the same step"; return 1; }
	dataplane_mode_is leaving || { lab_ctl node-a status; return 1; }
	health_is node-a 503 && health_is node-b 200 || { say "health checks do not say it"; return 1; }
	say "withdrawn from node-a, XDP still attached, status says leaving, health checks 503"
	sleep 1
	traffic_stop
	lab_until 10 dataplane_mode_is off || { lab_ctl node-a status; return 1; }
	say "left $((SECONDS - $1)) s after the cause"
	[ $((SECONDS - $1)) -ge $((LEAVE_DRAIN + 2)) ] || { say "left before the flows had their time"; return 1; }
	lab_until 10 both_next_hops || { lab_ctl node-a status; return 1; }
	health_is node-a none || { say "health checks are still answered"; return 1; }
	if xdp_is_attached || [ -e "$(lab_pin node-a)" ]; then say "something is left"; return 1; fi
	say "detached, nothing pinned, announced again"
	STEP_NOTE="$TRAFFIC_FAILED of $TRAFFIC_REQUESTS requests failed"
	[ "$TRAFFIC_REQUESTS" -gt 50 ]
}

leave_undo() {
	rm "$LAB_DIR/config/off.yaml"
	lab_until 5 xdp_is_attached && lab_until 10 dataplane_mode_is xdp && lab_until 10 both_next_hops
}

# A request may be under way on node-a when its route goes; later ones are not lost.
step_mode_off() {
	local begun
	lab_until 10 both_next_hops && leave_begin || return 1
	begun=$SECONDS
	write_mode_off
	leave_watch "$begun" && leave_undo && [ "$TRAFFIC_FAILED" -le 3 ]
}

step_mode_off_start() {
	local begun
	lab_kill TERM "${LAB_AGENT_PID[node-a]}"
	write_mode_off
	leave_begin || return 1
	xdp_is_attached && both_next_hops || return 1
	begun=$SECONDS
	lab_agent_up node-a
	leave_watch "$begun" && leave_undo && [ "$TRAFFIC_FAILED" -le 3 ]
}

# The first word of the map of one value, in hexadecimal as bpftool writes it, becomes another.
doctor_version() {
	local map
	map=$(lab_pin node-a)/maps/config
	mapfile -t bytes < <(bpftool -j map dump pinned "$map" | jq -r '.[0].value[]')
	[ "${#bytes[@]}" -eq 64 ] || return 1
	bytes[0]=0x01
	bpftool map update pinned "$map" key 0 0 0 0 value "${bytes[@]}"
}
xdp_id() { lab_in node-a ip -j link show dev eth0 | jq '.[0].xdp.prog.id'; }

# The agent that starts over them can neither read nor change them. A request may be under way on
# node-a when its route goes; what is attached serves it to its end.
step_other_version() {
	local before begun
	lab_until 10 both_next_hops || return 1
	before=$(xdp_id)
	lab_kill TERM "${LAB_AGENT_PID[node-a]}"
	doctor_version || { say "cannot doctor the version"; return 1; }
	printf '%s\n' 'apiVersion: lodestone.io/v1alpha1' 'kind: LodestoneConfig' \
		'metadata: {name: node-a}' "spec: {drainSeconds: $LEAVE_DRAIN}" \
		>"$LAB_DIR/drain.yaml" && mv "$LAB_DIR/drain.yaml" "$LAB_DIR/config/off.yaml"
	traffic_start
	sleep 0.5
	begun=$SECONDS
	lab_agent_up node-a
	lab_until 5 vip_fib_is_only 192.168.1.11 192.168.1.10 || { say "FIB: $(vip_fib)"; return 1; }
	dataplane_mode_is leaving || { lab_ctl node-a status; return 1; }
	[ "$(xdp_id)" = "$before" ] || { say "replaced in the same step"; return 1; }
	say_problem "$(problem node-a node-a DataPlaneLeaving)"
	lab_until 10 dataplane_mode_is xdp || { lab_ctl node-a status; return 1; }
	say "replaced $((SECONDS - begun)) s after the start"
	[ $((SECONDS - begun)) -ge $((LEAVE_DRAIN + 2)) ] || { say "replaced before the flows had their time"; return 1; }
	lab_until 15 both_next_hops || { lab_ctl node-a status; return 1; }
	traffic_stop
	[ "$(xdp_id)" != "$before" ] || { say "the old program is there"; return 1; }
	grep -q 'version 1 of the maps' "$LAB_DIR/node-a.log" && grep -q 'dataplane: left' "$LAB_DIR/node-a.log" || { say "the log does not say so"; return 1; }
	rm "$LAB_DIR/config/off.yaml"
	STEP_NOTE="$TRAFFIC_FAILED of $TRAFFIC_REQUESTS requests failed"
	[ "$TRAFFIC_FAILED" -le 3 ] && [ "$TRAFFIC_REQUESTS" -gt 50 ]
}

step_one_agent() {
	local out code=0
	out=$(lab_in node-a "$LAB_AGENT" --node node-a --config "$LAB_DIR/config" \
		--socket "$LAB_DIR/second.sock" --pin "$(lab_pin node-a)/" --state "$LAB_DIR/second" 2>&1) || code=$?
	say "second agent: exit $code: $out"
	[ "$code" -eq 1 ] && [ "$(wc -l <<<"$out")" -eq 1 ] || return 1
	code=0
	out=$(lab_in node-a "$LAB_AGENT" --cleanup --pin "$(lab_pin node-a)" 2>&1) || code=$?
	say "--cleanup: exit $code: $out"
	STEP_NOTE="both exit 1 with one line"
	[ "$code" -eq 1 ] && peer_is_established node-a && both_next_hops
}

# A second node's worth of agent, beside the first: other pin folder, no capability for BPF.
step_no_bpf() {
	local p
	lab_kill INT "${LAB_AGENT_PID[node-a]}"
	lab_spawn "$LAB_DIR/no-bpf.log" node-a setpriv --bounding-set -sys_admin,-bpf,-perfmon \
		--inh-caps -sys_admin,-bpf,-perfmon "$LAB_AGENT" --node node-a --config "$LAB_DIR/config" \
		--socket "$LAB_DIR/node-a/lodestoned.sock" --pin "$(lab_pin node-a)-none" \
		--state "$LAB_DIR/node-a/state"
	LAB_AGENT_PID[node-a]=$LAB_PID
	lab_until 15 peer_is_established node-a || { tail -n 5 "$LAB_DIR/no-bpf.log"; return 1; }
	lab_until 5 problem node-a node-a DataPlaneFailed || { lab_ctl node-a show problems; return 1; }
	p=$(problem node-a node-a DataPlaneFailed) && say_problem "$p"
	lab_ctl node-a status >/dev/null
	STEP_NOTE="session up, DataPlaneFailed told, lodectl status exits $?"
	vip_next_hops_are "192.168.1.11" || return 1
	lab_kill INT "${LAB_AGENT_PID[node-a]}"
	lab_in node-a "$LAB_AGENT" --cleanup --pin "$(lab_pin node-a)-none" || return 1
	[ ! -e "$(lab_pin node-a)-none" ] && [ "${STEP_NOTE##* }" -eq 2 ]
}

step_bad_state() {
	local state=$LAB_DIR/node-a/state p
	rm -rf "$state"
	: >"$state"
	lab_agent_up node-a
	lab_until 15 both_next_hops || { lab_ctl node-a status; return 1; }
	p=$(problem node-a "$state" StateUnwritable) || { lab_ctl node-a show problems; return 1; }
	say_problem "$p"
	rm "$state"
	STEP_NOTE="served all the same, StateUnwritable told until it was writable"
	lab_until 15 state_is_well
}
state_is_well() { ! problem node-a "$LAB_DIR/node-a/state" StateUnwritable; }
