"""Statements run by Spark, local or a cluster's: the home of PySpark, an extra (``promptvc[spark]``, with Java 17).

``PROMPTVC_SPARK`` is the master (``local[2]`` by default, ``spark://...``, ``yarn``); a Spark Connect address
(``sc://...``) works too. ``PROMPTVC_TABLES`` is a folder of Parquet files that `feedback export --format tables`
wrote, or a copy of them at any address that Spark reads; without it the tables are those of Spark's catalogue.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import Any

from promptvc.base.errors import ProviderError, Usage
from promptvc.feedback.query.tables import TABLES, table_name

_PATIENCE_S = 5.0
_INSTALL = "pip install 'promptvc[spark]'; Spark needs Java 17"


def open_spark(
    environ: Mapping[str, str], prefix: str
) -> Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What runs a statement on Spark.

    Raises:
        Usage: PySpark is not installed.
        ProviderError: Spark does not start, or is not reached.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise Usage("PySpark is not installed", hint=_INSTALL) from error
    master = environ.get("PROMPTVC_SPARK") or "local[2]"
    refuse_absent(master)
    builder = SparkSession.builder.appName("promptvc")
    builder = builder.remote(master) if master.startswith("sc://") else builder.master(master)
    # Days and times are of UTC; a local run on few cores is slowed down by 200 partitions.
    options = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
        "spark.ui.enabled": "false",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
        folder = environ.get("PROMPTVC_TABLES")
        if folder:
            for table in TABLES:
                rows = session.read.parquet(f"{folder.rstrip('/')}/{table_name('events', table)}.parquet")
                rows.createOrReplaceTempView(table_name(prefix, table))
    except Exception as error:
        raise ProviderError(f"Spark does not answer: {_first_line(error)}", hint=_INSTALL) from error

    def ask(sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return [tuple(row) for row in session.sql(sql, args=list(parameters)).collect()]
        except Exception as error:
            raise ProviderError(f"Spark refused a question: {_first_line(error)}") from error

    return ask


def refuse_absent(master: str) -> None:
    """Look whether somebody listens where ``master`` says: Spark itself asks for minutes before it gives up.

    Raises:
        ProviderError: nobody does; of several masters (``spark://a:7077,b:7077``) none.
    """
    scheme, _, places = master.partition("://")
    if scheme not in {"spark", "sc"}:
        return
    for place in places.split(","):
        host, _, port = place.partition("/")[0].rpartition(":")
        if not port.isdigit():
            return  # the usual port of that scheme, which Spark knows
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_S),
        ):
            return
    # What follows the place may be a token.
    raise ProviderError(
        f"nobody answers at {scheme}://{places.partition('/')[0]}", hint="PROMPTVC_SPARK says where Spark is"
    )


def _first_line(error: Exception) -> str:
    """What it says in one line; some say nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
