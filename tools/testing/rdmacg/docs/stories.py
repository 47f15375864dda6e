# SPDX-License-Identifier: GPL-2.0-only
"""What the stories that documents tell need beside the commands that they show.

Of each page: what a shell runs first; and by how a command begins: what happens before
it, which a reader knows from the text; what is run instead, where a number is another
each time; whether the numbers that it prints vary. A listing is a block without prompts,
and has its first line here.
"""

# Where a reader waits for a second, a busy machine may take more.
WAIT = ("wait_until() { for _ in $(seq 1500); do eval \"$1\" 2> /dev/null && break;"
        " sleep .2; done; };")
# A server for each call, which holds a context and four objects; or a refused one.
SERVE = WAIT + """
listens() { grep -q ":$(printf %04X $1) .* 0A " /proc/net/tcp /proc/net/tcp6; }
port=18600
serve() {
    port=$((port + 1))
    (echo $BASHPID > $1/cgroup.procs; exec ibv_rc_pingpong -d mlx4_0 -p $port > /dev/null 2>&1) &
    server=$!
    wait_until "! kill -0 $server || listens $port"
}"""
TENANTS = "serve team/a; serve team/a; serve team/a; serve team/b; serve team/b; "
# On a busy machine ib_write_bw may time out, or not trust its clock.
BANDWIDTH = """(echo $BASHPID > train/cgroup.procs; exec 2> /dev/null
bw() {{ exec ib_write_bw -d mlx4_0 -x 1 -n 9 -q {} $1; }}
for try in 1 2 3 4 5 6 7 8 9; do
    bw & sleep 2; (bw 10.99.0.1) && break
    kill $!; wait
done) > /dev/null"""
BW = "(echo $BASHPID > train/cgroup.procs; bw() {{ ib_write_bw -d mlx4_0 -x 1 -n 9 -q {} "

# In the guest.
PAGES = {
    "README.md": {
        "listing": {"cd /sys/fs/cgroup                 # v2; for v1: /sys/fs/cgroup/rdma": True},
    },
    "doc/administrator.md": {
        "first": SERVE,
        "before": {
            "sleep 1; rdma link delete": "wait_until 'grep -q object=4 team/b/rdma.current'",
            "sleep 1; rdma dev show": "wait_until '! rdma dev show mlx4_0'",
            "(echo $BASHPID > small": "rdma link add mlx4_0 type rxe netdev rdma0",
            "sleep 1; grep VmPin": "wait_until 'grep -q VmPin.*4096 /proc/$!/status'",
            "grep mlx4_0 team/rdma.current team/rdma.peak":
                "kill $!; wait $!; " + TENANTS + "serve team/b; serve team/b",
            "inotifywait":
                "(wait_until '[ $(cat /proc/$(pgrep -x inotifywait)/fdinfo/* |"
                " grep -c ^inotify) = 2 ]'; serve team/b; sleep 1; serve team/b; sleep 1;"
                " pkill -INT -x inotifywait) &",
            "(echo $BASHPID > team/b/cgroup.procs; exec ucx_perftest":
                "wait_until 'listens 13337'",
        },
        "instead": {
            BW.format(8): BANDWIDTH.format(8), BW.format(64): BANDWIDTH.format(64),
        },
        "varies": {"rdmacg-top --once --pids": True,
                   "(echo $BASHPID > team/b/cgroup.procs; exec ucx_perftest": True},
    },
    "doc/internals.md": {
        "first": "cd /sys/fs/cgroup; echo +rdma > cgroup.subtree_control; mkdir team;"
                 "echo +rdma > team/cgroup.subtree_control; mkdir team/b",
        "before": {"sed": "until grep -q 'pool_free.*cgroup=[0-9]* ' /sys/kernel/tracing/trace &&"
                          " [ $(grep -c pool_free /sys/kernel/tracing/trace) -ge 3 ];"
                          "do sleep .2; done"},
        "varies": {"sed": True},
    },
    "doc/runtimes.md": {
        "first": "cd /tmp; printf '[Service]\\nDelegate=rdma\\nExecStart=/bin/true\\n' > t.service",
        "before": {
            "rping -s": "cd /sys/fs/cgroup; echo +rdma > cgroup.subtree_control; mkdir job;"
                        "cd job; echo 'mlx4_0 hca_handle=0' > rdma.max; echo $$ > cgroup.procs",
        },
        "instead": {"systemd-analyze": "systemd-analyze verify ./t.service 2>&1 | sed 's,.*/,,'"},
    },
    "Documentation/admin-guide/cgroup-v1/rdma.rst": {
        "first": WAIT,
        "before": {
            "cat tenant/rdma.current": "wait_until 'grep -q object=8 tenant/rdma.current'",
            "echo $$ > team/b": "wait_until 'grep -q object=8 team/a/rdma.current'",
            # Refusals, until they are seen.
            "trace-cmd record": "(while sleep 1 && pgrep -x trace-cmd;"
                " do ibv_rc_pingpong -d mlx4_0 -p 18520; done) > /dev/null 2>&1 &",
            "mount": "echo $$ > cgroup.procs; echo 1 > tenant/cgroup.kill; sleep 1;"
                     "rmdir tenant team/b team; echo -rdma > cgroup.subtree_control; cd /;"
                     "umount /sys/fs/cgroup; mount -t tmpfs none /sys/fs/cgroup;"
                     "mkdir /sys/fs/cgroup/rdma; sleep 2",
        },
        "instead": {"find /sys/fs/cgroup -inum":
                    "find /sys/fs/cgroup -inum $(stat -c %i /sys/fs/cgroup/team)"},
        "varies": {"trace-cmd report": True, "rdma resource": True},
    },
    "tools/cgroup/rdmacg-top/rdmacg-top.1": {
        "first": "echo +rdma > /sys/fs/cgroup/cgroup.subtree_control;"
                 "mkdir /sys/fs/cgroup/tenant.slice",
    },
}

ON_HOST = {
    "doc/internals.md": {},
}

# What a reader has in place of which, and what make takes if it is told nothing.
EXAMPLES = {
    "~/src/linux-6.6": "{source}", "~/src/linux": "{source}", "KERNEL=6.6": "KERNEL=6.12",
    "/boot/config-$(uname -r)": "{top}/Makefile",
}
DEFAULTS = {"KERNEL": "6.12", "VARIANT": "rdmacg", "CONFIG": "default", "ARCH": "x86"}
