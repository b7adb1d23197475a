#!/bin/bash
# docs.sh PROGRAM   writes the generated part of docs/values.md: every key, from the table that the program validates by.
set -euo pipefail
cd "$(dirname "$0")/.."
marker='<!-- What follows is generated: make docs -->'
text=$(sed "/^$marker\$/q" docs/values.md)
{ printf '%s\n' "$text"; "$1" schema -o markdown; } > docs/values.md.new
mv docs/values.md.new docs/values.md
