"""Tokens to a syntax tree: recursive descent with precedence climbing (Vaughan Pratt, 1973).

The grammar is that of feel-scala, which is more generous than DMN's. Three places need care:

* A name with spaces exists only in front of `(` and `:`, so it is joined from tokens there and nowhere else.
* `(` opens a group or a range, `[` a list or a range. Which one is known at `..` after the first operand, so nothing is
  read twice.
* After an operand a keyword needs no space behind it: `1 in[1]`, `x orfalse`.
"""

from decimal import Decimal
from re import compile as pattern

from zeebe_mail.feel.errors import BudgetExceeded, FeelSyntaxError
from zeebe_mail.feel.nodes import (
    Access,
    AnyOf,
    Arithmetic,
    Between,
    Call,
    Comparison,
    ContextLiteral,
    Filter,
    For,
    FunctionLiteral,
    If,
    In,
    Input,
    InputComparison,
    InputInRange,
    InstanceOf,
    ListLiteral,
    Literal,
    Logic,
    Negation,
    Node,
    NotTest,
    Property,
    Quantified,
    RangeLiteral,
    Reference,
    Span,
    UnaryTest,
)
from zeebe_mail.feel.numbers import magnitude_checked, negate
from zeebe_mail.feel.scanner import BACKTICKS, END, NAME, NUMBER, SPACES, STRING, SYMBOL, UNKNOWN, Token, scan
from zeebe_mail.feel.temporal_text import parse_date, parse_date_time, parse_duration, parse_temporal, parse_time

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "parse_expression", "parse_unary_tests"]

MAX_DEPTH = 100  # feel-scala overflows a stack of 512 kB at 200
MAX_LENGTH = 100_000

RESERVED = frozenset({"null", "true", "false", "function", "in", "return", "then", "else", "satisfies", "and", "or"})
# Names of functions that contain a reserved word; other names stop at one.
_CALLED_RESERVED = {
    "and": ("and",),
    "or": ("or",),
    "date": ("date", "and", "time"),
    "years": ("years", "and", "months", "duration"),
    "get": ("get", "or", "else"),
}
# Words with which an operand may begin that is not just a name.
_MEANINGFUL = RESERVED | {"date", "time", "duration", "years", "get"}
_TYPES_WITH_SPACES = (
    ("years", "and", "months", "duration"),
    ("days", "and", "time", "duration"),
    ("date", "and", "time"),
)

_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
_INPUT_COMPARISONS = frozenset({"<", "<=", ">", ">="})
_OR, _AND, _COMPARE, _SUM, _PRODUCT, _POWER = range(1, 7)
_PRECEDENCE = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "**": _POWER} | dict.fromkeys(_COMPARISONS, _COMPARE)

_UNCLOSED = {'"': "a string without its closing quote", "`": "a backtick without its partner"}
_KEY = pattern(r'[^"{}:,\[\]`]+(?=:)')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}
_ESCAPE = pattern(r"\\([nrtbf'\"\\])")
_NULL, _TRUE, _FALSE = Literal(None), Literal(True), Literal(False)  # noqa: FBT003


def parse_expression(text: str) -> Node:
    """Raises FeelSyntaxError, or BudgetExceeded for text that is too long or too deep."""
    parser = _Parser(text)
    node = parser.expression()
    parser.finish()
    return node


