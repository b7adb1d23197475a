# sourced by control-plane.sh, node.sh, cnpg.sh
E2E=${E2E:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
BIN=${BIN:-$("$E2E/../build.sh" dir)/bin}; STATE=${STATE:-$E2E/state}; PKI=$STATE/pki; KC=$STATE/kubeconfig; LOG=$STATE/log; RUN=$STATE/run
MODE=${MODE:-$(cat $STATE/mode 2>/dev/null || echo node)}      # node: apiserver on the bridge address; loopback: on 127.0.0.1, no kubelet
IMAGES=${IMAGES:-$E2E/img/images.tar}; CGROUP_ROOT=${CGROUP_ROOT:-/}   # kubelet kills what it does not know below its CGROUP_ROOT/kubepods
BRIDGE=e2e0; POD_CIDR=10.244.0.0/24; GW=10.244.0.1; SVC_CIDR=10.96.0.0/16; DNS_IP=$GW; NODE=e2e-node
API_PORT=${API_PORT:-26443}; ETCD_PORT=${ETCD_PORT:-22379}; ETCD_PEER=${ETCD_PEER:-22380}; WEBHOOK_PORT=${WEBHOOK_PORT:-29443}
[ "$MODE" = loopback ] && API_IP=127.0.0.1 || API_IP=$GW
API=https://$API_IP:$API_PORT
export KUBECONFIG=$KC/admin.conf
CNPG_SRC=${CNPG_SRC:-$(go env GOMODCACHE 2>/dev/null)/github.com/cloudnative-pg/cloudnative-pg@v1.29.0}
CNPG_MANIFEST=${CNPG_MANIFEST:-$CNPG_SRC/releases/cnpg-1.29.0.yaml}

start() { # start NAME cmd...   (own session, log and pid file)
  local n=$1; shift
  if alive $n; then echo "$n already runs (pid $(cat $RUN/$n.pid))"; return; fi
  setsid nohup "$@" >>$LOG/$n.log 2>&1 </dev/null &
  echo $! > $RUN/$n.pid
}
alive() { [ -s $RUN/$1.pid ] && kill -0 "$(cat $RUN/$1.pid)" 2>/dev/null; }
stop() { # stop NAME  (by the pid that start wrote, nothing else)
  local n=$1 p i; [ -s $RUN/$n.pid ] || return 0; p=$(cat $RUN/$n.pid)
  kill "$p" 2>/dev/null || true; for i in $(seq 100); do kill -0 "$p" 2>/dev/null || break; sleep .1; done
  kill -9 "$p" 2>/dev/null || true; rm -f $RUN/$n.pid; }
waitfor() { # waitfor SECONDS WHAT cmd...
  local t=$1 w=$2 i; shift 2
  for i in $(seq $((t*4))); do "$@" >/dev/null 2>&1 && return 0; sleep .25; done
  echo "TIMEOUT waiting for $w" >&2; return 1; }
put() { # put FILE < content   (written only when it differs: kube-proxy exits when its file is touched)
  cat > $1.new; if cmp -s $1.new $1; then rm $1.new; else mv $1.new $1; fi; }
