#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The models of what runs without a lock: runs them, as they are and weakened, and prints a table.

A model is models/NAME.litmus, a test in the kernel's memory model for herd7: about orders. Or it is models/NAME.pml, a program for
spin, which tries all interleavings of it. The comment at its beginning says what it stands for, up to the first full stop; which
functions, one a line, "Of: FILE: FUNCTION" or "Of: FILE: TYPE::FUNCTION"; and what happens if something is taken away,
"Weakened N: WHAT". In a litmus test "// weak N: LINE" behind a line is what stands there then; "-" is nothing. A program has
"#if WEAK == N", and zero as it is.

As it is herd7 must say "Never" of a model, and see no data race, and spin must find no error; each time that it is weakened herd7 must
say "Sometimes", and spin must find one, else it proves nothing.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

MARKED = re.compile(r"^(?P<indent>\s*)(?P<line>[^\n]*?)(?P<marks>(?:\t// weak \d+: [^\n]*?)+)$", re.MULTILINE)


class Model:
    def __init__(self, path):
        self.name, self.path, self.faults = path.stem, path, []
        self.is_litmus = path.suffix == ".litmus"
        self.text = path.read_text(encoding="utf-8")
        comment = re.search(r"\(\*(.*?)\*\)" if self.is_litmus else r"/\*(.*?)\*/", self.text, re.DOTALL)
        lines = re.sub(r"^ ?\* ?", "", comment[1], flags=re.MULTILINE).strip().splitlines() if comment else []
        said = " ".join(line for line in lines if not re.match(r"SPDX|Of: |Weakened \d", line)).strip()
        self.subject = re.split(r"(?<=[.:]) ", said)[0].rstrip(".:")
        self.of = [tuple(line[4:].rsplit(": ", 1)) for line in lines if line.startswith("Of: ")]
        self.weakened = dict(re.match(r"Weakened (\d+): (.*)", line).groups() for line in lines if re.match(r"Weakened \d+: ", line))
        marked = set(re.findall(r"// weak (\d+): " if self.is_litmus else r"WEAK [!=]= ([1-9])", self.text))
        if self.is_litmus and not re.match(rf"C {re.escape(self.name)}\n", self.text):
            self.faults.append(f'does not begin with "C {self.name}"')
        if not self.subject:
            self.faults.append("does not say what it stands for")
        if any(len(of) != 2 for of in self.of) or not self.of:
            self.faults.append('does not say which functions it stands for: "Of: FILE: FUNCTION"')
        # "#else" of "WEAK == 0" is the only other one
        if not self.weakened or not marked <= set(self.weakened) or (self.is_litmus and marked != set(self.weakened)):
            self.faults.append(f"marks are {sorted(marked)}, but the header tells of {sorted(self.weakened)}")

    def tests(self):
        """The number of each test of it, None for as it is."""
        return [None, *sorted(self.weakened)]

    def name_of(self, number):
        return self.name if number is None else f"{self.name}-weak{number}"

    def litmus(self, number):
        """The text of it as it is, or weakened."""

        def line(found):
            for mark, other in re.findall(r"\t// weak (\d+): ([^\n\t]*)", found["marks"]):
                if mark == number:
                    return "" if other == "-" else found["indent"] + other
            return found["indent"] + found["line"]

        return MARKED.sub(line, self.text).replace(f"C {self.name}\n", f"C {self.name_of(number)}\n", 1)


def models_in(directory):
    return [Model(path) for path in sorted([*directory.glob("*.litmus"), *directory.glob("*.pml")])]


def run(log, *command, cwd):
    """What a command says, which is kept. A test that cannot be read is found out by what is missing."""
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    log.write(f"{' '.join(map(str, command))}\n{ran.stdout}{ran.stderr}\n")
    log.flush()
    return ran.stdout


def ask_herd(herd, memory_model, out, log, models):
    """What herd7 says of each litmus test: a word, and flags."""
    files, seen = [], {}
    for model in models:
        for number in model.tests():
            files.append(out / f"{model.name_of(number)}.litmus")
            files[-1].write_text(model.litmus(number), encoding="utf-8")
    said = run(log, herd, "-conf", "linux-kernel.cfg", *files, cwd=memory_model) if files else ""
    for test in re.split(r"^Test ", said, flags=re.MULTILINE)[1:]:
        found = re.search(r"^Observation (\S+) (\w+)", test, re.MULTILINE)
        if found:
            seen[found[1]] = " ".join([found[2], *(f"({flag})" for flag in re.findall(r"^Flag (\S+)", test, re.MULTILINE))])
    return seen


def ask_spin(spin, out, log, models):
    """Whether spin has found an error in each program."""
    seen = {}
    for model in models:
        for number in model.tests():
            place = out / model.name_of(number)
            place.mkdir()
            run(log, spin, "-a", f"-DWEAK={number or 0}", model.path, cwd=place)
            run(log, "gcc", "-w", "-DSAFETY", "-o", "pan", "pan.c", cwd=place)
            said = run(log, place / "pan", "-m100000", cwd=place) if (place / "pan").exists() else ""
            errors = re.search(r"errors: (\d+)", said)
            # It stops at the first error. Without one it must have seen all.
            if errors and (errors[1] != "0" or not re.search("too small|not completed|out of memory", said)):
                seen[model.name_of(number)] = "no error" if errors[1] == "0" else "error"
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--herd", required=True, type=Path, help="a herd7 that knows where its own files are")
    parser.add_argument("--memory-model", type=Path, required=True, help="tools/memory-model of the kernel")
    parser.add_argument("--spin", required=True, type=Path)
    parser.add_argument("--out", type=Path, required=True, help="an empty folder for weakened tests, and for what the tools say")
    parser.add_argument("models", type=Path)
    args = parser.parse_args()

    models, out = models_in(args.models.resolve()), args.out.resolve()
    if not models:
        sys.exit(f"no models in {args.models}")
    with (out / "log").open("w", encoding="utf-8") as log:
        seen = ask_herd(args.herd, args.memory_model, out, log, [model for model in models if model.is_litmus])
        seen |= ask_spin(args.spin, out, log, [model for model in models if not model.is_litmus])

    print(f"{'model':24} {'expected':9} {'got':21} what it stands for, or what is taken away")
    bad, count = [f"{model.name}: {fault}" for model in models for fault in model.faults], 0
    for model in models:
        for number in model.tests():
            count += 1
            name, got = model.name_of(number), seen.get(model.name_of(number), "nothing")
            expected = ("Never" if model.is_litmus else "no error") if number is None else ("Sometimes" if model.is_litmus else "error")
            if got not in (expected, "Sometimes (data-race)" if number else expected):
                bad.append(f"{name}: {expected} is expected, and got is {got}; see {args.out}/log")
            print(f"{name:24} {expected:9} {got:21} {model.subject if number is None else '  ' + model.weakened[number]}")
    if bad:
        sys.exit("\n".join(f"NOT AS EXPECTED: {line}" for line in bad))
    print(f"{len(models)} models, each as is and weakened ({count} tests)")


if __name__ == "__main__":
    main()
