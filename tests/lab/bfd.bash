# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# BFD with FRR's bfdd (AS 64601) and with BIRD (64602), over IPv4 and IPv6, from one agent whose data plane is
# off. Detection is measured by the kernel's stamps at our device, with the peer's packets dropped at its
# end: a link that is cut would be seen without BFD.

declare -A BFD_NET=([frr]=10.60.1 [bird]=10.60.2)
declare -A BFD_NET6=([frr]=fd00:60:1 [bird]=fd00:60:2)
declare -A BFD_AS=([frr]=64601 [bird]=64602)
BFD_VIP=192.0.2.78
BFD_TRIALS=${BFD_TRIALS:-20}
BFD_SENT=203.0.113.0/24 # which FRR sends us

bfd_all() {
	lab_folder
	LAB_NODES=(bfd) # for lab_down
	run_step bfd-up "BFD with FRR and BIRD, over IPv4 and IPv6: up, and BGP with them" step_bfd_up &&
		run_step bfd-detects "Silence is seen in 150 ms, $BFD_TRIALS times, never before; BGP hears at once" step_bfd_detects &&
		run_step bfd-changes "Other intervals, and passive: no session goes down" step_bfd_changes &&
		run_step bfd-passive "Passive at both ends: a problem says that nobody begins, until we do" step_bfd_passive &&
		run_step bfd-restart "SIGTERM: FRR and BIRD keep the route, and BFD does not take it" step_bfd_restart &&
		run_step bfd-killed "kill -9 without XDP: BFD is silent, and both keep the route for the agent that comes back" step_bfd_killed &&
		{ [ -z "${BFD_ORDER:-}" ] ||
			run_step bfd-order "SIGTERM $BFD_ORDER times in each order: what AdminDown before the end of TCP costs" step_bfd_order; } &&
		run_step bfd-removed "A profile that is taken away closes no BGP session" step_bfd_removed &&
		run_step bfd-multihop "BFD with FRR behind a router: multihop, by minimumTtl" step_bfd_multihop &&
		{ [ -z "${BFD_BUSY:-}" ] ||
			run_step bfd-busy "Four busy loops for $BFD_BUSY s at 50 ms x 3: no session goes down" step_bfd_busy; } &&
		{ [ -z "${BFD_HOGS:-}" ] ||
			run_step bfd-hogs "Hogs at SCHED_FIFO for $BFD_HOGS s, without XDP: what it costs" step_bfd_hogs; }
}

bfd_dir() { echo "$LAB_DIR/bfd-$1"; }

# bfd_link ROUTER: its namespace, and a cable to ours with addresses of both families.
bfd_link() {
	local d=$1
	lab_namespace "b-$d"
	lab_veth "b-$d" eth0 bfd "to-$d"
	lab_in "b-$d" sysctl -qw net.ipv6.conf.eth0.accept_dad=0
	lab_in bfd sysctl -qw "net.ipv6.conf.to-$d.accept_dad=0"
	lab_in "b-$d" ip addr add "${BFD_NET[$d]}.1/24" dev eth0
	lab_in bfd ip addr add "${BFD_NET[$d]}.2/24" dev "to-$d"
	lab_in "b-$d" ip addr add "${BFD_NET6[$d]}::1/64" dev eth0 nodad
	lab_in bfd ip addr add "${BFD_NET6[$d]}::2/64" dev "to-$d" nodad
	mkdir -p "$(bfd_dir "$d")"
}

bfd_network() {
	local d
	lab_namespace bfd
	for d in frr bird; do bfd_link "$d"; done
}

bfd_vtysh() { lab_frr "$(bfd_dir "${2:-frr}")" -c "$1"; }

# bfd_frr_start NAME: zebra, bfdd and bgpd in the namespace b-NAME, with the configuration on standard input.
bfd_frr_start() {
	local dir
	dir=$(bfd_dir "$1")
	lab_frr_start "b-$1" "$dir" zebra "bfdd --bfdctl $dir/bfdd.sock" bgpd && lab_frr_load "$dir"
}

BFD_FRR_PROFILE='bfd
 profile fast
  transmit-interval 50
  receive-interval 50
  detect-multiplier 3'

