# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Links without addresses: one node between FRR (AS 64601) and BIRD (64602), each known by its interface
# alone. The routers' kernels are to have an IPv4 and an IPv6 VIP by inet6 next hops, traffic comes by them,
# and an agent that is killed or a link that goes and comes costs what it should. Each router is a client, too,
# by an address that it has for itself.
#
#    FRR eth0 ──────────── up-frr  edge  up-bird ──────────── eth0 BIRD
#    10.9.1.1 2001:db8:9:1::1        │       10.9.2.1 2001:db8:9:2::1
#                                 pod 10.244.7.11 fd00:10:7::11
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

UN_VIP=192.0.2.78
UN_VIP6=2001:db8:100::78
declare -A UN_NET=([frr]=1 [bird]=2)

unnumbered_all() {
	lab_folder
	LAB_NODES=(edge) # for lab_down
	run_step unnumbered "Peers by interface: FRR and BIRD have both VIPs by inet6 next hops" step_unnumbered &&
		run_step unnumbered-traffic "Traffic by these routes, over links without addresses" step_unnumbered_traffic &&
		run_step unnumbered-killed "The agent killed with -9: no route leaves the routers' kernels" step_unnumbered_killed &&
		run_step unnumbered-link "A link goes and comes back, and so does its session alone" step_unnumbered_link &&
		run_step unnumbered-accepted "TTL security by interface, and a session that FRR dialled" step_unnumbered_accepted &&
		run_step unnumbered-numbered "Sessions by IPv6 address: IPv6 alone, then IPv4 by IPv6 next hops, too" step_unnumbered_numbered
}

# --- the network ------------------------------------------------------------------------------------

un_network() {
	local d n
	lab_namespace edge
	lab_in edge sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for d in frr bird; do
		n=${UN_NET[$d]}
		lab_namespace "u-$d"
		lab_in "u-$d" sysctl -qw net.ipv6.conf.all.forwarding=1
		lab_veth "u-$d" eth0 edge "up-$d"
		lab_xdp_pass "u-$d" eth0 || return 1
		lab_in "u-$d" ip addr add "10.9.$n.1/32" dev lo
		lab_in "u-$d" ip addr add "2001:db8:9:$n::1/128" dev lo nodad
		mkdir -p "$LAB_DIR/daemon-u-$d"
	done
	lab_namespace pod-u
	lab_veth edge pod-u pod-u eth0
	lab_in edge ip addr add 10.244.7.1/32 dev pod-u
	lab_in edge ip route add 10.244.7.11/32 dev pod-u
	lab_in edge ip addr add fd00:10::1/128 dev pod-u nodad
	lab_in edge ip -6 route add fd00:10:7::11/128 dev pod-u
	lab_in pod-u ip addr add 10.244.7.11/32 dev eth0
	lab_in pod-u ip addr add fd00:10:7::11/128 dev eth0 nodad
	lab_in pod-u ip route add 10.244.7.1/32 dev eth0
	lab_in pod-u ip route add default via 10.244.7.1
	lab_in pod-u ip -6 route add fd00:10::1/128 dev eth0
	lab_in pod-u ip -6 route add default via fd00:10::1
	lab_spawn "$LAB_DIR/pod-u.log" pod-u "$LAB_ROOT/build/tests/pod" u1 80
	for d in frr bird; do lab_until 5 un_link_local "u-$d" eth0 && lab_until 5 un_link_local edge "up-$d" || return 1; done
	un_ways_back
}
# un_link_local NAMESPACE DEVICE: its link-local address, once it may be used.
un_link_local() {
	lab_in "$1" ip -j -6 addr show dev "$2" scope link -tentative | jq -er '[.[].addr_info[]?.local // empty][0]'
}
# The routers' own addresses, which no session tells us.
un_ways_back() {
	local d n via
	for d in frr bird; do
		n=${UN_NET[$d]} via=$(un_link_local "u-$d" eth0) || return 1
		lab_in edge ip route replace "10.9.$n.1/32" via inet6 "$via" dev "up-$d"
		lab_in edge ip -6 route replace "2001:db8:9:$n::1/128" via "$via" dev "up-$d"
	done
}

