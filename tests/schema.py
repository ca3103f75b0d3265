import functools
import io

from alembic import command

from service.migrate import config


@functools.cache
def expanding_sql() -> str:
    """What `python -m service.migrate` sends to an empty database."""
    alembic = config()
    alembic.output_buffer = io.StringIO()
    command.upgrade(alembic, "expand@head", sql=True)
    return alembic.output_buffer.getvalue()
