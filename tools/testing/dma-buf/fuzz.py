#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What a run of the fuzzer says: programs, differences between two kernels, blocks reached.

  fuzz.py programs LOG SHARE      every other program of a run, from 0 or from 1 on, for "fuzz replay" in two guests
  fuzz.py kept LOG                the corpus that it leaves
  fuzz.py compare LISTED RUST C [C]
                                  results of the same programs, those on C in one log or in two; LISTED: differences that
                                  Documentation explains. Prints the programs that differ, to be run again; status 1 if there are any
  fuzz.py blocks VMLINUX OUT      all instrumented blocks of an arm64 kernel
  fuzz.py reasons REASONS         whether each place that these name is there
  fuzz.py coverage BLOCKS REASONS KNOWN LOG...
                                  which of them were reached, by function. REASONS: why user space cannot reach others;
                                  KNOWN: what earlier runs of the same kernel have reached, to which this one is added
"""

import argparse
import collections
import hashlib
import itertools
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
from ours import OURS_IN_CRATE

CALLED = "__sanitizer_cov_trace_pc"
INSTRUCTION = 4  # bytes; the address that KCOV keeps is that behind the call
# What a block does that is no code of ours: KASAN complains, or looks twice at less than eight bytes; a check of the compiler has
# found something; or there is nothing but a jump.
NOT_OURS = re.compile(
    r"bl\s.*<(__asan_report_|__asan_handle_no_return|core::panicking::|.*panic_|.*handle_alloc_error)|^b\s|"
    r"and\s+w\d+, w\d+, #0x[47]\b.*;cmp\s+w\d+, w\d+;b\.(lt|ge|gt|le)\s"
)
CALLS = re.compile(r"\sbl?\s+(0x[0-9a-f]+)")
WHOLE = "whole: "
FAILED = re.compile(r"=-\d+$")
PARTS = 2  # of programs that are run once more: each has a guest
TOP = Path(__file__).resolve().parents[3]
OURS = ("drivers/dma-buf/rust", "rust/kernel")
PLACE = re.compile(r"(\w+\.rs)`([^`]+)`([+-]\d+)?")
UNCALLED = " (nobody calls it by its name)"
INSTRUCTIONS = re.compile(r"\s*([0-9a-f]+):\s+(.*)")
JUMPS = re.compile(r"(?:b|b\.\w+|cbn?z|tbn?z)\s.*?0x([0-9a-f]+)(?:\s|$)")
# Behind a call that never returns there is something else.
ENDS = re.compile(r"(?:b|ret|br|brk|udf)\b(?!\.)|bl .*<(?:core::panicking::|.*handle_alloc_error)")
# KASAN compares as signed numbers what it looks at for the second time.
SIGNED = re.compile(r"b\.(?:ge|lt|gt|le) 0x([0-9a-f]+)")
COMPARES = re.compile(r"cmp w(\d+), (?:#0x[0-8]\b|w(\d+))")
# What KASAN knows of eight bytes is read as a signed byte, and by nobody else: a register gets a value so, or in another way.
KNOWS = re.compile(r"ldrsb w(\d+), ")
WRITES = re.compile(r"(?!st|cmp|cmn|tst|ccmp|cb|tb)\w+ [wx](\d+)\b(?:, [wx](\d+)\b(?=, \[))?")
REPORTS = "<__asan_report_"
BRANCHES = re.compile(r"\s(bl?r?|b\.\w+|cbn?z|tbn?z|ret|brk)(\s|$)")


def runs(path):
    """(number, program, result) of each program, the result None of one that did not come to its end."""
    found, program = [], None
    for line in Path(path).read_text(errors="replace").splitlines():
        if line.startswith("p "):
            if program:
                found.append((*program, None))
            _, number, text = line.split(" ", 2)
            program = int(number), text
        elif line.startswith("r ") and program:
            found.append((*program, line[2:]))
            program = None
    return found + ([(*program, None)] if program else [])


def listed(path):
    """Lines of LISTED: a pattern for a call's result in Rust, one for that in C, and where it is explained."""
    rules = []
    for line in Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            rust, c, why = re.split(r"\s{2,}", line.strip(), maxsplit=2)
            rules.append((re.compile(rust), re.compile(c), why))
    return rules


