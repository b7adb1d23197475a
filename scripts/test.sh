#!/bin/bash
# test.sh   everything that `make test` runs; the last line is "N passed, N failed, N skipped".
# Each stage writes JUnit XML into build/results; a stage that cannot run at all counts as one failure.
set -uo pipefail
cd "$(dirname "$0")/.."
results=$PWD/build/results
rm -rf "$results"; mkdir -p "$results"
python=/usr/bin/python3
jobs=$(nproc)

stage() { # stage NAME COMMAND…
  local name=$1 started=$SECONDS; shift
  echo "== $name"
  if "$@"; then
    echo "== $name: $((SECONDS - started)) s"
  else
    echo "== $name: FAILED after $((SECONDS - started)) s"
    ls "$results/$name".xml >/dev/null 2>&1 || : > "$results/$name.failed"
  fi
}
build() { cmake --preset "$1" -DDBM_TESTS=ON >/dev/null && cmake --build --preset "$1" -j "$jobs" | tail -n 30; }
unit() { ctest --preset "$1" --output-junit "$results/unit-$1.xml" | tail -n 40; }
pytest() { local name=$1; shift; $python -m pytest -q -p no:cacheprovider --junitxml "$results/$name.xml" "$@"; }
e2e() { scripts/deps.sh kube e2e && test/e2e/box.sh $python -m pytest -q --junitxml "$results/e2e.xml" test/e2e; }

stage deps scripts/deps.sh build local test kube
stage build build release
stage unit-release unit release
export CNPG_DBM=$PWD/build/release/cnpg-dbm
stage kube-build test/kube/build.sh admission
stage cli pytest cli test/cli test/yaml tools/crdgen
stage local pytest local test/local
stage kube pytest kube test/kube
if test/e2e/box.sh --check; then stage e2e e2e; else echo "== e2e: left out, see the line above"; fi
stage build-sanitize build sanitize
stage unit-sanitize unit sanitize
stage build-tsan build tsan
stage unit-tsan unit tsan
$python scripts/summary.py "$results"
