# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Routes from peers: FRR (AS 64601) and BIRD (64602), each on a link of its own with both families, send
# routes to the node hub, which follows what FRRConfigurations ask for. What is accepted and installed and
# what is not, and why; ECMP; the limit; a router that is killed and comes back; a session that ends; the
# agent killed; what somebody else does in the table; --cleanup. The hub's data plane is off.
#
#   hub 10.80.N.2 fd80:N::2 ── N: 1 FRR .1, 2 BIRD .1
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

RC_TABLE=19800

receiving_all() {
	lab_folder
	LAB_NODES=(hub) # for lab_down
	run_step receiving-nothing "Without an FRRConfiguration nothing is accepted" step_receiving_nothing &&
		run_step receiving-all "mode all: both families from FRR; what is reserved and default routes are not" step_receiving_all &&
		run_step receiving-filtered "mode filtered with ge and le, from BIRD; a default route that is named" step_receiving_filtered &&
		run_step receiving-used "What this host sends goes by a received route, and by main's own before" step_receiving_used &&
		run_step receiving-gateway "A next hop behind another router, by the kernel's routes; and without a way to it" step_receiving_gateway &&
		run_step receiving-ecmp "The same prefix from both: two next hops, one when a path is longer" step_receiving_ecmp &&
		run_step receiving-limit "maxPrefixes: no more is accepted, it is told, and the session stays" step_receiving_limit &&
		run_step receiving-restart "BIRD killed and started: its routes stay, and are swept at End-of-RIB" step_receiving_restart &&
		run_step receiving-down "A session that ends takes its routes along" step_receiving_down &&
		run_step receiving-removed "A peer that is removed takes its routes along; it comes back with them" step_receiving_removed &&
		run_step receiving-adopted "The agent killed and started: no route is touched" step_receiving_adopted &&
		run_step receiving-foreign "Routes taken away come back; somebody else's in the way stays" step_receiving_foreign &&
		run_step receiving-many "10,000 routes from BIRD, while FRR's session and keepalives go on" step_receiving_many &&
		run_step receiving-cleanup "--cleanup leaves routes, rules and links byte for byte" step_receiving_cleanup
}

# --- the network --------------------------------------------------------------------------------------

rc_dir() { echo "$LAB_DIR/rc-$1"; }

rc_network() {
	local d n=0
	lab_namespace hub
	for d in frr bird; do
		n=$((n + 1))
		lab_namespace "$d"
		lab_veth "$d" eth0 hub "to-$d"
		lab_in "$d" ip addr add "10.80.$n.1/24" dev eth0
		lab_in "$d" ip addr add "fd80:$n::1/64" dev eth0 nodad
		lab_in hub ip addr add "10.80.$n.2/24" dev "to-$d"
		lab_in hub ip addr add "fd80:$n::2/64" dev "to-$d" nodad
		mkdir -p "$(rc_dir "$d")"
	done
}

rc_frr_up() {
	local dir
	dir=$(rc_dir frr)
	lab_frr_start frr "$dir" zebra bgpd && lab_frr_load "$dir" <<-FRR
		router bgp 64601
		 bgp router-id 10.80.1.1
		 no bgp ebgp-requires-policy
		 no bgp network import-check
		 neighbor 10.80.1.2 remote-as 64513
		 neighbor 10.80.1.2 passive
		 address-family ipv4 unicast
		  network 203.0.113.0/24
		  network 198.18.0.0/15
		  network 10.244.0.0/16
		  network 10.80.0.0/16
		  network 192.168.50.0/25
		  network 0.0.0.0/0
		 exit-address-family
		 address-family ipv6 unicast
		  neighbor 10.80.1.2 activate
		  neighbor 10.80.1.2 route-map v6 out
		  network 2001:db8:1::/48
		 exit-address-family
		route-map v6 permit 10
		 set ipv6 next-hop global fd80:1::1
	FRR
}
rc_vtysh() { lab_frr "$(rc_dir frr)" -c "$1"; }