bfd_frr_up() {
	local a
	{
		echo "router bgp 64601"
		echo " bgp router-id 10.60.1.1"
		echo " no bgp ebgp-requires-policy"
		echo " no bgp network import-check"
		echo " bgp log-neighbor-changes"
		for a in 10.60.1.2 fd00:60:1::2; do
			echo " neighbor $a remote-as 64513"
			echo " neighbor $a passive"
			echo " neighbor $a bfd profile fast"
		done
		echo " address-family ipv4 unicast"
		echo "  network $BFD_SENT"
		echo " exit-address-family"
		echo " address-family ipv6 unicast"
		echo "  neighbor fd00:60:1::2 activate"
		echo " exit-address-family"
		echo "$BFD_FRR_PROFILE"
	} | bfd_frr_start frr
}

# bfd_bird_config MS [BFD]: BIRD's configuration, with this interval both ways, and what its BGP does of BFD.
bfd_bird_config() {
	local dir bfd=${2:-graceful}
	dir=$(bfd_dir bird)
	cat >"$dir/bird.conf" <<-BIRD
		router id 10.60.2.1;
		log "$dir/bird.log" all;
		protocol device { scan time 5; }
		protocol kernel { ipv4 { import none; export all; }; }
		protocol bfd { interface "*" { min rx interval $1 ms; min tx interval $1 ms; idle tx interval 1 s; multiplier 3; }; }
		protocol bgp node4 {
			local 10.60.2.1 as 64602;
			neighbor 10.60.2.2 as 64513;
			passive; bfd $bfd;
			error wait time 1, 1; error forget time 1;
			ipv4 { import all; export none; };
		}
		protocol bgp node6 {
			local fd00:60:2::1 as 64602;
			neighbor fd00:60:2::2 as 64513;
			passive; bfd $bfd;
			error wait time 1, 1; error forget time 1;
			ipv6 { import all; export none; };
		}
	BIRD
}

# bfd_bird_start: with the configuration that is there.
bfd_bird_start() {
	local dir
	dir=$(bfd_dir bird)
	rm -f "$dir/bird.pid"
	lab_spawn "$dir/out.log" b-bird bird -f -c "$dir/bird.conf" -s "$dir/ctl" -P "$dir/bird.pid"
	lab_on_time "$dir/bird.pid"
}
bfd_bird_up() {
	bfd_bird_config 50
	bfd_bird_start
}

# bfd_router_interval ROUTER MS: another interval at the router, both ways.
bfd_router_interval() {
	if [ "$1" = bird ]; then
		bfd_bird_config "$2"
		birdc -s "$(bfd_dir bird)/ctl" configure >/dev/null
	else
		vtysh --vty_socket "$(bfd_dir frr)" --config_dir "$(bfd_dir frr)" -c "configure terminal" -c bfd -c "profile fast" \
			-c "transmit-interval $2" -c "receive-interval $2" >/dev/null
	fi
}

# bfd_profile SPEC: the profile that all peers name.
bfd_profile() {
	cat >"$LAB_DIR/bfd-config/.profile" <<-YAML
		apiVersion: metallb.io/v1beta1
		kind: BFDProfile
		metadata: {name: fast, namespace: metallb-system}
		spec: {$1}
	YAML
	mv "$LAB_DIR/bfd-config/.profile" "$LAB_DIR/bfd-config/profile.yaml"
}

# bfd_peers MORE: all four peers, with this in their spec.
bfd_peers() {
	local d family address
	for d in frr bird; do
		for family in 4 6; do
			address=${BFD_NET[$d]}.1
			[ $family = 6 ] && address=${BFD_NET6[$d]}::1
			cat <<-YAML
				apiVersion: metallb.io/v1beta2
				kind: BGPPeer
				metadata: {name: $d$family, namespace: metallb-system}
				spec: {myASN: 64513, peerASN: ${BFD_AS[$d]}, peerAddress: "$address",
				  enableGracefulRestart: true$1}
				---
			YAML
		done
	done >"$LAB_DIR/bfd-config/.peers"
	mv "$LAB_DIR/bfd-config/.peers" "$LAB_DIR/bfd-config/peers.yaml"
}

