"""Tests of the checks: each plants a violation in a small tree of its own and sees it reported.

A check that cannot fail proves nothing, so every rule has its planted violation here, and next to
it the nearest thing that is allowed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import banned_calls
import code_format
import documents
import layering
import orphan_tests
from common import includes, modules, strip_cpp

CLEAN = {
    "src/CMakeLists.txt": """
        # sealtrail_module(NAME ghost DEPS base)
        sealtrail_module(NAME base DEPS LIBS fmt::fmt)
        sealtrail_module(NAME env DEPS base)
        sealtrail_module(NAME crypto DEPS base LIBS OpenSSL::Crypto)
        sealtrail_module(NAME tlog
          DEPS base crypto
          TEST_DEPS env)
    """,
    "src/base/status.h": "#include <string>\n#include <fmt/format.h>\n",
    "src/env/env.h": '#include "base/status.h"\n#include <fcntl.h>\n',
    "src/env/testing/sim_env.h": '#include "env/env.h"\n',
    "src/crypto/sha256.cc": '#include <openssl/sha.h>\n#include "base/status.h"\n',
    "src/tlog/tree.cc": '#include "crypto/sha256.h"\n#include "tlog/tree.h"\n',
    "src/tlog/tree_test.cc": '#include "env/env.h"\n#include "env/testing/sim_env.h"\n#include <gtest/gtest.h>\n',
}


class CheckTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()

    def plant(self, tree: dict[str, str]) -> None:
        for place, text in tree.items():
            path = self.root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def assert_clean(self, check) -> None:
        self.assertEqual([], [str(v) for v in check(self.root)])

    def assert_found(self, check, *parts: str) -> None:
        """Exactly one violation, whose line holds each of `parts`."""
        found = [str(v) for v in check(self.root)]
        self.assertEqual(1, len(found), found)
        for part in parts:
            self.assertIn(part, found[0])


class CommonTest(CheckTest):
    def test_strip_blanks_comments_and_literals_and_keeps_offsets(self) -> None:
        text = "a(1'000); // b()\n/* c()\n */ \"d() // \\\" \" 'e' R\"x(f() )\" )x\" g('\\'', 0x1'F);\n"
        code = strip_cpp(text)
        self.assertEqual(len(text), len(code))
        self.assertEqual(text.count("\n"), code.count("\n"))
        self.assertEqual(["a(1'000);", "g(", ",", "0x1'F);"], code.split())

    def test_includes_are_read_past_comments(self) -> None:
        text = '// #include "a/b.h"\n/*\n#include "c/d.h"\n*/\n #  include "e/f.h"  // x\n#include <g>\n'
        self.assertEqual([(5, "e/f.h", True), (6, "g", False)], includes(text))

    def test_modules_are_read_over_lines_and_past_comments(self) -> None:
        self.plant(CLEAN)
        found = modules(self.root)
        self.assertEqual(["base", "env", "crypto", "tlog"], list(found))
        self.assertEqual((("base", "crypto"), ("env",), 6), (found["tlog"].deps, found["tlog"].test_deps, found["tlog"].line))


class LayeringTest(CheckTest):
    def setUp(self) -> None:
        super().setUp()
        self.plant(CLEAN)

    def declare(self, *calls: str) -> None:
        lists = self.root / "src/CMakeLists.txt"
        lists.write_text(lists.read_text() + "\n".join(calls) + "\n")

    def test_clean_tree(self) -> None:
        self.assert_clean(layering.check)

    def test_include_outside_deps(self) -> None:
        self.plant({"src/crypto/sha256.cc": '\n#include "tlog/tree.h"\n'})
        self.assert_found(layering.check, "src/crypto/sha256.cc:2", "tlog is not in DEPS of crypto")

    def test_include_of_test_dep_outside_tests(self) -> None:
        self.plant({"src/tlog/tree.cc": '#include "env/env.h"\n'})
        self.assert_found(layering.check, "src/tlog/tree.cc:1", "env is not in DEPS of tlog")

    def test_include_of_test_helper_outside_tests(self) -> None:
        self.plant({"src/env/real.cc": '#include "env/testing/sim_env.h"\n'})
        self.assert_found(layering.check, "src/env/real.cc:1", "is for tests")

    def test_test_beyond_its_test_deps(self) -> None:
        self.plant({"src/env/env_test.cc": '#include "tlog/tree.h"\n'})
        self.assert_found(layering.check, "src/env/env_test.cc:1", "tlog is not in DEPS of env")

    def test_include_of_a_module_not_declared_yet(self) -> None:
        self.plant({"src/tlog/tree.cc": '#include "ledger/writer.h"\n'})
        self.assert_found(layering.check, "src/tlog/tree.cc:1", "ledger is not in DEPS of tlog")

    def test_include_of_sibling_without_its_module(self) -> None:
        self.plant({"src/tlog/tree.cc": '#include "tree.h"\n'})
        self.assert_found(layering.check, "src/tlog/tree.cc:1", "is no module's header")

    def test_deps_beyond_the_table(self) -> None:
        self.plant({"src/format/frame.h": ""})
        self.declare("sealtrail_module(NAME format DEPS base tlog)")
        self.assert_found(layering.check, "src/CMakeLists.txt:", "format: DEPS tlog")

    def test_pure_module_on_env(self) -> None:
        self.plant({"src/format/frame.h": ""})
        self.declare("sealtrail_module(NAME format DEPS base env)")
        found = [str(v) for v in layering.check(self.root)]
        self.assertTrue(any("format: is pure, and env is not" in line for line in found), found)

    def test_verify_on_the_writer(self) -> None:
        self.plant({"src/verify/verify.h": ""})
        self.declare("sealtrail_module(NAME verify DEPS base crypto env tlog)")
        self.assert_found(layering.check, "verify: DEPS tlog")

    def test_module_outside_the_table(self) -> None:
        self.plant({"src/util/util.h": ""})
        self.declare("sealtrail_module(NAME util DEPS base)")
        self.assert_found(layering.check, "util: not in the table")

    def test_folder_without_module(self) -> None:
        self.plant({"src/ledger/writer.h": ""})
        self.assert_found(layering.check, "src/ledger: no sealtrail_module()")

    def test_module_without_folder(self) -> None:
        self.declare("sealtrail_module(NAME format DEPS base)")
        self.assert_found(layering.check, "format: has no folder")

    def test_undeclared_dependency(self) -> None:
        self.plant({"src/record/record.h": ""})
        self.declare("sealtrail_module(NAME record DEPS base model)")
        self.assert_found(layering.check, "record: depends on model, undeclared")

    def test_cycle(self) -> None:
        self.plant({"src/server/server.h": "", "src/cli/main.cc": ""})
        self.declare("sealtrail_module(NAME server DEPS base cli)", "sealtrail_module(NAME cli DEPS server)")
        self.assert_found(layering.check, "cycle: server -> cli -> server")

    def test_third_party_header_of_another_module(self) -> None:
        for header, line in {
            "<openssl/evp.h>": "belongs to crypto, not to tlog",
            "<grpcpp/grpcpp.h>": "belongs to net, not to tlog",
            '"duckdb.h"': "belongs to query, not to tlog",
            "<nlohmann/json.hpp>": "not to tlog",
            "<boost/asio.hpp>": "belongs to net, not to tlog",
            "<google/protobuf/message.h>": "belongs to tests, not to tlog",
        }.items():
            with self.subTest(header):
                self.plant({"src/tlog/tree.cc": f"#include {header}\n"})
                self.assert_found(layering.check, "src/tlog/tree.cc:1", line)

    def test_third_party_header_in_a_test(self) -> None:
        self.plant({"src/tlog/tree_test.cc": "#include <nlohmann/json.hpp>\n"})
        self.assert_clean(layering.check)

    def test_config_sees_options_and_no_more(self) -> None:
        self.plant({"src/config/config.h": '#include "tlog/options.h"\n'})
        self.declare("sealtrail_module(NAME config DEPS base)")
        self.assert_clean(layering.check)
        self.plant({"src/config/config.h": '#include "tlog/tree.h"\n'})
        self.assert_found(layering.check, "tlog is not in DEPS of config")

    def test_table_speaks_of_itself_consistently(self) -> None:
        for name in layering.PURE:
            self.assertLessEqual(layering._allowed(name) - {"base"}, layering.PURE, name)
        for owners in layering.OWNERS.values():
            self.assertLessEqual(set(owners.split()), set(layering.TABLE))


class BannedCallsTest(CheckTest):
    BANNED = (
        "auto t = std::chrono::system_clock::now();",
        "clock_gettime(CLOCK_REALTIME, &t);",
        "time_t t = time(nullptr);",
        "std::this_thread::sleep_for(1s);",
        "::usleep(10);",
        'FILE* f = fopen("x", "r");',
        "std::ifstream in(path);",
        "if (std::filesystem::exists(path)) return;",
        "int fd = ::open(path, 0);",
        "if (::fsync (fd) != 0) return;",
        "std::thread t(f);",
        "std::jthread t(f);",
        "auto f = std::async(g);",
        "std::random_device r;",
        "int r = rand();",
        'auto home = std::getenv("HOME");',
        'std::system("ls");',
        'printf("x");',
        "std::cout << 1;",
        "std::cerr << 1;",
        'fmt::print("x");',
        'std::fprintf(stderr, "x");',
        "#include <fstream>",
        "#include <unistd.h>",
        "#include <sys/stat.h>",
        "#include <thread>",
        "#include <iostream>",
    )
    ALLOWED = (
        "clock.Now();",
        "// std::cout << now();",
        'Log("sleep(1) and printf(x)");',
        "file_system(1); executor.system(2); renown(3); Foo::open(4); std::rename_all(5);",
        "my_thread t; std::this_thread::get_id();",
        "std::snprintf(buffer, 3, x);",
        '#include "env/clock.h"',
        "int time = 3; auto x = time_of(0);",
        "fmt::format_to(out, x);",
    )

    def test_each_banned_call_in_a_module(self) -> None:
        for line in self.BANNED:
            with self.subTest(line):
                self.plant({"src/tlog/tree.cc": f"\n{line}\n"})
                found = [str(v) for v in banned_calls.check(self.root)]
                self.assertTrue(found and all(v.startswith("src/tlog/tree.cc:2: ") for v in found), found)

    def test_what_only_looks_like_one(self) -> None:
        for line in self.ALLOWED:
            with self.subTest(line):
                self.plant({"src/tlog/tree.cc": f"{line}\n"})
                self.assert_clean(banned_calls.check)

    def test_env_may(self) -> None:
        self.plant({"src/env/real.cc": "auto t = std::chrono::system_clock::now(); ::open(p, 0);\n"})
        self.assert_clean(banned_calls.check)

    def test_cli_may_print_and_no_more(self) -> None:
        self.plant({"src/cli/main.cc": "std::cout << 1;\n"})
        self.assert_clean(banned_calls.check)
        self.plant({"src/cli/main.cc": 'std::getenv("HOME");\n'})
        self.assert_found(banned_calls.check, "src/cli/main.cc:1", "the environment")

    def test_unit_tests_may_all_but_sleep_and_look_at_the_clock(self) -> None:
        self.plant({"src/tlog/tree_test.cc": 'std::ifstream in("x"); std::thread t(f);\n'})
        self.assert_clean(banned_calls.check)
        self.plant({"src/tlog/tree_test.cc": "std::this_thread::sleep_for(1s);\n"})
        self.assert_found(banned_calls.check, "src/tlog/tree_test.cc:1", "a sleep")
        self.plant({"src/tlog/tree_test.cc": "auto t = std::chrono::steady_clock::now();\n"})
        self.assert_found(banned_calls.check, "src/tlog/tree_test.cc:1", "a real clock")

    def test_exception_that_is_needed_no_more(self) -> None:
        self.plant({"src/base/check.cc": 'std::fprintf(stderr, "x");\n'})
        self.assert_clean(banned_calls.check)
        self.plant({"src/base/check.cc": "\n"})
        self.assert_found(banned_calls.check, "src/base/check.cc", "needed no more")


class OrphanTestsTest(CheckTest):
    def setUp(self) -> None:
        super().setUp()
        self.plant(CLEAN)
        self.plant(
            {
                "tests/CMakeLists.txt": """
                    add_subdirectory(sim)
                    add_test(NAME export COMMAND pytest ${CMAKE_CURRENT_SOURCE_DIR}/test_export.py)
                    add_test(NAME e2e COMMAND pytest ${CMAKE_SOURCE_DIR}/tests/e2e)
                """,
                "tests/sim/CMakeLists.txt": "add_executable(sweep sweep_test.cc)\n",
                "tests/sim/sweep_test.cc": "",
                "tests/test_export.py": "",
                "tests/e2e/deep/test_sdk.py": "",
                "fuzz/CMakeLists.txt": "foreach(name otlp_json segment)\nadd_executable(${name} ${name}_fuzz.cc)\nendforeach()",
                "fuzz/otlp_json_fuzz.cc": "",
                "fuzz/segment_fuzz.cc": "",
                "bench/CMakeLists.txt": "file(GLOB sources ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)\n",
                "bench/ingest.cc": "",
            }
        )

    def test_clean_tree(self) -> None:
        self.assert_clean(orphan_tests.check)

    def test_each_kind_of_orphan(self) -> None:
        for place in (
            "src/ledger/writer_test.cc",  # no such module
            "src/tlog/deep/tree_test.cc",  # below what the module's glob sees
            "tests/sim/recovery_test.cc",
            "tests/sim/test_sim.py",  # add_subdirectory(sim) runs no Python
            "tests/test_forgotten.py",
            "fuzz/gzip_fuzz.cc",
            "bench/deep/query.cc",
        ):
            with self.subTest(place):
                self.plant({place: ""})
                self.assert_found(orphan_tests.check, place, "no target")
                (self.root / place).unlink()

    def test_named_in_an_included_file(self) -> None:
        self.plant({"src/tlog/deep/tree_test.cc": "", "src/tlog/deep.cmake": "set(x deep/tree_test.cc)\n"})
        self.assert_clean(orphan_tests.check)

    def test_named_in_a_comment_only(self) -> None:
        self.plant({"fuzz/gzip_fuzz.cc": "", "fuzz/CMakeLists.txt": "# gzip\nset(names otlp_json segment)\n"})
        self.assert_found(orphan_tests.check, "fuzz/gzip_fuzz.cc")


class CodeFormatTest(CheckTest):
    def test_formatted_and_not(self) -> None:
        self.plant({".clang-format": "BasedOnStyle: Google\n", "src/a.cc": "int f() { return 1; }\n"})
        self.assert_clean(code_format.check)
        self.plant({"src/b.h": "int  g( );\nint  h( );\n"})
        self.assert_found(code_format.check, "src/b.h:1", "clang-format-16 -i src/b.h")

    def test_no_style(self) -> None:
        self.assert_found(code_format.check, ".clang-format", "missing")

    def test_no_tool(self) -> None:
        self.plant({".clang-format": "BasedOnStyle: Google\n"})
        tool, code_format.TOOL = code_format.TOOL, "no-such-clang-format"
        self.addCleanup(setattr, code_format, "TOOL", tool)
        self.assert_found(code_format.check, "no-such-clang-format is not installed")

    def test_broken_style_is_not_taken_for_success(self) -> None:
        self.plant({".clang-format": "BasedOnStyle: Gogle\n", "src/a.cc": "int f() { return 1; }\n"})
        self.assert_found(code_format.check, "failed")


class DocumentsTest(CheckTest):
    LOCK = {"packages": {"": {"name": "x"}, "node_modules/duck": {"version": "1.2.3", "integrity": "sha512-x"}}}

    def setUp(self) -> None:
        super().setUp()
        tree = {
            documents.PACKAGES: "# Tools\ncmake   # builds\n",
            documents.README: "| `cmake` | 3.25 | Debian |\n| `duck` | 1.2.3 | npm |\n| `pytest` | 9.2.0 | PyPI |\n",
            documents.REQUIREMENTS: "# Pinned.\npytest==9.2.0\n\n# Brought along.\npluggy==1.7.0\n",
            "README.md": "See [the packages](third_party/README.md#x), [us](https://example.com), `[](int x)`.\n",
        }
        for folder in documents.NPM_FOLDERS:
            tree[f"{folder}/.npmrc"] = "omit-lockfile-registry-resolved=true\n"
            tree[f"{folder}/package.json"] = json.dumps({"dependencies": {"duck": "1.2.3"}})
            tree[f"{folder}/package-lock.json"] = json.dumps(self.LOCK)
        self.plant(tree)

    def test_clean_tree(self) -> None:
        self.assert_clean(documents.check)

    def test_package_without_reason(self) -> None:
        self.plant({documents.PACKAGES: "cmake\n"})
        self.assert_found(documents.check, f"{documents.PACKAGES}:1", "no reason")

    def test_package_listed_twice(self) -> None:
        self.plant({documents.PACKAGES: "cmake  # builds\ncmake  # builds\n"})
        self.assert_found(documents.check, f"{documents.PACKAGES}:2", "twice")

    def test_package_missing_from_the_readme(self) -> None:
        self.plant({documents.PACKAGES: "cmake  # builds\nstrace  # faults\n"})
        self.assert_found(documents.check, documents.README, "`strace`")

    def test_package_in_the_readme_alone(self) -> None:
        readme = (self.root / documents.README).read_text()
        self.plant({documents.README: readme + "| `strace` | 6.1 | Debian |\n"})
        self.assert_found(documents.check, f"{documents.README}:4", "`strace` is not in")

    def test_version_that_moved_on(self) -> None:
        self.plant({documents.REQUIREMENTS: "# Pinned.\npytest==9.2.1\n"})
        self.assert_found(documents.check, documents.README, "`pytest` 9.2.1 is missing")

    def test_requirement_without_version(self) -> None:
        self.plant({documents.REQUIREMENTS: "pytest\n"})
        self.assert_found(documents.check, f"{documents.REQUIREMENTS}:1", "no version")

    def test_npm_range(self) -> None:
        self.plant({"tests/e2e/js/package.json": json.dumps({"dependencies": {"duck": "^1.2.3"}})})
        found = [str(v) for v in documents.check(self.root)]
        self.assertIn("tests/e2e/js/package.json: duck: ^1.2.3 is not one version", found)

    def test_lock_that_records_where_from(self) -> None:
        lock = json.loads(json.dumps(self.LOCK))
        lock["packages"]["node_modules/duck"]["resolved"] = "duck.tgz"
        self.plant({"tests/e2e/js/package-lock.json": json.dumps(lock)})
        self.assert_found(documents.check, "tests/e2e/js/package-lock.json", "records where")

    def test_lock_without_hash(self) -> None:
        self.plant({"tests/e2e/js/package-lock.json": '{"packages": {"node_modules/duck": {"version": "1.2.3"}}}'})
        self.assert_found(documents.check, "tests/e2e/js/package-lock.json", "no hash")

    def test_lock_missing(self) -> None:
        (self.root / "tests/e2e/js/package-lock.json").unlink()
        self.assert_found(documents.check, "tests/e2e/js", "missing")

    def test_npmrc_without_the_option(self) -> None:
        self.plant({"third_party/npm/.npmrc": "audit=false\n"})
        self.assert_found(documents.check, "third_party/npm/.npmrc", "is missing")

    def test_address_where_setup_reads(self) -> None:
        self.plant({documents.REQUIREMENTS: "--index-url=https://example.com/simple\n"})
        found = [str(v) for v in documents.check(self.root)]
        self.assertTrue(any("an address: https://example.com" in v for v in found), found)

    def test_path_of_one_machine(self) -> None:
        folder = "/" + "work"
        self.plant({"docs/a.md": f"Look in {folder}/main.\n", "docs/b.md": f"https://x.example{folder}/y and {folder}s\n"})
        self.assert_found(documents.check, "docs/a.md:1", "a path of one machine")

    def test_link_that_leads_nowhere(self) -> None:
        self.plant({"docs/a.md": "\n[b](b.md)\n"})
        self.assert_found(documents.check, "docs/a.md:2", "the link to b.md leads nowhere")

    def plant_tampering(self, tests: str) -> None:
        self.plant({
            documents.TAMPERING: f"| attack | tests | said |\n|---|---|---|\n| a | {tests} | b |\n",
            "src/verify/x_test.cc": 'TEST_F(XTest, Cut) { Table({{"the end is "\n "gone", 1}}); }\n',
            "tests/e2e/test_x.py": "def test_x(store):\n    pass\n",
        })  # fmt: skip

    def test_tampering_names_tests(self) -> None:
        for tests in ('`verify/XTest.Cut` "the end is gone", `tests/e2e/test_x.py::test_x`', "not there yet: nothing is"):
            self.plant_tampering(tests)
            self.assert_clean(documents.check)
        for tests, what in (
            ("`verify/XTest.Cu`", "verify/XTest.Cu: no such test"),
            ("`tests/e2e/test_x.py::test_y`", "test_y: no such test"),
            ('`verify/XTest.Cut` "the beginning is gone"', '"the beginning is gone": no case of XTest'),
            ("soon", "no test"),
        ):
            self.plant_tampering(tests)
            self.assert_found(documents.check, "docs/tampering.md:3", what)


if __name__ == "__main__":
    unittest.main()
