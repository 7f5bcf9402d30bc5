# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# BFD with BIRD where our programs are on the device: what bfd_xdp.bash shows of an agent that is killed with FRR. What counts is
# BIRD's route in its kernel, by which it forwards.

BFDB_LOOPS=${BFDB_LOOPS:-3}

bfd_bird_all() {
	lab_folder
	LAB_NODES=(bfd) # for lab_down
	run_step bfdb-up "BFD with BIRD over a device with our programs: carried by XDP" step_bfdb_up &&
		run_step bfdb-killed "kill -9 and start, $BFDB_LOOPS times: BIRD sees no Down, and keeps the route in its kernel" step_bfdb_killed &&
		run_step bfdb-killed-on "The same with \"bfd on\", by which BIRD ends BGP when BFD does" step_bfdb_killed_on
}

bfdb_says() {
	say "$(bfd_show | jq -c '.[] | {peer, state, xdp, packetsAnsweredByXdp, flaps, diagnostic}' | tr '\n' ' ')"
	birdc -s "$(bfd_dir bird)/ctl" show bfd sessions
	birdc -s "$(bfd_dir bird)/ctl" show protocols
	tail -n 20 "$LAB_DIR/bfd.log"
}
# Both sessions as BIRD has them: up, and since when.
bfdb_at_bird() { birdc -s "$(bfd_dir bird)/ctl" show bfd sessions | awk '$3 == "Up" {print $1, $4}' | sort; }
bfdb_has_route() { lab_in b-bird ip route show "$BFDX_VIP" | grep -q "via ${BFD_NET[bird]}.2"; }
bfdb_is_whole() { bfdx_has_bgp && bfdx_is carried && bfdb_has_route; }

step_bfdb_up() {
	bfdx_network bird
	bfd_bird_up
	bfdx_config bird
	bfdx_profile "$BFDX_FAST"
	bfd_agent_up
	lab_until 30 bfdb_is_whole || { bfdb_says; return 1; }
	[ "$(bfdb_at_bird | wc -l)" = 2 ]
}

# The kernel tells of each route that goes; of one that is put in another's place it does not say so. That it tells is seen by a
# route of another's first.
bfdb_watch() {
	lab_begin "$LAB_DIR/routes" b-bird ip -o monitor route
	lab_until 5 bfdb_is_told || { say "the kernel's routes are not seen to go"; return 1; }
}
bfdb_is_told() {
	lab_in b-bird ip route add 198.51.100.9/32 dev lo && lab_in b-bird ip route del 198.51.100.9/32 dev lo
	grep -q "Deleted.*198.51.100.9" "$LAB_DIR/routes"
}

bfdb_kill() { # TIMES
	local i sessions watcher
	sessions=$(bfdb_at_bird)
	[ "$(wc -l <<<"$sessions")" = 2 ] && bfdb_watch || { bfdb_says; return 1; }
	watcher=$LAB_PID
	for ((i = 0; i < $1; i++)); do
		lab_kill KILL "$BFD_PID"
		sleep "$((RANDOM % 2)).$((RANDOM % 10))"
		bfd_agent_up
		lab_until 30 bfdb_is_whole || { bfdb_says; return 1; }
	done
	sleep 1
	lab_kill TERM "$watcher"
	[ "$(bfdb_at_bird)" = "$sessions" ] && [ "$(bfd_flaps)" = 0 ] && ! grep "Deleted.*$BFDX_VIP" "$LAB_DIR/routes" || {
		say "BIRD's sessions: $sessions, then $(bfdb_at_bird)"
		bfdb_says
		return 1
	}
	STEP_NOTE="up to 2 s without an agent at 50 ms x 3; the route never went, and both sessions are up since before"
}
step_bfdb_killed() { bfdb_kill "$BFDB_LOOPS"; }

step_bfdb_killed_on() {
	bfd_bird_config 50 on
	birdc -s "$(bfd_dir bird)/ctl" configure >/dev/null
	sleep 1
	lab_until 30 bfdb_is_whole || { bfdb_says; return 1; }
	bfdb_kill "$BFDB_LOOPS"
}
