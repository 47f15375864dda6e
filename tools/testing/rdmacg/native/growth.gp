# SPDX-License-Identifier: GPL-2.0-only
# gnuplot -e 'csv="FILE"; svg="FILE"' growth.gp
#
# Time by size, both as logarithms, for the operations that differ most.
set terminal svg size 1000,820 dynamic font "sans,12" background "white"
set output svg
set datafile separator ","
set logscale xy
set ylabel "ns"
set grid
set key top left
set multiplot layout 2,2

data(axis, op, which) = "< grep '^".axis.",[0-9]*,\"".op."\",".which.",' ".csv

axes = "cgroups depth devices devices"
ops = "charge and uncharge|refusal by the top|read current|register and remove a device"
do for [i = 1:4] {
	axis = word(axes, i)
	op = system("echo '".ops."' | cut -d'|' -f".i)
	set title op
	set xlabel axis
	plot for [which in "ours mainline stock"] data(axis, op, which) \
		using 2:6 with linespoints title which
}
