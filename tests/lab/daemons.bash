# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The BGP daemons that operators have, each in a namespace of its own, and one agent with a session to
# every one of them: FRR (AS 64601), BIRD (64602), GoBGP (64603), OpenBGPD (64604), ExaBGP (64605), all
# with an MD5 password, FRR and BIRD with TTL security. The agent's data plane is off: this is about
# sessions and routes. Beside them one router that is rude in every state.

DAEMONS=(frr bird gobgp openbgpd exabgp)
declare -A DAEMON_NET=([frr]=10.50.1 [bird]=10.50.2 [gobgp]=10.50.3 [openbgpd]=10.50.4 [exabgp]=10.50.5
	[rude]=10.50.6)
declare -A DAEMON_AS=([frr]=64601 [bird]=64602 [gobgp]=64603 [openbgpd]=64604 [exabgp]=64605 [rude]=64606)
DAEMON_KEY=lab-only-secret
DAEMON_VIP=192.0.2.77

daemons_all() {
	lab_folder
	LAB_NODES=(hub) # for lab_down
	run_step daemons "FRR, BIRD, GoBGP, OpenBGPD, ExaBGP: sessions with MD5, communities read back" step_daemons &&
		run_step daemons-killed "The agent killed with -9: no route leaves its helpers" step_daemons_killed &&
		run_step daemons-restarted "The agent ended by SIGTERM and started: the same" step_daemons_restarted &&
		run_step daemons-words "A session that cannot come up says why" step_daemons_words &&
		run_step daemons-secret "The password is in nothing that is shown, told or readable by others" step_daemons_secret &&
		run_step daemons-rude "A router that resets in every state costs the others nothing" step_daemons_rude &&
		run_step daemons-ended "SIGINT: every router forgets the routes at once, and knows why" step_daemons_ended
}

# --- starting them ------------------------------------------------------------------------------------

daemon_dir() { echo "$LAB_DIR/daemon-$1"; }

daemon_network() {
	local d
	lab_namespace hub
	for d in "${!DAEMON_NET[@]}"; do
		lab_namespace "d-$d"
		lab_veth "d-$d" eth0 hub "to-$d"
		lab_in "d-$d" ip addr add "${DAEMON_NET[$d]}.1/24" dev eth0
		lab_in hub ip addr add "${DAEMON_NET[$d]}.2/24" dev "to-$d"
		mkdir -p "$(daemon_dir "$d")"
	done
}

daemon_frr_up() {
	local dir
	dir=$(daemon_dir frr)
	lab_frr_start d-frr "$dir" zebra bgpd && lab_frr_load "$dir" <<-FRR
		router bgp 64601
		 bgp router-id 10.50.1.1
		 no bgp ebgp-requires-policy
		 bgp log-neighbor-changes
		 neighbor 10.50.1.2 remote-as 64513
		 neighbor 10.50.1.2 password $DAEMON_KEY
		 neighbor 10.50.1.2 ttl-security hops 1
		 neighbor 10.50.1.2 passive
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
		protocol bgp node {
			local 10.50.2.1 as 64602;
			neighbor 10.50.2.2 as 64513;
			password "$DAEMON_KEY";
			ttl security on;
			passive;
			error wait time 1, 1;
			error forget time 1;
			graceful restart aware;
			ipv4 { import all; export none; };
		}
	BIRD
	lab_spawn "$dir/out.log" d-bird bird -f -c "$dir/bird.conf" -s "$dir/ctl" -P "$dir/bird.pid"
}

daemon_gobgp_up() {
	local dir
	dir=$(daemon_dir gobgp)
	cat >"$dir/gobgp.toml" <<-GOBGP
		[global.config]
		  as = 64603
		  router-id = "10.50.3.1"
		  local-address-list = ["10.50.3.1"]
		[[neighbors]]
		  [neighbors.config]
		    neighbor-address = "10.50.3.2"
		    peer-as = 64513
		    auth-password = "$DAEMON_KEY"
		  [neighbors.transport.config]
		    passive-mode = true
		  [neighbors.graceful-restart.config]
		    enabled = true
		    restart-time = 120
		  [[neighbors.afi-safis]]
		    [neighbors.afi-safis.config]
		      afi-safi-name = "ipv4-unicast"
		    [neighbors.afi-safis.mp-graceful-restart.config]
		      enabled = true
	GOBGP
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
		neighbor 10.50.4.2 {
			remote-as 64513
			passive
			tcp md5sig password "$DAEMON_KEY"
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
			family { ipv4 unicast; }
			api { processes [ hear ]; receive { parsed; update; notification; } }
		}
	EXABGP
	lab_spawn "$dir/out.log" d-exabgp env exabgp.daemon.user=root exabgp.api.cli=false \
		exabgp.api.ack=false exabgp.daemon.drop=false \
		exabgp.log.destination=stdout exabgp "$dir/exabgp.conf"
}

