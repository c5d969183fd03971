#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot a guest under QEMU, run one job in it, and record what happened.

Leaves in --out: console.log (the kernel's messages), data.log (what the job reported), the
files the guest sent, screen.ppm (if the guest asked for a screen dump), times.txt: what each
program took, problems.txt: one line for each thing that was wrong with the run itself, and
notes.txt: what is worth knowing though nothing is wrong. Exit status 1 if there is any problem.
"""

import argparse
import fcntl
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import Program

# What machines with PCI have in common.
PCI = dict(
    console=["-serial", "chardev:console"],
    data=["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=data"],
    port="/dev/vport0p1",
    gpu=["-device", "virtio-gpu-pci"],
    # memory, and a device that copies, behind one switch; another such device elsewhere
    peers=[
        *("-device", "pcie-root-port,id=root,chassis=1", "-device", "x3130-upstream,id=switch,bus=root"),
        *("-device", "xio3130-downstream,id=left,bus=switch,chassis=2,slot=1"),
        *("-device", "xio3130-downstream,id=right,bus=switch,chassis=3,slot=2"),
        *("-object", "memory-backend-ram,id=peer,size=1M", "-device", "ivshmem-plain,memdev=peer,bus=left"),
        *("-device", "edu,bus=right,dma_mask=0xffffffffffffffff", "-device", "edu,dma_mask=0xffffffffffffffff"),
    ],
)
MACHINES = {
    "arm64": dict(
        PCI,
        command=["qemu-system-aarch64"],
        host="aarch64",
        emulation=["-accel", "tcg", "-cpu", "cortex-a72", "-M", "virt"],
        kvm=["-accel", "kvm", "-cpu", "host", "-M", "virt,gic-version=host"],
        iommu=["-M", "iommu=smmuv3"],  # one more property of the machine
        memory="3072",
        tty="ttyAMA0",
        display=["-device", "bochs-display,romfile="],  # Debian has its firmware elsewhere, for x86 only
    ),
    "x86_64": dict(
        PCI,
        command=["qemu-system-x86_64", "-M", "q35"],
        host="x86_64",
        # smap and smep keep the kernel from using memory of user space by mistake
        emulation=["-accel", "tcg", "-cpu", "qemu64,+smap,+smep"],
        kvm=["-accel", "kvm", "-cpu", "host"],
        memory="2800",  # with more, q35 puts a part above 4 GiB, where vivid, a device of 32 bits, cannot reach
        smp=",sockets={0}",  # without ACPI the firmware tells of one processor in each
        # the port of the timer, of which otherwise ACPI tells; emulated processors have one time stamp counter among them
        append=" pmtmr=0x608 tsc=reliable",
        tty="ttyS0",
        display=["-device", "bochs-display"],
    ),
    "vexpress-a9": dict(
        command=["qemu-system-arm", "-M", "vexpress-a9"],
        emulation=["-accel", "tcg"],
        memory="1024",
        tty="ttyAMA0",
        console=["-serial", "chardev:console"],
        data=["-serial", "chardev:data"],
        port="/dev/ttyAMA1",
        # virtio-gpu knows no protocol older than the first standard, which virtio-mmio offers by default
        gpu=["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-gpu-device"],
        display=[],  # the board has one
        sound=True,
    ),
}

# What must not stand in the log of a healthy kernel.
BAD = re.compile(
    r"\bBUG\b|WARNING:|\bOops\b|KASAN:|KCSAN:|UBSAN:|INFO: possible|INFO: trying to register|inconsistent lock state"
    r"|bad unlock balance|INFO: task .* blocked|hung task|detected (?:expedited )?stalls? on|soft lockup|Kernel panic"
    r"|Unable to handle kernel|Internal error|refcount_t:|list_(?:add|del) corruption|sleeping function called"
    r"|rust_kernel: panicked|leak detector disabled|Memory pool empty"
)
# Taints that only a mistake sets; a test of sw_sync, a test module and KUnit set others.
BAD_TAINTS = {4: "machine check", 5: "bad page", 7: "oops", 9: "warning"}
# Upstream's KUnit test forgets six of its own mock fences each time it runs; the backtrace tells them from ours.
TEST_OWN_LEAK, TEST_OWN_LEAKS = "test_unwrap_merge_order", 6


def silence(program):
    """What keeps a board with sound quiet: from 8.2 on QEMU does not start it otherwise, older ones do not know these words."""
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"version (\d+)\.(\d+)", answer)
    return ["-audio", "none"] if version and tuple(map(int, version.groups())) >= (8, 2) else []


class Guest:
    def __init__(self, args):
        self.args = args
        self.machine = MACHINES[args.machine]
        self.scratch = Path(tempfile.mkdtemp(prefix="dma-buf-qemu."))  # short: a socket's path has 108 bytes
        self.problems = []
        self.facts = {}
        self.pending = b""
        self.file_left = 0
        self.file = None
        self.ended = False
        self.in_summary = False
        self.program, self.told = None, 0
        self.begun, self.times = None, []

    def command(self):
        m = self.machine
        chardev = "socket,id={0},path=" + str(self.scratch) + "/{0}"
        command = m["command"] + (m["kvm"] if self.args.kvm else m["emulation"]) + ["-m", self.args.memory or m["memory"]]
        command += ["-smp", str(self.args.cpus) + m.get("smp", "").format(self.args.cpus)]
        command += ["-nodefaults", "-display", "none", "-no-reboot"]
        for name in ("data", "monitor"):
            command += ["-chardev", chardev.format(name)]
        # a pipe, which holds a million bytes; a socket holds some hundred of those that come one by one, and a 16550 waits for none
        command += ["-chardev", "stdio,id=console"]
        command += m["console"] + m["data"] + ["-mon", "chardev=monitor,mode=control"]
        command += ["-kernel", self.args.dir / "kernel", "-initrd", self.args.dir / "initramfs.cpio"]
        if (self.args.dir / "board.dtb").exists():
            command += ["-dtb", self.args.dir / "board.dtb"]
        if self.args.count_instructions:
            command += ["-icount", "shift=0,sleep=off"]
        if m.get("sound"):
            command += silence(command[0])
        for plugged in ("gpu", "iommu", "peers", "display"):
            if getattr(self.args, plugged):
                command += m[plugged]
        append = f"console={m['tty']} loglevel=8 panic=-1 maxcpus={self.args.cpus}"
        # a processor that the host has no time for looks as if it stalled; upstream's test_wait_backward takes 7 s of one
        append += " rcupdate.rcu_cpu_stall_timeout=300"
        if not self.args.kvm:
            append += m.get("append", "")
        append += f" kunit.timeout={300 * self.args.patience}"
        append += f" dmabuf.machine={self.args.machine} dmabuf.link={self.args.link}"
        append += f" dmabuf.job={self.args.job} dmabuf.port={m['port']} dmabuf.patience={self.args.patience}"
        if self.args.only:
            append += f" dmabuf.only={self.args.only}"
        return list(map(str, command + ["-append", f"{append} {self.args.append}".strip()]))

    def start(self):
        listeners = {}
        for name in ("data", "monitor"):
            listeners[name] = socket.socket(socket.AF_UNIX)
            listeners[name].bind(str(self.scratch / name))
            listeners[name].listen()
        errors = open(self.args.out / "qemu.log", "wb")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        self.console = self.process.stdout
        fcntl.fcntl(self.console, fcntl.F_SETPIPE_SZ, 1 << 20)
        deadline = time.monotonic() + 120
        for name, listener in listeners.items():
            while not select.select([listener], [], [], 0.2)[0]:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("QEMU did not start: see " + str(self.args.out / "qemu.log"))
            setattr(self, name, listener.accept()[0])
            listener.close()
        self.qmp("qmp_capabilities")

    def qmp(self, execute, **arguments):
        """One monitor command; its error if it has one."""
        self.monitor.sendall(json.dumps({"execute": execute, "arguments": arguments}).encode() + b"\n")
        self.monitor.settimeout(120)
        answers = b""
        while True:
            more = self.monitor.recv(65536)
            if not more:
                raise RuntimeError("QEMU went away: see " + str(self.args.out / "qemu.log"))
            answers += more
            *lines, answers = answers.split(b"\n")
            for line in lines:
                answer = json.loads(line)
                if "error" in answer:
                    return answer["error"]["desc"]
                if "return" in answer:
                    return None

    def spent(self):
        """Seconds by the clock, and of processor time, that QEMU has taken."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return time.monotonic(), (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, text):
        if text.startswith("# begin "):
            self.begun = text.split(" ", 3)[3], *self.spent()
        elif text.startswith("# end ") and self.begun:
            name, clock, processor = self.begun
            clock, processor = (now - then for now, then in zip(self.spent(), (clock, processor)))
            self.times.append(f"{clock:7.1f} s, of processor time {processor:7.1f} s: {name}\n")

    def tell(self, text):
        """What fails is told when it does; with --progress also how each program came out."""
        words = text.split(" ", 3)
        if text.startswith("# begin "):
            self.program, self.told = Program(words[3], words[2] == "tap"), 0
        elif not self.program:
            return
        elif text.startswith("# end "):
            cases = self.program.end(int(words[2]))
        else:
            self.program.line(text)
        failed = [case for case in self.program.cases if case[0] == "fail"]
        for _, name, note in failed[self.told :]:
            print(f"  FAILED {self.args.tell}: {name}" + (f" # {note}" if note else ""), flush=True)
        self.told = len(failed)
        if text.startswith("# end "):
            if self.args.progress:
                print(f"  {self.args.tell}: {self.program.name}: {len(cases)} cases, {len(failed)} failed", flush=True)
            self.program = None

    def line(self, line):
        text = line.decode(errors="replace").rstrip("\r")
        self.measure(text)
        if self.args.tell:
            self.tell(text)
        if text.startswith("--- "):
            self.in_summary = "end" not in text  # for the caller to show, not to echo
        elif self.args.echo and text and not self.in_summary and not text.startswith(("# ", "SCREENDUMP")):
            print(self.args.echo + text, flush=True)
        if text == "SCREENDUMP NOW":
            error = self.qmp("screendump", filename=str((self.args.out / "screen.ppm").resolve()))
            if error:
                self.problems.append("screen dump failed: " + error)
            self.data.sendall(b"\n")
        elif text.startswith("# file "):
            _, _, name, size = text.split()
            self.file = open(self.args.out / Path(name).name, "wb")
            self.file_left = int(size)
        elif text.startswith(("# core ", "# link ", "# cpus ", "# lockdep ", "# taint ")):
            self.facts[text.split()[1]] = text.split()[-1]
        elif text.startswith("# job "):
            self.ended = True
            if text.split()[-1] != "0":
                self.problems.append("job ended with status " + text.split()[-1])
            self.data.sendall(b"\n")

    def take_data(self, chunk, log):
        self.pending += chunk
        while self.pending:
            if self.file_left:
                part, self.pending = self.pending[: self.file_left], self.pending[self.file_left :]
                self.file.write(part)
                self.file_left -= len(part)
                if not self.file_left:
                    self.file.close()
                continue
            line, newline, rest = self.pending.partition(b"\n")
            if not newline:
                return
            log.write(line + b"\n")
            log.flush()
            self.pending = rest
            self.line(line)

    def run(self):
        start = last = time.monotonic()
        timeout, quiet = self.args.timeout * self.args.patience, self.args.quiet * self.args.patience
        stop_at = None
        tail = b""
        with open(self.args.out / "console.log", "wb") as console, open(self.args.out / "data.log", "wb") as data:
            sources = [self.console, self.data]
            while sources:
                now = time.monotonic()
                if stop_at and now > stop_at:
                    break
                if now - start > timeout:
                    self.problems.append(f"timeout: the job did not end within {timeout} s")
                    break
                if now - last > quiet:
                    self.problems.append(f"hang: nothing heard from the guest for {quiet} s")
                    break
                for source in select.select(sources, [], [], 0.5)[0]:
                    chunk = os.read(source.fileno(), 65536)
                    last = time.monotonic()
                    if not chunk:
                        sources.remove(source)
                    elif source is self.console:
                        console.write(chunk)
                        console.flush()
                        tail = tail[-200:] + chunk
                        if b"Kernel panic" in tail and not stop_at:
                            stop_at = last + 3  # let it finish its trace
                    else:
                        self.take_data(chunk, data)
            if self.pending:
                data.write(self.pending + b"\n")
        if not self.ended and not self.problems:
            self.problems.append("the guest went away before its job ended")

    def close(self):
        if hasattr(self, "process"):
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)


    def judge_facts(self):
        """What the guest said of itself: is it what was asked for, and is it healthy?"""
        for name, wanted in (("core", self.args.core), ("link", self.args.link), ("cpus", str(self.args.cpus))):
            if self.facts.get(name, wanted) != wanted:
                self.problems.append(f"the guest runs with {name} {self.facts[name]}, asked for was {wanted}")
        taint = int(self.facts.get("taint", "0"))
        self.problems += [f"the kernel is tainted: {what}" for bit, what in BAD_TAINTS.items() if taint >> bit & 1]
        if self.facts.get("lockdep", "1") != "1":
            self.problems.append("lockdep has turned itself off")
        if self.args.debug and self.ended:
            if "lockdep" not in self.facts:
                self.problems.append("no word about lockdep from a debug kernel")
            if not (self.args.out / "kmemleak.txt").exists():
                self.problems.append("no word about leaks from a debug kernel")


