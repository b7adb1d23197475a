#!/bin/bash
# box.sh COMMAND…   runs COMMAND in namespaces of its own (network, mounts, processes, IPC, host name), beside a one-node
# Kubernetes with CloudNativePG that comes up first. When COMMAND ends, or this script does, however it does,
# the kernel ends every process in there and with them the mounts and the network. KUBECONFIG, E2E_BIN and E2E_S3 are set.
# box.sh --check    only tells whether this machine can: why not, and 1
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
namespaces=(--net --mount --pid --ipc --uts --fork --kill-child=KILL --mount-proc)

# kubelet kills whatever it does not know below its cgroup: two boxes need two.
cgroups() { find /sys/fs/cgroup -maxdepth 2 -name "$1" -type d 2>/dev/null; }
make_cgroups() {
  local controller
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then mkdir "/sys/fs/cgroup/$1"
  else for controller in /sys/fs/cgroup/*/; do mkdir "$controller$1" || return; done; fi
} 2>/dev/null
remove_cgroups() {
  local cgroup
  for cgroup in $(cgroups "$1"); do find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
}

outside() {
  [[ $(id -u) == 0 ]] || { echo "no cluster with pods here: not root" >&2; exit 1; }
  unshare "${namespaces[@]}" mount -t tmpfs box /mnt || { echo "no cluster with pods here: no namespaces" >&2; exit 1; }
  name=cnpg-dbm-e2e-$$
  for cgroup in $(cgroups 'cnpg-dbm-e2e-*'); do   # of boxes that were killed
    [[ -e /proc/${cgroup##*-} ]] || remove_cgroups "${cgroup##*/}"
  done
  box=
  trap close EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  make_cgroups "$name" || { echo "no cluster with pods here: no cgroups" >&2; exit 1; }
  [[ ${1:-} != --check ]] || exit 0

  images=$("$here/build.sh" | tail -n 1)
  BIN=$("$here/../kube/build.sh" dir)/bin
  export BIN CGROUP_ROOT=/$name IMAGES=$images/images.tar CNPG_MANIFEST=$images/operator.yaml
  export E2E_INSIDE=1 E2E_BIN=$BIN E2E_S3=$images/s3
  setpriv --pdeathsig KILL unshare "${namespaces[@]}" "$here/box.sh" "$@" <&0 &
  box=$!
  code=0; wait "$box" || code=$?
  box=
  exit "$code"
}
close() {
  [[ -z $box ]] || kill -9 "$box" 2>/dev/null || true
  for _ in {1..50}; do
    remove_cgroups "$name"
    [[ -n $(cgroups "$name") ]] || return 0
    sleep 0.1   # the kernel takes a moment to bury what was in them
  done
}

# Process 1 of the box. What lies on disk elsewhere lies in memory here and vanishes with the mounts.
inside() {
  resolv=$(readlink -m /etc/resolv.conf)
  for folder in /run /var/log /var/lib/cni; do mkdir -p "$folder"; mount -t tmpfs -o mode=755,size=12G box "$folder"; done
  mkdir -p /run/home /run/tmp /run/lock "$(dirname "$resolv")"
  printf 'nameserver 10.244.0.1\nsearch cluster.local\n' > /run/resolv.conf
  [[ -e $resolv ]] || : > "$resolv"
  mount --bind /run/resolv.conf "$resolv"
  mount --make-rshared /
  hostname e2e
  ip link set lo up
  unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY no_proxy NO_PROXY
  export HOME=/run/home TMPDIR=/run/tmp PATH="$BIN:$PATH" STATE=/run/e2e IN_NETNS=1
  if ! "$here/../kube/pods/e2e.sh" up > /run/up.log 2>&1; then
    tail -n 5 "$STATE"/log/*.log; cat /run/up.log; exit 1
  fi >&2
  grep -o '^all up in [0-9]*s' /run/up.log >&2
  export KUBECONFIG=$STATE/kubeconfig/admin.conf
  cd "$here/../.."
  "$@"
}

if [[ -z ${E2E_INSIDE:-} ]]; then outside "$@"; else inside "$@"; fi
