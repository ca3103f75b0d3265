from fastapi import FastAPI

from service.fleet import Fleet, FleetSettings, cached, limited

app = FastAPI()
fleet = Fleet(app, FleetSettings(prefix="SHOP_"))


@app.get("/api/users/{user_id}")
@cached("user:{user_id}", seconds=30)
async def read_user(user_id: int, _: None = limited(1_000_000_000, per_seconds=60)) -> dict[str, int | str]:
    return {"id": user_id, "name": "Alan Allen", "email": f"alan.{user_id}@example.com"}