# rc_bird_conf STATIC-ROUTES...: IPv4 routes of BIRD; all have an IPv6 one beside them.
rc_bird_conf() {
	local dir r
	dir=$(rc_dir bird)
	{
		cat <<-BIRD
			router id 10.80.2.1;
			log "$dir/bird.log" all;
			protocol device { scan time 5; }
			protocol static {
				ipv4;
				include "$dir/routes";
			}
			protocol static { ipv6; route 2001:db8:2::/48 unreachable; }
			protocol bgp node {
				local 10.80.2.1 as 64602;
				neighbor 10.80.2.2 as 64513;
				passive;
				error wait time 1, 1;
				error forget time 1;
				graceful restart on;
				ipv4 { import none; export filter { if net = 203.0.113.0/24 then bgp_path.prepend(LONGER); if net = 100.68.1.0/24 then bgp_next_hop = 10.99.0.7; accept; }; };
				ipv6 { import none; export all; next hop self; };
			}
		BIRD
	} | sed "s/bgp_path.prepend(LONGER);/${RC_LONGER:-bgp_med = 0;}/" >"$dir/bird.conf"
	for r in "$@"; do echo "route $r unreachable;"; done >"$dir/routes"
}
rc_bird_up() {
	local dir
	dir=$(rc_dir bird)
	lab_spawn "$dir/out.log" bird bird -f -c "$dir/bird.conf" -s "$dir/ctl" -P "$dir/bird.pid" "$@"
	RC_BIRD_PID=$LAB_PID
}
rc_birdc() { birdc -s "$(rc_dir bird)/ctl" "$@" >>"$LAB_DIR/birdc.log"; }
rc_bird_routes() {
	rc_bird_conf "$@"
	rc_birdc configure
}

rc_put() {
	cat >"$LAB_DIR/config/.$1"
	mv "$LAB_DIR/config/.$1" "$LAB_DIR/config/$1.yaml"
}

# rc_peers [ANNOTATIONS-OF-BIRD]
rc_peers() {
	local n
	for n in "frr 64601 1" "bird 64602 2"; do
		# shellcheck disable=SC2086 # three words
		set -- "${1-}" $n
		cat <<-PEER
			---
			apiVersion: metallb.io/v1beta2
			kind: BGPPeer
			metadata: {name: $2, namespace: metallb-system, annotations: {$([ "$2" = bird ] && echo "$1")}}
			spec: {myASN: 64513, peerASN: $3, peerAddress: 10.80.$4.1, connectTime: 1s, enableGracefulRestart: true, dualStackAddressFamily: true}
		PEER
	done | rc_put peers
}

# rc_receive NAME ASN ADDRESS ALLOWED: an FRRConfiguration as frr-k8s has it.
rc_receive() {
	cat <<-FRR | rc_put "receive-$1"
		apiVersion: frrk8s.metallb.io/v1beta1
		kind: FRRConfiguration
		metadata: {name: $1, namespace: frr-k8s-system}
		spec: {bgp: {routers: [{asn: 64513, neighbors: [{address: $3, asn: $2, toReceive: {allowed: {$4}}}]}]}}
	FRR
}

rc_objects() {
	cat <<-OBJECTS | rc_put objects
		apiVersion: lodestone.io/v1alpha1
		kind: LodestoneConfig
		metadata: {name: default}
		spec: {dataplane: {mode: "off"}}
		---
		apiVersion: v1
		kind: Node
		metadata: {name: hub}
		spec: {podCIDRs: [10.244.0.0/24]}
		status: {addresses: [{type: InternalIP, address: 10.80.1.2}]}
		---
		apiVersion: metallb.io/v1beta1
		kind: IPAddressPool
		metadata: {name: pool, namespace: metallb-system}
		spec: {addresses: [192.168.50.0/24]}
	OBJECTS
}

# --- questions ----------------------------------------------------------------------------------------

