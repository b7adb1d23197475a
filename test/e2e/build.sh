#!/bin/bash
# build.sh [dir]   builds, once, what the tests of this folder run besides ../kube:
# images.tar, s3 and the operator's manifest.
# The last line on stdout is the folder that holds them; with `dir` nothing is built. Everything else goes to stderr.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
pods=$here/../kube/pods
programs=$("$here/../kube/build.sh" dir)
cd "$here"
hash=$(cat build.sh s3/go.mod s3/go.sum s3/*.go "$pods"/mkimages.py "$pods"/img/mkrootfs.sh <(basename "$programs") | sha256sum | cut -c1-16)
cache=$(dirname "$programs")/../e2e/$hash

build() {
  "$here/../kube/build.sh" pods >/dev/null
  (cd s3 && CGO_ENABLED=0 GOFLAGS=-buildvcs=false nice go build -ldflags '-s -w' -o "$cache/s3" .)
  cp "$(cd ../kube/cnpg && go list -m -f '{{.Dir}}' github.com/cloudnative-pg/cloudnative-pg)/releases/cnpg-1.29.0.yaml" "$cache/operator.yaml"
  OUT=$cache "$pods/img/mkrootfs.sh" trixie 17 ,barman-cli-cloud,python3-boto3
  # Any 17 that the tests' files name: they all get the one that Debian has
  python3 "$pods/mkimages.py" "$cache/images.tar" "$programs/bin" "$cache/rootfs-trixie.tar" \
    ghcr.io/cloudnative-pg/postgresql:17.2,ghcr.io/cloudnative-pg/postgresql:17.12 ghcr.io/cloudnative-pg/pgbouncer:1.24.1 \
    ghcr.io/cloudnative-pg/cloudnative-pg:1.29.0 registry.k8s.io/pause:3.10
  rm -f "$cache"/rootfs-trixie.tar "$cache"/layer-*.tar
}

if [[ ${1:-} != dir ]]; then
  mkdir -p "$cache"
  exec 9>"$cache/lock"; flock 9
  [[ -e $cache/done ]] || { build >&2; touch "$cache/done"; }
fi
cd "$cache" && pwd -P