bfd_config() {
	mkdir -p "$LAB_DIR/bfd-config"
	lab_one_service "$BFD_VIP" bfd >"$LAB_DIR/bfd-config/service.yaml"
	bfd_profile "transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3"
	bfd_peers ", bfdProfile: fast"
	# What the router sends over IPv4 is in our kernel, to see when it is not any more.
	cat >"$LAB_DIR/bfd-config/receive.yaml" <<-FRR
		apiVersion: frrk8s.metallb.io/v1beta1
		kind: FRRConfiguration
		metadata: {name: receive, namespace: frr-k8s-system}
		spec: {bgp: {routers: [{asn: 64513, neighbors: [{address: ${BFD_NET[frr]}.1, asn: 64601, toReceive: {allowed: {mode: all}}}]}]}}
	FRR
}

bfd_agent_up() {
	lab_spawn "$LAB_DIR/bfd.log" bfd "$LAB_AGENT" --node bfd --config "$LAB_DIR/bfd-config" \
		--socket "$LAB_DIR/bfd/lodestoned.sock" --pin "$(lab_pin bfd)" --state "$LAB_DIR/bfd/state"
	BFD_PID=$LAB_PID
}
# Without an agent there is something to be refused: of no input "jq -e" says that all is well.
bfd_show() { lab_ctl bfd show bfd -o json 2>/dev/null || echo '"no agent"'; }
bfd_problems() { lab_ctl bfd show problems -o json 2>/dev/null || echo '"no agent"'; }
# bfd_count STATE: sessions that are so.
bfd_count() { bfd_show | jq --arg s "$1" '[.[] | select(.state == $s)] | length'; }
bfd_are_up() { [ "$(bfd_count Up)" = 4 ]; }
bfd_flaps() { bfd_show | jq '[.[].flaps] | add'; }
bfd_of() { bfd_show | jq -r --arg p "$1" ".[] | select(.peer == \$p) | .$2"; }
bfd_is_up_with() { [ "$(bfd_of "$1" state)" = Up ]; }
bfd_bgp_is_up() {
	[ "$(lab_ctl bfd show peers -o json 2>/dev/null | jq '[.[] | select(.state == "Established")] | length')" = 4 ]
}
bfd_say() {
	say "$(bfd_show | jq -r '.[] | "\(.peer) \(.state) tx \(.txMillis) detect \(.detectMillis) flaps \(.flaps)"' |
		tr '\n' ';')"
}
# Downs that FRR and BIRD have counted of BFD.
bfd_frr_downs() { bfd_vtysh "show bfd peers counters json" 2>/dev/null | jq '[.[]["session-down"]] | add'; }

step_bfd_up() {
	local started
	bfd_network
	bfd_frr_up && bfd_bird_up || { say "a router does not start"; return 1; }
	bfd_config
	started=$SECONDS
	bfd_agent_up
	lab_until 30 bfd_are_up && lab_until 30 bfd_bgp_is_up || {
		bfd_say
		bfd_show | jq -c .
		bfd_vtysh "show bfd peers"
		birdc -s "$(bfd_dir bird)/ctl" show bfd sessions
		tail -n 20 "$LAB_DIR/bfd.log"
		return 1
	}
	bfd_say
	[ "$(lab_ctl bfd show peer frr4 -o json | jq -r '.[0].bfd')" = Up ] || return 1
	[ "$(bfd_vtysh "show bfd peers json" | jq '[.[] | select(.status == "up")] | length')" = 2 ] || return 1
	[ "$(birdc -s "$(bfd_dir bird)/ctl" show bfd sessions | grep -c ' Up ')" = 2 ] || return 1
	lab_until 5 bfd_intervals_are 50 150 || { bfd_say; return 1; }
	STEP_NOTE="four sessions after $((SECONDS - started)) s; thread: $(lab_ctl bfd status -o json | jq -r .bfd.priority)"
}
# bfd_intervals_are TX DETECTION: in milliseconds, of all.
bfd_intervals_are() {
	bfd_show | jq -e --argjson t "$1" --argjson d "$2" 'length == 4 and all(.txMillis == $t and .detectMillis == $d)' >/dev/null
}

