# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# lodectl against agents at work: what it says of flows, drops and rates is what packets did, its screen is one on
# a terminal and lines elsewhere, and what it hands out to others holds no secret of the documents users start from.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

tools_all() {
	run_step trace "Which pod gets a connection is what trace says, before and after" step_trace &&
		run_step drops "What is dropped, with its rate" step_drops &&
		run_step flows "Flows that live, by pod" step_flows &&
		run_step capture "What a client sends and is answered, at two nodes, as tcpdump reads it" step_capture &&
		run_step capture-dropped "Dropped packets, with their reason" step_capture_dropped &&
		run_step capture-refused "Only root captures" step_capture_refused &&
		run_step capture-killed "The agent dies while it captures" step_capture_killed &&
		run_step filters "Rows that are asked for" step_filters &&
		run_step top "A live screen on a terminal, on a dumb one, and on none" step_top &&
		run_step graph "The node's network as a picture" step_graph &&
		run_step log-level "More is logged without a restart" step_log_level &&
		run_step kubectl "kubectl lodestone: the same at the pods" step_kubectl &&
		run_step support "An archive without any secret of the samples" step_support
}

# chosen NODE PORT: the pod's address that node's agent names for a connection of the client.
chosen() {
	lab_ctl "$1" trace --from "10.9.0.2:$2" --to "$VIP:80" -o json | jq -r '.chosen.address // "nobody"'
}

step_trace() {
	local port pod node before after n=0
	for port in $(seq 30000 30019); do
		declare -A before=([node-a]=$(chosen node-a "$port") [node-b]=$(chosen node-b "$port"))
		pod=$(lab_in client curl -s --max-time 5 --local-port "$port" "http://$VIP/" | jq -r .pod) || return 1
		case $pod in a*) node=node-a ;; *) node=node-b ;; esac
		after=$(chosen "$node" "$port")
		[ "${before[$node]}" = "${LAB_POD_ADDR[$pod]}" ] && [ "$after" = "${LAB_POD_ADDR[$pod]}" ] || {
			say "port $port met $pod (${LAB_POD_ADDR[$pod]}); trace said ${before[$node]} and $after"
			return 1
		}
		n=$((n + 1))
	done
	lab_ctl "$node" trace --from "10.9.0.2:$port" --to "$VIP:80" | sed 's/^/  /'
	lab_ctl node-a trace --from 10.9.0.2:1 --to "$VIP:81" -o json |
		jq -e '.chosen == null and (.steps | last | .check == "port" and (.holds | not))' >/dev/null || return 1
	lab_ctl node-a trace --from 10.9.0.2 --to "$VIP:80" -o json |
		jq -e '.chosen == null and (.steps | last | .check == "client-port")' >/dev/null || return 1
	STEP_NOTE="$n connections"
}

# To a port that no Service of the VIP serves.
knock() { lab_in client bash -c "for i in \$(seq 400); do : >/dev/udp/$VIP/9 || :; echo x >/dev/udp/$VIP/9; sleep 0.01; done" 2>/dev/null; }

# watched NODE: the fastest rate that drops --watch tells of unknown_port within a few seconds.
watched() {
	timeout 4 "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/$1/lodestoned.sock" drops --watch |
		awk '$1 == "unknown_port" && $4 + 0 > most { most = $4 + 0 } END { print most + 0 }'
}

step_drops() {
	local pid a b began=${EPOCHREALTIME/[.,]/} took
	knock &
	pid=$!
	watched node-a >"$LAB_DIR/watched.a" &
	watched node-b >"$LAB_DIR/watched.b"
	wait "$pid"
	took=$((${EPOCHREALTIME/[.,]/} - began))
	wait "$!" 2>/dev/null
	a=$(cat "$LAB_DIR/watched.a") b=$(cat "$LAB_DIR/watched.b")
	lab_ctl node-a drops | sed 's/^/  node-a  /'
	lab_ctl node-b drops | sed 's/^/  node-b  /'
	{ lab_ctl node-a drops -o json && lab_ctl node-b drops -o json; } |
		jq -se 'flatten | map(select(.reason == "unknown_port" and .lost).packets) | add >= 400' >/dev/null || return 1
	STEP_NOTE="unknown_port at $a/s and $b/s, 400 packets in $((took / 1000)) ms"
	# The highest rates that were seen are no less than a third of the mean, and no packet is there twice.
	awk -v a="$a" -v b="$b" -v mean="$((400000000 / took))" 'BEGIN { exit !(a + b > mean / 3 && a + b <= 800) }'
}

