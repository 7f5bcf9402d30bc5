# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What an agent cannot see at its start is not gone. It is killed with -9 and started again while its
# folder is away, while a document of it is broken, and while an empty folder stands in its place: the
# router keeps both next hops, no request fails, and status says that the objects are those of the
# last run. The other node's agent runs on meanwhile and sees the same folder. Runs on node-a.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

unseen_all() {
	run_step away "kill -9, the folder is away" step_away &&
		run_step broken "kill -9, the pool's document is broken" step_broken &&
		run_step empty "kill -9, an empty folder stands in its place" step_empty &&
		run_step mistyped "A --config that never was there is refused" step_mistyped
}

is_stale() { lab_ctl "$1" status -o json | jq -e .stale >/dev/null; }
is_not_stale() { lab_ctl "$1" status -o json | jq -e '.stale | not' >/dev/null; }

# The router heard the routes again, from the agent that was started.
no_path_is_stale() {
	lab_vtysh "show bgp ipv4 unicast $VIP/32 json" |
		jq -e '(.paths | length) == 2 and ([.paths[] | select(.stale == true)] | length) == 0' >/dev/null
}

# goes_on SPOIL MEND REASON: node-a's agent is killed, the configuration spoiled, the agent started, and
# after a while the configuration mended.
goes_on() {
	sleep 1.5 # what has just changed is saved by now
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	"$1"
	lab_agent_up node-a
	lab_until 15 peer_is_established node-a || { tail -n 5 "$LAB_DIR/node-a.log"; return 1; }
	lab_until 10 no_path_is_stale || { lab_vtysh "show bgp ipv4 unicast $VIP/32 json"; return 1; }
	sleep 3
	is_stale node-a || { lab_ctl node-a status; return 1; }
	UNSEEN_STALE=$(lab_ctl node-a status -o json | jq -r '"\(.staleObjects) objects of \(.staleSources) files"')
	lab_ctl node-a show problems -o json |
		jq -r --arg r "$3" '.[] | select(.reason == $r or .reason == "StaleSource") |
			"  \(.reason): \(.message); \(.remedy)"' | head -n 2
	lab_ctl node-a show problems -o json | jq -e --arg r "$3" 'any(.[]; .reason == $r)' >/dev/null || return 1
	both_next_hops || { say "next hops: $(vip_next_hops)"; return 1; }
	"$2"
	lab_until 10 is_not_stale node-a || { lab_ctl node-a show problems; return 1; }
	lab_until 10 no_problems_left node-a && no_problems_left node-b || return 1
	sleep 1
	both_next_hops || { say "next hops: $(vip_next_hops)"; return 1; }
}

# The same under traffic, with an eye on the router's routes.
survives() {
	local monitor code=0
	UNSEEN_STALE=nothing
	lab_until 10 both_next_hops || return 1
	: >"$LAB_DIR/leaving.log"
	lab_spawn "$LAB_DIR/leaving.log" router ip -ts monitor route
	monitor=$LAB_PID
	traffic_start
	goes_on "$@" || code=1
	traffic_stop
	lab_kill TERM "$monitor"
	STEP_NOTE="$UNSEEN_STALE kept, $TRAFFIC_FAILED of $TRAFFIC_REQUESTS requests failed, $(route_deletions) routes deleted"
	[ "$code" -eq 0 ] && [ "$TRAFFIC_FAILED" -eq 0 ] && [ "$(route_deletions)" -eq 0 ]
}

move_away() { mv "$LAB_DIR/config" "$LAB_DIR/config.away"; }
move_back() { mv "$LAB_DIR/config.away" "$LAB_DIR/config"; }
step_away() { survives move_away move_back SourceUnreadable; }

break_pool() {
	cp "$LAB_DIR/config/pool.yaml" "$LAB_DIR/pool.good"
	sed -i 's/^spec:/spec: [/' "$LAB_DIR/config/pool.yaml"
}
mend_pool() { mv "$LAB_DIR/pool.good" "$LAB_DIR/config/pool.yaml"; }
step_broken() { survives break_pool mend_pool BadYAML; }

put_empty() { move_away && mkdir "$LAB_DIR/config"; }
take_empty() { rmdir "$LAB_DIR/config" && move_back; }
step_empty() { survives put_empty take_empty FolderEmpty; }

step_mistyped() {
	local out code=0
	out=$(lab_in node-b "$LAB_AGENT" --node node-b --config "$LAB_DIR/confg" \
		--socket "$LAB_DIR/third.sock" --pin "$(lab_pin node-b)-third" --state "$LAB_DIR/third" 2>&1) || code=$?
	say "exit $code: $out"
	STEP_NOTE="exit $code with one line"
	[ "$code" -eq 1 ] && grep -q -- --wait-config <<<"$out" && [ "$(wc -l <<<"$out")" -eq 1 ] || return 1
	lab_in node-b "$LAB_AGENT" --cleanup --pin "$(lab_pin node-b)-third"
}
