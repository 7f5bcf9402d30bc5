# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Blackholes on demand: FRR (AS 64601, as seed S0 configures it) and BIRD (64602), each on a link of its own, make of
# 65535:666 a route that discards. What routers are told and how, that the node drops and counts what still
# comes, that an order ends by itself and outlives a kill, and what is refused. The backend is a process of the node's.
#
#   hub 10.90.N.2 fd90:N::2 ── N: 1 FRR .1, 2 BIRD .1
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

RB_VIP=198.51.100.80
RB_NET=198.51.100.64/26 # it is under this

rtbh_all() {
	lab_folder
	LAB_NODES=(hub) # for lab_down
	run_step rtbh-before "FRR and BIRD lead to a VIP" step_rtbh_before &&
		run_step rtbh-service "A Service is one: FRR, which asks for it, discards; what comes by BIRD is dropped and counted" step_rtbh_service &&
		run_step rtbh-command "A prefix is one for a while: both discard it, and it ends by itself" step_rtbh_command &&
		run_step rtbh-killed "The agent killed and started: it is one all the time" step_rtbh_killed &&
		run_step rtbh-ipv6 "IPv6: the next hop is 100::1, of the discard prefix" step_rtbh_ipv6 &&
		run_step rtbh-refused "What covers the node, a router or nobody's pool is refused with reason and remedy" step_rtbh_refused
}

# --- the network --------------------------------------------------------------------------------------

rb_dir() { echo "$LAB_DIR/rb-$1"; }

rb_network() {
	local d n=0
	lab_namespace hub
	for d in frr bird; do
		n=$((n + 1))
		lab_namespace "$d"
		lab_veth "$d" eth0 hub "to-$d"
		lab_in "$d" ip addr add "10.90.$n.1/24" dev eth0
		lab_in "$d" ip addr add "fd90:$n::1/64" dev eth0 nodad
		lab_in hub ip addr add "10.90.$n.2/24" dev "to-$d"
		lab_in hub ip addr add "fd90:$n::2/64" dev "to-$d" nodad
		lab_xdp_pass "$d" eth0 || return 1 # tests/lab/pass.bpf.c says why
		mkdir -p "$(rb_dir "$d")"
	done
	lab_spawn "$LAB_DIR/backend.log" hub "$LAB_ROOT/build/tests/pod" hub 8080
	mkdir -p "$LAB_DIR/config"
}

# A next hop behind none of its links is taken by FRR with disable-connected-check only, by BIRD as a recursive one.
rb_frr_up() {
	local dir
	dir=$(rb_dir frr)
	lab_frr_start frr "$dir" zebra staticd bgpd && lab_frr_load "$dir" <<-FRR
		ip route 192.0.2.1/32 blackhole
		ipv6 route 100::/64 blackhole
		bgp community-list standard metallb-blackhole permit 65535:666
		route-map metallb-in permit 40
		 match community metallb-blackhole
		 set local-preference 500
		route-map metallb-in permit 100
		router bgp 64601
		 bgp router-id 10.90.1.1
		 neighbor 10.90.1.2 remote-as 64513
		 neighbor 10.90.1.2 passive
		 neighbor 10.90.1.2 disable-connected-check
		 address-family ipv4 unicast
		  neighbor 10.90.1.2 route-map metallb-in in
		 exit-address-family
		 address-family ipv6 unicast
		  neighbor 10.90.1.2 activate
		  neighbor 10.90.1.2 route-map metallb-in in
		 exit-address-family
	FRR
}
# rb_frr_route PREFIX: the best path as JSON.
rb_frr_route() {
	local family=ipv4
	[[ $1 != *:* ]] || family=ipv6
	lab_frr "$(rb_dir frr)" -c "show bgp $family unicast $1 json"
}

