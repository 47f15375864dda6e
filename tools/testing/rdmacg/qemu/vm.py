#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boots a kernel in QEMU and runs one command, or an interactive shell, in it.

The guest's root file system is the host's, read-only: it has the host's
programs and libraries, or those that machines.py has unpacked for another
machine, and a source tree has the same path in both.  init.c is its PID 1 and
says what goes over the three ports between it and us.

With --kunit, what KUnit said comes on standard output, too.

Exit status: that of the command (128 + N if signal N killed it), else
    1  a KUnit case failed, or none ran
    2  a wrong option, or something needed is not there
   70  the kernel reported a fault (WARN, BUG, oops, lockdep, sanitizer, ...),
       whatever the status of the command
   71  the guest could not be set up, or died before the command had ended
  124  the time was up

KVM is used only where a guest was seen to boot with it.  ACCEL=kvm or ACCEL=tcg
in the environment decides instead.
"""

import argparse
import contextlib
import copy
import os
import pathlib
import re
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from machines import CACHE, DEFAULT, MACHINES  # noqa: E402 (only now can it be found)

EXIT_KUNIT, EXIT_KERNEL, EXIT_GUEST, EXIT_TIME = 1, 70, 71, 124

TOP = pathlib.Path(__file__).resolve().parents[4]
KVM = pathlib.Path("/dev/kvm")
ACCELERATOR = CACHE / "accel"       # what came of trying it
PROBE_SECONDS = 10
BOOT_SECONDS = 300
BOOT_TRIES = 3
POWER_OFF_SECONDS = 30
STOP_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
CUT_KEY = b"\x1d"               # Ctrl-]

# What stands before the kernel's own words in a line of the console.
STAMP = re.compile(r"^.*?\[ *\d+\.\d{6}\](\[ *[TC]\d+\])? ")

# How reports begin.
REPORT = re.compile("|".join(
    line for line in pathlib.Path(__file__).with_name("reports").read_text().split("\n")
    if line and not line.startswith("#")))


class RunError(Exception):
    """The command did not run to its end: the status to exit with, and why."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


class QemuAborted(RunError):
    """QEMU failed an assertion of its own while it booted the guest."""

    def __init__(self):
        super().__init__(EXIT_GUEST, "QEMU aborted before the guest reached user space")


def say(text):
    print(f"vm: {text}", file=sys.stderr, flush=True)


def find_reports(lines, expected=None):
    """Returns the numbers of the lines in which the kernel reports a fault.

    Those that are expected are left out: a regular expression is found in one
    of the first lines of such a report.
    """
    return [number for number, line in enumerate(lines)
            if REPORT.search(STAMP.sub("", line))
            and not (expected and any(re.search(expected, near)
                                      for near in lines[number:number + 3]))]


def show_log(path, failed, expected):
    """Shows the first report in a log or, of a failed run, its last lines.

    Returns whether there is a report that is not expected.
    """
    with open(path, errors="replace", newline="\n") as log:
        lines = [line.rstrip("\r\n") for line in log]
    reports = find_reports(lines, expected)
    if reports:
        say(f"the kernel reported a fault, line {reports[0] + 1} of {path}:")
        lines = lines[max(0, reports[0] - 5):reports[0] + 60]
    elif failed:
        say(f"the last lines of {path}:")
        lines = lines[-30:]
    else:
        lines = []
    for line in lines:
        print(f"  {line}", file=sys.stderr)
    return bool(reports)


def show_kunit(path):
    """Prints what KUnit said at boot; returns whether cases ran, and none failed.

    Kernels differ in the version that it begins with, and 5.10 has a hyphen
    behind the numbers.
    """
    with open(path, errors="replace", newline="\n") as log:
        lines = [STAMP.sub("", line.rstrip("\r\n")) for line in log]
    heads = [number for number, line in enumerate(lines)
             if re.match(r"K?TAP version \d", line)]
    ends = [number for number, line in enumerate(lines)
            if re.match(r"(not )?ok \d", line)]
    said = lines[heads[0]:ends[-1] + 1] if heads and ends else []
    print(*said, sep="\n", end="\n" * bool(said), flush=True)
    ran = any(re.match(r" +(not )?ok \d", line) for line in said)
    if not ran:
        say(f"no KUnit case ran, by {path}")
    return ran and not any(re.match(r" *not ok", line) for line in said)