def leaks(text):
    """Problems and notes from what kmemleak reports."""
    reports = ["unreferenced object" + report for report in text.split("unreferenced object")[1:]]
    own = [report for report in reports if TEST_OWN_LEAK in report]
    problems = ["kmemleak: " + report.splitlines()[0] for report in reports if report not in own]
    if len(own) > TEST_OWN_LEAKS:
        problems.append(f"kmemleak: {len(own)} reports of {TEST_OWN_LEAK}, which leaks {TEST_OWN_LEAKS} objects of its own")
    if text and not reports:
        problems.append("kmemleak: not understood: " + text.splitlines()[0])
    return problems, [f"{len(own)} leaks of the upstream test's own ({TEST_OWN_LEAK})"] if own else []


def main(words=None, kind=Guest):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machine", choices=MACHINES, required=True)
    parser.add_argument("--dir", type=Path, required=True, help="holds kernel, initramfs.cpio, board.dtb")
    parser.add_argument("--out", type=Path, required=True, help="where the logs go")
    parser.add_argument("--job", required=True, help="a script of guest/")
    parser.add_argument("--core", choices=("rust", "c", "none"), required=True, help="the core the guest must turn out to run")
    parser.add_argument("--link", choices=("y", "m"), required=True, help="how that core must turn out to be linked")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--memory", metavar="MIB", help="instead of what the machine has otherwise")
    parser.add_argument("--append", default="", help="more words for the kernel's command line")
    parser.add_argument("--kvm", action="store_true", help="not emulated: accelerator.py has found out that KVM works")
    parser.add_argument("--count-instructions", action="store_true", help="a nanosecond of the guest's is an instruction")
    parser.add_argument("--gpu", action="store_true", help="plug in a virtio-gpu")
    parser.add_argument("--iommu", action="store_true", help="put PCI devices behind an IOMMU (arm64)")
    parser.add_argument("--peers", action="store_true", help="plug in PCI devices of which one reads the memory of another")
    parser.add_argument("--display", action="store_true", help="plug in a display where the board has none")
    parser.add_argument("--debug", action="store_true", help="a debug kernel: it must report about lockdep and kmemleak")
    parser.add_argument("--patience", type=int, default=1, help="factor for each limit of time, here and in the guest")
    parser.add_argument("--timeout", type=int, default=300, help="seconds the whole run may take")
    parser.add_argument("--quiet", type=int, default=2500, help="seconds of silence that count as a hang")
    parser.add_argument("--tell", metavar="NAME", help="say at once what fails, under this name")
    parser.add_argument("--progress", action="store_true", help="with --tell: say of each program how it came out")
    parser.add_argument("--only", help="run nothing but the program or KUnit suite of this name")
    parser.add_argument("--echo", metavar="PREFIX", help="show what the job reports, each line with this prefix")
    args = parser.parse_args(words)

    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    guest = kind(args)
    try:
        guest.start()
        guest.run()
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        guest.problems.append(str(error))
        errors = args.out / "qemu.log"
        guest.problems += ["QEMU: " + line for line in errors.read_text().splitlines()] if errors.exists() else []
    finally:
        guest.close()
    console = args.out / "console.log"
    log = console.read_text(errors="replace").replace("\r", "") if console.exists() else ""
    guest.judge_facts()
    kmemleak = args.out / "kmemleak.txt"
    leaked, notes = leaks(kmemleak.read_text(errors="replace") if kmemleak.exists() else "")
    problems = guest.problems + ["kernel log: " + line.strip() for line in log.splitlines() if BAD.search(line)] + leaked
    (args.out / "times.txt").write_text("".join(sorted(guest.times, reverse=True)))
    for name, lines in (("problems.txt", problems), ("notes.txt", notes)):
        (args.out / name).write_text("".join(line + "\n" for line in lines))
    if problems:
        print(f"{args.machine} {args.job}: {len(problems)} problems, log {console}", file=sys.stderr)
        for problem in problems[:10]:
            print("  " + problem, file=sys.stderr)
        if guest.problems:
            print("  last lines of the console:", file=sys.stderr)
            for line in log.splitlines()[-20:]:
                print("    " + line, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