# bfd_trial ROUTER ADDRESS [NAMESPACE DEVICE]: what lab-bfd saw with that router's packets dropped; at our end if it is not said
# where.
bfd_trial() {
	local seen=$LAB_DIR/bfd-seen at=${3:-bfd} device=${4:-to-$1}
	rm -f "$seen"
	lab_in "b-$1" nft -f - <<<"table inet t { chain out { type filter hook output priority 0; }; }"
	# shellcheck disable=SC2046 # FRR's route over IPv4 alone is followed
	lab_spawn "$seen" "$at" python3 "$LAB_ROOT/scripts/lab-bfd" "$device" "$2" 5 \
		$([ "$2 $at" = "${BFD_NET[frr]}.1 bfd" ] && echo "$BFD_SENT")
	local watcher=$LAB_PID
	lab_until 5 grep -q watching "$seen" || return 1
	sleep "0.$((RANDOM % 6 + 4))" # at 300 ms one packet at least is seen before
	lab_in "b-$1" nft add rule inet t out udp dport 3784 drop
	lab_until 6 lab_gone "$watcher"
	lab_in "b-$1" nft delete table inet t
	tail -n 1 "$seen"
}
bfd_has_sent() { lab_in bfd ip route show table all "$BFD_SENT" | grep -q .; }

# bfd_spread FIELD FILE: least to most of it, with how often it was seen.
bfd_spread() {
	jq -s -r --arg f "$1" '[.[][$f] | select(. != null)] | "\(min) to \(max) ms (\(length))"' "$2"
}

# A trial says nothing of us while the machine itself is late: then a thread of our priority that does nothing but wake up is
# late as well, by "late" milliseconds, and so much may be beyond the bars. A silence that is beyond them by more is our fault,
# once or often. What follows it is the work of a thread that other groups of the lab keep from the processor, and of the kernel's
# lock for routes, so there two trials in five may be late. With BFD_STRICT=1 (make soak) such trials do not count, and others take their place.
step_bfd_detects() {
	local i seen=$LAB_DIR/bfd-trials d peer address void=0
	: >"$seen"
	# Each trial ends a session that has just come up; the backoff would soon be longer than all else.
	bfd_peers ", bfdProfile: fast, connectTime: 1s"
	for ((i = 0; i < BFD_TRIALS; i++)); do
		d=frr && ((i % 2)) && d=bird
		peer=${d}4 address=${BFD_NET[$d]}.1
		((i % 4 > 1)) && peer=${d}6 address=${BFD_NET6[$d]}::1
		lab_until 20 bfd_is_up_with "$peer" && lab_until 5 bfd_detects_in "$peer" 150 || { bfd_say; return 1; }
		[ "$peer" != frr4 ] || lab_until 20 bfd_has_sent || { say "FRR's route is not in the kernel"; return 1; }
		bfd_trial "$d" "$address" >"$seen.one" || { say "nothing was seen"; return 1; }
		if [ "${BFD_STRICT:-0}" = 1 ] && [ "$void" -lt 100 ] && jq -e '.late > 0.5' "$seen.one" >/dev/null; then
			void=$((void + 1)) i=$((i - 1))
			continue
		fi
		cat "$seen.one" >>"$seen"
	done
	STEP_NOTE="silence $(bfd_spread silence "$seen"), then the NOTIFICATION after $(bfd_spread notification "$seen"), the route gone after $(bfd_spread route "$seen"); the machine was late by $(bfd_spread late "$seen")$([ "$void" = 0 ] || echo ", and $void trials did not count")"
	say "$STEP_NOTE"
	# On a machine that has nothing else to do (BFD_STRICT) within a millisecond. Else what counts is that no timer is
	# waited for: silence no longer than the negotiated time and a tenth, and then what follows within a tenth of a second.
	jq -s -e --argjson n "$BFD_TRIALS" --argjson strict "${BFD_STRICT:-0}" '
		def within($strictly; $busy): . != null and (if $strict == 1 then .[0] <= $strictly else .[0] <= $busy + .[1] end);
		def all_within(f): all(.[] | select(f != null); [f, .late] | within(1; 100));
		length == $n and all(.silence != null and .silence >= 150 and ([.silence, .late] | within(151; 165))) and
		([.[].notification | select(. != null)] | length >= 2) and ([.[].route | select(. != null)] | length >= $n / 10) and
		all_within(.notification) and all_within(.route)' "$seen" >/dev/null || {
		jq -s -c '.[]' "$seen"
		return 1
	}
	bfd_peers ", bfdProfile: fast"
	lab_until 60 bfd_bgp_is_up || { say "BGP does not come back"; return 1; }
}
bfd_detects_in() { [ "$(bfd_of "$1" detectMillis)" = "$2" ]; }