def parse_unary_tests(text: str) -> Node:
    """Raises FeelSyntaxError, or BudgetExceeded for text that is too long or too deep."""
    parser = _Parser(text)
    node = parser.unary_tests()
    parser.finish()
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise BudgetExceeded(f"The expression has {len(text)} characters, more than {MAX_LENGTH}.")
        self.text = text
        self.tokens = scan(text)
        self.index = 0
        self.depth = 0
        self.is_range_open = False  # a `[` may end it

    # --- tokens ---

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def finish(self) -> None:
        if self.token.kind is not END:
            raise self.unexpected("an operator", "the end of the expression")

    def at_symbol(self, symbol: str) -> bool:
        token = self.tokens[self.index]
        return token.text == symbol and token.kind is SYMBOL

    def take_symbol(self, symbol: str) -> bool:
        token = self.tokens[self.index]
        if token.text == symbol and token.kind is SYMBOL:
            self.index += 1
            return True
        return False

    def expect_symbol(self, *symbols: str) -> Token:
        token = self.token
        if token.kind is not SYMBOL or token.text not in symbols:
            raise self.unexpected(*(f'"{symbol}"' for symbol in symbols))
        self.index += 1
        return token

    def at_keyword(self, word: str) -> bool:
        """Is this the keyword, where no name can stand? A name that only begins with it is split."""
        token = self.tokens[self.index]
        if token.kind is not NAME or not token.text.startswith(word):
            return False
        if len(token.text) > len(word):
            middle = token.start + len(word)
            rest = scan(self.text[middle : token.end])[:-1]
            moved = [Token(kind, content, start + middle, end + middle) for kind, content, start, end in rest]
            self.tokens[self.index : self.index + 1] = [Token(NAME, word, token.start, middle), *moved]
        return True

    def take_keyword(self, word: str) -> bool:
        if self.at_keyword(word):
            self.index += 1
            return True
        return False

    def expect_keyword(self, word: str) -> None:
        if not self.take_keyword(word):
            raise self.unexpected(f'"{word}"')

    def unexpected(self, *expected: str) -> FeelSyntaxError:
        token = self.token
        position, found = token.start, f'"{token.text}"'
        if token.kind is END:
            found = "the end of the expression" if self.text.strip(SPACES) else "nothing"
        elif token.kind is STRING:
            found = "a string"
        elif token.kind is UNKNOWN and token.text in _UNCLOSED:
            found, expected = _UNCLOSED[token.text], ()
        return FeelSyntaxError(self.text, position, found, expected)

    # --- expressions ---

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BudgetExceeded(f"The expression is nested deeper than {MAX_DEPTH} levels.")
        token = self.tokens[self.index]
        node: Node = None
        if token.kind is NAME:
            # These four are not reserved: `{if: 1}.if` is a path, and `if` alone a variable.
            if token.text == "if" and self.begins_operand(self.tokens[self.index + 1]):
                node = self.conditional()
            elif token.text in ("for", "some", "every") and self.begins_iterator():
                node = self.iteration()
        if node is None:
            node = self.binary(_OR)
        self.depth -= 1
        return node

    def begins_operand(self, token: Token) -> bool:
        if token.kind is SYMBOL:
            return token.text in ("(", "[", "]", "{", "-", "?", "@", "<", "<=", ">", ">=")
        return token.kind is not END and token.text not in ("then", "else", "and", "or")

    def begins_iterator(self) -> bool:
        name, keyword = self.tokens[self.index + 1], self.tokens[min(self.index + 2, len(self.tokens) - 1)]
        return name.kind in (NAME, BACKTICKS) and keyword.kind is NAME and keyword.text.startswith("in")

    def conditional(self) -> Node:
        branches = []
        while True:
            at = self.token.start
            self.index += 1
            condition = self.expression()
            self.expect_keyword("then")
            branches.append((condition, self.expression(), at))
            self.expect_keyword("else")
            if not (self.token.text == "if" and self.begins_operand(self.tokens[self.index + 1])):
                return If(branches, self.expression())

    def iteration(self) -> Node:
        keyword = self.token
        self.index += 1
        iterators = [self.iterator()]
        while self.take_symbol(","):
            iterators.append(self.iterator())
        if keyword.text == "for":
            self.expect_keyword("return")
            return For(iterators, self.expression(), keyword.start)
        self.expect_keyword("satisfies")
        return Quantified(keyword.text, iterators, self.expression(), keyword.start)

    def iterator(self) -> tuple[str, Node]:
        name = self.name("the name of a variable")
        self.expect_keyword("in")
        at = self.token.start
        start = self.binary(_SUM)
        if self.take_symbol(".."):
            return name, Span(start, self.binary(_SUM), at)
        return name, start

    def binary(self, lowest: int) -> Node:
        """An expression of operators that bind at least as strongly as `lowest`."""
        token = self.tokens[self.index]
        if lowest <= _COMPARE and token.kind is SYMBOL:
            if token.text in _INPUT_COMPARISONS:
                return self.logic(self.input_comparison(), lowest)
            if token.text in ("(", "[", "]"):
                left = self.bracketed()
                if type(left) is InputInRange:
                    return self.logic(left, lowest)
                return self.operators(self.tail(left), lowest)
        return self.operators(self.operand(), lowest)

    def operators(self, left: Node, lowest: int) -> Node:
        while True:
            token = self.tokens[self.index]
            if token.kind is not SYMBOL:
                break
            precedence = _PRECEDENCE.get(token.text, 0)
            if precedence < _COMPARE or precedence < lowest:
                break
            self.index += 1
            if precedence == _COMPARE:
                return self.logic(Comparison(token.text, left, self.binary(_SUM), token.start), lowest)
            rest = []
            while True:
                rest.append((token.text, self.binary(precedence + 1), token.start))
                token = self.tokens[self.index]
                if token.kind is not SYMBOL or _PRECEDENCE.get(token.text) != precedence:
                    break
                self.index += 1
            left = Arithmetic(left, rest)
        if self.tokens[self.index].kind is not NAME:
            return left
        if lowest <= _COMPARE:
            left = self.word_comparison(left)
        return self.logic(left, lowest)

    def word_comparison(self, left: Node) -> Node:
        at = self.token.start
        if self.take_keyword("between"):
            low = self.binary(_SUM)
            self.expect_keyword("and")
            return Between(left, low, self.binary(_SUM), at)
        if self.take_keyword("instance"):
            self.expect_keyword("of")
            return InstanceOf(left, self.type_name())
        if self.take_keyword("in"):
            return In(left, self.in_tests())
        return left

    def logic(self, left: Node, lowest: int) -> Node:
        """Continues with `and` and `or`; everything that binds more strongly has been read."""
        for word, precedence in (("and", _AND), ("or", _OR)):
            if lowest > precedence or self.tokens[self.index].kind is not NAME:
                break
            at = self.token.start
            if self.take_keyword(word):
                operands = [left, self.binary(precedence + 1)]
                while self.take_keyword(word):
                    operands.append(self.binary(precedence + 1))
                left = Logic(word, operands, at)
        return left

    def type_name(self) -> str:
        for words in _TYPES_WITH_SPACES:
            if self.take_words(words):
                return " ".join(words)
        if self.token.text == "function" and self.token.kind is NAME:
            self.index += 1
            return "function"
        parts = [self.name("the name of a type")]
        while self.take_symbol("."):
            parts.append(self.name("the name of a type"))
        return ".".join(parts)

    # --- operands ---

    def operand(self) -> Node:
        token = self.tokens[self.index]
        if token.kind is SYMBOL and token.text == "-":
            self.index += 1
            value = self.tail(self.negative_number() or self.primary())
            if type(value) is Literal and type(value.value) is Decimal:
                return Literal(negate(value.value))
            return Negation(value, token.start)
        return self.tail(self.primary())

    def negative_number(self) -> Node | None:
        """A number's own minus, which must touch it: `1 - -1`, `--1`."""
        sign, number = self.token, self.tokens[min(self.index + 1, len(self.tokens) - 1)]
        if sign.text == "-" and sign.kind is SYMBOL and number.kind is NUMBER and number.start == sign.end:
            self.index += 2
            return Literal(negate(magnitude_checked(Decimal(number.text))))
        return None

    def tail(self, node: Node) -> Node:
        """Properties and filters behind a value."""
        steps: list[Property | Filter] = []
        while True:
            token = self.tokens[self.index]
            if token.kind is SYMBOL and token.text == ".":
                self.index += 1
                steps.append(Property(self.property_name(), token.start))
            elif token.kind is SYMBOL and token.text == "[":
                condition = self.filter_condition()
                if condition is None:
                    break
                steps.append(Filter(condition, token.start))
            else:
                break
        if not steps:
            return node
        if type(node) is Access and node.steps:
            return Access(node.base, node.steps + steps)
        return Access(node, steps)

    def filter_condition(self) -> Node | None:
        """The expression in brackets, or `None` if the bracket ends a range: `[1..x[`."""
        begin = self.index, self.depth
        self.index += 1
        try:
            condition = self.expression()
            self.expect_symbol("]")
        except FeelSyntaxError:
            if not self.is_range_open:
                raise
            self.index, self.depth = begin
            return None
        return condition

    def primary(self) -> Node:
        token = self.tokens[self.index]
        if token.kind is NAME:
            return self.word(token)
        if token.kind is BACKTICKS:
            return self.reference_or_call()
        if token.kind is SYMBOL:
            return self.symbol(token)
        if token.kind is NUMBER:
            self.index += 1
            return Literal(magnitude_checked(Decimal(token.text)))
        if token.kind is STRING:
            self.index += 1
            return Literal(unescape(token.text))
        raise self.unexpected("a value")

    def symbol(self, token: Token) -> Node:
        match token.text:
            case "(" | "[":
                node = self.bracketed()
                if type(node) is InputInRange:
                    raise FeelSyntaxError(self.text, token.start, "a range", ("a value",))
                return node
            case "{":
                return self.context()
            case "?":
                self.index += 1
                return Input(token.start)
            case "@":
                self.index += 1
                if self.token.kind is not STRING:
                    raise self.unexpected("a string with a date, a time or a duration")
                self.index += 1
                return Literal(parse_temporal(self.tokens[self.index - 1].text))
            case _:
                raise self.unexpected("a value")

    def word(self, token: Token) -> Node:
        if token.text not in _MEANINGFUL:
            return self.reference_or_call()
        literal = self.temporal_literal()
        if literal is not None:
            return literal
        if self.called_reserved_name() is not None or token.text not in RESERVED:
            return self.reference_or_call()
        match token.text:
            case "null":
                node = _NULL
            case "true":
                node = _TRUE
            case "false":
                node = _FALSE
            case "function":
                return self.function()
            case _:
                raise self.unexpected("a value")
        self.index += 1
        return node

    def temporal_literal(self) -> Node | None:
        """`date("…")` and its siblings with a literal text are read once, and null without a warning if wrong."""
        first = self.tokens[self.index].text
        if first not in ("date", "time", "duration"):
            return None
        begin = self.index
        is_date_time = self.take_words(("date", "and", "time"))
        if not is_date_time:
            self.index += 1
        opening, text, closing = (self.tokens[min(self.index + i, len(self.tokens) - 1)] for i in range(3))
        if opening.text != "(" or text.kind is not STRING or closing.text != ")" or closing.kind is not SYMBOL:
            self.index = begin
            return None
        self.index += 3
        if is_date_time:
            return Literal(parse_date_time(text.text, lenient=True))
        if first == "date":
            return Literal(parse_date(text.text))
        if first == "time":
            return Literal(parse_time(text.text))
        return Literal(parse_duration(text.text, lenient=True))

    def reference_or_call(self) -> Node:
        first = self.tokens[self.index]
        at = first.start
        following = self.tokens[self.index + 1]
        if following.kind is NAME or first.text in RESERVED:
            called = self.called_name()
            if called is not None:
                return self.call(None, called, at)
        if first.text == "time" and self.take_words(("time", "offset")):
            node: Node = Reference("time offset", at)
        else:
            self.index += 1
            node = Reference(first.text, at)
            if following.kind is not SYMBOL:
                return node
        if self.at_symbol("("):
            return self.call(None, node.name, at)
        steps: list[Property | Filter] = []
        while self.at_symbol("."):
            dot = self.token.start
            self.index += 1
            key = self.property_name()
            if self.at_symbol("("):
                return self.call(Access(node, steps) if steps else node, key, at)
            steps.append(Property(key, dot))
        return Access(node, steps) if steps else node

    def called_name(self) -> str | None:
        """The name with spaces, or with a reserved word, that stands before `(`."""
        reserved = self.called_reserved_name()
        end = self.joined_until() if reserved is None else self.index + len(reserved)
        if end is None or (reserved is None and not self.is_symbol(end, "(")):
            return None
        name = self.text[self.token.start : self.tokens[end - 1].end]
        self.index = end
        return name

    def called_reserved_name(self) -> tuple[str, ...] | None:
        words = _CALLED_RESERVED.get(self.tokens[self.index].text)
        if words is not None and self.match_words(words) and self.is_symbol(self.index + len(words), "("):
            return words
        return None

    def joined_until(self) -> int | None:
        """The index after a row of at least two names with only spaces between them."""
        index = self.index
        if self.tokens[index].kind is not NAME:
            return None
        while True:
            here, following = self.tokens[index], self.tokens[index + 1]
            if following.kind is not NAME or following.text in RESERVED:
                break
            if self.text[here.end : following.start].strip(" ") or here.end == following.start:
                break
            index += 1
        return index + 1 if index > self.index else None

    def match_words(self, words: tuple[str, ...]) -> bool:
        """Do exactly these words come next, one space apart?"""
        tokens = self.tokens[self.index : self.index + len(words)]
        return tuple(token.text for token in tokens) == words and self.text[
            tokens[0].start : tokens[-1].end
        ] == " ".join(words)

    def take_words(self, words: tuple[str, ...]) -> bool:
        if self.match_words(words):
            self.index += len(words)
            return True
        return False

    def is_symbol(self, index: int, symbol: str) -> bool:
        return self.tokens[index].text == symbol and self.tokens[index].kind is SYMBOL

    def name(self, expected: str) -> str:
        token = self.token
        if token.kind is BACKTICKS or (token.kind is NAME and token.text not in RESERVED):
            self.index += 1
            return token.text
        raise self.unexpected(expected)

    def property_name(self) -> str:
        if self.tokens[self.index].text == "time" and self.take_words(("time", "offset")):
            return "time offset"
        return self.name("the name of a property")

    def call(self, owner: Node | None, name: str, at: int) -> Node:
        self.expect_symbol("(")
        arguments: list[Node] = []
        if self.take_symbol(")"):
            return Call(owner, name, arguments, None, at)
        names: list[str] | None = [] if self.argument_name(peek=True) is not None else None
        while True:
            if names is not None:
                argument_name = self.argument_name()
                if argument_name is None:
                    raise self.unexpected("the name of the next argument")
                names.append(argument_name)
            arguments.append(self.argument())
            if self.expect_symbol(",", ")").text == ")":
                break
        if names is None:
            return Call(owner, name, arguments, None, at)
        # A name given twice counts once, with its last value.
        given = dict(zip(names, arguments, strict=True))
        return Call(owner, name, list(given.values()), tuple(given), at)

    def argument_name(self, *, peek: bool = False) -> str | None:
        end = self.joined_until() or self.index + 1
        token = self.token
        if not self.is_symbol(min(end, len(self.tokens) - 1), ":"):
            return None
        if token.kind is not BACKTICKS and (token.kind is not NAME or token.text in RESERVED):
            return None
        name = token.text if token.kind is BACKTICKS else self.text[token.start : self.tokens[end - 1].end]
        if not peek:
            self.index = end + 1
        return name

    def argument(self) -> Node:
        node = self.expression()
        return RangeLiteral(*node) if type(node) is InputInRange else node

    def function(self) -> Node:
        self.index += 1
        self.expect_symbol("(")
        parameters: list[str] = []
        if not self.take_symbol(")"):
            while True:
                end = self.joined_until()
                if end is not None:
                    parameters.append(self.text[self.token.start : self.tokens[end - 1].end])
                    self.index = end
                else:
                    parameters.append(self.name("the name of a parameter"))
                if self.expect_symbol(",", ")").text == ")":
                    break
        if self.token.text == "external" and self.is_symbol(self.index + 1, "{"):
            raise FeelSyntaxError(
                self.text, self.token.start, "an external function, which this engine never calls", ()
            )
        return FunctionLiteral(tuple(parameters), self.expression())

    def context(self) -> Node:
        self.index += 1
        entries: list[tuple[str, Node]] = []
        if self.take_symbol("}"):
            return ContextLiteral(entries)
        while True:
            key = self.key()
            self.expect_symbol(":")
            entries.append((key, self.expression()))
            if self.expect_symbol(",", "}").text == "}":
                return ContextLiteral(entries)

    def key(self) -> str:
        """Any characters up to the colon, or a string or backticks before it."""
        token = self.token
        match = _KEY.match(self.text, token.start)
        if match is not None and token.kind is not END:
            while self.token.start < match.end():
                self.index += 1
            return match[0].strip(SPACES)
        if token.kind in (STRING, BACKTICKS):
            self.index += 1
            return token.text
        raise self.unexpected("a key and a colon")

    def bracketed(self) -> Node:
        """A group, a list or a range; the three look alike up to what follows their first expression."""
        opening = self.token
        self.index += 1
        if opening.text == "[" and self.take_symbol("]"):
            return ListLiteral([])
        first = self.binary(_SUM) if opening.text == "]" else self.expression()
        if opening.text == "]" or self.at_symbol(".."):
            self.expect_symbol("..")
            return self.range_from(opening, first)
        if opening.text == "(":
            self.expect_symbol(")")
            # `(a).b` asks a value for a property, `a.b` is one name.
            return Access(first, []) if type(first) in (Reference, Access) else first
        items = [first]
        while self.expect_symbol(",", "]").text == ",":
            items.append(self.expression())
        return ListLiteral(items)

    def range_from(self, opening: Token, start: Node) -> Node:
        was_range_open, self.is_range_open = self.is_range_open, True
        end = self.binary(_SUM)
        self.is_range_open = was_range_open
        closing = self.expect_symbol(")", "[", "]")
        return InputInRange(start, end, opening.text == "[", closing.text == "]", opening.start)

    # --- unary tests ---

    def unary_tests(self) -> Node:
        begin, token = self.index, self.token
        if token.text == "not" and self.tokens[self.index + 1].text == "(":
            self.index += 2
            if not self.at_symbol(")") and self.argument_name(peek=True) is None:
                test = self.tests(in_cell=True)
                if type(test) is not InputComparison or self.at_symbol(")"):
                    self.expect_symbol(")")
                    return NotTest(test, token.start)
            self.index = begin  # what cannot be a test is a call: `not()`, `not(> 3 and < 6)`
        if token.text == "-" and self.tokens[self.index + 1].kind is END:
            self.index += 1
            return _TRUE
        return self.tests(in_cell=True)

    def tests(self, *, in_cell: bool = False) -> Node:
        at = self.token.start
        tests = [self.test(in_cell=in_cell)]
        while self.take_symbol(","):
            tests.append(self.test(in_cell=in_cell))
        return tests[0] if len(tests) == 1 else AnyOf(tests, at)

    def test(self, *, in_cell: bool = False) -> Node:
        """In a cell nothing can follow a range, which within an expression may be an operand: `[1..3] or [4..6]`."""
        token = self.token
        if token.text in ("true", "false") and self.tokens[self.index + 1].kind is END:
            self.index += 1
            return InputComparison("=", Literal(token.text == "true"), token.start)
        if token.kind is SYMBOL and token.text in _INPUT_COMPARISONS:
            return self.input_comparison()
        if in_cell and token.kind is SYMBOL and token.text in ("(", "[", "]"):
            node = self.bracketed()
            if type(node) is not InputInRange:
                node = self.operators(self.tail(node), _OR)
        else:
            node = self.expression()
        return node if type(node) is InputInRange else UnaryTest(node, token.start)

    def in_tests(self) -> Node:
        """What follows `in`: tests in parentheses, or one test; a test reaches as far to the right as it can."""
        opening = self.token
        if opening.kind is not SYMBOL or opening.text not in ("(", "[", "]"):
            return self.test()
        if opening.text == "(":
            self.index += 1
            tests = self.tests()
            if self.take_symbol(")"):
                return tests
            if type(tests) is InputComparison:
                together = self.logic(tests, _OR)  # `(> 3 and < 6)`
                if together is not tests:
                    self.expect_symbol(")")
                    return UnaryTest(together, opening.start)
            if type(tests) is not UnaryTest or not self.take_symbol(".."):
                raise self.unexpected('")"', '","', '".."')
            return self.range_from(opening, tests.expression)
        node = self.bracketed()
        if type(node) is InputInRange:
            return node
        return UnaryTest(self.operators(self.tail(node), _OR), opening.start)

    def input_comparison(self) -> Node:
        operator = self.token
        self.index += 1
        return InputComparison(operator.text, self.binary(_SUM), operator.start)


def unescape(text: str) -> str:
    """An unknown escape stays as it is, so that `"\\d"` can be written in a pattern."""
    return _ESCAPE.sub(lambda match: _ESCAPES[match[1]], text) if "\\" in text else text
