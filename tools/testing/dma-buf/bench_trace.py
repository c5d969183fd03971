# SPDX-License-Identifier: GPL-2.0
"""Boots a kernel, has it run operations of the program bench with every instruction traced, and says where these go."""

import bisect
import sys
from collections import Counter
from pathlib import Path

import qemu

KERNEL = 1 << 63


class Traced(qemu.Guest):
    """A guest that says "BENCH ready ROUNDS BEGIN END NAME", waits for a line, runs, and says "BENCH done"."""

    stretches = {}  # operation -> (rounds, address -> how often it was executed)

    def hmp(self, *commands):
        for command in commands:
            self.qmp("human-monitor-command", **{"command-line": command})

    def line(self, line):
        super().line(line)
        words = line.decode(errors="replace").split()
        trace = self.args.out.resolve() / "trace"
        if words[:2] == ["BENCH", "ready"]:
            self.now = int(words[2]), int(words[3], 16), int(words[4], 16), words[5]
            # one instruction to a block, each block a line; the option's name depends on QEMU's version
            self.hmp("stop", "singlestep on", "one-insn-per-tb on")
            self.hmp(f"logfile {trace}", "log exec,nochain", "cont")
            self.data.sendall(b"\n")
        elif words == ["BENCH", "done"]:
            self.hmp("stop", "log none", "singlestep off", "one-insn-per-tb off", f"logfile {trace}.closed")
            rounds, begin, end, name = self.now
            Traced.stretches[name] = rounds, executed(trace, begin, end)
            trace.unlink()
            self.hmp("cont")


def executed(path, begin, end):
    """Address -> how often it was executed, from the lines of the trace that lie between begin and end."""
    counts, counting = Counter(), False
    with open(path, "rb") as trace:
        for line in trace:
            # Trace 0: 0x7f... [00000000/ffff800080010000/...] name
            if not line.startswith(b"Trace "):
                continue
            address = int(line.split(b"/", 2)[1], 16)
            if address == begin:
                counting = True
            elif address == end:
                counting = False
            elif counting:
                counts[address] += 1
    return counts


def run(machine, core, directory, out, group, name):
    """Operation -> (rounds, address -> how often): of the one of that name, or of EACH."""
    words = ["--machine", machine, "--core", core, "--link", "y", "--cpus", "1", "--count-instructions", "--timeout", "3000"]
    words += ["--job", "bench", "--only", group, "--append", f"dmabuf.op={name}", "--dir", directory, "--out", out]
    Traced.stretches = {}
    if qemu.main(words, Traced) or not Traced.stretches:
        sys.exit(f"nothing traced of {name}: see {out}/data.log")
    return Traced.stretches


class Symbols:
    """The functions of a kernel, by address."""

    def __init__(self, path):
        symbols = (line.split() for line in Path(path).read_text().splitlines())
        found = sorted((int(address, 16), name) for address, kind, name in symbols if kind in "tTwW" and name[0] != "$")
        self.addresses, self.names = [address for address, _ in found], [name for _, name in found]

    def at(self, address):
        """Modules are outside of the kernel's own code: there is one, the bench's."""
        if address < KERNEL:
            return "(user space)"
        if not self.addresses[0] <= address < self.addresses[-1]:
            return "(the module that measures)"
        return self.names[bisect.bisect_right(self.addresses, address) - 1]
