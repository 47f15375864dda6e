#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kselftest.sh PART PROGRAM...: run the kselftest cases that have PART in their
# names, of all programs that have such. Run in the guest; prints TAP for each.
set -eu

part=$1
shift
ran=0
status=0

for program; do
	"$program" -l "$part" >/dev/null || continue
	echo "# ${program##*/}"
	"$program" "$part" || status=$?
	ran=$((ran + 1))
done

if [ "$ran" -eq 0 ]; then
	echo "kselftest.sh: no case has '$part' in its name" >&2
	exit 1
fi
exit "$status"
