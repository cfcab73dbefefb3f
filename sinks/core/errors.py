"""The refusals of the registry: what was refused, why, and what to do next.

Every message is a sentence a person can act on. ``code`` is for programs and never changes.
"""


class SinksError(Exception):
    """A refusal. Nothing was changed."""

    def __init__(self, message: str, *, code: str = "refused") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Invalid(SinksError):
    """The person can correct the input."""


class NotFound(SinksError):
    """No such thing, or none that this person may see."""


class Conflict(SinksError):
    """The state of the registry forbids it."""


class NotPermitted(SinksError):
    """The role, or who did the step before, forbids it."""
