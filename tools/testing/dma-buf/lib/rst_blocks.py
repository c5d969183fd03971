#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The code blocks of the documentation must compile.

Every `.. code-block::` of a page is looked at. Rust is compiled as a module of the kernel that was just built, C as a program
for user space; shell blocks (and the lines of `console` blocks that begin with "$ " or "# ") must parse. What is no code is
said to be `text`, `none` or `kconfig`. A block that is only a part of something has a comment in front of it, which readers of
the page do not see:

    .. compile:
       use kernel::{dma_buf::{DmaBuf, FdReservation}, prelude::*, sync::aref::ARef};

       fn hand_out(buf: ARef<DmaBuf>) -> Result<u32> {
       ...
           Ok(number)
       }

    .. code-block:: rust

       let fd = FdReservation::new(buf, 0)?;
       let number = fd.number();
       fd.install();

The block takes the place of the line `...`; without such a line it comes last. Words behind `compile:` say more:

    name WORD       calls the whole, with what is around the block, WORD
    after WORD      what was called so on this page comes first
    kernel          C, but as a module of the kernel
    needs CONFIG_X  skip the block if this kernel has not got the option (`needs CONFIG_X=y`: not built in)
    fails TEXT      (the last) must not compile; TEXT, up to the end of the line, is a part of a message of the compiler
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from snippets import C, Message, Rust, judge_all, report

DIRECTIVE = re.compile(r"^( *)\.\. (?:code-block|code|sourcecode)::\s*(\S*)\s*$")
COMMENT = re.compile(r"^( *)\.\. compile:\s*(.*?)\s*$")
SHELL = ("sh", "shell", "bash", "console")
NO_CODE = ("text", "none", "kconfig")


class BadPage(Exception):
    """The page is not written as the text above says."""


@dataclass
class Block:
    page: Path
    line: int  # of the directive
    language: str
    text: list  # (line of the page, text) each
    around: list = field(default_factory=list)
    kernel: bool = False
    after: str = ""
    name: str = ""
    needs: list = field(default_factory=list)
    fails: str = ""

    def whole(self, named):
        """The lines to be compiled."""
        before = []
        if self.after:
            if self.after not in named or named[self.after].line >= self.line:
                raise BadPage(f"line {self.line}: no block before this one is called {self.after}")
            before = named[self.after].whole(named)
        marks = [at for at, (_, text) in enumerate(self.around) if text.strip() == "..."]
        if len(marks) > 1:
            raise BadPage(f"line {self.line}: more than one place for the block")
        at = marks[0] if marks else len(self.around)
        return before + self.around[:at] + self.text + self.around[at + 1 :]


def indented(lines, at, indent):
    """The lines from `at` on that are deeper than `indent`, or empty, without what they have in common; and where they end."""
    end = at
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip(" ")) > indent):
        end += 1
    body = [(number + 1, lines[number]) for number in range(at, end)]
    while body and not body[-1][1].strip():
        body.pop()
    while body and not body[0][1].strip():
        body.pop(0)
    margin = min((len(text) - len(text.lstrip(" ")) for _, text in body if text.strip()), default=0)
    return [(number, text[margin:]) for number, text in body], end


def read_words(block, words, line):
    words = words.split()
    while words:
        word = words.pop(0)
        if word == "kernel":
            block.kernel = True
        elif word == "fails":
            block.fails, words = " ".join(words), []
        elif word in ("name", "after") and words:
            setattr(block, word, words.pop(0))
        elif word == "needs" and words:
            block.needs.append(words.pop(0))
        else:
            raise BadPage(f"line {line}: what is \"{word}\" to mean?")


