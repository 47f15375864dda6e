#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the commands in the documents, and compare what they print with what stands there.

docs.py host SOURCE --vm=WORDS	what is for the host, of which make's is told to check-input
				only; then each story in a guest of its own
docs.py guest PAGE		there

A story is what a page shows with the prompt "# ", or "$ " on the host, from its first
line to its last, in one shell; stories.py has what a reader sees in prose only, and what
cannot be run. Prints TAP.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TOP = HERE.parents[3]
sys.path.insert(0, str(HERE))
from stories import DEFAULTS, EXAMPLES, ON_HOST, PAGES  # noqa: E402 (only now can it be found)

PROMPTS = {"guest": "# ", "host": "$ "}
END = "==END=="
SECONDS = 300		# for a command: what hangs, hangs for longer


def man_blocks(page):
    """(number of the first line, lines) of the examples of a man page."""
    text = (TOP / page).read_text(encoding="utf-8").replace(r"\-", "-").replace(r"\(dq", '"')
    for example in re.finditer(r"^\.EX\n(.*?)\n\.EE$", text, re.M | re.S):
        yield text.count("\n", 0, example.start(1)) + 1, example[1].splitlines()


def blocks(page):
    """(number of the first line, lines) of what is set off by its indentation."""
    lines = (TOP / page).read_text(encoding="utf-8").expandtabs().splitlines()
    block, first, before = [], 0, ""
    for number, line in enumerate([*lines, "."], 1):
        if line.startswith("    ") and (block or not before.strip()):
            if not block:
                first = number
            block.append(line)
        elif not line.strip() and block:
            block.append("")
        elif block:
            yield first, textwrap.dedent("\n".join(block)).rstrip().splitlines()
            block = []
        before = line


def commands(lines, prompt):
    """[(offset, command, lines that it prints)] of a block."""
    found = []
    for offset, line in enumerate(lines):
        if line.startswith(prompt):
            found.append((offset, line.removeprefix(prompt), []))
        elif found:
            found[-1][2].append(line)
    return found


class Table:
    """What stories.py says of a page's commands; what fits none is an error."""

    def __init__(self, entries):
        self.entries = entries
        self.used = set()

    def find(self, kind, command):
        for start, what in self.entries.get(kind, {}).items():
            if command.startswith(start):
                self.used.add((kind, start))
                return what
        return None

    def unused(self):
        return [f"{kind}: {start}" for kind, found in self.entries.items() if kind != "first"
                for start in found if (kind, start) not in self.used]


class Tap:
    def __init__(self):
        self.case, self.failed = 0, 0

    def result(self, well, what, *details):
        self.case += 1
        self.failed += not well
        print("ok" if well else "not ok", self.case, "- docs:", what, flush=True)
        for line in details if not well else ():
            print("#", line, flush=True)

    def skip(self, what, reason):
        self.result(True, f"{what} # SKIP {reason}")

    def end(self):
        print(f"1..{self.case}")
        return bool(self.failed)