rc_routes() { lab_in hub ip -N "$@" route show table $RC_TABLE 2>/dev/null | sort; }
rc_has() { rc_routes | grep -q "^$1 "; }
rc_has6() { rc_routes -6 | grep -q "^$1 "; }
rc_lacks() { ! rc_has "$1"; }
rc_n_is() { [ "$(rc_routes | grep -c '^[0-9]')" = "$1" ]; }
rc_up() { lab_ctl hub show peers -o json | jq_says '[.[] | .state == "Established"] | length == 2 and all'; }
# rc_row PREFIX PEER FILTER: of what lodectl says of that route.
rc_row() {
	lab_ctl hub show routes "$1" --received --peer "$2" -o json | jq_says "length == 1 and (.[0] | $3)"
}
rc_problem() { lab_ctl hub show problems -o json | jq_says "any(.reason == \"$1\")"; }
rc_no_problem() { ! rc_problem "$1"; }
rc_says() {
	lab_ctl hub show peers
	lab_ctl hub show routes --received -o wide
	lab_ctl hub show problems
	rc_routes
	rc_routes -6
	tail -n 8 "$LAB_DIR/hub.log"
	return 1
}
rc_flaps() { lab_ctl hub show peers -o json | jq '[.[].flaps] | add'; }

# --- steps --------------------------------------------------------------------------------------------

step_receiving_nothing() {
	rc_network
	rc_bird_conf 203.0.113.0/24 100.64.0.0/10 100.65.1.0/24 100.65.1.128/25 0.0.0.0/0
	rc_frr_up && rc_bird_up || { say "a router does not start"; return 1; }
	mkdir -p "$LAB_DIR/config"
	rc_objects
	rc_peers
	lab_in hub ip route add default via 10.80.1.1
	lab_agent_up hub
	lab_until 20 rc_up || rc_says || return 1
	sleep 1
	rc_n_is 0 || rc_says || return 1
	lab_in hub ip -N rule | grep -q "$RC_TABLE" && { say "there are rules"; return 1; }
	lab_ctl hub show routes --received -o json | jq_says 'length == 0'
}

step_receiving_all() {
	rc_receive frr 64601 10.80.1.1 'mode: all'
	lab_until 5 rc_has 203.0.113.0/24 && lab_until 3 rc_has 198.18.0.0/15 && lab_until 3 rc_has6 2001:db8:1::/48 || rc_says || return 1
	rc_n_is 2 || rc_says || return 1
	rc_routes | sed 's/^/  /'
	lab_in hub ip -N rule | grep 19[89]00
	lab_ctl hub show routes --received
	rc_row 203.0.113.0/24 frr '.accepted and .installed and .nextHop == "10.80.1.1" and .asPath == [64601]' || return 1
	rc_row 0.0.0.0/0 frr '.accepted == false and .reason == "default route"' || return 1
	rc_row 10.244.0.0/16 frr '.reason == "reserved: the pod network of Node hub"' || return 1
	rc_row 192.168.50.0/25 frr '.reason == "reserved: IPAddressPool pool"' || return 1
	rc_row 10.80.0.0/16 frr '.accepted == false and (.reason | test("^reserved: "))' || return 1
	lab_ctl hub show peers -o json | jq_says 'any(.name == "frr" and .routesAccepted == 3)' || return 1
	STEP_NOTE="3 of 7 accepted"
}

step_receiving_filtered() {
	rc_receive bird 64602 10.80.2.1 'prefixes: [{prefix: 100.64.0.0/10, ge: 24, le: 24}, {prefix: 0.0.0.0/0}, {prefix: "2001:db8::/32", le: 48}]'
	lab_until 5 rc_has 100.65.1.0/24 && lab_until 3 rc_has6 2001:db8:2::/48 && lab_until 3 rc_has default || rc_says || return 1
	rc_lacks 100.64.0.0/10 && rc_lacks 100.65.1.128/25 || rc_says || return 1
	rc_row 100.65.1.128/25 bird '.reason == "not asked for"' || return 1
	rc_row 203.0.113.0/24 bird '.reason == "not asked for"' || return 1
	rc_receive nobody 64602 10.80.9.9 'mode: all'
	lab_until 3 rc_problem UnknownPeer || return 1
	rc_receive nobody 64699 10.80.2.1 'mode: all'
	lab_until 3 rc_problem AsnMismatch || return 1
	rm "$LAB_DIR/config/receive-nobody.yaml"
	STEP_NOTE="of the same lengths as asked for, a default route by its name"
	lab_until 3 rc_no_problem AsnMismatch
}

