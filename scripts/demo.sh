#!/bin/bash
# demo.sh PROGRAM   what cnpg-dbm does, on a real example: tenants on this machine, and for Kubernetes.
# Everything it makes is in a folder of its own, stopped and removed at the end (KEEP=1: not).
set -euo pipefail
cd "$(dirname "$0")/.."
program=$PWD/$1
example=$PWD/examples/shop.yaml
work=$(mktemp -d /tmp/cnpg-dbm-demo-XXXXXX)
chmod 755 "$work"
here=(--dir "$work/data")
finish() {
  if [[ -n ${KEEP:-} ]]; then
    printf '\nkept: %s down --dir %s --delete-data --allow-destroy shop\n' "$program" "$work/data"
  else
    "$program" down "${here[@]}" --delete-data --allow-destroy shop >/dev/null 2>&1 || true
    rm -rf "$work"
  fi
}
trap finish EXIT
bold() { if [[ -t 1 ]]; then printf '\n\033[1m%s\033[0m\n' "$1"; else printf '\n%s\n' "$1"; fi; }
say() { printf '  $ cnpg-dbm %s\n' "$*"; }
sql() { (cd "$work" && "$program" psql "$1" "${here[@]}" -- -qAtc "$2"); }

bold '1. One values file: a cluster, three tenants, two poolers, backups (examples/shop.yaml)'
grep -vE '^ *#' examples/shop.yaml | sed -n '1,9p;14,24p'
echo '    …'

bold '2. The same file on this machine: PostgreSQL with a replica, PgBouncer, pgBackRest'
say up -f examples/shop.yaml --replicas 1
"$program" up -f "$example" "${here[@]}" --replicas 1

bold '3. Who gets in where: asked of the server, and tried at every door with real logins'
say audit -f examples/shop.yaml --attempts all
"$program" audit -f "$example" "${here[@]}" --attempts all

bold '4. A backup, a table dropped by mistake, and the second before'
say backup -f examples/shop.yaml
"$program" backup -f "$example" "${here[@]}"
sql orders "CREATE TABLE orders(id int); INSERT INTO orders SELECT generate_series(1, 1000)"
sql orders "SELECT pg_sleep(1)" >/dev/null
before=$(sql orders "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
sql orders "SELECT pg_sleep(1)" >/dev/null
sql orders "DROP TABLE orders"
say restore --at "$before" -f examples/shop.yaml
"$program" restore --at "$before" -f "$example" "${here[@]}" --replicas 1 2>/dev/null | head -n 1
printf '  orders has %s rows again\n' "$(sql orders "SELECT count(*) FROM orders")"

bold '5. The same file for Kubernetes'
say template shop -f examples/shop.yaml -n shop
"$program" keygen -o "$work/key"
"$program" template shop -f "$example" -n shop --password-key-file "$work/key" > "$work/objects.yaml" 2>/dev/null
awk '/^kind: / {kind = $2} /^  name: / {name = $2} /^  namespace: / {print "  " kind "/" name " (" $2 ")"}' "$work/objects.yaml" | head -n 12
echo "  … $(grep -c '^---' "$work/objects.yaml") objects"

bold '6. Three mistakes, one run'
sed '/users:/,/access:/d; s/retentionPolicy: 30d/retentionPolicy: 30/; s/poolMode: transaction/poolMod: transaction/
     s/sharedBuffers: 1GB/sharedBuffers: 8GB/' examples/shop.yaml > "$work/mistaken.yaml"
(cd "$work" && "$program" validate -f mistaken.yaml) || true

bold '7. 10,000 databases'
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
echo "  $program up -f examples/shop.yaml"
echo "  $program init > values.yaml"
