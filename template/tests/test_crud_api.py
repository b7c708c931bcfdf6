"""Items: created, read, replaced, deleted."""

from httpx2 import AsyncClient, Response


async def an_item(client: AsyncClient, name: str = "lamp") -> Response:
    """Create an item."""
    return await client.post("/items", json={"name": name})


async def test_a_new_item_says_where_it_is(client: AsyncClient) -> None:
    """201 with `Location` and `ETag`; what is there is what was sent."""
    created = await an_item(client)
    assert created.status_code == 201
    found = await client.get(created.headers["location"])
    assert found.json() == created.json()
    assert found.json()["name"] == "lamp"
    assert found.headers["etag"] == created.headers["etag"] == '"1"'


async def test_an_unknown_item_is_not_found(client: AsyncClient) -> None:
    """Reading, replacing and deleting it are 404."""
    for method in ("GET", "PUT", "DELETE"):
        body = {"name": "lamp"} if method == "PUT" else None
        answer = await client.request(method, "/items/none", json=body, headers={"if-match": "*"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_a_change_names_what_it_changes(client: AsyncClient) -> None:
    """A replacement without `If-Match` could undo somebody else's: 428."""
    location = (await an_item(client)).headers["location"]
    answer = await client.put(location, json={"name": "desk"})
    assert (answer.status_code, answer.json()["code"]) == (428, "revision-required")


async def test_of_two_changes_of_one_revision_the_second_is_refused(client: AsyncClient) -> None:
    """It was made in ignorance of the first: 412, and nothing is changed."""
    created = await an_item(client)
    location, etag = created.headers["location"], created.headers["etag"]
    first = await client.put(location, json={"name": "desk"}, headers={"if-match": etag})
    second = await client.put(location, json={"name": "chair"}, headers={"if-match": etag})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (second.status_code, second.json()["code"]) == (412, "stale-revision")
    found = (await client.get(location)).json()
    assert (found["name"], found["created_at"]) == ("desk", created.json()["created_at"])


async def test_a_deleted_item_is_gone(client: AsyncClient) -> None:
    """204, then 404."""
    location = (await an_item(client)).headers["location"]
    assert (await client.delete(location)).status_code == 204
    assert (await client.get(location)).status_code == 404


async def test_a_changed_item_is_not_deleted_unseen(client: AsyncClient) -> None:
    """`If-Match` holds for deleting, too."""
    created = await an_item(client)
    location, etag = created.headers["location"], created.headers["etag"]
    await client.put(location, json={"name": "desk"}, headers={"if-match": etag})
    assert (await client.delete(location, headers={"if-match": etag})).status_code == 412
    assert (await client.get(location)).status_code == 200


async def test_an_item_needs_a_name(client: AsyncClient) -> None:
    """422 names the field."""
    answer = await an_item(client, name="")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "body.name"
