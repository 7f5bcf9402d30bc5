# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The lab's API server through kubectl, as its administrator. Sourced behind tests/kube/server.bash.

kctl() { HOME=$LAB_DIR lab_in router kubectl --kubeconfig "$LAB_DIR/kube/admin.kubeconfig" "$@"; }
kapply() { kctl apply --server-side --force-conflicts "$@"; }
# kctl_delete ARGUMENTS...: again where the server could not be reached in time, for as long as lab_until has patience.
# What it refuses, and what was not there at first, is a fault at once.
kctl_delete() {
	KCTL_AGAIN=()
	lab_until 30 kctl_was_answered "$@" && [ "$KCTL_CODE" = 0 ]
}
kctl_was_answered() {
	KCTL_CODE=0
	kctl delete "$@" "${KCTL_AGAIN[@]}" >"$LAB_DIR/out" 2>&1 || KCTL_CODE=$?
	KCTL_AGAIN=(--ignore-not-found) # what an attempt before took away
	[ "$KCTL_CODE" = 0 ] || ! grep -qE 'TLS handshake timeout|i/o timeout|Client\.Timeout|context deadline exceeded' "$LAB_DIR/out"
}
KCTL_CODE=0 KCTL_AGAIN=()

# kube_need NAME PROGRAM...: ends the script, loudly, where a program or the servers are not there.
kube_need() {
	local name=$1 why='' program
	shift
	# shellcheck disable=SC2034 # server.bash reads it
	KUBE_BIN=$("$LAB_ROOT/tests/kube/build" --where) ||
		why='kube-apiserver and etcd are not there; tests/kube/build builds them, once'
	for program in "$@"; do command -v "$program" >/dev/null || why="$program is not there"; done
	[ -n "$why" ] || return 0
	printf '%s: SKIPPED: %s\n' "$name" "$why"
	printf '%s: 0 passed, 0 failed, 1 skipped\n' "$name"
	[ -z "${TEST_TALLY:-}" ] || printf '%s 0 0 1\n' "$name" >>"$TEST_TALLY"
	exit 0
}

# kube_begin FLAGS...: both servers, and who may ask.
kube_begin() {
	mkdir -p "$LAB_DIR/kube"
	kube_etcd_up
	kube_tokens token-1
	kube_server_up "$@" || return 1
	cat >"$LAB_DIR/kube/admin.kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: admin}}]
clusters: [{name: lab, cluster: {server: "$KUBE_URL", certificate-authority: certs/apiserver.crt}}]
users: [{name: admin, user: {token: $KUBE_TOKEN}}]
CONFIG
}

crd_condition() { kctl get crd "$1" -o "jsonpath={.status.conditions[?(@.type==\"$2\")].status}"; }
crd_is_established() { [ "$(crd_condition "$1" Established)" = True ]; }
crds_are_established() {
	local name
	while read -r name; do lab_until 20 crd_is_established "${name#*/}" || return 1; done < <(kctl get crd -o name)
}

# What the Prometheus Operator defines, of which monitoring's overlays have objects: any of each kind.
prometheus_kinds() {
	local kind plural
	for kind in PodMonitor ServiceMonitor PrometheusRule; do
		plural=${kind,,}s
		kapply -f - <<-YAML || return 1
			apiVersion: apiextensions.k8s.io/v1
			kind: CustomResourceDefinition
			metadata: {name: $plural.monitoring.coreos.com}
			spec:
			  group: monitoring.coreos.com
			  names: {kind: $kind, plural: $plural, singular: ${kind,,}}
			  scope: Namespaced
			  versions:
			  - name: v1
			    served: true
			    storage: true
			    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
		YAML
	done
	crds_are_established
}