def differences(rust, c):
    """Calls that differ, up to the first that has not failed on both cores: all that follows may be a consequence."""
    if rust is None or c is None:
        if rust != c:
            yield rust or "did not end", c or "did not end"
        return
    one, other = rust.split(";"), c.split(";")
    for a, b in zip(one, other):
        if a != b:
            yield a, b
            if not FAILED.search(a) or not FAILED.search(b):
                return
    if len(one) != len(other):
        yield one[-1], other[-1]


def compare(rust, parts, rules):
    """Differences, those that are explained counted by explanation, and how many programs there were."""
    ours, theirs = runs(rust), {}
    for part, c in enumerate(parts):
        found, wanted = runs(c), len(ours[part :: len(parts)])
        if len(found) != wanted:
            sys.exit(f"{c} has {len(found)} programs of {wanted}: what became of that guest?")
        theirs |= {number * len(parts) + part: (program, result) for number, program, result in found}
    differ, explained = [], collections.Counter()
    for number, program, result in ours:
        if theirs[number][0] != program:
            sys.exit(f"program {number} is not the same on both kernels")
        for rust_call, c_call in differences(result, theirs[number][1]):
            why = next((why for a, b, why in rules if a.fullmatch(rust_call) and b.fullmatch(c_call)), None)
            if not why:
                differ.append((program, rust_call, c_call))
                break
            explained[why] += 1
    return differ, explained, len(ours)


def run_compare(args):
    differ, explained, compared = compare(args.rust, args.c, listed(args.listed))
    for program, rust, c in differ:
        print(f"# Rust: {rust}\n# C:    {c}\n{program}")
    for why, times in explained.most_common():
        print(f"{times} calls differ as explained: {why}", file=sys.stderr)
    print(f"{compared} programs compared, {len(differ)} differ", file=sys.stderr)
    return 1 if differ or not compared else 0


def without_hashes(function):
    return re.sub(r"\[[0-9a-f]+\]", "", function)


def sources(symbolizer, vmlinux, blocks):
    """Of each block the lines it was inlined from, innermost first; empty without debug information."""
    command = [symbolizer, "--obj", vmlinux, "--inlines", "--demangle", "--basenames"]
    asked = "".join(f"{at - INSTRUCTION:#x}\n" for at, _ in blocks)
    text = subprocess.run(command, input=asked, check=True, capture_output=True, text=True).stdout
    for answer in text.split("\n\n"):
        lines = answer.split("\n")
        frames = zip(lines[::2], (place.rsplit(":", 1)[0] for place in lines[1::2]))
        yield " < ".join(f"{without_hashes(name)} {place}" for name, place in frames if not place.startswith("??"))


def leads_to(lines, index, targets):
    """Where what is executed before the instruction there may be."""
    before = list(targets.get(lines[index][0], []))
    return before + [index - 1] if index and not ENDS.match(lines[index - 1][1]) else before


def is_known(lines, index, targets, register):
    """Whether the register there, whichever way leads to it, is what KASAN knows."""
    seen, left = {index}, [index]
    while left:
        before = leads_to(lines, left.pop(), targets)
        if not before:
            return False
        for at in before:
            written = WRITES.match(lines[at][1])
            if not written or register not in written.groups():
                left += {at} - seen
                seen.add(at)
            elif not KNOWS.match(lines[at][1]):
                return False
    return True


def second_look(lines, index, targets):
    """Whether nothing leads to the block there but KASAN, that has looked twice, and has nothing to complain of."""
    before = leads_to(lines, index, targets)
    for at in before:
        branch, compared = SIGNED.match(lines[at][1]), COMPARES.match(lines[at - 1][1])
        if not branch or not compared or not any(register and is_known(lines, at - 1, targets, register) for register in compared.groups()):
            return False
        ways = [at + 1] + [i for i, (address, _) in enumerate(lines) if address == int(branch[1], 16)]
        if not any(REPORTS in text for way in ways for _, text in lines[way : way + 5]):
            return False
    return bool(before)