class Shell:
    """Has a command run, and returns the lines that it printed."""

    def __init__(self, programs):
        self.status = None
        path = ":".join([*programs, os.environ["PATH"]])
        self.process = subprocess.Popen(
            ["timeout", str(10 * SECONDS), "bash", "--norc"], text=True, errors="replace",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=TOP, env={**os.environ, "PATH": path})

    def run(self, command):
        self.process.stdin.write(
            f"eval {shlex.quote(command)} < /dev/null\nprintf '\\n{END}%s\\n' $?\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith(END):
                self.status = int(line.removeprefix(END))
                break
            # A shell that is not interactive names the line, and all of a job that was
            # killed: of one in the background it tells sooner than others do.
            killed = re.match(r"bash: (?:line \d+:)? +\d+ (Killed|Terminated) +(.*)", line)
            if not killed:
                lines.append(re.sub(r"^bash: line \d+: ", "bash: ", line.rstrip("\n")))
            elif re.sub(r"\W", "", killed[2]) == re.sub(r"\W", "", command):
                lines.append(killed[1])
        if lines and not lines[-1]:
            lines.pop()
        return lines

    def end(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def plain(lines, varies):
    """For a comparison: blanks may differ, and with @varies numbers."""
    text = "\n".join(" ".join(line.split()) for line in lines)
    return re.sub(r"\d+(\.\d+)?", "N", text) if varies else text


def alike(seen, expected, varies):
    """Whether it is the same, but for what "..." stands for."""
    pattern = re.escape(plain(expected, varies)).replace(r"\.\.\.", "(.|\n)*")
    return re.fullmatch(pattern, plain(seen, varies))


def tell(tap, page, entries, prompt, programs):
    table, shell = Table(entries), Shell(programs)
    shell.run(entries.get("first", "true"))
    man = page.endswith(".1")
    for first, lines in (man_blocks if man else blocks)(page):
        listing = man or table.find("listing", lines[0])
        # A listing shows no output: only that it fails can be told.
        for offset, command, expected in (
                [(0, "\n".join(lines), None)] if listing else commands(lines, prompt)):
            what = f"{page}:{first + offset}: {' '.join(command.split())}"
            reason = table.find("not run", command)
            if reason:
                tap.skip(what, reason)
                continue
            shell.run(table.find("before", command) or "true")
            varies = table.find("varies", command)
            seen = shell.run(table.find("instead", command) or command)
            if listing:
                tap.result(shell.status == 0, what, *seen)
            else:
                tap.result(alike(seen, expected, varies), what,
                           "the page has:", *expected, "it printed:", *seen)
    shell.end()
    unused = table.unused()
    tap.result(not unused, f"{page}: all that stories.py has of it is about a command", *unused)


def make_calls(text):
    """The words behind each make: in prose, and in what is set off."""
    found = re.findall(r"`make\s([^`]*)`", text)
    found += [line.partition("#")[0] for line in re.findall(r"^ {4,}make (?!-C)(.*)", text, re.M)]
    # `make soak MINUTES=` names a variable; "..." stands for others.
    return sorted({" ".join(call.split()) for call in found if not re.search(r"=( |$)|\.\.\.", call)})


def check_make(tap, source):
    """Targets and variables that the documents name are there."""
    terminal, _ = os.openpty()
    for page in (TOP / "README.md", *sorted((TOP / "doc").glob("*.md")),
                 *sorted((TOP / "tools/testing/rdmacg").glob("*.md"))):
        for call in make_calls(page.read_text(encoding="utf-8")):
            words = call
            for there, here in EXAMPLES.items():
                words = words.replace(there, here.format(source=source, top=TOP))
            words = shlex.split(words)
            variables = dict(word.split("=", 1) for word in words if "=" in word)
            done = subprocess.run(
                [HERE.parent / "check-input.py", "--build", TOP / "build",
                 *(word for word in words if "=" not in word)],
                text=True, check=False, stdin=terminal, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, env={
                    **os.environ, **DEFAULTS, **variables,
                    "RDMACG_CMD": variables.get("CMD", "")})
            tap.result(done.returncode == 0, f"{page.relative_to(TOP)}: make {call}",
                       *done.stdout.splitlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("where", choices=PROMPTS)
    parser.add_argument("what", help="folder of the kernel's source; page")
    parser.add_argument("--vm", type=shlex.split, help="what boots a guest")
    parser.add_argument("--path", action="append", default=[], help="folder of programs")
    args = parser.parse_args()
    tap = Tap()
    if args.where == "guest":
        tell(tap, args.what, PAGES[args.what], PROMPTS["guest"], args.path)
        return tap.end()
    check_make(tap, args.what)
    for page, entries in ON_HOST.items():
        tell(tap, page, entries, PROMPTS["host"], ())
    failed = tap.end()
    ended = [subprocess.run([*args.vm, "--", __file__, "guest", page,
                             *(f"--path={path}" for path in args.path)], check=False)
             for page in PAGES]
    return failed or any(done.returncode for done in ended)


if __name__ == "__main__":
    sys.exit(main())
