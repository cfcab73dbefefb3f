"""The first schema: tables, then what protects them. Both files are frozen with this revision."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = Path(__file__).parent
    # Plain scripts: no parameters, so that a percent sign in them is a percent sign.
    connection = op.get_bind().execution_options(no_parameters=True)
    for name in ("0001_tables.sql", "0001_protect.sql"):
        connection.exec_driver_sql((here / name).read_text())
