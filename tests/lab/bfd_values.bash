# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# BFD as the documents have it that users start from (tests/samples/): with one FRR that has the addresses of
# their routers, a second one that has those of the secondary routers, and both ask for the same. And over link-local addresses, where both sides are known by the link alone.

bfd_values_all() {
	lab_folder
	LAB_NODES=(bfd) # for lab_down
	run_step bfd-values-s0 "S0: 300 ms x 3 and echo at 50 ms" step_bfd_values_s0 &&
		run_step bfd-values-s1 "S1: 300 ms x 3, two data centers, with passwords" step_bfd_values_s1 &&
		run_step bfd-values-s3 "S3: 500 ms x 3, a router identifier" step_bfd_values_s3 &&
		run_step bfd-link-local "A peer by interface: BFD with FRR over link-local addresses" step_bfd_link_local
}

# bfdv_dc N ROUTER: a neighbor of the data center N, at the address of its router.
bfdv_dc() {
	cat <<-FRR
		 neighbor 192.168.$1.10 remote-as 64513
		 neighbor 192.168.$1.10 local-as 64512 no-prepend replace-as
		 neighbor 192.168.$1.10 update-source 192.168.$1.$2
		 neighbor 192.168.$1.10 password bgp-dc$1-secret
		 neighbor 192.168.$1.10 bfd profile fast
	FRR
}

# The secondary routers: the same networks over another link, which this node's routes tell from the first.
bfdv_second_up() {
	local n
	lab_namespace b-frr2
	lab_veth b-frr2 eth0 bfd to-frr2
	mkdir -p "$(bfd_dir frr2)"
	for n in 1 2; do
		lab_in b-frr2 ip addr add "192.168.$n.2/24" dev eth0
		lab_in bfd ip route add "192.168.$n.2/32" dev to-frr2 src "192.168.$n.10"
	done
	{
		echo "router bgp 65001"
		echo " bgp router-id 10.9.9.8"
		echo " no bgp ebgp-requires-policy"
		bfdv_dc 1 2
		bfdv_dc 2 2
		echo "bfd"
		echo " profile fast"
		echo "  transmit-interval 300"
		echo "  receive-interval 300"
		echo "  detect-multiplier 3"
	} | bfd_frr_start frr2
}

bfdv_network() {
	local a
	lab_namespace bfd
	lab_namespace b-frr
	lab_veth b-frr eth0 bfd to-frr
	lab_in b-frr sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	for a in 10.0.1.1 192.168.1.1 192.168.2.1 10.1.0.1; do lab_in b-frr ip addr add "$a/24" dev eth0; done
	for a in 10.0.1.2 192.168.1.10 192.168.2.10 10.1.0.10; do lab_in bfd ip addr add "$a/24" dev to-frr; done
	mkdir -p "$(bfd_dir frr)" "$LAB_DIR/bfd-config"
	cat >"$LAB_DIR/bfd-config/lodestone.yaml" <<-YAML
		apiVersion: lodestone.io/v1alpha1
		kind: LodestoneConfig
		metadata: {name: default}
		spec: {dataplane: {mode: "off"}}
		---
		apiVersion: v1
		kind: Node
		metadata: {name: bfd, labels: {rack: rack-1}}
	YAML
	bfd_frr_start frr <<-FRR
		router bgp 65001
		 bgp router-id 10.9.9.9
		 no bgp ebgp-requires-policy
		 neighbor 10.0.1.2 remote-as 64512
		$(bfdv_dc 1 1)
		$(bfdv_dc 2 1)
		 neighbor 10.1.0.10 remote-as 65000
		 neighbor eth0 interface remote-as 64513
		 neighbor 10.0.1.2 bfd profile fast
		 neighbor 10.1.0.10 bfd profile wide
		 neighbor eth0 bfd profile fast
		bfd
		 profile fast
		  transmit-interval 300
		  receive-interval 300
		  detect-multiplier 3
		 profile wide
		  transmit-interval 500
		  receive-interval 500
		  detect-multiplier 3
	FRR
}

