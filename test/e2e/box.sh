#!/bin/bash
# box.sh COMMAND…   runs COMMAND in namespaces of its own (network, mounts, processes, IPC, host name), beside a one-node
# Kubernetes with CloudNativePG that comes up first. When COMMAND ends, or this script does, however it does,
# the kernel ends every process in there and with them the mounts and the network. KUBECONFIG, E2E_BIN and E2E_S3 are set.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [[ -z ${E2E_INSIDE:-} ]]; then
  [[ $(id -u) == 0 ]] || { echo "needs root: network, mount and process namespaces, containers" >&2; exit 1; }
  images=$("$here/build.sh" | tail -n 1)
  programs=$("$here/../kube/build.sh" dir)
  # kubelet kills whatever it does not know below its cgroup: two boxes need two. Those of boxes that were killed go first.
  cgroups() { find /sys/fs/cgroup -maxdepth 2 -name "$1" -type d 2>/dev/null; }
  remove() { find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true; }
  for cgroup in $(cgroups 'cnpg-dbm-e2e-*'); do [[ -e /proc/${cgroup##*-} ]] || remove "$cgroup"; done
  name=cnpg-dbm-e2e-$$
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then mkdir "/sys/fs/cgroup/$name"
  else for controller in /sys/fs/cgroup/*/; do mkdir "$controller$name" 2>/dev/null || true; done; fi
  box=
  # shellcheck disable=SC2317
  close() {
    [[ -z $box ]] || kill -9 "$box" 2>/dev/null || true
    local cgroup i
    for i in {1..50}; do
      for cgroup in $(cgroups "$name"); do remove "$cgroup"; done
      [[ -n $(cgroups "$name") ]] || return 0
      sleep 0.1   # the kernel takes a moment to bury what was in them
    done
  }
  trap close EXIT
  trap 'exit 130' INT; trap 'exit 143' TERM HUP
  export E2E_INSIDE=1 CGROUP_ROOT=/$name IMAGES=$images/images.tar CNPG_MANIFEST=$images/operator.yaml BIN=$programs/bin E2E_BIN=$programs/bin E2E_S3=$images/s3
  setpriv --pdeathsig KILL unshare --net --mount --pid --ipc --uts --fork --kill-child=KILL --mount-proc "$here/box.sh" "$@" &
  box=$!
  code=0; wait "$box" || code=$?
  box=
  exit "$code"
fi

# Inside: process 1 of the box. What lies on disk goes into memory and vanishes with the mounts.
resolv=$(readlink -m /etc/resolv.conf)
for folder in /run /var/log /var/lib/cni; do mkdir -p "$folder"; mount -t tmpfs -o mode=755,size=12G box "$folder"; done
mkdir -p /run/home /run/tmp /run/lock "$(dirname "$resolv")"
printf 'nameserver 10.244.0.1\nsearch cluster.local\n' > /run/resolv.conf
[[ -e $resolv ]] || : > "$resolv"
mount --bind /run/resolv.conf "$resolv"
mount --make-rshared /
hostname e2e
ip link set lo up
export HOME=/run/home TMPDIR=/run/tmp PATH="$BIN:$PATH" STATE=/run/e2e IN_NETNS=1
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY no_proxy NO_PROXY
if ! "$here/../kube/pods/e2e.sh" up > /run/up.log 2>&1; then
  cat /run/up.log; tail -n 5 "$STATE"/log/*.log; exit 1
fi
tail -n 1 /run/up.log >&2
export KUBECONFIG=$STATE/kubeconfig/admin.conf
cd "$here/../.."
code=0; "$@" || code=$?
exit "$code"