rb_bird_up() {
	local dir
	dir=$(rb_dir bird)
	cat >"$dir/bird.conf" <<-BIRD
		router id 10.90.2.1;
		log "$dir/bird.log" all;
		protocol device { scan time 5; }
		protocol direct { ipv4; ipv6; }
		protocol static { ipv4; route 192.0.2.1/32 blackhole; }
		protocol static { ipv6; route 100::/64 blackhole; }
		protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
		protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
		protocol bgp node {
			local 10.90.2.1 as 64602;
			neighbor 10.90.2.2 as 64513;
			passive;
			graceful restart aware;
			ipv4 { gateway recursive; import all; export none; };
			ipv6 { gateway recursive; import all; export none; };
		}
	BIRD
	lab_spawn "$dir/out.log" bird bird -f -c "$dir/bird.conf" -s "$dir/ctl" -P "$dir/bird.pid"
}
rb_bird_route() { birdc -s "$(rb_dir bird)/ctl" show route "$1" all; }

rb_put() {
	cat >"$LAB_DIR/config/.$1"
	mv "$LAB_DIR/config/.$1" "$LAB_DIR/config/$1.yaml"
}

# rb_peers WHO-ASKS...
rb_peers() {
	local n
	for n in "frr 64601 1" "bird 64602 2"; do
		# shellcheck disable=SC2086 # three words
		set -- "${1-}" $n
		cat <<-PEER
			---
			apiVersion: metallb.io/v1beta2
			kind: BGPPeer
			metadata: {name: $2, namespace: metallb-system, annotations: {$([[ " $1 " != *" $2 "* ]] || echo 'lodestone.io/rtbh: "true"')}}
			spec: {myASN: 64513, peerASN: $3, peerAddress: 10.90.$4.1, connectTime: 1s, enableGracefulRestart: true, dualStackAddressFamily: true}
		PEER
	done | rb_put peers
}

# rb_service [ANNOTATIONS]
rb_service() {
	cat <<-OBJECTS | rb_put objects
		apiVersion: lodestone.io/v1alpha1
		kind: LodestoneConfig
		metadata: {name: default}
		spec: {rtbh: {nextHops: [192.0.2.1]}}
		---
		apiVersion: metallb.io/v1beta1
		kind: IPAddressPool
		metadata: {name: pool, namespace: metallb-system}
		spec: {addresses: [198.51.100.0/24, "2001:db8:5::/64"]}
		---
		apiVersion: metallb.io/v1beta1
		kind: BGPAdvertisement
		metadata: {name: all, namespace: metallb-system}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: web, namespace: default, annotations: {${1-}}}
		spec: {type: LoadBalancer, loadBalancerIP: $RB_VIP, ports: [{port: 80}]}
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
		addressType: IPv4
		endpoints:
		- {addresses: [10.90.1.2], nodeName: hub, conditions: {ready: true}}
		ports: [{name: "", port: 8080, protocol: TCP}]
	OBJECTS
}

# --- steps ----------------------------------------------------------------------------------------------

rb_answers() { lab_in "$1" curl -s -m 2 -o "$LAB_DIR/answer" "http://$RB_VIP/"; }
rb_is_silent() { ! lab_in "$1" curl -s -m 0.5 -o "$LAB_DIR/answer" "http://$RB_VIP/"; }