step_bfd_changes() {
	local flaps downs
	lab_until 20 bfd_are_up || return 1
	flaps=$(bfd_flaps) downs=$(bfd_frr_downs)
	bfd_profile "transmitInterval: 300, receiveInterval: 300, detectMultiplier: 5"
	lab_until 10 bfd_intervals_are 300 900 || { bfd_say; return 1; }
	bfd_profile "transmitInterval: 20, receiveInterval: 100, detectMultiplier: 3"
	lab_until 10 bfd_intervals_are 50 300 || { bfd_say; return 1; }
	bfd_profile "transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3, passiveMode: true"
	lab_until 10 bfd_intervals_are 50 150 || { bfd_say; return 1; }
	[ "$(bfd_of frr4 passive)" = true ] || return 1
	bfd_profile "transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3"
	sleep 2
	[ "$(bfd_flaps)" = "$flaps" ] && [ "$(bfd_frr_downs)" = "$downs" ] || {
		say "flaps: $flaps, then $(bfd_flaps); at FRR $downs, then $(bfd_frr_downs)"
		return 1
	}
	STEP_NOTE="50, 300, 20 and 100, passive: no flap, at FRR neither"
}

bfd_nobody_begins() {
	bfd_problems | jq -e '[.[] | select(.reason == "BFDNobodyBegins") | .name] | sort == ["frr4", "frr6"]' >/dev/null
}
bfd_all_begin() { bfd_problems | jq -e 'all(.reason != "BFDNobodyBegins")' >/dev/null; }
bfd_frr_passive() { # "" or "no "
	vtysh --vty_socket "$(bfd_dir frr)" --config_dir "$(bfd_dir frr)" -c "configure terminal" -c bfd -c "profile fast" \
		-c "${1}passive-mode" >/dev/null
}
# The sessions begin anew: an agent that was stopped has said AdminDown, and another one says nothing.
step_bfd_passive() {
	lab_kill TERM "$BFD_PID"
	bfd_frr_passive ""
	bfd_profile "transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3, passiveMode: true"
	bfd_agent_up
	lab_until 20 bfd_nobody_begins || {
		lab_ctl bfd show problems
		bfd_say
		return 1
	}
	[ "$(bfd_of bird4 state) $(bfd_of bird6 state)" = "Up Up" ] || { say "BIRD is active"; bfd_say; return 1; }
	bfd_profile "transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3"
	lab_until 20 bfd_are_up && lab_until 10 bfd_all_begin || { bfd_say; return 1; }
	bfd_frr_passive "no "
	lab_until 30 bfd_bgp_is_up || { bfd_say; return 1; }
	STEP_NOTE="told of FRR over IPv4 and IPv6, not of BIRD, which is active; Up when we began"
}

bfd_is_none() { [ "$(bfd_show | jq length)" = 0 ]; }
bfd_bgp_flaps() { lab_ctl bfd show peers -o json | jq -c '[.[].flaps]'; }
step_bfd_removed() {
	local before
	before=$(bfd_bgp_flaps)
	bfd_peers ""
	lab_until 5 bfd_is_none || { bfd_say; return 1; }
	sleep 2
	bfd_bgp_is_up && [ "$(bfd_bgp_flaps)" = "$before" ] || {
		say "BGP flaps: $before, then $(bfd_bgp_flaps)"
		tail -n 5 "$(bfd_dir frr)/bgpd.log"
		return 1
	}
	bfd_peers ", bfdProfile: fast"
	lab_until 20 bfd_are_up || { bfd_say; return 1; }
	bfd_bgp_is_up && [ "$(bfd_bgp_flaps)" = "$before" ]
}

bfd_frr_has_route() { bfd_vtysh "show bgp ipv4 unicast $BFD_VIP/32 json" "${1:-frr}" 2>/dev/null | jq -e '.paths | length > 0' >/dev/null; }
bfd_bird_has_route() { birdc -s "$(bfd_dir bird)/ctl" show route "$BFD_VIP/32" | grep -q "^$BFD_VIP/32"; }
# BIRD keeps what a session leaves, when BFD goes down as well, only with "bfd graceful".
step_bfd_restart() { bfd_comes_back_after lab_kill TERM "$BFD_PID"; }
step_bfd_killed() { bfd_comes_back_after lab_kill KILL "$BFD_PID"; }

