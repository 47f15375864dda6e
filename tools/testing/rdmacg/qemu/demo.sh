#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# demo.sh FOLDER...: shows in the guest what the controller does: with cgroup v2, then
# the same with v1, where only what goes wrong is shown. Each command is printed and
# run, and what it says is compared with what the controller promises. Exits 1 if
# anything differs. verbs and rdmacg-top are in the folders.

set -eu
export LC_ALL=C

for folder in "$(dirname "$0")" "$@"; do
	PATH=$(cd "$folder" && pwd):$PATH
done
tracing=/sys/kernel/tracing
for program in verbs rdmacg-top; do
	command -v "$program" > /dev/null || {
		echo "$0: $program is not there: 'make run' builds it" >&2
		exit 2
	}
done

version=2
kept=0
broken=0
all=				# what all commands have said
again='(Resource temporarily unavailable)'

work=$(mktemp -d)
trap 'rm -rf "$work" /run/web /run/db' EXIT

# Processes that hold objects read their orders here. The script keeps both
# open, so that no end of file comes in between.
mkfifo /run/web /run/db
exec 3<> /run/web 4<> /run/db

say()
{
	[ "$version" = 1 ] || printf '\n# %s\n' "$*"
}

# lines TEXT: sets nr_lines, and starts no process: a guest may be slow.
lines()
{
	local newlines=${1//[!$'\n']/}

	nr_lines=${#newlines}
}

# step COMMAND [PROMISE]: without a promise it has to say nothing. It may take
# a moment till a process in the background has answered.
step()
{
	local promise=${2:+$2$'\n'} said nr_lines wanted tries=600

	[ "$version" = 1 ] || printf '$ %s\n' "$1"
	: > "$work/said"
	eval "$1" >> "$work/said" 2>&1 || echo "exit status $?" >> "$work/said"

	lines "$promise"
	wanted=$nr_lines
	while IFS= read -r -d '' said < "$work/said" || lines "$said"
	      [ "$nr_lines" -lt "$wanted" ] && [ "$((tries--))" -gt 0 ] &&
	      jobs %% > /dev/null 2>&1; do
		sleep 0.1
	done
	all+=$said

	[ "$version" = 1 ] || printf '%s' "$said"
	if [ "$said" = "$promise" ]; then
		[ -z "$promise" ] || kept=$((kept + 1))
		return 0
	fi
	broken=$((broken + 1))
	echo "!!! BROKEN PROMISE of cgroup v$version: $1 ($ is the end of a line)"
	printf '%s' "$promise" | sed 's/^/!!! expected  /; s/$/$/'
	printf '%s' "$said" | sed 's/^/!!! seen      /; s/$/$/'
}

# limits ROOT: what both versions of cgroup do
limits()
{
	step "cd $1; mkdir group1 group2"

	say "Limit open contexts (handles), and objects: PD, CQ, QP, MR, AH, ..."
	step "echo \"mlx4_0 hca_handle=2 hca_object=20\" > group1/rdma.max"
	say "On all other devices, also those that come later:"
	step "echo \"default hca_handle=3\" > group1/rdma.max"
	step "cat group1/rdma.max" "\
default hca_handle=3 hca_object=max
mlx4_0 hca_handle=2 hca_object=20
ocrdma1 hca_handle=3 hca_object=max"

	[ "$version" = 1 ] || watch_group1

	say "A process of group1 asks for more, and is refused."
	step "(echo 0 > group1/cgroup.procs; exec verbs mlx4_0 context=9 pd=4 cq=4 mr=4 ah=4 qp=9) <> /run/web &" "\
context: made 2, held 2; ibv_open_device: EAGAIN $again
pd: made 4, held 4
cq: made 4, held 4
mr: made 4, held 4
ah: made 4, held 4
qp: made 4, held 4; ibv_create_qp: EAGAIN $again"

	[ "$version" = 1 ] || show_what_happened

	say "What is released can be had again, and in the end nothing stays counted."
	step "echo -mr=2 qp=9 quit > /run/web; wait" "\
mr: released 2, held 2
qp: made 2, held 6; ibv_create_qp: EAGAIN $again
all: released 22, held 0"
	step "grep mlx4_0 group1/rdma.current" "mlx4_0 hca_handle=0 hca_object=0"

	say "A device is plugged in, and is limited by the default."
	step "ip link add nic2 type dummy; rdma link add late type rxe netdev nic2"
	step "(echo 0 > group1/cgroup.procs; exec verbs late context=9) <> /run/db &" \
	     "context: made 3, held 3; ibv_open_device: EAGAIN $again"
	step "echo quit > /run/db; wait; ip link delete nic2" "all: released 3, held 0"

	say "Children share what their parent may have. db has no limit of its own."
	[ "$version" = 1 ] || step "echo +rdma > group1/cgroup.subtree_control"
	step "mkdir group1/web group1/db"
	step "(echo 0 > group1/web/cgroup.procs; exec verbs mlx4_0 context=1 pd=12) <> /run/web &" "\
context: made 1, held 1
pd: made 12, held 12"
	step "(echo 0 > group1/db/cgroup.procs; exec verbs mlx4_0 context=1 pd=1 mr=9) <> /run/db &" "\
context: made 1, held 1
pd: made 1, held 1
mr: made 7, held 7; ibv_reg_mr: EAGAIN $again"

	say "A process that moves leaves its charges behind; new ones go to group2."
	step "cat group1/web/cgroup.procs > group2/cgroup.procs; echo mr=5 > /run/web" \
	     "mr: made 5, held 5"
	step "grep mlx4_0 group1/rdma.current group1/*/rdma.current group2/rdma.current" "\
group1/rdma.current:mlx4_0 hca_handle=2 hca_object=20
group1/db/rdma.current:mlx4_0 hca_handle=1 hca_object=8
group1/web/rdma.current:mlx4_0 hca_handle=1 hca_object=12
group2/rdma.current:mlx4_0 hca_handle=0 hca_object=5"

	say "A removed cgroup's charges stay in its parent until the objects go."
	step "rmdir group1/web; grep mlx4_0 group1/rdma.current" \
	     "mlx4_0 hca_handle=2 hca_object=20"
	step "echo quit > /run/web" "all: released 18, held 0"
	step "grep mlx4_0 group1/rdma.current" "mlx4_0 hca_handle=1 hca_object=8"

	say "No limit any more."
	step "echo \"mlx4_0 hca_object=max\" > group1/rdma.max; echo mr=30 > /run/db" \
	     "mr: made 30, held 37"
	step "echo quit > /run/db; wait; rmdir group1/db group1 group2" \
	     "all: released 39, held 0"
}

# Left out of v1, which has the same.
watch_group1()
{
	say "Somebody sleeps until group1 is refused something; tracepoints tell, too."
	step "exec 5< group1/rdma.events; grep mlx4_0 <&5" \
	     "mlx4_0 hca_handle.max=0 hca_handle.alloc_fail=0 hca_object.max=0 hca_object.alloc_fail=0"
	step "wait-change.py <&5 > /run/woken &"
	step "echo 1 > $tracing/events/rdmacg/rdmacg_refuse/enable"
}

show_what_happened()
{
	step "wait %wait-change.py; exec 5<&-; cat /run/woken" "woken"
	step "grep -h mlx4_0 group1/rdma.peak group1/rdma.events" "\
mlx4_0 hca_handle=2 hca_object=20
mlx4_0 hca_handle.max=1 hca_handle.alloc_fail=1 hca_object.max=1 hca_object.alloc_fail=1"
	step "sed -n 's/.*\(rdmacg_refuse: cgroup=\)[0-9]*/\1ID/p' $tracing/trace" "\
rdmacg_refuse: cgroup=ID device=mlx4_0 resource=hca_handle usage=2 limit=2
rdmacg_refuse: cgroup=ID device=mlx4_0 resource=hca_object usage=20 limit=20"
	step "rdmacg-top --once" "\
USE% USAGE LIMIT FROM    PEAK HIT/s FAIL/s HITS FAILS DEVICE  RESOURCE   CGROUP
 100    20    20 own       20     -      -    1     1 mlx4_0  hca_object /group1
 100     2     2 own        2     -      -    1     1 mlx4_0  hca_handle /group1
   0     0     3 default    0     -      -    0     0 ocrdma1 hca_handle /group1"
}

# The old mount lets go of the controller when RCU has freed the last of the
# removed cgroups, and never if one of them is still referred to.
mount_v1()
{
	local tries=600

	until mount -t cgroup -o rdma cgroup "$1" 2> "$work/error"; do
		[ "$((tries--))" -gt 0 ] || { cat "$work/error"; return 1; }
		sleep 0.1
	done
}

say "Soft-RoCE by the name of mlx4_0, soft-iWARP by the name of ocrdma1, cgroup v2."
step "ls /sys/class/infiniband" $'mlx4_0\nocrdma1'
limits /sys/fs/cgroup

say "Nothing is left of the removed cgroups: the controller can move to cgroup v1."
step "cd /; echo -rdma > /sys/fs/cgroup/cgroup.subtree_control; umount /sys/fs/cgroup"
step "mount -t tmpfs tmpfs /sys/fs/cgroup; mkdir /sys/fs/cgroup/rdma"
step "mount_v1 /sys/fs/cgroup/rdma"
if mountpoint -q /sys/fs/cgroup/rdma; then
	echo "(the same as above, but for events, peaks and traces)"
	version=1
	limits /sys/fs/cgroup/rdma
else
	echo "!!! cgroup v1 is left out: the controller cannot be mounted"
fi

printf '\n'
made=0
refused=0
while read -r line; do
	[[ ! $line =~ ": made "([0-9]+) ]] || made=$((made + BASH_REMATCH[1]))
	[[ $line != *": EAGAIN "* ]] || refused=$((refused + 1))
done <<< "$all"
echo "$kept promises kept, $broken broken; $made contexts and objects made, $refused refused"
[ "$broken" -eq 0 ]
