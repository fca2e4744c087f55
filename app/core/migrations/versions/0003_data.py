"""What a file says beside its samples, findings to filter by, marks of identifiers, kind and origin of labels.

Revision ID: 0003
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXTS = ("acquired", "maker", "model", "firmware", "device", "setting", "reader")
NUMBERS = ("high_pass_hz", "low_pass_hz", "notch_hz")
LISTS, TABLES = ("statements", "extra_leads", "transformations"), ("measurements", "removed", "quality_evidence")
WORDED = {
    "no samples in": "missing",
    "samples missing in": "missing",
    "flat line in": "flat",
    "stuck at its extreme": "clipped",
    "gain suspect": "gain",
    "impossible amplitude": "gain",
    "every lead spans the same": "gain",
    "limb leads contradict each other": "einthoven",
}
INDEXES = {
    "age": ["age"],
    "sex": ["sex"],
    "year": ["year"],
    "quality": ["quality"],
    "format": ["format"],
    "device": ["maker", "model"],
    "rate": ["rate_hz"],
    "seconds": ["seconds"],
}


def upgrade() -> None:
    """Add what is known of a recording, with an index for each column that lists filter and sort by."""
    for name in TEXTS:
        op.add_column("records", sa.Column(name, sa.String(), nullable=False, server_default=""))
    for name in NUMBERS:
        op.add_column("records", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("records", sa.Column("year", sa.Integer(), nullable=True))
    op.add_column("records", sa.Column("paced", sa.Boolean(), nullable=True))
    for name in LISTS:
        op.add_column("records", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    for name in TABLES:
        op.add_column("records", sa.Column(name, sa.JSON(), nullable=False, server_default="{}"))
    for name, columns in INDEXES.items():
        op.create_index(f"records_by_{name}", "records", columns, unique=False)
    for table in ("records", "label_rows"):
        op.add_column(table, sa.Column("fold", sa.Integer(), nullable=True))
        op.add_column(table, sa.Column("part", sa.String(), nullable=False, server_default=""))
    op.add_column("labels", sa.Column("kind", sa.String(), nullable=False, server_default="binary"))
    op.add_column("labels", sa.Column("origin", sa.String(), nullable=False, server_default="table"))
    op.add_column("cohorts", sa.Column("rules", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("cohorts", sa.Column("flow", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "marks",
        sa.Column("mark", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("mark"),
    )
    _findings()


def _findings() -> None:
    """A table of its own, filled from the reasons of the recordings that are there."""
    made = op.create_table(
        "findings",
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("finding", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["records.record_id"],
        ),
        sa.PrimaryKeyConstraint("record_id", "finding"),
    )
    op.create_index("findings_by_name", "findings", ["finding", "record_id"], unique=False)
    told = op.get_bind().execute(sa.text("SELECT record_id, quality_reasons FROM records")).all()
    rows = {(record_id, _finding(reason)) for record_id, reasons in told for reason in json.loads(reasons)}
    op.bulk_insert(made, [{"record_id": record_id, "finding": finding} for record_id, finding in sorted(rows)])


def _finding(reason: str) -> str:
    """What version 0.1 worded so, under today's name."""
    return next((name for start, name in WORDED.items() if reason.startswith(start)), "other")
