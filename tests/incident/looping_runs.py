"""Made-up runs that loop, in the ways agents are known to. Each family draws its words, sizes and places by chance."""

from collections.abc import Sequence
from random import Random

from tests.incident.ordinary_runs import CITIES, THINGS, aside, noise, page, thought
from tests.incident.run_steps import Family, Step, act, ask, bare, call, say

Found = tuple[Sequence[Step], int | None]


def _in(chance: Random, block: Sequence[Sequence[Step]]) -> Found:
    """``block[turn]`` are the steps of that turn; some ordinary steps come before, perhaps some after."""
    before = noise(chance, chance.randrange(0, 6))
    steps = [*before]
    third = 0
    for turn, part in enumerate(block):
        if turn == 2:
            third = len(steps)
        steps += part
    return [*steps, *noise(chance, chance.choice((0, 0, 1, 2)))], third


def _turns(chance: Random) -> range:
    return range(chance.randrange(3, 12))


def same_call_same_result(chance: Random) -> Found:
    query, found = f"{chance.choice(THINGS)} manual", [page(chance, 3)]
    write = chance.choice((call, bare))
    return _in(chance, [[write("search_kb", {"query": query}, found)] for _ in _turns(chance)])


def failing_command_with_other_timings(chance: Random) -> Found:
    test, line = f"tests/test_{chance.choice(THINGS)}.py", chance.randrange(10, 400)

    def output() -> str:
        return (
            f"============ test session starts ============ pid {chance.randrange(10**4, 10**5)}\n{test} F\nE   AssertionError: expected {line} got 0\n"
            f"{test}:{line}: AssertionError at 0x{chance.randrange(10**9, 10**10):x}\n1 failed in {chance.random():.2f}s"
        )

    failed = chance.random() < 0.5
    return _in(
        chance,
        [
            [call("bash", {"command": f"pytest -x {test}"}, output(), thought=thought(chance), failed=failed)]
            for _ in _turns(chance)
        ],
    )


def clicking_without_effect(chance: Random) -> Found:
    seen, bid = page(chance, 60), str(chance.randrange(10, 2000))
    return _in(chance, [[call("click", {"bid": bid}, seen, thought=thought(chance))] for _ in _turns(chance)])


def scrolling_at_the_end_of_a_page(chance: Random) -> Found:
    seen = page(chance, 60)
    return _in(chance, [[call("scroll", {"x": 0, "y": chance.choice((300, 500, 800))}, seen)] for _ in _turns(chance)])


def between_two_pages(chance: Random) -> Found:
    one, other = page(chance, 50), page(chance, 50)
    block = [
        [call("goto", {"url": "/orders"}, one), call("go_back", {}, other, thought=thought(chance))]
        for _ in _turns(chance)
    ]
    return _in(chance, block)


def form_refused_again(chance: Random) -> Found:
    seen = f"Validation error: the field '{chance.choice(THINGS)}' is required. " + page(chance, 20)
    bid = str(chance.randrange(10, 900))
    return _in(
        chance,
        [
            [call("fill", {"bid": bid, "value": "12"}, "filled"), call("click", {"bid": "77"}, seen)]
            for _ in _turns(chance)
        ],
    )


def cycle_of_three(chance: Random) -> Found:
    pages = [page(chance, 30) for _ in range(3)]
    return _in(
        chance,
        [
            [call(name, {"of": name}, pages[at]) for at, name in enumerate(("open", "read", "close"))]
            for _ in _turns(chance)
        ],
    )


def cycle_of_four(chance: Random) -> Found:
    pages = [page(chance, 30) for _ in range(4)]
    return _in(chance, [[call("browse", {"to": CITIES[at]}, pages[at]) for at in range(4)] for _ in _turns(chance)])


def reworded_searches(chance: Random) -> Found:
    city, thing, found = chance.choice(CITIES), chance.choice(THINGS), page(chance, 40)
    words = ["official", thing, "production", "statistics", city, "region"]

    def query() -> str:
        mine = [word for word in words if word != chance.choice(words[:3])]
        chance.shuffle(mine)
        return " ".join(mine)

    return _in(
        chance, [[call("web_search", {"query": query()}, aside(chance, found))] for _ in range(chance.randrange(4, 12))]
    )


def next_page_is_the_same_page(chance: Random) -> Found:
    found, query = page(chance, 40), chance.choice(THINGS)
    return _in(chance, [[call("search", {"query": query, "page": turn + 1}, found)] for turn in _turns(chance)])


def polling_a_stuck_job(chance: Random) -> Found:
    job = f"job-{chance.randrange(1000, 9999)}"

    def status() -> dict[str, object]:
        return {
            "job": job,
            "state": "pending",
            "checked_at": f"2026-11-02T03:{chance.randrange(10, 60)}:{chance.randrange(10, 60)}Z",
        }

    return _in(chance, [[call("job_status", {"job": job}, status())] for _ in _turns(chance)])


