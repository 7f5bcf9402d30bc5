# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What a Service takes, and what becomes of more. A flood of SYNs from sources that are not there, at a Service
# that asks sources to prove themselves: an honest client, an ordinary Linux, connects all the same, and the
# pods see none of the flood but what is within the rate. And a limit of packets a second.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

FLOOD_SYNS=1000 FLOOD_SECONDS=4

flood_all() {
	service_keep
	run_step source-check "A flood of SYNs, and sources that prove themselves" step_source_check &&
		run_step rate-limit "No more packets than a Service asks for" step_rate_limit
}

flood() { lab_in client python3 "$LAB_ROOT/scripts/lab-flood" "$@"; }

# Answers to the flood's sources vanish, for good: pods go on answering for a minute, and a router that told them
# so would have no ICMP left for others, of which it sends one a second to an address.
nobody_is_there() {
	lab_in router sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.to-client.rp_filter=0
	lab_in router ip route replace blackhole 10.77.0.0/16
	lab_in router ip -6 route replace blackhole 2001:db8:77::/48
}

# Connections that some pod's kernel began or refused to begin.
pods_syns() {
	local pod sum=0
	for pod in a1 a2 b1 b2; do
		sum=$((sum + $(lab_in "$pod" cat /proc/net/snmp | awk '$1 == "Tcp:" && $2 ~ /[0-9]/ { print $11 }')))
	done
	echo "$sum"
}

# both_ask VIP: both nodes ask sources, as soon as their rate is used up.
both_ask() {
	local node
	flood "$1" 80 40 0.1
	for node in "${LAB_NODES[@]}"; do
		[ "$(counted_on "$node" drops unproven)" -gt "${FLOOD_ASKED[$node]}" ] || return 1
	done
}

# flooded VIP URL: the Service asks for proofs beyond one new flow a second. What was passed and dropped before is
# taken off, for both families have the same counters.
declare -A FLOOD_ASKED
flooded() {
	local pid node code=0 syns asked proven out=$LAB_DIR/flood.json
	for node in "${LAB_NODES[@]}"; do FLOOD_ASKED[$node]=$(counted_on "$node" drops unproven); done
	lab_until 10 both_ask "$1" || return 1
	syns=$(pods_syns) asked=$(dropped unproven) proven=$(passed proven)
	lab_begin "$LAB_DIR/flood.txt" client \
		python3 "$LAB_ROOT/scripts/lab-flood" "$1" 80 "$FLOOD_SYNS" "$FLOOD_SECONDS"
	pid=$LAB_PID
	sleep 0.5
	ask requests "$2" 40 >"$out"
	wait "$pid" || code=$?
	syns=$(($(pods_syns) - syns)) asked=$(($(dropped unproven) - asked)) proven=$(($(passed proven) - proven))
	say "40 requests, $(jq '.failed | length' "$out") failed, by $(jq -c .pods "$out");" \
		"asked $asked, proven $proven, the pods got $syns segments"
	STEP_NOTE="$asked SYNs asked, $proven proofs, $(jq '.requests - (.failed | length)' "$out") requests served"
	[ "$code" -eq 0 ] || { say "the flood ended with exit code $code: $(tail -n 1 "$LAB_DIR/flood.txt.err")"; return 1; }
	jq -e '.requests == 40 and .failed == []' "$out" >/dev/null || return 1
	[ "$proven" -ge 1 ] && [ "$proven" -le 40 ] && [ "$asked" -ge $((FLOOD_SYNS * 9 / 10)) ]
}

step_source_check() {
	nobody_is_there
	service_is -e 's|^  annotations:|&\n    lodestone.io/new-flows: "1"\n    lodestone.io/source-check: "true"|'
	flooded "$VIP" "http://$VIP" || return 1
	service_is_itself
}

# Packets that came in by the VIP, on both nodes.
vip_packets() {
	local node
	for node in "${LAB_NODES[@]}"; do
		lab_ctl "$node" show services -o json
	done | jq -s --arg vip "$VIP" '[.[][] | select(.vip == $vip and .port == 80).packets] | add'
}
rate_limits_are() {
	local node
	for node in "${LAB_NODES[@]}"; do
		lab_ctl "$node" show services -o json |
			jq -e --arg vip "$VIP" --argjson n "$1" 'any(.[]; .vip == $vip and .rateLimit == $n)' >/dev/null || return 1
	done
}

# What a node lets in: so many a second of the time that it had, and at the begin a tenth of that at once. Nothing
# but the flood comes meanwhile, so each of its packets was let in or counted.
step_rate_limit() {
	local limit=20 before over begun millis passed most
	nobody_is_there
	service_is -e "s|^  annotations:|&\n    lodestone.io/rate-limit: \"$limit\"|"
	lab_until 5 rate_limits_are "$limit" || return 1
	sleep 0.5 # what was under way has ended
	before=$(vip_packets) over=$(dropped rate) begun=$(date +%s%N)
	flood "$VIP" 80 800 3 || return 1
	millis=$((($(date +%s%N) - begun) / 1000000))
	passed=$(($(vip_packets) - before)) over=$(($(dropped rate) - over))
	most=$((2 * (limit * millis / 1000 + limit / 10 + 2)))
	say "800 packets in $millis ms: $passed let in, of at most $most on two nodes, $over dropped"
	[ $((passed + over)) -eq 800 ] && [ "$passed" -le "$most" ] && [ "$passed" -ge "$limit" ] || return 1
	lab_until 5 answers || return 1 # two packets are let in at once
	service_is_itself && lab_until 5 rate_limits_are null || return 1
	over=$(dropped rate)
	flood "$VIP" 80 200 0.2
	STEP_NOTE="$passed of 800 let in at $limit a second and node, without a limit all"
	[ "$(dropped rate)" -eq "$over" ]
}

# The same by the Service of two families; part of ipv6.bash's steps.
step_source_check_v6() {
	local file=$LAB_DIR/config/dual.yaml
	nobody_is_there
	sed 's|metallb.io/loadBalancerIPs:|lodestone.io/new-flows: "1", lodestone.io/source-check: "true", &|' "$file" \
		>"$LAB_DIR/dual.asks" && mv "$LAB_DIR/dual.asks" "$file"
	flooded "$VIP6" "http://[$VIP6]" || return 1
	write_dual a1 a2 b1 b2
	lab_until 5 dual_answers "[$VIP6]"
}
