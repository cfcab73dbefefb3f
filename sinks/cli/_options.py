"""Arguments and options that several commands share."""

from typing import Annotated, Any

import typer

from sinks.cli import _input
from sinks.land import rights

ParcelArgument = Annotated[str, typer.Argument(metavar="PARCEL", help="地块编码或 id")]
ParcelsArgument = Annotated[list[str], typer.Argument(metavar="PARCEL...", help="地块编码或 id")]
CertificateKindOption = Annotated[rights.CertificateKind, typer.Option(help="证书种类")]
TermToOption = Annotated[
    Any, typer.Option(parser=_input.day, metavar="YYYY-MM-DD", help="期限止（不含）")
]