# flows_are_at_least N: on both nodes together; they are counted every few seconds.
flows_are_at_least() {
	{ lab_ctl node-a flows -o json && lab_ctl node-b flows -o json; } |
		jq -se --argjson n "$1" 'flatten | map(.flows) | add // 0 >= $n' >/dev/null
}

step_flows() {
	lab_spawn "$LAB_DIR/held.log" client bash -c "
		for i in \$(seq 8); do exec {fd}<>/dev/tcp/$VIP/80; echo -e 'GET /download?seconds=30 HTTP/1.0\r\n\r' >&\$fd; done
		sleep 30"
	lab_until 20 flows_are_at_least 8 || { lab_ctl node-a flows; lab_ctl node-b flows; return 1; }
	lab_ctl node-a flows | sed 's/^/  /'
	lab_ctl node-a flows default/nothing | grep -q '^no flows for default/nothing' || return 1
	lab_kill TERM "$LAB_PID"
	STEP_NOTE="8 connections found"
}

rows() { lab_ctl node-a show "$@" -o json | jq length; }

step_filters() {
	[ "$(rows routes --prefix "$VIP/24")" = 1 ] && [ "$(rows routes --prefix 203.0.113.0/24)" = 0 ] || return 1
	[ "$(rows routes --service default/nginx-lb)" = 1 ] && [ "$(rows routes --service other/nginx-lb)" = 0 ] || return 1
	[ "$(rows peers --vrf default)" = 1 ] && [ "$(rows peers --vrf red)" = 0 ] || return 1
	[ "$(rows backends --prefix "$VIP")" -ge 2 ] && [ "$(rows services --prefix ::/0)" = 0 ] || return 1
	lab_ctl node-a >/dev/null && [ "$(lab_ctl node-a -o json | jq -r .node)" = node-a ] || return 1
	[ "$(lab_ctl node-a --peer x 2>&1)" = 'lodectl: "status" takes no option --peer; see lodectl --help' ] || return 1
	STEP_NOTE="routes, peers, backends and services"
}

# on_terminal TERM KEYS: what top writes on a terminal of 80 by 24 in 2.5 s, and then to these keys.
on_terminal() {
	TERM=$1 LANG=C.UTF-8 python3 - "$2" "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/node-a/lodestoned.sock" top <<-'PY'
		import fcntl, os, pty, select, struct, sys, termios, time
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[2], sys.argv[2:])
		fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
		keys, end, out = sys.argv[1].encode(), time.monotonic() + 2.5, b""
		while True:
		    if keys and time.monotonic() > end:
		        os.write(fd, keys)
		        keys = b""
		    if select.select([fd], [], [], 0.1)[0]:
		        try:
		            data = os.read(fd, 65536)
		        except OSError:
		            break
		        out += data
		    elif time.monotonic() > end + 10:
		        os.kill(pid, 9)
		sys.stdout.buffer.write(out)
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	PY
}

step_top() {
	local able=$LAB_DIR/top.able dumb=$LAB_DIR/top.dumb piped=$LAB_DIR/top.piped esc=$'\033'
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$VIP/" 2000 >"$LAB_DIR/top.json" &
	on_terminal xterm hsq >"$able" || { say "top ended with $?"; return 1; }
	on_terminal dumb q >"$dumb" || return 1
	wait $!
	timeout 3 "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/node-a/lodestoned.sock" top >"$piped"
	sed 's/^/  /' <(awk '/^node-a/ { n++ } n == 2' "$dumb" | tr -d '\r' | head -24)
	grep -qF "$VIP:80/TCP" "$able" && grep -qF "$VIP:80/TCP" "$dumb" && grep -qF "$VIP:80/TCP" "$piped" || return 1
	# The terminal gets its own screen back, and its cursor; others never see a sequence.
	[[ $(cat "$able") == "$esc[?1049h"*"$esc[?25h$esc[?1049l" ]] || { say "the screen is not given back"; return 1; }
	! grep -q "$esc" "$dumb" && ! grep -q "$esc" "$piped" || { say "sequences on a dumb terminal"; return 1; }
	# Packets were seen to come.
	grep -aqE 'in [1-9][0-9.]*k? pkt/s' "$able" || { say "no rates"; return 1; }
	STEP_NOTE="80 by 24, with $(grep -aoE 'in [1-9][0-9.]*k? pkt/s' "$able" | tail -n 1)"
}

