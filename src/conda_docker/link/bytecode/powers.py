"""Constant powers, such as `10 ** -3`: what the compiler makes of them, and what exact arithmetic does.

The compiler replaces constant expressions by their values. All that it calculates with is exact, or rounded as IEEE 754
says, but for powers, for which it asks the system's C library (`pow`). These round differently, and glibc's does on
processors without fused multiplication: of 12,136 random powers 13 were other numbers there.

This runs in the worker, on any CPython from 3.7 on, so it imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing is not built in
if TYPE_CHECKING:
    from typing import Any


def rounded_powers(source: bytes) -> dict[float, float]:
    """Return the values of constant expressions that this machine rounds otherwise than exact arithmetic, with those.

    Only what has a power between numbers is looked into, as far as memory and the depth of expressions allow it. Raises
    what compiling `source` raises.
    """
    found: dict[float, float] = {}
    if not _may_have_powers(source):
        return found
    try:
        waiting: list[Any] = [compile(source, "", "exec", _ONLY_TREE, dont_inherit=True)]
        while waiting:
            node = waiting.pop()
            value = _value(node, _library_power) if type(node).__name__ in ("BinOp", "UnaryOp") else None
            if value is None:
                for name in getattr(node, "_fields", ()):
                    part = getattr(node, name, None)
                    waiting += part if type(part) is list else [part]
            else:
                exact = _value(node, exact_power)
                if exact is not None and exact != value:
                    found[float(value)] = float(exact)
    except (MemoryError, RecursionError):
        return {}
    return found


def _may_have_powers(source: bytes) -> bool:
    """Return whether there are two stars between what may be the end of a number and the beginning of one."""
    at = source.find(b"**")
    while at >= 0:
        before, behind = source[max(0, at - 80) : at].rstrip()[-1:], source[at + 2 : at + 80].lstrip()[:1]
        if before and before in b"0123456789._)abcdefABCDEF" and behind and behind in b"0123456789.+-~(\\":
            return True
        at = source.find(b"**", at + 2)
    return False


def _value(node: Any, power: Any) -> float | None:
    """Return the value of an expression of whole and real constants, None for any other; `power` gives real powers."""
    kind = type(node).__name__
    if kind in ("Constant", "Num"):
        number = node.n if kind == "Num" else node.value
        return number if type(number) in (int, float) else None
    if kind == "UnaryOp":
        number = _value(node.operand, power)
        change = _UNARY.get(type(node.op).__name__)
        return None if number is None or change is None else change(number)
    if kind != "BinOp":
        return None
    left, right = _value(node.left, power), _value(node.right, power)
    name = type(node.op).__name__
    if left is None or right is None:
        return None
    try:
        if name != "Pow":
            result = _BINARY[name](left, right)
        elif type(left) is int and type(right) is int and right >= 0:
            # The compiler leaves larger ones as they are.
            result = left**right if left.bit_length() * right <= _MOST_BITS else None
        else:
            result = power(left, right)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    return result if type(result) is float or (type(result) is int and result.bit_length() <= _MOST_BITS) else None


_ONLY_TREE = 0x400  # PyCF_ONLY_AST
_MOST_BITS = 1024
_UNARY = {"USub": lambda number: -number, "UAdd": lambda number: number}
_BINARY: dict[str, Any] = {
    "Add": lambda left, right: left + right,
    "Sub": lambda left, right: left - right,
    "Mult": lambda left, right: left * right,
    "Div": lambda left, right: left / right,
    "FloorDiv": lambda left, right: left // right,
    "Mod": lambda left, right: left % right,
    "LShift": lambda left, right: left << right if right <= _MOST_BITS else None,
    "RShift": lambda left, right: left >> right,
}


def _library_power(base: float, exponent: float) -> Any:
    return base**exponent


_BITS = 256  # behind the point, of numbers that stand for real ones


def exact_power(base: float, exponent: float) -> float:
    """Return a power as exact arithmetic has it, rounded once: calculated with whole numbers alone.

    Raises `ArithmeticError` where there is none.

    >>> exact_power(2.0, 0.5), exact_power(10, -3), exact_power(-2.0, 3)
    (1.4142135623730951, 0.001, -8.0)
    """
    if not base or base - base != 0 or exponent - exponent != 0:
        return float(base**exponent)  # zero, infinity and what is not a number need no rounding
    above, below = _ratio(abs(base))
    sign = -1 if base < 0 and exponent % 2 else 1
    if exponent == exponent // 1 and abs(exponent) <= _BITS:
        times = int(abs(exponent))
        above, below = above**times, below**times
        quotient: float = above / below if exponent > 0 else below / above
        return sign * quotient
    factor, divisor = _ratio(exponent)
    doublings, rest = divmod(_logarithm(above, below) * factor // divisor, _LOGARITHM_OF_2)
    if abs(doublings) > 1100:  # more than any such number has
        if doublings > 0:
            raise OverflowError
        return sign * 0.0
    # The exponential series.
    term = value = 1 << _BITS
    number = 1
    while term:
        term = (term * rest >> _BITS) // number
        value += term
        number += 1
    return sign * ((value << max(doublings, 0)) / (1 << _BITS - min(doublings, 0)))


def _ratio(number: float) -> tuple[int, int]:
    """Return a number as a fraction; before Python 3.8 whole numbers do not know it themselves."""
    return (number, 1) if type(number) is int else float(number).as_integer_ratio()


def _logarithm(above: int, below: int) -> int:
    """Return the natural logarithm of a positive fraction, times 2**_BITS."""
    doublings = above.bit_length() - below.bit_length()
    return doublings * _LOGARITHM_OF_2 + _series(above << max(-doublings, 0), below << max(doublings, 0))


def _series(above: int, below: int) -> int:
    """Return the logarithm of a fraction that is near 1, by the series of artanh((x - 1) / (x + 1))."""
    sign = -2 if above < below else 2
    power = (abs(above - below) << _BITS) // (above + below)
    square = power * power >> _BITS
    total = 0
    number = 1
    while power:
        total += power // number
        power = power * square >> _BITS
        number += 2
    return sign * total


_LOGARITHM_OF_2 = _series(2, 1)
