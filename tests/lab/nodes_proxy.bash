# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# tests/lab/nodes.bash with a real kube-proxy (nftables) and BIRD on each node in the agents' place: ND_PLANE=proxy scripts/run-lab
# nodes_run. Pods and the Service are told by a real API server at the router; tests/kube/build has made it and kube-proxy.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

# The server and its objects are made when the nodes are told the first time.
nd_tell_proxy() {
	local node
	[ -n "${ND_API:-}" ] || nd_api_up || return 1
	for node in "${ND_NODES[@]}"; do
		nd_node "$node" | kube_apply || return 1
		[ -e "$LAB_DIR/bird-$node.ctl" ] || continue
		if [[ " ${ND_ATTRACT[*]} " = *" $node "* ]]; then nd_bird "$node" enable; else nd_bird "$node" disable; fi
	done
}
nd_bird() { birdc -s "$LAB_DIR/bird-$1.ctl" "$2" upstream >/dev/null; }

nd_api_up() {
	KUBE_BIN=$("$LAB_ROOT/tests/kube/build" --where kube-apiserver etcd kube-proxy) || {
		say 'NOT RUN: kube-apiserver, etcd and kube-proxy are not there; tests/kube/build kube-apiserver etcd kube-proxy builds them, once'
		return 1
	}
	# shellcheck source=tests/kube/server.bash
	. "$LAB_ROOT/tests/kube/server.bash"
	mkdir -p "$LAB_DIR/kube"
	kube_tokens
	kube_etcd_up
	kube_server_up || return 1
	ND_API=up
	cat >"$LAB_DIR/kube/config" <<-YAML
		apiVersion: v1
		kind: Config
		clusters: [{name: lab, cluster: {server: "$KUBE_URL", certificate-authority: $LAB_DIR/kube/certs/apiserver.crt}}]
		users: [{name: admin, user: {token: $KUBE_TOKEN}}]
		contexts: [{name: lab, context: {cluster: lab, user: admin}}]
		current-context: lab
	YAML
	{
		printf '%s\n' 'apiVersion: v1' 'kind: Namespace' 'metadata: {name: shop}' '---'
		nd_service web "$ND_VIP"
	} | kube_apply || return 1
	kube_curl -f -o "$LAB_DIR/kube/answer" -X PATCH -H 'Content-Type: application/merge-patch+json' \
		"$KUBE_URL/api/v1/namespaces/shop/services/web/status" -d "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"$ND_VIP\"}]}}}"
}

nd_put_proxy() { kube_apply; }

nd_up_proxy() {
	lab_spawn "$LAB_DIR/proxy-$1.log" "$1" "$KUBE_BIN/kube-proxy" --kubeconfig="$LAB_DIR/kube/config" --hostname-override="$1" \
		--proxy-mode=nftables --cluster-cidr=10.244.0.0/16 --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 \
		--conntrack-tcp-timeout-close-wait=0
	cat >"$LAB_DIR/bird-$1.conf" <<-BIRD
		router id ${LAB_NODE_ADDR[$1]};
		protocol device { }
		protocol static vip { ipv4; route $ND_VIP/32 blackhole; }
		protocol bgp upstream {
			local ${LAB_NODE_ADDR[$1]} as 64513;
			neighbor 192.168.1.1 as 64512;
			hold time 9;
			connect delay time 1;
			connect retry time 1;
			ipv4 { import none; export where source = RTS_STATIC; next hop self; };
		}
	BIRD
	lab_until 60 nd_proxy_has "$1" || { lab_in "$1" nft list table ip kube-proxy; tail -n 3 "$LAB_DIR/proxy-$1.log"; return 1; }
	lab_spawn "$LAB_DIR/bird-$1.log" "$1" bird -f -c "$LAB_DIR/bird-$1.conf" -s "$LAB_DIR/bird-$1.ctl" -P "$LAB_DIR/bird-$1.pid"
}
# The rules are there, with as many pods as are ready.
nd_proxy_has() {
	nd_in_state ready
	lab_in "$1" nft list table ip kube-proxy | grep -A 1 'chain service-.*-shop/web/' | grep -q "random mod ${#ND_LIST[@]} "
}
nd_ready_proxy() {
	local node
	for node in "${ND_NODES[@]}"; do nd_proxy_has "$node" || return 1; done
}
