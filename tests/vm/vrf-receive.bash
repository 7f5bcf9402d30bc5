# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Routes from peers in VRFs: the routers of tests/vm/vrf announce one prefix each, the same, with a next hop that
# is on no link of the node. Sourced by it.
#
# shellcheck disable=SC2034 # what is set here is read by the lab's functions

# receive_frr: lines of bgpd.conf.
receive_frr() {
	cat <<-FRR
		 no bgp network import-check
		 address-family ipv4 unicast
		  network 10.77.0.0/24
		  neighbor 172.30.0.2 route-map beyond out
		 exit-address-family
		route-map beyond permit 10
		 set ip next-hop 172.31.0.9
	FRR
}

receive_objects() {
	cat <<-YAML
		apiVersion: frrk8s.metallb.io/v1beta1
		kind: FRRConfiguration
		metadata: {name: both, namespace: frr-k8s-system}
		spec:
		  bgp:
		    routers:
		    - {asn: 64512, vrf: red, neighbors: [{address: 172.30.0.3, asn: 64512, toReceive: {allowed: {mode: all}}}]}
		    - {asn: 64512, vrf: vrf-blue, neighbors: [{address: 172.30.0.3, asn: 64512, toReceive: {allowed: {mode: all}}}]}
	YAML
}

# received_by TABLE DEVICE: the prefix is there, by the router on that device.
received_by() {
	lab_in node-a ip -N route show table "$1" proto 196 | grep -q "^10.77.0.0/24 via 172.30.0.3 dev $2 metric 19600"
}
not_received() { ! lab_in node-a ip -N route show table "$1" proto 196 | grep -q '^10.77.0.0/24'; }
blame_receive() {
	lab_ctl node-a show routes --received -o wide
	lab_in node-a ip -N route show table "${TABLE[red]}"
	lab_in node-a ip -N route show table "${TABLE[vrf-blue]}"
	blame "$@"
}

# Each VRF has its own, found by its own routes; what they lead to in one is nothing to the other.
step_receive() {
	receive_objects >"$LAB_DIR/config/receive.yaml"
	lab_until 60 received_by "${TABLE[red]}" up-red || blame_receive "no route in red" || return
	lab_until 60 received_by "${TABLE[vrf-blue]}" up-blue || blame_receive "no route in vrf-blue" || return
	not_received main && not_received 19800 || blame_receive "and one in no VRF" || return
	lab_in node-a ip route add unreachable 172.31.0.0/24 table "${TABLE[red]}"
	lab_until 60 not_received "${TABLE[red]}" || blame_receive "the way to its next hop is gone, and it stays" || return
	lab_ctl node-a show routes 10.77.0.0/24 --received --peer example -o json |
		jq -e '.[0].reason == "nothing leads to the next hop"' >/dev/null || blame_receive "no reason is given" || return
	received_by "${TABLE[vrf-blue]}" up-blue || blame_receive "vrf-blue lost its route, too" || return
	lab_in node-a ip route del unreachable 172.31.0.0/24 table "${TABLE[red]}"
	lab_until 60 received_by "${TABLE[red]}" up-red || blame_receive "it does not come back" || return
	STEP_NOTE="one prefix in two VRFs, each by its own uplink"
}

# The VRF was made again, with another table.
step_receive_anew() {
	lab_until 60 received_by "${TABLE[red]}" up-red || blame_receive "no route in the new table" || return
	received_by "${TABLE[vrf-blue]}" up-blue || blame_receive "vrf-blue lost its route" || return
	rm "$LAB_DIR/config/receive.yaml"
	lab_until 60 not_received "${TABLE[red]}" && lab_until 60 not_received "${TABLE[vrf-blue]}" ||
		blame_receive "routes stay though they are not asked for" || return
	STEP_NOTE="in table ${TABLE[red]}, and gone with the FRRConfiguration"
}
