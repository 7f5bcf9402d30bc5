# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# What a session can be beside the plain one, with FRR (AS 64601) and BIRD (64602): internal, with AS numbers of
# two octets, long-lived graceful restart, roles, long messages, enhanced refresh, refused capabilities, another
# key on a living session between two agents of ours, a node that is drained. And a router that may dial us: a thousand connections that say
# nothing, and one that resets in every state. The hub's data plane is off.
#
#   hub 10.70.N.2, for internal sessions .3 ── N: 1 FRR .1 .9 .10, 2 BIRD .1 .9 .10, 3 old .1 .9, 4 crowd .1, 5 twin .1
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

declare -A PE_NET=([frr]=1 [bird]=2 [old]=3 [crowd]=4 [twin]=5)
PE_VIP=192.0.2.79
PE_VIP_LATE=192.0.2.80

peering_all() {
	lab_folder
	LAB_NODES=(hub twin) # for lab_down
	run_step peering-internal "iBGP with FRR and BIRD: localPref is read back, and no AS path" step_peering_internal &&
		run_step peering-octets "BIRD without 4-octet AS numbers: AS_TRANS and AS4_PATH; long-lived restart" step_peering_octets &&
		run_step peering-roles "Roles with FRR and BIRD: Only to Customer, and a mismatch in words" step_peering_roles &&
		run_step peering-long "BIRD: enhanced refresh, and a message of more than 4,096 octets" step_peering_long &&
		run_step peering-refused "Routers that answer 2/4 and 2/7 are given fewer capabilities" step_peering_refused &&
		run_step peering-key "Two agents: another MD5 key on the living session" step_peering_key &&
		run_step peering-crowd "1,000 connections half open, then 1,000 that say nothing" step_peering_crowd &&
		run_step peering-resets "A router that dials and ends in every state" step_peering_resets &&
		run_step peering-deaf "A router that never reads costs the others nothing" step_peering_deaf &&
		run_step peering-drain "Drain: FRR by itself and BIRD by a filter prefer others, then forget" step_peering_drain &&
		{ [ -z "${PE_LLGR:-}" ] || run_step peering-llgr "BIRD: a route outlives the restart time, as stale, and no longer than asked for" step_peering_llgr; }
}

# --- the network ------------------------------------------------------------------------------------

pe_dir() { echo "$LAB_DIR/pe-$1"; }

pe_network() {
	local d n
	lab_namespace hub
	for d in "${!PE_NET[@]}"; do
		n=${PE_NET[$d]}
		lab_namespace "$d"
		lab_veth "$d" eth0 hub "to-$d"
		lab_in "$d" ip addr add "10.70.$n.1/24" dev eth0
		lab_in "$d" ip addr add "10.70.$n.9/24" dev eth0
		lab_in "$d" ip addr add "10.70.$n.10/24" dev eth0
		lab_in hub ip addr add "10.70.$n.2/24" dev "to-$d"
		lab_in hub ip addr add "10.70.$n.3/24" dev "to-$d"
		lab_in hub ip addr add "10.70.$n.4/24" dev "to-$d"
		mkdir -p "$(pe_dir "$d")"
	done
}

pe_frr_up() {
	local dir
	dir=$(pe_dir frr)
	lab_frr_start frr "$dir" zebra bgpd && lab_frr_load "$dir" <<-FRR
		router bgp 64601
		 bgp router-id 10.70.1.1
		 no bgp ebgp-requires-policy
		 bgp log-neighbor-changes
		 neighbor 10.70.1.2 remote-as 4200000013
		 neighbor 10.70.1.2 passive
		 neighbor 10.70.1.3 remote-as 64601
		 neighbor 10.70.1.3 update-source 10.70.1.9
		 neighbor 10.70.1.3 passive
		 neighbor 10.70.1.4 remote-as 64513
		 neighbor 10.70.1.4 update-source 10.70.1.10
		 neighbor 10.70.1.4 passive
		 neighbor 10.70.1.4 local-role customer
	FRR
}
pe_vtysh() { lab_frr "$(pe_dir frr)" -c "$1"; }

