# SPDX-License-Identifier: GPL-2.0-only
# gnuplot -e 'csv="FILE"; svg="FILE"' bench.gp
#
# Times in proportion to mainline's controller, for the cases that users have.
set terminal svg size 960,440 dynamic font "sans,12" background "white"
set output svg
set datafile separator ","
set style data histograms
set style histogram clustered gap 1.5
set style fill solid border -1
set logscale y 2
set ylabel "time for a charge and its uncharge,\nmainline's controller = 1"
set yrange [1./64:8]
set ytics ("1/64" 1./64, "1/16" 1./16, "1/4" 1./4, "1" 1, "4" 4)
set xtics rotate by -20 nomirror
set grid ytics
set key outside top center horizontal
set bmargin 8
set rmargin 10

# The label of each (no comma), the case, and so on.
cases = "1 thread at depth 1|1 thread; depth 1|1 thread at depth 8|1 thread; depth 8|2 apart at depth 8|2 threads; depth 8; separate subtrees|like Kubernetes' pods|2 threads; depth 4; shared top levels|2 below one parent|2 threads; depth 8; shared parent|likewise + other work|with other work: 2 threads; depth 8; shared parent|2 in one cgroup|2 threads; depth 3; one cgroup|2 refused|refused: 2 threads; depth 3; separate subtrees|beside one refused|neighbour refused: 1 thread; depth 3|beside a reader|rdma.current being read: 1 thread; depth 3"
data(name) = "< awk -F, -v cases=\"".cases."\" '{ if ($2 == \"".name."\") to[$1] = $6 } END { n = split(cases, c, \"|\"); for (i = 1; i < n; i += 2) print c[i] \",\" to[c[i + 1]] }' ".csv

plot data("ours") using 2:xtic(1) title "this one", \
	data("stock_spin") using 2 title "stock 6.12", \
	data("page_counter") using 2 title "page\\_counter", \
	1 with lines linewidth 2 linecolor "black" title "mainline"
