# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The BGP daemons that operators have (tests/lab/daemon_starts.bash), each in a namespace of its own, and one agent
# with two sessions to every one of them: over IPv4 with both families, and over IPv6 with IPv6 alone. FRR (AS
# 64601), BIRD (64602), GoBGP (64603), OpenBGPD (64604), ExaBGP (64605), all with MD5 passwords, FRR and BIRD over
# IPv4 with TTL security. The agent's data plane is off: this is about sessions and routes. Beside them one
# router that is rude in every state.

DAEMON_VIP=192.0.2.77
DAEMON_VIP6=2001:db8:100::77
DAEMON_SESSIONS=("${DAEMONS[@]}" "${DAEMONS[@]/%/-six}")

daemons_all() {
	lab_folder
	LAB_NODES=(hub) # for lab_down
	run_step daemons "FRR, BIRD, GoBGP, OpenBGPD, ExaBGP: both families, MD5, communities of all kinds read back" step_daemons &&
		run_step daemons-killed "The agent killed with -9: no route leaves its helpers" step_daemons_killed &&
		run_step daemons-restarted "The agent ended by SIGTERM and started: the same" step_daemons_restarted &&
		run_step daemons-words "A session that cannot come up says why" step_daemons_words &&
		run_step daemons-secret "The password is in nothing that is shown, told or readable by others" step_daemons_secret &&
		run_step daemons-rude "A router that resets in every state costs the others nothing" step_daemons_rude &&
		run_step daemons-log "The log has the words that runbooks search it for" step_daemons_log &&
		run_step daemons-ended "SIGINT: every router forgets the routes at once, and knows why" step_daemons_ended
}

daemon_peer() { # NAME PASSWORD-LINE ANNOTATION [ASN]
	cat <<-PEER
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: $1, namespace: metallb-system, annotations: {$3}}
		spec: {myASN: 64513, peerASN: ${4:-6460${DAEMON_N[$1]}}, peerAddress: 10.50.${DAEMON_N[$1]}.1,
		  dualStackAddressFamily: true, enableGracefulRestart: true$2}
	PEER
}
daemon_peer_six() { # NAME
	cat <<-PEER
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: $1-six, namespace: metallb-system}
		spec: {myASN: 64513, peerASN: 6460${DAEMON_N[$1]}, peerAddress: "fd50:${DAEMON_N[$1]}::1",
		  enableGracefulRestart: true, password: $DAEMON_KEY}
	PEER
}

# write_daemons_config: all peers, a Service of each family with one backend, communities of all kinds.
write_daemons_config() {
	local dir=$LAB_DIR/hub-config d security
	mkdir -p "$dir"
	for d in "${DAEMONS[@]}"; do
		security=
		case $d in frr | bird) security='lodestone.io/ttl-security: "1"' ;; esac
		daemon_peer "$d" ", password: $DAEMON_KEY" "$security"
	done >"$dir/peers.yaml"
	for d in "${DAEMONS[@]}"; do daemon_peer_six "$d"; done >"$dir/peers-six.yaml"
	lab_one_service "$DAEMON_VIP" hub 'communities: ["64512:100", "large:64512:1:2"]' \
		'lodestone.io/communities: "rt:64512:300, soo:64512:400, lb:64512:10000"' >"$dir/service.yaml"
	cat >"$dir/service-six.yaml" <<-YAML
		apiVersion: metallb.io/v1beta1
		kind: IPAddressPool
		metadata: {name: six, namespace: metallb-system}
		spec: {addresses: ["2001:db8:100::/64"]}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: six, namespace: shop}
		spec: {type: LoadBalancer, loadBalancerIP: "$DAEMON_VIP6", ipFamilies: [IPv6], ports: [{port: 80}]}
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: six-1, namespace: shop, labels: {kubernetes.io/service-name: six}}
		addressType: IPv6
		endpoints:
		- {addresses: ["fd00:11::11"], nodeName: hub, conditions: {ready: true}}
		ports: [{name: "", port: 80, protocol: TCP}]
	YAML
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

