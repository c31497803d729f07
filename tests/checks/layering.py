"""Layering: what a module includes, what it declares, and what the architecture allows are one.

  1. DEPS of each sealtrail_module() stay within the table below, and have no cycle.
  2. Each #include of another module's header is within DEPS (tests: TEST_DEPS and testing/, too).
  3. Each third-party header is included only by the modules that own it.
"""

from __future__ import annotations

from pathlib import Path

from common import Module, Violation, files, includes, is_test_code, modules

# The table of docs/ARCHITECTURE.md, lowest module first: what each may include besides base.
# ALL: server and cli are the wiring. OPTIONS: config sees every module's options.h, and no more.
ALL = "ALL"
OPTIONS = "OPTIONS"
TABLE: dict[str, str] = {
    "base": "",
    "env": "",
    "crypto": "",
    "net": "env",
    "model": "",
    "record": "model crypto",
    "tlog": "crypto",
    "format": "",
    "otlp": "model",
    "vocab": "record",
    "pipeline": "model otlp record vocab crypto env",
    "forward": "net otlp format crypto env",
    "ledger": "format tlog record crypto env",
    "verify": "crypto env",
    "dedupe": "record ledger env",
    "anchor": "tlog crypto record ledger net env",
    "receipt": "record tlog crypto ledger",
    "archive": "ledger format record vocab crypto net env",
    "query": "ledger record vocab crypto env",
    "detect": "ledger record vocab env",
    "auth": "crypto",
    "ingest": "net auth otlp pipeline record receipt env",
    "evidence": "query detect archive verify ledger tlog record vocab crypto env",
    "api": "net auth record tlog ledger query detect archive anchor evidence verify env",
    "config": OPTIONS,
    "server": ALL,
    "cli": ALL,
}

# Bytes and values in, bytes and values out: no file, thread, global or clock.
PURE = {"crypto", "model", "record", "tlog", "format", "otlp", "vocab", "auth"}

# Third-party headers by prefix, and the modules that may include them. Tests may include any.
OWNERS: dict[str, str] = {
    "grpc/": "net",
    "grpcpp/": "net",
    "boost/": "net",  # Beast, Asio and the containers they ask for; Asio reaches libssl itself
    "curl/": "net",
    "libdeflate.h": "net",
    "protozero/": "otlp",
    "simdjson.h": "otlp vocab verify",
    "zstd": "net format verify",
    "yaml-cpp/": "vocab detect config",
    "re2/": "pipeline detect query",
    "prometheus/": "api",
    "CLI/": "cli",
    "openssl/": "crypto",
    "duckdb": "query",
    "nlohmann/": "api query cli server evidence",
    "seccomp.h": "env",
    "google/protobuf/": "",  # generated classes are the second witness of tests, never linked
    "opentelemetry/": "",
    "gtest/": "",
    "gmock/": "",
    "benchmark/": "",
}
EVERYONES = ("fmt/",)


def check(root: Path) -> list[Violation]:
    declared = modules(root)
    found = _declarations(root, declared)
    for path in files(root, ("src",), (".h", ".cc")):
        parts = path.relative_to(root / "src").parts
        if len(parts) < 2 or parts[0] not in declared:
            continue  # _declarations() has reported the folder
        found += _includes_of(root, path, declared[parts[0]], set(declared) | set(TABLE))
    return sorted(found)


def _allowed(name: str) -> set[str]:
    if TABLE[name] in (ALL, OPTIONS):
        return set(TABLE) - {name}
    return set(TABLE[name].split()) | ({"base"} - {name})


def _declarations(root: Path, declared: dict[str, Module]) -> list[Violation]:
    where = "src/CMakeLists.txt"
    found = []
    for module in declared.values():
        if module.name not in TABLE:
            found.append(Violation(where, module.line, f"{module.name}: not in the table of modules"))
            continue
        for dep in module.deps:
            if dep not in _allowed(module.name):
                found.append(
                    Violation(where, module.line, f"{module.name}: DEPS {dep}, which the table does not allow")
                )
            if module.name in PURE and dep not in PURE | {"base"}:
                found.append(Violation(where, module.line, f"{module.name}: is pure, and {dep} is not"))
        for dep in module.deps + module.test_deps:
            if dep.removesuffix("_testing") not in declared:
                found.append(Violation(where, module.line, f"{module.name}: depends on {dep}, undeclared"))
        if not (root / "src" / module.name).is_dir():
            found.append(Violation(where, module.line, f"{module.name}: has no folder src/{module.name}"))
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        if folder.name not in declared and files(folder, suffixes=(".h", ".cc")):
            found.append(Violation(f"src/{folder.name}", 0, "no sealtrail_module() declares this folder"))
    cycle = _cycle(declared)
    if cycle:
        found.append(Violation(where, declared[cycle[0]].line, "cycle: " + " -> ".join(cycle)))
    return found


def _cycle(declared: dict[str, Module]) -> list[str]:
    """The names along one cycle of DEPS, its first repeated at the end; empty if there is none."""
    done: set[str] = set()

    def visit(name: str, above: list[str]) -> list[str]:
        if name in above:
            return above[above.index(name) :] + [name]
        if name in done or name not in declared:
            return []
        for dep in declared[name].deps:
            if cycle := visit(dep, above + [name]):
                return cycle
        done.add(name)
        return []

    for name in declared:
        if cycle := visit(name, []):
            return cycle
    return []


def _includes_of(root: Path, path: Path, module: Module, known: set[str]) -> list[Violation]:
    place = str(path.relative_to(root))
    test = is_test_code(path.relative_to(root))
    usable = {"base", module.name, *module.deps}
    if test:
        usable |= {dep.removesuffix("_testing") for dep in module.test_deps}
    found = []
    for line, header, quoted in includes(path.read_text(errors="replace")):
        owner = header.split("/")[0]
        if "/" in header and owner in known:
            message = _module_include(module, header, owner, usable, test)
        else:
            message = _foreign_include(module, header, quoted, test)
        if message:
            found.append(Violation(place, line, message))
    return found


def _module_include(module: Module, header: str, owner: str, usable: set[str], test: bool) -> str:
    for_tests = header.startswith(f"{owner}/testing/")
    if for_tests and not test:
        return f'"{header}" is for tests'
    if owner in usable or for_tests:
        return ""
    if TABLE.get(module.name) == OPTIONS and header == f"{owner}/options.h":
        return ""
    return f'"{header}": {owner} is not in DEPS of {module.name}'


def _foreign_include(module: Module, header: str, quoted: bool, test: bool) -> str:
    if header.startswith(EVERYONES):
        return ""
    for prefix, owners in OWNERS.items():
        if header.startswith(prefix):
            if test or module.name in owners.split():
                return ""
            return f"<{header}> belongs to {owners.replace(' ', ', ') or 'tests'}, not to {module.name}"
    if quoted:
        return f'"{header}" is no module\'s header; write "<module>/…", or <…> for the system\'s'
    return ""
