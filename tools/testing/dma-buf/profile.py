#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of one operation go: "make bench OP=name".

  profile.py count MACHINE CORE DIR OUT GROUP NAME   boot the kernel in DIR and run the operation with every instruction traced;
                                       the profile is OUT/profile
  profile.py compare C RUST CXXFILT    the differences of two such profiles; CXXFILT is LLVM's, which knows Rust's names
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import bench_trace

NOTABLE = 3  # instructions


def count(machine, core, directory, out, group, name):
    rounds, executed = bench_trace.run(machine, core, directory, out, group, name)[name]
    symbols = bench_trace.Symbols(Path(directory) / "System.map")
    costs = Counter()
    for address, times in executed.items():
        costs[symbols.at(address)] += times
    with open(Path(out) / "profile", "w", encoding="ascii") as profile:
        for function, instructions in costs.most_common():
            profile.write(f"{instructions / rounds} {function}\n")


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
