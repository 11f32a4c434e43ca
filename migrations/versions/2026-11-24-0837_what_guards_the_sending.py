"""what guards the sending: the instance, the queues of providers, rulings, fuller attempts"""

import sqlalchemy as sa
from alembic import op

revision = "763dba7e9292"
down_revision = "61803c934233"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instance",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("halted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("halted_because", sa.Text(), nullable=True),
        sa.Column("halted_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("halted_before_because", sa.Text(), nullable=True),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    op.create_table(
        "provider_hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("accepted", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("deferred", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("refused", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gone", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("hour", "name", name=op.f("pk_provider_hours")),
    )
    op.create_table(
        "provider_queues",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slowed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_because", sa.Text(), nullable=True),
        sa.Column("broken_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_queues")),
        sa.UniqueConstraint("name", name=op.f("uq_provider_queues_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rulings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=24), nullable=False),
        sa.Column("by", sa.String(length=24), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_rulings_delivery_id_deliveries")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rulings")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("rulings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rulings_delivery_id"), ["delivery_id"], unique=False)

    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hop", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("cause", sa.String(length=24), nullable=True))

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("unknown_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_index(batch_op.f("ix_deliveries_state_lease"))
        batch_op.create_index(
            "ix_deliveries_in_flight",
            ["lease_until"],
            unique=False,
            postgresql_where=sa.text("state IN ('claimed', 'in_data')"),
            sqlite_where=sa.text("state IN ('claimed', 'in_data')"),
        )
        batch_op.create_index(
            "ix_deliveries_troubled",
            ["state", "id"],
            unique=False,
            postgresql_where=sa.text("state IN ('unknown', 'held', 'rejected', 'expired')"),
            sqlite_where=sa.text("state IN ('unknown', 'held', 'rejected', 'expired')"),
        )

    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("queue", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("doubted_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("enrollments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paused_by", sa.Text(), nullable=True))

    with op.batch_alter_table("lessons", schema=None) as batch_op:
        batch_op.add_column(sa.Column("faulty_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("trusted_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("incoming_letters", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cause", sa.String(length=24), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("incoming_letters", schema=None) as batch_op:
        batch_op.drop_column("cause")

    with op.batch_alter_table("lessons", schema=None) as batch_op:
        batch_op.drop_column("trusted_at")
        batch_op.drop_column("faulty_at")

    with op.batch_alter_table("enrollments", schema=None) as batch_op:
        batch_op.drop_column("paused_by")

    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.drop_column("doubted_at")
        batch_op.drop_column("queue")

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_deliveries_troubled",
            postgresql_where=sa.text("state IN ('unknown', 'held', 'rejected', 'expired')"),
            sqlite_where=sa.text("state IN ('unknown', 'held', 'rejected', 'expired')"),
        )
        batch_op.drop_index(
            "ix_deliveries_in_flight",
            postgresql_where=sa.text("state IN ('claimed', 'in_data')"),
            sqlite_where=sa.text("state IN ('claimed', 'in_data')"),
        )
        batch_op.create_index(
            batch_op.f("ix_deliveries_state_lease"), ["state", "lease_until"], unique=False
        )
        batch_op.drop_column("unknown_since")

    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_column("cause")
        batch_op.drop_column("hop")

    with op.batch_alter_table("rulings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rulings_delivery_id"))

    op.drop_table("rulings")
    op.drop_table("provider_queues")
    op.drop_table("provider_hours")
    op.drop_table("instance")
