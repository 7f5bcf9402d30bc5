# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Many BFD sessions at once, on the network and with the routers of bfd_more.bash: half of them with FRR and half with BIRD,
# of each half over IPv4 and half over IPv6. As many as a node can have BGPPeers, with an agent; and two hundred with its thread.

MANY=50 # sessions with each router over each family
MANY_MORE=16 # the same, of an agent's 64
declare -A MANY_NET=([frr]=10.61 [bird]=10.62)
declare -A MANY_NET6=([frr]=fd00:61: [bird]=fd00:62:)

bfd_many_steps() {
	run_step bfd-peers "64 BGPPeers with BFD, which is what a node can have: all Up with FRR and BIRD, all told, and all Down by silence" step_bfd_peers &&
		run_step bfd-many "200 sessions of one thread with FRR and BIRD: all Up, no flap, and all Down by silence" step_bfd_many
}

# many_pairs ROUTER N: "OURS THEIRS", so many over each family.
many_pairs() {
	local i
	for ((i = 1; i <= $2; i++)); do
		echo "${MANY_NET[$1]}.1.$i ${MANY_NET[$1]}.2.$i"
		echo "${MANY_NET6[$1]}:1:$i ${MANY_NET6[$1]}:2:$i"
	done
}

# many_addresses COLUMN ROUTER DEVICE: for ip -batch.
many_addresses() {
	many_pairs "$2" "$MANY" | awk -v c="$1" -v d="$3" '{print "addr add " $c (index($c, ":") ? "/64 nodad" : "/16") " dev " d}'
}

many_routers() {
	local d ours theirs dir pid
	for d in frr bird; do
		many_addresses 1 "$d" "to-$d" | lab_in bfd ip -batch - && many_addresses 2 "$d" eth0 | lab_in "b-$d" ip -batch - || { say "addresses"; return 1; }
	done
	{
		echo "bfd"
		echo " profile many"
		echo "  transmit-interval 300"
		echo "  receive-interval 300"
		echo "  detect-multiplier 3"
		many_pairs frr "$MANY" | while read -r ours theirs; do
			echo " peer $ours local-address $theirs"
			echo "  profile many"
		done
	} | lab_frr_load "$(bfd_dir frr)" || { say "FRR: $(tail -n 1 "$(bfd_dir frr)/load.log")"; return 1; }
	dir=$(bfd_dir bird)
	{
		echo "router id 10.60.2.1;"
		echo "log \"$dir/bird.log\" all;"
		echo "protocol device { scan time 5; }"
		echo 'protocol bfd { interface "*" { min rx interval 300 ms; min tx interval 300 ms; multiplier 3; };'
		many_pairs bird "$MANY" | while read -r ours theirs; do echo "neighbor $ours local $theirs;"; done
		echo "}"
	} >"$dir/bird.conf"
	# It begins anew: BIRD 2.0.12 goes on with the multiplier of before.
	pid=$(cat "$dir/bird.pid")
	kill -TERM "$pid"
	lab_until 5 lab_gone "$pid"
	bfd_bird_start
	lab_until 5 birdc -s "$dir/ctl" show status || { say "BIRD: $(tail -n 1 "$dir/out.log")"; return 1; }
}

many_peers() {
	local d i=0 as ours theirs
	for d in frr bird; do
		as=${BFD_AS[$d]}
		while read -r ours theirs; do
			i=$((i + 1))
			cat <<-YAML
				apiVersion: metallb.io/v1beta2
				kind: BGPPeer
				metadata: {name: p$i, namespace: metallb-system}
				spec: {myASN: 64513, peerASN: $as, peerAddress: "$theirs", sourceAddress: "$ours", bfdProfile: fast}
				---
			YAML
		done < <(many_pairs "$d" "$MANY_MORE")
	done >"$LAB_DIR/bfd-config/.peers"
	mv "$LAB_DIR/bfd-config/.peers" "$LAB_DIR/bfd-config/peers.yaml"
}

# many_are JQ: of each of the 64.
many_are() { bfd_show | jq -e --argjson n $((4 * MANY_MORE)) "length == \$n and all($1)" >/dev/null; }
# Sessions that FRR and BIRD have up.
many_at_frr() { bfd_vtysh "show bfd peers json" | jq '[.[] | select(.status == "up")] | length'; }
many_at_bird() { birdc -s "$(bfd_dir bird)/ctl" show bfd sessions | grep -c ' Up '; }
many_routers_have() { [ "$(many_at_frr) $(many_at_bird)" = "$1 $1" ]; }
many_agent_says() {
	say "$(bfd_show | jq -r 'group_by([.state, .txMillis, .detectMillis, .diagnostic, .flaps]) | .[] |
		"\(length) \(.[0].state), tx \(.[0].txMillis), detect \(.[0].detectMillis), \(.[0].diagnostic), flaps \(.[0].flaps);"'
	) FRR has $(many_at_frr), BIRD $(many_at_bird) up"
}

