# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# lodectl capture, with its files read by tcpdump: what a client sent is there as it came and as it went on, with the
# backend that got it, what it was answered as the pod's and as the VIP's, and what was dropped with its reason. An
# agent that dies meanwhile costs nothing but the rest of the file.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

declare -gA CP_PID=()

cp_file() { echo "$LAB_DIR/capture.$1.pcapng"; }

# cp_begin NODE WORDS...: begins to capture there, and waits until it does.
cp_begin() {
	local node=$1
	shift
	rm -f "$(cp_file "$node")"
	# A job of a shell without job control does not hear an interrupt unless it is told to.
	python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); os.execv(sys.argv[1], sys.argv[1:])' \
		"$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/$node/lodestoned.sock" capture "$@" "$(cp_file "$node")" \
		2>"$LAB_DIR/capture.$node.err" &
	CP_PID[$node]=$!
	lab_note $!
	lab_until 20 test -s "$(cp_file "$node")" || { cat "$LAB_DIR/capture.$node.err"; return 1; }
}

# cp_end NODE: ends it as a user does; what it says is printed.
cp_end() {
	local code=0
	kill -INT "${CP_PID[$1]}" 2>/dev/null || true
	wait "${CP_PID[$1]}" || code=$?
	sed 's/^/  /' "$LAB_DIR/capture.$1.err"
	return "$code"
}

# cp_count NODE FILTER: frames of the file that tcpdump finds by it.
cp_count() { tcpdump -n -r "$(cp_file "$1")" "$2" 2>/dev/null | wc -l; }
cp_says() { grep -aqE -- "$2" "$(cp_file "$1")"; }

# cp_adds_up NODE: of each interface the file's statistics, at its end, count the frames that it has of it.
cp_adds_up() {
	local said
	said=$(python3 - "$(cp_file "$1")" 2>&1 <<-'PYTHON'
		import struct, sys
		octets = open(sys.argv[1], 'rb').read()
		at, frames, counted = 0, [], {}
		while at < len(octets):
		    kind, size, interface = struct.unpack_from('=III', octets, at)
		    if kind == 1:
		        frames.append(0)
		    elif kind == 6:
		        frames[interface] += 1
		    elif kind == 5:
		        counted[interface] = struct.unpack_from('=Q', octets, at + 24)[0]
		    at += size
		sys.exit(0 if counted == dict(enumerate(frames)) else f'frames {frames}, statistics {counted}')
	PYTHON
	) || { say "$1: $said"; return 1; }
}

cp_program() { lab_in "$1" ip -j -d link show eth0 | jq '.[0].xdp.prog.id'; }
cp_is_over() { [ "$(cp_program "$1")" = "$2" ] && [ ! -e "$(lab_pin "$1")/capture" ]; }

step_capture() {
	local node n=20 syn=0 given=0 answered=0 told=0
	declare -A program=([node-a]=$(cp_program node-a) [node-b]=$(cp_program node-b))
	for node in node-a node-b; do
		cp_begin "$node" --from 10.9.0.2 --vip "$VIP:80" || return 1
		[ "$(cp_program "$node")" != "${program[$node]}" ] || { say "$node: no other program"; return 1; }
	done
	lab_ctl node-a capture - 2>&1 >/dev/null | grep -q 'somebody captures already' || { say "two at a time"; return 1; }
	for _ in $(seq "$n"); do lab_in client curl -sS --max-time 5 -o /dev/null "http://$VIP/" || return 1; done
	lab_in client curl -s --max-time 1 "http://$VIP:81/" >/dev/null # not asked for
	for node in node-a node-b; do
		cp_end "$node" || return 1
		grep -q ' 0 missed, 0 not looked at; ended by client$' "$LAB_DIR/capture.$node.err" || return 1
		cp_adds_up "$node" || return 1
		tcpdump -n -r "$(cp_file "$node")" 2>/dev/null | head -n 4 | sed "s/^/  $node  /"
		syn=$((syn + $(cp_count "$node" "dst host $VIP and dst port 80 and tcp[13] == 2")))
		given=$((given + $(cp_count "$node" "src host 10.9.0.2 and not dst host $VIP and tcp[13] == 2")))
		told=$((told + $(cp_count "$node" "not src host $VIP and dst host 10.9.0.2 and tcp[13] == 18")))
		answered=$((answered + $(cp_count "$node" "src host $VIP and dst host 10.9.0.2 and tcp[13] == 18")))
		[ "$(cp_count "$node" "port 81")" = 0 ] || { say "$node: more than was asked for"; return 1; }
		cp_says "$node" "to backend [0-9.]+:[0-9]+ on $node, candidate 0" || { say "$node: backends are not named"; return 1; }
		lab_until 5 cp_is_over "$node" "${program[$node]}" || { say "$node: it is not over"; return 1; }
	done
	STEP_NOTE="of $n connections $syn, $given, $told and $answered first packets, at four places"
	[ "$syn" = "$n" ] && [ "$given" = "$n" ] && [ "$told" = "$n" ] && [ "$answered" = "$n" ]
}

