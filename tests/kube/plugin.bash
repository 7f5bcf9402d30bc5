# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# kubectl lodestone as an operator has it: a real kubectl finds the plugin, the API server finds the pod and its node, and
# asks there for the command to be run, which the door of a kubelet (kubelet-exec of tests/kube/build) does in podman's
# container. Sourced by tests/kube/pods.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

KUBELET_PORT=10250

plugin() { HOME=$LAB_DIR KUBECONFIG=$LAB_DIR/kube/admin.kubeconfig PATH=$LAB_DIR/plugin:$PATH lab_in router kubectl lodestone "$@" </dev/null; }
plugin_is_there() { "$LAB_ROOT/tests/kube/build" --where kubelet-exec >/dev/null; }

# What the kubelet of a node does besides running containers: the pod's object, where to reach the node, the door itself.
plugin_node() {
	local node=$1 pod=lodestone-$1
	jq --arg node "$node" --arg pod "$pod" '{apiVersion: "v1", kind: "Pod",
		metadata: {name: $pod, namespace: .metadata.namespace, labels: .spec.template.metadata.labels},
		spec: (.spec.template.spec + {nodeName: $node})}' "$LAB_DIR/pod.json" | kapply -f - >/dev/null || return 1
	kctl -n metallb-system patch pod "$pod" --subresource=status --type=merge -p '{"status": {"phase": "Running"}}' >/dev/null || return 1
	kctl patch node "$node" --subresource=status --type=merge -p "{\"status\": {\"addresses\":
		[{\"type\": \"InternalIP\", \"address\": \"${LAB_NODE_ADDR[$node]}\"}],
		\"daemonEndpoints\": {\"kubeletEndpoint\": {\"Port\": $KUBELET_PORT}}}}" >/dev/null || return 1
	lab_spawn "$LAB_DIR/$node.kubelet.log" "$node" "$KUBE_BIN/kubelet-exec" "${LAB_NODE_ADDR[$node]}:$KUBELET_PORT" \
		"$LAB_DIR/kube/certs/apiserver.crt" "$LAB_DIR/kube/certs/apiserver.key" "$LAB_DIR/plugin/run"
}
plugin_up() {
	local node
	mkdir -p "$LAB_DIR/plugin"
	ln -s "$LAB_ROOT/build/lodectl" "$LAB_DIR/plugin/kubectl-lodestone"
	# shellcheck disable=SC2016 # expanded by the script
	printf '%s\n' '#!/bin/bash' "LAB_DIR=$LAB_DIR" "$(declare -f pod_podman)" \
		'pod_podman exec -i "'"$LAB"'-${1#lodestone-}-$2" "${@:3}"' >"$LAB_DIR/plugin/run"
	chmod +x "$LAB_DIR/plugin/run"
	for node in "${LAB_NODES[@]}"; do plugin_node "$node" || return 1; done
}
plugin_answers() { [ "$(plugin --node "$1" status -o json | jq -r .node)" = "$1" ]; }

step_plugin() {
	local node code=0
	plugin_up || return 1
	for node in "${LAB_NODES[@]}"; do
		lab_until 60 plugin_answers "$node" || {
			say "no answer of $node: $(plugin --node "$node" status 2>&1 | tail -n 2)"
			return 1
		}
	done
	[ "$(plugin --all-nodes show peers | grep -c '^== node-[ab]$')" = 2 ] || return 1
	plugin same | tee "$LAB_DIR/plugin/same" | sed 's/^/  /'
	grep -q node-b "$LAB_DIR/plugin/same" || return 1
	# What lodectl's exit code says comes through.
	plugin --node node-a explain service default/nobody >/dev/null 2>&1 || code=$?
	[ "$code" = 1 ] || { say "exit code $code for what is not known"; return 1; }
	plugin --node node-a support dump - 2>/dev/null | tar -t | grep -qx 'agent/status.json' || return 1
	plugin_captures node-a
}

# A capture through all of them: the file is the operator's.
plugin_captures() {
	local file=$LAB_DIR/plugin/capture.pcapng pid
	plugin --node "$1" capture --vip "$VIP:80" --seconds 15 >"$file" 2>"$LAB_DIR/plugin/said" &
	pid=$!
	lab_until 20 test -s "$file" || { say "no capture: $(tail -n 2 "$LAB_DIR/plugin/said")"; return 1; }
	for _ in $(seq 30); do lab_in client curl -sS --max-time 5 -o /dev/null "http://$VIP/" || return 1; done
	wait "$pid" || { say "$(tail -n 2 "$LAB_DIR/plugin/said")"; return 1; }
	STEP_NOTE="captured of 30 connections here: $(tcpdump -n -r "$file" "dst host $VIP and tcp[13] == 2" 2>/dev/null | wc -l); $(tail -n 1 "$LAB_DIR/plugin/said")"
	[ "$(tcpdump -n -r "$file" "src host 10.9.0.2 and dst host $VIP and tcp[13] == 2" 2>/dev/null | wc -l)" -gt 0 ] || return 1
	grep -aqE "to backend [0-9.]+:[0-9]+ on $1" "$file"
}
