# SPDX-License-Identifier: GPL-2.0
"""Compiling pieces of code as the kernel's modules are compiled, and what the compiler has to say about them.

How is known from kbuild: it has compiled an empty Rust and an empty C module (compile.sh), and left the commands behind.
"""

import concurrent.futures
import json
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

# What `module!` defines beside the module: vtables and messages refer to it. Behind the code, so that lines keep their numbers.
LOCAL_MODULE = """
const __LOG_PREFIX: &[u8] = b"snippet\\0";
pub struct LocalModule;
impl kernel::ModuleMetadata for LocalModule {
    const NAME: &'static kernel::str::CStr = c"snippet";
    const THIS_MODULE: kernel::ThisModule = unsafe { kernel::ThisModule::from_ptr(core::ptr::null_mut()) };
}
"""
# Nobody uses the code, and nobody reads its documentation.
ALLOWED = ("dead_code", "unused", "missing_docs", "unreachable_pub")


@dataclass
class Message:
    level: str
    line: int  # in the source, 0 if it points nowhere
    text: str
    notes: tuple = ()  # lines of the source that notes to it point to

    def is_at(self, line):
        """rustc 1.85 blames a function for what a constant of the source calls it with, and names that in a note."""
        return self.line == line or (not self.line and line in self.notes)

    def __str__(self):
        return f"line {self.line}: {self.level}: {self.text}"


def saved_command(file):
    """The first command that kbuild has run for an object, as words."""
    line = file.read_text().splitlines()[0].split(":=", 1)[1]
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words = list(lexer)
    return words[: words.index(";")] if ";" in words else words


class Rust:
    suffix = ".rs"

    def __init__(self, probe):
        """probe: the directory in which kbuild has compiled probe_rust.o."""
        self.probe = probe.resolve()
        words = saved_command(self.probe / ".probe_rust.o.cmd")
        # as the kernel's Makefile does
        self.command = ["env", "RUSTC_BOOTSTRAP=1"]
        skip = False
        for word in words:
            if skip or word.startswith("--emit=") or word.endswith("/probe_rust.rs"):
                skip = False
            elif word == "--out-dir":
                skip = True
            else:
                self.command.append(word)
        for lint in ALLOWED:
            self.command.append(f"-A{lint}")
        self.command += ["--error-format=json", "--check-cfg", "cfg(misuse)", "--check-cfg", "cfg(MODULE)"]

    def prepare(self, text):
        return text if re.search(r"\bmodule! *\{", text) else text + LOCAL_MODULE

    def compile(self, source, cfg=()):
        """Errors are all there is to be had up to machine code, such as assertions in constants."""
        # what rustc leaves in passing is named after the crate
        crate = re.sub(r"\W", "_", source.stem).lower()
        command = self.command + [f"--emit=obj={source}.o", "--crate-name", crate, str(source)]
        for name in cfg:
            command += ["--cfg", name]
        run = subprocess.run(command, cwd=self.probe, capture_output=True, text=True, check=False)
        messages = []
        for line in run.stderr.splitlines():
            # else it is no message about the code
            found = json.loads(line) if line.startswith("{") else {}
            # the summary at the end points nowhere
            if found.get("level") in ("error", "warning") and not re.match(r"aborting due to|\d+ warnings? emitted", found["message"]):
                notes = tuple(self.line_of(note, source) for note in found["children"] if note["level"] == "note")
                messages.append(Message(found["level"], self.line_of(found, source), self.text_of(found), notes))
        if run.returncode and not any(message.level == "error" for message in messages):
            messages.append(Message("error", 0, f"{command[0]} ended with status {run.returncode}: {run.stderr[-300:]}"))
        return messages

    @staticmethod
    def line_of(found, source):
        for span in found["spans"]:
            # from inside of a macro to where it is called
            while span and span["is_primary"] and Path(span["file_name"]).name != source.name:
                span = dict(span["expansion"]["span"], is_primary=True) if span["expansion"] else None
            if span and span["is_primary"]:
                return span["line_start"]
        return 0

    @staticmethod
    def text_of(found):
        labels = [span["label"] for span in found["spans"] if span["is_primary"] and span["label"]]
        code = f" [{found['code']['code']}]" if found["code"] else ""
        return found["message"] + code + "".join(f"; {label}" for label in labels)


class C:
    suffix = ".c"

    def __init__(self, command, directory=None):
        self.command, self.directory = command, directory

    @classmethod
    def kernel(cls, probe):
        """As a module of the kernel."""
        words = saved_command(probe / ".probe_c.o.cmd")
        command = []
        for at, word in enumerate(words):
            if not (word.startswith("-Wp,-MMD") or word == "-c" or word == "-o" or words[at - 1] == "-o" or word.endswith("/probe_c.c")):
                command.append(word)
        # like ALLOWED
        return cls(command + ["-fsyntax-only", "-Wno-unused", "-Wno-missing-prototypes", "-Wno-missing-declarations"], probe)

    @classmethod
    def user_space(cls, compiler, includes):
        flags = ["-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64", "-O2", "-Wall", "-Wextra", "-fsyntax-only", "-Wno-unused"]
        return cls([compiler, *flags, *includes])

    def prepare(self, text):
        return text

    def compile(self, source):
        run = subprocess.run(self.command + [str(source)], cwd=self.directory, capture_output=True, text=True, check=False)
        messages = []
        for line in run.stderr.splitlines():
            found = re.match(r"(.*?):(\d+):(?:\d+:)? (?:fatal )?(error|warning): (.*)", line)
            if found:
                here = Path(found[1]).name == source.name
                messages.append(Message(found[3], int(found[2]) if here else 0, found[4]))
        if run.returncode and not any(message.level == "error" for message in messages):
            messages.append(Message("error", 0, f"{self.command[0]} ended with status {run.returncode}: {run.stderr[-300:]}"))
        return messages


def judge_all(judge, cases, jobs):
    """Call judge on every case, some at a time; a result each, in order."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(judge, cases))


def report(status, name, note=""):
    """A line for gate_cases."""
    print(status, name, " ".join(note.split()), sep="\t", flush=True)
