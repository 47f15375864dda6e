#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz.sh PROGRAMS PRODUCTS SECONDS [SEED]: run fuzz_max and fuzz_ops, from the
# folder PROGRAMS, for half the time each. Results are in TAP; an input that
# fails is left in PRODUCTS. A seed of the name repeats a run, as far as it got.

set -eu -o pipefail

programs=$1 products=$2 seconds=$((($3 + 1) / 2)) seed=${4:-$((RANDOM * 32768 + RANDOM + 1))}
here=$(dirname "$0")
number=0 failed=0

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1

# Sanitizers of old don't get on with all of today's address randomization.
fixed=
if setarch -R true 2>/dev/null; then
	fixed='setarch -R '
fi

# What is left says that it goes on, and what went wrong. The controller's own
# warnings were asked for, or else a difference follows.
without_chatter() {
	grep --line-buffered -vE \
		-e '	(NEW|REDUCE|RELOAD|INITED) |NEW_FUNC|^$' \
		-e '^(INFO|Dictionary|stat::|# WARN:|# message:|###### |".*# Uses)'
}

# fuzz NAME MAX-LENGTH OPTION...
fuzz() {
	local name=$1 max_len=$2 log=$products/$1.log found=$products/$1.found
	local status=0 inputs input
	shift 2

	rm -rf "$found" "$products/$name"-*
	mkdir -p "$found"
	echo "# $name: $seconds seconds, -seed=$seed"
	# Leaks are looked for by the programs, and at the end.
	# shellcheck disable=SC2086 # these are several words
	$fixed "$programs/$name" -seed="$seed" -max_len="$max_len" "$@" \
		-max_total_time="$seconds" -timeout=20 \
		-detect_leaks=0 -print_final_stats=1 \
		-artifact_prefix="$products/$name-" \
		"$found" "$here/corpus/${name#fuzz_}" 2>&1 |
		tee "$log" | without_chatter | sed 's/^/# /' || status=$?

	number=$((number + 1))
	inputs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
	if [ $status -eq 0 ]; then
		echo "ok $number $name ($inputs inputs)"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number $name (exit status $status; all it said: $log)"
	for input in "$products/$name"-*; do
		[ -e "$input" ] || continue
		echo "# reproducer: $input"
		echo "# replay: RDMACG_FUZZ_TRACE=1 $fixed$programs/$name $input"
	done
}

mkdir -p "$products"
echo 1..2
fuzz fuzz_max 256 -dict="$here/rdma.dict"
fuzz fuzz_ops 400 -dict="$here/rdma.dict"
[ $failed -eq 0 ]
