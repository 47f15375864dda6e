# SPDX-License-Identifier: GPL-2.0-only
# gnuplot -e 'csv="FILE"; svg="FILE"' bench.gp: throughput against threads.
set terminal svg size 960,400 dynamic font "sans,12" background "white"
set output svg
set datafile separator ","
set logscale x 2
set xlabel "threads"
set ylabel "million charges and uncharges a second"
set yrange [0:]
set key outside bottom center horizontal
set grid ytics

names = "ours stock stock_spin page_counter"
title_of(i) = word("rdmacg stock stock/spinning page\\_counter", i)
data(sharing, i) = "< grep ',".word(names, i).",' ".csv." | awk -F, '$3 == 3 && $5 == 1 && $6 == 1 && !$7 && !$8 && ($2 == 1 || $4 == \"".sharing."\")'"

set multiplot layout 1,2
do for [sharing in '"separate subtrees" "shared parent"'] {
	set title sharing.", depth 3"
	plot for [i = 1:4] data(sharing, i) using 2:($2 * 1000 / $11) \
		with linespoints linewidth 2 title title_of(i)
}
unset multiplot