step_graph() {
	local dot=$LAB_DIR/graph.dot svg=$LAB_DIR/graph.svg
	lab_ctl node-a graph dot >"$dot" && lab_ctl node-a graph svg >"$svg" || return 1
	python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' "$svg" || return 1
	[ "$(grep -c 'color=forestgreen,label="Established' "$dot")" = 1 ] && ! grep -q 'color=red' "$dot" || { cat "$dot"; return 1; }
	# The router ends the session, and the edge to it is red.
	router_says 'neighbor 192.168.1.10 shutdown' && lab_until 10 red_edge || { lab_ctl node-a graph dot; return 1; }
	router_says 'no neighbor 192.168.1.10 shutdown' && lab_until 30 vip_next_hops_are "192.168.1.10 192.168.1.11" || return 1
	STEP_NOTE="$(grep -c ' -- ' "$dot") edges; red when the router was gone"
}
router_says() { lab_frr "$LAB_DIR/frr" -c 'configure terminal' -c 'router bgp 64512' -c "$1"; }
red_edge() { lab_ctl node-a graph dot | grep -q ' -- n1_0 \[color=red'; }

step_log_level() {
	[ "$(lab_ctl node-a log-level)" = info ] || return 1
	lab_ctl node-a log-level debug | sed 's/^/  /'
	[ "$(lab_ctl node-a log-level -o json | jq -r .level)" = debug ] || return 1
	! lab_ctl node-a log-level loud 2>"$LAB_DIR/loud" && grep -q 'there are the levels error, warn' "$LAB_DIR/loud" || return 1
	lab_ctl node-a log-level info >/dev/null
	STEP_NOTE="debug and back"
}

# Every word behind a password of the samples that is not a comment, and what it is the base64 of.
sample_secrets() {
	local word
	sed -nE 's/^ *password: *//p' "$LAB_ROOT"/tests/samples/S*.yaml | sort -u |
		while read -r word; do
			printf '%s\n' "$word"
			base64 -d <<<"$word" 2>/dev/null | grep -axE '[[:print:]]{6,}' || true
		done | sort -u
}

# support_of FILES...: the archive of an agent that has these, at its most talkative.
support_of() {
	local dir=$LAB_DIR/support node=node-a
	rm -rf "$dir"
	mkdir -p "$dir/config" "$dir/bin"
	cp "$@" "$dir/config/"
	printf 'apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\nspec: {dataplane: {mode: "off"}}\n' \
		>"$dir/config/zz-lodestone.yaml"
	# There is no journal here.
	printf '#!/bin/sh\ncat %q\n' "$dir/agent.log" >"$dir/bin/journalctl"
	chmod +x "$dir/bin/journalctl"
	lab_spawn "$dir/agent.log" $node "$LAB_AGENT" --node "$node" --config "$dir/config" --socket "$dir/sock" \
		--pin "$(lab_pin "$node")-support" --state "$dir/state" --log-level debug
	lab_until 15 "$LAB_ROOT/build/lodectl" --socket "$dir/sock" show pools || return 1
	sleep 3 # sessions are tried, and the state is written
	(cd "$dir" && PATH=$dir/bin:$PATH lab_in $node "$LAB_ROOT/build/lodectl" --socket "$dir/sock" support dump) 2>"$dir/said" || return 1
	lab_kill TERM "$LAB_PID"
	[ "$(stat -c %a "$dir/lodestone-support.tar")" = 600 ] || return 1
	mkdir "$dir/out" && tar -xf "$dir/lodestone-support.tar" -C "$dir/out"
}

# none_of_them WORDS...: not in the archive, nor in its files.
none_of_them() {
	local word dir=$LAB_DIR/support
	for word in "$@"; do
		! grep -rqaF -- "$word" "$dir/out" "$dir/lodestone-support.tar" || {
			say "\"$word\" is in $(grep -rlaF -- "$word" "$dir/out" | sed "s|^$dir/out/||" | tr '\n' ' ')"
			return 1
		}
	done
}

# A kubectl that knows two pods, and runs what is asked of them at their agents.
write_kubectl() {
	mkdir -p "$LAB_DIR/kubectl"
	ln -sf "$LAB_ROOT/build/lodectl" "$LAB_DIR/kubectl/kubectl-lodestone"
	cat >"$LAB_DIR/kubectl/kubectl" <<-SH
		#!/bin/sh
		echo "\$*" >>"$LAB_DIR/kubectl/asked"
		case "\$1" in
		get) printf 'node-a   pod-a\nnode-b   pod-b\n' ;;
		exec)
			shift 3
			[ "\$1 \$3" = "metallb-system -c" ] && [ "\$4 \$5 \$6" = "agent -- lodectl" ] || exit 9
			node=node-\${2#pod-}
			shift 6
			exec "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/\$node/lodestoned.sock" "\$@" ;;
		esac
	SH
	chmod +x "$LAB_DIR/kubectl/kubectl"
}
lodestone() { PATH=$LAB_DIR/kubectl:$PATH "$LAB_DIR/kubectl/kubectl-lodestone" "$@" </dev/null; }

