"""Rounds of managed bamboo state their period; their projects state nothing. Frozen with this revision."""

from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("round_facts", "project_facts_id", nullable=True)
