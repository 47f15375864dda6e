#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# setup.sh [GROUP...]: install Python, and what setup.py says of these groups.
set -eu

if ! command -v python3 >/dev/null; then
	echo "Installing python3" >&2
	as_root=
	[ "$(id -u)" -eq 0 ] || as_root='sudo -n'
	# Update first: old lists name files that the mirror no longer has.
	{ $as_root apt-get -q update || :
	  $as_root apt-get -q install -y --no-install-recommends python3; } >&2 || {
		echo "Install python3 by hand, as root: 'apt-get install python3'; then run make again." >&2
		exit 1
	}
fi
exec "$(dirname "$0")/setup.py" "$@"