# BIRD honours GRACEFUL_SHUTDOWN where a filter says so.
pe_bird_up() {
	local dir
	dir=$(pe_dir bird)
	cat >"$dir/bird.conf" <<-BIRD
		router id 10.70.2.1;
		log "$dir/bird.log" all;
		protocol device { scan time 5; }
		filter departing { if (65535, 0) ~ bgp_community then bgp_local_pref = 0; accept; }
		template bgp node {
			passive;
			error wait time 1, 1;
			error forget time 1;
			graceful restart aware;
			long lived graceful restart aware;
			ipv4 { import filter departing; export none; };
		}
		protocol bgp outer from node {
			local 10.70.2.1 as 64602;
			neighbor 10.70.2.2 external;
			enable as4 off;
		}
		protocol bgp up from node {
			local 10.70.2.10 as 64602;
			neighbor 10.70.2.4 external;
			local role customer;
			enable extended messages on;
			debug { packets };
		}
		protocol bgp inner from node { local 10.70.2.9 as 64602; neighbor 10.70.2.3 as 64602; }
	BIRD
	lab_spawn "$dir/out.log" bird bird -f -c "$dir/bird.conf" -s "$dir/ctl" -P "$dir/bird.pid"
}
pe_birdc() { birdc -s "$(pe_dir bird)/ctl" "$@"; }

# pe_peer NAME MY-ASN ASN ADDRESS [SPEC [ANNOTATION]]: on standard output.
pe_peer() {
	cat <<-PEER
		---
		apiVersion: metallb.io/v1beta2
		kind: BGPPeer
		metadata: {name: $1, namespace: metallb-system, annotations: {${6:-}}}
		spec: {myASN: $2, peerASN: $3, peerAddress: $4, connectTime: 1s${5:+, $5}}
	PEER
}
# pe_put NODE NAME: a document of that node's configuration, from standard input.
pe_put() {
	cat >"$LAB_DIR/$1-config/.$2"
	mv "$LAB_DIR/$1-config/.$2" "$LAB_DIR/$1-config/$2.yaml"
}

pe_agent_up() {
	lab_spawn "$LAB_DIR/$1.log" "$1" "$LAB_AGENT" --node "$1" --config "$LAB_DIR/$1-config" \
		--socket "$LAB_DIR/$1/lodestoned.sock" --pin "$(lab_pin "$1")" --state "$LAB_DIR/$1/state"
	LAB_AGENT_PID[$1]=$LAB_PID
}

pe_hub_config() {
	mkdir -p "$LAB_DIR/hub-config" "$LAB_DIR/twin-config"
	lab_one_service "$PE_VIP" hub 'localPref: 250' | pe_put hub objects
	{
		pe_peer frr 4200000013 64601 10.70.1.1 "enableGracefulRestart: true"
		pe_peer frr-in 64601 64601 10.70.1.9 "sourceAddress: 10.70.1.3"
		pe_peer bird 4200000013 64602 10.70.2.1 "enableGracefulRestart: true" 'lodestone.io/llgr: "1h"'
		pe_peer bird-in 64602 64602 10.70.2.9 "sourceAddress: 10.70.2.3"
	} | pe_put hub peers
}

# --- questions --------------------------------------------------------------------------------------

