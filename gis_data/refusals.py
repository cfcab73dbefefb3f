"""What is said about input that cannot be taken as it is.

A ``Refusal`` or a ``Question`` is about one row of a file: a refused row is not taken, a questioned
one is taken and a person has to look at it. ``FileRefused`` is about the file as a whole. ``code`` is
for programs and never changes; ``message`` is a sentence a person can act on.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is not taken."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person has to look at before a row that is taken earns anything."""

    code: str
    message: str


class FileRefused(Exception):
    """The file cannot be read as land. Nothing of it was taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
