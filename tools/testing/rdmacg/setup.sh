#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# setup.sh PACKAGE...: install the Debian packages among these that are missing.
set -eu

missing=
for package; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Installing Debian packages:$missing" >&2
if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif sudo -n true 2>/dev/null; then
	as_root="sudo -n"
else
	echo "Not root: run 'apt-get install$missing' as root, then try again." >&2
	exit 1
fi
install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends"
# Without package lists, or with old ones, the first try cannot find them.
# shellcheck disable=SC2086 # lists of words
$install $missing >/dev/null 2>&1 ||
	{ $as_root apt-get -qq update && $install $missing >/dev/null; }
