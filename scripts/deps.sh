#!/bin/bash
# deps.sh GROUP…   installs the Debian packages of the groups build, local, test, kube, e2e, bench, fuzz that are missing.
set -euo pipefail
build="cmake ninja-build g++ pkg-config ccache libyaml-dev libre2-dev libcli11-dev libfmt-dev libssl-dev libpq-dev libcurl4-openssl-dev libboost-json1.81-dev zlib1g-dev"
local="postgresql postgresql-contrib postgresql-client pgbouncer pgbackrest"
kube="git openssl python3-yaml python3-pytest python3-hypothesis python3-h2"
test="libgtest-dev libgmock-dev librapidcheck-dev python3 python3-yaml python3-pytest python3-hypothesis python3-jsonschema zsh fish man-db groff-base"
e2e="containerd runc containernetworking-plugins iptables conntrack ethtool socat mmdebstrap bc curl iproute2 python3-yaml python3-pytest python3-psycopg2"
bench="python3 python3-yaml time"
fuzz="clang libclang-rt-14-dev"

packages=()
for group in "$@"; do packages+=(${!group}); done
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "installing ${missing[*]}"
  as_root=; [[ $(id -u) == 0 ]] || as_root=sudo
  export DEBIAN_FRONTEND=noninteractive
  $as_root apt-get update -qq
  # Debian's PostgreSQL packages start a server of their own: tests start theirs themselves.
  $as_root apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
fi

# Kubernetes and the operator need a newer Go than Debian 12's own.
[[ " $* " == *" kube "* ]] || exit 0
PATH=$PATH:/usr/local/go/bin:/usr/lib/go/bin
if ! go version 2>/dev/null | grep -qE 'go1\.(2[1-9]|[3-9][0-9])'; then
  as_root=; [[ $(id -u) == 0 ]] || as_root=sudo
  $as_root apt-get install -qq -y -t bookworm-backports golang-go >/dev/null || {
    echo "make kube needs Go 1.21 or later: install it, or add Debian's bookworm-backports to apt's sources" >&2
    exit 1
  }
fi
