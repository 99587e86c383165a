"""Readings of any kind, for properties of what is counted in them."""

from hypothesis import strategies as st

from bot.incident.reading import ModelStep, Reading, Repetition, ToolStep

S = 1_000_000_000
NOW = 1_800_000_000 * S
TOOLS = st.sampled_from(["search", "refund", "tool refund", ""])
NAMES = st.sampled_from([None, "orion", "atlas"])

TOOL_STEPS = st.builds(
    ToolStep,
    st.text("0123456789abcdef", min_size=16, max_size=16),
    TOOLS,
    st.integers(NOW, NOW + 90 * S),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "", "crm.example", "mail.example"]),
    st.sampled_from([None, "9ee8", "07fc"]),
    st.sampled_from([None, "aa", "bb"]),
    st.lists(st.tuples(st.sampled_from(["amount", "fee"]), st.floats(0, 1e6)), max_size=2).map(tuple),
)
MODEL_STEPS = st.builds(ModelStep, NAMES, NAMES, NAMES, st.floats(0, 90).map(lambda s: round(s, 3)), st.booleans())
STEPS_SPENT = st.sampled_from(
    ["agent", "tool", "tool search", "tool refund", "tool ", "tool tool refund", "model orion"]
)


@st.composite
def readings(draw: st.DrawFn, earliest: int = 80 * 60) -> Reading:
    """A task that started within so many seconds before :data:`NOW`."""
    at_ns = NOW - draw(st.integers(0, earliest)) * S
    models = tuple(draw(st.lists(MODEL_STEPS, max_size=3)))
    tools = tuple(draw(st.lists(TOOL_STEPS, max_size=5)))
    return Reading(
        id=f"{draw(st.integers(0, 16**32 - 1)):032x}",
        at_ns=at_ns,
        end_ns=at_ns + draw(st.integers(0, 60)) * S,
        finished=draw(st.booleans()),
        failed=draw(st.booleans()),
        loop=draw(st.none() | st.builds(Repetition, st.booleans(), st.booleans())),
        tools=tools,
        models=models,
        steps=len(tools) + len(models),
        model_errors=sum(step.error for step in models),
        tool_errors=sum(step.error for step in tools),
        tokens=draw(st.integers(0, 9000)),
        first_chunk=draw(st.none() | st.floats(0.125, 8)),
        policy_hits=draw(st.sampled_from([(), ("output_policy",)])),
        security_hits=draw(st.sampled_from([(), ("prompt_injection",)])),
        guarded=draw(st.sampled_from([(), ("output_policy",), ("prompt_injection", "output_policy")])),
        mismatched=draw(st.booleans()),
        agent_version=draw(st.sampled_from([None, "4.12.0", "4.13.0"])),
        provider=draw(NAMES),
        task_type=draw(st.sampled_from([None, "how_to", "vpn"])),
        turn=draw(st.none() | st.integers(1, 12)),
        environment=draw(st.sampled_from([None, "production", "prod", "staging"])),
        spent=tuple(draw(st.lists(st.tuples(STEPS_SPENT, st.floats(0.125, 60)), max_size=4))),
    )
