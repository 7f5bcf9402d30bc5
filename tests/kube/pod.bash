# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# In the kubelet's place: the pod of a DaemonSet, as the manifest has it, in the network namespace of a node of the
# lab. Each container is podman's: image, command, environment, user, groups, capabilities, read-only root, mounts.
# Paths of the host lie below LAB_DIR/NODE/host, /sys/fs/bpf is a bpffs of its own. Sourced behind tests/kube/server.bash.

pod_podman() {
	podman --storage-driver vfs --root "$LAB_DIR/containers" --runroot "$LAB_DIR/containers-run" \
		--cgroup-manager cgroupfs --runtime runc --events-backend file "$@"
}

# pod_image: lodestone:latest, from deploy/Containerfile.
pod_image() {
	"$LAB_ROOT/scripts/image-root" "$LAB_DIR/image" &&
		buildah --storage-driver vfs --root "$LAB_DIR/containers" --runroot "$LAB_DIR/containers-run" \
			build --isolation chroot -t lodestone:latest -f "$LAB_ROOT/deploy/Containerfile" "$LAB_DIR/image" \
			>"$LAB_DIR/image.log" 2>&1 && rm -rf "$LAB_DIR/image"
}

# pod_manifest DIR: the DaemonSet that the kustomization comes to, as JSON, into LAB_DIR/pod.json.
pod_manifest() {
	kctl create --dry-run=client -o json -f <(kubectl kustomize "$1") |
		jq -s '[.[] | if .kind == "List" then .items[] else . end | select(.kind == "DaemonSet")][0]' >"$LAB_DIR/pod.json"
	[ "$(jq -r .kind "$LAB_DIR/pod.json")" = DaemonSet ]
}

pod_spec() { jq -r ".spec.template.spec | $1" "$LAB_DIR/pod.json"; }
pod_name() { printf '%s-%s-%s' "$LAB" "$1" "$2"; }

