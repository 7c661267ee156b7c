"""What hostile templates try: to get out of the sandbox, and to use up the machine.

The inline templates come from process models, and a model may have put a stranger's text into one.
"""

from __future__ import annotations

ESCAPES = {
    "class of a text": "{{ ''.__class__ }}",
    "all classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "class by subscript": "{{ ''['__class__'] }}",
    "class by attr": "{{ ''|attr('__class__') }}",
    "class by attr, name put together": "{{ ''|attr('__cl' ~ 'ass__') }}",
    "class by attr, name from a variable": "{{ ''|attr(evil) }}",
    "class by attr, name in hexadecimal": "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "class by attr, name joined": "{{ ''|attr(['__class', '__']|join) }}",
    "class of a variable": "{{ customer.__class__ }}",
    "class of a list": "{{ [].__class__.__base__ }}",
    "base of a number": "{{ (1).__class__.__base__.__subclasses__() }}",
    "format reads attributes": "{{ '{0.__class__}'.format(customer) }}",
    "format_map reads attributes": "{{ '{a.__class__}'.format_map({'a': customer}) }}",
    "format by reference": "{% set f = '{0.__class__.__mro__}'.format %}{{ f(1) }}",
    "format through map": "{{ ['{0.__class__}']|map('format', customer)|list|first|attr('__len__') }}",
    "map by attribute": "{{ [customer]|map(attribute='__class__')|list }}",
    "sort by attribute": "{{ [customer]|map(attribute='__class__.__mro__')|first }}",
    "group by attribute": "{{ [customer]|groupby('__class__')|list }}",
    "globals of cycler": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "globals of joiner": "{{ joiner.__init__.__globals__ }}",
    "globals of namespace": "{{ namespace.__init__.__globals__ }}",
    "globals of lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "globals of range": "{{ range.__globals__ }}",
    "the template itself": "{{ self.__init__.__globals__ }}",
    "the context's environment": "{{ self._TemplateReference__context.environment }}",
    "blocks of the template": "{% block a %}{{ self.a.__func__.__globals__ }}{% endblock %}",
    "code of a macro": "{% macro m() %}{% endmacro %}{{ m._func.__code__ }}",
    "environment of a macro": "{% macro m() %}{% endmacro %}{{ m._environment }}",
    "environment of an undefined": "{{ nothing.__init__.__globals__ }}",
    "frame of a generator": "{{ ([1]|map('upper')).gi_frame.f_globals }}",
    "frame of a generator by attr": "{{ ([1]|select)|attr('gi_frame') }}",
    "names of Python": "{{ __builtins__ }}",
    "import by name": "{{ __import__('os').system('id') }}",
    "evaluate": "{{ eval('1') }}",
    "Python's import statement": "{% import os %}",
    "a change to a variable": "{{ customer.update({'name': 'other'}) }}",
    "a change to a list": "{{ lines.append(1) }}",
    "a file by path": "{% include '/etc/passwd' %}",
    "a file by path upwards": "{% include '../../../../../../etc/passwd' %}",
    "a template from a variable": "{% include source %}",
}
"""Each ends in an error."""

RESOURCES = {
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "nested loops that write": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "a range beyond all": "{{ range(10**12)|list }}",
    "a list multiplied": "{{ ([1] * 10**9)|length }}",
    "a text multiplied": "{{ 'a' * 3000000000 }}",
    "a text multiplied, in a condition": "{% if 'a' * 3000000000 %}{% endif %}",
    "a number's power": "{{ 9 ** (9 ** 9) }}",
    "a number's power by steps": "{{ (10 ** 99999) ** 999 }}",
    "a number as text": "{{ 10 ** 50000000 }}",
    "width of a percent format": "{{ '%2000000000d' % 1 }}",
    "width of the format filter": "{{ '%02000000000d'|format(1) }}",
    "width of format": "{{ '{:2000000000}'.format(1) }}",
    "width of format, nested": "{{ '{:{}}'.format(1, 2000000000) }}",
    "width of center": "{{ 'a'|center(2000000000) }}",
    "width of ljust": "{{ 'a'.ljust(2000000000) }}",
    "width of rjust": "{{ 'a'.rjust(2000000000) }}",
    "width of zfill": "{{ 'a'.zfill(2000000000) }}",
    "width of indent": "{{ ('a\n' * 9999)|indent(2000000) }}",
    "width of expandtabs": "{{ '\t'.expandtabs(2000000000) }}",
    "every letter replaced": "{{ ('a' * 99999).replace('a', 'b' * 99999) }}",
    "joined with a long text": "{{ range(99999)|join('a' * 99999) }}",
    "doubled again and again": (
        "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(40) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}"
    ),
    "a list doubled again and again": (
        "{% set n = namespace(s=[1]) %}{% for i in range(40) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s|length }}"
    ),
    "batches of nothing": "{% for a in [1]|batch(2000000000, 'x') %}{% endfor %}",
    "slices of nothing": "{{ [1]|slice(2000000000)|list|length }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a macro that calls itself twice": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}"
    ),
    "a loop that calls itself": "{% for a in deep recursive %}{{ loop([a, a]) }}{% endfor %}",
    "more than a mail may hold": "{% for a in range(99999) %}{{ 'a' * 1000 }}{% endfor %}",
    "words of a text without end": "{{ ('a ' * 99999999)|wordwrap(1) }}",
    "links in a text without end": "{{ ('http://a.b ' * 999999)|urlize }}",
    "tags in a text without end": "{{ ('<' * 99999999)|striptags }}",
}
"""Each is stopped, with an error that says so."""

BODIES = {
    "quotes in quotes": {"markdown": "> " * 100_000},
    "brackets": {"markdown": "[" * 200_000},
    "links that do not end": {"markdown": "[a](" * 100_000},
    "emphasis": {"markdown": "*a **a " * 100_000},
    "lists in lists": {"markdown": "".join("  " * depth + "- a\n" for depth in range(1000))},
    "a table of many columns": {"markdown": "|a" * 20_000 + "\n" + "|-" * 20_000 + "\n" + "|b" * 20_000},
    "elements in elements": {"html": "<style>p{color:red}</style>" + "<div>" * 200_000},
    "formats that are opened again": {"html": "<style>p{color:red}</style>" + "<b><p>" * 50_000},
    "many rules for many elements": {
        "html": "<style>" + "p{color:red}" * 20_000 + "</style>" + "<p>a</p>" * 20_000,
    },
    "a long way to each element": {
        "html": "<style>" + "div " * 5000 + "p{color:red}</style>" + "<div>" * 500 + "<p>a</p>" * 5000,
    },
}
"""Bodies that a task gives itself, which cost the parsers of Markdown, CSS and HTML what they can."""
