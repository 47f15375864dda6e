#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# tools-deb.sh FOLDER: build the Debian package of rdmacg-top in the folder, and
# let lintian look at it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../../../cgroup/rdmacg-top
version=$(sed -n 's/^VERSION[[:space:]]*:= //p' "$top/Makefile")
out=$1
source=$out/rdmacg-top-$version
log=$out/build.log

rm -rf "$out"
mkdir -p "$source/debian/source"
cp "$top"/* "$source"
make -s -C "$source" clean
cp "$here"/rdmacg-top/* "$source/debian"
echo "3.0 (native)" > "$source/debian/source/format"
date=$(git -C "$top" log -1 --format=%cD -- . 2>/dev/null || :)
cat > "$source/debian/changelog" <<END
rdmacg-top ($version) unstable; urgency=medium

  * Version $version.

 -- $(sed -n 's/^Maintainer: //p' "$here/rdmacg-top/control")  ${date:-$(date -R)}
END

echo "tools-deb: building; log in $log" >&2
(cd "$source" && dpkg-buildpackage -us -uc -b) > "$log" 2>&1 || {
	tail -n 20 "$log" >&2
	echo "tools-deb: dpkg-buildpackage failed" >&2
	exit 1
}
echo "tools-deb: lintian" >&2
lintian --allow-root --fail-on error,warning "$out"/*.changes >&2
find "$out" -maxdepth 1 -name 'rdmacg-top_*.deb'