def blocks_of(lines):
    """Address that KCOV reports of each block in a function that is more than a complaint or a jump."""
    targets = collections.defaultdict(list)
    for index, (_, text) in enumerate(lines):
        if to := JUMPS.match(text):
            targets[int(to[1], 16)].append(index)
    for index, (address, text) in enumerate(lines):
        if CALLED not in text or not text.startswith("bl"):
            continue
        code = []
        for _, text in lines[index + 1 :]:
            code.append(text)
            if BRANCHES.search(" " + text):
                break
        if not NOT_OURS.search(";".join(code)) and not second_look(lines, index, targets):
            yield address + INSTRUCTION


def of_others(nm, crate):
    """The functions of the kernel crate that are not ours, nor have the name of one in drivers/dma-buf."""

    def names(*objects):
        text = subprocess.run([nm, "--demangle", "--defined-only", *objects], check=True, capture_output=True, text=True).stdout
        return {line.split(" ", 2)[2] for line in text.splitlines() if re.match(r"[0-9a-f]+ \w ", line)}

    ours = names(*Path(crate).parents[1].glob("drivers/dma-buf/**/*.o"))
    return {name for name in names(crate) if not OURS_IN_CRATE.search(name)} - ours


def run_blocks(args):
    """Address that KCOV reports, function, and sources of each instrumented block; demangled, without the crates' hashes."""
    command = [args.objdump, "-d", "--demangle", "--no-show-raw-insn", args.vmlinux]
    text = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    function, name, blocks, called, lines = "?", "", [], set(), []
    others = of_others(args.nm, args.crate)
    for line in itertools.chain(text.stdout, ["0 <end>:\n"]):
        if to := CALLS.search(line):
            called.add(int(to[1], 16))
        if line.endswith(">:\n"):
            if name not in others and any(CALLED in text for _, text in lines):
                blocks += [(at, function) for at in blocks_of(lines)]
            at, name = line[:-3].split(" <", 1)
            function, lines = (int(at, 16), name), []
        elif instruction := INSTRUCTIONS.match(line):
            lines.append((int(instruction[1], 16), " ".join(instruction[2].split())))
    with open(args.out, "w") as out:
        for (at, function), source in zip(blocks, sources(args.symbolizer, args.vmlinux, blocks)):
            nobody = "" if function[0] in called else UNCALLED
            print(f"{at:x} {without_hashes(function[1])}{nobody}\t{source}", file=out)
    return text.wait()


def line_of(place):
    """The pattern of the line of ours that this means: FILE.rs`TEXT`, FILE.rs`TEXT`+LINES, FILE.rs`TEXT`-LINES."""
    name, text, further = place.groups()
    found = [
        number
        for file in itertools.chain.from_iterable((TOP / part).rglob(name) for part in OURS)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if text in line
    ]
    if len(found) != 1:
        raise SystemExit(f"{len(found)} lines of {name} have {text!r}, not one: {', '.join(OURS)} have changed, and so may the reason")
    return rf"\b{re.escape(name)}:{found[0] + int(further or 0)}\b"


def reasons(path):
    """Lines "PATTERN => REASON", as (what is searched, reason, PATTERN)."""
    lines = (line for line in Path(path).read_text().splitlines() if line and not line.startswith("#"))
    return [rule(*line.rsplit(" => ", 1)) for line in lines]


def rule(pattern, reason):
    searched = PLACE.sub(line_of, pattern.removeprefix(WHOLE))
    if "`" in searched:
        raise SystemExit(f"{pattern!r} names no line: that is FILE.rs`TEXT`")
    return re.compile(searched), reason, pattern


def added_to_known(path, kernel, reached):
    """What of it no run of this kernel has reached before; None if this is the first. Now all of it is known."""
    first, *known = path.read_text().splitlines() if path.exists() else [""]
    same = first == kernel
    known = {int(at, 16) for at in known} if same else set()
    beside = path.with_suffix(".new")
    beside.write_text("\n".join([kernel, *(f"{at:x}" for at in sorted(known | set(reached)))]) + "\n")
    beside.rename(path)
    return [at for at in reached if at not in known] if same else None


