# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The questions that are asked most (docs/troubleshooting.md), each answered by one command of a node at work.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

questions_all() {
	run_step not-announced "Why is my Service not announced?" step_not_announced &&
		run_step peer-down "Why is the peer down?" step_peer_down &&
		run_step which-node "Which node serves this client?" step_which_node &&
		run_step whose "Who owns this address?" step_whose &&
		run_step last-change "What did the last change do?" step_last_change &&
		run_step native "Is the data plane native?" step_native &&
		run_step dropped "What is dropped, and why?" step_dropped &&
		run_step would-drain "What would a drain do?" step_would_drain &&
		run_step config-diff "What would this file change?" step_config_diff &&
		run_step pools "Which pools are nearly full?" step_pools &&
		run_step router-thinks "What does the router think?" step_router_thinks &&
		run_step same "Is everything the same on all nodes?" step_same
}

# lodectl_says WORDS... -- PATTERN...: what node-a's lodectl says to these words has each of the patterns; it is shown.
lodectl_says() {
	local words=()
	while [ "$1" != -- ]; do words+=("$1"); shift; done
	shift
	lab_in node-a "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/node-a/lodestoned.sock" "${words[@]}" >"$LAB_DIR/answer" 2>&1 || true
	printf '  $ lodectl %s\n' "${words[*]}"
	sed 's/^/  /' "$LAB_DIR/answer"
	while [ $# -gt 0 ]; do
		grep -qE -- "$1" "$LAB_DIR/answer" || { say "not said: $1"; return 1; }
		shift
	done
	STEP_NOTE="lodectl ${words[*]}"
}

# Of a Service without an endpoint here, and without any.
step_not_announced() {
	sed -e 's/nginx-lb/idle/' "$LAB_DIR/config/service.yaml" -e '/healthCheckNodePort/d' -e '/loadBalancerIP/d' >"$LAB_DIR/config/idle.yaml"
	lab_until 10 idle_is_there || return 1
	lodectl_says explain service default/idle -- 'default/idle' 'no .*endpoint'
}
idle_is_there() { lab_ctl node-a show services -o json | jq -e 'any(.[]; .name == "idle")' >/dev/null; }

step_peer_down() {
	router_says 'neighbor 192.168.1.10 shutdown message maintenance at ten' && lab_until 10 session_is_down || return 1
	lodectl_says status -- '^Peer +router-primary: .*maintenance at ten' '^Withheld .* noSession: ' '^Next +lodectl explain peer router-primary' || return 1
	lodectl_says explain peer router-primary -- 'router-primary' 'Administrative Shutdown.*maintenance at ten' || return 1
	router_says 'no neighbor 192.168.1.10 shutdown' && lab_until 30 vip_next_hops_are "192.168.1.10 192.168.1.11"
}
session_is_down() { lab_ctl node-a show peers -o json | jq -e '.[0].state != "Established"' >/dev/null; }

step_which_node() {
	lodectl_says trace --from 10.9.0.2:40000 --to "$VIP:80" -- '^enters at +node-a: ' '^goes to +10\.244\.1\.1[12] port 80 on node-a:'
}

step_whose() {
	lodectl_says explain ip "$VIP" -- 'default/nginx-lb' 'production-pool' '^Packets go on by policy Local' '^80/TCP +here +2 ' || return 1
	# One that nobody has is no answer.
	! lab_ctl node-a explain ip 203.0.113.1 >/dev/null
}

step_last_change() {
	write_slices a1 b1 b2 && lab_until 10 one_pod_here || return 1
	rm "$LAB_DIR/config/idle.yaml"
	lodectl_says log -- 'config: read.*slices\.yaml' 'bgp: announce' || return 1
	write_slices a1 a2 b1 b2
}
one_pod_here() { lab_ctl node-a show backends nginx-lb -o json | jq -e 'map(select(.state == "ready")) | length == 1' >/dev/null; }

step_native() {
	lodectl_says status -- '^Device +eth0.*native'
}

step_dropped() {
	lab_in client bash -c "for i in \$(seq 40); do echo x >/dev/udp/$VIP/9; done" 2>/dev/null
	lodectl_says drops -- 'unknown_port'
}

step_would_drain() {
	lodectl_says drain --dry-run -- '^removed +Route +'"$VIP"'/32 +router-primary +is withdrawn' 'is announced by this node no more: nodeDrained' \
		'flows? lives? here now' || return 1
	# It was not done.
	[ "$(lab_ctl node-a status -o json | jq .drain)" = null ] || return 1
	[ "$(lab_ctl node-a show routes -o json | jq length)" = 1 ]
}

step_pools() {
	lodectl_says show pools -- 'production-pool +[0-9]+ +[0-9]+'
}

step_router_thinks() {
	lodectl_says show peer router-primary -- 'Offered by peer .*route refresh' 'Last received +.*Cease/Administrative Shutdown' 'History'
}

# The nodes of the lab have one folder; then one of them has another object.
step_same() {
	write_kubectl
	lodestone same | sed 's/^/  /'
	lodestone same | grep -qx '2 nodes run and know the same' || return 1
	! lodestone same --agents-in elsewhere >/dev/null 2>&1 || return 1
	cp -r "$LAB_DIR/config" "$LAB_DIR/config-b"
	printf '%s\n' 'apiVersion: metallb.io/v1beta1' 'kind: IPAddressPool' 'metadata: {name: forgotten, namespace: metallb-system}' \
		'spec: {addresses: [203.0.113.0/28]}' >"$LAB_DIR/config-b/forgotten.yaml"
	lab_kill TERM "${LAB_AGENT_PID[node-b]}"
	lab_spawn "$LAB_DIR/node-b.log" node-b "$LAB_AGENT" --node node-b --config "$LAB_DIR/config-b" --socket "$LAB_DIR/node-b/lodestoned.sock" \
		--pin "$(lab_pin node-b)" --state "$LAB_DIR/node-b/state"
	lab_until 15 one_differs || return 1
	! lodestone same >"$LAB_DIR/same" || return 1
	sed 's/^/  /' "$LAB_DIR/same"
	STEP_NOTE="kubectl lodestone same"
}
one_differs() { lodestone same 2>/dev/null | grep -Eq '^node-b .* no$'; }

# differs CODE ARGUMENTS...: config diff at node-a ends so; what it says is in $LAB_DIR/differs.
differs() {
	local want=$1 code=0
	shift
	lab_in node-a "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/node-a/lodestoned.sock" config diff "$@" \
		>"$LAB_DIR/differs" 2>&1 || code=$?
	[ "$code" = "$want" ] || { say "config diff $*: $code instead of $want: $(head -n 3 "$LAB_DIR/differs")"; return 1; }
}
differs_says() { grep -qE -- "$1" "$LAB_DIR/differs" || { say "not said: $1: $(cat "$LAB_DIR/differs")"; return 1; }; }

# Each edit is asked about, made, and asked about again.
step_config_diff() {
	local dir=$LAB_DIR/edited file=$LAB_DIR/edit.yaml
	# What is there changes nothing, as a file and as the folder.
	differs 0 "$LAB_DIR/config/pool.yaml" && differs_says 'nothing that this node does would change; objects: 0 new' &&
		differs 0 "$LAB_DIR/config" && differs 0 - <"$LAB_DIR/config/peer.yaml" || return 1
	sed 's/64512:100/64512:777/' "$LAB_DIR/config/advertisement.yaml" >"$file"
	differs 1 "$file" && differs_says "^changed +Route +$VIP/32 +[a-z0-9-]+ .*:777" || return 1
	sed 's/^/  /' "$LAB_DIR/differs"
	# A folder, in which objects may be missing.
	cp -r "$LAB_DIR/config" "$dir" && rm "$dir/service.yaml"
	differs 1 "$dir" && differs_says '^removed +Service +default/nginx-lb' && differs_says "^removed +Route +$VIP/32 .*is withdrawn" || return 1
	# What is wrong stays as it was, and is told; no file, no folder and no secret.
	printf 'apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: production-pool, namespace: metallb-system}\nspec: {addresses: [nonsense]}\n' >"$dir/wrong"
	differs 1 "$dir/wrong" && differs_says '^added +Problem ' && ! grep -q '^removed' "$LAB_DIR/differs" || return 1
	differs 2 "$dir/nowhere" && differs_says 'No such file' || return 1
	lab_in node-a "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/node-a/lodestoned.sock" config diff "$file" -o json |
		jq -e '.differs and .objects.changed >= 1 and (.changes | map(select(.kind == "Route" and (.peers | length) == 1)) | length == 1)' >/dev/null || return 1
	# Made, it changes nothing more, and the router has it.
	cp "$file" "$LAB_DIR/config/advertisement.yaml.new" && mv "$LAB_DIR/config/advertisement.yaml.new" "$LAB_DIR/config/advertisement.yaml"
	lab_until 20 differs 0 "$file" || return 1
	lab_ctl node-a show routes -o json | jq -e '.[0].communities | any(endswith(":777"))' >/dev/null || return 1
	STEP_NOTE="a file, a folder, standard input, an error"
}
