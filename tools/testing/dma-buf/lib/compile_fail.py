#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Misuse of the safe API must not compile.

Each file of compile-fail/ is compiled twice. As it is, it must compile without a warning. With the configuration `misuse`
it must not, for the reasons that are given at the end of the lines that the errors point to, and for no others:

    fn twice(fd: FdReservation) {
        fd.install();
        #[cfg(misuse)]
        fd.install(); //~ ERROR use of moved value: `fd`
    }

The text is a part of rustc's message, of its code in brackets, or of a label at the place of the error. Each `^` behind
`//~` means one line further up, and `?` that the error points to no line of the file. rustc looks at borrows and moves when
all types are right, and at constants in the end, if the function is `pub`: what is told in one file must be told at one time.
A file that says `//~ NEEDS CONFIG_X` is skipped if this kernel has not got the option built in.
"""

import argparse
import re
import sys
from pathlib import Path

from snippets import Rust, judge_all, report

NEEDS = re.compile(r"^//~ NEEDS (CONFIG_\w+)$", re.MULTILINE)
WANTED = re.compile(r"//~(\^*|\?) ERROR (.*?)\s*$")


def wanted_errors(text):
    """(line, text) of each error that is announced."""
    return [
        (0 if found[1] == "?" else number - len(found[1]), found[2])
        for number, line in enumerate(text.splitlines(), 1)
        if (found := WANTED.search(line))
    ]


def problems_of(compiler, file, out):
    text = file.read_text()
    wanted = wanted_errors(text)
    if not wanted or not re.search(r"\bcfg\((not\()?misuse\b", text):
        return ["announces no error, or has no code for the configuration `misuse`"]
    source = out / file.name
    source.write_text(compiler.prepare(text))
    problems = [f"without the misuse: {message}" for message in compiler.compile(source)]
    found = [message for message in compiler.compile(source, ["misuse"]) if message.level == "error"]
    if not found:
        return problems + ["the misuse compiles"]
    for line, part in wanted:
        if not any(message.is_at(line) and part in message.text for message in found):
            problems.append(f"no error in line {line} says: {part}")
    for message in found:
        if not any(message.line == line or (message.is_at(line) and part in message.text) for line, part in wanted):
            problems.append(f"not announced: {message}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probe", type=Path, required=True, help="where kbuild has compiled the probes")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("files", type=Path, nargs="+")
    args = parser.parse_args()

    compiler = Rust(args.probe)
    args.out.mkdir(parents=True, exist_ok=True)
    config = args.config.read_text().splitlines()
    missing = {file: [name for name in NEEDS.findall(file.read_text()) if f"{name}=y" not in config] for file in args.files}
    for file in args.files:
        if missing[file]:
            report("skip", file.stem, f"this kernel has no {missing[file][0]}=y")

    files = [file for file in args.files if not missing[file]]
    results = judge_all(lambda file: problems_of(compiler, file, args.out.resolve()), files, args.jobs)
    for file, problems in zip(files, results):
        for problem in problems:
            print(f"{file.name}: {problem}", file=sys.stderr)
        report("fail" if problems else "pass", file.stem, problems[0] if problems else "")


if __name__ == "__main__":
    main()
