"""A report as one HTML page that needs nothing else: no network, no fonts, no library.

The page's parts are ``page.html``, ``page.css`` and the scripts beside this file. What was evaluated is JSON in
``<script type="application/json">``: with ``<``, ``>`` and ``&`` as escapes no text can end that element, and the
scripts put texts on the page as text only. The Content-Security-Policy allows the page's own style and script by their
hashes, no request, and (``require-trusted-types-for``) no markup made from a string.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from promptvc.base.plain import dumps
from promptvc.evaluation.reports.page_cases import chosen_cases
from promptvc.evaluation.reports.page_head import head_json
from promptvc.evaluation.reports.report import Report

_SCRIPTS = ("page_head.js", "page_words.js", "page_cases.js")
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def page(report: Report) -> Iterator[str]:
    """The page, piece by piece. At most some 2,000 cases are in it, in about 16 MiB; it says how many are not."""
    style, script = _asset("page.css"), "".join(_asset(name) for name in _SCRIPTS)
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    before, after = _asset("page.html").replace("%POLICY%", policy).replace("%STYLE%", style).split("%DATA%")
    yield before
    chosen = chosen_cases(report)
    head = {**head_json(report), "kinds": dict(chosen.kinds), "shown": len(chosen.positions)}
    yield _embedded(head)[:-1] + ',"rows":['
    for at, case in enumerate(chosen.cases()):
        yield (",\n" if at else "\n") + case.translate(_ESCAPES)
    yield "]}"
    yield after.replace("%SCRIPT%", script)


def _embedded(value: object) -> str:
    return dumps(value).translate(_ESCAPES)


def _hash(text: str) -> str:
    """As a Content-Security-Policy names an inline element (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (files("promptvc.evaluation.reports") / name).read_text("utf-8")
