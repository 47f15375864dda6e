#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz.sh PROGRAMS PRODUCTS SECONDS [SEED [PART]]: run fuzz_max and fuzz_ops, from
# the folder PROGRAMS, for half the time each; or only that with PART in its name.
# Results are in TAP; an input that fails is left in PRODUCTS. A seed of the name
# repeats a run, as far as it got.

set -eu -o pipefail

programs=$1 products=$2 seconds=$3 seed=${4:-$((RANDOM * 32768 + RANDOM + 1))}
here=$(dirname "$0")
mapfile -t names < <(printf '%s\n' fuzz_max fuzz_ops | grep -- "${5-}")
seconds=$(((seconds + ${#names[@]} - 1) / ${#names[@]}))
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

# What a run counts of itself.
counted() {
	sed -n "s/^stat::number_of_$1: //p" "$log"
}

# fuzz NAME MAX-LENGTH OPTION...
fuzz() {
	local name=$1 max_len=$2 log=$products/$1.log found=$products/$1.found
	local status=0 input
	shift 2

	rm -rf "$found" "$products/$name"-*
	mkdir -p "$found"
	# All in one as well, which fuzz_max takes for as many writes.
	for input in "$here/corpus/${name#fuzz_}"/*; do
		cat "$input"
		printf '\0\0'
	done > "$found/all"
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
	if [ $status -eq 0 ]; then
		echo "ok $number $name ($(counted executed_units) inputs$(counted writes))"
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
echo "1..${#names[@]}"
for name in "${names[@]}"; do
	case $name in
	fuzz_max) options='2048 -len_control=0' ;;
	fuzz_ops) options=400 ;;
	esac
	# shellcheck disable=SC2086 # these are several words
	fuzz "$name" $options -dict="$here/rdma.dict"
done
[ $failed -eq 0 ]
