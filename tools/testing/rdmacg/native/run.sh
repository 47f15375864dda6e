#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run each command line given, whatever became of those before. After its own
# results comes one for the program itself, as a sanitizer speaks by the exit
# status. Ends with the totals.

set -eu -o pipefail

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

# Sanitizers of old don't get on with all of today's address randomization.
fixed=
if setarch -R true 2>/dev/null; then
	fixed='setarch -R'
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

count() {
	grep -cE "$1" "$log" || true
}

for command; do
	echo "# $command"
	status=0
	# shellcheck disable=SC2086 # these are several words
	$fixed $command 2>&1 | tee -a "$log" || status=$?
	program=${command%% *}
	program=$(basename "$(dirname "$program")")_$(basename "$program")
	if [ $status -eq 0 ]; then
		echo "ok - $program"
	else
		echo "not ok - $program # exit status $status"
	fi | tee -a "$log"
done

failed=$(count '^ *not ok ')
echo "# passed: $(count '^ *ok '), skipped: $(count '# SKIP'), failed: $failed"
[ "$failed" -eq 0 ]