# bfd_ends_by COMMAND: which ends the agent; another one begins two seconds later. LOST_FRR and LOST_BIRD are how often each
# router was seen without the route, of 21 looks.
bfd_ends_by() {
	local i
	LOST_FRR=0 LOST_BIRD=0
	lab_until 10 bfd_frr_has_route && lab_until 10 bfd_bird_has_route || { say "a router has no route"; return 1; }
	"$@" || return 1
	for ((i = 0; i < 20; i++)); do
		bfd_frr_has_route || LOST_FRR=$((LOST_FRR + 1))
		bfd_bird_has_route || LOST_BIRD=$((LOST_BIRD + 1))
		sleep 0.1
	done
	bfd_agent_up
	lab_until 30 bfd_are_up && lab_until 30 bfd_bgp_is_up || { bfd_say; return 1; }
	bfd_frr_has_route || LOST_FRR=$((LOST_FRR + 1))
	bfd_bird_has_route || LOST_BIRD=$((LOST_BIRD + 1))
}
bfd_comes_back_after() { # COMMAND
	bfd_ends_by "$@" || return 1
	say "without the route: FRR $LOST_FRR, BIRD $LOST_BIRD of 21 looks"
	[ "$((LOST_FRR + LOST_BIRD))" = 0 ] || { tail -n 30 "$(bfd_dir frr)/bgpd.log"; tail -n 10 "$(bfd_dir bird)/bird.log"; return 1; }
	STEP_NOTE="down for 2 s, BFD at 50 ms x 3: the route stayed at both"
}

# AdminDown is said in the agent's place, and MS milliseconds later it gets SIGTERM, which closes TCP at once.
bfd_admin_down_first() { # MS
	local d family address mine
	for d in frr bird; do
		for family in 4 6; do
			address=${BFD_NET[$d]}.1 mine=${BFD_NET[$d]}.2
			[ $family = 6 ] && address=${BFD_NET6[$d]}::1 mine=${BFD_NET6[$d]}::2
			echo "$mine $address $(bfd_of "$d$family" localDiscriminator) $(bfd_of "$d$family" remoteDiscriminator)"
		done
	done >"$LAB_DIR/sessions"
	lab_in bfd "$LAB_ROOT/scripts/lab-admin-down" "$1" "$BFD_PID" <"$LAB_DIR/sessions" || return 1
	wait "$BFD_PID"
	lab_in bfd nft delete table inet order
}

# The agent's order is the first. What is asserted of the others is that FRR 8.4 takes AdminDown for a failure, always if it has
# the time: if it does so no more, AdminDown may come first.
step_bfd_order() {
	local order i lost lost_bird note="" all=0 tcp_first=0 birds=0
	for order in tcp-first 0 1 20; do
		lost=0 lost_bird=0
		for ((i = 0; i < BFD_ORDER; i++)); do
			if [ "$order" = tcp-first ]; then
				bfd_ends_by lab_kill TERM "$BFD_PID" || return 1
			else
				bfd_ends_by bfd_admin_down_first "$order" || return 1
			fi
			[ "$LOST_FRR" = 0 ] || lost=$((lost + 1))
			[ "$LOST_BIRD" = 0 ] || lost_bird=$((lost_bird + 1))
			sleep 1 # another agent's BFD is quiet again
		done
		[ "$order" = tcp-first ] && tcp_first=$lost
		all=$lost birds=$((birds + lost_bird))
		note+="$([ "$order" = tcp-first ] && echo "TCP first" || echo "AdminDown $order ms before"): FRR lost the route $lost times, BIRD $lost_bird; "
		say "${note%; }"
	done
	STEP_NOTE="${note%; }"
	[ "$tcp_first" = 0 ] && [ "$birds" = 0 ] && [ "$all" = "$BFD_ORDER" ]
}

