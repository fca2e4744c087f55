"""What somebody who looked at a model's mistake made of it.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of marks on mistakes; nobody has marked one yet."""
    op.create_table(
        "failure_reviews",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reviewed", sa.String(), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('model wrong', 'label wrong', 'recording poor', 'cannot tell')", name="known_verdict"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["jobs.job_id"],
        ),
        sa.PrimaryKeyConstraint("job_id", "label", "record_id"),
    )
