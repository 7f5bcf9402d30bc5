# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Agents beside MetalLB on one API server: what both announce, compared, and who does what. Sourced behind
# tests/kube/agents.bash and kubectl.bash; MIGRATE_DIFF is where the last comparison is to lie.

# The router's table, and each prefix in detail, which is where FRR 8 says communities.
router_tables() {
	local prefix
	lab_vtysh 'show bgp ipv4 unicast json'
	for prefix in $(lab_vtysh 'show bgp ipv4 unicast json' | jq -r '.routes | keys[]'); do
		lab_vtysh "show bgp ipv4 unicast $prefix json"
	done
}
# diff_is NODE CODE [JQ TEXT]: of the router's tables.
diff_is() {
	local code=0
	router_tables >"$LAB_DIR/tables"
	lab_ctl "$1" migrate diff "$LAB_DIR/tables" -o json >"$MIGRATE_DIFF" || code=$?
	[ "$code" = "$2" ] && { [ $# -lt 3 ] || [ "$(jq -c "$3" "$MIGRATE_DIFF")" = "$4" ]; }
}
# shellcheck disable=SC2034 # read by those who source this file
route_results='[.routes[] | [.prefix, .result, (.differs | join("+"))]]'
objects_are() {
	local code=0
	kctl get "$2" -A -o json | lab_ctl "$1" migrate diff - >"$LAB_DIR/objects" || code=$?
	[ "$code" = "$3" ]
}

label() { kctl label node "$1" "lodestone.io/announces=$2" --overwrite >/dev/null; }
state_of() { lab_ctl "$1" show peers -o json | jq -r '.[0].state'; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
observes() { [ "$(lab_ctl "$1" status -o json | jq .observes)" = "$2" ]; }
is_served_by_xdp() { [ "$(lab_ctl "$1" status -o json | jq -r '.dataplane.mode')" = "$2" ]; }

# Everything that MetalLB has written, as it stands.
metallbs() {
	kctl get services,servicebgpstatuses.metallb.io,configurationstates.metallb.io,ipaddresspools.metallb.io -A -o json |
		jq -c '[.items[] | [.kind, .metadata.name, .metadata.resourceVersion]] | sort'
}

vip_has_communities() { [ "$(vip_communities)" = "$1" ]; }
statuses_are() { [ "$(kctl -n metallb-system get servicebgpstatuses -o json | jq -c '[.items[].metadata.name] | sort')" = "$1" ]; }
has_address() { [ -n "$(kctl get service "$1" -o 'jsonpath={.status.loadBalancer.ingress}')" ]; }
