#!/bin/bash
# fuzz.sh   runs each fuzzer for FUZZ_SECONDS (60), from the examples on; fails on a finding.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -j "$(nproc)" | tail -n 3
failed=0
for program in build/fuzz/*_fuzz; do
  name=$(basename "$program")
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  if [[ -d fuzz/$name ]]; then cp fuzz/$name/* "$corpus/"; fi
  if [[ $name == yaml_fuzz || $name == values_fuzz ]]; then
    cp test/examples/*.yaml test/values/*.yaml test/mistakes/*.yaml "$corpus/"
  fi
  if "$program" "$corpus" -max_total_time="${FUZZ_SECONDS:-60}" -rss_limit_mb=2048 -timeout=10 -max_len=20000 \
      -artifact_prefix="build/fuzz/$name-" >"build/fuzz/$name.log" 2>&1; then
    echo "$name: $(grep -oE 'Done [0-9]+ runs.*' "build/fuzz/$name.log")"
  else
    echo "$name: FOUND something, see build/fuzz/$name.log"; tail -n 20 "build/fuzz/$name.log"
    failed=1
  fi
done
exit $failed
