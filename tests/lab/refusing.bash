# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Who is not served: a port without endpoints is refused at once, by a reset or by ICMP, a Service that is
# paused refuses what is new and goes on with what it has, sources outside of its ranges and those that are denied
# get no answer. All of it by edits, while the address stays announced.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

refusing_all() {
	service_keep
	run_step no-endpoints "A port without endpoints" step_no_endpoints &&
		run_step unknown-ports "A port that no Service has" step_unknown_ports &&
		run_step pause "A Service is paused" step_pause &&
		run_step source-ranges "Source ranges" step_source_ranges &&
		run_step denied "A client is denied" step_denied &&
		run_step denied-many "A list of 100,000 denied prefixes" step_denied_many
}

service_keep() { cp "$LAB_DIR/config/service.yaml" "$LAB_DIR/service.kept"; }
# service_is EXPRESSION...: the Service as it was when it was kept, changed by sed, replaced in one rename.
service_is() {
	sed "$@" "$LAB_DIR/service.kept" >"$LAB_DIR/service.new"
	mv "$LAB_DIR/service.new" "$LAB_DIR/config/service.yaml"
}
service_is_itself() {
	service_is ''
	lab_until 5 answers && both_next_hops
}

# connect PROTOCOL PORT: what becomes of the client's attempt within two seconds.
connect() {
	lab_in client python3 - "$VIP" "$1" "$2" <<-'PYTHON'
		import socket, sys
		vip, protocol, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
		s = socket.socket(type=socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
		s.settimeout(2)
		try:
		    s.connect((vip, port))
		    if protocol == "udp":
		        s.send(b"anybody there?")
		        s.recv(100)
		    print("served")
		except ConnectionRefusedError:
		    print("refused")
		except TimeoutError:
		    print("silence")
	PYTHON
}
connect_is() { [ "$(connect "$1" "$2")" = "$3" ]; }
answers() { connect_is tcp 80 served; }

# dropped REASON, passed REASON: packets, on both nodes.
dropped() { counted drops "$1"; }
passed() { counted passed "$1"; }
counted() {
	local node sum=0
	for node in "${LAB_NODES[@]}"; do sum=$((sum + $(counted_on "$node" "$@"))); done
	echo "$sum"
}
# counted_on NODE drops|passed REASON
counted_on() {
	lab_ctl "$1" status -o json | jq --arg k "$2" --arg r "$3" '[.. | objects | .[$k]?[$r]? // empty] | add // 0'
}

step_no_endpoints() {
	lab_until 10 both_next_hops || return 1
	service_is -e 's/externalTrafficPolicy: Local/externalTrafficPolicy: Cluster/' \
		-e '/healthCheckNodePort/d' \
		-e 's/^    - port: 80$/    - {name: metrics, port: 9153}\n    - {name: dns, port: 53, protocol: UDP}\n&/'
	lab_until 5 connect_is tcp 9153 refused || { say "TCP: $(connect tcp 9153)"; return 1; }
	connect_is udp 53 refused || { say "UDP: $(connect udp 53)"; return 1; }
	connect_is tcp 9154 silence || { say "a port of no Service: $(connect tcp 9154)"; return 1; }
	answers && both_next_hops || return 1
	lab_ctl node-a show services | sed 's/^/  /'
	[ "$(lab_ctl node-a show services -o json | jq -r '[.[] | select(.port == 9153).reason] | first')" = noEndpoints ] || return 1
	service_is -e '/healthCheckNodePort/d' -e 's/^    - port: 80$/    - {name: metrics, port: 9153}\n&/'
	lab_until 5 connect_is tcp 9153 silence || { say "policy Local: $(connect tcp 9153)"; return 1; }
	STEP_NOTE="TCP and UDP refused with policy Cluster, silence with Local; port 80 served"
	service_is_itself
}

step_unknown_ports() {
	connect_is tcp 9154 silence || { say "nothing is said: $(connect tcp 9154)"; return 1; }
	service_is -e 's|^  annotations:|&\n    lodestone.io/unknown-ports: reject|'
	lab_until 5 connect_is tcp 9154 refused || { say "TCP, rejected: $(connect tcp 9154)"; return 1; }
	connect_is udp 9154 refused || { say "UDP, rejected: $(connect udp 9154)"; return 1; }
	answers && both_next_hops || return 1
	service_is -e 's|^  annotations:|&\n    lodestone.io/unknown-ports: refuse|'
	lab_until 5 problem node-a nginx-lb BadValue || { lab_ctl node-a show problems; return 1; }
	connect_is tcp 9154 refused || { say "after a word that is none: $(connect tcp 9154)"; return 1; }
	service_is -e 's|^  annotations:|&\n    lodestone.io/unknown-ports: drop|'
	lab_until 5 connect_is tcp 9154 silence || { say "TCP, dropped: $(connect tcp 9154)"; return 1; }
	STEP_NOTE="silence, refused as the Service says, silence again; a wrong word changes nothing"
	service_is_itself
}

step_pause() {
	download_start paused 4
	lab_until 5 download_has_pod paused || return 1
	service_is -e 's|^  annotations:|&\n    lodestone.io/pause: "true"|'
	lab_until 5 connect_is tcp 80 refused || { say "new connections: $(connect tcp 80)"; return 1; }
	both_next_hops || { say "next hops: $(vip_next_hops)"; return 1; }
	lab_ctl node-a show services -o json | jq -e '.[0].paused and .[0].announced' >/dev/null || return 1
	download_finished paused || { say "the download: $(tail -n 1 "$LAB_DIR/download.paused")"; return 1; }
	say "new connections refused, the download from $(download_pod paused) finished, the route is there"
	STEP_NOTE="new connections refused, the download finished, still announced"
	service_is_itself
}

# Changes hold for a flow that lives: its packets are dropped while its client is outside, and it goes on when it is
# inside again.
step_source_ranges() {
	local before
	download_start ranges 8
	lab_until 5 download_has_pod ranges || return 1
	service_is -e 's|^  type: LoadBalancer|&\n  loadBalancerSourceRanges: [10.9.0.0/24, "2001:db8::/32"]|'
	lab_until 5 answers || return 1
	kill -0 "${DOWNLOAD_PID[ranges]}" || { say "the download of a client that may ended"; return 1; }
	before=$(dropped source)
	service_is -e 's|^  type: LoadBalancer|&\n  loadBalancerSourceRanges: [192.0.2.0/24]|'
	lab_until 5 dropped_since source "$before" || { say "of a download from outside nothing is dropped"; return 1; }
	lab_until 5 connect_is tcp 80 silence || { say "from outside of the ranges: $(connect tcp 80)"; return 1; }
	both_next_hops || return 1
	before=$(($(dropped source) - before))
	service_is_itself || return 1
	download_finished ranges || { say "the download: $(tail -n 1 "$LAB_DIR/download.ranges")"; return 1; }
	say "from outside of the ranges: silence, $before packets dropped; the download went on inside"
	STEP_NOTE="served inside of the ranges; outside $before packets dropped, of a download that finished inside again"
}

# deny PREFIX...: on all nodes.
deny() {
	local list
	list=$(printf ', "%s"' "$@")
	printf '%s\n' 'apiVersion: lodestone.io/v1alpha1' 'kind: LodestoneConfig' 'metadata: {name: default.lab}' \
		"spec: {dataplane: {deny: [${list#, }]}}" >"$LAB_DIR/deny.new"
	mv "$LAB_DIR/deny.new" "$LAB_DIR/config/deny.yaml"
}
echoes() { lab_in client ping -c 1 -W 1 "$VIP" >/dev/null; }

# dropped_since REASON COUNT: more than some packets since.
dropped_since() { [ "$(dropped "$1")" -gt $(($2 + 3)) ]; }

step_denied() {
	local before
	download_start denied 8
	lab_until 5 download_has_pod denied || return 1
	deny 10.9.0.99/32 2001:db8::/32 nonsense
	lab_until 5 denied_prefixes_are 2 || return 1
	answers || { say "beside a denied source: $(connect tcp 80)"; return 1; }
	echoes || return 1
	lab_ctl node-a show problems -o json | jq -e '[.[] | select(.reason == "BadPrefix")] | length == 1' >/dev/null || return 1
	before=$(dropped denied)
	deny 10.9.0.0/24
	lab_until 5 denied_prefixes_are 1 || return 1
	if echoes; then say "echo is answered"; return 1; fi
	lab_until 5 dropped_since denied "$before" || return 1
	rm "$LAB_DIR/config/deny.yaml"
	lab_until 5 denied_prefixes_are 0 && lab_until 5 echoes || return 1
	before=$(($(dropped denied) - before))
	download_finished denied || { say "the download: $(tail -n 1 "$LAB_DIR/download.denied")"; return 1; }
	deny 10.9.0.2/32
	lab_until 5 connect_is tcp 80 silence || { say "from a denied source: $(connect tcp 80)"; return 1; }
	both_next_hops || return 1
	rm "$LAB_DIR/config/deny.yaml"
	lab_until 5 denied_prefixes_are 0 && lab_until 5 answers || return 1
	say "denied for a while: $before packets dropped, no echo, the download went on; new connections: silence"
	STEP_NOTE="silence, $before packets of a download dropped, which finished once it was undone"
}

# deny_many FIRST: 100,000 prefixes from the FIRST-th of a row of them, every fourth of IPv6. None is the client's.
deny_many() {
	awk -v first="$1" 'BEGIN {
		print "apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default.lab}"
		print "spec:\n  dataplane:\n    deny:"
		for (i = first; i < first + 100000; i++) {
			high = int(i / 65536); middle = int(i / 256) % 256
			if (i % 4) printf "    - %d.%d.%d.%d/32\n", 11 + high, middle, i % 256, i % 251
			else printf "    - 2a00:%x:%x::/48\n", high, i % 65536
		}
	}' >"$LAB_DIR/deny.new"
	mv "$LAB_DIR/deny.new" "$LAB_DIR/config/deny.yaml"
}

# A feed of them, as it is written, written anew with a tenth of it exchanged and the client in it, and taken back.
step_denied_many() {
	deny_many 0
	lab_until 20 denied_prefixes_are 100000 || { lab_ctl node-a status; return 1; }
	answers || { say "beside 100,000 denied prefixes: $(connect tcp 80)"; return 1; }
	deny_many 10000
	echo '    - 10.9.0.2/32' >>"$LAB_DIR/config/deny.yaml"
	lab_until 20 denied_prefixes_are 100001 || { lab_ctl node-a status; return 1; }
	lab_until 5 connect_is tcp 80 silence || { say "from a denied source: $(connect tcp 80)"; return 1; }
	rm "$LAB_DIR/config/deny.yaml"
	lab_until 20 denied_prefixes_are 0 && lab_until 5 answers || return 1
	STEP_NOTE="100,000 prefixes from a file, a tenth of them exchanged, taken back"
}
denied_prefixes_are() {
	local node
	for node in "${LAB_NODES[@]}"; do
		[ "$(lab_ctl "$node" status -o json | jq .dataplane.denied.prefixes)" = "$1" ] || return 1
	done
}
