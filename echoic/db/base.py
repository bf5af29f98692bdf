"""The declarative base and the column shorthands that every table uses."""

import math
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Double,
    Identity,
    MetaData,
    Text,
    any_,
    bindparam,
    cast,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from echoic.errors import ValueNotStorable

# Constraints get predictable names, so that migrations can refer to them.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class FiniteDouble(TypeDecorator[float]):
    """A number that JSON can say: NaN and the infinities, which PostgreSQL would keep, could never be answered.

    Writing one raises ValueNotStorable.
    """

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:  # noqa: ARG002 - as SQLAlchemy calls it
        if value is not None and not math.isfinite(value):
            raise ValueNotStorable(f"A number to be stored is {value}, not a finite one.")
        return value

    def coerce_compared_value(self, op: object, value: object) -> TypeEngine[Any]:  # noqa: ARG002
        """Accept infinite values: a column is only compared with them."""
        return Double()


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - the name and form SQLAlchemy asks for
        str: Text(),
        int: BigInteger(),
        float: FiniteDouble(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[dict[str, Any]]: JSONB(),
        list[str]: ARRAY(Text()),
    }


PrimaryKey = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


async def set_columns(session: AsyncSession, row: Base, columns: Mapping[str, object]) -> None:
    """Write columns of a row now, not with a later statement of the transaction. For the functions of ``db`` alone."""
    for column, value in columns.items():
        setattr(row, column, value)
    await session.flush()


def in_seconds(seconds: float) -> ColumnElement[datetime]:
    """So long after the transaction began, by the clock of the database."""
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def is_free(leased_until: "InstrumentedAttribute[datetime | None]") -> ColumnElement[bool]:
    """Return whether nobody has a lease on the row: none was taken, or it has run out."""
    return leased_until.is_(None) | (leased_until < func.now())


def among(
    column: "InstrumentedAttribute[int] | InstrumentedAttribute[int | None] | ColumnElement[int | None]",
    values: Collection[int],
) -> ColumnElement[bool]:
    """Return whether the column has one of the values. They go as one parameter: ``IN`` takes 65,535 at most."""
    return column == any_(cast(list(values), ARRAY(BigInteger)))


def among_given(column: Any, name: str, kind: TypeEngine[Any]) -> ColumnElement[bool]:
    """Return the same for a statement that is compiled once: the values are a parameter of that name."""
    found: ColumnElement[bool] = column == any_(bindparam(name, type_=ARRAY(kind)))
    return found
