#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# query-clamp.sh MODULE: ibv_query_device() reports the limit only of a device
# whose driver says that this is safe. Run in the guest; prints TAP. MODULE is
# no_clamp.ko, which takes that back for Soft-RoCE.
set -eu

module=$1
cgroup=/sys/fs/cgroup/query-clamp
number=0
status=0

# max_qp LIMIT: what a process in the cgroup is told.
max_qp()
{
	echo "mlx4_0 hca_object=$1" > "$cgroup/rdma.max"
	(echo 0 > "$cgroup/cgroup.procs"; exec ibv_devinfo -v -d mlx4_0) |
		sed -n 's/^\tmax_qp:\t*//p'
}

# expect TEXT EXPECTED SEEN
expect()
{
	number=$((number + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $number query-clamp: $1"
	else
		echo "# expected max_qp $2, seen $3"
		echo "not ok $number query-clamp: $1"
		status=1
	fi
}

echo "1..5"
mkdir "$cgroup"
hardware=$(max_qp max)
[ "$hardware" -gt 8 ]
expect "a limit is reported" 8 "$(max_qp 8)"
expect "so is one of 0" 0 "$(max_qp 0)"
insmod "$module"
expect "no limit without the driver's consent" "$hardware" "$(max_qp 8)"
expect "nor one of 0" "$hardware" "$(max_qp 0)"
rmmod no_clamp
expect "a limit with it again" 8 "$(max_qp 8)"
exit "$status"
