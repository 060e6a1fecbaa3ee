"""The natural logarithm with the same bits on any processor.

The C library's and NumPy's differ in the last bit between processors (vector units, fused
products), and rankings by a log density must not depend on them.
"""

from __future__ import annotations

import math

import numpy as np

from gneg.kernels._jit import jit

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ODD = (6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01)
EVEN = (3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01)
LAST = 1.479819860511658591e-01


@jit
def log(x):
    """Natural logarithm, less than one unit in the last place off (e_log.c of Sun's fdlibm, 1993).

    -inf for 0, NaN below.
    """
    if not 0.0 < x < np.inf:
        return -np.inf if x == 0.0 else (np.inf if x > 0.0 else np.nan)
    fraction, exponent = math.frexp(x)
    if fraction < 0.7071067811865476:
        fraction, exponent = 2.0 * fraction, exponent - 1
    f, k = fraction - 1.0, np.float64(exponent)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (EVEN[0] + w * (EVEN[1] + w * EVEN[2]))
    odd = z * (ODD[0] + w * (ODD[1] + w * (ODD[2] + w * LAST)))
    half = 0.5 * f * f
    return k * LN2_HIGH - ((half - (s * (half + (odd + even)) + k * LN2_LOW)) - f)


@jit
def logs(values):
    """Natural logarithms of an array of any shape."""
    out = np.empty(values.shape)
    flat, result = values.ravel(), out.ravel()
    for i in range(len(flat)):
        result[i] = log(np.float64(flat[i]))
    return result.reshape(values.shape)
