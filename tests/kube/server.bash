# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#
# A real API server with its etcd in the lab's namespace "router", and objects written to it. Sourced
# behind scripts/lab.bash; KUBE_BIN is where tests/kube/build has put them.

KUBE_URL=https://192.168.1.1:6443
KUBE_TOKEN=admin-token
KUBE_API_PID= KUBE_ETCD_PID=

kube_curl() { lab_in router curl -sS --max-time 20 --cacert "$LAB_DIR/kube/certs/apiserver.crt" -H "Authorization: Bearer $KUBE_TOKEN" "$@"; }
kube_is_ready() { kube_curl -f "$KUBE_URL/readyz"; }

# kube_tokens NAME...: who may come: an administrator, and the feeder with each of these tokens.
kube_tokens() {
	local token
	{
		printf '%s,admin,1,"system:masters"\n' "$KUBE_TOKEN"
		for token in "$@"; do printf '%s,feeder,2\n' "$token"; done
	} >"$LAB_DIR/kube/tokens.csv"
}

# kube_certificate DIR: one for the server, which is a CA of its own, so that who connects has something to check.
kube_certificate() {
	mkdir -p "$1"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=kube -addext subjectAltName=IP:192.168.1.1 \
		-keyout "$1/apiserver.key" -out "$1/apiserver.crt" 2>/dev/null
}

kube_etcd_up() {
	kube_certificate "$LAB_DIR/kube/certs"
	openssl genrsa -out "$LAB_DIR/kube/sa.key" 2048 2>/dev/null
	lab_spawn "$LAB_DIR/etcd.log" router "$KUBE_BIN/etcd" --data-dir "$LAB_DIR/kube/etcd" --unsafe-no-fsync \
		--listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls http://127.0.0.1:2380
	KUBE_ETCD_PID=$LAB_PID
}

# kube_server_up FLAGS...
kube_server_up() {
	lab_spawn "$LAB_DIR/apiserver.log" router "$KUBE_BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
		--service-account-key-file="$LAB_DIR/kube/sa.key" --service-account-signing-key-file="$LAB_DIR/kube/sa.key" \
		--service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range=10.96.0.0/16 \
		--token-auth-file="$LAB_DIR/kube/tokens.csv" --authorization-mode=RBAC \
		--secure-port=6443 --bind-address=192.168.1.1 --disable-admission-plugins=ServiceAccount \
		--tls-cert-file="$LAB_DIR/kube/certs/apiserver.crt" --tls-private-key-file="$LAB_DIR/kube/certs/apiserver.key" "$@"
	KUBE_API_PID=$LAB_PID
	lab_until 90 kube_is_ready || {
		tail -n 5 "$LAB_DIR/apiserver.log"
		return 1
	}
}

# It would wait a minute for watches to end.
kube_server_down() { lab_kill KILL "$KUBE_API_PID"; }

# What they hold is of no use to anybody.
kube_down() {
	[ -z "$KUBE_API_PID" ] || lab_kill KILL "$KUBE_API_PID"
	[ -z "$KUBE_ETCD_PID" ] || lab_kill KILL "$KUBE_ETCD_PID"
}

# The path of a document's object: name and namespace two blanks in, or first in one line of metadata.
kube_path() {
	local version kind ns name plural
	version=$(sed -n 's/^apiVersion: *//p' "$1")
	kind=$(sed -n 's/^kind: *//p' "$1")
	name=$(sed -n 's/^  name: *\([^ ,}]*\).*/\1/p; s/^metadata: {name: *\([^ ,}]*\).*/\1/p' "$1" | head -n 1)
	ns=$(sed -n 's/^  namespace: *//p; s/^metadata: {name: [^ ]* namespace: *\([^ ,}]*\).*/\1/p' "$1" | head -n 1)
	case $kind in
	Community) plural=communities ;;
	*) plural=${kind,,}s ;;
	esac
	case $version in */*) version=apis/$version ;; *) version=api/$version ;; esac
	case $kind in
	CustomResourceDefinition | ClusterRole | ClusterRoleBinding | Namespace | Node | FlowSchema | PriorityLevelConfiguration) ns= ;;
	*) ns=namespaces/${ns:-default}/ ;;
	esac
	printf '/%s/%s%s/%s' "$version" "$ns" "$plural" "$name"
}

# kube_apply: the documents of standard input, each created or changed (server-side apply).
kube_apply() {
	local dir=$LAB_DIR/kube/apply doc code
	rm -rf "$dir"
	mkdir -p "$dir"
	awk -v dir="$dir" '/^---/ { n++; next } /^#/ { next } { print > sprintf("%s/%03d", dir, n) }'
	for doc in "$dir"/*; do
		grep -q '^kind:' "$doc" || continue
		code=$(kube_curl -o "$LAB_DIR/kube/answer" -w '%{http_code}' -X PATCH -H 'Content-Type: application/apply-patch+yaml' \
			--data-binary "@$doc" "$KUBE_URL$(kube_path "$doc")?fieldManager=test&force=true")
		case $code in
		2??) ;;
		*)
			say "$(kube_path "$doc"): $code $(head -c 300 "$LAB_DIR/kube/answer")"
			return 1
			;;
		esac
	done
}

kube_delete() { kube_curl -f -o "$LAB_DIR/kube/answer" -X DELETE "$KUBE_URL$1"; }

# What etcd has up to now is forgotten but for the present state.
kube_compact() {
	local revision
	revision=$(lab_in router curl -sS -X POST http://127.0.0.1:2379/v3/kv/range -d '{"key":"AA=="}' | jq -r .header.revision)
	lab_in router curl -sS -f -X POST http://127.0.0.1:2379/v3/kv/compaction -d "{\"revision\":\"$revision\",\"physical\":true}" >/dev/null
}
