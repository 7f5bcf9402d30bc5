# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The lab: a small network of namespaces that `make demo` and `make lab` share. Sourced, not run.
#
#                       AS 64512                      AS 64513
#    client ──────────── router ──────── br0 ──┬────── node-a ──┬── pod a1   10.244.1.11
#    10.9.0.2   10.9.0.1 (FRR)  192.168.1.1    │  .1.10         └── pod a2   10.244.1.12
#                                              └────── node-b ──┬── pod b1   10.244.2.11
#                                                 .1.11         └── pod b2   10.244.2.12
#
# Every name carries $LAB, so several labs can run beside each other; everything a lab made is
# removed by lab_down, which the caller sets as its EXIT trap. Processes are ended by their pids.

# The distribution's programs (scripts/deps) before wrappers that choose among versions: such a python3 takes ten times as long to start.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LAB=${LAB:-ls$$}
LAB_AGENT=${LAB_AGENT:-$LAB_ROOT/build/lodestoned} # build/san/lodestoned: under the sanitizers
LAB_DIR=
LAB_POD_SERVER=("$LAB_ROOT/build/tests/pod") # tests/lab/pod.c, of each pod, with its name and port 80
LAB_UNSOUND= # lab_down: a sanitizer complained of an agent
LAB_NODES=(node-a node-b)
declare -A LAB_NODE_ADDR=([node-a]=192.168.1.10 [node-b]=192.168.1.11)
declare -A LAB_NODE_NET=([node-a]=10.244.1 [node-b]=10.244.2)
declare -A LAB_PODS=([node-a]="a1 a2" [node-b]="b1 b2")
declare -A LAB_POD_ADDR=([a1]=10.244.1.11 [a2]=10.244.1.12 [b1]=10.244.2.11 [b2]=10.244.2.12)

lab_die() {
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

# lab_in NAMESPACE COMMAND...: runs in the network namespace alone; bpffs and /sys stay as they are
# (`ip netns exec` would hide both).
lab_in() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$LAB-$ns" -- "$@"
}

# lab_note PID: lab_down ends it. When it began is noted, too, since the numbers of processes are given again, within a minute
# where thousands come and go.
lab_note() { ! lab_began "$1" || echo "$1 $LAB_BEGAN" >>"$LAB_DIR/pids"; }
# lab_began PID: false if there is none; else LAB_BEGAN is when it began, in ticks since the machine did (proc(5), field 22).
lab_began() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -r -a stat <<<"${stat##*) }"
	LAB_BEGAN=${stat[19]}
}
# lab_is PID BEGAN: it is the one that was noted.
lab_is() { lab_began "$1" && [ "$LAB_BEGAN" = "$2" ]; }

# lab_spawn LOG NAMESPACE COMMAND...: starts a process in the background; its pid is in $LAB_PID.
lab_spawn() {
	local log=$1 ns=$2
	shift 2
	nsenter --net="/run/netns/$LAB-$ns" -- "$@" >>"$log" 2>&1 </dev/null &
	LAB_PID=$!
	lab_note "$LAB_PID"
}

# lab_begin OUT NAMESPACE COMMAND...: the same for a command whose words are wanted: only they go to OUT, which is
# made anew. It is the process itself that has the pid, so that it can be ended.
lab_begin() {
	local out=$1 ns=$2
	shift 2
	nsenter --net="/run/netns/$LAB-$ns" -- "$@" >"$out" 2>"$out.err" </dev/null &
	LAB_PID=$!
	lab_note "$LAB_PID"
}

# lab_until SECONDS COMMAND...: waits until the command succeeds; false when the time is over, and then
# says for what it waited, and the last that the command said. The time is that of a machine which does nothing
# else: where ten processes wait for each processor it is ten times as long. Asks ten times a second at first, and twice when it
# has waited for some: to ask is most of what the lab takes of the processors.
lab_until() {
	local begun=$SECONDS patience=$1 pause=100
	shift
	until "$@" >"$LAB_DIR/until" 2>&1; do
		[ $((SECONDS - begun)) -lt "$patience" ] || [ $((SECONDS - begun)) -lt $((patience * $(lab_crowd))) ] || {
			say "not within $((SECONDS - begun)) s: $* $(tail -n 1 "$LAB_DIR/until")"
			return 1
		}
		sleep "0.$pause"
		pause=$((pause < 450 ? pause + pause / 8 : 500))
	done
}

# How many processes there are now for each processor, and at least one. In a guest (scripts/vm) VM_CROWD says it of the machine,
# of which the guest's own clock knows nothing.
lab_crowd() { awk -v n="$(nproc)" -v host="${VM_CROWD:-1}" '{ c = int($1 / n); print (c > host ? c : host) }' /proc/loadavg; }

