"""Documents: what is written beside the code stays true, and speaks of the project alone.

  1. Every Debian package that scripts/setup installs has its reason, and stands in
     third_party/README.md; so does every pinned npm and Python package, with its version.
  2. Lock files pin by hash, and record no download address; nor does anything setup reads.
  3. No path of one developer's machine.
  4. Relative links in Markdown lead somewhere.
  5. Every test, and every case of one, that docs/tampering.md names is there; a row without a test says "not there yet".
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from common import Violation, line_of, tracked_text_files

PACKAGES = "scripts/debian-packages.txt"
README = "third_party/README.md"
NPM_FOLDERS = ("third_party/npm", "tests/e2e/js", "tests/interop/js")
REQUIREMENTS = "tests/requirements.txt"
TAMPERING = "docs/tampering.md"

# [w] so that this line does not report itself.
_LOCAL_PATH = re.compile(r"(?<![\w./}~-])/[w]ork(?![\w-])")
_ADDRESS = re.compile(r"https?://(?!127\.0\.0\.1|localhost|\[::1\])[^\s\"'>)]+")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")


def check(root: Path) -> list[Violation]:
    found = _debian_packages(root) + _npm(root) + _python(root)
    for path, text in tracked_text_files(root):
        place = path.relative_to(root).as_posix()
        for match in _LOCAL_PATH.finditer(text):
            found.append(Violation(place, line_of(text, match.start()), f"`{match[0]}`: a path of one machine"))
        if _is_read_by_setup(place):
            for match in _ADDRESS.finditer(text):
                found.append(Violation(place, line_of(text, match.start()), f"an address: {match[0]}"))
        if path.suffix == ".md":
            found += _links(root, path, text)
    return sorted(found + _tampering(root))


def _read(root: Path, place: str) -> str:
    path = root / place
    return path.read_text() if path.is_file() else ""


def _debian_packages(root: Path) -> list[Violation]:
    text, readme = _read(root, PACKAGES), _read(root, README)
    found, seen = [], set()
    for number, line in enumerate(text.splitlines(), 1):
        name, _, reason = (part.strip() for part in line.partition("#"))
        if not name:
            continue
        if not reason:
            found.append(Violation(PACKAGES, number, f"{name}: no reason given"))
        if name in seen:
            found.append(Violation(PACKAGES, number, f"{name}: listed twice"))
        if f"`{name}`" not in readme:
            found.append(Violation(README, 0, f"`{name}` of {PACKAGES} is missing"))
        seen.add(name)
    if not seen:
        found.append(Violation(PACKAGES, 0, "missing or empty"))
    # A name in backticks in a table row that says Debian must be installed by setup.
    for number, line in enumerate(readme.splitlines(), 1):
        if line.startswith("|") and "Debian" in line:
            for name in re.findall(r"`([a-z0-9][a-z0-9.+-]+)`", line.split("|")[1]):
                if name not in seen:
                    found.append(Violation(README, number, f"`{name}` is not in {PACKAGES}"))
    return found


def _npm(root: Path) -> list[Violation]:
    readme = _read(root, README)
    found = []
    for folder in NPM_FOLDERS:
        lock_place = f"{folder}/package-lock.json"
        manifest, lock = (_read(root, f"{folder}/{n}") for n in ("package.json", "package-lock.json"))
        if not manifest or not lock:
            found.append(Violation(folder, 0, "package.json or package-lock.json is missing"))
            continue
        if "omit-lockfile-registry-resolved=true" not in _read(root, f"{folder}/.npmrc"):
            found.append(Violation(f"{folder}/.npmrc", 0, "omit-lockfile-registry-resolved=true is missing"))
        for name, entry in json.loads(lock)["packages"].items():
            if "resolved" in entry:
                found.append(Violation(lock_place, 0, f"{name}: records where it was fetched"))
            if name and "integrity" not in entry:
                found.append(Violation(lock_place, 0, f"{name}: has no hash"))
        wanted = json.loads(manifest)
        for name, version in (wanted.get("dependencies", {}) | wanted.get("optionalDependencies", {})).items():
            if not re.fullmatch(r"\d[\w.-]*", version):
                found.append(Violation(f"{folder}/package.json", 0, f"{name}: {version} is not one version"))
            found += _stated(readme, name, version)
    return found


def _python(root: Path) -> list[Violation]:
    readme = _read(root, README)
    found = []
    chosen = True  # the first group; what those bring along comes after a blank line
    for number, line in enumerate(_read(root, REQUIREMENTS).splitlines(), 1):
        chosen = chosen and bool(line.strip())
        if not line.strip() or line.startswith("#"):
            continue
        name, _, version = line.partition("==")
        if not version:
            found.append(Violation(REQUIREMENTS, number, f"{line}: no version"))
        elif chosen:
            found += _stated(readme, name, version)
    return found


def _stated(readme: str, name: str, version: str) -> list[Violation]:
    for line in readme.splitlines():
        if f"`{name}`" in line and re.search(rf"(?<![\w.]){re.escape(version)}(?![\w-])", line):
            return []
    return [Violation(README, 0, f"`{name}` {version} is missing")]


def _is_read_by_setup(place: str) -> bool:
    return place.endswith((".npmrc", "requirements.txt")) or place in (
        "Makefile",
        ".ci/run",
        PACKAGES,
        "scripts/setup",
        "third_party/npm/package-lock.json",
    )


def _links(root: Path, path: Path, text: str) -> list[Violation]:
    found = []
    prose = _CODE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    for match in _LINK.finditer(prose):
        target = match[1]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        if not (path.parent / target).exists():
            place = path.relative_to(root).as_posix()
            found.append(Violation(place, line_of(text, match.start()), f"the link to {target} leads nowhere"))
    return found


# `module/Suite.Name` or `tests/….py::name`, and the cases in quotes that follow it.
_NAMED_TEST = re.compile(r'`(?:(\w+)/(\w+)\.(\w+)|(tests/[\w/]+\.py)::(\w+))`((?: "[^"|]+")*)')


def _tampering(root: Path) -> list[Violation]:
    found = []
    for number, line in enumerate(_read(root, TAMPERING).splitlines(), 1):
        cells = line.split("|")
        if len(cells) < 5 or set(cells[1].strip()) <= {"-"} or cells[2].strip() == "tests":
            continue
        named = list(_NAMED_TEST.finditer(cells[2]))
        if not named and not cells[2].strip().startswith("not there yet"):
            found.append(Violation(TAMPERING, number, "no test"))
        for test in named:
            module, suite, name, place, function, cases = test.groups()
            if place:
                texts, pattern = [_read(root, place)], rf"^def {function}\("
            else:
                texts = [path.read_text() for path in sorted((root / "src" / module).glob("*_test.cc"))]
                pattern = rf"\bTEST(?:_F|_P)?\({suite}, {name}\)"
            holding = [text for text in texts if re.search(pattern, text, re.MULTILINE)]
            if not holding:
                found.append(Violation(TAMPERING, number, f"{test[0].split('` ')[0].strip('`')}: no such test"))
                continue
            for case in re.findall(r'"[^"]+"', cases):
                if not any(case in re.sub(r'"\s*"', "", text) for text in holding):
                    found.append(Violation(TAMPERING, number, f"{case}: no case of {suite or place}"))
    return found
