# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The network of tests/lab/nodes.bash, whose agents are replaced in turn by those of another build, and by their own again: the node's
# programs and maps are where the one has left them. ND_OTHER is that build, build/next unless said; with LAB_AGENT=OLD/build/lodestoned
# ND_OTHER=build/lodestoned it is an upgrade from an earlier commit.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

nodes_versions_all() {
	ND_FLOWS=2000 ND_DRAIN=3
	ND_OTHER=${ND_OTHER:-$LAB_ROOT/build/next/lodestoned}
	nodes_begin &&
		run_step nodes-upgrade "The agent of each node is replaced by that of another version: no connection is cut" step_nodes_upgrade &&
		run_step nodes-downgrade "And each by its own again, which leaves the maps by the gates where it cannot read them" step_nodes_downgrade
}

# nd_maps NODE: the version of its maps, and whether its agent found them there.
nd_maps() {
	echo "$(bpftool -j map dump pinned "$(lab_pin "$1")/maps/config" | jq '.[0].formatted.value.abi_version') $(lab_ctl "$1" status -o json | jq .dataplane.programsAdopted)"
}
nd_serves() { [ "$(lab_ctl "$1" status -o json | jq -r .dataplane.mode)" = xdp ]; }

# nd_replace NODE AGENT: killed and started, and all is as it was; how the maps fared is in ND_MAPS.
nd_replace() {
	lab_kill KILL "${LAB_AGENT_PID[$1]}"
	sleep 1
	LAB_AGENT=$2 lab_agent_up "$1"
	lab_until 90 nd_ready_lodestone && lab_until 60 nd_serves "$1" && nd_paths_are || { lab_ctl "$1" show problems; return 1; }
	ND_MAPS=$(nd_maps "$1")
}

# nd_replace_all NAME AGENT WORDS: each in turn, under load; WORDS is what becomes of the maps.
nd_replace_all() {
	local node
	nd_keep "$1" || return 1
	for node in "${ND_NODES[@]}"; do
		nd_replace "$node" "$2" || return 1
		nd_note "$node: maps of version $ND_MAPS"
		[[ $ND_MAPS = *" $3" ]] || return 1
	done
	sleep 4 # until those who speak have done so
	nd_kept "$1" || return 1
	STEP_NOTE="maps of version ${ND_MAPS% *}; $(jq -r '"\(.exchanges) exchanges of \(.flows) connections, \(.lost | length) cut"' "$LAB_DIR/$1.json")"
	jq -e --argjson n "$ND_FLOWS" '.flows == $n and .kept == $n and .lost == [] and .foreign == 0' "$LAB_DIR/$1.json" >/dev/null
}

step_nodes_upgrade() { nd_replace_all upgrade "$ND_OTHER" true; }
step_nodes_downgrade() { nd_replace_all downgrade "$LAB_AGENT" false; }
