# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Agents of the lab without files, each with a feeder that has no privilege. Sourced behind tests/kube/server.bash.

FEEDER=$LAB_ROOT/build/lodestone-kube
declare -A FEEDER_PID LAB_AGENT_PID

# An agent without files.
lab_agent_up() {
	local node=$1 dir=$LAB_DIR/$1
	mkdir -p "$dir/none"
	rm -f "$dir/feed.sock" # of an agent that was killed
	lab_spawn "$LAB_DIR/$node.log" "$node" "$LAB_AGENT" --node "$node" --config "$dir/none" \
		--feed "$dir/feed.sock" --socket "$dir/lodestoned.sock" --pin "$(lab_pin "$node")" --state "$dir/state"
	LAB_AGENT_PID[$node]=$LAB_PID
	# The group that may connect is made by installing.
	lab_until 10 test -S "$dir/feed.sock" && chmod 755 "$dir" && chmod 666 "$dir/feed.sock"
}

# feeder_up NODE FLAGS...: as nobody, without a capability.
feeder_up() {
	local node=$1
	shift
	lab_spawn "$LAB_DIR/$node.feeder.log" "$node" setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
		--inh-caps=-all --bounding-set=-all "$FEEDER" --agent "$LAB_DIR/$node/feed.sock" \
		--kubeconfig "$LAB_DIR/kube/feeder.kubeconfig" --node "$node" --log-level debug "$@"
	FEEDER_PID[$node]=$LAB_PID
}

write_kubeconfig() {
	cat >"$LAB_DIR/kube/feeder.kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: feeder}}]
clusters: [{name: lab, cluster: {server: "$KUBE_URL", certificate-authority: certs/apiserver.crt}}]
users: [{name: feeder, user: {tokenFile: token}}]
CONFIG
	chmod 755 "$LAB_DIR/kube" "$LAB_DIR/kube/certs"
}
write_token() {
	printf '%s\n' "$1" >"$LAB_DIR/kube/token.new"
	mv "$LAB_DIR/kube/token.new" "$LAB_DIR/kube/token"
}

feed() { lab_ctl "$1" status -o json | jq -r ".feed | $2"; }
kind_is() { [ "$(feed "$1" ".kinds[] | select(.kind == \"$2\").state")" = "$3" ]; }
is_whole() { [ "$(lab_ctl "$1" status -o json | jq -r 'all(.sources[]; .complete)')" = true ]; }
has_problem() { lab_ctl "$1" show problems -o json | jq -e --arg r "$2" 'any(.[]; .reason == $r)'; }
has_no_problem() { ! has_problem "$@"; }
feeder_said() { grep -qE "$2" "$LAB_DIR/$1.feeder.log"; }
router_has() { lab_vtysh "show bgp ipv4 unicast $1 json" | jq -e '.paths[0].valid'; }
router_has_not() { ! router_has "$1"; }

LEASE=/apis/coordination.k8s.io/v1/namespaces/metallb-system/leases/lodestone-ipam
holder() { kube_curl -f "$KUBE_URL$LEASE" 2>/dev/null | jq -r '.spec.holderIdentity // "" | sub("_[^_]*$"; "")'; }
is_held() { [ -n "$(holder)" ]; }
is_held_by_another() { is_held && [ "$(holder)" != "$1" ]; }
