# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# BFD with FRR's bfdd where our programs are on the device: the sessions are carried by XDP while the agent is
# stopped, and while it is dead; FRR's echo packets come back. An agent that is stopped (SIGSTOP) gets no
# processor at all, which no hog can surpass; hogs at SCHED_FIFO stop others' labs as well, so they run only
# if BFD_HOGS says for how many seconds (make soak: 16).

BFDX_VIP=192.0.2.79
BFDX_STOP=${BFDX_STOP:-3}
BFDX_KILLS=${BFDX_KILLS:-3}
BFDX_LOOPS=${BFDX_LOOPS:-5}
BFDX_TRIALS=${BFDX_TRIALS:-1}

bfd_xdp_all() {
	lab_folder
	LAB_NODES=(bfd) # for lab_down
	run_step bfdx-up "BFD with FRR over a device with our programs: carried by XDP" step_bfdx_up &&
		run_step bfdx-detects "Silence of a session that XDP carries is seen in 150 ms ($BFDX_TRIALS)" step_bfdx_detects &&
		run_step bfdx-stopped "An agent that is stopped for $BFDX_STOP s: no session goes down, at either end" step_bfdx_stopped &&
		run_step bfdx-killed "kill -9 and start, $BFDX_KILLS times: FRR sees no Down" step_bfdx_killed &&
		run_step bfdx-graceful "kill -9 and start, $BFDX_LOOPS times, at any time: FRR never loses the route" step_bfdx_graceful &&
		run_step bfdx-echo "FRR's echo packets come back, and only while the profile says so" step_bfdx_echo &&
		run_step bfdx-own-echo "Echo packets of ours over FRR: slow control packets, and Down when they are missed" step_bfdx_own_echo &&
		{ [ -z "${BFD_HOGS:-}" ] ||
			run_step bfdx-hogs "Hogs at SCHED_FIFO on every processor for $BFD_HOGS s: FRR sees no Down" step_bfdx_hogs; } &&
		run_step bfdx-crashed "kill -9, and no agent comes back: FRR hears of it after 30 s" step_bfdx_crashed
}

bfdx_network() { # ROUTER
	lab_namespace bfd
	bfd_link "$1"
	lab_xdp_pass "b-$1" eth0 # a veth takes what XDP sends only if the other end has a program
}

# bfdx_profile SPEC
bfdx_profile() {
	cat >"$LAB_DIR/bfd-config/.profile" <<-YAML
		apiVersion: metallb.io/v1beta1
		kind: BFDProfile
		metadata: {name: fast, namespace: metallb-system}
		spec: {$1}
	YAML
	mv "$LAB_DIR/bfd-config/.profile" "$LAB_DIR/bfd-config/profile.yaml"
}
BFDX_FAST="transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3"

bfdx_config() { # ROUTER
	local d=$1 family address
	mkdir -p "$LAB_DIR/bfd-config"
	lab_pool >"$LAB_DIR/bfd-config/pool.yaml"
	cat >"$LAB_DIR/bfd-config/service.yaml" <<-YAML
		apiVersion: lodestone.io/v1alpha1
		kind: LodestoneConfig
		metadata: {name: default, namespace: metallb-system}
		spec: {dataplane: {uplinks: [to-$d]}}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: web, namespace: shop}
		spec: {type: LoadBalancer, loadBalancerIP: $BFDX_VIP, ports: [{port: 80}]}
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
		addressType: IPv4
		endpoints:
		- {addresses: [${BFD_NET[$d]}.2], nodeName: bfd, conditions: {ready: true}}
		ports: [{name: "", port: 80, protocol: TCP}]
	YAML
	for family in 4 6; do
		address=${BFD_NET[$d]}.1
		[ $family = 6 ] && address=${BFD_NET6[$d]}::1
		cat <<-YAML
			apiVersion: metallb.io/v1beta2
			kind: BGPPeer
			metadata: {name: $d$family, namespace: metallb-system}
			spec: {myASN: 64513, peerASN: ${BFD_AS[$d]}, peerAddress: "$address", enableGracefulRestart: true,
			  bfdProfile: fast}
			---
		YAML
	done >"$LAB_DIR/bfd-config/peers.yaml"
	bfdx_profile "$BFDX_FAST"
}