pe_of() { lab_ctl "$1" show peer "$2" -o json 2>/dev/null | jq -r ".[0].$3"; }
pe_are_up() { # NODE PEER...
	local node=$1 p
	shift
	for p in "$@"; do [ "$(pe_of "$node" "$p" state)" = Established ] || return 1; done
}
pe_says() {
	lab_ctl hub show peers
	lab_ctl hub show problems
	tail -n 10 "$LAB_DIR/hub.log"
	return 1
}
# pe_frr_path PEER PREFIX FIELDS: of the path that FRR has from that address.
pe_frr_path() {
	pe_vtysh "show bgp ipv4 unicast $2 json" 2>/dev/null |
		jq -c --arg peer "$1" ".paths[]? | select(.peer.peerId == \$peer) | $3" 2>/dev/null
}
# pe_bird_path PROTOCOL PREFIX ATTRIBUTE: its value.
pe_bird_path() {
	pe_birdc "show route all for $2 protocol $1" 2>/dev/null | sed -n "s/^[[:space:]]*BGP.$3: *//p" | sort -u
}
pe_is() { # WANTED COMMAND...
	local wanted=$1 got
	shift
	got=$("$@")
	[ "$got" = "$wanted" ] || { echo "$got"; return 1; }
}
pe_flaps() { lab_ctl hub show peers -o json | jq -c '[.[] | select(.name | test("frr|bird")) | .flaps]'; }

# --- steps ------------------------------------------------------------------------------------------

step_peering_internal() {
	pe_network && pe_frr_up && pe_bird_up || { say "a router does not start"; return 1; }
	pe_hub_config
	pe_agent_up hub
	lab_until 20 pe_are_up hub frr frr-in bird bird-in || pe_says || return 1
	lab_until 10 pe_is '[250,"Local"]' pe_frr_path 10.70.1.3 "$PE_VIP/32" '[.locPrf, .aspath.string]' || return 1
	lab_until 10 pe_is 250 pe_bird_path inner "$PE_VIP/32" local_pref || return 1
	[ -z "$(pe_bird_path inner "$PE_VIP/32" as_path)" ] || return 1
	# Nothing of it towards others.
	lab_until 10 pe_is '[null,"4200000013"]' pe_frr_path 10.70.1.2 "$PE_VIP/32" '[.locPrf, .aspath.string]' || return 1
	STEP_NOTE="local preference 250 at both, on iBGP alone"
	lab_ctl hub show problems -o json | jq -e 'any(.reason == "LocalPrefOnEbgp")' >/dev/null
}

pe_bird_sees_llgr() { pe_birdc show protocols all outer | grep -q 'LL stale time: 3600'; }
step_peering_octets() {
	lab_until 10 pe_is 4200000013 pe_bird_path outer "$PE_VIP/32" as_path || { pe_birdc show route all; return 1; }
	# We offer it, BIRD does not.
	[ "$(pe_birdc show protocols all outer | grep -c '4-octet AS numbers')" = 1 ] || return 1
	lab_until 5 pe_bird_sees_llgr || { pe_birdc show protocols all outer; return 1; }
	STEP_NOTE="the path of AS 4200000013 came through; LLGR of an hour seen"
}

# pe_roles ROLE: sessions of their own, with this role of the hub's; one with a localASN, and one with a router of any AS.
pe_roles() {
	{
		pe_peer frr-up 65000 64601 10.70.1.10 "sourceAddress: 10.70.1.4, localASN: 64513" "lodestone.io/role: $1"
		pe_peer bird-up 64513 0 10.70.2.10 "dynamicASN: external, sourceAddress: 10.70.2.4, enableGracefulRestart: true" "lodestone.io/role: $1"
	} | pe_put hub roles
}
pe_refused_as() { # WORDS PEER...
	local words=$1 p
	shift
	for p in "$@"; do pe_of hub "$p" lastError | grep -qi "$words" || return 1; done
}
step_peering_roles() {
	pe_roles customer
	lab_until 10 pe_refused_as 'role' frr-up bird-up || pe_says || return 1
	say "two customers: $(pe_of hub frr-up lastError); $(pe_of hub bird-up lastError)"
	pe_roles provider
	lab_until 20 pe_are_up hub frr-up bird-up || pe_says || return 1
	pe_birdc show protocols all up | grep -q 'Role: provider' || { pe_birdc show protocols all up; return 1; }
	lab_until 5 pe_is 64513 pe_bird_path up "$PE_VIP/32" otc || { pe_birdc show route all protocol up; return 1; }
	# FRR knows us by localASN, and no other number is in the path.
	lab_until 5 pe_is '"64513"' pe_frr_path 10.70.1.4 "$PE_VIP/32" .aspath.string || { pe_vtysh "show bgp ipv4 unicast $PE_VIP/32"; return 1; }
	lab_until 5 pe_is 64513 pe_frr_otc || { pe_vtysh "show bgp ipv4 unicast $PE_VIP/32 json"; return 1; }
	# The sessions without roles have none of it.
	[ -z "$(pe_bird_path outer "$PE_VIP/32" otc)" ] || return 1
	STEP_NOTE="both know us as provider, and have Only to Customer with our AS"
}
pe_frr_otc() { pe_vtysh "show bgp ipv4 unicast $PE_VIP/32" | sed -n '/from 10.70.1.4/,/^  [0-9L]/s/.*otc \([0-9]*\).*/\1/p'; }