# say WORDS: a line of what happens; SAID has the last one.
SAID=
say() {
	# shellcheck disable=SC2034 # read by those who source this file
	SAID=$*
	printf '  %s\n' "$*"
}

lab_namespace() {
	ip netns add "$LAB-$1"
	lab_in "$1" ip link set lo up
}

# lab_veth NS1 DEV1 NS2 DEV2: a cable. Both ends finish their checksums themselves: veth hands frames
# over with unfinished ones, which a port rewrite cannot repair.
lab_veth() {
	ip link add "$2" netns "$LAB-$1" type veth peer name "$4" netns "$LAB-$3"
	lab_in "$1" ip link set "$2" up
	lab_in "$3" ip link set "$4" up
	lab_in "$1" ethtool -K "$2" tx off >/dev/null 2>&1
	lab_in "$3" ethtool -K "$4" tx off >/dev/null 2>&1
}

# lab_xdp NAME NAMESPACE DEVICE: attaches tests/lab/NAME.bpf.c. By bpftool, since ip would leave folders in bpffs; the
# attachment alone keeps the program.
lab_xdp() {
	local pin=/sys/fs/bpf/lodestone-$LAB-$1 code=0
	bpftool prog load "$LAB_ROOT/build/tests/$1.bpf.o" "$pin" type xdp || return 1
	lab_in "$2" bpftool net attach xdp pinned "$pin" dev "$3" || code=$?
	rm -f "$pin"
	return "$code"
}
# lab_xdp_pass NAMESPACE DEVICE: a program that is not ours and passes everything.
lab_xdp_pass() { lab_xdp pass "$@"; }

lab_node_up() {
	local node=$1 pod
	lab_namespace "$node"
	lab_veth "$node" eth0 router "to-$node"
	lab_in router ip link set "to-$node" master br0
	lab_in "$node" ip addr add "${LAB_NODE_ADDR[$node]}/24" dev eth0
	lab_in "$node" ip route add default via 192.168.1.1
	lab_in "$node" sysctl -qw net.ipv4.ip_forward=1
	for pod in ${LAB_PODS[$node]}; do lab_pod_up "$node" "$pod"; done
}

# lab_pod_up NODE POD: the pod's namespace, its address and the node's route to it.
lab_pod_up() {
	local node=$1 pod=$2
	lab_namespace "$pod"
	lab_veth "$node" "pod-$pod" "$pod" eth0
	lab_in "$node" ip addr add "${LAB_NODE_NET[$node]}.1/32" dev "pod-$pod"
	lab_in "$node" ip route add "${LAB_POD_ADDR[$pod]}/32" dev "pod-$pod"
	lab_in "$pod" ip addr add "${LAB_POD_ADDR[$pod]}/32" dev eth0
	lab_in "$pod" ip route add "${LAB_NODE_NET[$node]}.1/32" dev eth0
	lab_in "$pod" ip route add default via "${LAB_NODE_NET[$node]}.1"
}

# lab_pod_start POD: its server, whose pid goes to LAB_POD_PID[POD].
declare -A LAB_POD_PID
lab_pod_start() {
	lab_spawn "$LAB_DIR/$1.log" "$1" "${LAB_POD_SERVER[@]}" "$1" 80
	# shellcheck disable=SC2034 # read by those who source this file
	LAB_POD_PID[$1]=$LAB_PID
}

# lab_folder: a folder for this lab's files, LAB_DIR.
lab_folder() {
	LAB_DIR=$(mktemp -d /tmp/lodestone-lab.XXXXXX)
	chmod 755 "$LAB_DIR"
	: >"$LAB_DIR/pids"
}

# lab_hash_flows NAMESPACE FAMILY: chooses among next hops by addresses, protocol and ports, the same both ways.
# Policy 1 would take the hash that came with the packet, on veth that of the sender's socket: a client's retransmission
# could move its connection, and the answer to what is too big for a link seldom meet the node that sent it.
lab_hash_flows() {
	lab_in "$1" sysctl -qw "net.ipv$2.fib_multipath_hash_fields=0x37" "net.ipv$2.fib_multipath_hash_policy=3"
}