rc_way() { lab_in hub ip -j route get "$1" | jq -r '.[0] | "\(.gateway) \(.dev)"'; }
rc_goes() {
	local way
	way=$(rc_way "$1")
	[ "$way" = "$2" ] || { say "$1 goes by $way"; rc_says; }
}
step_receiving_used() {
	rc_goes 203.0.113.7 "10.80.1.1 to-frr" && rc_goes 100.65.1.9 "10.80.2.1 to-bird" || return 1
	rc_goes 9.9.9.9 "10.80.2.1 to-bird" || return 1 # the received default route, before main's
	rc_goes 2001:db8:2::9 "fd80:2::1 to-bird" || return 1
	lab_in hub ip route add 203.0.113.0/25 via 10.80.2.1
	rc_goes 203.0.113.7 "10.80.2.1 to-bird" || return 1
	lab_in hub ip route del 203.0.113.0/25
	rc_goes 203.0.113.7 "10.80.1.1 to-frr"
}

rc_by() { [ "$(rc_way "$1")" = "$2" ]; }
# BIRD's route to it has a next hop that is on no link of the hub.
step_receiving_gateway() {
	rc_bird_routes 203.0.113.0/24 100.65.1.0/24 100.68.1.0/24
	lab_until 5 rc_by 100.68.1.9 "10.80.1.1 to-frr" || { say "by main's default route: $(rc_way 100.68.1.9)"; rc_says; } || return 1
	rc_row 100.68.1.0/24 bird '.installed and .nextHop == "10.99.0.7"' || rc_says || return 1
	lab_in hub ip route add 10.99.0.0/24 via 10.80.2.1
	lab_until 5 rc_by 100.68.1.9 "10.80.2.1 to-bird" || rc_says || return 1
	lab_in hub ip route replace unreachable 10.99.0.0/24
	lab_until 5 rc_row 100.68.1.0/24 bird '.accepted and (.installed | not) and .reason == "nothing leads to the next hop"' || rc_says || return 1
	lab_until 5 rc_lacks 100.68.1.0/24 || rc_says || return 1
	lab_in hub ip route del unreachable 10.99.0.0/24
	lab_until 5 rc_by 100.68.1.9 "10.80.1.1 to-frr" || { say "by main's default route again: $(rc_way 100.68.1.9)"; rc_says; } || return 1
	STEP_NOTE="by FRR, by BIRD, and gone without a way"
	rc_bird_routes 203.0.113.0/24 100.65.1.0/24
}

rc_two_ways() { [ "$(rc_routes | grep -A2 '^203.0.113.0/24 ' | grep -c nexthop)" = 2 ] || [ "$(lab_in hub ip -j route show 203.0.113.0/24 table $RC_TABLE | jq '.[0].nexthops | length')" = 2 ]; }
rc_one_way() { lab_in hub ip -j route show 203.0.113.0/24 table $RC_TABLE | jq_says '.[0].gateway == "10.80.1.1"'; }
step_receiving_ecmp() {
	rc_receive bird 64602 10.80.2.1 'prefixes: [{prefix: 100.64.0.0/10, le: 32}, {prefix: 203.0.113.0/24}]'
	lab_until 5 rc_two_ways || rc_says || return 1
	lab_in hub ip route show 203.0.113.0/24 table $RC_TABLE
	rc_row 203.0.113.0/24 bird '.installed and (.best | not)' && rc_row 203.0.113.0/24 frr '.installed and .best' || rc_says || return 1
	RC_LONGER='bgp_path.prepend(64602);' rc_bird_routes 203.0.113.0/24 100.65.1.0/24
	lab_until 5 rc_one_way || rc_says || return 1
	rc_row 203.0.113.0/24 bird '.installed == false and .reason == "another route is better"' || return 1
	rc_bird_routes 203.0.113.0/24 100.65.1.0/24
	lab_until 5 rc_two_ways || rc_says
}

