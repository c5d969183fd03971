#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The models of what runs without a lock: runs them, as they are and weakened, and prints a table.

A model is a litmus test of the kernel's memory model, models/NAME.litmus, that anybody can give to herd7. The comment at its
beginning says what it stands for, in the first sentence after the licence; which functions, one a line, "Of: FILE: FUNCTION" or
"Of: FILE: TYPE::FUNCTION"; and what happens if something is taken away, "Weakened N: WHAT". "// weak N: LINE" behind a line is what
stands there then; "-" is nothing. As it is the model must say "Never", and there must be no data race; each time that it is
weakened it must say "Sometimes", else it proves nothing.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

WEAK = re.compile(r"^(?P<indent>\s*)(?P<line>[^\n]*?)(?P<marks>(?:\t// weak \d+: [^\n]*?)+)$", re.MULTILINE)


class Model:
    def __init__(self, path):
        self.name, self.path, self.faults = path.stem, path, []
        self.text = path.read_text(encoding="utf-8")
        comment = re.search(r"\(\*(.*?)\*\)", self.text, re.DOTALL)
        lines = re.sub(r"^ ?\* ?", "", comment[1], flags=re.MULTILINE).strip().splitlines() if comment else []
        said = " ".join(line for line in lines if not re.match(r"SPDX|Of: |Weakened \d", line)).strip()
        self.subject = re.split(r"(?<=[.:]) ", said)[0].rstrip(".:")
        self.of = [tuple(line[4:].rsplit(": ", 1)) for line in lines if line.startswith("Of: ")]
        self.weakened = dict(re.match(r"Weakened (\d+): (.*)", line).groups() for line in lines if re.match(r"Weakened \d+: ", line))
        marked = set(re.findall(r"// weak (\d+): ", self.text))
        if not re.match(rf"C {re.escape(self.name)}\n", self.text):
            self.faults.append(f'does not begin with "C {self.name}"')
        if not self.subject:
            self.faults.append("does not say what it stands for")
        if any(len(of) != 2 for of in self.of) or not self.of:
            self.faults.append('does not say which functions it stands for: "Of: FILE: FUNCTION"')
        if not marked or marked != set(self.weakened):
            self.faults.append(f"marks are {sorted(marked)}, but the header tells of {sorted(self.weakened)}")

    def variant(self, number):
        """The text of it as it is (None), or weakened."""

        def line(found):
            for mark, other in re.findall(r"\t// weak (\d+): ([^\n\t]*)", found["marks"]):
                if mark == number:
                    return "" if other == "-" else found["indent"] + other
            return found["indent"] + found["line"]

        text = WEAK.sub(line, self.text)
        return text if number is None else text.replace(f"C {self.name}\n", f"C {self.name}-weak{number}\n", 1)


def models_in(directory):
    return [Model(path) for path in sorted(directory.glob("*.litmus"))]


def observations(output):
    """What herd7 says of each test: a word, and flags."""
    found = {}
    for test in re.split(r"^Test ", output, flags=re.MULTILINE)[1:]:
        seen = re.search(r"^Observation (\S+) (\w+)", test, re.MULTILINE)
        if seen:
            found[seen[1]] = " ".join([seen[2], *(f"({flag})" for flag in re.findall(r"^Flag (\S+)", test, re.MULTILINE))])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--herd", required=True, help="a herd7 that knows where its own files are")
    parser.add_argument("--memory-model", type=Path, required=True, help="tools/memory-model of the kernel")
    parser.add_argument("--out", type=Path, required=True, help="where the weakened tests are written, and what herd7 says")
    parser.add_argument("models", type=Path)
    args = parser.parse_args()

    models = models_in(args.models)
    if not models:
        sys.exit(f"no models in {args.models}")
    args.out.mkdir(parents=True, exist_ok=True)
    for old in args.out.glob("*.litmus"):
        old.unlink()

    # A name, what it is, what it must say.
    tests = []
    for model in models:
        for number in [None, *sorted(model.weakened)]:
            name = model.name if number is None else f"{model.name}-weak{number}"
            (args.out / f"{name}.litmus").write_text(model.variant(number), encoding="utf-8")
            tests.append((name, model.subject if number is None else model.weakened[number], number is None))

    files = [str((args.out / f"{name}.litmus").resolve()) for name, _, _ in tests]
    ran = subprocess.run(
        [args.herd, "-conf", "linux-kernel.cfg", *files], cwd=args.memory_model, capture_output=True, text=True, check=False
    )
    (args.out / "herd7.log").write_text(ran.stdout + ran.stderr, encoding="utf-8")
    seen = observations(ran.stdout)

    bad = [f"{model.name}: {fault}" for model in models for fault in model.faults]
    for name, subject, as_is in tests:
        got = seen.get(name, "nothing: herd7 does not understand it")
        expected = "Never" if as_is else "Sometimes"
        if got != expected and (as_is or got.split(" ")[0] != expected):
            bad.append(f"{name}: {expected} is expected, herd7 says {got}; see {args.out}/herd7.log")
        print(f"{name:24} {expected:9} {got:24} {'' if as_is else '  '}{subject}")
    if ran.returncode:
        bad.append(f"herd7 ended with status {ran.returncode}: {ran.stderr.strip()[-300:]}")
    if bad:
        sys.exit("\n".join(f"NOT AS EXPECTED: {line}" for line in bad))
    print(f"{len(models)} models, each as is and weakened ({len(tests)} tests)")


if __name__ == "__main__":
    main()