# lab_up: the network and the pods' HTTP servers; FRR and agents are started apart.
lab_up() {
	[ "$(id -u)" -eq 0 ] || lab_die "must be root (namespaces, BPF)"
	lab_folder
	mkdir -p "$LAB_DIR/config"
	local node pod
	lab_namespace router
	lab_namespace client
	lab_in router sysctl -qw net.ipv4.ip_forward=1
	lab_hash_flows router 4
	lab_in router ip link add br0 type bridge
	lab_in router ip link set br0 up
	lab_in router ip addr add 192.168.1.1/24 dev br0
	lab_veth client eth0 router to-client
	lab_in router ip addr add 10.9.0.1/24 dev to-client
	lab_in client ip addr add 10.9.0.2/24 dev eth0
	lab_in client ip route add default via 10.9.0.1
	for node in "${LAB_NODES[@]}"; do
		lab_node_up "$node"
		# See tests/lab/pass.bpf.c for why.
		lab_xdp_pass router "to-$node" || lab_die "cannot attach XDP to to-$node"
		for pod in ${LAB_PODS[$node]}; do lab_pod_start "$pod"; done
	done
	for node in "${LAB_NODES[@]}"; do
		for pod in ${LAB_PODS[$node]}; do
			lab_until 10 lab_pod_listens "$node" "$pod" || lab_die "pod $pod does not listen"
		done
	done
}
lab_pod_listens() { lab_in "$1" bash -c ": </dev/tcp/${LAB_POD_ADDR[$2]}/80"; }

# lab_on_time PIDFILE: a peer's daemon whose own lateness would be a dead path to us runs in real time, where that is permitted.
lab_on_time() { lab_until 5 test -s "$1" && chrt -a -f -p 30 "$(cat "$1")" || say "$1: at its own priority"; }

# lab_frr_start NAMESPACE DIR DAEMON...: FRR's daemons, each with its options, as yet without configuration.
lab_frr_start() {
	local ns=$1 dir=$2 daemon name
	shift 2
	mkdir -p "$dir"
	: >"$dir/vtysh.conf"
	chown -R frr:frr "$dir"
	for daemon in "$@"; do
		name=${daemon%% *}
		# shellcheck disable=SC2086 # a program and its options
		lab_in "$ns" /usr/lib/frr/$daemon -d -z "$dir/zserv.api" --vty_socket "$dir" \
			-i "$dir/$name.pid" -P 0 -f /dev/null --log "file:$dir/$name.log"
		lab_until 5 test -s "$dir/$name.pid" || return 1
		lab_note "$(cat "$dir/$name.pid")"
		[ "$name" != bfdd ] || lab_on_time "$dir/bfdd.pid"
	done
	lab_until 5 lab_frr "$dir" -c "show version"
}
# lab_frr DIR ARGUMENTS...: vtysh with the daemons of that folder. What is asked of one daemon alone, most of it again and again until
# something comes, is asked without vtysh, whose start takes 27 ms of the processor.
lab_frr() {
	local daemon
	case "$#,$2 ${3:-}" in
	"3,-c show bgp "*) daemon=bgpd ;;
	"3,-c show bfd "*) daemon=bfdd ;;
	"3,-c show ip route "*) daemon=zebra ;;
	*)
		vtysh --vty_socket "$1" --config_dir "$1" "${@:2}"
		return
		;;
	esac
	"$LAB_ROOT/build/tests/vty" "$1/$daemon.vty" "$3"
}
# lab_frr_load DIR: loads the configuration on standard input.
lab_frr_load() {
	cat >"$1/frr.conf"
	lab_frr "$1" -f "$1/frr.conf" >"$1/load.log" 2>&1
}

# lab_frr_up: FRR as the router, its configuration on standard input.
lab_frr_up() {
	local dir=$LAB_DIR/frr
	lab_frr_start router "$dir" zebra bgpd || lab_die "FRR does not start"
	lab_frr_load "$dir" || lab_die "FRR refuses its configuration: $(cat "$dir/load.log")"
}
lab_vtysh() { lab_frr "$LAB_DIR/frr" -c "$1"; }

# lab_pool [ADDRESSES [ANNOTATIONS]]: a pool and an advertisement of all of it. On standard output, as what follows.
lab_pool() {
	cat <<-YAML
		apiVersion: metallb.io/v1beta1
		kind: IPAddressPool
		metadata: {name: pool, namespace: metallb-system, annotations: {${2:-}}}
		spec: {addresses: [${1:-192.0.2.0/24}]}
		---
		apiVersion: metallb.io/v1beta1
		kind: BGPAdvertisement
		metadata: {name: all, namespace: metallb-system}
		---
	YAML
}

# lab_objects SPEC [ADDRESSES [ANNOTATIONS]]: the same, and the router as a peer, with more of its spec.
lab_objects() {
	lab_pool "${@:2}"
	cat <<-YAML
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: router, namespace: metallb-system}
		spec: {myASN: 64513, peerASN: 64512, peerAddress: 192.168.1.1, connectTime: 1s, $1}
		---
	YAML
}