step_receiving_limit() {
	local i flaps routes=()
	flaps=$(rc_flaps)
	for i in $(seq 1 30); do routes+=("100.66.$i.0/24"); done
	rc_peers 'lodestone.io/max-prefixes: "20"'
	rc_bird_routes 203.0.113.0/24 "${routes[@]}"
	lab_until 5 rc_problem TooManyPrefixes || rc_says || return 1
	lab_ctl hub show peers -o json | jq_says 'any(.name == "bird" and .routesAccepted == 20)' || rc_says || return 1
	lab_ctl hub show routes --received --peer bird -o json | jq_says '[.[] | select(.reason == "over the limit")] | length == 11' || return 1
	rc_peers
	lab_until 5 rc_has 100.66.30.0/24 && lab_until 5 rc_no_problem TooManyPrefixes || rc_says || return 1
	STEP_NOTE="20 of 31, the rest when the limit was raised, without a new session"
	[ "$(rc_flaps)" = "$flaps" ]
}

rc_stale_is() { lab_ctl hub show routes --received --peer bird -o json | jq_says "[.[] | select(.stale)] | length == $1"; }
rc_bird_is() { lab_ctl hub show peers -o json | jq_says "any(.name == \"bird\" and (.state == \"Established\") == $1)"; }
step_receiving_restart() {
	rc_bird_routes 203.0.113.0/24 100.65.1.0/24 100.65.2.0/24
	lab_until 5 rc_has 100.65.2.0/24 && lab_until 3 rc_lacks 100.66.30.0/24 || rc_says || return 1
	: >"$LAB_DIR/monitor"
	lab_spawn "$LAB_DIR/monitor" hub ip -N monitor route
	local monitor=$LAB_PID
	sleep 0.3
	lab_kill KILL "$RC_BIRD_PID"
	lab_until 5 rc_bird_is false && rc_has 100.65.1.0/24 && rc_has 100.65.2.0/24 || rc_says || return 1
	rc_stale_is 4 || rc_says || return 1
	rc_bird_conf 203.0.113.0/24 100.65.1.0/24 # it comes back without one of them
	rc_bird_up -R
	lab_until 20 rc_bird_is true || rc_says || return 1
	lab_until 30 rc_lacks 100.65.2.0/24 || rc_says || return 1
	lab_kill TERM "$monitor"
	grep "100.65.1.0/24" "$LAB_DIR/monitor" && { say "what stays was touched"; return 1; }
	rc_has 100.65.1.0/24 && rc_stale_is 0 || rc_says || return 1
	STEP_NOTE="what came back was not touched, what did not is gone"
}

step_receiving_down() {
	rc_birdc disable node # with a Cease: not a restart
	lab_until 5 rc_lacks 100.65.1.0/24 && lab_until 3 rc_one_way || rc_says || return 1
	[ -z "$(rc_routes -6 | grep 2001:db8:2::)" ] || rc_says || return 1
	rc_birdc enable node
	lab_until 15 rc_has 100.65.1.0/24 && lab_until 5 rc_two_ways || rc_says
}

step_receiving_removed() {
	head -n 5 "$LAB_DIR/config/peers.yaml" | rc_put peers # FRR alone
	lab_until 5 rc_lacks 100.65.1.0/24 && lab_until 3 rc_one_way || rc_says || return 1
	[ -z "$(rc_routes -6 | grep 2001:db8:2::)" ] || rc_says || return 1
	rc_peers
	lab_until 15 rc_has 100.65.1.0/24 && lab_until 5 rc_two_ways || rc_says
}