# FRR two hops away: the agent's host, a router, FRR.
bfd_far_network() {
	lab_namespace b-mid
	lab_namespace b-far
	lab_veth b-mid eth0 bfd to-mid
	lab_veth b-mid eth1 b-far eth0
	lab_in b-mid sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	lab_in bfd ip addr add 10.60.3.2/24 dev to-mid
	lab_in b-mid ip addr add 10.60.3.1/24 dev eth0
	lab_in b-mid ip addr add 10.60.4.2/24 dev eth1
	lab_in b-far ip addr add 10.60.4.1/24 dev eth0
	lab_in bfd ip route add 10.60.4.0/24 via 10.60.3.1
	lab_in b-far ip route add 10.60.3.0/24 via 10.60.4.2
	lab_in bfd ip addr add fd00:60:3::2/64 dev to-mid nodad
	lab_in b-mid ip addr add fd00:60:3::1/64 dev eth0 nodad
	lab_in b-mid ip addr add fd00:60:4::2/64 dev eth1 nodad
	lab_in b-far ip addr add fd00:60:4::1/64 dev eth0 nodad
	lab_in bfd ip route add fd00:60:4::/64 via fd00:60:3::1
	lab_in b-far ip route add fd00:60:3::/64 via fd00:60:4::2
	mkdir -p "$(bfd_dir far)"
}

bfd_far() { # MINIMUM-TTL: the peer over both families, and a profile of its own
	cat >"$LAB_DIR/bfd-config/.far" <<-YAML
		apiVersion: metallb.io/v1beta1
		kind: BFDProfile
		metadata: {name: far, namespace: metallb-system}
		spec: {transmitInterval: 50, receiveInterval: 50, minimumTtl: $1}
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: far4, namespace: metallb-system}
		spec: {myASN: 64513, peerASN: 64603, peerAddress: 10.60.4.1, ebgpMultiHop: true, bfdProfile: far}
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: far6, namespace: metallb-system}
		spec: {myASN: 64513, peerASN: 64603, peerAddress: "fd00:60:4::1", ebgpMultiHop: true, bfdProfile: far}
	YAML
	mv "$LAB_DIR/bfd-config/.far" "$LAB_DIR/bfd-config/far.yaml"
}

bfd_far_says() {
	say "$(bfd_show | jq -c '.[] | select(.multihop) | {peer, state, multihop, detectMillis, rejected, remoteState}')"
	bfd_vtysh "show bfd peers brief" far
}
bfd_far_has_bgp() { [ "$(lab_ctl bfd show peer "$1" -o json | jq -r '.[0].state')" = Established ]; }
bfd_far_is_up() { bfd_is_up_with far4 && bfd_far_has_bgp far4 && bfd_is_up_with far6 && bfd_far_has_bgp far6; }
bfd_far_is_refused() {
	bfd_show | jq -e '[.[] | select(.multihop)] | length == 2 and all(.state != "Up" and .rejected.TTL > 0)' >/dev/null
}

step_bfd_multihop() {
	bfd_far_network
	bfd_frr_start far <<-FRR || { say "FRR does not start"; return 1; }
		router bgp 64603
		 bgp router-id 10.60.4.1
		 no bgp ebgp-requires-policy
		 neighbor 10.60.3.2 remote-as 64513
		 neighbor 10.60.3.2 ebgp-multihop 5
		 neighbor 10.60.3.2 update-source 10.60.4.1
		 neighbor 10.60.3.2 passive
		 neighbor 10.60.3.2 bfd profile fast
		 neighbor fd00:60:3::2 remote-as 64513
		 neighbor fd00:60:3::2 ebgp-multihop 5
		 neighbor fd00:60:3::2 update-source fd00:60:4::1
		 neighbor fd00:60:3::2 passive
		 neighbor fd00:60:3::2 bfd profile fast
		 address-family ipv6 unicast
		  neighbor fd00:60:3::2 activate
		 exit-address-family
		$BFD_FRR_PROFILE
	FRR
	bfd_far 254
	lab_until 30 bfd_far_is_up || { bfd_far_says; return 1; }
	sleep 2
	lab_until 20 bfd_far_is_up || { bfd_far_says; return 1; }
	[ "$(bfd_of far4 multihop) $(bfd_of far6 multihop)" = "true true" ] || return 1
	lab_until 10 bfd_frr_has_route far || { say "FRR has no route over the router"; return 1; }
	# One hop more than is allowed.
	lab_in b-mid nft -f - <<<"table ip t { chain f { type filter hook forward priority 0; udp dport 4784 ip ttl set 253; }; }
		table ip6 t { chain f { type filter hook forward priority 0; udp dport 4784 ip6 hoplimit set 253; }; }"
	lab_until 10 bfd_far_is_refused || { bfd_far_says; return 1; }
	bfd_far 253
	lab_until 20 bfd_far_is_up || { bfd_far_says; return 1; }
	STEP_NOTE="over IPv4 and IPv6: Up at TTL 254; at 253 refused until minimumTtl allowed it"
}

