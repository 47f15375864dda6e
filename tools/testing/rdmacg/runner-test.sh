#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# runner-test.sh SOURCE: the tests of what runs all other tests, in TAP.
set -eu

here=$(dirname "$0")
number=0

echo 1..4
passes()
{
	what=$1
	shift
	number=$((number + 1))
	"$@" || {
		echo "not ok $number runner: $what"
		exit 1
	}
	echo "ok $number runner: $what"
}

passes "boots are tried again, faults in a log are found" "$here/qemu/vm_test.py"
passes "cases are counted, a base that nobody has is skipped" "$here/run-tests-test.py"
passes "wrong input is told before any work is done" "$here/check-input-test.py" "$1"
passes "what a machine lacks is told" "$here/doctor-test.py"