step_receiving_adopted() {
	local was
	was=$(rc_routes; rc_routes -6)
	: >"$LAB_DIR/monitor"
	lab_kill KILL "${LAB_AGENT_PID[hub]}"
	lab_spawn "$LAB_DIR/monitor" hub ip -N monitor route rule
	local monitor=$LAB_PID
	sleep 0.3
	lab_agent_up hub
	lab_until 20 rc_up && lab_until 5 rc_row 100.65.1.0/24 bird .installed || rc_says || return 1
	sleep 2
	lab_kill TERM "$monitor"
	grep -E "19[89]00" "$LAB_DIR/monitor" && { say "something was placed anew"; return 1; }
	[ "$(rc_routes; rc_routes -6)" = "$was" ] || rc_says || return 1
	# One that is not announced any more when it comes back goes.
	lab_kill KILL "${LAB_AGENT_PID[hub]}"
	rc_bird_routes 203.0.113.0/24
	sleep 0.5
	rc_has 100.65.1.0/24 || { say "gone with the agent"; return 1; }
	lab_agent_up hub
	lab_until 20 rc_lacks 100.65.1.0/24 || rc_says || return 1
	rc_bird_routes 203.0.113.0/24 100.65.1.0/24
	lab_until 5 rc_has 100.65.1.0/24 || rc_says
}

step_receiving_foreign() {
	lab_in hub ip route flush table $RC_TABLE
	lab_until 5 rc_has 203.0.113.0/24 && lab_until 3 rc_has 100.65.1.0/24 || rc_says || return 1
	grep -q 'somebody took routes away; put back' "$LAB_DIR/hub.log" || { say "nothing in the log"; return 1; }
	lab_ctl hub status -o json | jq_says '.kernelRoutes.received | .repaired >= 2 and .installed == .total' || rc_says || return 1
	lab_in hub ip route add 100.67.1.0/24 via 10.80.1.1 metric 19600 proto static table $RC_TABLE
	rc_bird_routes 203.0.113.0/24 100.65.1.0/24 100.67.1.0/24
	lab_until 5 rc_problem RouteTaken || rc_says || return 1
	rc_row 100.67.1.0/24 bird '.accepted and (.installed | not) and (.reason | test("somebody else"))' || rc_says || return 1
	rc_routes | grep -q '^100.67.1.0/24 via 10.80.1.1' || { say "his route has gone"; return 1; }
	lab_in hub ip route del 100.67.1.0/24 table $RC_TABLE
	lab_until 5 rc_row 100.67.1.0/24 bird .installed || rc_says || return 1
	lab_until 5 rc_no_problem RouteTaken || rc_says
}

step_receiving_many() {
	local flaps i j routes=() started ended
	flaps=$(rc_flaps)
	for i in $(seq 0 39); do for j in $(seq 0 249); do routes+=("100.$((64 + i % 64)).$j.0/24"); done; done
	started=$(date +%s%3N)
	rc_peers 'lodestone.io/max-prefixes: "20000"'
	rc_bird_routes "${routes[@]}"
	lab_until 20 rc_n_is 10002 || { rc_routes | wc -l; return 1; }
	ended=$(date +%s%3N)
	lab_ctl hub show routes --received --peer bird -o json | jq_says '[.[] | select(.installed)] | length == 10000' || return 1
	rc_bird_routes 203.0.113.0/24
	lab_until 20 rc_n_is 2 || { rc_routes | wc -l; return 1; }
	STEP_NOTE="in the kernel $((ended - started)) ms after BIRD was told"
	[ "$(rc_flaps)" = "$flaps" ]
}

rc_everything() {
	lab_in hub bash -c 'ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; ip link' |
		sed 's/ state [A-Z]*//; s/ expires [0-9]*sec//'
}
rc_clean_up() { lab_in hub "$LAB_AGENT" --cleanup --pin "$(lab_pin hub)"; }
step_receiving_cleanup() {
	lab_kill INT "${LAB_AGENT_PID[hub]}"
	rc_has 203.0.113.0/24 || { say "routes have gone with the agent"; return 1; }
	rc_clean_up || return 1
	rc_everything >"$LAB_DIR/before"
	grep -qE '19[89]00' "$LAB_DIR/before" && { say "something is left"; return 1; }
	lab_agent_up hub
	lab_until 20 rc_has 203.0.113.0/24 || rc_says || return 1
	lab_kill INT "${LAB_AGENT_PID[hub]}"
	rc_clean_up || return 1
	rc_everything >"$LAB_DIR/after"
	cmp "$LAB_DIR/before" "$LAB_DIR/after" || { diff "$LAB_DIR/before" "$LAB_DIR/after"; return 1; }
}
