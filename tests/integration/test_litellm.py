"""The hook in a real LiteLLM proxy, told by a real firstfive, before a model provider that only answers."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from bot.controls import litellm
from bot.incident.errors import FirstfiveError
from bot.incident.kinds import MitigationKind
from tests.controls.at_work import after, opened, pulled
from tests.controls.little_litellm import HASH, ROUTES
from tests.integration import servers
from tests.integration.model_stub import ModelStub

AGENT = "helpdesk-agent"
KEY = "the-master-key-of-the-test"
SOURCES = [str(servers.REPOSITORY / "clients" / name / "src") for name in ("python", "litellm")]
CONFIG = """
model_list:
  - model_name: large
    litellm_params: {{model: openai/large, api_base: "{upstream}", api_key: none}}
  - model_name: small
    litellm_params: {{model: openai/small, api_base: "{upstream}", api_key: none}}
litellm_settings:
  callbacks: firstfive_litellm.hook.proxy
general_settings:
  master_key: {key}
"""


@dataclass
class Gateway:
    """The proxy and what stands behind and above it."""

    proxy: httpx.Client
    firstfive: httpx.Client
    stub: ModelStub
    incident: str = ""

    def chat(self, said: str = "hi", *, session: str = "", **more: Any) -> httpx.Response:
        body = {"model": "large", "messages": [{"role": "user", "content": said}], **more}
        headers = {"x-litellm-session-id": session} if session else {}
        return self.proxy.post("/v1/chat/completions", json=body, headers=headers)

    @contextmanager
    def control(self, kind: str, value: Any = None) -> Iterator[None]:
        """The control is in force in the proxy; afterwards it is lifted."""
        order = {"kind": kind, "minutes": 5} | ({} if value is None else {"value": value})
        made = self.firstfive.post(f"/api/v1/incidents/{self.incident}/mitigations", json=order)
        assert made.is_success, made.text
        self.delivered(made.json()["id"])
        yield
        path = f"/api/v1/mitigations/{made.json()['id']}"
        asked = self.firstfive.post(f"{path}/revert", json={"reason": "tested"})
        assert asked.status_code == httpx.codes.ACCEPTED, asked.text
        lifted = self.firstfive.post(f"{path}/approve", json={}, headers={"Firstfive-Actor": "ben"})
        assert lifted.is_success, lifted.text
        sleep(0.5)  # the proxy hears of it within milliseconds

    def delivered(self, mitigation: str) -> None:
        """The proxy itself said that it applied it."""
        deadline = monotonic() + 20
        while True:
            found = self.firstfive.get(f"/api/v1/incidents/{self.incident}/mitigations").json()
            entry = next(one for one in found["live"] if one["id"] == mitigation)
            if ((entry["proof"] or {}).get("delivery") or {}).get("reached"):
                return
            assert monotonic() < deadline, entry
            sleep(0.1)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    programs, stub = servers.environment("litellm"), ModelStub()
    with ExitStack() as stack:
        upstream = stack.enter_context(stub.running())
        ours, theirs = (f"http://127.0.0.1:{servers.free_port()}" for _ in range(2))
        home = tmp_path_factory.mktemp("firstfive")
        command = [sys.executable, "-m", "bot", "serve", "--port", ours.rpartition(":")[2]]
        stack.enter_context(
            servers.running(servers.Launch(command, {"FIRSTFIVE_HOME": str(home)}, ours, "/readyz"), home)
        )
        home = tmp_path_factory.mktemp("litellm")
        (home / "config.yaml").write_text(CONFIG.format(upstream=upstream, key=KEY))
        command = [str(programs / "litellm"), "--config", "config.yaml", "--host", "127.0.0.1"]
        settings = {
            "FIRSTFIVE_URL": ours,
            "FIRSTFIVE_AGENT": AGENT,
            "FIRSTFIVE_READ_TOOLS": "search",
            "PYTHONPATH": os.pathsep.join(SOURCES),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # its price list comes with it; nothing is fetched
            "LITELLM_TELEMETRY": "False",
        }
        launch = servers.Launch([*command, "--port", theirs.rpartition(":")[2]], settings, theirs, "/health/liveliness")
        stack.enter_context(servers.running(launch, home))
        options: dict[str, Any] = {"trust_env": False, "timeout": 30}
        proxy = stack.enter_context(
            httpx.Client(base_url=theirs, headers={"Authorization": f"Bearer {KEY}"}, **options)
        )
        firstfive = stack.enter_context(httpx.Client(base_url=ours, headers={"Firstfive-Actor": "ana"}, **options))
        made = Gateway(proxy, firstfive, stub)
        made.incident = firstfive.post("/api/v1/incidents", json={"title": "gateway", "agent": AGENT}).json()["key"]
        assert made.chat().status_code == 200  # its first request connects it
        yield made


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


def names(request: dict[str, Any]) -> list[str]:
    return [one["function"]["name"] for one in request.get("tools", ())]


def test_a_halt_is_answered_403_with_the_incident_and_reaches_no_model(gateway: Gateway) -> None:
    with gateway.control("halt"):
        asked = len(gateway.stub.asked)
        answer = gateway.chat()
        assert answer.status_code == 403
        assert gateway.incident in answer.text
        assert "The agent is halted" in answer.text
        assert gateway.chat(stream=True).status_code == 403
        assert len(gateway.stub.asked) == asked


def test_a_pinned_model_is_the_one_that_is_asked(gateway: Gateway) -> None:
    with gateway.control("model-pin", "small"):
        assert gateway.chat().status_code == 200
        assert gateway.stub.asked[-1]["model"] == "small"


def test_a_session_may_make_as_many_calls_as_the_limit_says(gateway: Gateway) -> None:
    with gateway.control("turn-limit", 3):
        assert [gateway.chat(session="s-1").status_code for _ in range(5)] == [200, 200, 200, 403, 403]
        assert gateway.chat(session="s-2").status_code == 200
        turns = [{"role": "user", "content": "hi"}, *[{"role": "assistant", "content": "…"}] * 3]
        assert gateway.proxy.post("/v1/chat/completions", json={"model": "large", "messages": turns}).status_code == 403


def test_blocked_tools_are_stripped_and_calls_to_them_refused(gateway: Gateway) -> None:
    with gateway.control("disable-tools", ["refund"]):
        assert gateway.chat(tools=[tool("refund"), tool("search")], tool_choice=tool("refund")).status_code == 200
        assert names(gateway.stub.asked[-1]) == ["search"]
        assert "tool_choice" not in gateway.stub.asked[-1]
        assert gateway.chat("call search", tools=[tool("search")]).status_code == 200
        refused = gateway.chat("call refund", tools=[tool("search")])
        assert (refused.status_code, "The tool refund is disabled" in refused.text) == (403, True)
        streamed = gateway.chat("call refund", tools=[tool("search")], stream=True)
        assert '"name":"refund"' not in streamed.text.replace(" ", "")
        assert "The tool refund is disabled" in streamed.text
        assert '"name":"search"' in gateway.chat("call search", tools=[tool("search")], stream=True).text.replace(
            " ", ""
        )


def test_in_read_only_mode_only_tools_that_read_are_offered(gateway: Gateway) -> None:
    with gateway.control("read-only"):
        assert gateway.chat(tools=[tool("refund"), tool("search")]).status_code == 200
        assert names(gateway.stub.asked[-1]) == ["search"]


def described(spec: dict[str, Any], route: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operation of a route, and the schema of its body; an empty one where it takes none."""
    method, _, path = route.partition(" ")
    operation = spec["paths"][path][method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rpartition("/")[2]
    return operation, spec["components"]["schemas"].get(name, {})


def types(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a schema takes."""
    each = [schema, *schema.get("anyOf", ()), *schema.get("allOf", ())]
    named = {str(kind) for one in each for kind in [one.get("type")] if kind}
    return named | ({"object"} if any("$ref" in one for one in each) else set())


@pytest.mark.parametrize("route", ROUTES)
def test_the_driver_asks_what_the_proxy_itself_describes(gateway: Gateway, route: str) -> None:
    ours = ROUTES[route]
    operation, body = described(gateway.proxy.get("/openapi.json").json(), route)
    given = {(one["name"], one["in"]) for one in operation.get("parameters", ())}
    assert {(name, "query") for name in ours.get("query", ())} <= given
    assert {(name, "header") for name in ours.get("headers", ())} <= given
    assert set(body.get("required", ())) == set(ours.get("required", ()))
    for name, schema in ours.get("body", {}).items():
        wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert set(wanted) <= types(body["properties"][name]), name


@pytest.mark.parametrize("key", [KEY, "another-key-of-the-test"])
async def test_a_proxy_without_a_database_is_one_sentence(gateway: Gateway, key: str) -> None:
    settings = {litellm.URL: str(gateway.proxy.base_url), litellm.KEY: key}
    driver = opened(litellm.DRIVER, {"halt": {"key": HASH}}, settings)
    halt = pulled(MitigationKind.HALT)
    with pytest.raises(FirstfiveError, match=r"^LiteLLM .*(HTTP 500|No connected db)") as failure:
        await driver.apply(driver.plan(halt, after(halt)), "a")
    assert key not in str(failure.value)
    assert str(failure.value).endswith(".")
    assert not (await driver.read_back(halt, after(halt))).confirmed
    await driver.close()