# lab_of_nodes NODE...: of that spec, that it is a peer of these alone.
lab_of_nodes() {
	local nodes
	nodes=$(printf '%s, ' "$@")
	echo "nodeSelectors: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [${nodes%, }]}]}]"
}

# lab_one_service VIP NODE [SPEC [ANNOTATIONS]]: an agent's objects without peers: no data plane, a Service with that
# address and one pod on the node, and what its advertisement says. On standard output.
lab_one_service() {
	cat <<-YAML
		apiVersion: lodestone.io/v1alpha1
		kind: LodestoneConfig
		metadata: {name: default, namespace: metallb-system}
		spec: {dataplane: {mode: "off"}}
		---
		apiVersion: metallb.io/v1beta1
		kind: IPAddressPool
		metadata: {name: pool, namespace: metallb-system}
		spec: {addresses: [192.0.2.0/24]}
		---
		apiVersion: metallb.io/v1beta1
		kind: BGPAdvertisement
		metadata: {name: all, namespace: metallb-system, annotations: {${4:-}}}
		spec: {${3:-}}
		---
		apiVersion: v1
		kind: Service
		metadata: {name: web, namespace: shop}
		spec: {type: LoadBalancer, loadBalancerIP: $1, ports: [{port: 80}]}
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
		addressType: IPv4
		endpoints:
		- {addresses: [203.0.113.11], nodeName: $2, conditions: {ready: true}}
		ports: [{name: "", port: 80, protocol: TCP}]
	YAML
}

# lab_agent_up NODE: starts the node's agent; its pid goes to LAB_AGENT_PID[NODE].
declare -A LAB_AGENT_PID
lab_agent_up() {
	local node=$1
	lab_spawn "$LAB_DIR/$node.log" "$node" "$LAB_AGENT" --node "$node" \
		--config "$LAB_DIR/config" --socket "$LAB_DIR/$node/lodestoned.sock" \
		--pin "$(lab_pin "$node")" --state "$LAB_DIR/$node/state"
	# shellcheck disable=SC2034 # read by those who source this file
	LAB_AGENT_PID[$node]=$LAB_PID
}
lab_pin() { echo "/sys/fs/bpf/lodestone-$LAB-$1"; }

# The lab asks some five thousand times. jq 1.6 reads its own definitions anew at each start, which takes it 18 ms, gojq 3 in all; and
# its -e holds where there is no output, as behind an agent that is not there. gojq sorts the keys that it prints. An alias, in all that
# is read from here on, since behind a | a function is a process more for each question.
shopt -s expand_aliases
alias jq=gojq

# lab_ctl NODE ARGUMENTS...: lodectl at that node's agent.
lab_ctl() {
	local node=$1
	shift
	"$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/$node/lodestoned.sock" "$@"
}

# lab_kill SIGNAL PID: ends one process of ours and waits for it.
lab_kill() {
	kill "-$1" "$2" 2>/dev/null || return 0
	wait "$2" 2>/dev/null || true
}

# lab_down: removes everything, in any state; keeps logs only with LAB_KEEP=1.
lab_down() {
	local pid began ns node
	[ -n "$LAB_DIR" ] || return 0
	while read -r pid began; do
		! lab_is "$pid" "$began" || kill -TERM "$pid" 2>/dev/null || true
	done <"$LAB_DIR/pids"
	while read -r pid began; do
		lab_until 3 lab_is_gone "$pid" "$began" || kill -KILL "$pid" 2>/dev/null || true
	done <"$LAB_DIR/pids"
	for node in "${LAB_NODES[@]}"; do
		if [ -e "/run/netns/$LAB-$node" ]; then
			lab_in "$node" "$LAB_ROOT/build/lodestoned" --cleanup --pin "$(lab_pin "$node")" ||
				printf 'lab: cleanup of %s failed\n' "$node" >&2
		fi
	done
	for ns in $(ip netns list | awk -v p="$LAB-" 'index($1, p) == 1 {print $1}'); do
		ip netns del "$ns"
	done
	if grep -lE 'ERROR: [A-Za-z]+Sanitizer|runtime error: ' "$LAB_DIR"/*.log >&2; then
		printf 'lab: a sanitizer complains in the logs above\n' >&2
		# shellcheck disable=SC2034 # read by those who source this file
		LAB_UNSOUND=1 LAB_KEEP=1
	fi
	if [ -n "${LAB_KEEP:-}" ]; then
		printf 'lab: logs kept in %s\n' "$LAB_DIR" >&2
	else
		rm -rf "$LAB_DIR"
	fi
	LAB_DIR=
}
lab_gone() { ! kill -0 "$1" 2>/dev/null; }
lab_is_gone() { ! lab_is "$@"; }
