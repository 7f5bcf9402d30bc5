# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The five BGP daemons of tests/lab/daemons.bash: their namespaces, configurations and starts. Each takes two
# sessions of the hub's, both with an MD5 password: one over IPv4 with both families, and one over IPv6 with
# IPv6 alone.
#
#   hub 10.50.N.2 fd50:N::2 ── 10.50.N.1 fd50:N::1 FRR (1), BIRD (2), GoBGP (3), OpenBGPD (4), ExaBGP (5), rude (6)

DAEMONS=(frr bird gobgp openbgpd exabgp)
declare -A DAEMON_N=([frr]=1 [bird]=2 [gobgp]=3 [openbgpd]=4 [exabgp]=5 [rude]=6)
DAEMON_KEY=lab-only-secret

daemon_dir() { echo "$LAB_DIR/daemon-$1"; }

daemon_network() {
	local d n
	lab_namespace hub
	for d in "${!DAEMON_N[@]}"; do
		n=${DAEMON_N[$d]}
		lab_namespace "d-$d"
		lab_veth "d-$d" eth0 hub "to-$d"
		lab_in "d-$d" ip addr add "10.50.$n.1/24" dev eth0
		lab_in "d-$d" ip addr add "fd50:$n::1/64" dev eth0 nodad
		lab_in hub ip addr add "10.50.$n.2/24" dev "to-$d"
		lab_in hub ip addr add "fd50:$n::2/64" dev "to-$d" nodad
		mkdir -p "$(daemon_dir "$d")"
	done
}

daemon_frr_up() {
	local dir
	dir=$(daemon_dir frr)
	# Without that option zebra replaces an IPv6 route by deleting it first.
	lab_frr_start d-frr "$dir" "zebra --v6-rr-semantics" bgpd && lab_frr_load "$dir" <<-FRR
		router bgp 64601
		 bgp router-id 10.50.1.1
		 no bgp ebgp-requires-policy
		 bgp log-neighbor-changes
		 neighbor 10.50.1.2 remote-as 64513
		 neighbor 10.50.1.2 password $DAEMON_KEY
		 neighbor 10.50.1.2 ttl-security hops 1
		 neighbor 10.50.1.2 passive
		 neighbor fd50:1::2 remote-as 64513
		 neighbor fd50:1::2 password $DAEMON_KEY
		 neighbor fd50:1::2 passive
		 address-family ipv4 unicast
		  no neighbor fd50:1::2 activate
		 address-family ipv6 unicast
		  neighbor 10.50.1.2 activate
		  neighbor fd50:1::2 activate
	FRR
}
daemon_vtysh() { lab_frr "$(daemon_dir frr)" -c "$1"; }

daemon_bird_up() {
	local dir
	dir=$(daemon_dir bird)
	cat >"$dir/bird.conf" <<-BIRD
		router id 10.50.2.1;
		log "$dir/bird.log" all;
		protocol device { scan time 5; }
		protocol kernel { ipv4 { export all; }; }
		protocol kernel { ipv6 { export all; }; }
		template bgp node {
			password "$DAEMON_KEY";
			passive;
			error wait time 1, 1;
			error forget time 1;
			graceful restart aware;
			ipv6 { import all; export none; };
		}
		protocol bgp four from node {
			local 10.50.2.1 as 64602;
			neighbor 10.50.2.2 as 64513;
			ttl security on;
			ipv4 { import all; export none; };
		}
		protocol bgp six from node { local fd50:2::1 as 64602; neighbor fd50:2::2 as 64513; }
	BIRD
	lab_spawn "$dir/out.log" d-bird bird -f -c "$dir/bird.conf" -s "$dir/ctl" -P "$dir/bird.pid"
}

