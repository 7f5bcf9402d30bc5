# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What the guest's scripts share: client, router, one node with the agent, two pods. The lab's
# functions, its names and its addresses; no BGP, so the router is told the routes and the agent its
# uplinks. Sourced, not run; who does sets LAB, and lab_down as its EXIT trap.
#
# shellcheck disable=SC2034 # what is set here is read by the lab's functions

# shellcheck disable=SC1091 # checked by themselves
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lab.bash"
# shellcheck disable=SC1091
. "$LAB_ROOT/scripts/steps.bash"

LAB_NODES=(node-a)
LAB_PODS=([node-a]="a1 a2")
PODS=(a1 a2)

# --- the network ----------------------------------------------------------------------------------------

write_path_config() {
	samples 01 09 10 14 >"$LAB_DIR/config/service.yaml"
	write_uplinks eth0
	write_slices "${PODS[@]}"
}

# write_uplinks NAME: the agent's only uplink, replaced in one rename.
write_uplinks() {
	local file=$LAB_DIR/config/lodestone.yaml
	cat >"$file.new" <<YAML
apiVersion: lodestone.io/v1alpha1
kind: LodestoneConfig
metadata: {name: node-a}
spec: {dataplane: {uplinks: [$1]}}
YAML
	mv "$file.new" "$file"
}

# A pod's HTTP server: who/ says which pod was asked by whom, slow/ takes six seconds for it.
pod_up() {
	local pod=$1 www=$LAB_DIR/www-$1
	mkdir -p "$www/cgi-bin"
	# shellcheck disable=SC2016 # expanded by the server's scripts
	printf '#!/bin/sh\nprintf "\\n%s $REMOTE_ADDR\\n"\n' "$pod" >"$www/cgi-bin/who"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nprintf "\\n%s "\nsleep 6\necho "$REMOTE_ADDR"\n' "$pod" >"$www/cgi-bin/slow"
	chmod +x "$www"/cgi-bin/*
	lab_spawn "$LAB_DIR/$pod.log" "$pod" busybox httpd -f -p 0.0.0.0:80 -h "$www"
}

path_up() {
	local pod
	LAB_DIR=$(mktemp -d /tmp/lodestone-path.XXXXXX)
	: >"$LAB_DIR/pids"
	mkdir -p "$LAB_DIR/config"
	lab_namespace router
	lab_namespace client
	lab_in router sysctl -qw net.ipv4.ip_forward=1
	lab_in router ip link add br0 type bridge
	lab_in router ip link set br0 up
	lab_in router ip addr add 192.168.1.1/24 dev br0
	lab_veth client eth0 router to-client
	lab_in router ip addr add 10.9.0.1/24 dev to-client
	lab_in client ip addr add 10.9.0.2/24 dev eth0
	lab_in client ip route add default via 10.9.0.1
	lab_node_up node-a
	lab_in router ip route add "$VIP/32" via "${LAB_NODE_ADDR[node-a]}"
	for pod in "${PODS[@]}"; do pod_up "$pod"; done
}

# frr_start NAMESPACE FOLDER: a router there, its bgpd as the function that $BGPD names writes it; configured by files, as vtysh
# wants more of a machine than there is here.
frr_start() {
	local ns=$1 dir=$2 daemon
	mkdir -p "$dir" /var/run/frr /var/tmp/frr
	chmod 755 "$LAB_DIR"
	: >"$dir/zebra.conf"
	cat >"$dir/bfdd.conf" <<-FRR
		bfd
		 profile fast
		  transmit-interval 1000
		  receive-interval 1000
	FRR
	"$BGPD" >"$dir/bgpd.conf"
	chown -R frr:frr "$dir"
	for daemon in zebra "bfdd --bfdctl $dir/bfdd.sock" bgpd; do
		# shellcheck disable=SC2086 # a program and its options
		lab_in "$ns" /usr/lib/frr/$daemon -d -z "$dir/zserv.api" --vty_socket "$dir" \
			-i "$dir/${daemon%% *}.pid" -P 0 -f "$dir/${daemon%% *}.conf" --log "file:$dir/log"
		lab_until 120 test -s "$dir/${daemon%% *}.pid" || return
		lab_note "$(cat "$dir/${daemon%% *}.pid")"
	done
}

# --- questions ------------------------------------------------------------------------------------------

# ask PAGE [TIMES]: requests from the client (or $ASK_FROM), each on a connection of its own, which takes replies from
# the VIP only. Prints "POD CLIENT" each time. The shell itself connects: the static busybox has no
# resolver that works, even for numbers.
ask() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	lab_in "${ASK_FROM:-client}" timeout "${ASK_SECONDS:-90}" bash -c '
		for ((i = 0; i < $3; i++)); do
			exec 3<>"/dev/tcp/$1/80" && printf "GET /cgi-bin/%s HTTP/1.0\r\n\r\n" "$2" >&3 &&
				tail -n 1 <&3 | grep . || exit
		done' ask "$VIP" "$1" "${2:-1}" 2>&1
}
answers() { [[ $(ASK_SECONDS=8 ask who) == "a"[12]" 10.9.0.2" ]]; }

status() { lab_ctl node-a status -o json 2>/dev/null | jq -r "$1"; }
# device_is "NAME MODE TC": among the devices of the data plane.
device_is() { status '.dataplane.devices[] | "\(.name) \(.mode) \(.tc)"' | grep -qx "$1"; }

# filter [DEVICE]: ours at egress, as the kernel lists classic filters; and not by tcx, which this kernel
# must not have.
filter() { lab_in node-a tc filter show dev "${1:-eth0}" egress; }
filter_is_there() { filter "$@" | grep -q 'bpf.*tc_reply'; }

blame() {
	say "$*"
	lab_ctl node-a status
	lab_ctl node-a show problems
	lab_in node-a ip -br link
	filter
	tail -n 40 "$LAB_DIR/node-a.log"
	return 1
}

# served_by_both: forty requests, each answered by one of the two pods, which saw the client's address.
served_by_both() {
	local pod
	lab_until 120 answers || blame "no answer from $VIP" || return
	ASK_SECONDS=600 ask who 40 >"$LAB_DIR/answers" || echo "no more" >>"$LAB_DIR/answers"
	STEP_NOTE=$(sort "$LAB_DIR/answers" | uniq -c | tr -s ' \n' ' ')
	for pod in "${PODS[@]}"; do
		grep -qx "$pod 10.9.0.2" "$LAB_DIR/answers" || blame "$pod got nothing: $STEP_NOTE" || return
	done
	! grep -v ' 10.9.0.2$' "$LAB_DIR/answers" || blame "not answered, or not to the client: $STEP_NOTE"
}