def blocks_of(page):
    lines = page.read_text().splitlines()
    blocks, comment, at = [], None, 0
    while at < len(lines):
        directive, frame = DIRECTIVE.match(lines[at]), COMMENT.match(lines[at])
        if frame:
            if comment:
                raise BadPage(f"line {at + 1}: two comments for one block")
            body, end = indented(lines, at + 1, len(frame[1]))
            comment, at = (at + 1, frame[2], body), end
        elif directive:
            body, end = indented(lines, at + 1, len(directive[1]))
            while body and re.match(r":[\w-]+:", body[0][1]):
                body.pop(0)
            block = Block(page, at + 1, directive[2], body)
            if comment:
                block.around = comment[2]
                read_words(block, comment[1], comment[0])
            if not body:
                raise BadPage(f"line {at + 1}: an empty block")
            blocks.append(block)
            comment, at = None, end
        elif lines[at].rstrip().endswith("::") and not re.match(r"^ *\.\. ", lines[at]):
            raise BadPage(f"line {at + 1}: a literal block does not say its language: use \".. code-block::\"")
        elif lines[at].strip() and comment:
            raise BadPage(f"line {comment[0]}: no code block follows this comment")
        else:
            at += 1
    if comment:
        raise BadPage(f"line {comment[0]}: no code block follows this comment")
    return blocks


class Checker:
    def __init__(self, args):
        self.out = args.out.resolve()
        self.rust, self.kernel_c = Rust(args.probe), C.kernel(args.probe)
        self.user_c = C.user_space(args.cc, [word for path in args.include for word in ("-isystem", str(path.resolve()))])
        self.config = args.config.read_text().splitlines()

    def missing(self, block):
        """What the block needs and this kernel has not got."""
        for option in block.needs:
            wanted = [option] if "=" in option else [f"{option}=y", f"{option}=m"]
            if not any(line in self.config for line in wanted):
                return option
        return ""

    @staticmethod
    def shell(block):
        lines = [text for _, text in block.text]
        if block.language == "console":
            lines = [line[2:] for line in lines if line.startswith(("$ ", "# "))]
        if not lines:
            return [Message("error", block.line, "no command begins with \"$ \" or \"# \"")]
        run = subprocess.run(["bash", "-n"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
        return [Message("error", block.line, run.stderr)] if run.returncode or run.stderr else []

    def code(self, block, named):
        compiler = self.rust if block.language == "rust" else self.kernel_c if block.kernel else self.user_c
        lines = block.whole(named)
        text = "\n".join(text for _, text in lines) + "\n"
        source = self.out / f"{block.page.stem.replace('-', '_')}_{block.line}{compiler.suffix}"
        source.write_text(compiler.prepare(text))
        messages = compiler.compile(source)
        for message in messages:
            # a line of the page instead
            message.line = lines[min(message.line, len(lines)) - 1][0] if message.line else block.line
        return messages

    def judge(self, block, named):
        """Status and problems of a block."""
        missing = self.missing(block)
        if missing:
            return "skip", [f"this kernel has no {missing}"]
        try:
            messages = self.shell(block) if block.language in SHELL else self.code(block, named)
        except BadPage as error:
            return "fail", [str(error)]
        if block.fails:
            if any(message.level == "error" and block.fails in message.text for message in messages):
                return "pass", []
            return "fail", [f"no error says: {block.fails}"] + [str(message) for message in messages]
        return ("fail" if messages else "pass"), [str(message) for message in messages]


def check_page(page, checker, jobs):
    try:
        blocks = [block for block in blocks_of(page) if block.language not in NO_CODE]
        for block in blocks:
            if block.language not in ("rust", "c", *SHELL):
                raise BadPage(f"line {block.line}: what language is \"{block.language}\"?")
    except BadPage as error:
        report("fail", page.name, str(error))
        return
    named = {block.name: block for block in blocks if block.name}
    if not blocks:
        report("pass", page.name, "no code")
    results = judge_all(lambda block: checker.judge(block, named), blocks, jobs)
    for block, (status, problems) in zip(blocks, results):
        for problem in problems:
            print(f"{page.name}: {problem}", file=sys.stderr)
        report(status, f"{page.name}: {block.language} in line {block.line}", problems[0] if problems else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("probe", "out", "config"):
        parser.add_argument("--" + name, type=Path, required=True)
    parser.add_argument("--cc", required=True, help="compiler for user space")
    parser.add_argument("--include", type=Path, action="append", default=[], help="where programs find headers")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("pages", type=Path, nargs="+")
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    checker = Checker(args)
    for page in args.pages:
        check_page(page, checker, args.jobs)


if __name__ == "__main__":
    main()
