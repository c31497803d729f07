"""Orphan tests: a test that nothing runs is worse than none, because someone believes in it.

Every *_test.cc, tests/**/test_*.py, fuzz/**/*.cc and bench/**/*.cc is reached by a module, or by a
CMakeLists.txt or *.cmake of its own folder or of one above: by its path or name (also without .cc,
and without `_fuzz`, `_test`, `_bench`), through a glob, or, for Python, through its folder.
"""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

from common import Violation, files, modules, strip_cmake


def check(root: Path) -> list[Violation]:
    declared = modules(root)
    found = []
    for path in _tests(root):
        relative = path.relative_to(root)
        by_module = (
            len(relative.parts) == 3
            and relative.parts[0] == "src"
            and relative.parts[1] in declared
            and path.suffix == ".cc"
        )
        if not by_module and not _is_named(root, path):
            found.append(Violation(relative.as_posix(), 0, "no target and no ctest entry reaches this file"))
    return sorted(found)


def _tests(root: Path) -> list[Path]:
    unit = files(root, ("src", "tests"), ("_test.cc",))
    python = [p for p in files(root, ("tests",), (".py",)) if p.name.startswith("test_")]
    return unit + python + files(root, ("fuzz", "bench"), (".cc",))


def _is_named(root: Path, path: Path) -> bool:
    for folder in path.parents:
        for lists in (folder / "CMakeLists.txt", *sorted(folder.glob("*.cmake"))):
            if lists.is_file() and _names(root, lists, path):
                return True
        if folder == root:
            break
    return False


def _names(root: Path, lists: Path, path: Path) -> bool:
    text = re.sub(r"\badd_subdirectory\s*\([^)]*\)", "", strip_cmake(lists.read_text()))
    relative = path.relative_to(lists.parent).as_posix()
    folders = {p.as_posix() for p in Path(relative).parents} - {"."}
    names = {relative}
    if "/" not in relative or path.suffix == ".cc":
        names |= {path.name, path.stem, re.sub(r"_(fuzz|test|bench)$", "", path.stem)}
    for word in re.findall(r'[^\s()";]+', text):
        for variable in ("CMAKE_CURRENT_SOURCE_DIR", "CMAKE_CURRENT_LIST_DIR"):
            word = word.replace(f"${{{variable}}}/", "")
        if word.startswith("${CMAKE_SOURCE_DIR}/"):
            full = root / word.removeprefix("${CMAKE_SOURCE_DIR}/")
            if not full.is_relative_to(lists.parent):
                continue
            word = full.relative_to(lists.parent).as_posix()
        if word in names or (path.suffix == ".py" and word.rstrip("/") in folders):
            return True
        # A bare *.cc reaches its own folder only, as in CMake.
        if "*" in word and word.count("/") == relative.count("/") and fnmatch.fnmatchcase(relative, word):
            return True
    return False