# What a node has before its pod: folders, a bpffs, a token with its CA.
pod_node() {
	local node=$1 dir=$LAB_DIR/$1 ns
	ns=$(jq -r .metadata.namespace "$LAB_DIR/pod.json")
	mkdir -p "$dir/host" "$dir/token"
	if ! mountpoint -q "$dir/bpf"; then
		mkdir -p "$dir/bpf"
		mount -t bpf none "$dir/bpf" || return 1
	fi
	kctl -n "$ns" create token "$(pod_spec .serviceAccountName)" --duration=1h >"$dir/token/token" || return 1
	cp "$LAB_DIR/kube/certs/apiserver.crt" "$dir/token/ca.crt"
	printf %s "$ns" >"$dir/token/namespace"
	chgrp -R "$(pod_spec '.securityContext.supplementalGroups[0]')" "$dir/token"
	chmod 750 "$dir/token" && chmod 440 "$dir"/token/*
}

# pod_volume NODE NAME: where it lies here.
pod_volume() {
	local dir=$LAB_DIR/$1 path
	path=$(pod_spec ".volumes[] | select(.name == \"$2\") |
		if .hostPath then .hostPath.path elif .emptyDir then \"empty\" else \"token\" end")
	case $path in
	token) printf %s "$dir/token" ;;
	empty)
		mkdir -p "$dir/empty/$2" && chmod 777 "$dir/empty/$2"
		printf %s "$dir/empty/$2"
		;;
	/sys/fs/bpf) printf %s "$dir/bpf" ;;
	*)
		mkdir -p "$dir/host$path"
		printf %s "$dir/host$path"
		;;
	esac
}

# pod_run NODE CONTAINER: in the background; what its word is for podman.
pod_run() {
	local node=$1 name=$2 c flags=() volume path ro word words=()
	c=".containers[] | select(.name == \"$name\")"
	while read -r word; do flags+=("--cap-drop=$word"); done < <(pod_spec "$c | .securityContext.capabilities.drop // [] | .[]")
	while read -r word; do flags+=("--cap-add=$word"); done < <(pod_spec "$c | .securityContext.capabilities.add // [] | .[]")
	while read -r word; do flags+=("--group-add=$word"); done < <(pod_spec '.securityContext.supplementalGroups // [] | .[]')
	[ "$(pod_spec "$c | .securityContext.readOnlyRootFilesystem")" != true ] || flags+=(--read-only --read-only-tmpfs=false)
	[ "$(pod_spec "$c | .securityContext.allowPrivilegeEscalation")" != false ] || flags+=(--security-opt no-new-privileges)
	[ "$(pod_spec "$c | .securityContext.seccompProfile.type")" != Unconfined ] || flags+=(--security-opt seccomp=unconfined)
	[ "$(pod_spec "$c | .securityContext.privileged")" != true ] || flags+=(--privileged)
	flags+=("--user=$(pod_spec "$c | \"\(.securityContext.runAsUser):\(.securityContext.runAsGroup // 0)\"")")
	while IFS='|' read -r volume path ro; do
		flags+=("--volume=$(pod_volume "$node" "$volume"):$path${ro:+:ro}")
	done < <(pod_spec "$c | .volumeMounts[] | \"\(.name)|\(.mountPath)|\(if .readOnly then \"ro\" else \"\" end)\"")
	while read -r word; do
		flags+=("--env=$word")
	done < <(pod_spec "$c | .env // [] | .[] | \"\(.name)=\({\"spec.nodeName\": \"$node\", \"metadata.namespace\": \"metallb-system\",
		\"metadata.name\": \"lodestone-$node\", \"metadata.uid\": \"uid-of-$node\"}[.valueFrom.fieldRef.fieldPath])\"")
	while read -r word; do
		# shellcheck disable=SC2016 # the kubelet's way to name a variable
		words+=("${word//'$(POD_NAMESPACE)'/metallb-system}")
	done < <(pod_spec "$c | (.command // []) + (.args // []) | .[]")
	pod_podman run --detach --name "$(pod_name "$node" "$name")" --network "ns:/run/netns/$LAB-$node" \
		--ulimit nofile=4096:4096 --ulimit nproc=4096:4096 "${flags[@]}" \
		--env=KUBERNETES_SERVICE_HOST=192.168.1.1 --env=KUBERNETES_SERVICE_PORT=6443 \
		"localhost/$(pod_spec "$c | .image")" "${words[@]}" >"$LAB_DIR/$node.$name.run" 2>&1 || {
		say "$name at $node: $(tail -n 2 "$LAB_DIR/$node.$name.run")"
		return 1
	}
}

pod_exec() { pod_podman exec "$(pod_name "$1" "$2")" "${@:3}"; }
pod_log() { pod_podman logs "$(pod_name "$1" "$2")" 2>&1; }
pod_signal() { pod_podman kill --signal "$3" "$(pod_name "$1" "$2")" >/dev/null; }
pod_is_gone() { [ "$(pod_podman inspect -f '{{.State.Running}}' "$(pod_name "$1" "$2")" 2>/dev/null)" != true ]; }
pod_remove() { pod_podman rm -f -t 3 "$(pod_name "$1" "$2")" >/dev/null 2>&1; }

# pod_up NODE: all its containers.
pod_up() {
	local name
	pod_node "$1" || return 1
	for name in $(pod_spec '.containers[].name'); do pod_run "$1" "$name" || return 1; done
}

# pod_probe NODE CONTAINER PROBE: it holds. A kubelet asks for a page from the node's own network.
pod_probe() {
	local probe page words
	probe=".containers[] | select(.name == \"$2\") | .$3"
	page=$(pod_spec "$probe.httpGet // empty | \"http://\(.host):\(.port)\(.path)\"")
	if [ -n "$page" ]; then
		lab_in "$1" curl -sS -f -o /dev/null --max-time "$(pod_spec "$probe.timeoutSeconds")" "$page"
	else
		mapfile -t words < <(pod_spec "$probe.exec.command[]")
		[ ${#words[@]} -gt 0 ] && pod_exec "$1" "$2" "${words[@]}"
	fi
}

# Everything, in any state.
pod_down() {
	local node
	[ -n "$LAB_DIR" ] && [ -d "$LAB_DIR/containers" ] || return 0
	pod_podman rm -fa -t 3 >/dev/null 2>&1
	for node in "$LAB_DIR"/*/bpf; do ! mountpoint -q "$node" || umount "$node"; done
	pod_podman rmi -fa >/dev/null 2>&1
	! mountpoint -q "$LAB_DIR/containers" || umount "$LAB_DIR/containers"
}
