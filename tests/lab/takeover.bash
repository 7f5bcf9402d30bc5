# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Coming to a node where the kernel already translates flows for the VIP (kube-proxy's DNAT, an older
# load balancer): such a flow must stay with the kernel until it ends, for packets that change hands are
# answered by a reset. So the VIP is not begun there, a problem says why, and the node joins by itself
# once the flows are gone. Runs on node-b; node-a goes on meanwhile.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

takeover_all() {
	run_step conntrack-flows "A VIP whose flows the kernel translates" step_conntrack_flows
}

# kernel_dnat NODE POD: what kube-proxy would do for the VIP.
kernel_dnat() {
	lab_in "$1" nft -f - <<-NFT
		table ip lab {
			chain pre {
				type nat hook prerouting priority dstnat
				ip daddr $VIP tcp dport 80 dnat to ${LAB_POD_ADDR[$2]}:80
			}
		}
	NFT
}

step_conntrack_flows() {
	local p
	lab_kill INT "${LAB_AGENT_PID[node-b]}"
	lab_until 10 vip_next_hops_are "192.168.1.10" || { say "next hops: $(vip_next_hops)"; return 1; }
	say "SIGINT: node-b withdrew its route at once, graceful restart or not"
	lab_in node-b "$LAB_ROOT/build/lodestoned" --cleanup --pin "$(lab_pin node-b)" || return 1
	kernel_dnat node-b b1 || return 1
	lab_in router ip route add "$VIP/32" via 192.168.1.11 metric 5
	download_start kernel 5
	lab_until 5 download_has_pod kernel || return 1
	lab_agent_up node-b
	lab_until 10 peer_is_established node-b || return 1
	lab_until 5 problem node-b nginx-lb ConntrackHoldsFlows || { lab_ctl node-b show problems; return 1; }
	p=$(problem node-b nginx-lb ConntrackHoldsFlows) && say_problem "$p"
	vip_next_hops_are "192.168.1.10" || { say "announced all the same: $(vip_next_hops)"; return 1; }
	download_finished kernel || { say "the kernel's flow: $(tail -n 1 "$LAB_DIR/download.kernel")"; return 1; }
	say "the flow of $(download_pod kernel) that the kernel translates was not touched and finished"
	lab_in router ip route del "$VIP/32" via 192.168.1.11 metric 5
	lab_in node-b nft delete table ip lab
	lab_until 45 vip_next_hops_are "192.168.1.10 192.168.1.11" || { lab_ctl node-b show services; return 1; }
	say "its flows gone, node-b serves and announces the VIP"
	STEP_NOTE="problem told, flow finished, node joined by itself"
	lab_until 10 still_serves
}
