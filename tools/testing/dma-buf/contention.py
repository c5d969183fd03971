#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What operations do inside DMA-BUF, and what other processors would feel of it: a part of "make bench".

  contention.py MACHINE CORE DIR OUT OBJDUMP GROUP...   boot the kernel in DIR, trace all operations of the groups, and write
                                       OUT/inside.json

Counted by the trace, an operation: the instructions in functions of DMA-BUF (drivers/dma-buf and kernel::dma_buf: DIR/functions)
and in those which only these call; in the whole kernel the atomic read-modify-writes, and the locks that are taken.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import bench_trace

# An exclusive store, or the one instruction (LSE)
LSE = r"(cas|swp|ldadd|ldclr|ldset|ldeor|ldsmax|ldsmin|ldumax|ldumin)"
ATOMIC = {"arm64": rf"stl?x[rp][bh]?|({LSE}|stadd|stclr|stset|steor)p?a?l?[bh]?", "x86_64": r"lock|xchg[bwlq]?"}
# Who acquires takes a lock: other atomics of the kernel are relaxed or fully ordered. On x86, where nothing tells them apart,
# the functions that take locks are looked for, and those which are inlined are not found.
ACQUIRE = {"arm64": rf"ldax[rp][bh]?|{LSE}a[bh]?", "x86_64": None}
LOCKS = re.compile(r"_raw_(spin|read|write)_(try)?lock.*|(ww_)?mutex_(try)?lock.*|down_(read|write).*")
KINDS = ("inside", "atomic", "locks")


def disassembled(objdump, vmlinux):
    """Function, address, mnemonic and operands of each instruction."""
    function = None
    with subprocess.Popen([objdump, "-d", "--no-show-raw-insn", vmlinux], stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout:
            if line[:1] not in " f0":
                continue
            at, _, rest = line.partition(":")
            if not rest.strip():
                function = at.partition("<")[2].rstrip(">")
                continue
            words = rest.split(None, 1)
            yield function, int(at, 16), words[0], words[1] if len(words) > 1 else ""


class Code:
    """A kernel's code: which instructions are atomic, and which functions are DMA-BUF's."""

    def __init__(self, machine, directory, objdump, symbols):
        self.atomics, self.locks, calls = set(), set(), {}
        atomic, acquire = re.compile(ATOMIC[machine]), re.compile(ACQUIRE[machine] or "$.")
        for function, address, what, operands in disassembled(objdump, directory / "vmlinux"):
            # an xchg of two registers is none
            if atomic.fullmatch(what) and not (what.startswith("xchg") and "(" not in operands):
                self.atomics.add(address)
            if acquire.fullmatch(what):
                self.locks.add(address)
            called = re.search(r"<([^+>]+)>\s*$", operands)
            if called and called[1] != function:
                calls.setdefault(called[1], set()).add(function)
        if not ACQUIRE[machine]:
            self.locks = {address for address, name in zip(symbols.addresses, symbols.names) if LOCKS.fullmatch(name)}
        self.inside = closed((directory / "functions").read_text().split(), calls)


def closed(functions, calls):
    """With those that are called by these and by nobody else."""
    inside, more = set(functions), True
    while more:
        more = {name for name, callers in calls.items() if name not in inside and callers <= inside}
        inside |= more
    return inside


def count(machine, core, directory, out, objdump, *groups):
    symbols = bench_trace.Symbols(Path(directory) / "System.map")
    code = Code(machine, Path(directory), objdump, symbols)
    found = {}
    for group in groups:
        for name, (rounds, executed) in bench_trace.run(machine, core, directory, f"{out}/{group}", group, "EACH").items():
            of = dict.fromkeys(("all", *KINDS), 0)
            for address, times in executed.items():
                of["all"] += times
                of["inside"] += times if symbols.at(address) in code.inside else 0
                of["atomic"] += times if address in code.atomics else 0
                of["locks"] += times if address in code.locks else 0
            found[name] = {key: value / rounds for key, value in of.items()}
    (Path(out) / "inside.json").write_text(json.dumps(found, indent=1) + "\n")


def table(c_path, rust_path, known, geometric):
    """Prints what was counted; the results, and of what counts the geometric mean and the median of the whole, by group."""
    c, rust = (json.loads(path.read_text()) for path in (c_path, rust_path))
    results, means, medians = {}, {}, {}
    print(f"\n{'inside DMA-BUF, by tracing, of what takes less than a million':61} {'C':>8} {'Rust':>8}  ratio"
          f"  atomics: {'C':>6} {'Rust':>6}  locks: {'C':>6} {'Rust':>6}")
    for group, ops in known.items():
        ratios, left = [], []
        for name, (counts, what, _) in ops.items():
            if name not in c or name not in rust:
                continue
            results[name] = {kind: dict(c=c[name][kind], rust=rust[name][kind]) for kind in KINDS}
            inside, atomics, locks = (results[name][kind] for kind in KINDS)
            ratio = inside["rust"] / inside["c"] if inside["c"] and inside["rust"] else None
            if counts and ratio:
                ratios.append(ratio)
                left.append(1 - (c[name]["all"] - rust[name]["all"]) / inside["c"])
            print(f"{name:18} {what[:42]:42} {inside['c']:8.0f} {inside['rust']:8.0f} " + (f"{ratio:6.3f}" if ratio else "     -")
                  + f"           {atomics['c']:6.1f} {atomics['rust']:6.1f}         {locks['c']:6.1f} {locks['rust']:6.1f}")
        if ratios:
            means[group], medians[group] = geometric(ratios), median(left)
            print(f"{'geometric mean of the ' + str(len(ratios)) + ' of ' + group + ' that count':79} {means[group]:6.3f}")
            print(f"{'median of the same, if what it saves or costs elsewhere counts as inside':79} {medians[group]:6.3f}")
    return results, means, medians


if __name__ == "__main__":
    count(*sys.argv[1:])
