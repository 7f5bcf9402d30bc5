# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# Blackholes beside VRFs, shown by packets: those of announced aggregates, and those on demand, of which the router in
# red wants to hear and that in vrf-blue does not. Sourced by tests/vm/vrf.
#
# shellcheck disable=SC2034 # what is set here is read by the lab's functions

NOBODYS=198.51.100.9 # in the aggregate that is announced in red
DISCARD=192.0.2.1    # what red's router discards

# blackhole_config [NETLINK]: what LodestoneConfig says.
blackhole_config() {
	cat >"$LAB_DIR/config/.lodestone" <<-YAML
		apiVersion: lodestone.io/v1alpha1
		kind: LodestoneConfig
		metadata: {name: default}
		spec: {rtbh: {nextHops: [$DISCARD]}, netlink: {${1-}}}
	YAML
	mv "$LAB_DIR/config/.lodestone" "$LAB_DIR/config/lodestone.yaml"
}

hole_is() { [ "$(lab_ctl node-a show blackholes -o json | jq -r '.[] | select(.onDemand | not) | "\(.prefix) \(.vrf) \(.placed)"')" = "$1" ]; }

# Packets of these hosts' that ended by their TTL.
expired() {
	local host
	for host in router-red node-a; do
		# shellcheck disable=SC2016 # awk's own
		lab_in "$host" awk '/^Icmp:/ { if (n) print $n; else for (i = 1; i <= NF; i++) if ($i == "OutTimeExcds") n = i }' \
			/proc/net/snmp
	done | awk '{ sum += $1 } END { print sum }'
}
# expire VIP: how many of three packets to it, from red's client, have gone round until their TTL was over.
expire() {
	local before
	before=$(expired)
	lab_in client-red busybox ping -q -c 3 -W 1 "$1" >/dev/null 2>&1
	echo $(($(expired) - before))
}

# The aggregate is a blackhole for what arrives in red, and for nobody else. Without it the node leads packets to an
# address of nobody's back to the router, by the default route of the VRF.
step_blackhole() {
	local looped
	lab_until 60 hole_is "198.51.100.0/28 red true" || blame "no blackhole in red: $(lab_ctl node-a show blackholes -o json)" || return
	lab_in node-a ip route get "$NOBODYS" from 10.9.0.2 iif up-red 2>&1 | grep -q 'Invalid argument' ||
		blame "not a blackhole in red: $(lab_in node-a ip route get "$NOBODYS" from 10.9.0.2 iif up-red 2>&1)" || return
	lab_in node-a ip route get "$NOBODYS" from 10.9.0.2 iif up-blue | grep -q 172.30.0.3 || blame "and one in blue" || return
	lab_in node-a ip route get "$NOBODYS" | grep -q 192.168.1.1 || blame "and one for the host" || return
	[ "$(expire "$NOBODYS")" = 0 ] || blame "packets go round in spite of it" || return
	blackhole_config "blackholes: off"
	lab_until 60 hole_is "" || blame "the blackhole stays" || return
	looped=$(expire "$NOBODYS")
	[ "$looped" -gt 0 ] || blame "packets do not go round without it: is it needed?" || return
	blackhole_config
	lab_until 60 hole_is "198.51.100.0/28 red true" || blame "no blackhole again" || return
	[ "$(expire "$NOBODYS")" = 0 ] || blame "packets go round again" || return
	STEP_NOTE="198.51.100.0/28 ends in red only; without it $looped of 3 packets go round until their TTL is over"
}

# dropped_in PREFIX VRF: packets that XDP dropped for it there.
dropped_in() {
	lab_ctl node-a show blackholes -o json |
		jq --arg p "$1" --arg v "$2" '[.[] | select(.onDemand and .prefix == $p and .vrf == $v).droppedPackets] | add // 0'
}
# router_discards SIDE PREFIX: its kernel has a route there that leads nowhere.
router_discards() { lab_in "router-$1" ip route show "$2" | grep -q '^blackhole '; }
router_leads() { lab_in "router-$1" ip route show "$2" | grep -q "via $NODE "; }

# An order is for the address in all VRFs; who asks for it discards it, and what others still send is dropped here.
step_discard() {
	lab_in router-red ip route add blackhole "$DISCARD/32"
	lab_ctl node-a blackhole add "$VIP/32" --for 1h >"$LAB_DIR/order" || blame "refused: $(cat "$LAB_DIR/order")" || return
	lab_until 60 router_discards red "$VIP" || blame "red's router does not discard it" || return
	router_leads blue "$VIP" || blame "blue's router, which has not asked, has no way any more" || return
	no_answer_on red "$VIP" || blame "answered in red" || return
	no_answer_on blue "$VIP" || blame "answered in blue" || return
	[ "$(dropped_in "$VIP/32" vrf-blue)" -gt 0 ] || blame "dropped and not counted: $(lab_ctl node-a show blackholes -o json)" || return
	STEP_NOTE="red's router discards it, $(dropped_in "$VIP/32" vrf-blue) packets of blue's are dropped by XDP"
	served_on red "$RED_VIP" || return
	lab_ctl node-a blackhole remove "$VIP/32" || blame "not taken back" || return
	lab_until 60 router_leads red "$VIP" || blame "red's router does not lead to it again" || return
	served_on red && served_on blue || return
	lab_in router-red ip route del blackhole "$DISCARD/32"
}

# A Service of red alone is one in red alone. Red's router has nothing any more that discards; somebody routes it there.
step_discard_service() {
	sed -i "s/loadBalancerIPs: $RED_VIP/&, lodestone.io\/blackhole: \"true\"/" "$LAB_DIR/config/all.yaml"
	lab_until 60 red_only_is_one || blame "no blackhole: $(lab_ctl node-a show blackholes -o json)" || return
	lab_in router-red ip route add "$RED_VIP/32" via "$NODE"
	no_answer_on red "$RED_VIP" || blame "answered" || return
	[ "$(dropped_in "$RED_VIP/32" red)" -gt 0 ] || blame "dropped and not counted: $(lab_ctl node-a show blackholes -o json)" || return
	STEP_NOTE="$(dropped_in "$RED_VIP/32" red) packets of red's are dropped by XDP"
	lab_in router-red ip route del "$RED_VIP/32" via "$NODE"
	served_on red && served_on blue || return
	sed -i "s/, lodestone.io\/blackhole: \"true\"//" "$LAB_DIR/config/all.yaml"
	served_on red "$RED_VIP"
}
red_only_is_one() {
	[ "$(lab_ctl node-a show blackholes -o json |
		jq -r --arg p "$RED_VIP/32" '[.[] | select(.onDemand and .prefix == $p) | .vrf // "-"] | join(" ")')" = red ]
}
