"""Papers for people who are signed in: certificates, and documents on file."""

import re
from typing import Literal

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sinks.core import db, documents
from sinks.core.actor import Actor, Role
from sinks.core.documents import Document
from sinks.core.errors import NotFound
from sinks.crediting import certificates, run_report, serials, stated_facts
from sinks.land import parcel_map
from sinks.land.parcels import Parcel
from sinks.measurement import activity_records, plot_photos
from sinks.web import answers, session

# A land file holds the names of right holders.
LAND_FILE_READERS = frozenset({Role.OFFICER, Role.REGISTRAR, Role.AUDITOR})
# Files about land: imports, the votes of a collective, evidence of an attribute, county maps,
# files of an overlap case.
LAND_SUBJECTS = frozenset({"import", "consent", "attribute", "constraint", "overlap"})

# Evidence of what was done on the land or is stated of it: whoever checks, records or issues the
# claim.
CLAIM_SUBJECTS = frozenset(
    {activity_records.SUBJECT, stated_facts.PROJECT_SUBJECT, stated_facts.ROUND_SUBJECT}
)
CLAIM_READERS = frozenset({Role.OFFICER, Role.VERIFIER, Role.AUTHORITY, Role.REGISTRAR})


def certificate(request: Request) -> Response:
    """GET /certificates/{number}.pdf: the stored PDF, unchanged."""
    actor = session.actor_of_request(request)
    if actor is None:
        return session.to_sign_in(request)
    number = serials.check_certificate_number(request.path_params["number"])
    with db.transaction(actor) as transaction:
        content = certificates.pdf_of(transaction, actor, number)
    return answers.download(content, f"{number}.pdf", "application/pdf")


def map_of_parcel(request: Request) -> Response:
    """GET /parcel-map/{id}.pdf: the parcel on A4, made anew at each call."""
    actor = session.actor_of_request(request)
    if actor is None:
        return session.to_sign_in(request)
    parcel_id = answers.whole_number(request, "id")
    with db.transaction(actor) as transaction:
        content = parcel_map.pdf(transaction, actor, parcel_id)
        code = transaction.get_one(Parcel, parcel_id).code
    return answers.download(content, f"地块图-{code}.pdf", "application/pdf")


def run_report_file(request: Request) -> Response:
    """GET /rounds/{id}/report.pdf?run=, or report.html: the report of a round's run, made now."""
    actor = session.actor_of_request(request)
    if actor is None:
        return session.to_sign_in(request)
    round_id = answers.whole_number(request, "id")
    run = request.query_params.get("run", "")
    if not re.fullmatch(r"[0-9]{0,18}", run, re.ASCII):
        raise NotFound("没有这次核算。", code="run")
    with db.transaction(actor) as transaction:
        form: Literal["pdf", "html"] = "html" if request.url.path.endswith(".html") else "pdf"
        content = run_report.report(transaction, actor, round_id, int(run) if run else None, form)
    kind = "text/html; charset=utf-8" if form == "html" else "application/pdf"
    return answers.download(content, f"round-{round_id}.{form}", kind)


def document(request: Request) -> Response:
    """GET /documents/{id}: a document on file, as a download; a certificate by its own address."""
    actor = session.actor_of_request(request)
    if actor is None:
        return session.to_sign_in(request)
    document_id = answers.whole_number(request, "id")
    with db.transaction(actor) as transaction:
        row = readable(transaction, actor, document_id)
        subject, _, key = row.subject.partition(":")
        if subject == "certificate":
            return RedirectResponse(f"/certificates/{key}.pdf")
        content, name = documents.content_of(row), row.name
    return answers.download(content, name, "application/octet-stream")


def readable(transaction: Session, actor: Actor, document_id: int) -> Document:
    """The document, if this person may read it.

    Raises
    ------
    NotFound
        There is none, or it is not theirs to read: the answer does not say which.
    """
    row = transaction.get(Document, document_id)
    if row is None or not _may_read(actor, row):
        raise NotFound("没有这份文件，或您无权查看。", code="document")
    return row


def _may_read(actor: Actor, row: Document) -> bool:
    subject = row.subject.partition(":")[0]
    if subject == "case":
        return True  # Row-level security gives the row only to those who take part in the case.
    if subject == "certificate":
        return True  # `certificates.pdf_of` decides, at the address we send them to.
    if subject in LAND_SUBJECTS and actor.roles & LAND_FILE_READERS:
        return True
    if subject in CLAIM_SUBJECTS and actor.roles & CLAIM_READERS:
        return True
    if subject == "plot" and actor.roles & set(plot_photos.READERS):
        return True
    return row.person_id == actor.person_id or Role.AUDITOR in actor.roles
