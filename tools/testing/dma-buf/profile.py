#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of one operation go: "make bench OP=name".

  profile.py count MACHINE CORE DIR OUT NAME   boot the kernel in DIR and run the operation with every instruction traced;
                                       the profile is OUT/profile
  profile.py compare C RUST CXXFILT    the differences of two such profiles; CXXFILT is LLVM's, which knows Rust's names
"""

import bisect
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import qemu

KERNEL = 1 << 63
NOTABLE = 3  # instructions


class Traced(qemu.Guest):
    rounds = 0

    def hmp(self, *commands):
        for command in commands:
            self.qmp("human-monitor-command", **{"command-line": command})

    def line(self, line):
        super().line(line)
        text = line.decode(errors="replace").strip()
        if text.startswith("BENCH ready "):
            Traced.rounds = int(text.split()[2])
            # one instruction to a block, each block a line; the option's name depends on QEMU's version
            self.hmp("stop", "singlestep on", "one-insn-per-tb on")
            self.hmp(f"logfile {self.args.out.resolve()}/trace", "log exec,nochain", "cont")
            self.data.sendall(b"\n")
        elif text == "BENCH done":
            self.hmp("stop", "log none", "singlestep off", "one-insn-per-tb off", "cont")


def functions(path):
    """Addresses of the kernel's functions, ascending, and their names."""
    symbols = (line.split() for line in path.read_text().splitlines())
    found = sorted((int(address, 16), name) for address, kind, name in symbols if kind in "tT" and name[0] != "$")
    return [address for address, _ in found], [name for _, name in found]


def count(machine, core, directory, out, name):
    words = ["--machine", machine, "--core", core, "--link", "y", "--cpus", "1", "--count-instructions"]
    words += ["--job", "bench", "--append", f"dmabuf.op={name}", "--dir", directory, "--out", out]
    directory, out = Path(directory), Path(out)
    if qemu.main(words, Traced) or not Traced.rounds:
        sys.exit(f"no profile of {name}: see {out}/data.log")
    addresses, names = functions(directory / "System.map")
    costs = Counter()
    with open(out / "trace", encoding="ascii", errors="replace") as trace:
        for line in trace:
            block = re.match(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", line)
            if block:
                address = int(block[1], 16)
                costs[names[bisect.bisect_right(addresses, address) - 1] if address >= KERNEL else "(user space)"] += 1
    (out / "trace").unlink()
    with open(out / "profile", "w", encoding="ascii") as profile:
        for function, instructions in costs.most_common():
            profile.write(f"{instructions / Traced.rounds} {function}\n")


def readable(names, cxxfilt):
    return subprocess.run([cxxfilt], input="\n".join(names), capture_output=True, text=True, check=True).stdout.split("\n")


def compare(c, rust, cxxfilt):
    costs = {}
    for core, path in enumerate((c, rust)):
        for line in Path(path).read_text().splitlines():
            instructions, function = line.split(" ", 1)
            costs.setdefault(function, [0, 0])[core] = float(instructions)
    rows = sorted(costs.items(), key=lambda row: -abs(row[1][1] - row[1][0]))
    rows = [row for row in rows if abs(row[1][1] - row[1][0]) >= NOTABLE]
    print(f"\n{'C':>9} {'Rust':>9} {'more':>9}  function, where it makes a difference of {NOTABLE} instructions or more")
    for (_, (c, rust)), function in zip(rows, readable([name for name, _ in rows], cxxfilt)):
        print(f"{c:9.1f} {rust:9.1f} {rust - c:+9.1f}  {function[:150]}")
    c, rust = (sum(cost[core] for cost in costs.values()) for core in (0, 1))
    print(f"{c:9.1f} {rust:9.1f} {rust - c:+9.1f}  in all")


if __name__ == "__main__":
    if sys.argv[1] == "count":
        count(*sys.argv[2:])
    else:
        compare(*sys.argv[2:])
