"""Made-up runs that do ordinary work, of the kinds that look like loops to a careless eye."""

from collections.abc import Sequence
from random import Random

from tests.incident.run_steps import Family, Step, act, ask, bare, call, say

CITIES = ("Lisbon", "Oslo", "Vienna", "Quito", "Hanoi", "Accra", "Riga", "Cork", "Turin", "Perth", "Lima", "Basel")
THINGS = ("kettle", "lantern", "bicycle", "keyboard", "tablet", "backpack", "camera", "tripod", "jacket", "speaker")
_WORDS = [
    "river",
    "market",
    "station",
    "council",
    "report",
    "annual",
    "museum",
    "engine",
    "garden",
    "museum",
    "bridge",
    "library",
    "harbour",
    "survey",
    "budget",
    "village",
    "record",
    "season",
    "teacher",
    "winter",
    "island",
    "copper",
    "signal",
    "tunnel",
    "forest",
    "valley",
    "cotton",
    "mirror",
    "ticket",
    "window",
    "planet",
    "farmer",
    "dinner",
    "captain",
    "history",
    "journal",
    "kitchen",
    "machine",
    "monitor",
    "network",
    "officer",
    "painter",
    "quarter",
    "railway",
    "sailor",
    "theatre",
    "uniform",
    "voyage",
]

Found = tuple[Sequence[Step], int | None]


def page(chance: Random, words: int) -> str:
    """Some text that no other call gives."""
    return " ".join(
        chance.choice(_WORDS) + chance.choice(("", "s", "ing", "ed", f" {chance.randrange(100)}")) for _ in range(words)
    )


