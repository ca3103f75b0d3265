#!/usr/bin/env bash
# Runs a command in a Debian that lies in a folder: tests/in-debian.sh ROOT FOLDER... -- COMMAND...
# The command sees the kernel's folders and each FOLDER of the host where they are here, and starts in the first.
# The mounts are its own, and go when it ends.
set -euo pipefail

if [ -z "${IN_DEBIAN:-}" ]; then
  IN_DEBIAN=yes exec unshare --mount --propagation private bash "$0" "$@"
fi
root=$1
shift
first=$1
folders=(/proc /sys /dev /etc/resolv.conf /etc/hosts /etc/ssl/certs) # the host's network, and whom it trusts
while [ "$1" != -- ]; do
  folders+=("$1")
  shift
done
shift
for folder in "${folders[@]}"; do
  if [ -d "$folder" ]; then
    mkdir -p "$root$folder"
  else
    mkdir -p "$root${folder%/*}"
    touch "$root$folder"
  fi
  mount --rbind "$folder" "$root$folder"
done
unset IN_DEBIAN
exec chroot "$root" env --chdir="$first" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
