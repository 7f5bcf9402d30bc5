# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# More of BFD, on the network of bfd.bash: signed packets with BIRD, BGP that waits for BFD, and many sessions (bfd_many.bash).

bfd_more_all() {
	lab_folder
	LAB_NODES=(bfd) # for lab_down
	run_step bfd-auth "Signed BFD with BIRD: every type, and keys that change without a flap" step_bfd_auth &&
		run_step bfd-strict "bfd-strict with FRR and BIRD: BGP waits for BFD" step_bfd_strict &&
		bfd_many_steps
}

# signed_bird TYPE KEYID KEY [VALUES]: what BIRD signs with; TYPE as it writes it, "none" without a key.
signed_bird() {
	local dir key="" values="min rx interval 50 ms; min tx interval 50 ms; idle tx interval 1 s; multiplier 3;"
	dir=$(bfd_dir bird)
	[ "$1" = none ] || key="password \"$3\" { id $2; };"
	cat >"$dir/bird.conf" <<-BIRD
		router id 10.60.2.1;
		log "$dir/bird.log" all;
		protocol device { scan time 5; }
		protocol bfd { interface "*" {
			${4:-$values}
			authentication $1; $key
		}; }
		protocol bgp node4 {
			local 10.60.2.1 as 64602;
			neighbor 10.60.2.2 as 64513;
			passive; bfd on;
			error wait time 1, 1; error forget time 1;
			ipv4 { import all; export none; };
		}
		protocol bgp node6 {
			local fd00:60:2::1 as 64602;
			neighbor fd00:60:2::2 as 64513;
			passive; bfd on;
			error wait time 1, 1; error forget time 1;
			ipv6 { import all; export none; };
		}
	BIRD
}
bird_reload() { birdc -s "$(bfd_dir bird)/ctl" configure | grep -q Reconfigured; }

