# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# The questions that are asked most (docs/troubleshooting.md), each answered by one command of a node at work.
#
# shellcheck disable=SC2034 # STEP_NOTE is read by scripts/steps.bash

questions_all() {
	run_step config-diff "What would this file change?" step_config_diff
}

# differs CODE ARGUMENTS...: config diff at node-a ends so; what it says is in $LAB_DIR/differs.
differs() {
	local want=$1 code=0
	shift
	lab_in node-a "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/node-a/lodestoned.sock" config diff "$@" \
		>"$LAB_DIR/differs" 2>&1 || code=$?
	[ "$code" = "$want" ] || { say "config diff $*: $code instead of $want: $(head -n 3 "$LAB_DIR/differs")"; return 1; }
}
differs_says() { grep -qE -- "$1" "$LAB_DIR/differs" || { say "not said: $1: $(cat "$LAB_DIR/differs")"; return 1; }; }

# Each edit is asked about, made, and asked about again.
step_config_diff() {
	local dir=$LAB_DIR/edited file=$LAB_DIR/edit.yaml
	# What is there changes nothing, as a file and as the folder.
	differs 0 "$LAB_DIR/config/pool.yaml" && differs_says 'nothing that this node does would change; objects: 0 new' &&
		differs 0 "$LAB_DIR/config" && differs 0 - <"$LAB_DIR/config/peer.yaml" || return 1
	sed 's/64512:100/64512:777/' "$LAB_DIR/config/advertisement.yaml" >"$file"
	differs 1 "$file" && differs_says "^changed +Route +$VIP/32 +[a-z0-9-]+ .*:777" || return 1
	sed 's/^/  /' "$LAB_DIR/differs"
	# A folder, in which objects may be missing.
	cp -r "$LAB_DIR/config" "$dir" && rm "$dir/service.yaml"
	differs 1 "$dir" && differs_says '^removed +Service +default/nginx-lb' && differs_says "^removed +Route +$VIP/32 .*is withdrawn" || return 1
	# What is wrong stays as it was, and is told; no file, no folder and no secret.
	printf 'apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: production-pool, namespace: metallb-system}\nspec: {addresses: [nonsense]}\n' >"$dir/wrong"
	differs 1 "$dir/wrong" && differs_says '^added +Problem ' && ! grep -q '^removed' "$LAB_DIR/differs" || return 1
	differs 2 "$dir/nowhere" && differs_says 'No such file' || return 1
	lab_in node-a "$LAB_ROOT/build/lodectl" --socket "$LAB_DIR/node-a/lodestoned.sock" config diff "$file" -o json |
		jq -e '.differs and .objects.changed >= 1 and (.changes | map(select(.kind == "Route" and (.peers | length) == 1)) | length == 1)' >/dev/null || return 1
	# Made, it changes nothing more, and the router has it.
	cp "$file" "$LAB_DIR/config/advertisement.yaml.new" && mv "$LAB_DIR/config/advertisement.yaml.new" "$LAB_DIR/config/advertisement.yaml"
	lab_until 20 differs 0 "$file" || return 1
	lab_ctl node-a show routes -o json | jq -e '.[0].communities | any(endswith(":777"))' >/dev/null || return 1
	STEP_NOTE="a file, a folder, standard input, an error"
}