bfdx_is() { bfd_show | jq -e --arg x "$1" 'length == 2 and all(.state == "Up" and .xdp == $x)' >/dev/null; }
bfdx_has_bgp() {
	[ "$(lab_ctl bfd show peers -o json 2>/dev/null | jq '[.[] | select(.state == "Established")] | length')" = 2 ]
}
bfdx_answered() { bfd_show | jq '[.[].packetsAnsweredByXdp] | add'; }
bfdx_says() {
	say "$(bfd_show | jq -c '.[] | {peer, state, xdp, packetsAnsweredByXdp, packetsSent, detectMillis, flaps, reflectsEcho}' | tr '\n' ' ')"
	bfd_vtysh "show bfd peers"
	tail -n 20 "$LAB_DIR/bfd.log"
}
# Both sessions as FRR has them: up, under which discriminators.
bfdx_at_frr() { bfd_vtysh "show bfd peers json" | jq -c '[.[] | {peer, status, "remote-id", id}] | sort_by(.peer)'; }

bfdx_answers() { [ "$(bfdx_answered)" -gt "$1" ]; }
# Milliseconds of processor that the thread of BFD has had.
bfdx_cpu() {
	local task
	for task in "/proc/$BFD_PID/task"/*; do
		[ "$(cat "$task/comm")" = bfd ] && awk '{ printf "%.3f", $1 / 1e6 }' "$task/schedstat"
	done
}

step_bfdx_up() {
	local cpu
	bfdx_network frr
	bfd_frr_up || { say "FRR does not start"; return 1; }
	bfdx_config frr
	bfd_agent_up
	lab_until 30 bfdx_has_bgp && lab_until 10 bfdx_is carried || { bfdx_says; return 1; }
	lab_until 5 bfdx_answers "$(bfdx_answered)" || { bfdx_says; return 1; }
	cpu=$(bfdx_cpu)
	sleep 2
	STEP_NOTE="two sessions at 50 ms x 3: $(jq -n "($(bfdx_cpu) - $cpu) / 2 * 100 | round / 100") ms of processor a second"
}

# All trials with BFD_STRICT (make soak). Beside other work a timer of the kernel's may be late once, so there one of three is enough:
# what waits for anything else than its time is late in each.
bfdx_was_in_time() {
	jq -s -e --argjson n "$BFDX_TRIALS" --argjson strict "${BFD_STRICT:-0}" '
		def in_time: .silence <= 151 + .late;
		length >= $n and all(.silence != null and .silence >= 150) and
		if $strict == 1 then all(in_time) else any(in_time) end' "$1" >/dev/null
}

# Seen from FRR's end, since what is answered in XDP is seen nowhere at ours; the agent sleeps, and is woken by the program.
step_bfdx_detects() {
	local i seen=$LAB_DIR/bfdx-trials most=$BFDX_TRIALS
	[ "${BFD_STRICT:-0}" = 1 ] || most=$((BFDX_TRIALS + 2))
	: >"$seen"
	for ((i = 0; i < most; i++)); do
		[ "$i" -lt "$BFDX_TRIALS" ] || ! bfdx_was_in_time "$seen" || break
		lab_until 30 bfdx_has_bgp && lab_until 20 bfdx_is carried || { bfdx_says; return 1; }
		bfd_trial frr "${BFD_NET[frr]}.1" b-frr eth0 >>"$seen" || { say "nothing was seen"; return 1; }
	done
	STEP_NOTE="$(bfd_spread silence "$seen"); the machine was late by $(bfd_spread late "$seen")"
	say "$STEP_NOTE"
	bfdx_was_in_time "$seen" || { jq -s -c '.[]' "$seen"; return 1; }
	lab_until 30 bfdx_has_bgp
}

step_bfdx_stopped() {
	local downs flaps before
	lab_until 20 bfdx_is carried || { bfdx_says; return 1; }
	downs=$(bfd_frr_downs) flaps=$(bfd_flaps) before=$(bfdx_answered)
	kill -STOP "$BFD_PID"
	sleep "$BFDX_STOP"
	kill -CONT "$BFD_PID"
	sleep 1
	[ "$(bfd_frr_downs)" = "$downs" ] && [ "$(bfd_flaps)" = "$flaps" ] && bfdx_has_bgp || {
		say "flaps: $flaps, then $(bfd_flaps); at FRR $downs, then $(bfd_frr_downs)"
		bfdx_says
		return 1
	}
	STEP_NOTE="$(($(bfdx_answered) - before)) answers meanwhile, detection 150 ms"
}

step_bfdx_killed() {
	local i downs sessions
	lab_until 20 bfdx_is carried || { bfdx_says; return 1; }
	downs=$(bfd_frr_downs) sessions=$(bfdx_at_frr)
	for ((i = 0; i < BFDX_KILLS; i++)); do
		lab_kill KILL "$BFD_PID"
		sleep "$i"
		bfd_agent_up
		lab_until 30 bfdx_has_bgp && lab_until 10 bfdx_is carried || { bfdx_says; return 1; }
	done
	[ "$(bfd_frr_downs)" = "$downs" ] && [ "$(bfdx_at_frr)" = "$sessions" ] && [ "$(bfd_flaps)" = 0 ] || {
		say "Downs at FRR: $downs, then $(bfd_frr_downs)"
		say "$sessions"
		say "$(bfdx_at_frr)"
		bfdx_says
		return 1
	}
	STEP_NOTE="up to $((BFDX_KILLS - 1)) s without an agent at 50 ms x 3, the same discriminators at FRR"
}

# FRR's route of the VIP, looked at all the time: how often it was not there.
bfdx_watch_route() {
	while :; do
		bfd_frr_has_route || date +%T.%N
	done >"$LAB_DIR/without-route" 2>/dev/null
}

# A session that has no routes yet costs those of the one before, should it end.
bfdx_had_programs_first() {
	awk '/lodestoned starting/ {loaded = 0} /dataplane: loaded/ {loaded = 1}
		/bgp: session established/ && !loaded {early++} END {exit early > 0}' "$LAB_DIR/bfd.log"
}

step_bfdx_graceful() {
	local i watcher lost BFD_VIP=$BFDX_VIP
	bfdx_profile "$BFDX_FAST"
	lab_until 30 bfdx_has_bgp && lab_until 10 bfdx_is carried && lab_until 10 bfd_frr_has_route || { bfdx_says; return 1; }
	bfdx_watch_route &
	watcher=$!
	for ((i = 0; i < BFDX_LOOPS; i++)); do
		sleep "$((RANDOM % 4)).$((RANDOM % 10))"
		lab_kill KILL "$BFD_PID"
		sleep "0.$((RANDOM % 10))"
		bfd_agent_up
		lab_until 30 bfdx_has_bgp && lab_until 10 bfdx_is carried || { bfdx_says; kill "$watcher"; return 1; }
	done
	sleep "3"
	kill "$watcher"
	wait "$watcher" 2>/dev/null
	lost=$(wc -l <"$LAB_DIR/without-route")
	[ "$lost" = 0 ] || {
		say "without the route $lost times"
		cat "$LAB_DIR/without-route"
		grep -v "BFD session up" "$LAB_DIR/bfd.log" | tail -n 40
		tail -n 60 "$(bfd_dir frr)/bgpd.log"
		return 1
	}
	bfdx_had_programs_first || { say "a session before the programs were loaded"; grep -e starting -e loaded -e established "$LAB_DIR/bfd.log"; return 1; }
	STEP_NOTE="$BFDX_LOOPS times, at any time: FRR had the route at every look"
}

bfdx_echo() { bfd_vtysh "show bfd peers counters json" | jq "[.[][\"echo-packet-$1\"]] | add"; }
bfdx_reflects() { bfd_show | jq -e --argjson r "$1" 'length == 2 and all(.reflectsEcho == $r)' >/dev/null; }
bfdx_echo_comes_back() { [ "$(bfdx_echo input)" -gt "$1" ]; }
bfdx_has_reflected() { bfd_show | jq -e --argjson n "$1" 'length == 2 and all(.echoPacketsReflected >= $n)' >/dev/null; }
bfdx_echo_counts() {
	bfd_vtysh "show bfd peers counters json" |
		jq -r '"\([.[]["echo-packet-input"]] | add) of \([.[]["echo-packet-output"]] | add) came back to FRR"'
}
bfdx_echo_rests() {
	local before
	before=$(bfdx_echo output)
	sleep 0.5
	[ "$(bfdx_echo output)" = "$before" ]
}

step_bfdx_echo() {
	local downs
	lab_until 20 bfdx_is carried || { bfdx_says; return 1; }
	downs=$(bfd_frr_downs)
	bfdx_profile "$BFDX_FAST, echoMode: true, echoInterval: 50"
	lab_until 10 bfdx_reflects true || { bfdx_says; return 1; }
	vtysh --vty_socket "$(bfd_dir frr)" --config_dir "$(bfd_dir frr)" -c "configure terminal" -c bfd -c "profile fast" \
		-c "echo transmit-interval 50" -c "echo-mode" >/dev/null
	lab_until 10 bfdx_echo_comes_back 20 || {
		bfd_vtysh "show bfd peers counters"
		bfdx_says
		return 1
	}
	lab_until 5 bfdx_has_reflected 20 || { bfdx_says; return 1; }
	STEP_NOTE="$(bfdx_echo_counts)"
	# Without it in the profile FRR hears so and stops.
	bfdx_profile "$BFDX_FAST"
	lab_until 10 bfdx_reflects false && lab_until 5 bfdx_echo_rests || { bfdx_says; return 1; }
	[ "$(bfd_frr_downs)" = "$downs" ] || { say "Downs at FRR: $downs, then $(bfd_frr_downs)"; return 1; }
}

bfdx_echo_is() { bfd_show | jq -e --arg e "$1" 'length == 2 and all(.state == "Up" and .echo == $e)' >/dev/null; }
# Nothing is detected by control packets sooner than this.
bfdx_detects_over() { bfd_show | jq -e --argjson d "$1" 'length == 2 and all(.detectMillis >= $d)' >/dev/null; }
bfdx_echo_says() { bfd_show | jq -c '.[] | {peer, state, echo, echoMillis, echoPacketsSent, echoPacketsReturned, echoError, remoteEchoMillis, detectMillis, diagnostic, flaps}'; }
bfdx_failed_by_echo() {
	lab_ctl bfd show bfd "$1" -o json | jq -e '[.[0].changes[] | select(.diagnostic == "echo failed")] | length > 0' >/dev/null
}
bfdx_echo_flap() { [ "$(bfd_flaps)" -ge "$1" ]; }

# FRR says that it takes echo packets whether it sends any or not; its kernel forwards ours.
step_bfdx_own_echo() {
	local flaps downs
	lab_in b-frr sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	lab_until 20 bfdx_has_bgp || { bfdx_says; return 1; }
	flaps=$(bfd_flaps) downs=$(bfd_frr_downs)
	bfdx_profile "$BFDX_FAST, echoMode: true, echoInterval: 50"
	lab_until 15 bfdx_echo_is on && lab_until 10 bfdx_detects_over 3000 || { bfdx_echo_says; bfdx_says; return 1; }
	sleep 3
	bfdx_echo_is on && [ "$(bfd_flaps)" = "$flaps" ] && [ "$(bfd_frr_downs)" = "$downs" ] || { bfdx_echo_says; bfdx_says; return 1; }
	say "$(bfdx_echo_says | tr '\n' ' ')"
	# Lost on their way through FRR's host, while control packets, one a second, get through.
	lab_in b-frr nft -f - <<<"table inet echo { chain f { type filter hook forward priority 0; udp dport 3785 drop; }; }"
	lab_until 5 bfdx_echo_flap $((flaps + 2)) && bfdx_failed_by_echo frr4 && bfdx_failed_by_echo frr6 || { bfdx_echo_says; bfdx_says; return 1; }
	# What never comes back is not missed: up again, by control packets.
	lab_until 20 bfdx_echo_is probing && lab_until 30 bfdx_has_bgp && lab_until 10 bfd_detects_in frr4 150 || { bfdx_echo_says; bfdx_says; return 1; }
	lab_in b-frr nft delete table inet echo
	lab_until 10 bfdx_echo_is on || { bfdx_echo_says; return 1; }
	STEP_NOTE="on over IPv4 and IPv6; lost ones ended both sessions with diagnostic 2; $(bfd_flaps) flaps in all"
	flaps=$(bfd_flaps)
	bfdx_profile "$BFDX_FAST"
	lab_until 10 bfdx_echo_is off && lab_until 10 bfd_detects_in frr4 150 || { bfdx_echo_says; return 1; }
	[ "$(bfd_flaps)" = "$flaps" ]
}

# FRR's daemon has a higher priority than the hogs, and our thread the usual one: only we are starved.
step_bfdx_hogs() {
	local downs flaps
	lab_until 20 bfdx_is carried || { bfdx_says; return 1; }
	downs=$(bfd_frr_downs) flaps=$(bfd_flaps)
	chrt -f -p 60 "$(cat "$(bfd_dir frr)/bfdd.pid")"
	bfd_thread_is -o 0
	bfd_hogs "$BFD_HOGS"
	sleep 1
	[ "$(bfd_frr_downs)" = "$downs" ] && [ "$(bfd_flaps)" = "$flaps" ] || {
		say "flaps: $flaps, then $(bfd_flaps); at FRR $downs, then $(bfd_frr_downs)"
		return 1
	}
	STEP_NOTE="latest wake-up of our thread: $(lab_ctl bfd status -o json | jq .bfd.latestMillis) ms"
}

bfdx_frr_up() { [ "$(bfd_vtysh "show bfd peers json" | jq '[.[] | select(.status == "up")] | length')" = 2 ]; }
bfdx_frr_is_down() { ! bfdx_frr_up; }

# An agent that does not come back: the programs speak for it for 30 s. FRR 8.4 takes no notice of BFD while it waits for
# a peer that restarts, and keeps the route for the restart time.
step_bfdx_crashed() {
	local BFD_VIP=$BFDX_VIP killed after
	bfdx_profile "$BFDX_FAST"
	lab_until 30 bfdx_has_bgp && lab_until 10 bfdx_is carried && lab_until 10 bfd_frr_has_route || { bfdx_says; return 1; }
	lab_kill KILL "$BFD_PID"
	killed=$(date +%s%N)
	sleep 25
	bfdx_frr_up && bfd_frr_has_route || { say "FRR did not wait"; bfd_vtysh "show bfd peers brief"; return 1; }
	lab_until 10 bfdx_frr_is_down || { say "FRR still hears it"; return 1; }
	after=$((($(date +%s%N) - killed) / 1000000))
	STEP_NOTE="FRR saw it end $after ms after the crash; the route is $(bfd_vtysh "show bgp ipv4 unicast $BFD_VIP/32" | grep -c '(stale)' | sed 's/1/stale/; s/0/gone/')"
	[ "$after" -ge 28000 ] && [ "$after" -le 32000 ]
}
