# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Which pod a client keeps: with affinity, its own, also when others come that its row likes better; and a
# client that uses one port for two addresses, with a pod for each of them.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

keeping_all() {
	run_step affinity "Clients keep their pods when others come" step_affinity &&
		run_step two-addresses "One port of the client for two addresses" step_two_addresses &&
		run_step weights "Three parts of new flows to one pod, one part to the other" step_weights
}

choose() { lab_in client python3 "$LAB_ROOT/scripts/lab-pairs" "$@"; }

# of_clients FIRST N: addresses of the client's.
of_clients() {
	local i
	for ((i = $1; i < $1 + $2; i++)); do printf '10.9.0.%s\n' "$i"; done
}

# backends_are N: as many are served on each node.
backends_are() {
	local node
	for node in "${LAB_NODES[@]}"; do
		[ "$(lab_ctl "$node" show services -o json |
			jq --arg vip "$VIP" '[.[] | select(.vip == $vip).backends[]? | select(.state == "ready")] | length')" = "$1" ] || return 1
	done
}

step_affinity() {
	local a old=$LAB_DIR/affinity.old new=$LAB_DIR/affinity.new others=$LAB_DIR/affinity.others
	local known strangers
	mapfile -t known < <(of_clients 20 12)
	mapfile -t strangers < <(of_clients 40 12)
	for a in "${known[@]}" "${strangers[@]}"; do lab_in client ip addr add "$a/24" dev eth0; done
	service_is -e 's|^  type: LoadBalancer|&\n  sessionAffinity: ClientIP|'
	write_slices a1 b1
	lab_until 10 backends_are 1 && lab_until 10 answers || return 1
	# So many that each is known to both nodes, between which the router divides them by port.
	choose from "$VIP" 24 "${known[@]}" >"$old" || return 1
	write_slices a1 a2 b1 b2
	lab_until 10 backends_are 2 && lab_until 10 answers || return 1
	sleep 11 # two walks of the agents: what settles has
	choose from "$VIP" 12 "${known[@]}" >"$new" && choose from "$VIP" 12 "${strangers[@]}" >"$others" || return 1
	say "known clients met $(jq -c '[.[][]] | unique' "$new"), new ones $(jq -c '[.[][]] | unique' "$others")"
	jq -e '[.[][]] | unique - ["a1", "b1"] == []' "$new" >/dev/null || return 1
	# Each of these has a row on either node, whose first pod is the new one or the old one.
	jq -e '[.[][]] | unique | length == 4' "$others" >/dev/null || return 1
	jq -e 'all(.[]; map(select(startswith("a"))) | length < 2) and all(.[]; map(select(startswith("b"))) | length < 2)' \
		"$others" >/dev/null || return 1
	STEP_NOTE="$(jq length "$new") clients kept a1 and b1, new ones have all four"
	for a in "${known[@]}" "${strangers[@]}"; do lab_in client ip addr del "$a/24" dev eth0; done
	service_is_itself
}

# A second Service in front of the same pods.
write_second() {
	{
		sed -e '1,/^---$/d' -e 's/name: nginx-lb$/name: second/' -e '/healthCheckNodePort/d' \
			-e 's|^  annotations:|&\n    metallb.io/loadBalancerIPs: 192.168.100.77|' "$LAB_DIR/service.kept"
		echo ---
		sed -e 's/nginx-lb/second/' "$LAB_DIR/config/slices.yaml"
	} >"$LAB_DIR/second.new"
	mv "$LAB_DIR/second.new" "$LAB_DIR/config/second.yaml"
}
second_answers() { lab_in client bash -c ': </dev/tcp/192.168.100.77/80' 2>/dev/null; }

step_two_addresses() {
	local out=$LAB_DIR/pairs.json
	write_second
	lab_until 15 second_answers || { lab_ctl node-a show services; lab_ctl node-a show problems; return 1; }
	# shellcheck disable=SC2046 # words
	choose "$VIP" 192.168.100.77 $(seq 20000 20039) >"$out" || return 1
	jq -r '.failed[:5][] | "  failed: \(.)"' "$out"
	say "$(jq -r '"\(.pairs) pairs of connections, of which \(.same) were with one pod"' "$out")"
	jq -e '.pairs == 40 and .failed == [] and .same == 0' "$out" >/dev/null || return 1
	STEP_NOTE="40 ports for two addresses each, and a pod for either"
	rm "$LAB_DIR/config/second.yaml"
	lab_until 20 second_is_gone
}
second_is_gone() { ! lab_ctl node-a show services -o json | grep -q 192.168.100.77; }

WEIGHTED_VIP=192.168.100.78 WEIGHTED_REQUESTS=1600
# A Service whose slices have weights: 3 for the first pod of each node, 1 for the second.
write_weighted() {
	local pod weight file=$LAB_DIR/weighted.new
	{
		printf '%s\n' 'apiVersion: v1' 'kind: Service' 'metadata:' '  name: weighted' '  namespace: default' \
			"  annotations: {metallb.io/loadBalancerIPs: $WEIGHTED_VIP}" \
			'spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]}'
		for pod in a1 a2 b1 b2; do
			case $pod in *1) weight=3 ;; *) weight=1 ;; esac
			printf '%s\n' --- 'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' 'metadata:' \
				"  name: weighted-$pod" '  namespace: default' '  labels: {kubernetes.io/service-name: weighted}' \
				"  annotations: {lodestone.io/weight: \"$weight\"}" 'addressType: IPv4' 'ports: [{port: 80}]' \
				"endpoints: [{addresses: [${LAB_POD_ADDR[$pod]}], nodeName: node-${pod:0:1}, conditions: {ready: true}}]"
		done
	} >"$file"
	mv "$file" "$LAB_DIR/config/weighted.yaml"
}
weighted_answers() { lab_in client bash -c ": </dev/tcp/$WEIGHTED_VIP/80" 2>/dev/null; }

# Of rows nobody has more than 2 % above its share, so the pods of weight 3 have 74.5 to 76.5 % of them; which row a
# flow has is chance, of which four standard deviations are 4.3 %.
step_weights() {
	local out=$LAB_DIR/weights.json
	write_weighted
	lab_until 15 weighted_answers || { lab_ctl node-a show services; lab_ctl node-a show problems; return 1; }
	lab_in client "$LAB_ROOT/build/tests/client" requests "http://$WEIGHTED_VIP/" "$WEIGHTED_REQUESTS" >"$out"
	STEP_NOTE="$(jq -r '"\(100 * (.pods.a1 + .pods.b1) / .requests | floor) % of \(.requests) to the pods of weight 3"' "$out")"
	say "$(jq -c .pods "$out")"
	rm "$LAB_DIR/config/weighted.yaml"
	jq -e '.failed == [] and ((.pods.a1 + .pods.b1) / .requests - 0.75 | fabs) < 0.06' "$out" >/dev/null
}
