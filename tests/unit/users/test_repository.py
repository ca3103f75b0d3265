import pytest

from service.users.repository import EmailTakenError, SeededUserRepository
from service.users.schemas import User, UserCreate, UserUpdate

pytestmark = pytest.mark.anyio

ADA = UserCreate(name="Ada Lovelace", email="ada@example.com")


async def test_every_process_has_the_same_users() -> None:
    """Replicas agree on the thousand users they start with, and each is valid."""
    first, second = SeededUserRepository(), SeededUserRepository()
    users = await first.page(0, 2000)
    assert [user.id for user in users] == list(range(1, 1001))
    assert users == await second.page(0, 2000)
    assert [User.model_validate(user.model_dump()) for user in users] == users
    assert len({user.email for user in users}) == 1000


async def test_pages_start_behind_a_position() -> None:
    """Ids above the position, in order, up to the limit; deleted ones leave no gap in the count."""
    repository = SeededUserRepository(5)
    await repository.delete(3)
    assert [user.id for user in await repository.page(1, 2)] == [2, 4]
    assert await repository.page(5, 2) == []


async def test_a_created_user_can_be_read() -> None:
    """It gets the next id."""
    repository = SeededUserRepository(5)
    created = await repository.create(ADA)
    assert created.user.id == 6
    assert await repository.get(6) == (*created, True)


async def test_ids_are_not_used_again() -> None:
    """A new user never gets the id, and with it the cached answers, of a deleted one."""
    repository = SeededUserRepository(5)
    await repository.delete(5)
    assert (await repository.create(ADA)).user.id == 6


async def test_an_address_belongs_to_one_user() -> None:
    """Neither a new user nor a changed one can take another's address; keeping one's own is no conflict."""
    repository = SeededUserRepository(5)
    created = await repository.create(ADA)
    with pytest.raises(EmailTakenError):
        await repository.create(ADA)
    with pytest.raises(EmailTakenError):
        await repository.update(1, UserUpdate(email=ADA.email))
    changed = await repository.update(created.user.id, UserUpdate(email=ADA.email))
    assert changed is not None
    assert changed.user == created.user


async def test_a_freed_address_can_be_taken() -> None:
    """An address that its user gave up, by a change or by going, is free again."""
    repository = SeededUserRepository(5)
    first = await repository.create(ADA)
    await repository.update(first.user.id, UserUpdate(email="countess@example.com"))
    second = await repository.create(ADA)
    await repository.delete(second.user.id)
    assert (await repository.create(ADA)).user.email == ADA.email


async def test_a_change_leaves_the_rest() -> None:
    """What a change doesn't name stays as it was."""
    repository = SeededUserRepository(5)
    before = (await repository.get(1)).user
    changed = await repository.update(1, UserUpdate(name="Grace Hopper"))
    assert before is not None
    assert changed is not None
    assert changed.user == before.model_copy(update={"name": "Grace Hopper"})
    assert (await repository.get(1)).user == changed.user


async def test_who_is_not_there_cannot_be_changed_or_deleted() -> None:
    """Both say so, and a second deletion does too."""
    repository = SeededUserRepository(5)
    assert await repository.update(6, UserUpdate(name="x")) is None
    assert await repository.delete(5)
    assert not await repository.delete(5)
    assert (await repository.get(5)).user is None


async def test_versions_grow_with_each_change() -> None:
    """Every process starts with the same ones, and each write, the deletion too, has a greater one."""
    repository = SeededUserRepository(5)
    versions = [(await repository.get(1)).version]
    for name in ("Grace", "Ada"):
        changed = await repository.update(1, UserUpdate(name=name))
        assert changed is not None
        versions.append(changed.version)
        assert (await repository.get(1)).version == changed.version
    versions.append(await repository.delete(1) or 0)
    assert versions == sorted(set(versions))
    assert (await SeededUserRepository(5).get(1)).version == versions[0]