# The routers' daemons are not to be late, so that only our side is asked. No word of theirs is needed: a Down at
# either end is counted at ours.
step_bfd_busy() {
	local flaps i
	bfd_profile "transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3"
	lab_until 20 bfd_are_up4 || { bfd_say; return 1; }
	chrt -a -f -p 30 "$(cat "$(bfd_dir frr)/bfdd.pid")" && chrt -a -f -p 30 "$(cat "$(bfd_dir bird)/bird.pid")" ||
		{ say "the routers have no real time"; return 1; }
	sleep 2
	flaps=$(bfd_flaps)
	for ((i = 0; i < 4; i++)); do
		lab_spawn /dev/null bfd timeout "$BFD_BUSY" bash -c 'while :; do :; done'
	done
	sleep "$BFD_BUSY"
	[ "$(bfd_flaps)" = "$flaps" ] && bfd_are_up4 || {
		say "flaps: $flaps, then $(bfd_flaps)"
		grep "BFD session down" "$LAB_DIR/bfd.log"
		return 1
	}
	STEP_NOTE="no Down; latest wake-up of our thread $(lab_ctl bfd status -o json | jq .bfd.latestMillis) ms"
}
bfd_are_up4() { [ "$(bfd_show | jq '[.[] | select(.multihop == false and .state == "Up")] | length')" = 4 ]; }

# bfd_hogs SECONDS: one of a real-time priority on each processor. They end by themselves: of their priority on
# their processor, nobody else would come to it.
bfd_hogs() {
	local cpu pids=()
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		chrt -f 20 taskset -c "$cpu" bash -c 'while ((SECONDS < $1)); do :; done' hog "$1" &
		pids+=($!)
	done
	wait "${pids[@]}"
}
# bfd_thread_is POLICY PRIORITY: of our thread of BFD, as chrt has it.
bfd_thread_is() {
	local task
	for task in "/proc/$BFD_PID/task"/*; do
		[ "$(cat "$task/comm")" = bfd ] && chrt "$1" -p "$2" "${task##*/}"
	done
}

# Nothing looks after the sessions but our thread: once below the hogs, once above them. That is told, for who has to
# choose; what is asserted is that the hogs starve us, as those of bfd_xdp do, and that all comes back.
step_bfd_hogs() {
	local before below
	bfd_profile "transmitInterval: 50, receiveInterval: 50, detectMultiplier: 3"
	lab_until 20 bfd_are_up4 || { bfd_say; return 1; }
	chrt -a -f -p 60 "$(cat "$(bfd_dir frr)/bfdd.pid")" && chrt -a -f -p 60 "$(cat "$(bfd_dir bird)/bird.pid")" || return 1
	before=$(bfd_flaps)
	bfd_thread_is -o 0
	bfd_hogs "$BFD_HOGS"
	lab_until 60 bfd_are_up4 && lab_until 60 bfd_bgp_is_up4 || { bfd_say; return 1; }
	below=$(($(bfd_flaps) - before))
	before=$(bfd_flaps)
	bfd_thread_is -f 30
	bfd_hogs "$BFD_HOGS"
	lab_until 60 bfd_are_up4 || { bfd_say; return 1; }
	STEP_NOTE="at normal priority $below Downs of four sessions, at FIFO above the hogs $(($(bfd_flaps) - before))"
	[ "$below" -gt 0 ]
}
bfd_bgp_is_up4() {
	[ "$(lab_ctl bfd show peers -o json 2>/dev/null | jq '[.[] | select((.name | startswith("far") | not) and .state == "Established")] | length')" = 4 ]
}
