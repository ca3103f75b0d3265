"""What Alembic runs: its revisions over the connection that `service.migrate` holds, or as SQL to look at."""

from alembic import context

if context.is_offline_mode():
    context.configure(dialect_name="postgresql")
    with context.begin_transaction():
        context.run_migrations()
else:
    # A transaction each: what one has done stays when the next one has to wait.
    context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
