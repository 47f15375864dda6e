#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shows in the guest what the controller does, first with cgroup v2, then the
# same with v1. Each command is printed and run, and what it says is compared
# with what the controller promises. Any difference is shown and counted.

set -eu
export LC_ALL=C

top=$(cd "$(dirname "$0")/../../../.." && pwd)
PATH=$top/build/guest:$PATH
command -v verbs > /dev/null || {
	echo "$0: build/guest/verbs is not there: 'make run' builds it" >&2
	exit 2
}

work=$(mktemp -d)
seen=$work/seen			# what the command of this step has said
all=$work/all			# what all commands have said
kept=0
broken=0

again='(Resource temporarily unavailable)'

# The holders of objects take orders from these, and never see an end of file.
mkfifo /run/web /run/db
exec 3<> /run/web 4<> /run/db

say()
{
	printf '\n'
	printf '# %s\n' "$@"
}

# step COMMAND [PROMISE]: no promise is one to say nothing. An answer of a
# holder in the background may take a moment.
step()
{
	local promise=${2:+$2$'\n'} lines tries=100

	lines=$(printf '%s' "$promise" | wc -l)
	printf '$ %s\n' "$1"
	: > "$seen"
	eval "$1" >> "$seen" 2>&1 || echo "exit status $?" >> "$seen"
	while [ "$(wc -l < "$seen")" -lt "$lines" ] && [ "$((tries--))" -gt 0 ] &&
	      [ -n "$(jobs -rp)" ]; do
		sleep 0.1
	done
	tee -a "$all" < "$seen"
	if ! printf '%s' "$promise" | cmp -s - "$seen"; then
		broken=$((broken + 1))
		echo "BROKEN PROMISE, with \$ at the end of each line:"
		printf '%s' "$promise" | cat -E | sed 's/^/  expected  /'
		cat -E "$seen" | sed 's/^/  seen      /'
	elif [ -n "$promise" ]; then
		kept=$((kept + 1))
	fi
}

