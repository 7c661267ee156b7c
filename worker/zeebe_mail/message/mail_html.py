"""HTML as mail programs need it: from Markdown, with its styles inline, and text beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from css_inline import CSSInliner
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from zeebe_mail.message.html_text import html_text, text_without_structure
from zeebe_mail.message.sanitize import HtmlError, sanitize
from zeebe_mail.message.template_values import unveiled

_PAGE = """<!DOCTYPE html>
<html{language}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
</head>
<body style="font-family: sans-serif; line-height: 1.5">
{body}</body>
</html>
"""
_EMPTY_STYLE = re.compile(r"<style[^>]*+>\s*+</style>")
_STYLE = re.compile(r"<style\b", re.IGNORECASE)


class _Markdown(MarkdownIt):
    """CommonMark with tables in which the variables of a template are text, whatever they hold.

    HTML in it is text. It nests what it makes at most 20 deep.
    """

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False})
        self.enable(["table", "strikethrough"])
        self.core.ruler.push("variables", _unveil)
        self.add_render_rule("text", _with_breaks)

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the library's name
        return super().normalizeLink(unveiled(url))

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the library's name
        return super().normalizeLinkText(unveiled(link))


def _unveil(state: StateCore) -> None:
    for token in state.tokens:
        _unveil_token(token)


def _unveil_token(token: Token) -> None:
    token.content, token.info = unveiled(token.content), unveiled(token.info)
    token.attrs = {name: unveiled(value) if isinstance(value, str) else value for name, value in token.attrs.items()}
    for child in token.children or ():
        _unveil_token(child)


def _with_breaks(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    """Only a variable has line breaks within a text."""
    return renderer.text(tokens, at, options, env).replace("\n", "<br>\n")


_MARKDOWN = _Markdown()

# What cannot be inline, such as @media and :hover, stays in <style>. Nothing is loaded, from nowhere.
_INLINER = CSSInliner(
    keep_style_tags=True,
    keep_at_rules=True,
    keep_link_tags=True,
    remove_inlined_selectors=True,
    load_remote_stylesheets=False,
)


def html_of_markdown(markdown: str) -> str:
    """CommonMark with tables, as HTML without a page around it."""
    return str(_MARKDOWN.render(markdown))


def page(body: str, language: str | None) -> str:
    """A whole page around HTML."""
    return _PAGE.format(language=f' lang="{escape(language)}"' if language else "", body=body)


def with_inline_styles(html: str) -> str:
    """The rules of ``<style>`` as ``style`` attributes, for mail programs that know only these.

    HTML without ``<style>`` stays as it is, byte for byte.
    """
    return _EMPTY_STYLE.sub("", _INLINER.inline(html)) if _STYLE.search(html) else html


def text_of_html(html: str) -> str:
    """What it says, for those who see no HTML."""
    try:
        return html_text(sanitize(html))
    except HtmlError:
        return text_without_structure(html)
