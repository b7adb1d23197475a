#!/bin/bash
# demo.sh PROGRAM   what cnpg-dbm does, on a real example.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
bold() { if [[ -t 1 ]]; then printf '\n\033[1m%s\033[0m\n' "$1"; else printf '\n%s\n' "$1"; fi; }

bold '1. One values file: a cluster, three tenants, two poolers, a backup (examples/shop.yaml)'
grep -vE '^ *#' examples/shop.yaml | sed -n '1,9p;14,24p'
echo '    …'

bold '2. cnpg-dbm validate: everything that can be known without a cluster'
"$program" validate -f examples/shop.yaml

bold '3. cnpg-dbm template: what CloudNativePG needs'
"$program" keygen -o "$work/key"
"$program" template shop -f examples/shop.yaml -n shop --password-key-file "$work/key" > "$work/objects.yaml" 2>/dev/null
awk '/^kind: / {kind = $2} /^  name: / {name = $2} /^  namespace: / {print "  " kind "/" name " (" $2 ")"}' "$work/objects.yaml"
echo
echo "  who may enter which database (spec.postgresql.pg_hba):"
awk '/^kind: /{cluster = $2 == "Cluster"} cluster && /^    - host/ {print "  " $0}' "$work/objects.yaml"

bold '4. Three mistakes, one run'
sed '/users:/,/access:/d; s/retentionPolicy: 30d/retentionPolicy: 30/; s/poolMode: transaction/poolMod: transaction/
     s/sharedBuffers: 1GB/sharedBuffers: 8GB/' examples/shop.yaml > "$work/mistaken.yaml"
(cd "$work" && "$OLDPWD/$program" validate -f mistaken.yaml) || true

bold '5. 10,000 databases'
{
  echo 'clusters:'
  for c in {0..99}; do
    printf '  c%02d:\n    enabled: true\n    databases:\n' "$c"
    for d in {0..99}; do printf '      - {name: app-%02d-%02d, owner: app_%02d_%02d}\n' "$c" "$d" "$c" "$d"; done
  done
} > "$work/many.yaml"
started=$(date +%s%N)
"$program" template -f "$work/many.yaml" --password-key-file "$work/key" > "$work/many-objects.yaml"
echo "  $(grep -c '^---' "$work/many-objects.yaml") objects in $((($(date +%s%N) - started) / 1000000)) ms (\`make bench\`: against Helm)"

bold 'Next'
echo "  $program init > values.yaml"
echo "  $program explain clusters.backup"