def write_all(descriptor, data):
    """Returns how many bytes that were."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left):]
    return len(data)


class Guest:
    """A QEMU process, and our ends of the ports that lead to its init."""

    LATE = {
        "boot": "the kernel did not reach user space in time",
        "set-up": "the guest's set-up did not end in time",
        "run": "the command was cut: its time is up (--timeout, or make vm TIMEOUT=)",
        "off": "the command had ended, but the guest did not power off",
    }

    def __init__(self, args, accelerator):
        self.args = args
        self.stage = "boot"         # the keys of LATE, in that order
        self.rest_of_line = b""
        self.received = [0, 0]      # bytes of standard output and error
        self.ended = None           # status, and how many bytes there were
        self.failure = None
        self.saved_terminal = None
        self.selector = selectors.DefaultSelector()

        pairs = [socket.socketpair() for _ in range(3)]
        theirs = [their_end.fileno() for _, their_end in pairs]
        self.control, self.output, self.error = (ours for ours, _ in pairs)
        self.open_ports = {self.control, self.output, self.error}
        self.watch(self.control, self.on_control)
        self.watch(self.output, self.on_output)
        self.watch(self.error, self.on_error)

        self.folder = pathlib.Path(
            tempfile.mkdtemp(prefix="run-", dir=args.log.parent))
        (self.folder / "command").write_bytes(os.fsencode(args.cmd or ""))
        args.log.write_bytes(b"")
        with open(args.log, "ab") as log:
            self.process = subprocess.Popen(
                self.qemu_command(accelerator, theirs), pass_fds=theirs,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        for _, their_end in pairs:
            their_end.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A second signal must not keep us from clearing up after the first.
        unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.process.kill()
        self.restore_terminal()
        self.process.wait()
        shutil.rmtree(self.folder)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)

    def qemu_command(self, accelerator, ports):
        args = self.args
        command = [
            # Should we be killed, QEMU goes too.
            "setpriv", "--pdeathsig", "KILL", args.machine.qemu,
            "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", *args.machine.options,
            "-accel", "kvm" if accelerator == "kvm" else "tcg,thread=multi",
            "-smp", str(args.smp), "-m", str(args.memory),
            "-kernel", str(args.kernel),
            "-append", self.kernel_command_line(),
            "-chardev", f"file,id=log,append=on,path={args.log}",
            "-serial", "chardev:log",
            "-device", f"virtio-serial-{args.machine.bus}",
        ]
        # The second is what Linux before 5.15 looks for.
        for tag, options in (("hostroot", "path=/,readonly=on"),
                             ("/dev/root", "path=/,readonly=on"),
                             ("out", f"path={args.out}")):
            name = os.path.basename(tag)
            command += ["-fsdev", f"local,id={name},{options},"
                                  "security_model=none,multidevs=remap",
                        "-device", f"virtio-9p-{args.machine.bus},fsdev={name},mount_tag={tag}"]
        for number, port in enumerate(ports, start=1):
            command += [
                "-chardev", f"socket,id=port{number},fd={port}",
                "-device", f"virtserialport,nr={number},chardev=port{number}",
            ]
        return command

    def kernel_command_line(self):
        """What the kernel does not know becomes the environment of init."""
        args = self.args
        term = os.environ.get("TERM", "")
        programs = args.machine.root()
        return " ".join((
            args.machine.console, "ignore_loglevel",
            "printk.devkmsg=on panic=-1 oops=panic random.trust_cpu=on",
            "dummy.numdummies=0 root=hostroot rootfstype=9p ro rootflags="
            "trans=virtio,version=9p2000.L,cache=loose,msize=512000",
            f"init={args.init}",
            f"kunit.enable=1 kunit.autorun=1 kunit.filter_glob={args.kunit}"
            if args.kunit else "kunit.enable=0",
            args.append,
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/tmp USER=root LANG=C.UTF-8",
            f"TERM={term if re.fullmatch('[a-z0-9.+-]+', term) else 'dumb'}",
            f"OUT={args.out} RDMACG_TOP=\"{TOP}\" RDMACG_RUN={self.folder}",
            f"RDMACG_MODE={'shell' if args.shell else 'command'}",
            f"RDMACG_DEVICES={int(args.devices)}",
            f"RDMACG_PROGRAMS={programs}/usr" if programs else "",
        ))

    def watch(self, source, handler):
        self.selector.register(source, selectors.EVENT_READ, handler)

    def follow(self, seconds, stages):
        """Passes on what the guest says, in these stages and for that long."""
        signal.setitimer(signal.ITIMER_REAL, seconds)
        while self.stage in stages and self.open_ports:
            for key, _ in self.selector.select():
                key.data()
            if self.stage == "run" and self.ended and \
               self.received == self.ended[1:]:
                self.power_off()
        signal.setitimer(signal.ITIMER_REAL, 0)

    def receive(self, port):
        # A guest that died with something of ours unread resets the port.
        with contextlib.suppress(ConnectionResetError):
            if data := port.recv(65536):
                return data
        self.selector.unregister(port)
        self.open_ports.remove(port)
        return b""

    def on_output(self):
        self.received[0] += write_all(1, self.receive(self.output))

    def on_error(self):
        self.received[1] += write_all(2, self.receive(self.error))

    def on_control(self):
        text = self.rest_of_line + self.receive(self.control)
        *lines, self.rest_of_line = text.split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "boot":
                self.stage = "set-up"
            elif word == "start":
                self.stage = "run"
                if self.args.shell:
                    self.take_terminal()
            elif word == "fail":
                self.failure = rest
                self.power_off()
            else:
                status, *sent = map(int, rest.split())
                self.ended = [status + (128 if word == "signal" else 0), *sent]

    def on_keyboard(self):
        data = os.read(0, 4096)
        if not data or CUT_KEY in data:
            raise RunError(EXIT_GUEST, "the guest was cut from the keyboard")
        # That a guest is gone shows when its ports end.
        with contextlib.suppress(BrokenPipeError):
            self.output.sendall(data)

    def tell(self, line):
        with contextlib.suppress(BrokenPipeError):
            self.control.sendall(line.encode() + b"\n")

    def power_off(self):
        self.stage = "off"
        self.restore_terminal()
        signal.setitimer(signal.ITIMER_REAL, POWER_OFF_SECONDS)
        self.tell("off")

    def take_terminal(self):
        self.saved_terminal = termios.tcgetattr(0)
        tty.setraw(0)
        signal.signal(signal.SIGWINCH, self.send_size)
        self.send_size()
        self.watch(0, self.on_keyboard)

    def send_size(self, *_):
        size = os.get_terminal_size(0)
        self.tell(f"size {size.lines} {size.columns}")

    def restore_terminal(self):
        if self.saved_terminal:
            signal.signal(signal.SIGWINCH, signal.SIG_DFL)
            self.selector.unregister(0)
            # The terminal itself may be gone.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self.saved_terminal)
            self.saved_terminal = None

    def status(self):
        """Returns how the command ended, once QEMU has closed the ports."""
        if self.failure:
            raise RunError(EXIT_GUEST, f"in the guest: {self.failure}")
        if self.stage == "boot" and self.process.wait() == -signal.SIGABRT:
            raise QemuAborted
        if self.stage != "off":
            what = "it reached user space" if self.stage == "boot" else \
                "the command had ended"
            raise RunError(EXIT_GUEST, f"the guest died before {what}")
        self.process.wait()
        return self.ended[0]


def kvm_boots(args):
    """Under the KVM of some machines a guest hangs: only a try can tell."""
    probe = copy.copy(args)
    probe.shell, probe.kunit = False, None
    say(f"trying KVM, at most {PROBE_SECONDS} s, this once")
    with Guest(probe, "kvm") as guest:
        with contextlib.suppress(TimeoutError):
            guest.follow(PROBE_SECONDS, ("boot",))
        return guest.stage != "boot"


def choose_accelerator(args):
    """Returns an accelerator, and what to call when a guest booted with it.

    The outcome of a try is kept only then: a kernel that boots with neither
    says nothing about KVM.
    """
    choice = os.environ.get("ACCEL")
    foreign = args.machine.qemu != MACHINES[DEFAULT].qemu
    if choice or foreign or not os.access(KVM, os.R_OK | os.W_OK):
        return choice or "tcg", lambda: None
    choice = recorded_accelerator(args.machine.qemu)
    if choice:
        return choice, lambda: None

    choice = "kvm" if kvm_boots(args) else "tcg"
    say(f"using {choice.upper()}; {ACCELERATOR} remembers it")

    def remember():
        with contextlib.suppress(OSError):
            ACCELERATOR.parent.mkdir(parents=True, exist_ok=True)
            ACCELERATOR.write_text(f"{accelerator_key(args.machine.qemu)}\n{choice}\n")
    return choice, remember


def accelerator_key(qemu):
    """A try of KVM counts until this host boots anew, or has another QEMU."""
    host_boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text()
    return f"{host_boot.strip()} {os.stat(shutil.which(qemu)).st_mtime_ns}"


def recorded_accelerator(qemu):
    """What came of a try of KVM; None if none was made."""
    with contextlib.suppress(OSError, ValueError):
        key, choice = ACCELERATOR.read_text().splitlines()
        if key == accelerator_key(qemu):
            return choice
    return None


def run(args):
    """Returns the status of the command."""
    # Some versions abort, rarely, while the guest looks for PCI devices.
    for _ in range(BOOT_TRIES - 1):
        with contextlib.suppress(QemuAborted):
            return run_once(args)
        say("QEMU aborted before the guest reached user space; trying again")
    return run_once(args)


def run_once(args):
    accelerator, remember = choose_accelerator(args)
    if args.shell:
        say("booting; Ctrl-D ends the shell, Ctrl-] cuts a hung guest")
    # KUnit runs before user space does, for as long as its suites take.
    boot_seconds = args.timeout if args.kunit else \
        min(BOOT_SECONDS, args.timeout)
    start = time.monotonic()
    with Guest(args, accelerator) as guest:
        try:
            guest.follow(boot_seconds, ("boot",))
            if guest.stage != "boot":
                remember()
            left = max(1, args.timeout - (time.monotonic() - start))
            guest.follow(0 if args.shell else left, Guest.LATE)
        except TimeoutError:
            raise RunError(EXIT_TIME, Guest.LATE[guest.stage]) from None
        return guest.status()


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    build = TOP / "build"
    add("--machine", default=DEFAULT, choices=MACHINES, help="%(choices)s; %(default)s")
    add("--kernel", required=True,
        help="vmlinux with CONFIG_PVH, or bzImage; of another machine than x86 the vmlinux, "
        "for what was made from it")
    add("--init", required=True, help="init.c, built with -static")
    add("--smp", type=int, default=2, help="CPUs (%(default)s)")
    add("--memory", type=int, default=1024, help="MiB (%(default)s)")
    add("--timeout", type=int, default=300, metavar="SECONDS",
        help="for boot and command together (%(default)s)")
    add("--log", default=build / "vm/console.log",
        help="file for what the kernel says (%(default)s)")
    add("--out", default=build / "vm-out",
        help="folder that is $OUT in the guest (%(default)s)")
    add("--append", default="", metavar="WORDS",
        help="more words for the kernel's command line")
    add("--kunit", metavar="GLOB",
        help="run the KUnit suites of such names at boot")
    add("--expect-report", metavar="REGEX",
        help="reports of the kernel that are no fault, by their first lines")
    add("--no-devices", dest="devices", action="store_false",
        help="make no RDMA devices")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--shell", action="store_true",
                      help="interactive shell on this terminal")
    what.add_argument("--cmd", help="command for the guest's shell")
    what.add_argument("--cmd-env", metavar="NAME",
                      help="environment variable that holds the command")
    what.add_argument("word", nargs="*", default=[],
                      help="command in words that no shell is to split, behind --")
    args = parser.parse_args()

    if args.word:
        args.cmd = shlex.join(args.word)
    if args.cmd_env:
        args.cmd = os.environ.get(args.cmd_env, "")
    if not args.shell and not args.cmd:
        parser.error("the command is empty")
    if args.shell and not os.isatty(0):
        parser.error("--shell needs a terminal; without one, use --cmd")
    if os.environ.get("ACCEL", "") not in ("", "kvm", "tcg"):
        parser.error("ACCEL in the environment is neither kvm nor tcg")
    machine = args.machine
    args.machine = MACHINES[machine]
    if os.path.basename(args.kernel) == "vmlinux":
        args.kernel = os.path.join(os.path.dirname(args.kernel), args.machine.image)
    for name in ("kernel", "init", "log", "out"):
        # That of build/ can be a link.
        path = pathlib.Path(getattr(args, name)).resolve()
        if re.search(r"[\s,\"]", str(path)):
            parser.error(f"{path}: neither QEMU nor the kernel can take a "
                         "name with blanks, commas or quotes")
        if name in ("kernel", "init") and not path.is_file():
            parser.error(f"{path} is not there; it has to be built first")
        setattr(args, name, path)
    for program in (args.machine.qemu, "setpriv"):
        if not shutil.which(program):
            parser.error(f"{program} is not there; install the packages "
                         f"{' '.join(args.machine.packages)} util-linux")
    if args.machine.root() and not args.machine.root().exists():
        parser.error(f"{args.machine.root()} is not there; 'machines.py {machine} unpack' makes it")
    return args


def main():
    args = parse_arguments()

    # Both end even a write that blocks.
    def time_is_up(*_):
        raise TimeoutError

    def stop(number, _):
        sys.exit(128 + number)

    signal.signal(signal.SIGALRM, time_is_up)
    for number in STOP_SIGNALS:
        signal.signal(number, stop)

    failed = True
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        args.log.parent.mkdir(parents=True, exist_ok=True)
        status = run(args)
        failed = False
        if args.kunit and not show_kunit(args.log):
            status = status or EXIT_KUNIT
    except RunError as error:
        say(error)
        status = error.status
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except OSError as error:
        say(error)
        return EXIT_GUEST
    if show_log(args.log, failed, args.expect_report) and status != EXIT_TIME:
        status = EXIT_KERNEL
    return status


if __name__ == "__main__":
    sys.exit(main())
