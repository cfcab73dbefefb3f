"""What the frame around the screens has to know about the whole registry."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from sinks.core import policies
from sinks.crediting.projects import Project
from sinks.land.parcels import Parcel
from sinks.measurement.layers import Layer


def holds_demonstration(session: Session) -> bool:
    """Whether anything in the registry is invented: then every screen says so."""
    invented = (
        select(Parcel.id).where(Parcel.demonstration).exists()
        | select(Project.id).where(Project.demonstration).exists()
        | select(Layer.id).where(Layer.demonstration).exists()
    )
    return policies.demonstration_in_force(session) or bool(session.scalar(select(invented)))