daemon_peer() { # NAME PASSWORD-LINE
	cat <<-PEER
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: $1, namespace: metallb-system, annotations: {$3}}
		spec: {myASN: 64513, peerASN: ${4:-${DAEMON_AS[$1]}}, peerAddress: ${DAEMON_NET[$1]}.1,
		  enableGracefulRestart: true$2}
	PEER
}

# write_daemons_config: all peers, one Service with one backend, two communities.
write_daemons_config() {
	local dir=$LAB_DIR/hub-config d security
	mkdir -p "$dir"
	for d in "${DAEMONS[@]}"; do
		security=
		case $d in frr | bird) security='lodestone.io/ttl-security: "1"' ;; esac
		daemon_peer "$d" ", password: $DAEMON_KEY" "$security"
	done >"$dir/peers.yaml"
	lab_one_service "$DAEMON_VIP" hub 'communities: ["64512:100", "large:64512:1:2"]' >"$dir/service.yaml"
}

hub_up() {
	lab_spawn "$LAB_DIR/hub.log" hub "$LAB_AGENT" --node hub --config "$LAB_DIR/hub-config" \
		--socket "$LAB_DIR/hub/lodestoned.sock" --pin "$(lab_pin hub)" --state "$LAB_DIR/hub/state"
	HUB_PID=$LAB_PID
}
hub_peer() { lab_ctl hub show peer "$1" -o json 2>/dev/null | jq -r ".[0].$2"; }
hub_is_up_with() {
	local d
	for d in "$@"; do [ "$(hub_peer "$d" state)" = Established ] || return 1; done
}

# --- what each has ------------------------------------------------------------------------------------

# daemon_route NAME: the communities of the VIP at that daemon, standard and large; "" without a route.
daemon_route() {
	local prefix=$DAEMON_VIP/32
	case $1 in
	frr) daemon_vtysh "show bgp ipv4 unicast $prefix json" 2>/dev/null |
		jq -r '.paths[0] | select(. != null) | [.community.list[], .largeCommunity.list[]] | join(" ")' 2>/dev/null ;;
	bird) birdc -s "$(daemon_dir bird)/ctl" "show route all for $prefix" 2>/dev/null |
		awk '/BGP.(large_)?community/ {gsub(/[(]|[)]/, ""); gsub(/, ?/, ":"); $1 = ""; printf "%s", $0}' |
		xargs ;;
	gobgp) daemon_gobgp -j global rib -a ipv4 "$prefix" 2>/dev/null |
		jq -r '[.[][]? | .attrs[]? | if .type == 8 then (.communities[] | "\((. / 65536) | floor):\(. % 65536)")
			elif .type == 32 then (.value[] | "\(.ASN):\(.LocalData1):\(.LocalData2)") else empty end] | join(" ")' 2>/dev/null ;;
	openbgpd) bgpctl -s "$(daemon_dir openbgpd)/ctl" -j show rib detail "$prefix" 2>/dev/null |
		jq -r '[.rib[0] | .communities[]?, .large_communities[]?] | join(" ")' 2>/dev/null ;;
	exabgp) grep "\"$prefix\"" "$(daemon_dir exabgp)/heard" 2>/dev/null | tail -n 1 |
		jq -r '[.neighbor.message.update.attribute | (.community[] | "\(.[0]):\(.[1])"),
			(."large-community"[] | "\(.[0]):\(.[1]):\(.[2])")] | join(" ")' 2>/dev/null ;;
	esac
}
daemons_have_route() {
	local d
	for d in "$@"; do [ "$(daemon_route "$d")" = "64512:100 64512:1:2" ] || return 1; done
}
daemon_has_no_route() { [ -z "$(daemon_route "$1")" ]; }
daemon_fib_has() { lab_in "d-$1" ip -4 route show "$DAEMON_VIP" | grep -q .; }

daemons_say() {
	local d
	for d in "${DAEMONS[@]}"; do
		say "$d: $(hub_peer "$d" state), has $(daemon_route "$d"); $(hub_peer "$d" lastError)"
	done
}

# --- steps --------------------------------------------------------------------------------------------

