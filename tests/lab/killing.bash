# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# An agent that is killed with -9 in a loop, at any moment of its start, while datagrams go to a Service of its
# node and back at the highest rate at which the same run without kills loses none. Router and client know
# nothing of it: the way to the VIP is fixed meanwhile. Each agent that lives long enough puts its own program in
# the last one's place, so that is an upgrade within a version of the maps, too.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

RATE_FIRST=4000 RATE_LEAST=500 RATE_KILLS=20 RATE_SECONDS=10

killing_all() {
	run_step kill-loop "Killed with -9 over and over, at the highest rate that is carried" step_kill_loop
}

rate_vip_is_given() {
	RATE_VIP=$(lab_ctl node-a show services rate -o json | jq -r '.[0].vip // empty')
	[ -n "$RATE_VIP" ]
}

# rate_run RATE SECONDS: true if as many were sent and all came back; RATE_SENT, RATE_LOST.
rate_run() {
	local said
	said=$(lab_in client python3 "$LAB_ROOT/scripts/lab-rate" send "$RATE_VIP" 9 "$1" "$2") || return 1
	RATE_SENT=$(jq .sent <<<"$said") RATE_LOST=$(jq .lost <<<"$said")
	[ "$RATE_LOST" -eq 0 ] && [ "$RATE_SENT" -ge $(($1 * $2 * 9 / 10)) ]
}
rate_answers() { rate_run 100 1; }

# The highest rate, by doubles, that is carried once and twice again without a loss: RATE.
rate_find() {
	RATE=$RATE_FIRST
	while rate_run $((2 * RATE)) 2; do RATE=$((2 * RATE)); done
	rate_lower
}
rate_lower() {
	until rate_run "$RATE" 2 && rate_run "$RATE" 2; do
		RATE=$((RATE / 2))
		[ "$RATE" -ge "$RATE_LEAST" ] || return 1
	done
}

# kills FILE: writes how many there were when the sender is done or the number is reached.
kills() {
	local n=0
	while [ "$n" -lt "$RATE_KILLS" ] && ! [ -e "$LAB_DIR/rate.done" ]; do
		sleep "0.$((RANDOM % 7))$((RANDOM % 10))"
		lab_kill KILL "${LAB_AGENT_PID[node-a]}"
		lab_agent_up node-a
		n=$((n + 1))
	done
	RATE_KILLED=$n
}

# A loss counts only if the same run without kills has none, for others use this machine, too; and when it counted
# three times, it was the kills'.
rate_under_kills() {
	local sender lossy=0
	for _ in 1 2 3 4 5 6; do
		rm -f "$LAB_DIR/rate.done"
		(
			rate_run "$RATE" "$RATE_SECONDS"
			echo "$RATE_SENT $RATE_LOST" >"$LAB_DIR/rate.done"
		) &
		sender=$!
		kills
		wait "$sender"
		read -r RATE_SENT RATE_LOST <"$LAB_DIR/rate.done"
		STEP_NOTE="$RATE_KILLED kills, $RATE_SENT datagrams there and back at $RATE a second, $RATE_LOST lost"
		say "$STEP_NOTE"
		[ "$RATE_LOST" -gt 0 ] || return 0
		if rate_run "$RATE" "$RATE_SECONDS"; then
			lossy=$((lossy + 1))
			[ "$lossy" -lt 3 ] || return 1
		else
			say "without kills, $RATE_LOST of $RATE_SENT are lost now"
			RATE=$((RATE / 2))
			rate_lower || return 1
		fi
	done
	return 1
}

xdp_id_is_not() { [ "$(xdp_id)" != "$1" ]; }

step_kill_loop() {
	local pod code=0 before
	for pod in a1 a2; do
		lab_spawn "$LAB_DIR/rate-$pod.log" "$pod" python3 "$LAB_ROOT/scripts/lab-rate" serve 9
	done
	write_local_service rate UDP/9 a1 a2
	lab_until 5 rate_vip_is_given || { lab_ctl node-a show services; return 1; }
	lab_in router ip route add "$RATE_VIP/32" via 192.168.1.10 metric 5
	lab_until 10 rate_answers || { lab_ctl node-a show services; return 1; }
	rate_find || { say "lost $RATE_LOST of $RATE_SENT at $RATE a second"; return 1; }
	say "without kills, $RATE a second are carried"
	before=$(xdp_id)
	rate_under_kills || code=1
	lab_until 15 xdp_id_is_not "$before" || { say "the program was never replaced"; return 1; }
	rm "$LAB_DIR/config/rate.yaml"
	lab_in router ip route del "$RATE_VIP/32" via 192.168.1.10 metric 5
	lab_until 15 peer_is_established node-a || return 1
	lab_until 15 vip_next_hops_are "192.168.1.10 192.168.1.11" || return 1
	[ "$code" -eq 0 ] && [ "$RATE_KILLED" -ge $((RATE_KILLS / 2)) ]
}
