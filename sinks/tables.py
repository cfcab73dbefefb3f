"""Every module that has tables, imported once, so that migrations and checks see all of them."""

from sinks.cooperative import contracts
from sinks.core import audit, documents, jobs, people, policies, workdays
from sinks.core.db import Base
from sinks.crediting import (
    certificates,
    issuance,
    ledger,
    objections,
    projects,
    round_records,
    rounds,
    sample_designs,
    second_measurements,
    signatures,
    ticks,
    verification,
)
from sinks.land import (
    attributes,
    base_shapes,
    claims,
    column_mappings,
    consents,
    constraint_layers,
    imports,
    marks,
    outline_drafts,
    overlap_cases,
    parcels,
    programme_claims,
    rights,
    staging,
    succession,
    transfers,
)
from sinks.measurement import activity_records, layers, plot_photos, plots, runs, variograms
from sinks.restoration import cases

MODULES = (
    activity_records, attributes, audit, base_shapes, cases, certificates, claims, column_mappings,
    consents, constraint_layers, contracts, documents, imports, issuance, jobs, layers, ledger,
    marks, objections, outline_drafts, overlap_cases, parcels, people, plot_photos, plots, policies,
    programme_claims, projects, rights, round_records, rounds, runs, sample_designs,
    second_measurements, signatures, staging, succession, ticks, transfers, variograms,
    verification, workdays,
)  # fmt: skip
metadata = Base.metadata
