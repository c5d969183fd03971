#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What each step of the series holds: configs/series.txt, read and applied."""

import fnmatch
import re
import subprocess
import tempfile
import textwrap
from pathlib import Path

from tree import OVERLAY, listed, touched_in

# What stands above a line and is about it.
ABOVE = re.compile(r"\s*(///|//|#\[|# |#$|/\*| \*)")


class Wrong(Exception):
    """A map that does not fit the checkout."""


class Step:
    def __init__(self, name, subject):
        self.name, self.subject = name, subject
        self.message, self.needs, self.options, self.patterns, self.hooks, self.lines = [], [], [], [], [], []


def read_map(path):
    """The steps, in order."""
    steps = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        word, _, rest = line.partition(" ")
        if line.startswith("\t") or (not line and steps and not steps[-1].patterns + steps[-1].hooks):
            steps[-1].message.append(line[1:])
        elif word == "step":
            steps.append(Step(*rest.split(": ", 1)))
        elif word in ("needs", "set", "file", "hook"):
            step = steps[-1]
            {"needs": step.needs, "set": step.options, "file": step.patterns, "hook": step.hooks}[word].extend(rest.split())
        elif word in ("late", "until"):
            file, rule = rest.split(": ", 1)
            steps[-1].lines.append((word, file, rule))
        elif line and word != "#":
            raise Wrong(f"{path}:{number}: not understood: {line}")
    for at, step in enumerate(steps):
        unknown = set(step.needs) - {earlier.name for earlier in steps[:at]}
        if unknown:
            raise Wrong(f"{step.name} needs {', '.join(sorted(unknown))}, which is no step before it")
    return steps


def drop(lines, rule):
    """Without the lines of a rule, their comments, and what would be two blank lines then."""
    first, _, last = rule.partition(" ... ")
    kept, at, found = [], 0, 0
    while at < len(lines):
        if not re.search(first, lines[at]):
            kept.append(lines[at])
            at += 1
            continue
        found += 1
        while kept and ABOVE.match(kept[-1]) and "SPDX" not in kept[-1]:
            kept.pop()
        if last:
            while not re.search(last, lines[at]):
                at += 1
                if at == len(lines):
                    raise Wrong(f"nothing ends what begins with {first}")
        at += 1
        if kept and not kept[-1] and (at == len(lines) or not lines[at]):
            kept.pop()
    if not found:
        raise Wrong(f"no line is one of {rule}")
    return kept


def before(text, rules):
    """What a file is when some steps are still to come."""
    lines = text.split("\n")
    for kind, rule in rules:
        if kind == "late":
            lines = drop(lines, rule)
            continue
        whole, _, other = rule.partition(" => ")
        if lines.count(whole) != 1:
            raise Wrong(f"{lines.count(whole)} lines are: {whole}")
        lines[lines.index(whole)] = other
    return "\n".join(lines)


def covers(pattern, name):
    """As MAINTAINERS means an F: line: a folder with all below it, or names at that depth."""
    if pattern.endswith("/"):
        return name.startswith(pattern)
    return pattern.count("/") == name.count("/") and fnmatch.fnmatchcase(name, pattern)


class Series:
    """The map, and the files of the checkout that it is about."""

    def __init__(self, path, checkout, pristine):
        self.steps, self.checkout, self.pristine = read_map(path), checkout, pristine
        self.home = {}
        for name in sorted(listed(checkout, *OVERLAY)):
            homes = [step for step in self.steps if any(fnmatch.fnmatchcase(name, pattern) for pattern in step.patterns)]
            if len(homes) != 1:
                raise Wrong(f"{name} is in {' and '.join(step.name for step in homes) or 'no step'}")
            self.home[name] = homes[0]
        for step in self.steps:
            for pattern in step.patterns:
                if not fnmatch.filter(self.home, pattern):
                    raise Wrong(f"{step.name}: no file is {pattern}")
            for _, name, _ in step.lines:
                if name not in self.home:
                    raise Wrong(f"{step.name}: {name} is no file of ours")
                if self.steps.index(self.home[name]) >= self.steps.index(step):
                    raise Wrong(f"{step.name}: {name} comes with {self.home[name].name}, which is no earlier step")
        hooks = sorted(path.stem for path in (checkout / "patches").glob("*.patch"))
        if hooks != sorted(hook for step in self.steps for hook in step.hooks):
            raise Wrong(f"hooks of the steps and patches/ differ: {set(hooks) ^ {h for s in self.steps for h in s.hooks}}")

        hooked = "\n".join(self.hook(name) for step in self.steps for name in step.hooks)
        kept_by = re.findall(r"^\+F:\t(\S+)$", hooked, re.M)
        for name in self.home:
            if not any(covers(pattern, name) for pattern in kept_by):
                raise Wrong(f"MAINTAINERS has nobody for {name}: no F: of our hooks covers it")

    def hook(self, name):
        return (self.checkout / "patches" / f"{name}.patch").read_text()

    def hooked(self):
        return sorted(set().union(*(touched_in(self.hook(name)) for step in self.steps for name in step.hooks)))

    def ours_at(self, last):
        """The new files as they are after the step of that number."""
        done, files = self.steps[: last + 1], {}
        for name, home in self.home.items():
            if home not in done:
                continue
            # the last first: what comes later may be inside of what comes earlier
            rules = [(kind, rule) for step in self.steps[:last:-1] for kind, file, rule in step.lines if file == name]
            content = (self.checkout / name).read_bytes()
            try:
                files[name] = before(content.decode(), rules).encode() if rules else content
            except Wrong as wrong:
                raise Wrong(f"{name}: {wrong}") from None
        return files

    def lay(self, number, root):
        """Takes a tree that has the steps before to this one."""
        for hook in self.steps[number].hooks:
            command = ["patch", "-p1", "--forward", "--fuzz=0", "--no-backup-if-mismatch", "--batch", "-d", root]
            run = subprocess.run(command, input=self.hook(hook), capture_output=True, text=True, check=False)
            if run.returncode:
                raise Wrong(f"{hook} does not apply at its step: {run.stdout}")
        for name, content in self.ours_at(number).items():
            path = root / name
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod((self.checkout / name).stat().st_mode & 0o777)


class Repository:
    """A git repository with no more of the kernel than the series touches."""

    IDENTITY = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null")

    def __init__(self, root, series):
        self.root = root
        self.git("init", "-q")
        for name in series.hooked():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes((series.pristine / name).read_bytes())
            (root / name).chmod((series.pristine / name).stat().st_mode & 0o777)
        self.commit("base")

    def git(self, *words, **options):
        run = subprocess.run(
            ["git", *self.IDENTITY, "-C", self.root, *words], capture_output=True, text=True, check=False, **options
        )
        if run.returncode:
            raise Wrong(f"git {words[0]}: {run.stderr or run.stdout}")
        return run.stdout

    def commit(self, message, *options, env=None):
        self.git("add", "-A", "-f")
        self.git("commit", "-q", *options, "-F", "-", input=message, env=env)


def message_of(step):
    """As long as the kernel's lines of messages may be."""
    paragraphs = "\n".join(step.message).strip().split("\n\n")
    return "\n\n".join([step.subject, *(textwrap.fill(" ".join(each.split()), 75) for each in paragraphs)]) + "\n"


def scratch():
    return tempfile.TemporaryDirectory(prefix="series.")
