import pytest

from service.app import create_app
from service.settings import Settings
from tests.api import calling

pytestmark = pytest.mark.anyio


async def test_each_operation_documents_its_errors() -> None:
    """Every response outside 2xx and 3xx is a problem document, and the secured operations have 401, 403 and 429."""
    async with calling() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    secured = [operation for operation in operations if "security" in operation]
    errors = [
        response for operation in operations for status, response in operation["responses"].items() if status >= "400"
    ]
    assert len(secured) == 5
    assert all({"401", "403", "429"} <= set(operation["responses"]) for operation in secured)
    assert errors
    assert all(list(response["content"]) == ["application/problem+json"] for response in errors)


def test_bounds_of_numbers_are_shown() -> None:
    """Though a number is held to one spelling before it is held to them."""
    paths = create_app(Settings()).openapi()["paths"]
    parameters = [*paths["/api/users"]["get"]["parameters"], *paths["/api/users/{user_id}"]["get"]["parameters"]]
    bounds = {each["name"]: (each["schema"].get("minimum"), each["schema"].get("maximum")) for each in parameters}
    assert bounds == {"after": (None, None), "limit": (1, 100), "user_id": (1, 2**53 - 1)}
