#!/bin/bash
# Regenerates src/cnpg/crd_table.gen.cc: fetches the CRDs of the operator's versions as Go modules
# (those of 1.30.0 and of the Barman plugin are in data/) and runs crdgen.py over them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
module=github.com/cloudnative-pg/cloudnative-pg
args=()
for version in $(cat "$here/versions"); do
  go mod download "$module@v$version"
  args+=("$version=$(go env GOMODCACHE)/$module@v$version/config/crd/bases")
done
args+=("1.30.0=$here/data/cnpg-1.30.0-crds.yaml.gz")
args+=("barman=$here/data/barmancloud.cnpg.io_objectstores.yaml.gz")
/usr/bin/python3 "$here/crdgen.py" "${args[@]}" > "$here/../../src/cnpg/crd_table.gen.cc.new"
mv "$here/../../src/cnpg/crd_table.gen.cc.new" "$here/../../src/cnpg/crd_table.gen.cc"
