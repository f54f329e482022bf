"""Statements run by a warehouse, through its own module of the DB-API 2.0 (PEP 249).

``PROMPTVC_WAREHOUSE`` says where it is: what the module's ``connect`` takes as its first argument, or a JSON object of
arguments by name. It is read from the environment alone: a repository cannot send a question, or a password, anywhere.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from promptvc.base.errors import ProviderError, Usage

ADDRESS = "PROMPTVC_WAREHOUSE"
DRIVERS: Mapping[str, str] = {
    "postgres": "psycopg",
    "redshift": "psycopg",
    "duckdb": "duckdb",
    "snowflake": "snowflake.connector",
    "databricks": "databricks.sql",
    "bigquery": "google.cloud.bigquery.dbapi",
    "trino": "trino.dbapi",
    "clickhouse": "clickhouse_connect.dbapi",
}
"""Dialect -> the module whose ``connect`` is called. ``PROMPTVC_WAREHOUSE_DRIVER`` names another."""

# What stands between the signs of a URL, of `key=value` pairs or of JSON; short words are no passwords.
_WORDS = re.compile(r"[^\s:/@?&=;,\"'{}\[\]]{4,}")


def open_warehouse(
    dialect: str, environ: Mapping[str, str]
) -> Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What runs a statement in the warehouse.

    Raises:
        Usage: no address, or the module is not installed.
        ProviderError: the warehouse is not reached.
    """
    address = environ.get(ADDRESS)
    if not address:
        raise Usage(f"nothing says where the {dialect} warehouse is", hint=f"set {ADDRESS} to its address")
    name = environ.get("PROMPTVC_WAREHOUSE_DRIVER") or DRIVERS.get(dialect)
    if name is None:
        raise Usage(
            f"there is no module known for {dialect}",
            hint="name one of the DB-API by PROMPTVC_WAREHOUSE_DRIVER",
        )
    try:
        driver = importlib.import_module(name)
    except ImportError as error:
        raise Usage(f"the module {name} is not installed", hint=f"pip install what gives {name}") from error
    try:
        connection = driver.connect(**_named(address)) if address.startswith("{") else driver.connect(address)
    except Exception as error:  # noqa: BLE001 - drivers raise what they like
        raise ProviderError(
            f"the {dialect} warehouse is not reached: {_first_line(error, address)}"
        ) from None  # what a driver says of an address can hold the password
    style = getattr(driver, "paramstyle", "qmark")

    def ask(sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        text, values = marked(sql, parameters, style)
        try:
            cursor = connection.cursor()
            cursor.execute(text, values)
            return [tuple(row) for row in cursor.fetchall()]
        except Exception as error:  # noqa: BLE001 - drivers raise what they like
            raise ProviderError(
                f"the {dialect} warehouse refused a question: {_first_line(error, address)}"
            ) from None

    return ask


def marked(sql: str, parameters: tuple[Any, ...], style: str) -> tuple[str, Any]:
    """``sql`` with the marks that a module of the given ``paramstyle`` wants for its parameters, and these.

    Statements have ``?`` for parameters and nowhere else, and hold no percent sign.
    """
    if style == "qmark":
        return sql, list(parameters)
    if style in {"format", "pyformat"}:
        return sql.replace("?", "%s"), list(parameters)
    first, *rest = sql.split("?")
    if style == "numeric":
        return first + "".join(f":{number}{part}" for number, part in enumerate(rest, 1)), list(parameters)
    named = {f"p{number}": value for number, value in enumerate(parameters, 1)}
    return first + "".join(f":p{number}{part}" for number, part in enumerate(rest, 1)), named


def _named(address: str) -> dict[str, Any]:
    try:
        value = json.loads(address)
    except ValueError as error:
        raise Usage(f"{ADDRESS} is no JSON object: {error}") from error
    return dict(value)


def _first_line(error: Exception, address: str) -> str:
    """What a driver says, without the words of the address: some repeat it, the password included."""
    said = (str(error).splitlines() or [type(error).__name__])[0]
    for word in sorted(
        set(_WORDS.findall(unquote(address))) | set(_WORDS.findall(address)), key=len, reverse=True
    ):
        said = said.replace(word, "***")
    return said[:300]