un_frr_up() {
	local dir=$LAB_DIR/daemon-u-frr
	# Without that option zebra replaces an IPv6 route by deleting it first.
	lab_frr_start u-frr "$dir" "zebra --v6-rr-semantics" bgpd && lab_frr_load "$dir" <<-FRR
		router bgp 64601
		 bgp router-id 10.9.1.1
		 no bgp ebgp-requires-policy
		 no bgp default ipv4-unicast
		 neighbor eth0 interface remote-as 64513
		 neighbor eth0 password $DAEMON_KEY
		 address-family ipv4 unicast
		  neighbor eth0 activate
		 address-family ipv6 unicast
		  neighbor eth0 activate
	FRR
}

un_vtysh() { lab_frr "$LAB_DIR/daemon-u-frr" -c "$1"; }

un_bird_up() {
	local dir=$LAB_DIR/daemon-u-bird
	cat >"$dir/bird.conf" <<-BIRD
		router id 10.9.2.1;
		log "$dir/bird.log" all;
		protocol device { scan time 5; }
		protocol kernel { ipv4 { export all; }; }
		protocol kernel { ipv6 { export all; }; }
		protocol radv { interface "eth0" { min ra interval 3; max ra interval 10; default lifetime 0; }; }
		protocol bgp node {
			local as 64602;
			neighbor range fe80::/10 as 64513;
			interface "eth0";
			error wait time 1, 1;
			error forget time 1;
			graceful restart aware;
			ipv4 { import all; export none; extended next hop on; };
			ipv6 { import all; export none; };
		}
	BIRD
	lab_spawn "$dir/out.log" u-bird bird -f -c "$dir/bird.conf" -s "$dir/ctl" -P "$dir/bird.pid"
}

un_config() {
	local dir=$LAB_DIR/config d
	mkdir -p "$dir"
	for d in frr bird; do
		cat <<-PEER
			---
			apiVersion: metallb.io/v1beta2
			kind: BGPPeer
			metadata: {name: $d, namespace: metallb-system}
			spec:
			  myASN: 64513
			  peerASN: 6460${UN_NET[$d]}
			  interface: up-$d
			  enableGracefulRestart: true
			  $([ "$d" = bird ] || echo "password: $DAEMON_KEY")
		PEER
	done >"$dir/peers.yaml"
	cat >"$dir/service.yaml" <<-YAML
		apiVersion: metallb.io/v1beta1
		kind: IPAddressPool
		metadata: {name: pool, namespace: metallb-system}
		spec: {addresses: [192.0.2.0/24, "2001:db8:100::/64"]}
		---
		apiVersion: metallb.io/v1beta1
		kind: BGPAdvertisement
		metadata: {name: all, namespace: metallb-system}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: web, namespace: shop, annotations: {metallb.io/loadBalancerIPs: "$UN_VIP,$UN_VIP6"}}
		spec: {type: LoadBalancer, externalTrafficPolicy: Local, ipFamilyPolicy: RequireDualStack,
		  ipFamilies: [IPv4, IPv6], ports: [{port: 80}]}
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: web-4, namespace: shop, labels: {kubernetes.io/service-name: web}}
		addressType: IPv4
		endpoints: [{addresses: [10.244.7.11], nodeName: edge, conditions: {ready: true}}]
		ports: [{name: "", port: 80, protocol: TCP}]
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: web-6, namespace: shop, labels: {kubernetes.io/service-name: web}}
		addressType: IPv6
		endpoints: [{addresses: ["fd00:10:7::11"], nodeName: edge, conditions: {ready: true}}]
		ports: [{name: "", port: 80, protocol: TCP}]
	YAML
}

# --- questions --------------------------------------------------------------------------------------

un_peer() { lab_ctl edge show peer "$1" -o json 2>/dev/null | jq -r ".[0].$2"; }
un_is_up() { [ "$(un_peer "$1" state)" = Established ]; }
# un_fib ROUTER: what its kernel has of both VIPs, on one line.
un_fib() {
	{ lab_in "u-$1" ip -4 route show "$UN_VIP"; lab_in "u-$1" ip -6 route show "$UN_VIP6"; } | xargs
}
un_fib_is_whole() {
	local via
	via=$(un_link_local edge "up-$1") || return 1
	lab_in "u-$1" ip -4 route show "$UN_VIP" | grep -qF "via inet6 $via" &&
		lab_in "u-$1" ip -6 route show "$UN_VIP6" | grep -qF "via $via"
}
un_fib_is_empty() { [ -z "$(un_fib "$1")" ]; }
un_answers() { # ROUTER URL
	lab_in "u-$1" curl -sfm 2 --interface "$2" "$3" | jq -r .client
}
un_says() {
	local d
	for d in frr bird; do
		say "$d: $(un_peer "$d" state) with $(un_peer "$d" address) on $(un_peer "$d" interface), its kernel: $(un_fib "$d"); $(un_peer "$d" lastError)"
	done
}
un_all_is_well() { un_is_up frr && un_is_up bird && un_fib_is_whole frr && un_fib_is_whole bird; }