# scenario ROOT VERSION
scenario()
{
	local root=$1

	step "cd $root; mkdir group1 group2"

	say "At most 2 open contexts and 20 objects (PD, CQ, QP, MR, ...) on mlx4_0, and" \
	    "3 contexts on ocrdma1. What is not named has no limit."
	step "echo \"mlx4_0 hca_handle=2 hca_object=20\" > $root/group1/rdma.max"
	step "echo \"ocrdma1 hca_handle=3\" >> $root/group1/rdma.max"
	step "cat group1/rdma.max" \
	     "mlx4_0 hca_handle=2 hca_object=20
ocrdma1 hca_handle=3 hca_object=max"

	say "A process of group1 makes contexts and QPs until it is refused, then tries the rest."
	step "(echo 0 > group1/cgroup.procs; exec verbs mlx4_0 context pd=4 cq=4 mr=4 ah=4 qp) <> /run/web &" \
	     "context: made 2, held 2; ibv_open_device: EAGAIN $again
pd: made 4, held 4
cq: made 4, held 4
mr: made 4, held 4
ah: made 4, held 4
qp: made 4, held 4; ibv_create_qp: EAGAIN $again"
	step "echo pd cq mr ah mw srq > /run/web" \
	     "pd: made 0, held 4; ibv_alloc_pd: EAGAIN $again
cq: made 0, held 4; ibv_create_cq: EAGAIN $again
mr: made 0, held 4; ibv_reg_mr: EAGAIN $again
ah: made 0, held 4; ibv_create_ah: EAGAIN $again
mw: made 0, held 0; ibv_alloc_mw: EAGAIN $again
srq: made 0, held 0; ibv_create_srq: EAGAIN $again"

	say "The other device is counted apart."
	step "(echo 0 > group1/cgroup.procs; exec verbs ocrdma1 context pd=1 cq=20) <> /run/db &" \
	     "context: made 3, held 3; ibv_open_device: EAGAIN $again
pd: made 1, held 1
cq: made 20, held 20"
	step "cat group1/rdma.current" \
	     "mlx4_0 hca_handle=2 hca_object=20
ocrdma1 hca_handle=3 hca_object=21"

	say "What is given back can be had again; in the end nothing stays counted."
	step "echo -mr=2 cq > /run/web" \
	     "mr: released 2, held 2
cq: made 2, held 6; ibv_create_cq: EAGAIN $again"
	step "echo quit > /run/web; echo quit > /run/db; wait" \
	     "all: released 22, held 0
all: released 24, held 0"
	step "cat group1/rdma.current" \
	     "mlx4_0 hca_handle=0 hca_object=0
ocrdma1 hca_handle=0 hca_object=0"

	say "Two children share what group1 may have: its limit refuses db, which has none of its own."
	[ "$2" = v1 ] || step "echo +rdma > group1/cgroup.subtree_control"
	step "mkdir group1/web group1/db"
	step "(echo 0 > group1/web/cgroup.procs; exec verbs mlx4_0 context=1 pd=1 cq=11) <> /run/web &" \
	     "context: made 1, held 1
pd: made 1, held 1
cq: made 11, held 11"
	step "(echo 0 > group1/db/cgroup.procs; exec verbs mlx4_0 context=1 pd=1 mr) <> /run/db &" \
	     "context: made 1, held 1
pd: made 1, held 1
mr: made 7, held 7; ibv_reg_mr: EAGAIN $again"
	step "grep mlx4_0 group1/db/rdma.max group1/rdma.current group1/*/rdma.current" \
	     "group1/db/rdma.max:mlx4_0 hca_handle=max hca_object=max
group1/rdma.current:mlx4_0 hca_handle=2 hca_object=20
group1/db/rdma.current:mlx4_0 hca_handle=1 hca_object=8
group1/web/rdma.current:mlx4_0 hca_handle=1 hca_object=12"

	say "A process that moves leaves its charges behind; what it makes now counts in group2."
	step "cat group1/web/cgroup.procs > group2/cgroup.procs"
	step "echo mr=5 > /run/web" "mr: made 5, held 5"
	step "grep mlx4_0 group1/web/rdma.current group2/rdma.current" \
	     "group1/web/rdma.current:mlx4_0 hca_handle=1 hca_object=12
group2/rdma.current:mlx4_0 hca_handle=0 hca_object=5"

	say "A cgroup with live objects can go. Its charges stay in group1 until they do."
	step "rmdir group1/web; grep mlx4_0 group1/rdma.current" \
	     "mlx4_0 hca_handle=2 hca_object=20"
	step "echo quit > /run/web" "all: released 18, held 0"
	step "grep mlx4_0 group1/rdma.current group2/rdma.current" \
	     "group1/rdma.current:mlx4_0 hca_handle=1 hca_object=8
group2/rdma.current:mlx4_0 hca_handle=0 hca_object=0"

	say "No limit any more."
	step "echo \"mlx4_0 hca_handle=max hca_object=max\" > group1/rdma.max"
	step "echo \"ocrdma1 hca_handle=max\" > group1/rdma.max"
	step "cat group1/rdma.max" \
	     "mlx4_0 hca_handle=max hca_object=max
ocrdma1 hca_handle=max hca_object=max"
	step "echo mr=30 > /run/db" "mr: made 30, held 37"
	step "echo quit > /run/db; wait; cat group1/rdma.current" \
	     "all: released 39, held 0
mlx4_0 hca_handle=0 hca_object=0
ocrdma1 hca_handle=0 hca_object=0"
	step "rmdir group1/db group1 group2; cd /"
}

# Removed cgroups keep the old mount's hold on the controller until RCU has
# freed them; a leaked charge would keep it for ever.
mount_v1()
{
	local tries=100

	until mount -t cgroup -o rdma cgroup "$1" 2> "$work/error"; do
		[ "$((tries--))" -gt 0 ] || {
			cat "$work/error"
			return 1
		}
		sleep 0.1
	done
}

echo "=== cgroup v2 ==="
say "Two devices: Soft-RoCE by the name mlx4_0, soft-iWARP by the name ocrdma1."
step "rdma link" \
     $'link mlx4_0/1 state ACTIVE physical_state LINK_UP netdev rdma0 \nlink ocrdma1/1 state ACTIVE physical_state LINK_UP netdev rdma1 '
scenario /sys/fs/cgroup v2

printf '\n=== cgroup v1: the same again ===\n'
say "Nothing of the removed cgroups is left, so the controller can move."
step "echo -rdma > /sys/fs/cgroup/cgroup.subtree_control; umount /sys/fs/cgroup"
step "mount -t tmpfs tmpfs /sys/fs/cgroup; mkdir /sys/fs/cgroup/rdma"
step "mount_v1 /sys/fs/cgroup/rdma"
scenario /sys/fs/cgroup/rdma v1

printf '\n'
awk -v kept="$kept" -v broken="$broken" '
	/: made /	{ made += $3 }
	/: EAGAIN /	{ refused++ }
	END		{ printf "%d promises kept, %d broken; ", kept, broken
			  printf "%d contexts and objects made, %d refused\n",
				 made, refused }' "$all"
[ "$broken" -eq 0 ]
