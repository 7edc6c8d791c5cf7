"""The page's files as the server gives them."""

from pathlib import Path

import httpx
import pytest

from multimodal_assistant.server import pages
from running import serving

pytestmark = pytest.mark.anyio

STATIC = Path(pages.__file__).with_name("static")


@pytest.mark.parametrize(
    ("place", "name", "kind"),
    [
        ("/", "index.html", "text/html"),
        ("/app.js", "app.js", "text/javascript"),
        ("/app.css", "app.css", "text/css"),
        ("/icon.svg", "icon.svg", "image/svg+xml"),
    ],
)
async def test_files_are_served_and_may_load_nothing_from_elsewhere(place: str, name: str, kind: str) -> None:
    async with serving(key="a-long-enough-secret") as server, httpx.AsyncClient(base_url=server.address) as client:
        response = await client.get(place)
        assert response.content == (STATIC / name).read_bytes()
        assert response.headers["content-type"].startswith(kind)
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        again = await client.get(place, headers={"if-none-match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("place", ["/index.html", "/../pages.py", "/static/app.js", "/app.js/", "/%2e%2e/pages.py"])
async def test_nothing_else_is(place: str) -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.address) as client:
        assert (await client.get(place)).status_code in {307, 404}
