"""The cache of compiled kernels: fresh, whole, and no reason for a command to fail."""

from __future__ import annotations

import functools
import hashlib
import warnings
from pathlib import Path
from typing import Any

from numba.core import caching
from numba.core.runtime.nrt import rtsys


class KernelCache(caching.FunctionCache):
    """numba's cache of a function, as kernels need it.

    Kernels become parts of each other, so that the cached ones are good as long as no file of them
    changes; numba looks at a kernel's own file only. A damaged file of the cache, as a full disk or
    a power failure leaves it, is replaced; where none can be written the kernel is not cached.

    Args:
        function: The kernel.

    Raises:
        RuntimeError: If there is no folder to write to.
    """

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = caching.IndexDataCacheFile(
            cache_path=self.cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=_sources(),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return a compiled kernel; None if there is none.

        numba would first import all that compiling may need, SciPy among it: half a second of each
        process. A compiled kernel needs the runtime alone.
        """
        try:
            rtsys.initialize(target_context)
            with self._guard_against_spurious_io_errors():
                return self._load_overload(sig, target_context)
        except Exception:  # whatever reading a damaged pickle raises
            _warn(f"damaged files of compiled kernels are replaced in {self.cache_path}")
            try:
                self.flush()
            except OSError:
                self.disable()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write a compiled kernel."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn(
                f"compiled kernels cannot be written to {self.cache_path} ({error}), so that the "
                "next process compiles them anew; NUMBA_CACHE_DIR names another folder"
            )
            self.disable()


@functools.cache
def _sources() -> str:
    """Return a digest of all files of kernels."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@functools.cache
def _warn(text: str) -> None:
    """Warn once, of whatever number of kernels."""
    warnings.warn(text, stacklevel=2)