# many_logged WORDS MORE: lines of the log about these sessions.
many_logged() { grep -cE "msg=\"bfd: $1\" address=(10|fd00)[.:]6[12][.:][^ ]*${2:-}" "$LAB_DIR/bfd.log"; }
many_are_logged() {
	[ "$(many_logged "BFD session up") $(many_logged "BFD session down" ' state=Down reason="detection time expired"')" = "$1 $2" ]
}

step_bfd_peers() {
	many_routers || return 1
	bfd_profile "transmitInterval: 300, receiveInterval: 300, detectMultiplier: 3"
	many_peers
	lab_until 30 many_are '.state == "Up" and .txMillis == 300 and .detectMillis == 900' &&
		lab_until 5 many_routers_have $((2 * MANY_MORE)) || { many_agent_says; return 1; }
	# Each is told whole, and as the one that it is.
	lab_until 5 many_are '.localDiscriminator > 0 and .remoteDiscriminator > 0 and .sourcePort >= 49152 and .localAddress != null and .packetsReceived > 3 and
		.packetsSent > 3 and .rejected == {} and .remoteState == "Up" and .remoteTxMillis == 300 and .remoteRxMillis == 300 and .remoteMultiplier == 3' &&
		bfd_show | jq -e '[.[].localDiscriminator, .[].sourcePort] | length == (unique | length)' >/dev/null || { many_agent_says; return 1; }
	sleep 2
	[ "$(bfd_flaps)" = 0 ] || { say "flaps without a reason"; many_agent_says; return 1; }
	strict_drop all
	lab_until 10 many_are '.state != "Up" and .flaps == 1 and .diagnostic == "detection time expired"' &&
		lab_until 5 many_routers_have 0 || { many_agent_says; return 1; }
	strict_drop none
	lab_until 20 many_are '.state == "Up"' || { many_agent_says; return 1; }
	many_are_logged $((8 * MANY_MORE)) $((4 * MANY_MORE)) || {
		say "the log has $(many_logged "BFD session up") times up, $(many_logged "BFD session down") times down"
		tail -n 3 "$LAB_DIR/bfd.log"
		return 1
	}
	lab_kill TERM "$BFD_PID"
	lab_until 5 many_routers_have 0 || { say "AdminDown was not heard"; many_agent_says; return 1; }
	STEP_NOTE="each with its own discriminator and source port"
}

many_thread_is() { [ "$(tail -n 1 "$LAB_DIR/many")" = "$1" ]; }
many_thread_says() { say "up, down by silence, down otherwise: $(tail -n 1 "$LAB_DIR/many") $(cat "$LAB_DIR/many.err"); FRR has $(many_at_frr), BIRD $(many_at_bird) up"; }

step_bfd_many() {
	local d all=$((4 * MANY))
	[ -x "$LAB_ROOT/build/tests/bfd_many" ] || { say "build/tests/bfd_many is not there: make test-programs"; return 1; }
	for d in frr bird; do many_pairs "$d" "$MANY"; done >"$LAB_DIR/many-pairs"
	lab_begin "$LAB_DIR/many" bfd "$LAB_ROOT/build/tests/bfd_many" "$LAB_DIR/many-pairs"
	lab_until 30 many_thread_is "$all 0 0" && lab_until 5 many_routers_have $((2 * MANY)) || { many_thread_says; return 1; }
	sleep 3
	many_thread_is "$all 0 0" && many_routers_have $((2 * MANY)) || { say "flaps without a reason"; many_thread_says; return 1; }
	strict_drop all
	lab_until 10 many_thread_is "0 $all 0" && lab_until 5 many_routers_have 0 || { many_thread_says; return 1; }
	strict_drop none
	lab_until 20 many_thread_is "$all $all 0" || { many_thread_says; return 1; }
	lab_kill TERM "$LAB_PID"
	lab_until 5 many_routers_have 0 || { say "its end was not noticed"; many_thread_says; return 1; }
	STEP_NOTE="$((2 * MANY)) with each, half over IPv6; silence took all of them, and they came back"
}
