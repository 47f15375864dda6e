# SPDX-License-Identifier: GPL-2.0-only
"""A program on a terminal of tmux, seen and used as by a person."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

SECONDS = 60        # a machine may be slow

CONFIG = """\
set -g remain-on-exit on
set -g default-terminal tmux-256color
set -s escape-time 0
"""


class Terminal:
    """Ends the program, and the tmux of its own, at the end of "with"."""

    def __init__(self, command, columns=100, lines=30, **environment):
        self.command, self.size = command, (columns, lines)
        self.environment = {"LC_ALL": "C.UTF-8", "NO_COLOR": ""} | environment

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        config = pathlib.Path(self.folder.name, "config")
        config.write_text(CONFIG, encoding="ascii")
        self.tmux("-f", str(config), "new-session", "-d",
                  "-x", str(self.size[0]), "-y", str(self.size[1]), "env",
                  *(f"{key}={value}"
                    for key, value in self.environment.items()),
                  *self.command)
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")
        self.folder.cleanup()

    def tmux(self, *args):
        return subprocess.run(
            ["tmux", "-u", "-S", f"{self.folder.name}/socket", *args],
            env=dict(os.environ, LC_ALL="C.UTF-8"), check=True,
            stdout=subprocess.PIPE, encoding="utf-8").stdout

    def type(self, *keys):
        """Types keys, by the names that tmux has for them."""
        self.tmux("send-keys", *keys)

    def resize(self, columns, lines):
        self.tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def text(self):
        return self.tmux("capture-pane", "-p")

    def styled(self):
        """The text with escape sequences for colours and the like."""
        return self.tmux("capture-pane", "-p", "-e")

    def process(self):
        return int(self.tmux("display-message", "-p", "#{pane_pid}"))

    def status(self):
        """Returns how the program ended: "0", "signal 15", or "" if it runs."""
        # tmux may miss that, and wait for a signal that came already.
        os.kill(int(self.tmux("display-message", "-p", "#{pid}")),
                signal.SIGCHLD)
        return self.tmux(
            "display-message", "-p",
            "#{?pane_dead,#{?pane_dead_signal,signal #{pane_dead_signal},"
            "#{pane_dead_status}},}").strip()

    def wait(self, see, what="text"):
        """Waits until the text, or what else is looked at, satisfies "see".

        That is a function, or a regular expression for a part of it.
        """
        end = time.monotonic() + SECONDS
        while True:
            now = getattr(self, what)()
            if see(now) if callable(see) else re.search(see, now, re.M):
                return now
            if time.monotonic() > end:
                raise AssertionError(f"never seen: {see}\nbut:\n{now}")
            time.sleep(0.1)