def run_coverage(args):
    blocks, places, times = {}, {}, collections.Counter()
    listed_blocks = args.blocks.read_text()
    for line in listed_blocks.splitlines():
        at, function = line.split(" ", 1)
        blocks[int(at, 16)], places[int(at, 16)] = function.split("\t")
    for log in args.logs:
        for line in Path(log).read_text(errors="replace").splitlines():
            if line.startswith("c "):
                times[int(line.split()[1], 16)] += int(line.split()[2])
    reached = [at for at in blocks if at in times]
    entered = {blocks[at] for at in reached}
    never, told, used = collections.defaultdict(list), collections.Counter(), set()
    for at in blocks.keys() - reached:
        for searched, reason, pattern in args.reasons:
            whole = pattern.startswith(WHOLE)
            if not (whole and blocks[at] in entered) and searched.search(f"{blocks[at]}: {places[at]}"):
                told[reason] += 1
                used.add(pattern)
                break
        else:
            never[blocks[at]].append(at)
    left = len(blocks) - told.total()
    print(f"blocks {len(reached)} of {left} ({100 * len(reached) / max(1, left):.1f} %), and {told.total()} that user space cannot reach")
    if not reached:
        sys.exit(f"no block of ours in {', '.join(args.logs)}: what became of these guests?")
    kernel = hashlib.sha256(listed_blocks.encode()).hexdigest()
    new = added_to_known(args.known, kernel, reached)
    if new is None:
        print("the first run of this kernel")
    else:
        print(f"{len(new)} of them new: no run of this kernel had reached them")
    strangers = [at for at in times if at not in blocks]
    if strangers:
        # a function that ends with the call to KCOV leaves it the address of its own caller
        print(f"{len(strangers)} more addresses are not ours: others' of the kernel's crate, and callers of functions of one block")
    print("\ncannot be reached, and why:")
    for reason, number in told.most_common():
        print(f"{number:5} {reason}")
    print("\npatterns that stand for nothing, or for what was reached this time:")
    for _, _, pattern in args.reasons:
        if pattern not in used:
            print(f"      {pattern}")
    print("\nnever reached, of all, function, and where that is:")
    size = collections.Counter(blocks.values())
    for function, missed in sorted(never.items()):
        print(f"{len(missed):5} {size[function]:5} {function}")
        for at in sorted(missed):
            print(f"            {at:x} {places[at]}")
    print("\nnew: address, times, function, and where that is:")
    for at in sorted(new or []):
        print(f"{at:x} {times[at]:5} {blocks[at]} {places[at]}")
    print("\nreached less than 100 times: address, times, function:")
    for at, function in sorted(blocks.items()):
        if 0 < times[at] < 100:
            print(f"{at:x} {times[at]:5} {function}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("kept").add_argument("log")
    part = parts.add_parser("programs")
    part.add_argument("log")
    part.add_argument("share", type=int, choices=range(PARTS))
    part = parts.add_parser("compare")
    part.add_argument("listed")
    part.add_argument("rust")
    part.add_argument("c", nargs="+")
    part = parts.add_parser("blocks")
    part.add_argument("--objdump", default="llvm-objdump")
    part.add_argument("--symbolizer", default="llvm-symbolizer")
    part.add_argument("--nm", default="llvm-nm")
    part.add_argument("--crate", required=True, help="rust/kernel.o of the same build")
    part.add_argument("vmlinux")
    part.add_argument("out")
    parts.add_parser("reasons").add_argument("reasons", type=reasons)
    part = parts.add_parser("coverage")
    part.add_argument("blocks", type=Path)
    part.add_argument("reasons", type=reasons)
    part.add_argument("known", type=Path)
    part.add_argument("logs", nargs="+")
    args = parser.parse_args()
    if args.part == "compare":
        return run_compare(args)
    if args.part == "blocks":
        return run_blocks(args)
    if args.part == "coverage":
        return run_coverage(args)
    if args.part == "reasons":
        return 0
    if args.part == "programs":
        lines = [program for _, program, _ in runs(args.log)][args.share :: PARTS]
    else:
        lines = [line[2:] for line in Path(args.log).read_text(errors="replace").splitlines() if line.startswith("k ")]
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
