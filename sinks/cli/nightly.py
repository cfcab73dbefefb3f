"""What `sinks up` does once a day by itself: end idle enrolments, audit the whole land.

Done by the registry, not by a person: the log says so. A machine that was off does it when it is
on again; two programs on one database do it once.
"""

import threading
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.orm import Session

from sinks.core import audit, db, policies
from sinks.core.audit import AuditEvent
from sinks.crediting import enrolment_expiry
from sinks.land import land_audit
from sinks.land.land_audit import LandAudit

ACTION = "land.audit"
HOUR_SECONDS = 3600.0
LOCK = 7002


def once_a_day(session: Session) -> LandAudit | None:
    """Expire and audit, unless that has been done today; what the audit found."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    done = session.scalar(
        sa.select(AuditEvent.id).where(
            AuditEvent.action == ACTION, sa.cast(AuditEvent.at, sa.Date) == db.today(session)
        )
    )
    if done is not None:
        return None
    expired = []
    if policies.find(session, enrolment_expiry.POLICY) is not None:
        expired = [item.code for item in enrolment_expiry.expire(session, None)]
    found = land_audit.audit(session)
    audit.record(
        session, None, ACTION, "land",
        {
            "ok": found.ok, "claims": found.claims, "slivers_m2": round(found.slivers_m2, 1),
            "double_counted": [[one.code, one.other_code] for one in found.double_counted],
            "without_pieces": found.without_pieces, "expired": expired,
        },
    )  # fmt: skip
    return found


class Nightly:
    """A thread that looks every hour whether today's round is done."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="nightly", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _keep(self) -> None:
        while not self._stop.is_set():
            try:
                with db.transaction() as session:
                    found = once_a_day(session)
            except sa.exc.OperationalError as error:
                # The database is being restarted or is busy; the next hour is another chance.
                self._say(f"每日核对没有做成，一小时后再试：{error.orig}")
            else:
                if found is not None and not found.ok:
                    self._say(
                        "土地核对发现重复占用，请运行 sinks land audit 查看，并立即告知登记机构。"
                    )
            self._stop.wait(HOUR_SECONDS)
