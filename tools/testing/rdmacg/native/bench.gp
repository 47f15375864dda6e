# SPDX-License-Identifier: GPL-2.0-only
# gnuplot -e 'csv="FILE"; svg="FILE"; cases="FILE"' bench.gp
#
# Times in proportion to mainline's controller, for the cases that users have.
set terminal svg size 960,440 dynamic font "sans,12" background "white"
set output svg
set datafile separator ","
set style data histograms
set style fill solid border -1
set boxwidth 0.9
set ylabel "time, mainline's controller = 1"
set yrange [0:*]
set xtics rotate by -25 nomirror
set grid ytics
set key top center horizontal
set rmargin 12

# Of each, in one order, the label and the time to mainline's.
wanted = "BEGIN {n = split(\"1 thread; depth 1|1 thread; depth 3|1 thread; depth 8|2 threads; depth 8; separate subtrees|2 threads; depth 4; shared top levels|2 threads; depth 3; shared parent|other work, too: 2 threads; depth 8; shared parent|2 threads; depth 3; one cgroup|refused: 2 threads; depth 3; separate subtrees|neighbour refused: 1 thread; depth 3\", name, \"|\")} {to[$1] = $6} END {for (i = 1; i <= n; i++) print name[i] \",\" to[name[i]]}"
data(name) = "< grep ',".name.",' ".csv." | awk -F, '".wanted."'"
label(name) = name[0:strstrt(name, ";") - 1]

plot 1 with lines linecolor "black" title "mainline", \
	data("ours") using 2:xtic(1) title "rdmacg", \
	data("stock_spin") using 2 title "stock 6.12", \
	data("page_counter") using 2 title "page\\_counter"