# daemon_gobgp_neighbor ADDRESS FAMILY...: on standard output.
daemon_gobgp_neighbor() {
	local family
	cat <<-GOBGP
		[[neighbors]]
		  [neighbors.config]
		    neighbor-address = "$1"
		    peer-as = 64513
		    auth-password = "$DAEMON_KEY"
		  [neighbors.transport.config]
		    passive-mode = true
		  [neighbors.graceful-restart.config]
		    enabled = true
		    restart-time = 120
	GOBGP
	shift
	for family in "$@"; do
		cat <<-GOBGP
			  [[neighbors.afi-safis]]
			    [neighbors.afi-safis.config]
			      afi-safi-name = "$family"
			    [neighbors.afi-safis.mp-graceful-restart.config]
			      enabled = true
		GOBGP
	done
}
daemon_gobgp_up() {
	local dir
	dir=$(daemon_dir gobgp)
	{
		printf '%s\n' '[global.config]' 'as = 64603' 'router-id = "10.50.3.1"' \
			'local-address-list = ["10.50.3.1", "fd50:3::1"]'
		daemon_gobgp_neighbor 10.50.3.2 ipv4-unicast ipv6-unicast
		daemon_gobgp_neighbor fd50:3::2 ipv6-unicast
	} >"$dir/gobgp.toml"
	lab_spawn "$dir/out.log" d-gobgp gobgpd -t toml -f "$dir/gobgp.toml" --api-hosts 127.0.0.1:50051 \
		--pprof-disable -l debug
}
daemon_gobgp() { lab_in d-gobgp gobgp -u 127.0.0.1 -p 50051 "$@"; }

daemon_openbgpd_up() {
	local dir
	dir=$(daemon_dir openbgpd)
	cat >"$dir/bgpd.conf" <<-BGPD
		AS 64604
		router-id 10.50.4.1
		listen on 10.50.4.1
		socket "$dir/ctl"
		fib-update no
		listen on fd50:4::1
		neighbor 10.50.4.2 {
			remote-as 64513
			passive
			tcp md5sig password "$DAEMON_KEY"
			announce IPv4 unicast
			announce IPv6 unicast
		}
		neighbor fd50:4::2 {
			remote-as 64513
			passive
			tcp md5sig password "$DAEMON_KEY"
			announce IPv4 none
			announce IPv6 unicast
		}
		allow from any
		allow to any
	BGPD
	chmod 600 "$dir/bgpd.conf"
	mkdir -p /run/openbgpd
	lab_spawn "$dir/out.log" d-openbgpd /usr/sbin/bgpd -d -f "$dir/bgpd.conf"
}

daemon_exabgp_up() {
	local dir
	dir=$(daemon_dir exabgp)
	# It is taken for dead when its standard output is closed.
	printf '#!/bin/sh\nexec 3>&1\nexec cat >>%s\n' "$dir/heard" >"$dir/hear"
	chmod 755 "$dir/hear"
	cat >"$dir/exabgp.conf" <<-EXABGP
		process hear { run $dir/hear; encoder json; }
		neighbor 10.50.5.2 {
			router-id 10.50.5.1;
			local-address 10.50.5.1;
			local-as 64605;
			peer-as 64513;
			md5-password "$DAEMON_KEY";
			passive true;
			listen 179;
			family { ipv4 unicast; ipv6 unicast; }
			api { processes [ hear ]; receive { parsed; update; notification; } }
		}
		neighbor fd50:5::2 {
			router-id 10.50.5.1;
			local-address fd50:5::1;
			local-as 64605;
			peer-as 64513;
			md5-password "$DAEMON_KEY";
			passive true;
			listen 179;
			family { ipv6 unicast; }
			api { processes [ hear ]; receive { parsed; update; notification; } }
		}
	EXABGP
	lab_spawn "$dir/out.log" d-exabgp env exabgp.daemon.user=root exabgp.api.cli=false \
		exabgp.api.ack=false exabgp.daemon.drop=false \
		exabgp.log.destination=stdout exabgp "$dir/exabgp.conf"
}
