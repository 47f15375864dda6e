#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deb-test.sh FOLDER RUNNER...: boot the kernel out of the package that is in
# the folder, by the words that run a guest, and see it limit verbs objects.
set -eu

out=$1
shift
top=$(cd "$(dirname "$0")/../../../.." && pwd)
root=$out/root
rm -rf "$root"
image=$(find "$out" -maxdepth 1 -name 'linux-image-*.deb' ! -name '*-dbg_*')
dpkg-deb -x "$image" "$root"
kernel=$(find "$root/boot" -name 'vmlinuz-*')
version=${kernel##*/vmlinuz-}

echo 1..3
number=0
failed=0
result()
{
	number=$((number + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $number deb: $1"
	else
		echo "not ok $number deb: $1"
		failed=1
	fi
}

status=0
[ -e "$root/lib/modules/$version/modules.dep" ] ||
	[ -e "$root/lib/modules/$version/modules.builtin" ] || status=1
result "${image##*/} has the modules of $version" $status

status=0
# The last --kernel is the one that counts.
seen=$("$@" --kernel "$kernel" --log "$top/build/vm/deb.log" --cmd "uname -r") || status=1
[ "$seen" = "$version" ] || status=1
result "$version boots" $status

status=0
"$@" --kernel "$kernel" --log "$top/build/vm/deb.log" --timeout 600 \
	-- "$top/tools/testing/rdmacg/qemu/demo.sh" "$top/build/guest" "$top/build/top" \
	> "$out/demo.txt" || status=1
sed 's/^/# /' "$out/demo.txt" | tail -n 1
result "it limits verbs objects, on v2 and v1" $status
exit $failed
