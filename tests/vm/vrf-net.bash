# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What the guest's scripts about VRFs share, sourced by them:
#
#   client (10.9.0.2) - router (FRR, 172.30.0.3) - up-red   in VRF red       \
#                                                                             node-a - pods a1, a2, in no VRF
#   client (10.9.0.2) - router (FRR, 172.30.0.3) - up-blue  in VRF vrf-blue  /
#
# Both sides have the same addresses throughout, and both are announced the same VIP. The node has no route to the
# clients but those of its VRFs. Who sources this sets LAB, may set NODE, ROUTER and VIP, and has a function
# write_config that writes the agent's configuration, and one, BGPD, that writes that of the routers' bgpd.
#
# shellcheck disable=SC2034 # what is set here is read by the lab's functions

# shellcheck disable=SC1091 # checked by itself
. "$(dirname "${BASH_SOURCE[0]}")/net.bash"

VIP=198.51.100.1
NODE=172.30.0.2 ROUTER=172.30.0.3
declare -A TABLE=([red]=1000 [vrf-blue]=1001)

# --- the network ----------------------------------------------------------------------------------------

side_of() { echo "${1#vrf-}"; }

# vrf_make VRF: with a way back to everybody behind its router, as an operator makes it.
vrf_make() {
	lab_in node-a ip link add "$1" type vrf table "${TABLE[$1]}"
	lab_in node-a ip link set "$1" up
}
# uplink_is DEVICE VRF: the device is the VRF's uplink from now on.
uplink_is() {
	lab_in node-a ip link set "$1" master "$2"
	lab_in node-a ip link set "$1" up
	lab_in node-a ip addr replace "$NODE/24" dev "$1"
	lab_in node-a ip route replace default via "$ROUTER" table "${TABLE[$2]}"
}

# router_up SIDE: router and client of one side, and the cable to the node.
router_up() {
	local router=router-$1 client=client-$1
	lab_namespace "$router"
	lab_namespace "$client"
	lab_in "$router" sysctl -qw net.ipv4.ip_forward=1
	lab_veth "$client" eth0 "$router" to-client
	lab_in "$router" ip addr add 10.9.0.1/24 dev to-client
	lab_in "$client" ip addr add 10.9.0.2/24 dev eth0
	lab_in "$client" ip route add default via 10.9.0.1
	lab_veth node-a "up-$1" "$router" to-node
	lab_in "$router" ip addr add "$ROUTER/24" dev to-node
}

# frr_up SIDE: the router of one side.
frr_up() { frr_start "router-$1" "$LAB_DIR/frr-$1"; }

# frr_again SIDE: bfdd keeps a session on the interface on which it was made.
frr_again() {
	local daemon pid
	for daemon in bgpd bfdd zebra; do
		pid=$(cat "$LAB_DIR/frr-$1/$daemon.pid")
		kill "$pid"
		lab_until 60 lab_gone "$pid"
		rm -f "$LAB_DIR/frr-$1/$daemon.pid"
	done
	frr_up "$1"
}

pods_up() {
	local pod
	for pod in "${PODS[@]}"; do
		lab_namespace "$pod"
		lab_veth node-a "pod-$pod" "$pod" eth0
		lab_in node-a ip addr add 10.244.1.1/32 dev "pod-$pod"
		lab_in node-a ip route add "${LAB_POD_ADDR[$pod]}/32" dev "pod-$pod"
		lab_in "$pod" ip addr add "${LAB_POD_ADDR[$pod]}/32" dev eth0
		lab_in "$pod" ip route add 10.244.1.1/32 dev eth0
		lab_in "$pod" ip route add default via 10.244.1.1
		pod_up "$pod"
	done
}

network_up() {
	LAB_DIR=$(mktemp -d /tmp/lodestone-vrf.XXXXXX)
	: >"$LAB_DIR/pids"
	mkdir -p "$LAB_DIR/config"
	lab_namespace node-a
	lab_in node-a sysctl -qw net.ipv4.ip_forward=1
	router_up red
	router_up blue
	pods_up
	write_config
	frr_up red && frr_up blue
}

# --- questions ------------------------------------------------------------------------------------------

peer_of() { lab_ctl node-a show peer "$1" -o json | jq -r ".[0].$2"; }
is_up() { [ "$(peer_of "$1" state)" = Established ] && [ "$(peer_of "$1" bfd)" = Up ]; }
is_not_up() { [ "$(peer_of "$1" state)" != Established ]; }
both_up() { is_up example && is_up blue; }
# from SIDE VIP: who answers a client of that side.
from() { VIP=$2 ASK_FROM=client-$1 ASK_SECONDS=${3:-8} ask who; }
answers_on() { [[ $(from "$1" "${2:-$VIP}") == "a"[12]" 10.9.0.2" ]]; }
no_answer_on() { ! from "$1" "$2" 3 >/dev/null; }

# served_on SIDE [VIP]: twenty requests, answered by both pods, which saw the client's own address.
served_on() {
	local side=$1 vip=${2:-$VIP} pod
	lab_until 180 answers_on "$side" "$vip" || blame "no answer from $vip on $side" || return
	VIP=$vip ASK_FROM=client-$side ASK_SECONDS=600 ask who 20 >"$LAB_DIR/answers-$side" || echo "no more" >>"$LAB_DIR/answers-$side"
	STEP_NOTE="$side: $(sort "$LAB_DIR/answers-$side" | uniq -c | tr -s ' \n' ' ')${STEP_NOTE:+; $STEP_NOTE}"
	for pod in "${PODS[@]}"; do
		grep -qx "$pod 10.9.0.2" "$LAB_DIR/answers-$side" || blame "$pod got nothing: $STEP_NOTE" || return
	done
	! grep -v ' 10.9.0.2$' "$LAB_DIR/answers-$side" || blame "not answered, or not to the client: $STEP_NOTE"
}

# What the node has of routes, rules and devices, but for what comes and goes by itself.
picture() {
	lab_in node-a ip -N route show table all
	lab_in node-a ip -N -6 route show table all
	lab_in node-a ip -N rule
	lab_in node-a ip -N -6 rule
	lab_in node-a ip -d link
}

blame() {
	local side
	say "$*"
	lab_ctl node-a show peers
	lab_ctl node-a show problems
	lab_ctl node-a show services
	lab_in node-a ip -N rule
	for side in red blue; do
		lab_in "router-$side" ip route
	done
	lab_in node-a ip -br link
	lab_ctl node-a status
	lab_in node-a ip route get "${LAB_POD_ADDR[a1]}" from 10.9.0.2 iif up-red
	lab_in node-a ip route get 10.9.0.2 from "${LAB_POD_ADDR[a1]}" iif pod-a1
	lab_in node-a ip -s -br link
	lab_in node-a ip -s link
	lab_in node-a ip neigh
	lab_in node-a grep -h . /proc/net/snmp /proc/net/netstat | grep "^Ip"
	filter up-red
	tail -n 30 "$LAB_DIR/node-a.log"
	return 1
}
