#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the commands in the documents, and compare what they print with what stands there.

docs.py host SOURCE --vm=WORDS	what is for the host, of which make's is told to check-input
                only; then each story in a guest of its own
docs.py guest PAGE		there

A story is what a page shows with the prompt "# ", or "$ " on the host, from its first
line to its last, in one shell; stories.py has what a reader sees in prose only. A block
that cannot be run has a comment before it in the page, "not run: REASON". Prints TAP.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TOP = HERE.parents[3]
sys.path.insert(0, str(HERE))
from stories import DEFAULTS, EXAMPLES, ON_HOST, PAGES  # noqa: E402 (only now can it be found)

MAKES = sorted(str(page.relative_to(TOP)) for page in (
    *TOP.glob("*.md"), *(TOP / "doc").glob("*.md"), *(TOP / "tools/testing/rdmacg").glob("*.md")))
ALL = (*MAKES, *(page for page in PAGES if page not in MAKES),
       "tools/testing/rdmacg/model/README.md", "tools/testing/rdmacg/native/README.md")
PROMPTS = {"guest": "# ", "host": "$ "}
END = "==END=="
SECONDS = 3000      # for a story: what hangs, hangs for longer


def man_blocks(text):
    for example in re.finditer(r"^\.EX\n(.*?)\n\.EE$", text, re.M | re.S):
        lines = example[1].replace(r"\-", "-").replace(r"\(dq", '"').splitlines()
        yield text.count("\n", 0, example.start(1)) + 1, lines


def indented_blocks(text):
    block, first, before = [], 0, ""
    for number, line in enumerate([*text.expandtabs().splitlines(), "."], 1):
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


def blocks(page):
    """(number of the first line, lines, why it is not run) of what is set off."""
    text = (TOP / page).read_text(encoding="utf-8")
    lines = text.splitlines()
    for first, block in (man_blocks if page.endswith(".1") else indented_blocks)(text):
        above = [line for line in lines[max(first - 5, 0):first - 1]
                 if line.strip() and not re.match(r"\.(EX|PP|in)\b", line)]
        mark = re.match(r"""(?:<!--|\.\.|\.\\") not run: (.*?)(?: -->)?$""", above[-1].strip()) \
            if above else None
        yield first, block, mark and mark[1]


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
            ["timeout", str(SECONDS), "bash", "--norc"], text=True, errors="replace",
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
    for first, lines, reason in blocks(page):
        if reason:
            continue
        listing = man or table.find("listing", lines[0])
        # A listing shows no output: only that it fails can be told.
        for offset, command, expected in (
                [(0, "\n".join(lines), None)] if listing else commands(lines, prompt)):
            what = f"{page}:{first + offset}: {' '.join(command.split())}"
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


def is_command(line):
    """Whether a block that begins so has commands, although no prompt says so."""
    word = re.match(r"\S+(?= ?\S|$)", line)
    return word and bool(word[0] in ("cd", "export") or "/" not in word[0] and
                         shutil.which(word[0]) or re.match(r"(scripts|tools)/", word[0]))


def check_run(tap, page):
    """Each block of commands is run somewhere, or says why not."""
    listings = PAGES.get(page, {}).get("listing", {})
    for first, lines, reason in blocks(page):
        where = f"{page}:{first}: {lines[0]}"
        guest, host = (any(line.startswith(prompt) for line in lines) for prompt in PROMPTS.values())
        if not (guest or host or is_command(lines[0])):
            continue
        if reason:
            tap.skip(where, reason)
        elif guest or host:
            tap.result(page in (PAGES if guest else ON_HOST), where,
                       "no story is told of this page, nor does a comment say why not")
        elif lines[0] not in listings and not page.endswith(".1"):
            others = [line for line in lines if line and not line.startswith("make ")]
            tap.result(not others, where, "neither run, nor marked as not run:", *others)


def make_calls(text):
    """The words behind each make: in prose, and in what is set off."""
    found = re.findall(r"`make\s([^`]*)`", text)
    found += [line.partition("#")[0] for line in re.findall(r"^ {4,}make (?!-C)(.*)", text, re.M)]
    # `make soak MINUTES=` names a variable, `make -f` an option; "..." is for others.
    return sorted({" ".join(call.replace("...", "").split()) for call in found
                   if not re.search(r"=( |$)|^-\w$", call)})


def check_make(tap, source):
    """Targets and variables that the documents name are there."""
    terminal, _ = os.openpty()
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    targets = set(" ".join(re.findall(r"^\.PHONY: *(.*)", makefile, re.M)).split())
    for page in MAKES:
        for call in make_calls((TOP / page).read_text(encoding="utf-8")):
            words = call
            for there, here in EXAMPLES.items():
                words = words.replace(there, here.format(source=source, top=TOP))
            words = [word for word in shlex.split(words) if word[0] != "-"]
            goals = {word for word in words if "=" not in word}
            variables = dict(word.split("=", 1) for word in words if "=" in word)
            done = subprocess.run(
                [HERE.parent / "check-input.py", "--build", TOP / "build", *goals],
                text=True, check=False, stdin=terminal, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, env={
                    **os.environ, **DEFAULTS, **variables,
                    "RDMACG_CMD": variables.get("CMD", "")})
            tap.result(done.returncode == 0 and goals <= targets, f"{page}: make {call}",
                       *(f"no target {goal}" for goal in goals - targets),
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
    for page in ALL:
        check_run(tap, page)
    check_make(tap, args.what)
    for page, entries in ON_HOST.items():
        tell(tap, page, entries, PROMPTS["host"], ())
    failed = tap.end()
    ended = [subprocess.run([*args.vm, "--", __file__, "guest", page,
                             *(f"--path={Path(path).resolve()}" for path in args.path)],
                            check=False)
             for page in PAGES]
    return failed or any(done.returncode for done in ended)


if __name__ == "__main__":
    sys.exit(main())