def aside(chance: Random, text: str) -> str:
    """The same text with a word or two changed and perhaps its halves exchanged."""
    words = text.split()
    words[chance.randrange(len(words))] = chance.choice(_WORDS)
    half = chance.choice((0, 0, len(words) // 2))
    return " ".join(words[half:] + words[:half])


def thought(chance: Random) -> str:
    """What a model thinks before a call; openings repeat, the rest does not."""
    opening = chance.choice(("I need to", "Let me", "Next I will", "I should now"))
    return f"{opening} {page(chance, chance.randrange(6, 20))}."


def noise(chance: Random, steps: int) -> list[Step]:
    """Ordinary steps, each new."""
    kinds = (
        lambda: call("lookup", {"term": page(chance, 2)}, page(chance, 20), thought=thought(chance)),
        lambda: say(page(chance, 20).capitalize() + "."),
        lambda: call(
            "get_details",
            {"id": chance.randrange(10**6, 10**7)},
            {"name": page(chance, 3), "price": chance.randrange(10**4)},
        ),
    )
    return [chance.choice(kinds)() for _ in range(steps)]


def _many(chance: Random) -> range:
    return range(chance.randrange(4, 14))


def one_lookup_per_item(chance: Random) -> Found:
    write = chance.choice((call, bare))

    def order() -> Step:
        number = f"#W{chance.randrange(10**6, 10**7)}"
        return write(
            "get_order_details",
            {"order_id": number},
            {"order_id": number, "status": chance.choice(("pending", "delivered")), "item": chance.choice(THINGS)},
        )

    return [order() for _ in _many(chance)], None


def one_short_answer_per_item(chance: Random) -> Found:
    return [
        call("add_label", {"ticket": chance.randrange(10**4, 10**5), "label": "billing"}, {"ok": True}, write=True)
        for _ in _many(chance)
    ], None


def nothing_found_for_each_item(chance: Random) -> Found:
    return [
        call("search_flight", {"origin": city, "destination": "Rome", "date": "2024-05-20"}, [])
        for city in chance.sample(CITIES, 6)
    ], None


def polling_with_progress(chance: Random) -> Found:
    job, done = f"job-{chance.randrange(1000, 9999)}", sorted(chance.sample(range(100), 8))
    return [
        call(
            "job_status",
            {"job": job},
            {"job": job, "state": "running", "workers": 4, "queue": "fast lane", "done_percent": at},
        )
        for at in done
    ], None


def pages_with_new_results(chance: Random) -> Found:
    return [call("search", {"query": "open tickets", "page": at}, page(chance, 40)) for at in _many(chance)], None


def retries_that_succeed(chance: Random) -> Found:
    again = call("charge", {"order": 17}, "Error: upstream timeout", failed=True)
    return [*noise(chance, 3), again, again, call("charge", {"order": 17}, {"status": "ok"}), *noise(chance, 3)], None


def reading_again_after_each_write(chance: Random) -> Found:
    steps: list[Step] = []
    for at in _many(chance):
        steps += [
            call("read_cart", {}, {"items": ["kettle"], "total": 20}),
            call("add_item", {"item": THINGS[at % 10], "n": at}, {"ok": True}, write=True),
        ]
    return steps, None


def back_to_the_list_for_each_item(chance: Random) -> Found:
    listing, steps = page(chance, 50), []
    for at in _many(chance):
        steps += [
            call("goto", {"url": "/list"}, listing),
            call("click", {"bid": str(100 + at)}, page(chance, 50), thought=thought(chance)),
        ]
    return steps, None


def edit_and_test_in_turns(chance: Random) -> Found:
    steps: list[Step] = []
    for at in _many(chance):
        edit = call("edit", {"path": "app.py", "new": page(chance, 8)}, "edited")
        failed = f"E assert {page(chance, 2)} == 2 in {page(chance, 1)}.py\n{20 - at} failed in {chance.random():.2f}s"
        steps += [edit, call("bash", {"command": "pytest -q"}, failed, failed=True)]
    return steps, None


def customer_with_several_orders(chance: Random) -> Found:
    steps: list[Step] = []
    for thing in chance.sample(THINGS, 5):
        number = f"#W{chance.randrange(10**6, 10**7)}"
        steps += [
            say(
                f"To confirm, you would like to return the {thing} from order {number} and get the refund to your gift card. Shall I go ahead (yes or no)?"
            ),
            call("return_item", {"order_id": number, "item": thing}, {"status": "return requested"}),
            say(
                f"The return of the {thing} (order {number}) has been requested. You will receive an email with instructions. Is there anything else I can help you with?"
            ),
        ]
    return steps, None


def customer_who_insists(chance: Random) -> Found:
    refusals = (
        "I understand your frustration, but I cannot refund the travel insurance because it is not refundable. Do you have another question?",
        "Unfortunately the insurance cannot be cancelled on its own. If you need help with the flight itself, please let me know.",
        "As I said earlier, insurance is never refunded under our policy. Would you like to change or cancel the reservation instead?",
        "I am sorry, there is no exception that I can make here. A colleague could explain the rules in more detail if you wish.",
    )
    return [*noise(chance, 2), *(say(text) for text in refusals)], None


def courtesies(chance: Random) -> Found:
    steps: list[Step] = []
    for _ in _many(chance):
        steps += [*noise(chance, 1), say("Is there anything else I can help you with today?")]
    return steps, None


def research_on_one_topic(chance: Random) -> Found:
    queries = (
        "founded",
        "history of founder",
        "current owner",
        "annual revenue 2020",
        "headquarters address",
        "first product year",
    )
    return [
        call(
            "web_search",
            {"query": f"{chance.choice(CITIES)} {chance.choice(THINGS)} company {query}"},
            page(chance, 40),
        )
        for query in queries
    ], None


def one_search_per_city(chance: Random) -> Found:
    return [
        call(
            "web_search",
            {"query": f"population of {city} city in the latest census"},
            f"{city} has a population of {chance.randrange(10**5, 10**6)} according to the latest census. {page(chance, 20)}",
        )
        for city in chance.sample(CITIES, 7)
    ], None


def filling_a_form(chance: Random) -> Found:
    head = page(chance, 80)
    return [
        call(
            "fill",
            {"bid": str(40 + at), "value": page(chance, 2)},
            f"{head} {page(chance, 10)}",
            thought=thought(chance),
        )
        for at in _many(chance)
    ], None


def scrolling_through_a_page(chance: Random) -> Found:
    return [call("scroll", {"x": 0, "y": 500}, page(chance, 60)) for _ in _many(chance)], None


def team_that_moves_on(chance: Random) -> Found:
    steps: list[Step] = []
    tasks = (
        "open the site of the museum",
        "find the page about opening hours",
        "read the table of prices",
        "compare it with the archive",
        "write the answer as a short list",
        "check the sum with a script",
    )
    for task in tasks:
        ledger = f'{{"is_request_satisfied": {{"reason": "The request is not satisfied yet, we still need to {task}.", "answer": false}}, "is_in_loop": {{"reason": "No actions are repeated.", "answer": false}}, "next_speaker": {{"answer": "WebSurfer"}}}}'
        steps += [
            act("Orchestrator", ledger, "thought"),
            act("Orchestrator", f"Please {task} and report what you find.", "instruction"),
            act(
                "WebSurfer",
                f"I clicked the link. Here is a screenshot of the page. The viewport shows {chance.randrange(100)}% of it. {page(chance, 30)}",
            ),
        ]
    return steps, None


def team_with_one_order_each(chance: Random) -> Found:
    steps: list[Step] = []
    for _ in _many(chance):
        number = f"W{chance.randrange(10**6, 10**7)}"
        steps += [
            act(
                "Orchestrator",
                f"Please look up order {number} in the database and report its status and items.",
                "instruction",
            ),
            act("Worker", f"Order {number} holds a {chance.choice(THINGS)}: {page(chance, 12)}."),
        ]
    return steps, None


def team_with_one_city_each(chance: Random) -> Found:
    steps: list[Step] = []
    for city in chance.sample(CITIES, 6):
        steps += [
            act(
                "Orchestrator",
                f"Please find the opening hours of the city library in {city} and report them.",
                "instruction",
            ),
            act("WebSurfer", f"In {city}: {page(chance, 25)}."),
        ]
    return steps, None


def different_calls_in_model_spans_only(chance: Random) -> Found:
    return [ask("click", {"bid": str(chance.randrange(10**4))}, thought(chance)) for _ in _many(chance)], None


def answers_of_one_pattern(chance: Random) -> Found:
    return [
        say(f"The {thing} costs {chance.randrange(100, 999)} dollars in the shop in {city}, shipping included.")
        for thing, city in zip(chance.sample(THINGS, 6), chance.sample(CITIES, 6), strict=True)
    ], None


def all_sorts(chance: Random) -> Found:
    return noise(chance, chance.randrange(5, 40)), None


def looking_up_the_customer_now_and_then(chance: Random) -> Found:
    user = call("get_user", {"user": "mia_li"}, {"name": "Mia Li", "orders": [1, 2, 3]})
    steps: list[Step] = []
    for _ in range(4):
        steps += [user, say(page(chance, 30)), *noise(chance, 2)]
    return steps, None


def asking_for_the_time_while_talking(chance: Random) -> Found:
    steps: list[Step] = []
    for _ in range(4):
        steps += [call("get_policy", {}, "Refunds take five days."), say(page(chance, 30))]
    return steps, None


def log_that_grows(chance: Random) -> Found:
    lines = [f"2026-11-02 03:1{at}:00 built {page(chance, 6)}" for at in range(9)]
    return [call("bash", {"command": "tail build.log"}, "\n".join(lines[: at + 1][-4:])) for at in range(9)], None


def clicking_through_next(chance: Random) -> Found:
    return [
        call("click", {"bid": "88"}, page(chance, 60), thought="Let me look at the next page of the results.")
        for _ in _many(chance)
    ], None


def three_failures_then_success(chance: Random) -> Found:
    again = call("fetch", {"url": "/report"}, "Error: 503 service unavailable", failed=True)
    return [
        *noise(chance, 2),
        again,
        again,
        again,
        call("fetch", {"url": "/report"}, page(chance, 20)),
        *noise(chance, 2),
    ], None


def files_of_one_package(chance: Random) -> Found:
    head = (
        "# Copyright 2026 the authors of this package. Licensed under the Apache License, Version 2.0; see LICENSE for the terms. "
        * 3
    )
    return [
        call("read_file", {"path": f"src/{thing}/models.py"}, head + page(chance, 20))
        for thing in chance.sample(THINGS, 7)
    ], None


def surfer_on_other_pages(chance: Random) -> Found:
    steps: list[Step] = []
    for thing in chance.sample(THINGS, 7):
        steps += [
            act("Orchestrator", f"{page(chance, 14)}", "instruction"),
            act(
                "WebSurfer",
                f"I typed '{thing} {page(chance, 2)}' into '0 characters out of 2000'. Here is a screenshot of [{thing} - Search](https://www.bing.com/search?q={thing}). The viewport shows {chance.randrange(20, 80)}% of the webpage, and is positioned at the top of the page. The following metadata was extracted from the webpage: {page(chance, 25)}",
            ),
        ]
    return steps, None


def free_text_notes(chance: Random) -> Found:
    return [
        call(
            "add_note",
            {"text": f"Called the customer {name} about the open invoice and left a message."},
            {"ok": True},
            write=True,
        )
        for name in chance.sample(CITIES, 7)
    ], None


def thinking_aloud_in_one_pattern(chance: Random) -> Found:
    return [
        call(
            "calculate",
            {"expression": f"{chance.randrange(999)} + {chance.randrange(999)}"},
            str(chance.randrange(2000)),
            thought="I will calculate the total price with the calculator tool now.",
        )
        for _ in _many(chance)
    ], None


def customer_handed_from_desk_to_desk(chance: Random) -> Found:
    steps: list[Step] = [say("Hello, how can I help you today?", "triage")]
    for _ in _many(chance):
        desk = chance.choice(("billing", "shipping"))
        steps += [
            say(page(chance, 30), desk),
            say("Is there anything else that I can help you with today, dear customer?", desk),
        ]
    return steps, None


ORDINARY: tuple[Family, ...] = (
    one_lookup_per_item,
    one_short_answer_per_item,
    nothing_found_for_each_item,
    polling_with_progress,
    pages_with_new_results,
    retries_that_succeed,
    reading_again_after_each_write,
    back_to_the_list_for_each_item,
    edit_and_test_in_turns,
    customer_with_several_orders,
    customer_who_insists,
    courtesies,
    research_on_one_topic,
    one_search_per_city,
    filling_a_form,
    scrolling_through_a_page,
    team_that_moves_on,
    team_with_one_order_each,
    team_with_one_city_each,
    different_calls_in_model_spans_only,
    answers_of_one_pattern,
    all_sorts,
    customer_handed_from_desk_to_desk,
    looking_up_the_customer_now_and_then,
    asking_for_the_time_while_talking,
    log_that_grows,
    clicking_through_next,
    three_failures_then_success,
    files_of_one_package,
    surfer_on_other_pages,
    free_text_notes,
    thinking_aloud_in_one_pattern,
)
