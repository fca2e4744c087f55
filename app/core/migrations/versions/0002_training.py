"""What a pretraining and a study say: faults by name, collapse, the runs of a study.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what a training leaves: why it failed, that it collapsed, the runs of a study."""
    op.add_column("jobs", sa.Column("fault", sa.String(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("collapsed", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "study_runs",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["jobs.job_id"],
        ),
        sa.PrimaryKeyConstraint("job_id", "number"),
    )
    # The level of a model that ignores its input was called after the one objective that there was.
    for before, now in (("chance_loss", "trivial_loss"), ("validation_chance_loss", "validation_trivial_loss")):
        op.execute(sa.text("UPDATE metrics SET name = :now WHERE name = :before").bindparams(now=now, before=before))
