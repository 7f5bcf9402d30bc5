# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Coming to a node where the kernel serves the VIP already by kube-proxy's rules, and leaving it to
# them again: each flow stays with whom it began, and none is cut. Once beside nftables rules that
# masquerade (policy Cluster), once beside iptables rules that do not (policy Local), and over IPv6 coming
# from the former and leaving to the latter. Runs on node-b, with a Service of its own, to which the router
# has a static route, so that traffic comes whoever announces it. The flows and their server: tests/lab/flows.c.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

# Of the Service in question; of another family they are local to a step.
FLOWS_NAME=flows
FLOWS_FAMILY=ip
FLOWS_VIP=
FLOWS_TRACKED= # the same as conntrack writes it: all digits
FLOWS_TCP=200
FLOWS_UDP=20
declare -A FLOWS_PID

takeover_all() {
	run_step takeover-setup "A node whose kernel serves a VIP by kube-proxy's nftables rules" step_takeover_setup &&
		run_step takeover-nft "From nftables rules to XDP and back, and no flow is cut" step_takeover_nft &&
		run_step takeover-iptables "From iptables rules to XDP and back, and no flow is cut" step_takeover_iptables &&
		run_step takeover-ipv6 "The same over IPv6, from nftables to ip6tables" step_takeover_ipv6 &&
		run_step drain "lodectl drain: withdrawn, flows to their end, a restart, and back" step_drain &&
		run_step takeover-end "A last agent that takes over from no rules at all" step_takeover_end
}

# --- kube-proxy's rules -------------------------------------------------------------------------------

flows_pod() { if [ "$FLOWS_FAMILY" = ip6 ]; then echo "${POD_ADDR6[$1]}"; else echo "${LAB_POD_ADDR[$1]}"; fi; }
# With the port, as rules write it.
flows_target() { if [ "$FLOWS_FAMILY" = ip6 ]; then echo "[$(flows_pod "$1")]:7"; else echo "$(flows_pod "$1"):7"; fi; }

# As its nftables mode makes them: a verdict map, a chain for each service with numgen, one for each
# endpoint, and the mark for masquerading.
rules_nft() {
	local p pod type=ipv4_addr
	[ "$FLOWS_FAMILY" = ip ] || type=ipv6_addr
	{
		echo "table $FLOWS_FAMILY kube-proxy {"
		echo 'chain mark-for-masquerade { meta mark set meta mark or 0x4000; }'
		for p in tcp udp; do
			for pod in b1 b2; do
				echo "chain endpoint-$pod-$p { $FLOWS_FAMILY saddr $(flows_pod $pod) jump mark-for-masquerade;" \
					"meta l4proto $p dnat to $(flows_target $pod); }"
			done
			echo "chain service-$p { numgen random mod 2 vmap { 0 : goto endpoint-b1-$p, 1 : goto endpoint-b2-$p }; }"
			echo "chain external-$p { jump mark-for-masquerade; goto service-$p; }"
		done
		echo "map service-ips { type $type . inet_proto . inet_service : verdict;"
		echo "elements = { $FLOWS_VIP . tcp . 7 : goto external-tcp, $FLOWS_VIP . udp . 7 : goto external-udp }; }"
		echo "chain services { $FLOWS_FAMILY daddr . meta l4proto . th dport vmap @service-ips; }"
		echo 'chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }'
		echo 'chain nat-output { type nat hook output priority -100; jump services; }'
		echo 'chain nat-postrouting { type nat hook postrouting priority srcnat;'
		echo 'meta mark and 0x4000 == 0 return; meta mark set meta mark xor 0x4000; masquerade fully-random; }'
		echo '}'
	} | lab_in node-b nft -f -
}

# As its iptables mode makes them, policy Local.
rules_iptables() {
	local p pod up
	{
		echo '*nat'
		printf ':%s - [0:0]\n' KUBE-SERVICES KUBE-MARK-MASQ KUBE-POSTROUTING
		for p in TCP UDP; do
			printf ":KUBE-EXT-%s - [0:0]\n:KUBE-SVL-%s - [0:0]\n:KUBE-SEP-B1%s - [0:0]\n:KUBE-SEP-B2%s - [0:0]\n" $p $p $p $p
		done
		echo '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
		echo '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
		echo '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING'
		echo '-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000'
		echo '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN'
		echo '-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000'
		echo '-A KUBE-POSTROUTING -j MASQUERADE --random-fully'
		for p in tcp udp; do
			up=${p^^}
			echo "-A KUBE-SERVICES -d $FLOWS_VIP -p $p -m $p --dport 7 -j KUBE-EXT-$up"
			echo "-A KUBE-EXT-$up -j KUBE-SVL-$up"
			echo "-A KUBE-SVL-$up -m statistic --mode random --probability 0.5 -j KUBE-SEP-B1$up"
			echo "-A KUBE-SVL-$up -j KUBE-SEP-B2$up"
			for pod in b1 b2; do
				echo "-A KUBE-SEP-${pod^^}$up -s $(flows_pod "$pod") -j KUBE-MARK-MASQ"
				echo "-A KUBE-SEP-${pod^^}$up -p $p -m $p -j DNAT --to-destination $(flows_target "$pod")"
			done
		done
		echo 'COMMIT'
	} | lab_in node-b "${FLOWS_FAMILY}tables-restore"
}