step_daemons() {
	local d started
	daemon_network
	for d in "${DAEMONS[@]}"; do "daemon_${d}_up" || { say "$d does not start"; return 1; }; done
	write_daemons_config
	started=$SECONDS
	hub_up
	lab_until 40 hub_is_up_with "${DAEMONS[@]}" && lab_until 10 daemons_have_route "${DAEMONS[@]}" &&
		lab_until 5 daemon_fib_has frr && lab_until 5 daemon_fib_has bird || {
		daemons_say
		tail -n 20 "$LAB_DIR/hub.log"
		return 1
	}
	daemons_say
	STEP_NOTE="five sessions after $((SECONDS - started)) s"
}

# watch_routes SECONDS: route events of the kernels of FRR and BIRD, and the RIBs of GoBGP and OpenBGPD
# asked ten times a second, until /stop-watching; what was missed goes to $LAB_DIR/missed.
watch_routes() {
	local d
	rm -f "$LAB_DIR/stop-watching" "$LAB_DIR/missed" "$LAB_DIR"/events.*
	for d in frr bird; do
		lab_spawn "$LAB_DIR/events.$d" "d-$d" timeout 60 ip -4 monitor route
		WATCH_PIDS+=("$LAB_PID")
	done
	(
		end=$((SECONDS + 60))
		while [ ! -e "$LAB_DIR/stop-watching" ] && [ "$SECONDS" -lt "$end" ]; do
			for d in gobgp openbgpd; do
				[ -n "$(daemon_route "$d")" ] || echo "$d" >>"$LAB_DIR/missed"
			done
			sleep 0.1
		done
	) &
	WATCH_PIDS+=("$!")
	echo "$!" >>"$LAB_DIR/pids"
}
WATCH_PIDS=()

watched_nothing() {
	local pid d code=0
	: >"$LAB_DIR/stop-watching"
	for pid in "${WATCH_PIDS[@]}"; do lab_kill TERM "$pid"; done
	WATCH_PIDS=()
	for d in frr bird; do
		if grep -q "Deleted.*$DAEMON_VIP" "$LAB_DIR/events.$d"; then
			say "$d: its kernel lost the route: $(grep "$DAEMON_VIP" "$LAB_DIR/events.$d" | tr '\n' ';')"
			code=1
		fi
	done
	if [ -s "$LAB_DIR/missed" ]; then
		say "without the route for some time: $(sort "$LAB_DIR/missed" | uniq -c | tr '\n' ' ')"
		code=1
	fi
	return "$code"
}

restart_hub() { # SIGNAL
	local started d names=()
	watch_routes
	sleep 0.3
	lab_kill "$1" "$HUB_PID"
	started=$SECONDS
	hub_up
	for d in "${DAEMONS[@]}"; do
		lab_until 40 hub_is_up_with "$d" || { daemons_say; watched_nothing; return 1; }
		names+=("$d")
	done
	STEP_NOTE="all sessions again after $((SECONDS - started)) s"
	sleep 1 # End-of-RIB, and what the helpers do then
	watched_nothing && lab_until 5 daemons_have_route "${names[@]}"
}
step_daemons_killed() { restart_hub KILL; }
step_daemons_restarted() { restart_hub TERM; }

hub_has_no_peer() { [ "$(lab_ctl hub show peer "$1" -o json)" = '[]' ]; }

# hub_says PEER TEXT: that is why there is no session.
hub_says() { hub_peer "$1" lastError | grep -qF "$2"; }

step_daemons_words() {
	local dir=$LAB_DIR/hub-config started=$SECONDS
	cp "$dir/peers.yaml" "$LAB_DIR/peers.good"
	{
		daemon_peer frr ", password: another" 'lodestone.io/ttl-security: "1"'
		daemon_peer bird ", password: $DAEMON_KEY" 'lodestone.io/ttl-security: "1"' 64999
		daemon_peer gobgp ", password: $DAEMON_KEY, peerPort: 180" ''
		daemon_peer openbgpd "" ''
		daemon_peer exabgp ", password: $DAEMON_KEY" ''
		daemon_peer rude ", password: $DAEMON_KEY" '' | sed 's/10.50.6.1/10.77.0.1/'
	} >"$LAB_DIR/peers.new"
	# Another password would leave a living session as it is: those of FRR and OpenBGPD end first.
	{
		daemon_peer bird ", password: $DAEMON_KEY" 'lodestone.io/ttl-security: "1"' 64999
		daemon_peer gobgp ", password: $DAEMON_KEY, peerPort: 180" ''
		daemon_peer exabgp ", password: $DAEMON_KEY" ''
		daemon_peer rude "" '' | sed 's/10.50.6.1/10.77.0.1/'
	} >"$dir/peers.yaml"
	lab_until 8 hub_has_no_peer frr || return 1
	mv "$LAB_DIR/peers.new" "$dir/peers.yaml"
	lab_until 10 hub_says frr "another MD5 password" &&
		lab_until 10 hub_says bird "the peer says it is AS 64602, and AS 64999 is configured" &&
		lab_until 10 hub_says gobgp "nothing listens on the peer's port" &&
		lab_until 10 hub_says openbgpd "demands an MD5 password" &&
		lab_until 10 hub_says rude "no route to the peer's address" || {
		daemons_say
		return 1
	}
	STEP_NOTE="all five reasons after $((SECONDS - started)) s"
	daemons_say
	mv "$LAB_DIR/peers.good" "$dir/peers.yaml"
	lab_until 45 hub_is_up_with "${DAEMONS[@]}" && lab_until 10 daemons_have_route "${DAEMONS[@]}" || {
		daemons_say
		return 1
	}
}