# Of the packets of a client that may not come, and not of those before.
step_capture_dropped() {
	local node file
	cp "$LAB_DIR/config/service.yaml" "$LAB_DIR/service.kept"
	service_is -e 's|^  type: LoadBalancer|&\n  loadBalancerSourceRanges: [192.0.2.0/24]|'
	lab_until 5 connect_is tcp 80 silence || return 1
	cp_begin node-a --dropped --reason source -c 2 && cp_begin node-b --dropped --reason source -c 2 || return 1
	for _ in $(seq 30); do lab_in client bash -c "timeout 0.2 bash -c ': >/dev/tcp/$VIP/80'" 2>/dev/null; done
	service_is_itself || return 1
	wait "${CP_PID[node-a]}" && wait "${CP_PID[node-b]}" || return 1
	cat "$LAB_DIR/capture.node-a.err"
	for node in node-a node-b; do
		file=$(cp_file "$node")
		grep -q ': 2 packets in 2 frames, .* ended by packets$' "$LAB_DIR/capture.$node.err" || return 1
		[ "$(cp_count "$node" "src host 10.9.0.2 and dst host $VIP and dst port 80")" = 2 ] || { tcpdump -n -r "$file"; return 1; }
		cp_says "$node" 'drop: source \(' || { say "$node: no reason"; return 1; }
	done
	STEP_NOTE="2 packets of each node: $(grep -aoE 'drop: source \([^)]*\)' "$(cp_file node-a)" | head -n 1)"
}

# A stranger is refused, and who gives nonsense is told.
step_capture_refused() {
	local said
	chmod o+x "$LAB_DIR" "$LAB_DIR/node-a" && chmod o+rw "$LAB_DIR/node-a/lodestoned.sock" || return 1
	said=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/node-a/lodestoned.sock" capture - 2>&1 >/dev/null)
	chmod o-rw "$LAB_DIR/node-a/lodestoned.sock"
	[ "$said" = "lodectl: the agent refuses: only root may capture packets" ] || { say "$said"; return 1; }
	lab_ctl node-a capture --service default/nothing - 2>&1 | grep -q 'no Service like that has an address here' || return 1
	lab_ctl node-a capture --reason nothing - 2>&1 | grep -q 'nothing is dropped for a reason of that name' || return 1
	STEP_NOTE=$said
}

# The agent dies while it captures: what is attached goes on, and the next one puts its own in its place.
step_capture_killed() {
	local program code=0
	cp_begin node-a --seconds 60 || return 1
	program=$(cp_program node-a)
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	wait "${CP_PID[node-a]}" || code=$?
	[ "$code" = 1 ] && grep -q 'broke off' "$LAB_DIR/capture.node-a.err" || { cat "$LAB_DIR/capture.node-a.err"; return 1; }
	[ "$(cp_program node-a)" = "$program" ] || { say "it was detached"; return 1; }
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$VIP/" 40 | jq -e '.failed == []' >/dev/null || return 1
	lab_agent_up node-a
		lab_until 20 cp_is_other node-a "$program" || { say "the program that captures is still there"; return 1; }
	tcpdump -n -r "$(cp_file node-a)" >/dev/null 2>&1 || return 1
	STEP_NOTE="served by $program without an agent, then by $(cp_program node-a)"
}
cp_is_other() { [ "$(cp_program "$1")" != "$2" ] && [ ! -e "$(lab_pin "$1")/capture" ]; }

# Through node-a to a pod on node-b: there it is in a tunnel, and what is inside is a frame of its own.
step_tunnel_capture() {
	local inner
	cp_begin node-b --service shop/web --direction in || return 1
	tn_get "" 10 | jq -e '.failed == []' >/dev/null || return 1
	cp_end node-b || return 1
	tcpdump -n -r "$(cp_file node-b)" 2>/dev/null | head -n 3 | sed 's/^/  /'
	inner=$(cp_count node-b "src host 10.9.0.2 and dst host $TN_VIP and tcp[13] == 2")
	STEP_NOTE="$inner first packets of 10 connections out of $(cp_count node-b "udp port 6080") packets of the tunnel"
	cp_says node-b 'from another node; to backend [0-9.]+:80 on node-b' || { say "not told where it came from"; return 1; }
	[ "$inner" = 10 ]
}
