"""Loading the library: the package's own, another build, and what is said about one that does not fit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import ROOT, run_python

IMPORT = "from codex_cffi import Codex, _capi; print(_capi.library_path)"


def failure(**env: str) -> str:
    result = run_python(IMPORT, env=env)
    assert result.returncode == 1
    assert "ImportError" in result.stderr
    assert "Traceback" in result.stderr
    return result.stderr.splitlines()[-1]


def build(tmp_path: Path, source: str) -> Path:
    file = tmp_path / "libother.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", file], input=source, text=True, check=True)
    return file


def test_another_build_can_be_loaded(library: Path, helper: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mine.so"
    shutil.copyfile(library, copy)
    result = run_python(IMPORT, env={"CODEX_CFFI_LIBRARY": str(copy)})
    assert result.stdout.strip() == str(copy), result.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    message = failure(CODEX_CFFI_LIBRARY=str(tmp_path / "nothing.so"))
    assert "CODEX_CFFI_LIBRARY is" in message
    assert str(tmp_path / "nothing.so") in message


def test_a_library_for_another_machine_is_refused(library: Path, tmp_path: Path) -> None:
    # The ELF header's e_machine, changed to that of a machine that this is not.
    other = tmp_path / "other.so"
    data = bytearray(library.read_bytes()[:4096])
    data[18:20] = (0xF3).to_bytes(2, "little")
    other.write_bytes(data)
    message = failure(CODEX_CFFI_LIBRARY=str(other))
    assert "cannot be loaded here" in message
    assert str(other) in message


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "text.so"
    other.write_text("hello")
    assert "cannot be loaded here" in failure(CODEX_CFFI_LIBRARY=str(other))


def test_another_library_is_refused(tmp_path: Path) -> None:
    assert "not a libcodex_capi" in failure(CODEX_CFFI_LIBRARY=str(build(tmp_path, "int x;")))


def test_another_abi_version_is_refused(tmp_path: Path) -> None:
    other = build(tmp_path, "unsigned codex_abi_version(void) { return 99; }")
    message = failure(CODEX_CFFI_LIBRARY=str(other))
    assert "ABI version 99, the package needs 1" in message
    assert str(other) in message


def test_a_missing_symbol_is_named(tmp_path: Path) -> None:
    other = build(tmp_path, "unsigned codex_abi_version(void) { return 1; }")
    message = failure(CODEX_CFFI_LIBRARY=str(other))
    assert "codex_client_open" in message
    assert "it lacks" in message


def test_another_header_is_refused(tmp_path: Path) -> None:
    header = (ROOT / "csrc" / "codex_capi.h").read_text()
    names = set(re.findall(r"\b(codex_\w+)\(", header)) - {"codex_abi_version", "codex_build_info"}
    info = json.dumps(json.dumps({"version": "9.9", "header": "0" * 64}))
    source = "\n".join(
        [
            "unsigned codex_abi_version(void) { return 1; }",
            f"const char *codex_build_info(void) {{ return {info}; }}",
            *(f"void {name}(void) {{}}" for name in names),
        ]
    )
    message = failure(CODEX_CFFI_LIBRARY=str(build(tmp_path, source)))
    assert "built from another codex_capi.h" in message
    assert "9.9" in message


@pytest.mark.parametrize("order", ["before", "after"])
def test_it_lives_beside_other_native_libraries(order: str, tmp_path: Path, repo: Path) -> None:
    others = "import ssl, sqlite3, cryptography.hazmat.bindings._rust, zlib, lzma, bz2\n"
    use = (
        "from codex_cffi import Codex\n"
        "from codex_cffi.testing import ScriptedModel\n"
        "import sys\n"
        "def turn():\n"
        "    with ScriptedModel(['done']) as model, Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config()) as codex:\n"
        "        print(codex.start_thread(working_directory=sys.argv[2]).run('go').final_response)\n"
    )
    check = (
        "turn()\n"
        "assert sqlite3.connect(':memory:').execute('select sqlite_version()').fetchone()\n"
        "assert ssl.create_default_context().get_ca_certs() is not None\n"
        "from cryptography.fernet import Fernet\n"
        "key = Fernet(Fernet.generate_key()); assert key.decrypt(key.encrypt(b'x')) == b'x'\n"
        "assert bz2.decompress(bz2.compress(b'x' * 1000)) == b'x' * 1000\n"
        "turn()\n"
    )
    code = others + use + check if order == "before" else use + "turn()\n" + others + check
    result = run_python(code, tmp_path / "home", repo)
    assert set(result.stdout.split()) == {"done"}, result.stderr
    assert result.returncode == 0
