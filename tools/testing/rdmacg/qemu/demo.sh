#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shows in the guest what the controller does: with cgroup v2, then the same in
# fewer words with v1. Each command is printed and run, and what it says is
# compared with what the controller promises. Exits 1 if anything differs.

set -eu
export LC_ALL=C

top=$(cd "$(dirname "$0")/../../../.." && pwd)
PATH=$top/build/guest:$PATH
command -v verbs > /dev/null || {
	echo "$0: build/guest/verbs is not there: 'make run' builds it" >&2
	exit 2
}

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

	printf '$ %s\n' "$1"
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

	if [ "$version" = 1 ] && [ "$nr_lines" -gt 1 ]; then
		echo "${said%%$'\n'*}  (and $((nr_lines - 1)) more)"
	else
		printf '%s' "$said"
	fi
	if [ "$said" = "$promise" ]; then
		[ -z "$promise" ] || kept=$((kept + 1))
		return 0
	fi
	broken=$((broken + 1))
	echo "!!! BROKEN PROMISE ($ is the end of a line)"
	printf '%s' "$promise" | sed 's/^/!!! expected  /; s/$/$/'
	printf '%s' "$said" | sed 's/^/!!! seen      /; s/$/$/'
}

# scenario ROOT
scenario()
{
	step "cd $1; mkdir group1 group2"

	say "Limit open contexts (handles), and objects: PD, CQ, QP, MR, AH, ..."
	step "echo \"mlx4_0 hca_handle=2 hca_object=20\" > $1/group1/rdma.max"
	step "echo \"ocrdma1 hca_handle=3\" >> $1/group1/rdma.max"
	step "cat group1/rdma.max" "\
mlx4_0 hca_handle=2 hca_object=20
ocrdma1 hca_handle=3 hca_object=max"

	say "A process of group1 asks for more, and is refused."
	step "(echo 0 > group1/cgroup.procs; exec verbs mlx4_0 context=9 pd=4 cq=4 mr=4 ah=4 qp=9) <> /run/web &" "\
context: made 2, held 2; ibv_open_device: EAGAIN $again
pd: made 4, held 4
cq: made 4, held 4
mr: made 4, held 4
ah: made 4, held 4
qp: made 4, held 4; ibv_create_qp: EAGAIN $again"
	step "echo pd=1 cq=1 mr=1 ah=1 > /run/web" "\
pd: made 0, held 4; ibv_alloc_pd: EAGAIN $again
cq: made 0, held 4; ibv_create_cq: EAGAIN $again
mr: made 0, held 4; ibv_reg_mr: EAGAIN $again
ah: made 0, held 4; ibv_create_ah: EAGAIN $again"

	say "The other device counts apart."
	step "(echo 0 > group1/cgroup.procs; exec verbs ocrdma1 context=9 pd=30) <> /run/db &" "\
context: made 3, held 3; ibv_open_device: EAGAIN $again
pd: made 30, held 30"
	step "cat group1/rdma.current" "\
mlx4_0 hca_handle=2 hca_object=20
ocrdma1 hca_handle=3 hca_object=30"

	say "What is released can be had again, and in the end nothing stays counted."
	step "echo -mr=2 qp=9 quit > /run/web" "\
mr: released 2, held 2
qp: made 2, held 6; ibv_create_qp: EAGAIN $again
all: released 22, held 0"
	step "echo quit > /run/db; wait" "all: released 33, held 0"
	step "cat group1/rdma.current" "\
mlx4_0 hca_handle=0 hca_object=0
ocrdma1 hca_handle=0 hca_object=0"

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
	step "grep mlx4_0 group1/db/rdma.max group1/rdma.current group1/*/rdma.current" "\
group1/db/rdma.max:mlx4_0 hca_handle=max hca_object=max
group1/rdma.current:mlx4_0 hca_handle=2 hca_object=20
group1/db/rdma.current:mlx4_0 hca_handle=1 hca_object=8
group1/web/rdma.current:mlx4_0 hca_handle=1 hca_object=12"

	say "A process that moves leaves its charges behind; new ones go to group2."
	step "cat group1/web/cgroup.procs > group2/cgroup.procs"
	step "echo mr=5 > /run/web" "mr: made 5, held 5"
	step "grep mlx4_0 group1/web/rdma.current group2/rdma.current" "\
group1/web/rdma.current:mlx4_0 hca_handle=1 hca_object=12
group2/rdma.current:mlx4_0 hca_handle=0 hca_object=5"

	say "A removed cgroup's charges stay in its parent until the objects go."
	step "rmdir group1/web; grep mlx4_0 group1/rdma.current" \
	     "mlx4_0 hca_handle=2 hca_object=20"
	step "echo quit > /run/web" "all: released 18, held 0"
	step "grep mlx4_0 group1/rdma.current group2/rdma.current" "\
group1/rdma.current:mlx4_0 hca_handle=1 hca_object=8
group2/rdma.current:mlx4_0 hca_handle=0 hca_object=0"

	say "No limit any more."
	step "echo \"mlx4_0 hca_handle=max hca_object=max\" > group1/rdma.max"
	step "echo \"ocrdma1 hca_handle=max\" >> group1/rdma.max"
	step "echo mr=30 > /run/db" "mr: made 30, held 37"
	step "echo quit > /run/db; wait" "all: released 39, held 0"
	step "cat group1/rdma.max group1/rdma.current" "\
mlx4_0 hca_handle=max hca_object=max
ocrdma1 hca_handle=max hca_object=max
mlx4_0 hca_handle=0 hca_object=0
ocrdma1 hca_handle=0 hca_object=0"
	step "rmdir group1/db group1 group2; cd /"
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

echo "=== cgroup v2 ==="
say "Soft-RoCE by the name of mlx4_0, soft-iWARP by the name of ocrdma1."
step "rdma link" \
     $'link mlx4_0/1 state ACTIVE physical_state LINK_UP netdev rdma0 \nlink ocrdma1/1 state ACTIVE physical_state LINK_UP netdev rdma1 '
scenario /sys/fs/cgroup

say "Nothing is left of the removed cgroups: the controller can move to a v1 mount."
step "echo -rdma > /sys/fs/cgroup/cgroup.subtree_control; umount /sys/fs/cgroup"
step "mount -t tmpfs tmpfs /sys/fs/cgroup; mkdir /sys/fs/cgroup/rdma"
step "mount_v1 /sys/fs/cgroup/rdma"
if mountpoint -q /sys/fs/cgroup/rdma; then
	printf '\n=== cgroup v1: the same, of each answer the first line ===\n'
	version=1
	scenario /sys/fs/cgroup/rdma
else
	echo "!!! cgroup v1 is left out: the controller cannot be mounted"
fi

printf '\n'
awk -v kept="$kept" -v broken="$broken" '
	/: made /	{ made += $3 }
	/: EAGAIN /	{ refused++ }
	END		{ printf "%d promises kept, %d broken; ", kept, broken
			  printf "%d contexts and objects made, %d refused\n",
				 made, refused }' <<< "$all"
[ "$broken" -eq 0 ]
