#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# driver-failure.sh MODULE VERBS: what becomes of the charge of an object that
# its driver fails to destroy. Run in the guest; prints TAP. MODULE is
# fail_destroy.ko, which makes Soft-RoCE fail to deallocate a PD. The PD itself
# is lost for good then, and with it the task that its resource tracking holds.
set -eu

module=$1
verbs=$2
cgroup=/sys/fs/cgroup/driver-failure
said=$(mktemp)
number=0
status=0

# promise TEXT COMMAND...: the command is tried until it holds, for 10 s.
promise()
{
	local text=$1 tries=100

	shift
	number=$((number + 1))
	until "$@"; do
		if [ "$((tries--))" -eq 0 ]; then
			echo "not ok $number $text"
			sed 's/^/# /' "$cgroup/rdma.current" "$said" || :
			status=1
			return
		fi
		sleep 0.1
	done
	echo "ok $number $text"
}

current_is()
{
	grep -q "^mlx4_0 hca_handle=$1 hca_object=$2 *\$" "$cgroup/rdma.current"
}

object_was_dropped()
{
	dmesg | grep -q uverbs_destroy_ufile_hw
}

echo "1..4"
mkdir "$cgroup"
insmod "$module"
mkfifo /run/orders
exec 3<> /run/orders
(echo 0 > "$cgroup/cgroup.procs"
 exec "$verbs" mlx4_0 context=1 pd=3 cq=1) < /run/orders > "$said" &
holder=$!

promise "driver-failure: objects are counted" current_is 1 4
printf '%s\n' -pd >&3
promise "driver-failure: an object that could not be destroyed stays counted" \
	grep -q "^pd: released 0, held 3; ibv_dealloc_pd: EBUSY" "$said"
kill -KILL "$holder"
wait "$holder" 2> /dev/null || :
promise "driver-failure: it is uncounted when the IB core drops it" current_is 0 0
promise "driver-failure: the IB core did drop it" object_was_dropped
[ "$status" -eq 0 ]
