import pytest

from tests.feel.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.50 + 1.50", "3.00"),
        ("1 - 1.0", "0.0"),
        ("0.1 * 3", "0.3"),
        ("0 * -1", "0"),
        ("-0.00", "0.00"),
        ("10 / 3", "3.333333333333333333333333333333333"),
        ("100.0 / 10", "10.0"),
        ("1 / 0.5", "2"),
        ("0.0000001", "1E-7"),
        ("10 ** 40", "1.000000000000000000000000000000000E+40"),
        ("1.1 ** 50", "117.3908528796953165066664959903583"),
        ("3 ** -1", "0.3333333333333333333333333333333333"),
        ("2 ** 4294967297", "2"),
        ("2 ** 0.5", "1.4142135623730951"),
        ("sqrt(4)", "2.0"),
        ("sqrt(10000000000)", "100000.0"),
        ("exp(1)", "2.718281828459045"),
        ("sqrt(10 ** 20)", "1.0E+10"),
        ("sqrt(0.0000000001)", "0.000010"),
        ("123456789012345678901234567890123456789012345 + 0.1", "123456789012345678901234567890123456789012345"),
        ("0.1 + 123456789012345678901234567890123456789012345", "1.234567890123456789012345678901235E+44"),
        ("decimal(2.5, 0)", "2"),
        ('decimal(1234, -3, "UP")', "2E+3"),
        ("decimal(1.555, 1.9)", "1.6"),
        ("floor(-1.5)", "-2"),
        ("round half down(1.125, 2)", "1.12"),
        ("modulo(-5.50, 2)", "0.50"),
        ("modulo(5, -3)", "-1"),
        ("median([1, 2])", "1.5"),
        ("stddev([2, 4, 7, 5])", "2.0816659994661326"),
        ('number("1.000,5", ".", ",")', "1000.5"),
        ('number("1e3")', "1E+3"),
    ],
)
def test_numbers_keep_their_scale(text: str, expected: str) -> None:
    assert value(f"string({text})") == expected


@pytest.mark.parametrize(
    "text", ["10 ** 6000 * 10 ** 6000", "10 ** 7000", "2 ** 999999999", "1.5 ** 2000000000", "exp(5000)"]
)
def test_numbers_do_not_grow_without_bounds(text: str) -> None:
    failure(text)


def test_a_scale_beyond_five_hundred_digits_is_not_written() -> None:
    assert value("round up(5.5, 6176)") == value("5.5")
    assert len(value("string(decimal(1, 100000))")) <= 502


def test_numbers_with_a_thousand_digits_are_not_read() -> None:
    failure(f'number("{"9" * 1000}")')
    failure("x + 1", x=10**1000)


def test_a_remainder_may_have_a_long_quotient_of_zeros() -> None:
    assert value("odd(exp(100))") is False
    failure("modulo(10 ** 40, 7)")
