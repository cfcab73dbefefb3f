"""Sample designs, second measurements and photos of plots. Frozen with this revision.

Its number was given before that of 0009, which came first.
"""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())