rules_gone() {
	lab_in node-b nft delete table "$FLOWS_FAMILY" kube-proxy 2>/dev/null
	lab_in node-b "${FLOWS_FAMILY}tables-restore" <<<$'*nat\nCOMMIT'
}

# --- flows ------------------------------------------------------------------------------------------

# flows_open NAME TCP UDP: waits until each of them has had an answer.
flows_open() {
	mkdir -p "$LAB_DIR/flows-$1"
	rm -f "$LAB_DIR/flows-$1"/*
	lab_begin "$LAB_DIR/flows-$1.json" client \
		"$LAB_ROOT/build/tests/flows" keep "$FLOWS_VIP" 7 "$2" "$3" "$LAB_DIR/flows-$1"
	FLOWS_PID[$1]=$LAB_PID
	lab_until 20 test -e "$LAB_DIR/flows-$1/ready" || { say "flows $1: not all were answered"; return 1; }
}

# flows_end NAME [N]: false if one of them was cut, or if they did not do N exchanges (4) each.
flows_end() {
	touch "$LAB_DIR/flows-$1/stop"
	wait "${FLOWS_PID[$1]}" || { cat "$LAB_DIR/flows-$1.json.err"; return 1; }
	say "flows $1: $(jq -c '{flows, exchanges, cut: (.failed | length), first: .failed[:3]}' "$LAB_DIR/flows-$1.json")"
	jq -e --argjson n "${2:-4}" '(.failed | length == 0) and .exchanges >= $n * .flows' "$LAB_DIR/flows-$1.json" >/dev/null
}

# The map is made with the first of them.
kernel_flows() {
	bpftool -j map dump pinned "$(lab_pin node-b)/chunks/kernel_flows-0" |
		jq 'if type == "array" then length else 0 end'
}
kernel_flows_are() { [ "$(kernel_flows)" -ge "$1" ]; } # UDP of before lives on for a while
# What conntrack knows as addressed to the VIP: flows that are the kernel's.
tracked() { lab_in node-b cat /proc/net/nf_conntrack 2>/dev/null | grep -v 'TIME_WAIT\|CLOSE ' | grep -c "dst=$FLOWS_TRACKED "; }
# Of those the TCP connections that live, of which the kernel has none left when it is handed the next.
established() { lab_in node-b cat /proc/net/nf_conntrack | grep ESTABLISHED | grep -c "dst=$FLOWS_TRACKED "; }
b_status() { lab_ctl node-b status -o json | jq -r "$1"; }
b_mode_is() { [ "$(b_status .dataplane.mode)" = "$1" ]; }
b_announces() { lab_ctl node-b show services "$FLOWS_NAME" -o json | jq -e 'all(.[]; .announced)' >/dev/null; }
# Whose is a connection that begins now? (The maps say so, too, but in 45 MB of JSON.)
ever_tracked() { lab_in node-b grep -c "dst=$FLOWS_TRACKED " /proc/net/nf_conntrack; }
tracked_by_one() {
	local before
	before=$(ever_tracked)
	lab_in client timeout 2 bash -c ": </dev/tcp/$FLOWS_VIP/7" || return 1
	echo $(($(ever_tracked) - before))
}
kernel_takes() { [ "$(tracked_by_one)" = 1 ]; }
xdp_takes() { [ "$(tracked_by_one)" = 0 ]; }
# No session carries IPv6 here, so nothing is announced.
b_serves() { if [ "$FLOWS_FAMILY" = ip6 ]; then xdp_takes; else b_announces; fi; }

# mode_off_b DRAIN
mode_off_b() {
	printf '%s\n' 'apiVersion: lodestone.io/v1alpha1' 'kind: LodestoneConfig' 'metadata: {name: node-b}' \
		"spec: {drainSeconds: $1, dataplane: {mode: \"off\"}}" >"$LAB_DIR/off.yaml" &&
		mv "$LAB_DIR/off.yaml" "$LAB_DIR/config/off-b.yaml"
}

# The Service of the other steps, with the pods' addresses of IPv6, and a pool for it.
write_flows_six() {
	local pod to=(-e 's/addressType: IPv4/addressType: IPv6/' -e 's/spec: {/spec: {ipFamilies: [IPv6], /')
	for pod in "$@"; do to+=(-e "s/${LAB_POD_ADDR[$pod]}/\"${POD_ADDR6[$pod]}\"/"); done
	mkdir -p "$LAB_DIR/six/config"
	LAB_DIR=$LAB_DIR/six write_local_service "$FLOWS_NAME" "TCP/7 UDP/7" "$@"
	{
		sed "${to[@]}" "$LAB_DIR/six/config/$FLOWS_NAME.yaml"
		printf '%s\n' --- 'apiVersion: metallb.io/v1beta1' 'kind: IPAddressPool' \
			'metadata: {name: six, namespace: metallb-system}' 'spec: {addresses: ["2001:db8:101::1/128"]}' \
			--- 'apiVersion: metallb.io/v1beta1' 'kind: BGPAdvertisement' \
			'metadata: {name: six, namespace: metallb-system}' 'spec: {ipAddressPools: [six]}'
	} >"$LAB_DIR/six/new"
	mv "$LAB_DIR/six/new" "$LAB_DIR/config/$FLOWS_NAME.yaml"
}

# --- steps ------------------------------------------------------------------------------------------

flows_vip_is_given() {
	FLOWS_VIP=$(lab_ctl node-b show services "$FLOWS_NAME" -o json | jq -r '.[0].vip // empty')
	[ "$FLOWS_FAMILY" = ip6 ] || FLOWS_TRACKED=$FLOWS_VIP
	[ -n "$FLOWS_VIP" ]
}

step_takeover_setup() {
	local pod
	for pod in b1 b2; do
		lab_spawn "$LAB_DIR/flows-$pod.log" "$pod" "$LAB_ROOT/build/tests/flows" serve 7
	done
	mode_off_b 3 && write_local_service flows "TCP/7 UDP/7" b1 b2 || return 1
	lab_until 5 flows_vip_is_given || { lab_ctl node-b show services; return 1; }
	lab_until 10 b_mode_is off || { lab_ctl node-b status; return 1; }
	lab_in router ip route add "$FLOWS_VIP/32" via 192.168.1.11 metric 5 && rules_nft || return 1
	flows_open first 5 2 && flows_end first 1 || return 1
	STEP_NOTE="$FLOWS_VIP is served by the kernel"
}

# takeover_to_xdp UDP: the agent begins beside living flows of the kernel; so many UDP flows are begun then.
takeover_to_xdp() {
	local n=$((FLOWS_TCP + FLOWS_UDP)) had
	flows_open kernel "$FLOWS_TCP" "$FLOWS_UDP" || return 1
	[ "$(tracked)" -ge "$n" ] || { say "conntrack knows $(tracked) of $n"; return 1; }
	rm "$LAB_DIR/config/off-b.yaml"
	# With mode off it announces, too.
	lab_until 15 b_mode_is xdp && lab_until 10 b_serves || { lab_ctl node-b status; return 1; }
	lab_until 3 kernel_flows_are "$n" || { say "the table has $(kernel_flows) of $n"; return 1; }
	lab_until 5 problem node-b "$FLOWS_NAME" KernelHasFlows || { lab_ctl node-b show problems; return 1; }
	had=$(kernel_flows)
	say "node-b serves $FLOWS_VIP; $had flows stay with the kernel"
	flows_open xdp "$FLOWS_TCP" "$1" || return 1
	sleep 1
	[ "$(kernel_flows)" -le "$had" ] || { say "the table had $had and has $(kernel_flows)"; return 1; }
	flows_end kernel || return 1
}

# takeover_to_kernel DRAIN: and is told to leave beside living flows of its own.
takeover_to_kernel() {
	local begun
	mode_off_b "$1"
	lab_until 10 kernel_takes || { lab_ctl node-b status; return 1; }
	flows_open after 50 10 || return 1
	[ "$(established)" -eq 50 ] || { say "the kernel has $(established) of 50 new connections"; return 1; }
	b_mode_is leaving || { say "left before the last flow had ended"; return 1; }
	say "what begins is the kernel's, what XDP has goes on"
	flows_end xdp || return 1
	begun=$SECONDS
	lab_until 30 b_mode_is off || { lab_ctl node-b status; return 1; }
	say "left $((SECONDS - begun)) s after XDP's flows had ended"
	sleep 1
	flows_end after
}

# The rules are the setup's. UDP has no end, so XDP's flows are over with the drain time.
step_takeover_nft() {
	takeover_to_xdp "$FLOWS_UDP" && takeover_to_kernel 12 || return 1
	STEP_NOTE="$FLOWS_TCP TCP and $FLOWS_UDP UDP flows each way, none cut"
}

# The drain time would be a minute, but is over with the last flow.
step_takeover_iptables() {
	rules_gone
	rules_iptables && takeover_to_xdp 0 && takeover_to_kernel 60 || return 1
	STEP_NOTE="$FLOWS_TCP TCP flows each way, none cut, left with the last of them"
}

# six COMMAND...: of the Service that has IPv6.
six() {
	local FLOWS_NAME=flows-six FLOWS_FAMILY=ip6 FLOWS_VIP=2001:db8:101::1 FLOWS_TRACKED=2001:0db8:0101:0000:0000:0000:0000:0001
	"$@"
}

# Between two steps that leave everything to the kernel.
step_takeover_ipv6() { six takeover_ipv6; }

takeover_ipv6() {
	local pod
	ipv6_up
	for pod in b1 b2; do
		lab_spawn "$LAB_DIR/flows-six-$pod.log" "$pod" "$LAB_ROOT/build/tests/flows" serve 7 "${POD_ADDR6[$pod]}"
	done
	write_flows_six b1 b2
	lab_until 10 flows_vip_is_given || { lab_ctl node-b show services; return 1; }
	lab_in router ip -6 route add "$FLOWS_VIP/128" via "${NODE_ADDR6[node-b]}" && rules_nft || return 1
	takeover_to_xdp 0 || return 1
	rules_gone
	rules_iptables && takeover_to_kernel 60 || return 1
	STEP_NOTE="$FLOWS_TCP TCP flows each way, none cut"
}

b_drain_is() { [ "$(b_status '.drain.state // "none"')" = "$1" ]; }
b_says_drained() { lab_ctl node-b show services flows -o json | jq -e 'all(.[]; .reason == "nodeDrained")' >/dev/null; }

b_tells_flows() { lab_ctl node-b show backends flows -o json | jq -e --argjson n "$FLOWS_TCP" '([.[].flows] | add) >= $n' >/dev/null; }

# Both families. The rules are those of before. The agent is restarted in between. The drain time would be a minute.
step_drain() {
	rm "$LAB_DIR/config/off-b.yaml"
	lab_until 10 b_mode_is xdp && lab_until 10 b_announces && lab_until 5 xdp_takes && lab_until 5 six xdp_takes ||
		{ lab_ctl node-b status; return 1; }
	flows_open drained "$FLOWS_TCP" 0 && six flows_open drained-six "$FLOWS_TCP" 0 || return 1
	lab_ctl node-b drain || return 1
	lab_until 20 kernel_takes && lab_until 20 six kernel_takes || { lab_ctl node-b status; return 1; }
	lab_ctl node-b status >"$LAB_DIR/drain.txt" || { cat "$LAB_DIR/drain.txt"; return 1; } # no error
	grep -E '^(Drain|Flows|Data plane)' "$LAB_DIR/drain.txt" | sed 's/^/  /'
	lab_until 10 vip_next_hops_are 192.168.1.10 || { say "$(vip_next_hops)"; return 1; }
	flows_open after 50 0 && six flows_open after-six 50 0 || return 1
	[ "$(established),$(six established)" = 50,50 ] ||
		{ say "the kernel has $(established) and $(six established) of 50 new connections each"; return 1; }
	lab_until 12 b_tells_flows || { lab_ctl node-b show backends; return 1; } # by the next walk
	lab_kill TERM "${LAB_AGENT_PID[node-b]}"
	lab_agent_up node-b
	lab_until 15 b_drain_is draining || { lab_ctl node-b status; return 1; }
	flows_end drained && flows_end drained-six || return 1
	lab_until 40 b_drain_is drained || { lab_ctl node-b status; return 1; }
	b_mode_is off && b_says_drained && vip_next_hops_are 192.168.1.10 || { lab_ctl node-b status; return 1; }
	flows_end after && flows_end after-six || return 1
	six rules_gone
	rm "$LAB_DIR/config/flows-six.yaml"
	lab_ctl node-b undrain || return 1
	lab_until 10 b_announces || { lab_ctl node-b status; return 1; }
	STEP_NOTE="$FLOWS_TCP flows of each family served to their end over a restart, 50 given to the kernel, none cut"
	lab_until 10 vip_next_hops_are "192.168.1.10 192.168.1.11"
}

step_takeover_end() {
	rules_gone
	rm "$LAB_DIR/config/flows.yaml"
	lab_in router ip route del "$FLOWS_VIP/32" via 192.168.1.11 metric 5
	lab_until 10 b_mode_is xdp || { lab_ctl node-b status; return 1; } # with mode off it announces, too
	lab_until 10 vip_next_hops_are "192.168.1.10 192.168.1.11" || { lab_ctl node-b show services; return 1; }
	lab_until 10 still_serves
}