step_kubectl() {
	write_kubectl
	[ "$(lodestone --node node-b status -o json | jq -r .node)" = node-b ] || return 1
	[ "$(lodestone --all-nodes | grep -c '^== node-[ab]$')" = 2 ] || return 1
	! lodestone show peers 2>"$LAB_DIR/which" && grep -q 'which node' "$LAB_DIR/which" || return 1
	! lodestone --node node-c 2>"$LAB_DIR/which" && grep -q 'no agent runs on node node-c' "$LAB_DIR/which" || return 1
	# Neither help nor what is wrong needs a cluster, and the pod's files are nobody's.
	: >"$LAB_DIR/kubectl/asked"
	lodestone --help | grep -q 'usage: kubectl lodestone' || return 1
	! lodestone frobnicate 2>/dev/null && ! lodestone --node node-a support dump 2>/dev/null || return 1
	[ ! -s "$LAB_DIR/kubectl/asked" ] || return 1
	lodestone --node node-a support dump - 2>/dev/null | tar -t | grep -qx 'agent/status.json' || return 1
	STEP_NOTE="one node, all nodes, an archive through standard output"
}

step_support() {
	local secrets name=bgp-auth-secret samples=("$LAB_ROOT"/tests/samples/S*.yaml)
	mapfile -t secrets < <(sample_secrets)
	[ "${#secrets[@]}" -ge 5 ] || { say "only ${#secrets[@]} secrets in the samples"; return 1; }
	# With the Secret, its name is no secret.
	mapfile -t secrets < <(printf '%s\n' "${secrets[@]}" | grep -vx "$name")
	support_of "${samples[@]}" || return 1
	sed 's/^/  /' "$LAB_DIR/support/said"
	[ "$(jq -r .node "$LAB_DIR/support/out/agent/status.json")" = node-a ] || return 1
	[ "$(jq length "$LAB_DIR/support/out/agent/peers.json")" -gt 3 ] || return 1
	grep -q 'level=' "$LAB_DIR/support/out/log.txt" && [ -s "$LAB_DIR/support/out/versions.txt" ] || return 1
	# What is looked for can be found: it is in what was left out.
	grep -rqaF -- "${secrets[0]}" "$LAB_DIR/support/config" && grep -rqaF -- "your-secure-password" <(
		base64 -d <<<"eW91ci1zZWN1cmUtcGFzc3dvcmQ=") || return 1
	none_of_them "${secrets[@]}" || return 1
	! lab_ctl node-a support dump "$LAB_DIR/support/lodestone-support.tar" 2>/dev/null || { say "a file is written over"; return 1; }
	# Without it, that word is the password itself.
	support_of "$LAB_ROOT"/tests/samples/S1-bgp-production-04.yaml && none_of_them "$name" || return 1
	STEP_NOTE="none of ${#secrets[@]} secrets, nor $name as a password"
}
