# SPDX-License-Identifier: GPL-2.0
"""The cover letter: configs/series-cover.txt, with figures that are counted or read, never typed."""

import re
import subprocess
import sys
import textwrap

from series import Wrong

BENCH = "Documentation/driver-api/dma-buf-rust-bench.rst"
TOOLS = "tools/testing/dma-buf"
SELFTESTS = "tools/testing/selftests/dma-buf-rust"


def found(pattern, text, what):
    match = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    if not match:
        raise Wrong(f"{BENCH} does not say {what}")
    return match


def bench(text):
    """Means and sizes of the page that make bench was written into."""
    means = []
    for title in ("From C drivers", "From user space", "Whole jobs"):
        section = found(rf"^{title}\n=+\n(.*?)(?=^\S[^\n]*\n===|\Z)", text, title)[1]
        count, mean = found(r"geometric mean of the (\d+) that count +([\d.]+)", section, f"a mean {title.lower()}").groups()
        above, of = found(r"(\d+) of (\d+) above", section, f"how many are above {title.lower()}").groups()
        means.append(f"  {title[0].lower() + title[1:]:16} {mean}  (geometric mean of {count}; {above} of {of} above C)")
    sizes = found(r"^ +all +(\d+ +\d+ +[\d.]+) +(\d+ +\d+ +[\d.]+) +(\d+ +\d+ +[\d.]+)$", text, "bytes").groups()
    code = [f"  {name:8} {re.sub(' +', ' ', size)}" for name, size in zip((".text", ".rodata", ".data"), sizes)]
    measured = found(r"and one CPU\. (.*?)\. A star", text, "when it was measured")[1]
    return dict(means="\n".join(means), code="\n".join(["           C Rust ratio", *code]), measured=" ".join(measured.replace("``", "").split()))


def unsafe(series):
    """The rows of make unsafe that are about ours."""
    here = series.checkout / TOOLS
    run = subprocess.run(
        [sys.executable, here / "lib/unsafe.py", "--kept", here / "configs/unsafe.txt", "--models", series.pristine, series.checkout],
        capture_output=True, text=True, check=False,
    )
    rows = run.stdout.split("\n\n")[0].splitlines()
    if run.returncode or len(rows) < 2:
        raise Wrong(f"make unsafe: {run.stdout[-200:]}{run.stderr}")
    return "\n".join("  " + row[:24] + re.sub(r"\s+\S+ \S+$", "", row[50:]) for row in rows)


def entries(path):
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def exported(root):
    return {name for path in root.rglob("*.c") for name in re.findall(r"^EXPORT_SYMBOL\w*\((\w+)", path.read_text(), re.MULTILINE)}


def letter(series, repository, base):
    top = series.checkout
    stat = repository.git("diff", "--shortstat", base, "HEAD")
    kunit = "".join(path.read_text() for path in (top / "drivers/dma-buf/rust/kunit").glob("*.rs"))
    programs = re.findall(r"^TEST_GEN_PROGS\w* \+?:?= (.*)$", (top / SELFTESTS / "Makefile").read_text(), re.MULTILINE)
    ours, theirs = exported(top / "drivers/dma-buf/rust"), exported(series.pristine / "drivers/dma-buf")
    makefile = (series.pristine / "Makefile").read_text()
    numbers = {step.name: number for number, step in enumerate(series.steps, 1)}
    depends = [
        f"  {numbers[step.name]:2} {step.name:14} {'needs ' + ', '.join(step.needs) if step.needs else 'needs nothing'}" for step in series.steps
    ]
    fields = dict(
        version=".".join(re.search(rf"^{part} = (\d+)", makefile, re.M)[1] for part in ("VERSION", "PATCHLEVEL", "SUBLEVEL")),
        steps=len(series.steps),
        files=len(series.home),
        insertions=re.search(r"(\d+) insertion", stat)[1],
        deletions=re.search(r"(\d+) deletion", stat)[1],
        hooked=len(series.hooked()),
        hooks=sum(len(step.hooks) for step in series.steps),
        misuse=len(list((top / TOOLS / "compile-fail").glob("*.rs"))),
        symbols=len(ours & theirs),
        additions=len({name for name in ours - theirs if not name.startswith("rust_helper_")}),
        depends="\n".join(depends),
        unsafe=unsafe(series),
        kunit=len(re.findall(r"^ *#\[test\]$", kunit, re.MULTILINE)),
        suites=len(re.findall(r"^#\[kunit_tests\(", kunit, re.MULTILINE)),
        programs=len(" ".join(programs).split()),
        litmus=len([path for path in (top / TOOLS / "models").iterdir() if path.suffix in (".litmus", ".pml")]),
        combinations=len(list((top / TOOLS / "configs/combinations").glob("*.config"))),
        users=len(entries(top / TOOLS / "configs/users.txt")),
        api_last=next(step for step in reversed(series.steps) if step.name.startswith("api-")).subject,
        **bench((top / BENCH).read_text()),
    )
    text = (top / TOOLS / "configs/series-cover.txt").read_text().partition("\n")[2].format(**fields)
    return "\n".join(line if len(line) <= 80 else textwrap.fill(line, 76) for line in text.splitlines())
