# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Datagrams that do not fit into a packet, there and back, and answers that leave a pod as one large frame,
# which is cut behind tc_reply; over the network of ipv6.bash and its Service of two families, whose links
# carry 1,500 octets. What comes back must be what was sent, to the octet.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

fragments_all() {
	run_step fragments "Datagrams in fragments, there and back, in both families" step_fragments &&
		run_step segments "Pods whose kernels leave segments and checksums to the card" step_segments
}

# Fragments as the nodes' kernels put them together: none, if a test does not send any.
fragments_seen() {
	local pod name=$1 n=0
	for pod in a1 a2 b1 b2; do
		n=$((n + $(lab_in "$pod" nstat -asz "$name" | awk -v name="$name" '$1 == name {print $2}')))
	done
	echo "$n"
}

# Datagrams that reached a pod and not its socket, by reason: Udp6InErrors alone counts all of them.
pods_refused() {
	local pod
	for pod in a1 a2 b1 b2; do
		lab_in "$pod" nstat -as 'Udp*RcvbufErrors' 'Udp*CsumErrors' | awk -v pod="$pod" 'NR > 1 {print pod, $1, $2}'
	done
}

step_fragments() {
	local out=$LAB_DIR/fragments.json vip client bytes counter before node
	write_dual a1 a2 b1 b2
	for node in "${LAB_NODES[@]}"; do
		lab_until 10 dual_backends_are "$node" 4 || { lab_ctl "$node" show services; return 1; }
	done
	for vip in 192.168.101.1 "$VIP6"; do
		client=10.9.0.2 counter=IpReasmOKs
		[ "$vip" = "$VIP6" ] && client=$CLIENT6 counter=Ip6ReasmOKs
		for bytes in 1473 4000 20000; do
			before=$(fragments_seen "$counter")
			ask datagrams "$vip" 53 100 "$bytes" >"$out"
			say "$vip, $bytes octets: $(jq -c '[.pods, .clients]' "$out"), put together by the pods:" \
				"$(($(fragments_seen "$counter") - before))"
			# Fragments have no ports, so the router sends a client's to one node.
			all_answered "$out" "$client" 2 || { pods_refused; return 1; }
			[ "$(($(fragments_seen "$counter") - before))" -eq 100 ] || return 1
		done
	done
	STEP_NOTE="600 datagrams of up to 20,000 octets came back as they were"
}

# What the pods have sent: octets and frames.
pods_sent() {
	local pod
	for pod in a1 a2 b1 b2; do
		lab_in "$pod" ip -j -s link show dev eth0
	done | jq -rs '[.[][0].stats64.tx] | "\(map(.bytes) | add) \(map(.packets) | add)"'
}

# pods_frame OCTETS FRAMES: of what they have sent since, a frame on average.
pods_frame() {
	local octets frames
	read -r octets frames < <(pods_sent)
	echo $(((octets - $1) / (frames - $2)))
}

step_segments() {
	local out=$LAB_DIR/segments.json vip url client pod i before
	read -ra before < <(pods_sent)
	for pod in a1 a2 b1 b2; do
		lab_in "$pod" ethtool -K eth0 tx on tso on gso on tx-udp-segmentation on >/dev/null 2>&1
	done
	for vip in 192.168.101.1 "$VIP6"; do
		url="http://$vip" client=10.9.0.2
		[ "$vip" = "$VIP6" ] && url="http://[$vip]" client=$CLIENT6
		for i in 1 2 3 4 5 6 7 8; do
			big "$i" "$url" 5000000 || { say "$vip: a download did not finish"; return 1; }
			[ "$(tail -n 1 "$LAB_DIR/big.$i")" = "done" ] || return 1
		done
		ask segments "$vip" 53 100 >"$out"
		say "$vip, UDP: $(jq -c '[.pods, .clients]' "$out"); a frame of the pods: $(pods_frame "${before[@]}") octets"
		all_answered "$out" "$client" || return 1
	done
	for pod in a1 a2 b1 b2; do lab_in "$pod" ethtool -K eth0 tx off >/dev/null 2>&1; done
	STEP_NOTE="80 MB and 4,000 datagrams, frames of $(pods_frame "${before[@]}") octets on average"
	[ "$(pods_frame "${before[@]}")" -gt 3000 ]
}
