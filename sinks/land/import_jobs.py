"""The long work of imports, as jobs: read and check a file, commit it, take its parcels on their way.

Each is safe to be called again after a worker has died: what was committed is found, not repeated.
"""

from typing import Any

from sqlalchemy.orm import Session

from sinks.core import db, jobs
from sinks.core.actor import Actor
from sinks.core.errors import SinksError
from sinks.core.jobs import Handler, Job, Progress
from sinks.land import bulk, import_reading, imports, staging
from sinks.land.bulk import Step
from sinks.land.staging import ImportBatch, State

READ, COMMIT, STEP = "import.read", "import.commit", "import.step"


def queue_read(session: Session, actor: Actor, batch: ImportBatch) -> Job:
    """Have a batch read by a worker."""
    job = jobs.enqueue(
        session, actor, kind=READ, title=f"读取并检查 {batch.file_name}",
        arguments={"batch_id": batch.id},
    )  # fmt: skip
    batch.job_id = job.id
    return job


def queue_commit(session: Session, actor: Actor, batch_id: int, owner_id: int) -> Job:
    """Have a staged batch committed by a worker."""
    batch = staging.locked(session, batch_id, State.STAGED)
    job = jobs.enqueue(
        session, actor, kind=COMMIT, title=f"提交导入 {batch.file_name}",
        arguments={"batch_id": batch_id, "owner_id": owner_id},
    )  # fmt: skip
    batch.job_id = job.id
    return job


def queue_step(session: Session, actor: Actor, import_id: int, step: Step) -> Job:
    """Have a step taken with all parcels of an import by a worker."""
    title = f"第 {import_id} 号导入：全部{bulk.STEP_ZH[step]}"
    return jobs.enqueue(
        session, actor, kind=STEP, title=title,
        arguments={"import_id": import_id, "step": step.value},
    )  # fmt: skip


def read(actor: Actor, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Read, check and stage the file of a batch; a file that is no land leaves the batch refused."""
    batch_id = arguments["batch_id"]
    with db.transaction(actor) as session:
        batch = staging.get(session, batch_id)
        if batch.state != State.READING:
            return batch.counts
    progress.step("读取并检查")
    try:
        # Reading takes longer than a transaction may wait idle: its own writes nothing.
        found = import_reading.examine_apart(actor, batch_id)
        with db.transaction(actor) as session:
            return import_reading.fill(session, actor, batch_id, found, progress).counts
    except jobs.Cancelled:
        with db.transaction(actor) as session:
            staging.discard(session, actor, batch_id, "读取时取消")
        raise
    except SinksError as refusal:
        with db.transaction(actor) as session:
            staging.refuse(session, actor, batch_id, refusal)
        raise


def commit(actor: Actor, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Commit a batch in one transaction."""
    with db.transaction(actor) as session:
        row = imports.commit(
            session, actor, arguments["batch_id"], owner_id=arguments["owner_id"],
            progress=progress,
        )  # fmt: skip
        return {"import": row.id, "accepted": row.accepted, "refused": len(row.refused)}


def step(actor: Actor, arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Take a step with all parcels of an import that are ready for it."""
    return bulk.take(
        actor, arguments["import_id"], Step(arguments["step"]), progress=progress
    ).to_json()


HANDLERS: dict[str, Handler] = {READ: read, COMMIT: commit, STEP: step}
