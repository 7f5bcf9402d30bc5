# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What a scraper reads of running agents, over HTTP as Prometheus does: that it is what promtool takes, that values
# follow what happens (packets of a VIP, a pod that leaves, a session that is shut down), that no counter is less
# after kill -9, and that address and ports are the configuration's. And the alerts of deploy/ have their cases.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

metrics_all() {
	run_step metrics-scrape "A scrape of both nodes, in both formats, as promtool reads it" step_metrics_scrape &&
		run_step metrics-packets "Packets of a VIP are counted, and stay so when a pod leaves" step_metrics_packets &&
		run_step metrics-session "A session that the router shuts down, and its return" step_metrics_session &&
		run_step metrics-killed "kill -9: no counter is less than before" step_metrics_killed &&
		run_step metrics-dashboards "Each query of the dashboards has an answer of a Prometheus that scrapes both" step_metrics_dashboards &&
		run_step metrics-address "Another address without a restart; a port that is taken" step_metrics_address &&
		run_step metrics-alerts "Each alert of deploy/ fires and rests" step_metrics_alerts
}

# mt_get NODE URL [CURL'S OPTIONS...]
mt_get() {
	local node=$1 url=$2
	shift 2
	lab_in "$node" curl -sf -m 5 "$@" "$url"
}
# mt_scrape NODE: what the client's side of the network reads there.
mt_scrape() { mt_get client "http://${LAB_NODE_ADDR[$1]}:7472/metrics"; }
# mt_value NODE PREFIX: the sum of the samples that begin so.
mt_value() { mt_scrape "$1" | awk -v p="$2" 'index($0, p) == 1 { n += $NF; any = 1 } END { if (any) print n }'; }
mt_is() { [ "$(mt_value "$1" "$2")" = "$3" ]; }
mt_over() { [ "$(mt_value "$1" "$2")" -gt "$3" ]; }

# Names of MetalLB's that the linter would have otherwise are its own affair.
mt_lint() {
	local bad
	bad=$(promtool check metrics <"$1" 2>&1 | grep -v '^metallb_[a-z0-9_]* \(non-\)\?counter metrics should')
	[ -z "$bad" ] || { say "$bad"; return 1; }
}

step_metrics_scrape() {
	local node file=$LAB_DIR/scrape
	[ -n "$(command -v promtool)" ] || { say "promtool is missing: scripts/deps lab"; return 1; }
	for node in node-a node-b; do
		mt_scrape "$node" >"$file" || { say "$node does not answer"; return 1; }
		mt_lint "$file" || return 1
		mt_get client "http://${LAB_NODE_ADDR[$node]}:7472/metrics" -D "$file.head" \
			-H 'Accept: application/openmetrics-text;version=1.0.0' >"$file.open" || return 1
		grep -qi '^content-type: application/openmetrics-text; version=1.0.0' "$file.head" || { say "no OpenMetrics"; return 1; }
		[ "$(tail -n 1 "$file.open")" = '# EOF' ] || { say "OpenMetrics without an end"; return 1; }
		[ "$(mt_get "$node" http://127.0.0.1:17472/healthz)" = ok ] || { say "not healthy"; return 1; }
		[ "$(mt_get "$node" http://127.0.0.1:17472/readyz)" = ok ] || { say "not ready"; return 1; }
		mt_is "$node" 'metallb_bgp_session_up{peer="192.168.1.1:179",vrf="default"}' 1 &&
			mt_is "$node" "metallb_speaker_announced{service=\"default/nginx-lb\",protocol=\"bgp\",node=\"$node\",ip=\"$VIP\"}" 1 &&
			mt_is "$node" lodestone_interface_mode 1 || return 1
	done
	STEP_NOTE="$(grep -vc '^#' "$file") samples of $(grep -c '^# TYPE' "$file") families"
}

MT_PACKETS="lodestone_service_packets_total{namespace=\"default\",service=\"nginx-lb\",vip=\"$VIP\",port=\"80\""
mt_packets() { echo $(($(mt_value node-a "$MT_PACKETS") + $(mt_value node-b "$MT_PACKETS"))); }
mt_packets_over() { [ "$(mt_packets)" -gt "$1" ]; }