# daemon_paths NAME PREFIX: of each path that the daemon has the end that it came from and its communities: standard,
# large, route target, site of origin, link bandwidth in octets a second.
daemon_paths() {
	local dir family=ipv4
	dir=$(daemon_dir "$1")
	[[ $2 != *:* ]] || family=ipv6
	case $1 in
	frr) daemon_vtysh "show bgp $family unicast $2 json" 2>/dev/null |
		jq -r '.paths[]? | "\(.peer.peerId) \(.community.list | join(" ")) \(.largeCommunity.list | join(" ")) \(
			.extendedCommunity.string)"' 2>/dev/null |
		sed 's/RT:/rt /; s/SoO:/soo /; s/LB:/lb /; s/ ([0-9.]* Gbps)//' ;;
	bird) birdc -s "$dir/ctl" "show route all for $2" 2>/dev/null | daemon_bird_paths ;;
	gobgp) daemon_gobgp -j global rib -a "$family" "$2" 2>/dev/null | jq -r '.[][]? | [."neighbor-ip", (.attrs[] |
		select(.type == 8).communities[] | "\((. / 65536) | floor):\(. % 65536)"), (.attrs[] |
		select(.type == 32).value[] | "\(.ASN):\(.LocalData1):\(.LocalData2)"), (.attrs[] |
		select(.type == 16).value[] | if .type == 64 and .subtype == 4 then "lb \(.asn):\(.bandwidth)"
			else "\({"2": "rt", "3": "soo"}["\(.subtype)"]) \(.value)" end)] | join(" ")' 2>/dev/null ;;
	openbgpd) bgpctl -s "$dir/ctl" -j show rib detail "$2" 2>/dev/null |
		jq -r '.rib[]? | [.neighbor.remote_addr, .communities[]?, .large_communities[]?, .extended_communities[]?] |
			join(" ")' 2>/dev/null ;;
	exabgp) daemon_exabgp_path "$2" "$dir/heard" 10.50.5.2 && daemon_exabgp_path "$2" "$dir/heard" fd50:5::2 ;;
	esac
}
# What BIRD 2.0.12 has no words for it shows as numbers: type 0x4004, and the IEEE 754 figure as an integer.
daemon_bird_paths() {
	awk '/ \[four / {from = "10.50.2.2"} / \[six / {from = "fd50:2::2"}
		/BGP.community/ {std = $0} /BGP.ext_community/ {ext = $0}
		/BGP.large_community/ {
			line = std " " $0 " " ext
			gsub(/BGP.[a-z_]*: /, "", line)
			gsub(/unknown 0x4004, 64512, 1318388473/, "lb, 64512, 1250000000", line)
			gsub(/\(rt, /, "(rt ", line); gsub(/\(ro, /, "(soo ", line); gsub(/\(lb, /, "(lb ", line)
			gsub(/, ?/, ":", line); gsub(/[()]/, "", line); gsub(/[ \t]+/, " ", line)
			print from line
		}'
}
# ExaBGP keeps no table: what it heard last from that end. Its numbers are wider than those of jq.
daemon_exabgp_path() { # PREFIX FILE PEER
	local line values
	line=$(grep "\"peer\": \"$3\"" "$2" 2>/dev/null | grep "\"$1\"" | tail -n 1)
	[ -n "$line" ] || return 0
	mapfile -t values < <(grep -o '"value": [0-9]*' <<<"$line" | sed 's/.* //' | xargs -r printf '%016x\n')
	jq -r --arg peer "$3" --arg extended "${values[*]}" '.neighbor.message.update.attribute | [$peer,
		(.community[] | "\(.[0]):\(.[1])"), (."large-community"[] | "\(.[0]):\(.[1]):\(.[2])"), $extended] |
		join(" ")' <<<"$line" |
		sed 's/0002fc000000012c/rt 64512:300/; s/0003fc0000000190/soo 64512:400/; s/4004fc004e9502f9/lb 64512:1250000000/'
}

# daemon_wants NAME PREFIX: what daemon_paths is to say. OpenBGPD 7.7 keeps no extended communities of other ASes that
# are not transitive, as link bandwidth is.
daemon_wants() {
	local all="64512:100 64512:1:2 rt 64512:300 soo 64512:400 lb 64512:1250000000" n=${DAEMON_N[$1]}
	[ "$1" != openbgpd ] || all=${all% lb *}
	echo "10.50.$n.2 $all"
	[[ $2 != *:* ]] || echo "fd50:$n::2 $all"
}
daemon_has_all() {
	local prefix
	for prefix in "$DAEMON_VIP/32" "$DAEMON_VIP6/128"; do
		[ "$(daemon_paths "$1" "$prefix" | sort)" = "$(daemon_wants "$1" "$prefix")" ] || return 1
	done
}
daemons_have_routes() {
	local d
	for d in "$@"; do daemon_has_all "$d" || return 1; done
}
daemon_has_no_route() { [ -z "$(daemon_paths "$1" "$DAEMON_VIP/32")$(daemon_paths "$1" "$DAEMON_VIP6/128")" ]; }
daemon_fib_has() { # NAME [FAMILY]: without one any of them
	if [ "${2:-4}" = 4 ] && lab_in "d-$1" ip -4 route show "$DAEMON_VIP" | grep -q .; then return 0; fi
	[ "${2:-6}" = 6 ] && lab_in "d-$1" ip -6 route show "$DAEMON_VIP6" | grep -q .
}
daemon_fib_is_whole() { daemon_fib_has "$1" 4 && daemon_fib_has "$1" 6; }

daemons_say() {
	local d
	for d in "${DAEMON_SESSIONS[@]}"; do say "$d: $(hub_peer "$d" state); $(hub_peer "$d" lastError)"; done
	for d in "${DAEMONS[@]}"; do
		say "$d has"
		{ daemon_paths "$d" "$DAEMON_VIP/32" && daemon_paths "$d" "$DAEMON_VIP6/128"; } | sed 's/^/    /'
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
	lab_until 40 hub_is_up_with "${DAEMON_SESSIONS[@]}" && lab_until 10 daemons_have_routes "${DAEMONS[@]}" &&
		lab_until 5 daemon_fib_is_whole frr && lab_until 5 daemon_fib_is_whole bird || {
		daemons_say
		tail -n 20 "$LAB_DIR/hub.log"
		return 1
	}
	daemons_say
	STEP_NOTE="ten sessions after $((SECONDS - started)) s"
}

# watch_routes: route events of the kernels of FRR and BIRD, and the RIBs of GoBGP and OpenBGPD asked ten times a second, until /stop-watching; what was missed goes to $LAB_DIR/missed.
watch_routes() {
	local d
	rm -f "$LAB_DIR/stop-watching" "$LAB_DIR/missed" "$LAB_DIR/rounds" "$LAB_DIR"/events.*
	for d in frr bird; do
		lab_spawn "$LAB_DIR/events.$d" "d-$d" timeout 60 ip monitor route
		WATCH_PIDS+=("$LAB_PID")
	done
	(
		end=$((SECONDS + 60))
		while [ ! -e "$LAB_DIR/stop-watching" ] && [ "$SECONDS" -lt "$end" ]; do
			for d in gobgp openbgpd; do
				daemon_has_all "$d" || echo "$d" >>"$LAB_DIR/missed"
			done
			echo >>"$LAB_DIR/rounds"
			sleep 0.1
		done
	) &
	WATCH_PIDS+=("$!")
	lab_note "$!"
}
WATCH_PIDS=()

stop_watching() {
	local pid
	: >"$LAB_DIR/stop-watching"
	for pid in "${WATCH_PIDS[@]}"; do lab_kill TERM "$pid"; done
	WATCH_PIDS=()
}
watched_nothing() {
	local d code=0
	stop_watching
	[ "$(wc -l <"$LAB_DIR/rounds")" -ge 3 ] || { say "the RIBs were hardly looked at"; code=1; }
	for d in frr bird; do
		if grep -Eq "Deleted ($DAEMON_VIP|$DAEMON_VIP6) " "$LAB_DIR/events.$d"; then
			say "$d: its kernel lost the route: $(grep -E "$DAEMON_VIP|$DAEMON_VIP6" "$LAB_DIR/events.$d" | tr '\n' ';')"
			code=1
		fi
	done
	if [ -s "$LAB_DIR/missed" ]; then
		say "without the route for some time: $(sort "$LAB_DIR/missed" | uniq -c | tr '\n' ' ')"
		code=1
	fi
	return "$code"
}

# watched_going ADDRESS: the same watch sees a route that does go, so what it did not see did not happen.
watched_going() {
	local d
	for d in frr bird; do grep -q "Deleted $1 " "$LAB_DIR/events.$d" || return 1; done
	for d in gobgp openbgpd; do grep -qx "$d" "$LAB_DIR/missed" || return 1; done
	stop_watching
}

restart_hub() { # SIGNAL
	local started d
	watch_routes
	sleep 0.3
	lab_kill "$1" "$HUB_PID"
	started=$SECONDS
	hub_up
	lab_until 40 hub_is_up_with "${DAEMON_SESSIONS[@]}" || { daemons_say; watched_nothing; return 1; }
	STEP_NOTE="all sessions again after $((SECONDS - started)) s"
	sleep 1 # End-of-RIB, and what the helpers do then
	watched_nothing && lab_until 5 daemons_have_routes "${DAEMONS[@]}"
}
# GoBGP waits for its own idle hold time, and closes what comes in meanwhile: that is what takes so long.
step_daemons_killed() {
	restart_hub KILL || return 1
	grep -q 'Closed an accepted connection' "$(daemon_dir gobgp)/out.log" || { say "GoBGP closed nothing"; return 1; }
}
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
	lab_until 45 hub_is_up_with "${DAEMON_SESSIONS[@]}" && lab_until 10 daemons_have_routes "${DAEMONS[@]}" || {
		daemons_say
		return 1
	}
}

# All that lodectl shows of it, in every form.
hub_shows_all() {
	local what form
	for form in table wide json yaml; do
		for what in "show peers" "show peer frr" "show routes" "show bfd" "show services" "show pools" \
			"show backends" "show problems" "explain peer frr" "explain service shop/web" status; do
			# shellcheck disable=SC2086 # words
			lab_ctl hub $what -o "$form"
		done
	done
}
step_daemons_secret() {
	local n open
	{
		hub_shows_all
		"$LAB_AGENT" --check --node hub --config "$LAB_DIR/hub-config"
	} >"$LAB_DIR/shown" 2>&1
	grep -q PasswordLiteral "$LAB_DIR/shown" || { say "the password is not even named"; return 1; }
	grep -q 'Max core file size *0 *0 ' "/proc/$HUB_PID/limits" || { grep core "/proc/$HUB_PID/limits"; return 1; }
	n=$(wc -l <"$LAB_DIR/shown")
	# It has been told of everything, and has been restarted and refused.
	[ "$n" -gt 400 ] && grep -q 'session established' "$LAB_DIR/hub.log" || { say "only $n lines are shown"; return 1; }
	! grep -Fn "$DAEMON_KEY" "$LAB_DIR/shown" "$LAB_DIR/hub.log" || return 1
	# What is kept of the configuration has it, for nobody but root.
	grep -rqF "$DAEMON_KEY" "$LAB_DIR/hub/state" || { say "nothing is kept of it"; return 1; }
	open=$(grep -rlF "$DAEMON_KEY" "$LAB_DIR/hub/state" | xargs -r stat -c '%a %n' | grep -v '^600 ')
	[ -z "$open" ] || { say "$open"; return 1; }
	STEP_NOTE="not in $n lines of lodectl, nor in $(wc -l <"$LAB_DIR/hub.log") of the log, and in no core; what is kept of it has mode 600"
}

rude_is_through() { [ "$(cat "$LAB_DIR/rude.states" 2>/dev/null)" = done ]; }
# rude_was_everywhere LOG: it ended a connection in each state, in both ways (scripts/lab-rude).
rude_was_everywhere() {
	local state how
	for state in Connect OpenSent OpenConfirm Established garbage deaf; do
		for how in closed reset; do
			grep -qx "$state $how" "$1" || { say "never $state $how"; cat "$1"; return 1; }
		done
	done
}

step_daemons_rude() {
	local d dir=$LAB_DIR/hub-config before after
	before=$(lab_ctl hub show peers -o json | jq -c '[.[] | {name, flaps}]')
	lab_spawn "$LAB_DIR/rude.log" d-rude python3 "$LAB_ROOT/scripts/lab-rude" 10.50.6.1 64606 "$LAB_DIR/rude.states"
	daemon_peer rude ", connectTime: 1s" '' >"$dir/rude.yaml"
	lab_until 40 rude_is_through || { say "it got as far as: $(cat "$LAB_DIR/rude.log")"; return 1; }
	rude_was_everywhere "$LAB_DIR/rude.log" || return 1
	hub_is_up_with "${DAEMON_SESSIONS[@]}" || { daemons_say; return 1; }
	after=$(lab_ctl hub show peers -o json | jq -c '[.[] | select(.name != "rude") | {name, flaps}]')
	[ "$before" = "$after" ] || { say "flaps before $before, after $after"; return 1; }
	rm "$dir/rude.yaml"
	STEP_NOTE="closed and reset in OpenSent, OpenConfirm, Established; never reading"
}

daemon_lacks_six() { [ -z "$(daemon_paths "$1" "$DAEMON_VIP6/128")" ]; }

# Each word in a line that says so of this router. A session that ended and one that was refused have been there above.
step_daemons_log() {
	local d n log=$LAB_DIR/hub.log words
	watch_routes
	sleep 0.3
	rm "$LAB_DIR/hub-config/service-six.yaml"
	lab_until 10 watched_going "$DAEMON_VIP6" || { say "not seen to go: $DAEMON_VIP6"; return 1; }
	for d in frr bird gobgp openbgpd; do lab_until 5 daemon_lacks_six "$d" || { daemons_say; return 1; }; done
	for d in "${DAEMONS[@]}"; do
		n=${DAEMON_N[$d]}
		for words in "bgp: session established.* peer=$d address=10.50.$n.1 remote-as=6460$n" \
			"bgp: session established.* peer=$d-six address=fd50:$n::1 " \
			"bgp: announce.* peer=$d address=10.50.$n.1 prefix=$DAEMON_VIP/32 community=64512:100,64512:1:2," \
			"bgp: announce.* peer=$d-six address=fd50:$n::1 prefix=$DAEMON_VIP6/128 community=64512:100," \
			"bgp: withdraw.* peer=$d address=10.50.$n.1 prefix=$DAEMON_VIP6/128" \
			"bgp: withdraw.* peer=$d-six address=fd50:$n::1 prefix=$DAEMON_VIP6/128" \
			"bgp: routes that are advertised now.* peer=$d address=10.50.$n.1 routes=2"; do
			lab_until 5 grep -q "$words" "$log" || { say "not in the log: $words"; return 1; }
		done
	done
	grep -q 'bgp: session down.* peer=rude ' "$log" || { say "no session down"; return 1; }
	grep -q 'bgp: session does not come up.* peer=bird .*Error/Bad Peer AS' "$log" || { say "no error"; return 1; }
	# As they are looked for.
	for words in 'session established' announce withdraw advertis community bgp BGP peer down error; do
		[ "$(grep -ic "$words" "$log")" -gt 0 ] || { say "no $words"; return 1; }
	done
	STEP_NOTE="$(wc -l <"$log") lines"
}

daemons_heard_why() {
	grep -q 'Administrative shutdown: "the speaker was stopped"' "$(daemon_dir bird)/bird.log" &&
		grep -q 'NOTIFICATION(Hard Reset): received .* 6/2 .*the speaker was stopped' "$(daemon_dir frr)/bgpd.log"
}

step_daemons_ended() {
	local d
	watch_routes
	sleep 0.3
	lab_kill INT "$HUB_PID"
	for d in frr bird gobgp openbgpd; do
		lab_until 3 daemon_has_no_route "$d" || { daemons_say; return 1; }
	done
	if daemon_fib_has frr || daemon_fib_has bird; then
		say "a kernel still has the route"
		return 1
	fi
	lab_until 10 watched_going "$DAEMON_VIP" || { say "not seen to go: $DAEMON_VIP"; return 1; }
	lab_until 3 daemons_heard_why || return 1
	rmdir /run/openbgpd 2>/dev/null || true # if it is empty
	STEP_NOTE="no router has the route any more"
}
