#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# figures.sh PROGRAM FOLDER [OPTION...]: measure with bench, growth or fairness, and
# leave its table and figures in the folder, with a plot if there is a script for one.
set -eu -o pipefail

program=$1 out=$2
name=${program##*/}
plot=$(dirname "$0")/$name.gp
shift 2

mkdir -p "$out"
"$program" "$@" "$out/$name.csv" | tee "$out/$name.txt"
[ ! -e "$plot" ] ||
	gnuplot -e "csv='$out/$name.csv'; svg='$out/$name.svg'" "$plot"
echo "The table and what was drawn of it are in $out/"