# --- steps ------------------------------------------------------------------------------------------

step_unnumbered() {
	local started
	un_network && un_frr_up && un_bird_up || return 1
	un_config
	started=$SECONDS
	lab_agent_up edge
	lab_until 20 un_all_is_well || { un_says; tail -n 20 "$LAB_DIR/edge.log"; return 1; }
	un_says
	lab_ctl edge show peers | sed 's/^/  /'
	lab_ctl edge show routes | sed 's/^/  /'
	STEP_NOTE="two sessions and four routes after $((SECONDS - started)) s"
	grep -q "session established.*peer=frr address=fe80:.*%up-frr" "$LAB_DIR/edge.log"
}

step_unnumbered_traffic() {
	local d n
	for d in frr bird; do
		n=${UN_NET[$d]}
		lab_until 5 un_answers "$d" "10.9.$n.1" "http://$UN_VIP/" || return 1
		[ "$(un_answers "$d" "10.9.$n.1" "http://$UN_VIP/")" = "10.9.$n.1" ] &&
			[ "$(un_answers "$d" "2001:db8:9:$n::1" "http://[$UN_VIP6]/")" = "2001:db8:9:$n::1" ] || return 1
	done
	STEP_NOTE="both VIPs from both routers, the client's own address"
	[ "$(lab_ctl edge show services -o json | jq '[.[].packets] | add')" -gt 0 ]
}

step_unnumbered_killed() {
	local d started
	for d in frr bird; do
		for n in 4 6; do
			lab_spawn "$LAB_DIR/events-u.$d.$n" "u-$d" timeout 30 ip "-$n" monitor route
		done
	done
	sleep 0.3
	lab_kill KILL "${LAB_AGENT_PID[edge]}"
	started=$SECONDS
	lab_agent_up edge
	lab_until 20 un_all_is_well || { un_says; tail -n 20 "$LAB_DIR/edge.log"; return 1; }
	STEP_NOTE="both sessions again after $((SECONDS - started)) s"
	sleep 1 # End-of-RIB, and what the helpers do then
	! grep -h "Deleted.*\($UN_VIP\|$UN_VIP6\)" "$LAB_DIR"/events-u.*
}

step_unnumbered_link() {
	local started flaps
	flaps=$(un_peer bird flaps)
	lab_in edge ip link set up-frr down
	lab_until 3 un_fib_is_empty frr || { un_says; return 1; }
	lab_until 5 un_gone frr || { un_says; return 1; }
	say "frr: $(un_peer frr lastError)"
	lab_in edge ip link set up-frr up
	started=$SECONDS
	lab_until 20 un_all_is_well || { un_says; tail -n 20 "$LAB_DIR/edge.log"; return 1; }
	un_ways_back
	STEP_NOTE="session and routes again $((SECONDS - started)) s after the link"
	[ "$(un_peer bird flaps)" = "$flaps" ] && un_answers frr 10.9.1.1 "http://$UN_VIP/" >/dev/null
}
un_gone() { ! un_is_up "$1" && [ "$(un_peer "$1" address)" = null ]; }

# un_annotate ANNOTATION...: of the peer FRR, in the place of those that it has.
un_annotate() {
	local file=$LAB_DIR/config/peers.yaml
	sed "s|metadata: {name: frr, namespace: metallb-system.*|metadata: {name: frr, namespace: metallb-system, annotations: {$1}}|" \
		"$file" >"$file.new" && mv "$file.new" "$file"
}
un_is_lost() { ! un_is_up frr; }
un_is_too_far() { un_peer frr lastError | grep -q 'too small a TTL'; }
# Both ends of the session with FRR, as our host has them: we were dialled.
un_was_dialled() { lab_in edge ss -Htn state established sport = :179 | grep -q "%up-frr"; }
un_neighbour() { lab_frr_load "$LAB_DIR/daemon-u-frr" <<<"router bgp 64601
 $1"; }

step_unnumbered_accepted() {
	local guard='lodestone.io/ttl-security: \"1\"' rule='oifname "up-frr" tcp dport 179 drop'
	un_annotate "$guard"
	lab_until 5 un_is_lost || return 1
	# FRR's hop limit is 1 behind the handshake, so that its OPEN is dropped; it dials as well as we do.
	lab_until 10 un_is_too_far || { un_says; return 1; }
	un_is_lost || { say "a session with hop limits of 1"; return 1; }
	un_neighbour "neighbor eth0 ttl-security hops 1" || return 1
	lab_until 40 un_all_is_well || { un_says; return 1; }
	lab_in edge nft -f - <<<"table inet t { chain o { type filter hook output priority 0; $rule; }; }"
	un_annotate "$guard, lodestone.io/listen: \"true\""
	un_vtysh "clear bgp *" >/dev/null
	lab_until 30 un_was_dialled && lab_until 10 un_all_is_well || { un_says; lab_in edge ss -tn; tail -n 5 "$LAB_DIR/edge.log"; return 1; }
	lab_in edge nft delete table inet t
	STEP_NOTE="no session at a hop limit of 1, and why; with 255 by either end's dial"
}

# --- RFC 8950 by address ----------------------------------------------------------------------------

# The links get IPv6 addresses, and still no IPv4 ones; FRR has IPv4 active as by its default.
un_number() {
	local d n dir=$LAB_DIR/daemon-u-frr
	for d in frr bird; do
		n=${UN_NET[$d]}
		lab_in "u-$d" ip addr add "2001:db8:50:$n::1/64" dev eth0 nodad
		lab_in edge ip addr add "2001:db8:50:$n::2/64" dev "up-$d" nodad
	done
	lab_frr_load "$dir" <<-FRR || return 1
		router bgp 64601
		 no neighbor eth0 interface remote-as 64513
		 neighbor 2001:db8:50:1::2 remote-as 64513
		 neighbor 2001:db8:50:1::2 capability extended-nexthop
		 address-family ipv4 unicast
		  neighbor 2001:db8:50:1::2 activate
		 address-family ipv6 unicast
		  neighbor 2001:db8:50:1::2 activate
	FRR
	dir=$LAB_DIR/daemon-u-bird
	sed -i 's/neighbor range .*/local 2001:db8:50:2::1; neighbor 2001:db8:50:2::2 as 64513;/; /^\t*interface "eth0";$/d' "$dir/bird.conf"
	birdc -s "$dir/ctl" configure >"$dir/six.log" 2>&1
}
un_config_by_address() { # DUAL
	local d
	for d in frr bird; do
		cat <<-PEER
			---
			apiVersion: metallb.io/v1beta2
			kind: BGPPeer
			metadata: {name: $d, namespace: metallb-system}
			spec: {myASN: 64513, peerASN: 6460${UN_NET[$d]}, peerAddress: "2001:db8:50:${UN_NET[$d]}::1",
			  dualStackAddressFamily: $1}
		PEER
	done >"$LAB_DIR/config/peers.yaml.new"
	mv "$LAB_DIR/config/peers.yaml.new" "$LAB_DIR/config/peers.yaml"
}
# un_speaks ROUTER FAMILIES: the session is up with these.
un_speaks() { un_is_up "$1" && [ "$(un_peer "$1" families)" = "$2" ]; }

# FRR takes the link-local next hop of the two, BIRD the global one.
un_has_v4_by_v6() { lab_in "u-$1" ip -4 route show "$UN_VIP" | grep -q "via inet6"; }

step_unnumbered_numbered() {
	local d v4
	un_number || return 1
	un_config_by_address false
	for d in frr bird; do
		lab_until 20 un_speaks "$d" "IPv6 unicast" || { un_says; return 1; }
		v4=$(lab_in "u-$d" ip -4 route show "$UN_VIP")
		[ -z "$v4" ] || { say "$d has $v4"; return 1; }
	done
	un_config_by_address true
	for d in frr bird; do
		lab_until 20 un_speaks "$d" "IPv4 unicast, IPv6 unicast" || { un_says; return 1; }
		lab_until 10 un_has_v4_by_v6 "$d" || { un_says; return 1; }
		[ "$(un_answers "$d" "10.9.${UN_NET[$d]}.1" "http://$UN_VIP/")" = "10.9.${UN_NET[$d]}.1" ] || return 1
	done
	un_says
	STEP_NOTE="IPv6 alone, then both families, IPv4 by an IPv6 next hop"
}
