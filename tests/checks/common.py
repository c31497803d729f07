"""What the checks share: a violation, the files of the tree, and C++ and CMake read as text.

A check is a function `check(root: Path) -> list[Violation]`. It reads files, runs no build, and
looks at nothing outside `root`, so that a self-test can hand it a small tree of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SKIPPED_FOLDERS = {".git", ".venv", ".cache", "build", "node_modules", "__pycache__"}


@dataclass(frozen=True, order=True)
class Violation:
    path: str  # relative to the root
    line: int  # from 1; 0 speaks of the whole file
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


def files(root: Path, folders: tuple[str, ...] = (".",), suffixes: tuple[str, ...] = ()) -> list[Path]:
    """The files under `folders` of `root`, sorted, less what git, npm and the build made."""
    found = []
    for folder in folders:
        for parent, names, leaves in os.walk(root / folder):
            names[:] = sorted(n for n in names if n not in SKIPPED_FOLDERS)
            found += [Path(parent) / leaf for leaf in leaves if leaf.endswith(suffixes or ("",))]
    return sorted(found)


def tracked_text_files(root: Path) -> list[tuple[Path, str]]:
    """Each file git would commit that is text, with its content; without git, each file."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
    )
    if listing.returncode == 0:
        paths = sorted(root / name for name in listing.stdout.decode().split("\0") if name)
    else:
        paths = files(root)
    texts = []
    for path in paths:
        if not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        if b"\0" in data[:4096]:
            continue
        texts.append((path, data.decode(errors="replace")))
    return texts


# Comments, literals and numbers of C++, in the order a lexer would try them. Numbers are here for
# their digit separators: the ' of 1'000 opens no character literal.
_CPP_TOKEN = re.compile(
    r"""
      (?P<comment> //(?:\\\n|[^\n])* | /\*.*?(?:\*/|\Z) )
    | (?P<string>  R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)"
                 | "(?:\\.|[^"\\\n])*"
                 | '(?:\\.|[^'\\\n])+' )
    | (?<!\w)\d(?:'?[\w.])*
    """,
    re.DOTALL | re.VERBOSE,
)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def strip_cpp(text: str, keep_strings: bool = False) -> str:
    """`text` with comments (and, unless kept, literals) blanked; every offset stays where it was."""

    def replace(match: re.Match[str]) -> str:
        if match["comment"] or (match["string"] and not keep_strings):
            return _blank(match[0])
        return match[0]

    return _CPP_TOKEN.sub(replace, text)


_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")', re.MULTILINE)


def includes(text: str) -> list[tuple[int, str, bool]]:
    """Each #include of C++ `text`: its line, its path, and whether it was in quotes."""
    code = strip_cpp(text, keep_strings=True)
    return [
        (line_of(code, m.start(1) if m[1] else m.start(2)), m[1] or m[2], m[1] is None)
        for m in _INCLUDE.finditer(code)
    ]


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def strip_cmake(text: str) -> str:
    return re.sub(r"#[^\n]*", lambda m: _blank(m[0]), text)


@dataclass(frozen=True)
class Module:
    name: str
    line: int  # in src/CMakeLists.txt
    deps: tuple[str, ...]
    test_deps: tuple[str, ...]


_MODULE_CALL = re.compile(r"\bsealtrail_module\s*\(([^)]*)\)")


def modules(root: Path) -> dict[str, Module]:
    """Every sealtrail_module(NAME … DEPS … TEST_DEPS …) of src/CMakeLists.txt, by name."""
    text = strip_cmake((root / "src/CMakeLists.txt").read_text())
    found = {}
    for call in _MODULE_CALL.finditer(text):
        arguments: dict[str, list[str]] = {}
        key = ""
        for word in call[1].split():
            if word in ("NAME", "DEPS", "LIBS", "TEST_DEPS", "TEST_LIBS"):
                key = word
                arguments.setdefault(key, [])
            else:
                arguments.setdefault(key, []).append(word)
        for name in arguments.get("NAME", []):
            found[name] = Module(
                name=name,
                line=line_of(text, call.start()),
                deps=tuple(arguments.get("DEPS", ())),
                test_deps=tuple(arguments.get("TEST_DEPS", ())),
            )
    return found


def is_test_code(path: Path) -> bool:
    """A unit test, or a helper that only tests link."""
    return path.stem.endswith("_test") or "testing" in path.parts
