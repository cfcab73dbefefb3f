"""Signatures of certificates: ed25519 over canonical JSON, checked by anybody without a network.

A signed text is base64url(payload || signature || key id). What is signed is the domain
`carbon-cert-v1`, a line feed and the payload, so that a signature made here can never be taken for
one of another kind. The payload holds text, whole numbers, truth values and lists of them, in
Unicode NFC, with sorted keys and no spaces: there is one way to write it.

The private key lies in the data folder, readable by its owner alone, and never in the database;
the database keeps the public keys and which of them are revoked.
"""

import base64
import binascii
import hashlib
import json
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import CheckConstraint, ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from sinks.core import audit, settings
from sinks.core.actor import Actor, Role
from sinks.core.db import Base, RecordedAt, now
from sinks.core.errors import Conflict, Invalid, NotFound, SinksError

DOMAIN = b"carbon-cert-v1\n"
SIGNATURE_BYTES, KEY_ID_BYTES = 64, 8
# A QR code of a longer text does not scan from paper (reliability notes, 7).
TOKEN_LENGTH_MAX = 700
KEY_LOCK = 7400
# Set off from the file by a comment, which readers of PDF pass over.
TRAILER = b"\n%carbon-cert-v1 "


class BadSignature(SinksError):
    """The signed text proves nothing; the message says why."""