step_metrics_packets() {
	local before between sum after
	before=$(mt_packets)
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$VIP/" 50 >"$LAB_DIR/fifty.json" || return 1
	lab_until 5 mt_packets_over $((before + 199)) || { say "$before packets before, $(mt_packets) after 50 requests"; return 1; }
	sleep 1.1 # a text is good for a second
	between=$(mt_packets)
	write_slices a1 b1
	lab_until 10 ready_backends_are node-a 1 || return 1
	sum=$(lab_ctl node-a show services -o json | jq '.[0].packets')
	sleep 1.1
	after=$(mt_packets)
	write_slices a1 a2 b1 b2
	lab_until 10 ready_backends_are node-a 2 || return 1
	STEP_NOTE="$before packets, $between after 50 requests, $after without two of the pods"
	[ "$after" -ge "$between" ] && [ "$sum" -ge 0 ]
}

step_metrics_session() {
	local up='metallb_bgp_session_up{peer="192.168.1.1:179",vrf="default"}' flaps heard
	local codes='lodestone_bgp_notifications_total{peer="192.168.1.1:179",vrf="default",name="router-primary",direction="received",code="6"}'
	flaps=$(mt_value node-a lodestone_bgp_session_flaps_total) heard=$(mt_value node-a "$codes")
	lab_frr "$LAB_DIR/frr" -c 'configure terminal' -c 'router bgp 64512' -c 'neighbor 192.168.1.10 shutdown' >/dev/null
	lab_until 10 mt_is node-a "$up" 0 && mt_is node-b "$up" 1 &&
		mt_is node-a lodestone_bgp_session_flaps_total $((flaps + 1)) &&
		mt_is node-a "$codes" $((heard + 1)) &&
		mt_is node-a 'metallb_bgp_announced_prefixes_total' 0 || return 1
	[ "$(mt_get node-a http://127.0.0.1:17472/readyz)" = ok ] || { say "readiness depends on BGP"; return 1; }
	lab_frr "$LAB_DIR/frr" -c 'configure terminal' -c 'router bgp 64512' -c 'no neighbor 192.168.1.10 shutdown' >/dev/null
	lab_until 60 mt_is node-a "$up" 1 && lab_until 10 mt_is node-a metallb_bgp_announced_prefixes_total 1 &&
		lab_until 10 mt_is node-a metallb_bgp_pending_prefixes_total 0
}

# mt_less BEFORE AFTER: counters of the first scrape that are less in the second, or gone.
mt_less() {
	awk '
	/^# TYPE/ { is_counter = $4 == "counter" || $4 == "histogram"; next }
	/^#/ { next }
	!is_counter { next }
	FNR == NR { before[substr($0, 1, length($0) - length($NF) - 1)] = $NF; next }
	{ after[substr($0, 1, length($0) - length($NF) - 1)] = $NF }
	END {
		for (name in before)
			if (!(name in after) || after[name] + 0 < before[name] + 0)
				print name, before[name], "then", (name in after) ? after[name] : "nothing"
	}' "$1" "$2"
}

step_metrics_killed() {
	local less
	mt_scrape node-a >"$LAB_DIR/before" || return 1
	lab_kill KILL "${LAB_AGENT_PID[node-a]}"
	lab_agent_up node-a
	lab_until 20 peer_is_established node-a && lab_until 10 both_next_hops || return 1
	mt_scrape node-a >"$LAB_DIR/after" || return 1
	less=$(mt_less "$LAB_DIR/before" "$LAB_DIR/after")
	[ -z "$less" ] || { say "$less"; return 1; }
	STEP_NOTE="$(grep -c _total "$LAB_DIR/before") counters, $(awk '/^metallb_bgp_updates_total\{/ { print $NF }' "$LAB_DIR/before") UPDATEs before and $(awk '/^metallb_bgp_updates_total\{/ { print $NF }' "$LAB_DIR/after") after"
	[ "$(awk '/^metallb_bgp_opens_sent\{/ { print $NF }' "$LAB_DIR/after")" -gt "$(awk '/^metallb_bgp_opens_sent\{/ { print $NF }' "$LAB_DIR/before")" ]
}