# signed_peer TYPE KEYID KEY: the same for our side, over both families; TYPE as the annotation writes it.
signed_peer() {
	local annotations="{}"
	[ "$1" = none ] || annotations="{lodestone.io/bfd-auth: \"$1:$2:bfd-key\"}"
	cat >"$LAB_DIR/bfd-config/.peers" <<-YAML
		apiVersion: v1
		kind: Secret
		metadata: {name: bfd-key, namespace: metallb-system}
		type: kubernetes.io/basic-auth
		stringData: {password: "$3"}
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: bird4, namespace: metallb-system, annotations: $annotations}
		spec: {myASN: 64513, peerASN: 64602, peerAddress: 10.60.2.1, bfdProfile: fast}
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: bird6, namespace: metallb-system, annotations: $annotations}
		spec: {myASN: 64513, peerASN: 64602, peerAddress: "fd00:60:2::1", bfdProfile: fast}
	YAML
	mv "$LAB_DIR/bfd-config/.peers" "$LAB_DIR/bfd-config/peers.yaml"
}
# signed_with KEYS: "TYPE ID", and while the router does not sign so yet "TYPE ID TYPE ID"; over both families.
signed_with() {
	bfd_show | jq -e --arg keys "$1" 'length == 2 and all(.state == "Up" and
		([.authentication, .nextAuthentication // empty] | map("\(.type) \(.keyId // "-")") | join(" ")) == $keys)' >/dev/null
}
signed_is_refused() {
	bfd_show | jq -e 'length == 2 and all(.state == "Down" and .rejected["authentication digest"] > 3)' >/dev/null
}
signed_says() { say "$1: $(bfd_show | jq -c '.[] | {peer, state, authentication, nextAuthentication, rejected}')"; }

step_bfd_auth() {
	local flaps ours theirs name before="meticulous-keyed-sha1 1" id=1
	bfd_network
	bfd_config
	signed_bird "meticulous keyed sha1" 1 "sesame-1"
	signed_peer meticulous-keyed-sha1 1 "sesame-1"
	bfd_bird_start # on time: a session that goes down would have the new key alone
	bfd_agent_up
	lab_until 30 signed_with "$before" && lab_until 10 bfd_detects_in bird4 150 && lab_until 10 bfd_detects_in bird6 150 || {
		signed_says up
		tail -n 5 "$LAB_DIR/bfd.log"
		return 1
	}
	flaps=$(bfd_flaps)
	# Ours first: it takes both keys until BIRD signs with the other one.
	while IFS=: read -r ours theirs; do
		name="$ours $((++id))"
		[ "$ours" = none ] && name="none -"
		signed_peer "$ours" "$id" "sesame-$id"
		lab_until 5 signed_with "$before $name" || { signed_says "$name, ours"; return 1; }
		sleep 0.3
		signed_bird "$theirs" "$id" "sesame-$id"
		bird_reload || { say "BIRD does not take $theirs"; return 1; }
		lab_until 5 signed_with "$name" || { signed_says "$name, both"; return 1; }
		before=$name
	done <<-TYPES
		simple:simple
		keyed-md5:keyed md5
		meticulous-keyed-md5:meticulous keyed md5
		keyed-sha1:keyed sha1
		none:none
		meticulous-keyed-sha1:meticulous keyed sha1
	TYPES
	[ "$(bfd_flaps)" = "$flaps" ] || { say "flaps: $flaps, then $(bfd_flaps)"; return 1; }
	grep -q 'sesame' "$LAB_DIR/bfd.log" && { say "the key is in the log"; return 1; }
	# A wrong key is no peer.
	signed_bird "meticulous keyed sha1" "$id" "open-sesame"
	bird_reload
	lab_until 10 signed_is_refused || { signed_says "a wrong key"; return 1; }
	STEP_NOTE="over IPv4 and IPv6 $((id - 1)) changes of type and key: no flap; a wrong key is refused"
}

# strict_peers ANNOTATIONS: FRR and BIRD over IPv4.
strict_peers() {
	local d
	for d in frr bird; do
		cat <<-YAML
			apiVersion: metallb.io/v1beta2
			kind: BGPPeer
			metadata: {name: ${d}4, namespace: metallb-system, annotations: $1}
			spec: {myASN: 64513, peerASN: ${BFD_AS[$d]}, peerAddress: ${BFD_NET[$d]}.1, bfdProfile: fast}
			---
		YAML
	done >"$LAB_DIR/bfd-config/.peers"
	mv "$LAB_DIR/bfd-config/.peers" "$LAB_DIR/bfd-config/peers.yaml"
}
strict_peers_are() { # JQ: of every peer
	lab_ctl bfd show peers -o json 2>/dev/null | jq -e "length == 2 and all($1)" >/dev/null
}
# Whose BFD ended, and which side missed the other: "detection time expired" is our word, "neighbour signalled down" theirs.
strict_says() {
	local p
	say "$(lab_ctl bfd show peers -o json | jq -c '[.[] | {name, state, bfd, lastError}]')"
	for p in frr4 bird4; do
		say "$p: $(lab_ctl bfd show bfd $p -o json | jq -c '[.[0].changes[-6:][] | "\(.secondsAgo) \(.to) \(.diagnostic)"]')"
	done
	say "latest wake-up of our thread: $(lab_ctl bfd status -o json | jq .bfd.latestMillis) ms"
}
strict_drop() { # all BFD of the routers, or none
	local d
	for d in frr bird; do
		if [ "$1" = all ]; then
			lab_in "b-$d" nft -f - <<<"table inet strict { chain out { type filter hook output priority 0; udp dport 3784 drop; }; }"
		else
			lab_in "b-$d" nft delete table inet strict
		fi
	done
}

# Not at 50 ms x 3: the step asks what BGP does, and a router of a busy machine misses 150 ms.
step_bfd_strict() {
	bfd_frr_up || { say "FRR does not start"; return 1; }
	bfd_profile "transmitInterval: 300, receiveInterval: 300, detectMultiplier: 5"
	bfd_router_interval frr 300
	vtysh --vty_socket "$(bfd_dir frr)" --config_dir "$(bfd_dir frr)" -c "configure terminal" -c bfd -c "profile fast" \
		-c "detect-multiplier 5" >/dev/null
	signed_bird none "" "" "min rx interval 300 ms; min tx interval 300 ms; idle tx interval 1 s; multiplier 5;"
	bird_reload
	strict_peers "{}"
	lab_until 30 strict_peers_are '.state == "Established" and .bfd == "Up"' || { strict_says; return 1; }
	lab_until 10 bfd_detects_in frr4 1500 && lab_until 10 bfd_detects_in bird4 1500 || { strict_says; return 1; }
	strict_peers '{lodestone.io/bfd-strict: "true"}'
	sleep 1
	strict_peers_are '.state == "Established"' || { say "the annotation ends a session"; strict_says; return 1; }
	strict_drop all
	lab_until 20 strict_peers_are '.state == "OpenConfirm" and (.lastError | contains("bfd-strict"))' || { strict_says; return 1; }
	sleep 3
	strict_peers_are '.state != "Established"' || { say "BGP does not wait"; strict_says; return 1; }
	strict_drop none
	lab_until 30 strict_peers_are '.state == "Established" and .bfd == "Up"' || { strict_says; return 1; }
	STEP_NOTE="neither has the capability; both waited in OpenConfirm, and came back with BFD"
}