class SigningKey(Base):
    """A public key of the registry. Never changed, except that it can be revoked, once."""

    __tablename__ = "signing_key"
    __table_args__ = (
        CheckConstraint(
            "(revoked_at is null) = (revoked_by_id is null)"
            " and (revoked_at is null) = (revoked_reason is null)",
            name="revoked_whole",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # 16 hex digits
    public_key: Mapped[str]  # 32 bytes in base64url
    recorded_at: Mapped[RecordedAt]
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    revoked_reason: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class Key:
    """A public key as a check needs it; ``revoked`` is the sentence that says when and why."""

    public_key: str
    revoked: str | None


def canonical(payload: Mapping[str, Any]) -> bytes:
    """The one way to write a payload.

    Raises
    ------
    Invalid
        A fraction, or anything else that JSON writes in more than one way.
    """
    return json.dumps(
        _plain(payload), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()


def _plain(value: Any) -> Any:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case bool() | int() | None:
            return value
        case list():
            return [_plain(item) for item in value]
        case dict():
            plain = {_plain(name): _plain(item) for name, item in value.items()}
            if len(plain) < len(value):
                raise Invalid("签名内容有两个相同的键。", code="not_canonical")
            return plain
        case _:
            raise Invalid(f"签名内容不能含有 {type(value).__name__}。", code="not_canonical")


def sign(session: Session, actor: Actor | None, payload: Mapping[str, Any]) -> str:
    """The signed text of a payload, by the registry's present key."""
    private = _present_key(session, actor)
    content = canonical(payload)
    signature = private.sign(DOMAIN + content)
    return _base64(content + signature + bytes.fromhex(key_id(private.public_key())))


def read(token: str, keys: Mapping[str, Key]) -> dict[str, Any]:
    """The payload of a signed text that one of the keys has signed and that is not revoked.

    Raises
    ------
    BadSignature
        ``signature_form``, ``key_unknown``, ``signature`` (altered or forged), ``key_revoked``
    """
    try:
        whole = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        whole = b""
    content = whole[: -(SIGNATURE_BYTES + KEY_ID_BYTES)]
    # Written back it must be the same: stray bits at the end are no part of any text of ours.
    if not content.startswith(b"{") or _base64(whole) != token:
        raise BadSignature(
            "这不是证书编号，也不是登记簿签名的文本（可能没有抄全）。", code="signature_form"
        )
    signature, named = whole[len(content) : -KEY_ID_BYTES], whole[-KEY_ID_BYTES:].hex()
    key = keys.get(named)
    if key is None:
        raise BadSignature(f"签名所用的密钥 {named} 不是登记簿的。", code="key_unknown")
    try:
        _public(key.public_key).verify(signature, DOMAIN + content)
    except InvalidSignature as error:
        raise BadSignature("签名与内容不符：内容被改动过或系伪造。", code="signature") from error
    if key.revoked:
        raise BadSignature(key.revoked, code="key_revoked")
    return json.loads(content)


def seal_file(
    session: Session, actor: Actor | None, payload: Mapping[str, Any], pdf: bytes
) -> bytes:
    """The PDF with a signature over the payload and the PDF's own hash behind it."""
    sha256 = hashlib.sha256(pdf).hexdigest()
    return pdf + TRAILER + sign(session, actor, {**payload, "pdf_sha256": sha256}).encode() + b"\n"


def read_file(content: bytes, keys: Mapping[str, Key]) -> dict[str, Any]:
    """The payload of a sealed PDF, proved without any network or database.

    Raises
    ------
    BadSignature
        ``no_signature``, ``altered`` (a byte is not what was signed), or as `read`.
    """
    pdf, found, token = content.rpartition(TRAILER)
    if not found:
        raise BadSignature("这个文件里没有登记簿的签名。", code="no_signature")
    payload = read(token.strip().decode("ascii", "replace"), keys)
    if payload.get("pdf_sha256") != hashlib.sha256(pdf).hexdigest():
        raise BadSignature("文件内容与签名不符，已被改动。", code="altered")
    if token != token.strip() + b"\n":
        raise BadSignature("签名之后还有别的内容，文件已被改动。", code="altered")
    return payload


def keys(session: Session) -> dict[str, Key]:
    """The registry's public keys by id, the revoked ones with their sentence."""
    return {
        row.id: Key(row.public_key, _revoked(row.id, row.revoked_at, row.revoked_reason))
        for row in listing(session)
    }


def _revoked(id: str, at: datetime | None, reason: str | None) -> str | None:
    if at is None:
        return None
    return (
        f"签名所用的密钥 {id} 已于 {at:%Y-%m-%d} 吊销（{reason}），签名不再作数。"
        "请凭证书编号在登记簿查验：台账中的记录仍然有效。"
    )


def listing(session: Session) -> list[SigningKey]:
    """Every key there has been, newest first."""
    return list(session.scalars(select(SigningKey).order_by(SigningKey.recorded_at.desc())))


def published(session: Session) -> list[dict[str, Any]]:
    """The public keys as they are handed out, for checks without this registry's database."""
    return [
        {
            "id": row.id,
            "algorithm": "ed25519",
            "public_key": row.public_key,
            "since": row.recorded_at.isoformat(),
            "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
            "revoked_reason": row.revoked_reason,
        }
        for row in listing(session)
    ]


def keys_of_list(rows: Any) -> dict[str, Key]:
    """The keys of a list that `published` gave.

    Raises
    ------
    Invalid
        It is no such list.
    """
    found = {}
    try:
        for row in rows:
            at = datetime.fromisoformat(row["revoked_at"]) if row["revoked_at"] else None
            _public(row["public_key"])
            found[str(row["id"])] = Key(
                row["public_key"], _revoked(row["id"], at, row["revoked_reason"])
            )
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(
            "这不是登记簿的公钥文件。请从公开页面“签名公钥”下载。", code="keys_file"
        ) from error
    return found


def revoke(session: Session, actor: Actor, id: str, reason: str) -> SigningKey:
    """Revoke a key that may be in other hands. The next certificate is signed by a new one."""
    actor.require(Role.REGISTRAR, Role.ADMIN)
    if not reason.strip():
        raise Invalid("请写明吊销的原因。", code="reason")
    row = session.get(SigningKey, id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("没有这把密钥。", code="key")
    if row.revoked_at:
        raise Conflict("这把密钥已经吊销。", code="key_revoked")
    row.revoked_at, row.revoked_by_id = now(session), actor.person_id
    row.revoked_reason = reason.strip()[:200]
    session.flush()
    audit.record(session, actor, "key.revoke", f"key:{id}", {"reason": row.revoked_reason})
    return row


def _present_key(session: Session, actor: Actor | None) -> Ed25519PrivateKey:
    """The newest key that is not revoked and whose private half lies here; else a new one."""
    if (found := _kept_key(session)) is not None:
        return found
    # Held to the end of the transaction: two papers at one instant make one key, not two.
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": KEY_LOCK})
    if (found := _kept_key(session)) is not None:
        return found
    private = Ed25519PrivateKey.generate()
    id = key_id(private.public_key())
    path = _path_of(id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(private.private_bytes_raw().hex())
    public_key = _base64(private.public_key().public_bytes_raw())
    session.add(SigningKey(id=id, public_key=public_key))
    session.flush()
    # In the sealed log: whoever keeps a seal can tell a key that was slipped in.
    audit.record(session, actor, "key.make", f"key:{id}", {"public_key": public_key})
    return private


def _kept_key(session: Session) -> Ed25519PrivateKey | None:
    for row in listing(session):
        if row.revoked_at is None and (path := _path_of(row.id)).exists():
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text()))
    return None


def stands(session: Session, token: str) -> bool:
    """Whether the key that a signed text of ours names is not revoked."""
    key = keys(session).get(key_of(token))
    return key is not None and key.revoked is None


def key_of(token: str) -> str:
    """The id of the key that a signed text of ours names."""
    whole = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return whole[-KEY_ID_BYTES:].hex()


def key_id(public: Ed25519PublicKey) -> str:
    """The first 8 bytes of the SHA-256 of a public key, in hex."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[: 2 * KEY_ID_BYTES]


def _path_of(id: str) -> Path:
    return settings.load().data_dir / "signing" / f"{id}.key"


def _public(public_key: str) -> Ed25519PublicKey:
    padded = public_key + "=" * (-len(public_key) % 4)
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(padded))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