# bfdv_config: these documents, from standard input, in place of those of the step before.
bfdv_config() {
	cat >"$LAB_DIR/bfd-config/.values"
	mv "$LAB_DIR/bfd-config/.values" "$LAB_DIR/bfd-config/values.yaml"
}
# bfdv_is PEER TX DETECTION ECHO [FRR]: Up with these milliseconds, and BGP, too; and so at FRR.
bfdv_is() {
	bfd_show | jq -e --arg p "$1" --argjson t "$2" --argjson d "$3" --arg e "$4" \
		'[.[] | select(.peer == $p and .state == "Up" and .txMillis == $t and .detectMillis == $d and .echo == $e)] | length == 1' >/dev/null &&
		[ "$(lab_ctl bfd show peer "$1" -o json | jq -r '.[0].state')" = Established ] &&
		bfd_vtysh "show bfd peers json" "${5:-frr}" | jq -e --arg l "$(bfd_of "$1" localAddress)" '.[] | select(.peer == $l and .status == "up")' >/dev/null
}
bfdv_says() {
	bfd_show | jq -c '.[] | {peer, state, txMillis, detectMillis, echo, echoError, remoteEchoMillis, localAddress, diagnostic, rejected}'
	lab_ctl bfd show peers -o json | jq -c '.[] | {name, state, lastError}'
	lab_ctl bfd show problems
	bfd_vtysh "show bfd peers brief"
}
bfdv_expect() { lab_until 40 bfdv_is "$@" || { bfdv_says; return 1; }; }

step_bfd_values_s0() {
	bfdv_network || { say "FRR does not start"; return 1; }
	cat "$LAB_ROOT/tests/samples/S0-bgp-communities-10.yaml" | bfdv_config
	bfd_agent_up
	# While echo detects, FRR's control packets are asked to be a second apart.
	bfdv_expect tor-switch-1 300 3000 on || return 1
	[ "$(bfd_of tor-switch-1 echoMillis)" = 50 ] || { bfdv_says; return 1; }
	STEP_NOTE="$(bfd_of tor-switch-1 echoPacketsReturned) echo packets came back"
}

step_bfd_values_s1() {
	cat "$LAB_ROOT/tests/samples/S1-bgp-production-13.yaml" | bfdv_config
	bfdv_expect dc1-router-primary 300 900 off && bfdv_expect dc2-router-primary 300 900 off || return 1
	# The secondary ones are not there yet, and cost the others nothing.
	bfd_show | jq -e '[.[] | select(.peer | endswith("secondary"))] | length == 2 and all(.state == "Down")' >/dev/null ||
		{ bfdv_says; return 1; }
	bfdv_second_up || { say "the second FRR does not start"; return 1; }
	bfdv_expect dc1-router-secondary 300 900 off frr2 && bfdv_expect dc2-router-secondary 300 900 off frr2 || return 1
	STEP_NOTE="all four routers, the secondary ones once they were there"
}

step_bfd_values_s3() {
	cat "$LAB_ROOT/tests/samples/S3-local-preference-05.yaml" | bfdv_config
	bfdv_expect east-local-router 500 1500 off
}

step_bfd_link_local() {
	bfdv_config <<-YAML
		apiVersion: metallb.io/v1beta1
		kind: BFDProfile
		metadata: {name: fast, namespace: metallb-system}
		spec: {echoMode: true}
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: link, namespace: metallb-system}
		spec: {myASN: 64513, peerASN: 65001, interface: to-frr, bfdProfile: fast}
	YAML
	bfdv_expect link 300 900 off || return 1
	[[ $(bfd_of link address) == fe80:* && $(bfd_of link localAddress) == fe80:* ]] || { bfdv_says; return 1; }
	STEP_NOTE="$(bfd_of link localAddress) with $(bfd_of link address); no echo there"
}
