# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# A flood of SYNs from sources that are not there, at a Service that asks sources to prove themselves: an
# honest client, an ordinary Linux, connects all the same, and the pods see none of the flood but what is
# within the rate.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

FLOOD_SYNS=1500

flood_all() {
	run_step source-check "A flood of SYNs, and sources that prove themselves" step_source_check
}

# flood SECONDS: so many SYNs in that time, each from a source of its own in 10.77.0.0/16.
flood() {
	lab_in client python3 - "$VIP" "$FLOOD_SYNS" "$1" <<-'PYTHON'
		import random, socket, struct, sys, time
		vip, n, seconds = socket.inet_aton(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
		def fold(data):
		    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
		    s = (s & 0xffff) + (s >> 16)
		    return ~(s + (s >> 16)) & 0xffff
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		for i in range(n):
		    src = bytes([10, 77, i >> 8 & 255, i & 255])
		    tcp = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), 80, random.getrandbits(32), 0,
		                      0x50, 2, 64240, 0, 0)
		    check = fold(src + vip + struct.pack("!HH", 6, len(tcp)) + tcp)
		    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, i & 65535, 0, 64, 6, 0, src, vip)
		    s.sendto(ip + tcp[:16] + struct.pack("!H", check) + tcp[18:], (sys.argv[1], 0))
		    time.sleep(seconds / n)
	PYTHON
}

# Connections that some pod's kernel began or refused to begin.
pods_syns() {
	local pod sum=0
	for pod in a1 a2 b1 b2; do
		sum=$((sum + $(lab_in "$pod" cat /proc/net/snmp | awk '$1 == "Tcp:" && $2 ~ /[0-9]/ { print $11 }')))
	done
	echo "$sum"
}

step_source_check() {
	local pid before retransmitted failed
	lab_in router sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.to-client.rp_filter=0
	lab_in router ip route replace blackhole 10.77.0.0/16
	service_is -e 's|^  annotations:|&\n    lodestone.io/new-flows: "1"\n    lodestone.io/source-check: "true"|'
	lab_until 5 answers || return 1
	before=$(pods_syns)
	flood 6 &
	pid=$!
	sleep 1
	lab_in client scripts/lab-client requests "http://$VIP" 40 >"$LAB_DIR/flood.json"
	wait "$pid" || return 1
	retransmitted=$(lab_in client awk '$1 == "Tcp:" && $2 ~ /[0-9]/ { print $13 }' /proc/net/snmp)
	failed=$(jq '.failed | length' "$LAB_DIR/flood.json")
	say "40 requests, $failed failed, by $(jq -c .pods "$LAB_DIR/flood.json"); $retransmitted segments sent again so far;" \
		"asked $(dropped unproven), proven $(passed proven), the pods got $(($(pods_syns) - before)) segments"
	[ "$failed" -eq 0 ] && [ "$(jq .requests "$LAB_DIR/flood.json")" -eq 40 ] || return 1
	[ "$(passed proven)" -ge 1 ] && [ "$(passed proven)" -le 40 ] || return 1
	[ "$(dropped unproven)" -ge $((FLOOD_SYNS * 9 / 10)) ] || return 1
	STEP_NOTE="$(dropped unproven) SYNs asked, $(passed proven) proofs, 40 requests served"
	lab_in router ip route del blackhole 10.77.0.0/16
	service_is_itself
}
