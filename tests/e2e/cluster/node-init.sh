#!/usr/bin/env bash
# The first process of a node: it has a mount, process, host name and IPC namespace of its own, in the node's network
# namespace. When it is killed, the kernel kills every process of the node and takes its mounts away: a power cut.
#
# From the environment: NODE (its name), NODE_DIR (what survives a power cut), CGROUPS (files by which to join the node's
# cgroups, one a line), IMAGES (a folder of archives to load), BIN (Kubernetes' programs), GO_DIR (holds the file
# `ready` once the control plane is).
set -euo pipefail

# Mounts that the kubelet makes must reach containers, and never the machine: by now nothing is shared with it.
mount --make-rshared /

while read -r file; do
    [ -z "$file" ] || echo 0 >"$file"
done <<<"$CGROUPS"

hostname "$NODE"
mount -t tmpfs tmpfs /run
mkdir -p /run/node /run/images /run/bin /run/go /run/netns /run/lock /run/var/upper /run/var/work
mount --bind "$NODE_DIR" /run/node
mount --bind "$IMAGES" /run/images
mount --bind "$BIN" /run/bin
mount --bind "$GO_DIR" /run/go

# The programs write to fixed places below /var. They see the machine's, and write to the node's.
mount -t overlay overlay -o lowerdir=/var,upperdir=/run/var/upper,workdir=/run/var/work /var
for place in lib/containerd lib/kubelet lib/cni log/pods log/containers; do
    mkdir -p "/var/$place" "/run/node/$place"
    mount --bind "/run/node/$place" "/var/$place"
done

# Starts a program again when it ends, as an init system does.
keep_running() {
    local log=/run/node/log/$1.log
    shift
    while :; do
        "$@" >>"$log" 2>&1 || true
        echo "-- ended; started again" >>"$log"
        sleep 1
    done
}

export PATH="/run/bin:/usr/sbin:/usr/bin:/sbin:/bin"
mkdir -p /run/node/log

keep_running containerd containerd --config /run/node/containerd.toml &
until ctr version >/dev/null 2>&1; do sleep 0.1; done
for image in /run/images/*.tar; do
    ctr --namespace k8s.io images import --digests=false "$image" >>/run/node/log/images.log 2>&1
done

until [ -e /run/go/ready ]; do sleep 0.1; done
keep_running kubelet kubelet --config=/run/node/kubelet.yaml --kubeconfig=/run/node/kubelet.kubeconfig \
    --hostname-override="$NODE" --node-ip="$NODE_IP" --node-labels="$NODE_LABELS" --root-dir=/var/lib/kubelet --v=2 &
keep_running kube-proxy kube-proxy --config=/run/node/kube-proxy.yaml &

# Orphans come to the first process; bash collects them while it waits.
while :; do wait || sleep 1; done