# mt_ask QUERY: what Prometheus answers.
mt_ask() { mt_get client http://127.0.0.1:9090/api/v1/query --get --data-urlencode "query=$1"; }
mt_has_scraped() { mt_ask 'count(count_over_time(lodestone_build_info[1m]) >= 5)' | jq -e '.data.result[0].value[1] == "2"'; }

# Targets have the labels that the Prometheus Operator gives them, two of which the agent's series have, too.
mt_prometheus_up() {
	printf '%s\n' 'global: {scrape_interval: 1s, scrape_timeout: 1s}' 'scrape_configs:' '- job_name: lodestone' '  honor_labels: true' \
		'  static_configs:' "  - targets: ['${LAB_NODE_ADDR[node-a]}:7472', '${LAB_NODE_ADDR[node-b]}:7472']" \
		'    labels: {namespace: metallb-system, service: lodestone-monitoring}' >"$LAB_DIR/prometheus.yml"
	lab_in client ip link set lo up
	lab_spawn "$LAB_DIR/prometheus.log" client prometheus --config.file="$LAB_DIR/prometheus.yml" \
		--storage.tsdb.path="$LAB_DIR/prometheus" --web.listen-address=127.0.0.1:9090
}

step_metrics_dashboards() {
	local pid board panel when labels query answer n=0 quiet=0
	grep -q 'honorLabels: true' "$LAB_ROOT/deploy/kustomize/monitoring/servicemonitor.yaml" &&
		grep -q 'honorLabels: true' "$LAB_ROOT/deploy/kustomize/monitoring-pods/podmonitor.yaml" || { say "labels are not honoured"; return 1; }
	mt_prometheus_up
	pid=$LAB_PID
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$VIP/" 50 >"$LAB_DIR/fifty.json" || return 1
	lab_until 60 mt_has_scraped || { say "$(tail -n 3 "$LAB_DIR/prometheus.log")"; return 1; }
	while IFS=$'\t' read -r board panel when labels query; do
		query=${query//'$__rate_interval'/10s} query=${query//'$instance'/.*} query=${query//'$namespace'/.*} query=${query//'$service'/.*}
		answer=$(mt_ask "$query") || { say "$board, $panel: refused: $query"; return 1; }
		if [ "$(jq '.data.result | length' <<<"$answer")" = 0 ]; then
			quiet=$((quiet + 1))
			[ "$when" = sometimes ] || { say "$board, $panel: nothing: $query"; return 1; }
		fi
		[ "$labels" = - ] || jq -e --arg l "$labels" '[.data.result[].metric | [has($l | split(",")[])] | all] | all' <<<"$answer" >/dev/null ||
			{ say "$board, $panel: not all of $labels: $(jq -c '.data.result[0].metric' <<<"$answer")"; return 1; }
		n=$((n + 1))
	done < <("$LAB_ROOT/scripts/dashboards" --queries)
	lab_kill TERM "$pid"
	STEP_NOTE="$n queries, $quiet of them without series here, which may be"
	[ "$n" -gt 40 ] && [ "$quiet" -lt 10 ]
}

mt_write_address() {
	printf '%s\n' 'apiVersion: lodestone.io/v1alpha1' 'kind: LodestoneConfig' 'metadata: {name: node-a}' \
		"spec: {metrics: {address: \"$1\"}}" >"$LAB_DIR/address.new"
	mv "$LAB_DIR/address.new" "$LAB_DIR/config/address.yaml"
}
mt_answers() { mt_get client "http://${LAB_NODE_ADDR[node-a]}:$1/metrics" -o /dev/null; }
mt_is_silent() { ! mt_answers "$1"; }
mt_listens() { lab_in "$1" ss -ltnH "sport = :$2" | grep -q .; }
mt_has_problem() { lab_ctl node-a show problems -o json | jq -e --arg r "$1" 'any(.reason == $r)' >/dev/null; }
mt_has_none() { ! mt_has_problem "$1"; }

step_metrics_address() {
	local pid=${LAB_AGENT_PID[node-a]}
	mt_write_address "${LAB_NODE_ADDR[node-a]}:7480"
	lab_until 10 mt_answers 7480 && mt_is_silent 7472 || return 1
	mt_write_address off
	lab_until 10 mt_is_silent 7480 || return 1
	lab_begin "$LAB_DIR/taken" node-a python3 -c 'import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", 7481)); s.listen(); time.sleep(60)'
	lab_until 10 mt_listens node-a 7481 || return 1
	mt_write_address :7481
	lab_until 10 mt_has_problem MetricsPortTaken || return 1
	STEP_NOTE=$(lab_ctl node-a show problems -o json | jq -r '.[] | select(.reason == "MetricsPortTaken") | .message + "; " + .remedy')
	lab_kill KILL "$LAB_PID"
	lab_until 15 mt_answers 7481 && lab_until 5 mt_has_none MetricsPortTaken || return 1
	rm "$LAB_DIR/config/address.yaml"
	lab_until 10 mt_answers 7472 && [ "$pid" = "${LAB_AGENT_PID[node-a]}" ] && ! lab_gone "$pid"
}

step_metrics_alerts() {
	"$LAB_ROOT/tests/rules/run" >"$LAB_DIR/rules.out" 2>&1 || { say "$(tail -n 20 "$LAB_DIR/rules.out")"; return 1; }
	STEP_NOTE=$(grep -o '[0-9]* rules found' "$LAB_DIR/rules.out")
}