PE_MANY=800 # as many as we take at once
pe_bird_has_many() { [ "$(pe_birdc show route protocol up count | awk '/ of / {print $1}')" = "$((PE_MANY + 1))" ]; }
pe_bird_updates() { grep -c 'up: Got UPDATE' "$(pe_dir bird)/bird.log"; }
# pe_many [own]: so many Services with an address each, and communities, of which each has one of its own if asked for,
# on standard output.
pe_many() {
	local i own=
	printf '%s\n' --- 'apiVersion: metallb.io/v1beta1' 'kind: IPAddressPool' \
		'metadata: {name: many, namespace: metallb-system}' 'spec: {addresses: [10.71.0.0/16]}' \
		--- 'apiVersion: metallb.io/v1beta1' 'kind: BGPAdvertisement' \
		'metadata: {name: many, namespace: metallb-system}' \
		"spec: {ipAddressPools: [many], communities: [$(printf '"large:64513:1:%d",' {1..40} | sed 's/,$//')]}"
	for ((i = 0; i < PE_MANY; i++)); do
		[ $# -eq 0 ] || own=", annotations: {lodestone.io/communities: \"large:64513:2:$i\"}"
		printf '%s\n' --- 'apiVersion: v1' 'kind: Service' "metadata: {name: many-$i, namespace: shop$own}" \
			"spec: {type: LoadBalancer, loadBalancerIP: 10.71.$((i / 200)).$((i % 200 + 1)), ports: [{port: 80}]}" \
			--- 'apiVersion: discovery.k8s.io/v1' 'kind: EndpointSlice' \
			"metadata: {name: many-$i-1, namespace: shop, labels: {kubernetes.io/service-name: many-$i}}" \
			'addressType: IPv4' 'ports: [{name: "", port: 80, protocol: TCP}]' \
			'endpoints: [{addresses: [203.0.113.12], nodeName: hub, conditions: {ready: true}}]'
	done
}
pe_bird_log() { tail -c "+$(($1 + 1))" "$(pe_dir bird)/bird.log" | grep -q "up: Got $2"; }
step_peering_long() {
	local at before
	at=$(stat -c %s "$(pe_dir bird)/bird.log")
	pe_birdc reload in up >/dev/null
	lab_until 5 pe_bird_log "$at" BEGIN-OF-RR && lab_until 5 pe_bird_log "$at" END-OF-RR ||
		{ tail -n 5 "$(pe_dir bird)/bird.log"; return 1; }
	[ "$(pe_bird_path up "$PE_VIP/32" otc)" = 64513 ] || return 1
	before=$(pe_bird_updates)
	pe_many | pe_put hub many
	lab_until 20 pe_bird_has_many || { pe_birdc show route protocol up count; return 1; }
	# 5 octets each, and 480 of communities: of 4,096 it would take two.
	[ "$(($(pe_bird_updates) - before))" = 1 ] || { say "$before, then $(pe_bird_updates) UPDATEs"; return 1; }
	rm "$LAB_DIR/hub-config/many.yaml" "$LAB_DIR/hub-config/roles.yaml"
	STEP_NOTE="sent again between BoRR and EoRR; 800 routes with 40 large communities in one UPDATE"
}

pe_old_has() { grep -qx "$1" "$(pe_dir old)/$2"; }
step_peering_refused() {
	local dir
	dir=$(pe_dir old)
	lab_spawn "$dir/old.log" old python3 "$LAB_ROOT/scripts/lab-old" 10.70.3.1 64603 4 "$dir/four"
	lab_spawn "$dir/old.log" old python3 "$LAB_ROOT/scripts/lab-old" 10.70.3.9 64604 7 "$dir/seven"
	{
		pe_peer four 4200000013 64603 10.70.3.1
		pe_peer seven 64513 64604 10.70.3.9
	} | pe_put hub old
	lab_until 10 pe_are_up hub four seven || pe_says || return 1
	lab_until 5 pe_old_has "$PE_VIP/32 path 23456 path4 4200000013" four &&
		lab_until 5 pe_old_has "$PE_VIP/32 path 64513 path4 -" seven || { cat "$dir/four" "$dir/seven"; return 1; }
	say "2/4: $(head -n 2 "$dir/four" | paste -sd ' '); 2/7: $(head -n 2 "$dir/seven" | paste -sd ' ')"
	rm "$LAB_DIR/hub-config/old.yaml"
	STEP_NOTE="the second OPEN was taken, by both"
	[ "$(grep -c '^refused' "$dir/four")" = 1 ] && [ "$(grep -c '^refused' "$dir/seven")" = 1 ]
}

pe_twin() { pe_peer twin 64513 64605 10.70.5.1 "password: $1" | pe_put hub twin; }
pe_twins_hub() { pe_peer hub 64605 64513 10.70.5.2 "password: $1" 'lodestone.io/listen: "true"' | pe_put twin peers; }
# pe_late [ADDRESS]: another Service of the hub's, or none.
pe_late() {
	[ $# -gt 0 ] || { rm -f "$LAB_DIR/hub-config/late.yaml"; return 0; }
	lab_one_service "$1" hub | sed -n '/^kind: Service$/,$p' | sed '1i apiVersion: v1' |
		sed 's/name: web/name: late/g' | pe_put hub late
}
pe_received() { [ "$(pe_of twin hub routesReceived)" = "$1" ]; }

step_peering_key() {
	local before
	lab_one_service 192.0.2.1 twin | sed 's/192.0.2.0/198.51.100.0/; s/192.0.2.1/198.51.100.1/' | pe_put twin objects
	pe_twin first-key
	pe_twins_hub first-key
	pe_agent_up twin
	lab_until 20 pe_are_up hub twin && lab_until 5 pe_received 1 || pe_says || return 1
	before=$(pe_of twin hub flaps),$(pe_of hub twin flaps)
	pe_twin second-key
	pe_late "$PE_VIP_LATE"
	sleep 0.5
	# What is signed with the new key is not heard by who has the old one.
	pe_received 1 || { say "the twin heard of a route under a key that it does not have"; return 1; }
	pe_twins_hub second-key
	lab_until 10 pe_received 2 || pe_says || return 1
	STEP_NOTE="a route waited for the key and came, without a flap"
	[ "$before" = "$(pe_of twin hub flaps),$(pe_of hub twin flaps)" ]
}

pe_memory() { awk '$1 == "RssAnon:" {print $2}' "/proc/${LAB_AGENT_PID[hub]}/status"; }
# What so many Services took for a moment has gone back.
pe_memory_rests() {
	local before
	before=$(pe_memory)
	sleep 1.2
	[ "$(pe_memory)" = "$before" ]
}
pe_files() { find "/proc/${LAB_AGENT_PID[hub]}/fd" -mindepth 1 | wc -l; }
pe_files_are_few() { [ "$(pe_files)" -le "$1" ]; }
pe_frr_has() { pe_frr_path 10.70.1.2 "$1/32" .valid | grep -q true; }
pe_frr_lacks() { ! pe_frr_has "$1"; }

# The crowd is a known router, which may dial us; it does not listen itself.
step_peering_crowd() {
	local dir memory files flaps phase
	dir=$(pe_dir crowd)
	pe_late
	pe_peer crowd 64513 64606 10.70.4.1 '' 'lodestone.io/listen: "true"' | pe_put hub crowd
	lab_until 10 grep -q 'bgp: listening' "$LAB_DIR/hub.log" && lab_until 5 pe_frr_lacks "$PE_VIP_LATE" || return 1
	memory=$(pe_memory) files=$(pe_files) flaps=$(pe_flaps)
	for phase in half silent; do
		rm -f "$dir/there"
		lab_in crowd nft -f - <<<"table ip t { chain in { type filter hook input priority 0; }; }"
		[ "$phase" = silent ] || lab_in crowd nft add rule ip t in tcp sport 179 drop
		lab_spawn "$dir/crowd.log" crowd python3 "$LAB_ROOT/scripts/lab-crowd" 10.70.4.2 179 1000 "$dir/there"
		lab_until 10 test -s "$dir/there" || { cat "$dir/crowd.log"; return 1; }
		pe_late "$PE_VIP_LATE"
		lab_until 3 pe_frr_has "$PE_VIP_LATE" || pe_says || return 1
		pe_late
		lab_until 5 pe_frr_lacks "$PE_VIP_LATE" || pe_says || return 1
		# As far as each phase is to get: nobody, or as many as the kernel lets wait.
		if [ "$phase" = half ]; then grep -q '^0 of' "$dir/there"; else grep -q '^[1-9][0-9]* of' "$dir/there"; fi ||
			{ say "$phase: $(cat "$dir/there")"; return 1; }
		say "$phase: $(cat "$dir/there"); $(pe_files) files, $(pe_memory) KB, before $files and $memory"
		pe_files_are_few "$((files + 2))" || return 1
		lab_kill TERM "$LAB_PID"
		lab_in crowd nft delete table ip t
	done
	lab_until 5 pe_files_are_few "$files" || return 1
	STEP_NOTE="a route came and went meanwhile; no session flapped; $(($(pe_memory) - memory)) KB"
	[ "$flaps" = "$(pe_flaps)" ] && [ "$(($(pe_memory) - memory))" -lt 1024 ]
}

pe_resets_are_through() { [ "$(cat "$(pe_dir crowd)/states" 2>/dev/null)" = done ]; }
step_peering_resets() {
	local dir flaps
	dir=$(pe_dir crowd) flaps=$(pe_flaps)
	lab_spawn "$dir/rude.log" crowd python3 "$LAB_ROOT/scripts/lab-rude" 10.70.4.1 64606 "$dir/states" 10.70.4.2
	lab_until 30 pe_resets_are_through || { say "it got as far as: $(tail -n 3 "$dir/rude.log")"; pe_says; return 1; }
	rude_was_everywhere "$dir/rude.log" || return 1
	rm "$LAB_DIR/hub-config/crowd.yaml"
	STEP_NOTE="closed and reset in OpenSent, OpenConfirm, Established; never reading"
	[ "$flaps" = "$(pe_flaps)" ] && pe_are_up hub frr frr-in bird bird-in
}

# 800 UPDATEs of 500 octets are more than a socket and the tail of one take.
pe_frr_has_many() {
	pe_vtysh 'show bgp ipv4 unicast summary json' | jq -e --argjson n "$((PE_MANY + 1))" '.peers["10.70.1.2"].pfxRcd == $n' >/dev/null
}
pe_deaf_is_behind() { [ "$(lab_in hub ss -Htn dst 10.70.4.1 | awk '{print $3}')" -gt 4096 ]; }
step_peering_deaf() {
	local dir flaps memory n
	dir=$(pe_dir crowd) flaps=$(pe_flaps)
	pe_many own | pe_put hub many
	lab_until 20 pe_frr_has_many && lab_until 15 pe_memory_rests || pe_says || return 1
	memory=$(pe_memory)
	lab_spawn "$dir/deaf.log" crowd python3 "$LAB_ROOT/scripts/lab-rude" 10.70.4.1 64606 "$dir/deaf" deaf
	pe_peer deaf 64513 64606 10.70.4.1 | pe_put hub deaf
	lab_until 10 test -s "$dir/deaf" && lab_until 5 pe_are_up hub deaf && lab_until 5 pe_deaf_is_behind || pe_says || return 1
	pe_late "$PE_VIP_LATE"
	lab_until 3 pe_frr_has "$PE_VIP_LATE" || pe_says || return 1
	pe_late
	lab_until 3 pe_frr_lacks "$PE_VIP_LATE" && lab_until 15 pe_memory_rests || pe_says || return 1
	n=$(pe_of hub deaf routesAdvertised) memory=$(($(pe_memory) - memory))
	pe_deaf_is_behind && pe_are_up hub deaf || pe_says || return 1
	lab_kill TERM "$LAB_PID"
	rm "$LAB_DIR/hub-config/deaf.yaml" "$LAB_DIR/hub-config/many.yaml"
	lab_until 10 pe_frr_lacks 10.71.0.1 || pe_says || return 1
	STEP_NOTE="it was told $n of $((PE_MANY + 1)) routes; a route came and went meanwhile; $memory KB"
	[ "$n" -lt "$((PE_MANY + 1))" ] && [ "$memory" -lt 1024 ] && [ "$flaps" = "$(pe_flaps)" ]
}

# Only if PE_LLGR is set (make soak): BIRD keeps the route for the restart time of 120 s first.
PE_LLGR_S=15
pe_bird_is_stale() { pe_bird_path outer "$PE_VIP/32" community | grep -q '(65535,6)'; }
step_peering_llgr() {
	lab_ctl hub undrain || return 1
	pe_peer bird 4200000013 64602 10.70.2.1 "enableGracefulRestart: true" "lodestone.io/llgr: ${PE_LLGR_S}s" | pe_put hub peers
	lab_until 20 pe_are_up hub bird && lab_until 10 pe_is 4200000013 pe_bird_path outer "$PE_VIP/32" as_path || pe_says || return 1
	lab_kill KILL "${LAB_AGENT_PID[hub]}"
	sleep 115
	[ "$(pe_bird_path outer "$PE_VIP/32" as_path)" = 4200000013 ] && ! pe_bird_is_stale || { pe_birdc show route all; return 1; }
	lab_until 10 pe_bird_is_stale || { pe_birdc show route all; return 1; }
	sleep "$((PE_LLGR_S - 5))"
	pe_bird_is_stale || { say "gone too soon"; return 1; }
	lab_until 10 pe_bird_is_empty || { pe_birdc show route all; return 1; }
	STEP_NOTE="120 s as it was, $PE_LLGR_S s with LLGR_STALE, then gone"
}

pe_frr_shuts() { pe_frr_path 10.70.1.2 "$PE_VIP/32" '[.community.string, .locPrf]'; }
pe_bird_is_empty() { pe_birdc "show route for $PE_VIP/32" 2>&1 | grep -q 'Network not found'; }
step_peering_drain() {
	lab_ctl hub drain || return 1
	lab_until 4 pe_is '["graceful-shutdown",0]' pe_frr_shuts || { say "FRR has $(pe_frr_shuts)"; return 1; }
	lab_until 2 pe_is 0 pe_bird_path outer "$PE_VIP/32" local_pref || { pe_birdc show route all; return 1; }
	say "FRR: graceful-shutdown, local preference 0; BIRD by its filter: 0"
	lab_until 15 pe_frr_lacks "$PE_VIP" && lab_until 5 pe_bird_is_empty || { pe_birdc show route all; return 1; }
	lab_until 5 grep -q 'the node is drained' "$(pe_dir frr)/bgpd.log" &&
		lab_until 5 grep -q 'the node is drained' "$(pe_dir bird)/bird.log" || return 1
	STEP_NOTE="least preferred, then withdrawn, and both were told why"
}