def edit_that_never_matches(chance: Random) -> Found:
    path = f"src/{chance.choice(THINGS)}/views.py"
    tails = ("", " ", "\n", "  # end", "\n\n", ":", " return", " pass", " else", "\t", " None", "()")
    error = f"Error: No replacement was performed, old_str did not appear verbatim in {path}."
    lines = "def get_queryset self filter active order by name select related parent"
    return _in(
        chance,
        [
            [call("str_replace", {"path": path, "old_str": lines + tails[turn]}, error, failed=True)]
            for turn in _turns(chance)
        ],
    )


def wrong_arguments_again(chance: Random) -> Found:
    error = "Error: missing required argument 'account'"
    return _in(
        chance, [[call("get_balance", {"name": chance.choice(("a",))}, error, failed=True)] for _ in _turns(chance)]
    )


def apologies(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    openings = ("I apologize for the confusion.", "I am sorry for the confusion.", "My apologies for the confusion.")
    body = (
        f"I was not able to find the {thing} you asked about in the catalogue, let me try to look it up again for you."
    )
    return _in(chance, [[say(f"{chance.choice(openings)} {body}")] for _ in _turns(chance)])


def same_final_answer(chance: Random) -> Found:
    answer = (
        f"The answer to your question is that the {chance.choice(THINGS)} was made in {chance.choice(CITIES)} in 1961."
    )
    return _in(chance, [[say(answer)] for _ in _turns(chance)])


def short_final_answer(chance: Random) -> Found:
    return _in(chance, [[say(f"FINAL ANSWER: {chance.choice(('42',))}")] for _ in range(chance.randrange(4, 9))])


def _verbs(chance: Random) -> str:
    return chance.choice(("scroll down", "look further down", "continue scrolling down"))


def instructions_of_an_orchestrator(chance: Random) -> Found:
    thing, city = chance.choice(THINGS), chance.choice(CITIES)
    block: list[list[Step]] = []
    for _ in _turns(chance):
        ledger = f'{{"is_request_satisfied": {{"reason": "{page(chance, 8)}", "answer": false}}, "next_speaker": {{"answer": "WebSurfer"}}}}'
        told = f"{chance.choice(('Please', 'Could you', 'Now please'))} {_verbs(chance)} the current page to find the {thing} prices listed for {city} and report the details."
        block.append(
            [
                act("Orchestrator", ledger, "thought"),
                act("Orchestrator", told, "instruction"),
                act("WebSurfer", f"I looked at the page. {page(chance, 30)}"),
            ]
        )
    return _in(chance, block)


def instructions_without_a_phase(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    block: list[list[Step]] = []
    for _ in _turns(chance):
        told = f"{chance.choice(('Assistant,', 'Next,', 'Again:'))} write and run a script that reads the spreadsheet and counts the rows about {thing}s."
        block.append([say(told, "MagenticOneOrchestrator"), say(page(chance, 25), "Coder")])
    return _in(chance, block)


def two_agents_ask_each_other(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    block = [
        [
            act(
                "planner",
                f"Please share the {thing} report so that I can prepare the summary for the customer {chance.choice(('now', 'today'))}.",
            ),
            act(
                "writer",
                f"I do not have the {thing} report yet, please send me the file so that I can share it {chance.choice(('now', 'then'))}.",
            ),
        ]
        for _ in _turns(chance)
    ]
    return _in(chance, block)


def actions_in_text_only(chance: Random) -> Found:
    bid = chance.randrange(10, 999)
    start = [say(f"Thought: {thought(chance)}\nAction: goto [page{at}]") for at in range(chance.randrange(4))]
    return [*start, *(say(f"Thought: {thought(chance)}\nAction: click [{bid}]") for _ in _turns(chance))], len(
        start
    ) + 2


def calls_in_model_spans_only(chance: Random) -> Found:
    start = [
        ask("open_url", {"url": f"/{name}"}, thought(chance)) for name in chance.sample(CITIES, chance.randrange(4))
    ]
    return [*start, *(ask("press", {"key": "Enter"}, thought(chance)) for _ in _turns(chance))], len(start) + 2


def results_not_captured(chance: Random) -> Found:
    query = {"query": chance.choice(THINGS)}
    return _in(chance, [[call("search", query, ...)] for _ in _turns(chance)])


def with_something_else_in_between(chance: Random) -> Found:
    again, more = call("read_file", {"path": "README"}, page(chance, 30)), noise(chance, 1)
    return _in(chance, [[again], [again, *more], *[[again] for _ in _turns(chance)]])


def refund_again_and_again(chance: Random) -> Found:
    order = f"#W{chance.randrange(10**6, 10**7)}"
    return _in(chance, [[call("refund", {"order": order}, {"status": "accepted"}, write=True)] for _ in _turns(chance)])


def same_click_on_a_page_whose_end_changes(chance: Random) -> Found:
    head, bid = page(chance, 90), str(chance.randrange(10, 2000))
    return _in(
        chance,
        [[call("click", {"bid": bid}, f"{head} {page(chance, 5)}", thought=thought(chance))] for _ in _turns(chance)],
    )


def tagged_actions(chance: Random) -> Found:
    start = [
        say(f"<think>{page(chance, 90)}</think>\n<action>goto('/p/{at}')</action>") for at in range(chance.randrange(4))
    ]
    steps = [say(f"<think>{page(chance, 90)}</think>\n<action>\nclick('a51')\n</action>") for _ in _turns(chance)]
    return [*start, *steps], len(start) + 2


def fenced_actions_between_two_pages(chance: Random) -> Found:
    steps: list[Step] = []
    for _ in _turns(chance):
        steps += [
            say(f"{thought(chance)} The next action I will perform is ```{one}```")
            for one in ("click [12]", "go_back [1]")
        ]
    return steps, 4


def nothing_found_for_one_thing_in_many_words(chance: Random) -> Found:
    thing, city = chance.choice(THINGS), chance.choice(CITIES)
    ways = [
        f"{city} {thing} maker founder name",
        f"name of founder of {thing} maker {city}",
        f"founder {thing} maker in {city} name history",
        f"who is the founder name of {city} {thing} maker",
        f"{thing} maker {city} founder full name biography",
    ]
    return _in(
        chance, [[call("web_search", {"query": way}, f"No results found for: {way}. Try other words.")] for way in ways]
    )


def planner_talks_between_the_same_calls(chance: Random) -> Found:
    again = call("list_files", {"path": "src"}, page(chance, 30))
    return _in(chance, [[say(page(chance, 25)), again] for _ in range(chance.randrange(5, 12))])


def late_in_a_long_run(chance: Random) -> Found:
    start, again = noise(chance, 60), call("read_file", {"path": "notes"}, page(chance, 20))
    return [*start, *(again for _ in _turns(chance))], len(start) + 2


def instructions_in_other_words(chance: Random) -> Found:
    thing, city = chance.choice(THINGS), chance.choice(CITIES)
    ways = (
        f"Please search for the {thing} price list of {city} on the official site and report the current price.",
        f"Could you search the official site of {city} for the {thing} price list and report the current price?",
        f"Please try once more to search for the {thing} price list of {city} and report the current price you find.",
        f"Search again for the {thing} price list of {city} on the official site, then report the price.",
        f"Please continue to search the official site for the {thing} price list of {city} and report the current price.",
    )
    block = [[act("Orchestrator", way, "instruction"), act("WebSurfer", page(chance, 40))] for way in ways]
    return _in(chance, block)


def surfer_on_the_same_page(chance: Random) -> Found:
    seen = page(chance, 30)
    block = [
        [
            act("Orchestrator", f"{page(chance, 12)}", "instruction"),
            act(
                "WebSurfer",
                f"I scrolled down one page. Here is a screenshot of the page. The viewport shows {chance.randrange(100)}% of it. {seen}",
            ),
        ]
        for _ in _turns(chance)
    ]
    return _in(chance, block)


def goodbyes_of_two_agents(chance: Random) -> Found:
    block = [
        [say("You are very welcome, have a wonderful day and feel free to reach out any time!")] for _ in _turns(chance)
    ]
    return _in(chance, block)


LOOPING: tuple[Family, ...] = (
    same_call_same_result,
    failing_command_with_other_timings,
    clicking_without_effect,
    scrolling_at_the_end_of_a_page,
    between_two_pages,
    form_refused_again,
    cycle_of_three,
    cycle_of_four,
    reworded_searches,
    next_page_is_the_same_page,
    polling_a_stuck_job,
    edit_that_never_matches,
    wrong_arguments_again,
    apologies,
    same_final_answer,
    short_final_answer,
    instructions_of_an_orchestrator,
    instructions_without_a_phase,
    two_agents_ask_each_other,
    actions_in_text_only,
    calls_in_model_spans_only,
    results_not_captured,
    with_something_else_in_between,
    refund_again_and_again,
    same_click_on_a_page_whose_end_changes,
    tagged_actions,
    fenced_actions_between_two_pages,
    nothing_found_for_one_thing_in_many_words,
    planner_talks_between_the_same_calls,
    late_in_a_long_run,
    instructions_in_other_words,
    surfer_on_the_same_page,
    goodbyes_of_two_agents,
)
