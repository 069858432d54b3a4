#!/bin/sh
# Prints the directory of an unpacked Debian kernel that the tests boot in a virtual machine; fetches it the first time.
set -e
cache=${XDG_CACHE_HOME:-$HOME/.cache}/moat-tests/kernel
ls "$cache"/boot/vmlinuz-* >/dev/null 2>&1 && { echo "$cache"; exit 0; }
package=$(apt-cache search --names-only '^linux-image-6\.1[2-9].*cloud-amd64$' | sed 's/ .*//' | grep '[0-9]\.[0-9]*[+-]' | sort -V | tail -n 1)
[ -n "$package" ] || { echo "no package of a cloud kernel 6.12 or later is known to apt; apt-get update, then run this again" >&2; exit 1; }
mkdir -p "$(dirname "$cache")"
work=$(mktemp -d "$(dirname "$cache")/kernel.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download "$package" >/dev/null 2>&1) || { echo "apt could not download $package" >&2; exit 1; }
dpkg -x "$work"/*.deb "$work/tree"
rm -rf "$cache"
mv "$work/tree" "$cache"
echo "$cache"