# All that lodectl shows of it, in every form.
hub_shows_all() {
	local what form
	for form in table wide json yaml; do
		for what in "show peers" "show peer frr" "show routes" "show bfd" "show services" "show pools" \
			"show problems" "explain peer frr" status; do
			# shellcheck disable=SC2086 # words
			lab_ctl hub $what -o "$form"
		done
	done
}
step_daemons_secret() {
	local n open
	hub_shows_all >"$LAB_DIR/shown" 2>&1
	n=$(wc -l <"$LAB_DIR/shown")
	# It has been told of everything, and has been restarted and refused.
	[ "$n" -gt 400 ] && grep -q 'session established' "$LAB_DIR/hub.log" || { say "only $n lines are shown"; return 1; }
	! grep -Fn "$DAEMON_KEY" "$LAB_DIR/shown" "$LAB_DIR/hub.log" || return 1
	# What is kept of the configuration has it, for nobody but root.
	grep -rqF "$DAEMON_KEY" "$LAB_DIR/hub/state" || { say "nothing is kept of it"; return 1; }
	open=$(grep -rlF "$DAEMON_KEY" "$LAB_DIR/hub/state" | xargs -r stat -c '%a %n' | grep -v '^600 ')
	[ -z "$open" ] || { say "$open"; return 1; }
	STEP_NOTE="not in $n lines of lodectl, nor in $(wc -l <"$LAB_DIR/hub.log") of the log; what is kept of it has mode 600"
}

rude_is_through() { [ "$(cat "$LAB_DIR/rude.states" 2>/dev/null)" = done ]; }

step_daemons_rude() {
	local d dir=$LAB_DIR/hub-config before after
	before=$(lab_ctl hub show peers -o json | jq -c '[.[] | {name, flaps}]')
	lab_spawn "$LAB_DIR/rude.log" d-rude python3 "$LAB_ROOT/scripts/lab-rude" 10.50.6.1 64606 "$LAB_DIR/rude.states"
	daemon_peer rude ", connectTime: 1s" '' >"$dir/rude.yaml"
	lab_until 40 rude_is_through || { say "it got as far as: $(cat "$LAB_DIR/rude.log")"; return 1; }
	for d in "${DAEMONS[@]}"; do
		hub_is_up_with "$d" || { daemons_say; return 1; }
	done
	after=$(lab_ctl hub show peers -o json | jq -c '[.[] | select(.name != "rude") | {name, flaps}]')
	[ "$before" = "$after" ] || { say "flaps before $before, after $after"; return 1; }
	rm "$dir/rude.yaml"
	STEP_NOTE="closed and reset in OpenSent, OpenConfirm, Established; never reading"
}

daemons_heard_why() {
	grep -q 'Administrative shutdown: "the speaker was stopped"' "$(daemon_dir bird)/bird.log" &&
		grep -q 'NOTIFICATION(Hard Reset): received .* 6/2 .*the speaker was stopped' "$(daemon_dir frr)/bgpd.log"
}

step_daemons_ended() {
	local d
	lab_kill INT "$HUB_PID"
	for d in frr bird gobgp openbgpd; do
		lab_until 3 daemon_has_no_route "$d" || { say "$d still has $(daemon_route "$d")"; return 1; }
	done
	if daemon_fib_has frr || daemon_fib_has bird; then
		say "a kernel still has the route"
		return 1
	fi
	lab_until 3 daemons_heard_why || return 1
	rmdir /run/openbgpd 2>/dev/null || true # if it is empty
	STEP_NOTE="no router has the route any more"
}
