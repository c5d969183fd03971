#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Turn what a run left behind into test cases, and test cases into the final count.

  report.py run MACHINE DIR    cases of one QEMU run (data.log, problems.txt, notes.txt of DIR) into DIR/cases
  report.py case STATUS NAME FILE [NOTE]   append one case, STATUS pass, fail or skip
  report.py matrix FILE LOG... show the interop matrix of each data.log; append to FILE a case for each two to be compared
  report.py total FILE...      count all cases; exit status 1 if one failed

TAP and KTAP are read alike. A line that sums up the lines nested under it is not counted again.
A program also fails when it ends badly, breaks its own plan, or promises TAP and shows none.
"""

import re
import sys
from pathlib import Path

RESULT = re.compile(r"^(\s*)(ok|not ok)\b\s*(\d+)?\s*(?:- )?([^#]*)(?:#\s*(.*))?$")
KSFT_SKIP = 4
PLAN = re.compile(r"^(\s*)1\.\.(\d+)\s*(?:#\s*SKIP\b\s*(.*))?", re.IGNORECASE)


class Program:
    """Collects the cases of one program."""

    def __init__(self, name, tap):
        self.name, self.tap = name, tap
        self.cases = []
        self.plans, self.counts = {}, {}
        self.subtests = {}  # indentation -> name of the block at it
        self.last_words = ""

    def add(self, status, name, note=""):
        self.cases.append((status, f"{self.name}: {name}" if name else self.name, note))

    def close_levels(self, above):
        """End the blocks indented deeper than `above`; true if there was any result in them."""
        any_result = False
        self.subtests = {level: name for level, name in self.subtests.items() if level <= above}
        for level in [level for level in set(self.plans) | set(self.counts) if level > above]:
            planned, count = self.plans.pop(level, None), self.counts.pop(level, 0)
            any_result |= count > 0
            if planned is not None and planned != count:
                self.add("fail", "plan", f"{count} results, {planned} announced")
        return any_result

    def line(self, text):
        if not self.tap:
            return
        plan = PLAN.match(text)
        if plan:
            if plan[2] == "0":
                self.add("skip", "", (plan[3] or "nothing to run").strip())
            else:
                self.plans[len(plan[1])] = int(plan[2])
            return
        if text.startswith("Bail out!"):
            self.add("fail", "", text)
            return
        heading = re.match(r"^(\s*)# Subtest: (.*)$", text)
        if heading:
            self.subtests[len(heading[1])] = heading[2].strip()
            return
        result = RESULT.match(text)
        if not result:
            if text.strip("# \t"):
                self.last_words = text.strip("# \t")
            return
        level, name, directive = len(result[1]), result[4].strip(), (result[5] or "").strip()
        nested = self.close_levels(level)
        self.counts[level] = self.counts.get(level, 0) + 1
        if nested and (result[2] == "ok" or any(status == "fail" for status, _, _ in self.cases)):
            return
        skipped = directive.upper().startswith("SKIP")
        name = name or ("" if skipped else directive) or f"test {result[3]}"
        blocks = [self.subtests[at] for at in sorted(self.subtests) if at and at <= level]
        name = ": ".join([block for block in blocks if block not in self.name.split()] + [name])
        if result[2] == "not ok":
            self.add("fail", name, directive)
        elif skipped:
            self.add("skip", name, directive[4:].strip())
        else:
            self.add("pass", name)

    def end(self, status):
        if status == KSFT_SKIP and not any(case[0] == "fail" for case in self.cases):
            # kselftest's way to leave in the middle: what was announced and did not run is skipped
            planned, done = self.plans.pop(0, 0), self.counts.pop(0, 0)
            for number in range(done, max(planned, 0 if self.cases else 1)):
                self.add("skip", f"test {number + 1} of {planned}" if planned else "", self.last_words)
            status = 0
        self.close_levels(-1)
        failed = any(case[0] == "fail" for case in self.cases)
        if status is None:
            self.add("fail", "", "did not end")
        elif status == 137:
            self.add("fail", "", "killed: took too long, or out of memory")
        elif not self.tap:
            self.add("fail" if status else "pass", "", f"exit status {status}" if status else "")
        elif not self.cases:
            self.add("fail", "", f"no results, exit status {status}")
        elif status and not failed:
            self.add("fail", "", f"exit status {status} though no case failed")
        return self.cases


def programs_of(log):
    current = None
    for text in log.splitlines():
        text = text.rstrip("\r")
        words = text.split(" ", 3)
        if text.startswith("# begin "):
            if current:
                yield current.end(None)
            current = Program(words[3], words[2] == "tap")
        elif text.startswith("# end ") and current:
            yield current.end(int(words[2]))
            current = None
        elif current:
            current.line(text)
    if current:
        yield current.end(None)


def show(cases, out):
    with open(out, "a", encoding="utf-8") as file:
        for status, name, note in cases:
            name, note = " ".join(name.split()), " ".join(note.split())
            file.write(f"{status}\t{name}\t{note}\n")
            word = "not ok" if status == "fail" else "ok"
            if status == "skip":
                note = ("SKIP " + note).strip()
            print(f"{word} - {name}" + (f" # {note}" if note else ""), flush=True)


def run(machine, directory):
    directory = Path(directory)
    log = directory / "data.log"
    problems = (directory / "problems.txt").read_text().splitlines()
    cases = [case for program in programs_of(log.read_text(errors="replace")) for case in program] if log.exists() else []
    job = directory.name
    cases = [(status, f"{machine}: {name}", note) for status, name, note in cases]
    if not cases:
        cases.append(("fail", f"{machine}: {job}", "no program ran"))
    note = (directory / "notes.txt").read_text()
    if problems:
        note = f"{problems[0]} ({len(problems)} in all, see {directory}/console.log)"
    cases.append(("fail" if problems else "pass", f"{machine}: {job}: guest ran to the end, kernel log clean", note))
    (directory / "cases").unlink(missing_ok=True)
    show(cases, directory / "cases")


def cells_of(log):
    """The matrix in a data.log: exporter and importer -> how it came out."""
    lines = [line.split() for line in log.read_text(errors="replace").splitlines() if line.startswith("# cell ")]
    return {(words[2], words[3]): words[4] for words in lines if len(words) == 5}


def print_matrix(form, cells):
    exporters, importers = (list(dict.fromkeys(cell[side] for cell in cells)) for side in (0, 1))
    first = max(map(len, exporters), default=0)
    widths = {i: max([len(i)] + [len(how) for cell, how in cells.items() if cell[1] == i]) for i in importers}
    print(f"\ninterop matrix of {form}: a line for each exporter, a column for each importer ('!': a failure)")
    print("  ".join(["", " " * first] + [i.ljust(widths[i]) for i in importers]).rstrip())
    for e in exporters:
        print("  ".join(["", e.ljust(first)] + [cells.get((e, i), "?!").ljust(widths[i]) for i in importers]).rstrip())


def matrix(out, logs):
    """The forms of one machine, whatever their core, differ in nothing but what is built."""
    forms = {}
    for log in map(Path, logs):
        form = log.parent.parent.name
        machine = form[: re.search("-(rust|c)", form).start()]
        forms.setdefault(machine, {})[form] = cells_of(log)
    cases = []
    for machine, matrices in forms.items():
        for form, cells in matrices.items():
            print_matrix(form, cells)
        (reference, expected), *others = matrices.items()
        for form, cells in others:
            differ = [
                f"{e} to {i}: {cells.get((e, i))}, not {how}"
                for (e, i), how in expected.items()
                if cells.get((e, i)) != how and "not-built" not in (how, cells.get((e, i)))
            ]
            same = bool(cells) and expected.keys() == cells.keys() and not differ
            name = f"{machine}: the interop matrix of {form} is that of {reference}"
            cases.append(("pass" if same else "fail", name, "; ".join(differ)))
    print()
    show(cases, out)


def total(files):
    count = {"pass": 0, "fail": 0, "skip": 0}
    failed = []
    for file in files:
        for line in Path(file).read_text().splitlines():
            status, name, note = line.split("\t")
            count[status] += 1
            if status == "fail":
                failed.append(f"  {name}" + (f": {note}" if note else ""))
    if failed:
        print("failed:", *failed, sep="\n")
    skipped = f", {count['skip']} skipped" if count["skip"] else ""
    print(f"{count['pass']} passed, {count['fail']} failed{skipped}")
    return 1 if failed or not count["pass"] else 0


def main():
    command, *rest = sys.argv[1:] or ["help"]
    if command == "run" and len(rest) == 2:
        run(*rest)
    elif command == "case" and len(rest) in (3, 4):
        show([(rest[0], rest[1], rest[3] if len(rest) == 4 else "")], rest[2])
    elif command == "matrix" and len(rest) > 1:
        matrix(rest[0], rest[1:])
    elif command == "total" and rest:
        return total(rest)
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
