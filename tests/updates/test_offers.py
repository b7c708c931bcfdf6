"""What a test uses of a service, as its text tells; tests that use what goes are parked."""

import pytest

from updating.offers import Offer, offered, used

HANDLERS = """
TOPIC = "orders.sent"

@on("orders.created")
async def created(event: Order) -> None: ...

@pubsub.on(TOPIC)
async def sent(event: Order) -> None: ...
"""
ROUTES = """
router = APIRouter(prefix="/orders")

@router.get("/{customer}")
async def orders(customer: str) -> str: ...
"""
ANY = '@router.get("/{tenant}/orders")\nasync def orders(tenant: str) -> str: ...'


@pytest.mark.parametrize(
    ("name", "text", "offers"),
    [
        (
            "app/handlers/a.py",
            HANDLERS,
            {("handler", "orders.created"), ("handler", "orders.sent")},
        ),
        ("app/api/a.py", ROUTES, {("route", "/orders")}),
        ("app/api/a.py", ANY, {("route", "/{tenant}/orders")}),
        ("app/api/a.py", '@router.get("/")\ndef a(): ...', {("route", "/")}),
        ("app/domain/a.py", ROUTES, set[Offer]()),
        ("app/api/a.py", "no Python", set[Offer]()),
        ("dev/bus/host.py", 'NAME = "bus"', {("fixture", "bus")}),
        ("dev/a.py", "sidecar.a, sidecar.b = 1, 2", {("part", "sidecar.a"), ("part", "sidecar.b")}),
        ("tests/conftest.py", "@pytest.fixture\ndef order(): ...", {("fixture", "order")}),
    ],
)
def test_where_a_file_is_says_what_it_offers(name: str, text: str, offers: set[Offer]) -> None:
    """Handlers, routes, servers with their parts, fixtures."""
    assert offered(name, text) == offers


@pytest.mark.parametrize(
    ("offer", "text", "uses"),
    [
        (("topic", "orders.created"), 'TOPIC = "orders.created"', True),
        (("topic", "orders.created"), 'post("/v1.0/publish/pubsub/orders.created")', True),
        (("topic", "orders.created"), '"""Of orders.created and others."""', False),
        (("handler", "orders.created"), 'deliver("orders.created.late")', False),
        (("route", "/orders/{customer}"), 'get("/orders/ada?all=1")', True),
        (("route", "/orders/{customer}"), 'get(f"/orders/{name}")', True),
        (("route", "/orders/{customer}"), 'get("http://test/orders/ada")', True),
        (("route", "/orders/{customer}"), 'get("/health")', False),
        (("route", "/{tenant}/orders"), 'get(f"/{tenant}/orders")', True),
        (("route", "/{tenant}/orders"), 'get("/health")', False),
        (("route", "/"), 'get("/")', True),
        (("route", "/"), 'get("/health")', False),
        (("fixture", "bus"), "def test_a(bus): ...", True),
        (("fixture", "bus"), 'pytestmark = pytest.mark.usefixtures("bus")', True),
        (("part", "sidecar.state"), "def test_a(sidecar): sidecar.state()", True),
        (("part", "sidecar.state"), "def test_a(service): service.state.x", False),
    ],
)
def test_what_a_test_uses_is_in_its_text(offer: Offer, text: str, uses: bool) -> None:
    """A topic or a path that it names, an argument, a part of a server that it takes."""
    assert used(text, {offer}) == ({offer} if uses else set())