# rb_told WHO PREFIX NEXT-HOP: a route with BLACKHOLE, no-export and that next hop, which the kernel discards by.
rb_told() {
	if [ "$1" = frr ]; then
		rb_frr_route "$2" | jq_says ".paths[0] | (.community.string | test(\"blackhole\") and test(\"no-export\")) and
			([.nexthops[].ip] | any(. == \"$3\")) and .valid" || return 1
	else
		rb_bird_route "$2" >"$LAB_DIR/bird.route"
		grep -q "BGP.next_hop: $3" "$LAB_DIR/bird.route" && grep -q '(65535,666)' "$LAB_DIR/bird.route" &&
			grep -q '(65535,65281)' "$LAB_DIR/bird.route" || return 1
	fi
	lab_in "$1" ip route show table all type blackhole | grep -q "${2%/32}" ||
		lab_in "$1" ip -6 route show table all | grep -q "blackhole ${2%/128}"
}
# rb_plain WHO: of the VIP, as always.
rb_plain() {
	if [ "$1" = frr ]; then
		rb_frr_route "$RB_VIP/32" | jq_says '.paths[0] | .valid and (.community == null)'
	else
		rb_bird_route "$RB_VIP/32" >"$LAB_DIR/bird.route"
		grep -q "BGP.next_hop: 10.90.2.2" "$LAB_DIR/bird.route" && ! grep -q BGP.community "$LAB_DIR/bird.route"
	fi
}
rb_untold() {
	if [ "$1" = frr ]; then
		rb_frr_route "$2" | jq_says 'has("paths") | not'
	else
		! rb_bird_route "$2" | grep -q unicast\\\|blackhole
	fi
}
rb_row() { lab_ctl hub show blackholes "$1" -o json | jq '[.[] | select(.onDemand)][0]'; }
rb_placed() { rb_row "$1" | jq_says .placed; }
rb_is_none() { lab_ctl hub show blackholes -o json | jq_says 'all(.onDemand | not)'; }
rb_dropped() { rb_row "$1" | jq '.droppedPackets // 0'; }

step_rtbh_before() {
	rb_network && rb_frr_up || return 1
	rb_bird_up
	rb_peers frr
	rb_service
	lab_agent_up hub
	lab_until 30 rb_plain frr && lab_until 10 rb_plain bird || return 1
	{ lab_until 5 rb_answers frr && lab_until 5 rb_answers bird; } || { say "the VIP does not answer"; return 1; }
	# Of what nobody has BIRD's machine sends all here.
	lab_in bird ip route add 198.51.100.0/24 via 10.90.2.2
}

step_rtbh_service() {
	rb_service 'lodestone.io/blackhole: "true"'
	lab_until 5 rb_told frr "$RB_VIP/32" 192.0.2.1 || { rb_frr_route "$RB_VIP/32"; return 1; }
	rb_plain bird || { say "BIRD, which did not ask, is told something else"; return 1; }
	lab_frr "$(rb_dir frr)" -c "show bgp ipv4 unicast $RB_VIP/32" | sed 's/^/  /'
	{ rb_is_silent bird && rb_is_silent frr; } || { say "somebody gets an answer"; return 1; }
	lab_ctl hub show blackholes | sed 's/^/  /'
	local n
	n=$(rb_dropped "$RB_VIP/32")
	[ "$n" -ge 1 ] || { say "nothing is counted"; return 1; }
	[ "$(lab_ctl hub status -o json | jq .drops.blackhole)" -ge "$n" ] || { say "no drop in status"; return 1; }
	rb_row "$RB_VIP/32" | jq_says '.by == "Service default/web" and .peers == ["frr"]' || { rb_row "$RB_VIP/32"; return 1; }
	rb_service
	lab_until 5 rb_plain frr && lab_until 5 rb_is_none || return 1
	{ lab_until 5 rb_answers frr && rb_answers bird; } || { say "it does not answer again"; return 1; }
	STEP_NOTE="$n packets by way of BIRD were dropped"
}

step_rtbh_command() {
	rb_peers "frr bird"
	lab_ctl hub blackhole add "$RB_NET" >"$LAB_DIR/added" || return 1
	sed 's/^/  /' "$LAB_DIR/added"
	{ lab_until 5 rb_told frr "$RB_NET" 192.0.2.1 && lab_until 5 rb_told bird "$RB_NET" 192.0.2.1; } ||
		{ rb_bird_route "$RB_NET"; return 1; }
	sed 's/^/  /' "$LAB_DIR/bird.route"
	lab_ctl hub blackhole add "$RB_NET" --for 2s | sed 's/^/  /'
	lab_until 15 rb_is_none && lab_until 5 rb_untold frr "$RB_NET" && lab_until 5 rb_untold bird "$RB_NET" || return 1
	lab_until 5 rb_answers frr || { say "the VIP under it does not answer again"; return 1; }
	grep -q 'blackhole: its time is over' "$LAB_DIR/hub.log" || return 1
	# What nobody has, and no router asks for: it comes here, and is dropped here.
	rb_peers frr
	lab_ctl hub blackhole add "$RB_NET" >"$LAB_DIR/added" || return 1
	lab_until 5 rb_untold bird "$RB_NET" && lab_until 5 rb_placed "$RB_NET" || return 1
	lab_in bird ping -q -c 3 -i 0.1 -W 1 198.51.100.77 >"$LAB_DIR/ping" 2>&1
	rb_is_silent bird || { say "the VIP under it answers"; return 1; }
	[ "$(rb_dropped "$RB_NET")" -ge 4 ] || { say "dropped: $(rb_dropped "$RB_NET")"; return 1; }
	STEP_NOTE="one prefix, $(rb_dropped "$RB_NET") packets to its VIP and to what nobody has"
}

step_rtbh_killed() {
	local before after
	before=$(rb_dropped "$RB_NET")
	lab_kill KILL "${LAB_AGENT_PID[hub]}"
	rb_is_silent bird || { say "it answers without an agent"; return 1; }
	lab_agent_up hub
	lab_until 30 rb_placed "$RB_NET" && lab_until 10 rb_told frr "$RB_NET" 192.0.2.1 || return 1
	rb_is_silent bird || { say "it answers after the start"; return 1; }
	after=$(rb_dropped "$RB_NET")
	[ "$after" -gt "$before" ] || { say "$before packets before, $after after"; return 1; }
	lab_ctl hub blackhole remove "$RB_NET" | sed 's/^/  /'
	lab_until 5 rb_is_none && lab_until 5 rb_untold frr "$RB_NET" && lab_until 5 rb_answers bird || return 1
	[ ! -e "$LAB_DIR/hub/state/blackholes.yaml" ] || { say "the order is still under --state"; return 1; }
	STEP_NOTE="$before packets before, $after after, under the same counter"
}

step_rtbh_ipv6() {
	local one=2001:db8:5::7
	rb_peers "frr bird"
	lab_ctl hub blackhole add "$one" >"$LAB_DIR/added" || return 1
	{ lab_until 5 rb_told frr "$one/128" 100::1 && lab_until 5 rb_told bird "$one/128" 100::1; } ||
		{ rb_frr_route "$one/128"; rb_bird_route "$one/128"; return 1; }
	lab_ctl hub show routes "$one/128" -o json | jq_says '.[0].nextHop == "100::1" and (.[0].communities | index("65535:666") != null)' || return 1
	rb_peers frr
	lab_until 5 rb_untold bird "$one/128" || return 1
	lab_in bird ip -6 route add 2001:db8:5::/64 via fd90:2::2
	lab_in bird ping -6 -q -c 2 -i 0.1 -W 1 "$one" >"$LAB_DIR/ping" 2>&1
	[ "$(rb_dropped "$one/128")" -ge 2 ] || { say "nothing is counted"; return 1; }
	lab_ctl hub blackhole remove "$one/128" >"$LAB_DIR/removed" && lab_until 5 rb_is_none
}

# rb_refuses PREFIX WORDS
rb_refuses() {
	! lab_ctl hub blackhole add "$1" >"$LAB_DIR/refused" 2>&1 || { say "$1 is not refused"; return 1; }
	sed 's/^/  /' "$LAB_DIR/refused"
	grep -q "$2" "$LAB_DIR/refused"
}
step_rtbh_refused() {
	rb_refuses 10.90.1.2 'an address of this node' && rb_refuses 10.90.2.0/24 'reaches 10.90.2.1' &&
		rb_refuses 203.0.113.0/24 'no range of an IPAddressPool' && rb_refuses 198.51.100.7/24 'bits behind its length' &&
		rb_refuses 0.0.0.0/0 'it reaches' && rb_refuses nonsense 'no prefix' && rb_is_none && rb_answers frr
}
