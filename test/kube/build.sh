#!/bin/bash
# build.sh [admission|pods|dir]   builds, once, the programs and resource definitions of the tests in this folder.
#   admission (default): etcd, kube-apiserver, kubectl, the CloudNativePG operator, helm (3), helm4, kustomize, goyaml
#   pods:                what a node needs besides: controller manager, scheduler, kubelet, kube-proxy, coredns, …
#   dir:                 builds nothing
# The last line on stdout is the folder that holds them: bin/ and crds/. Everything else goes to stderr.
# The folder is named after a hash of all that decides its content, so a second run does nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
kubernetes=v1.34.3

cd "$here"
unreleased=$here/../../tools/crdgen/data/cnpg-1.30.0-crds.yaml.gz   # the newest definitions; the operator is older
inputs=(build.sh */go.mod */go.sum */*.go crds/* "$unreleased")
hash=$(cat "${inputs[@]}" | sha256sum | cut -c1-16)
cache=${CNPG_DBM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cnpg-dbm}/kube/$hash
target=${1:-admission}

export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
plain="-s -w"
version=k8s.io/component-base/version
stamped="$plain -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=34
  -X $version.gitTreeState=clean -X $version.gitCommit=unknown -X $version.buildDate=1970-01-01T00:00:00Z"

build() { # build MODULE LDFLAGS OUTPUT PACKAGE…
  local module=$1 flags=$2 output=$3 started=$SECONDS; shift 3
  (cd "$here/$module" && nice go build -ldflags "$flags" -o "$cache/bin/$output" "$@") >&2
  echo "built $* in $((SECONDS - started)) s" >&2
}

# The definitions as one JSON file a set, a document a line: reading YAML of this size takes Python seconds.
collect_definitions() {
  local module version sum files directory found
  mkdir -p "$cache/crds"
  while read -r module version sum files; do
    [[ $module == \#* ]] && continue
    found=$(cd / && go mod download -json "$module@$version" | python3 -c 'import json, sys; m = json.load(sys.stdin); print(m["Dir"], m["Sum"])')
    directory=${found% *}
    [[ ${found##* } == "$sum" ]] || { echo "$module $version is not what crds/modules.txt says" >&2; exit 1; }
    eval "cat_documents $directory/$files" | "$cache/bin/goyaml" v2 > "$cache/crds/$(basename "${module%/v[0-9]}" | sed s/^client$/external-snapshotter/).json"
  done < crds/modules.txt
  gzip -dc "$unreleased" | "$cache/bin/goyaml" v2 > "$cache/crds/cloudnative-pg-1.30.0.json"
}
# CloudNativePG's own sample objects, one a line; files that are no YAML (a key twice) are left out.
collect_samples() {
  local directory
  directory=$(cd cnpg && go list -m -f '{{.Dir}}' github.com/cloudnative-pg/cloudnative-pg)
  for file in "$directory"/docs/src/samples/*.yaml; do
    "$cache/bin/goyaml" v2 < "$file" 2>/dev/null || true
  done > "$cache/crds/samples.json"
}
cat_documents() { for file; do printf -- '---\n'; cat "$file"; done; }

build_admission() {
  build goyaml "$plain" goyaml .
  collect_definitions
  collect_samples
  build etcd "$plain" etcd .
  build kt "$stamped" "" k8s.io/kubernetes/cmd/{kube-apiserver,kubectl}
  build cnpg "$plain" operator/manager_amd64 github.com/cloudnative-pg/cloudnative-pg/cmd/manager
  build helm "$plain" helm helm.sh/helm/v3/cmd/helm
  build helm4 "$plain" helm4 helm.sh/helm/v4/cmd/helm
  build kustomize "$plain" "" sigs.k8s.io/kustomize/kustomize/v5
}
build_pods() {
  build kt "$stamped" "" k8s.io/kubernetes/cmd/{kube-controller-manager,kube-scheduler,kubelet,kube-proxy}
  for program in provisioner coredns pause; do build $program "$plain" $program .; done
}
once() { # once STAMP FUNCTION
  [[ -e $cache/$1.done ]] || { "$2"; touch "$cache/$1.done"; }
}

case $target in
  dir) ;;
  admission|pods)
    mkdir -p "$cache/bin/operator"
    exec 9>"$cache/lock"; flock 9          # two runs at once: the second waits for the first
    once admission build_admission
    [[ $target == admission ]] || once pods build_pods
    ;;
  *) sed -n 2,7p "$0" >&2; exit 2 ;;
esac
echo "$cache"
