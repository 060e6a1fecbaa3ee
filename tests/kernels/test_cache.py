"""Files of compiled kernels: of other sources, damaged, or on a full disk."""

from __future__ import annotations

import errno

import numba
import numpy as np
import pytest
from numba.core import caching
from numba.core.cpu import CPUContext

from gneg.kernels import _cache, _jit


@pytest.fixture
def compile_here(tmp_path, monkeypatch):
    """A function that makes a kernel as a new process does; its files lie in ``tmp_path``."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    _cache._warn.cache_clear()

    def double(value):
        return 2 * value

    return lambda: _jit.compiled(double)


def is_cached(kernel) -> bool:
    assert kernel(21) == 42
    return bool(kernel.stats.cache_hits)


def test_kernels_are_compiled_anew_when_any_of_their_files_changes(compile_here, monkeypatch):
    assert [is_cached(compile_here()) for _ in range(2)] == [False, True]
    monkeypatch.setattr(_cache, "_sources", lambda: "another helper")
    assert [is_cached(compile_here()) for _ in range(2)] == [False, True]


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("content", [b"", b"\xbd\xff", None], ids=["empty", "noise", "cut"])
def test_damaged_files_are_replaced(compile_here, tmp_path, kind, content):
    is_cached(compile_here())
    (path,) = tmp_path.rglob(f"*.{kind}")
    path.write_bytes(path.read_bytes()[:70] if content is None else content)
    with pytest.warns(UserWarning, match="damaged files of compiled kernels are replaced in"):
        assert not is_cached(compile_here())
    assert is_cached(compile_here())


def test_a_full_disk_only_costs_the_cache(compile_here, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    kernel = compile_here()
    with pytest.warns(UserWarning, match="compiled kernels cannot be written to .*No space left"):
        assert kernel(21) == 42
    assert kernel(np.float64(1.5)) == 3.0


def test_what_compiling_needs_is_imported_only_for_that(compile_here, monkeypatch):
    def refresh(context):
        refreshed.append(context)
        prepare(context)

    refreshed, prepare = [], CPUContext.refresh
    monkeypatch.setattr(CPUContext, "refresh", refresh)
    assert not is_cached(compile_here())
    refreshed.clear()
    kernel = compile_here()
    assert is_cached(kernel)
    assert not refreshed
    assert kernel(np.float32(1.5)) == 3.0
    assert refreshed
