import numpy as np
import pytest

from cube_bridge.errors import ExpressionError
from cube_bridge.values.expressions import parse_expression

A, B = np.array([1.0, 4.0, np.nan, 0.0]), np.array([3.0, 2.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(a - b) / (a + b)", [-0.5, 1 / 3, np.nan, np.nan]),
        ("a > 2", [0, 1, np.nan, 0]),
        ("where(a >= b, a, -b)", [-3, 4, np.nan, 0]),
        ("min(a, b) * 2 ** 3", [8, 16, np.nan, 0]),
        ("sqrt(a) + abs(-1)", [2, 3, np.nan, 1]),
        ("log(a)", [0, np.log(4), np.nan, np.nan]),
        ("a % 3 != 1", [0, 0, np.nan, 1]),
    ],
)
def test_arithmetic_goes_cell_by_cell_and_leaves_gaps(text, expected):
    parsed = parse_expression(text)
    found = parsed.evaluate({n: v for n, v in {"a": A, "b": B}.items() if n in parsed.names})
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a +",
            "1 + 2",
            "a; b",
            "a.b",
            "a[0]",
            "lambda: a",
            "a if a else b",
            "'a'",
            "a and b",
        ),
        *(
            "__import__('os')",
            "open(a)",
            "max(a)",
            "abs(a, b)",
            "min(*a)",
            "a < b < 1",
            "~a",
            "a // 2",
        ),
        *(
            "1e400 * a",
            "1j * a",
            "(" * 300 + "a" + ")" * 300,
            "-" * 200 + "a",
            "a" * 2000,
            "True + a",
        ),
    ],
)
def test_what_is_no_arithmetic_is_refused(text):
    with pytest.raises(ExpressionError):
        parse_expression(text)


def test_a_power_of_powers_ends():
    found = parse_expression("a + 9 ** 9 ** 9 ** 9").evaluate({"a": A})
    assert np.isnan(found).all()
