"""Made-up runs of an orchestrator with a ledger, a web surfer and a file surfer, in the shapes recorded ones have.

What is said where, how instructions are reworded and what the surfers answer follow the Magentic-One runs of the
Who&When data (see ``docs/loops.md``); the subjects are made up.
"""

import json
from collections.abc import Sequence
from random import Random

from tests.incident.ordinary_runs import CITIES, THINGS, page
from tests.incident.run_steps import Family, Step, act

Found = tuple[Sequence[Step], int | None]

DOWN = "I scrolled down one page in the browser."


def ledger(chance: Random, *, loop: bool = False) -> Step:
    """The orchestrator's book-keeping, so long that the verdict stands where long words are cut."""
    reasons = [page(chance, 40) for _ in range(3)]
    kept = {
        "is_request_satisfied": {"reason": reasons[0], "answer": False},
        "is_in_loop": {"reason": reasons[1], "answer": loop},
        "is_progress_being_made": {"reason": reasons[2], "answer": not loop},
        "instruction_or_question": {"reason": page(chance, 30), "answer": page(chance, 10)},
    }
    return act("Orchestrator", f"Updated Ledger:\n{json.dumps(kept, indent=2)}", "thought")


def tell(text: str, to: str = "WebSurfer") -> list[Step]:
    return [act("Orchestrator", text, f"-> {to}"), act("Orchestrator", f"Next speaker {to}", "thought")]


def surf(chance: Random, deed: str, title: str, seen: int = 0, text: str = "") -> Step:
    """What a surfer did, and a screenshot whose text is read a little differently each time."""
    read = " ".join(word for word in text.split() if chance.random() < 0.9) or page(chance, 60)
    where = f"{seen}% down from the top of the page" if seen else "at the top of the page"
    return act(
        "WebSurfer",
        f"{deed}\n\nHere is a screenshot of [{title}](https://example.com/{title.replace(' ', '+')}?cvid={chance.getrandbits(128):032x}). "
        f"The viewport shows 9% of the webpage, and is positioned {where}.\nAutomatic OCR of the page screenshot has detected the "
        f"following text:\n\n{read}",
    )


def _turns(chance: Random) -> range:
    return range(chance.randrange(3, 8))


def scrolling_on_and_on(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    ways = (
        f"Please scroll through the 'History of the {thing}' article to find and open the link to the paper mentioned at its bottom.",
        "Please continue scrolling down the article to find the link to the paper mentioned at the bottom of the article.",
        "Please continue scrolling down the article until you reach the bottom and find the link to the mentioned paper.",
        "Search the article for words like 'full paper' or 'published' to quickly locate the link to the paper mentioned at the bottom.",
    )
    steps: list[Step] = [ledger(chance)]
    third = 0
    for turn, way in enumerate(ways):
        steps += tell(way)
        steps.append(surf(chance, DOWN, f"History of the {thing}", 9 * (turn + 1)))
        third = len(steps) if turn == 2 else third  # each part is new: it is the ledger that says that it loops
        steps.append(ledger(chance, loop=turn > 1))
    return steps, third


def one_element_clicked_for_every_request(chance: Random) -> Found:
    city = chance.choice(CITIES)
    ways = [
        f"Please enter the date range from June 2020 to June 2023 and extract the daily temperatures of {city}. Save them as a CSV file.",
        f"Please choose the date range from June 2020 to June 2023 to get the daily temperatures of {city}, first the month, then the year.",
        f"Please open the archive of the other weather site to extract the daily temperatures of {city} for June 2020 to June 2023.",
    ]
    steps: list[Step] = []
    third = 0
    for turn in _turns(chance):
        third = len(steps) if turn == 2 else third
        steps += tell(ways[min(turn, 2)])
        steps += [surf(chance, "I clicked 'Month Selection'.", "Weather History"), ledger(chance, loop=turn > 2)]
    return steps, third


def file_opened_again(chance: Random) -> Found:
    path = f"/workspace/{chance.choice(THINGS)}_report.zip"
    ways = (
        f"Please unzip the file located at {path} and locate the table inside. Then prepare it for analysis.",
        f"Please unzip the file located at {path} and locate the table inside.",
        f"Please unzip the file located at {path}",
        f"Please unzip the file located at {path} and list the contents.",
    )
    steps: list[Step] = []
    third = 0
    for turn, way in enumerate(ways):
        ago = f"You previously visited this page {chance.randrange(8, 40)} seconds ago.\n" if turn else ""
        third = len(steps) if turn == 2 else third
        steps += tell(way, "FileSurfer")
        steps.append(
            act("FileSurfer", f"Address: file://{path}\nTitle: Download complete.\n{ago}Saved file to '{path}'")
        )
    return steps, third


def asked_again_where_nobody_answers(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    ends = ("", " by searching online", " by checking reliable sources", " once more")
    steps: list[Step] = []
    third = 0
    for turn, end in enumerate(ends):
        third = len(steps) if turn == 2 else third
        steps += [
            *tell(f"Please verify whether the 'Old {thing}' and the 'New {thing}' are made of copper{end}."),
            ledger(chance),
        ]
    return steps, third


def one_goal_at_many_sites(chance: Random) -> Found:
    city, goal = chance.choice(CITIES), "the lowest price of a family house sold in January"
    ways = (
        f"Please refine the search on Zillow or other platforms like Realtor to look for {goal} in {city} and provide a summary of the sale.",
        f"Search for {goal} in {city} on platforms like Realtor, Redfin or local county records, and provide a summary of the sale with the price.",
        f"Please look specifically on Redfin or in the local county records for {goal} in {city}. Summarize the sale with its price.",
    )
    deeds = ("I clicked 'Search'.", f"I typed 'houses in {city}' into 'Search'.", "I clicked 'Sold'.")
    steps: list[Step] = []
    third = 0
    for turn, (way, deed) in enumerate(zip(ways, deeds, strict=True)):
        third = len(steps) if turn == 2 else third
        steps += [*tell(way), surf(chance, deed, page(chance, 3)), ledger(chance, loop=turn == 1)]
    return steps, third


def ledger_that_admits_it_twice(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    ways = (
        f"Please find the schedules of the schools for {thing} makers near the station and check their distance.",
        f"Return to the list of schools and open those links that could give schedules for {thing} makers near the station.",
        f"Please focus on gathering schedules of {thing} maker schools near the station and check the walking distance.",
        f"Please visit the listings of schools for {thing} makers, gather their schedules and verify that they are near the station.",
    )
    steps: list[Step] = []
    third = 0
    for turn, way in enumerate(ways):
        steps += [
            *tell(way),
            surf(chance, f"I clicked '{page(chance, 2)}'.", page(chance, 3)),
            ledger(chance, loop=turn > 0),
        ]
        third = len(steps) - 1 if turn == 2 else third
    return steps, third


def one_page_whatever_is_asked(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    news, title = f"the press releases of the {thing} works", f"{thing.capitalize()} works, all news"
    turns = (
        (f"Please open {news} and look for new directors of that year.", "I clicked 'View all'."),
        (f"Please look for new directors in {news}, and choose the year first.", f"I clicked '{page(chance, 2)}'."),
        (
            f"Please go on with {news}, choose the year and read on about new directors.",
            f"I clicked '{page(chance, 2)}'.",
        ),
    )
    steps: list[Step] = []
    third = 0
    for turn, (way, deed) in enumerate(turns):
        third = len(steps) if turn == 2 else third
        steps += [*tell(way), surf(chance, deed, title)]
    return steps, third


def one_menu_that_never_opens(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    menu, title, text = f"I clicked 'Select {thing}:'.", f"{thing.capitalize()} works, all news", page(chance, 60)
    steps: list[Step] = []
    third = 0
    for turn in _turns(chance):
        steps += [*tell(f"Please {page(chance, 12)}."), surf(chance, menu, title, text=text)]
        third = len(steps) - 1 if turn == 2 else third
    return steps, third


TEAMS_LOOPING: tuple[Family, ...] = (
    scrolling_on_and_on,
    one_element_clicked_for_every_request,
    file_opened_again,
    asked_again_where_nobody_answers,
    one_goal_at_many_sites,
    ledger_that_admits_it_twice,
    one_page_whatever_is_asked,
    one_menu_that_never_opens,
)


def one_film_after_another(chance: Random) -> Found:
    steps: list[Step] = []
    for thing in chance.sample(THINGS, 7):
        film = f"The {thing.capitalize()} of {chance.choice(CITIES)}"
        steps += [
            ledger(chance),
            *tell(f"Please check the availability of '{film}' on Netflix (US)."),
            surf(chance, f"I typed '{film} movie availability on Netflix US' into 'Search'.", f"{film} - Search"),
        ]
    return steps, None


def list_that_gets_shorter(chance: Random) -> Found:
    gyms = [f"{city} Fitness" for city in chance.sample(CITIES, 5)]
    steps: list[Step] = []
    for at, gym in enumerate(gyms):
        rest = ", ".join(gyms[at:])
        steps += [
            ledger(chance),
            *tell(f"Please check if {rest} are fitness centers and not gymnastics centers."),
            surf(
                chance,
                f"I clicked '{gym}\nGym\n25550 Main St\n(304) 675-{chance.randrange(10**4)}'.",
                "gyms near the station",
            ),
        ]
    return steps, None


def goal_said_again_on_the_way(chance: Random) -> Found:
    thing, city = chance.choice(THINGS), chance.choice(CITIES)
    goal = f"find the year in which the {thing} works of {city} were founded"
    turns = (
        (f"Please search for the site of the town museum and {goal}.", f"I typed '{city} museum' into 'Search'."),
        (f"Please open the first link of the museum and {goal}.", "I clicked 'Museum'."),
        (f"Please scroll to the section about industry and {goal}.", DOWN),
        ("Please count the years from then to 1990.", "I counted them: 71 years."),
    )
    steps: list[Step] = []
    for way, deed in turns:
        steps += [ledger(chance), *tell(way), surf(chance, deed, page(chance, 3))]
    return steps, None


def ledger_that_admits_it_once(chance: Random) -> Found:
    steps: list[Step] = []
    for turn in range(5):
        steps += [
            ledger(chance, loop=turn == 2),
            *tell(f"Please {page(chance, 14)}."),
            surf(chance, f"I clicked '{page(chance, 3)}'.", page(chance, 4)),
        ]
    return steps, None


def each_request_leads_a_page_on(chance: Random) -> Found:
    goal = f"find the {chance.choice(THINGS)} rule with most changes, then its first article, and the word that was deleted"
    ways = (
        f"Please go to the site of the law school of {chance.choice(CITIES)}, {goal}.",
        f"Please go to the site of the law school, {goal} in the last change.",
        f"On the site of the law school, please {goal} last.",
        f"On the site of the law school, {goal}.",
    )
    steps: list[Step] = []
    for way in ways:
        steps += [ledger(chance), *tell(way), surf(chance, f"I clicked '{page(chance, 3)}'.", page(chance, 4))]
    return steps, None


def reading_on_through_one_page(chance: Random) -> Found:
    thing = chance.choice(THINGS)
    way = f"Please continue to scroll through the page about {thing} makers and note who led a company before."
    steps: list[Step] = []
    for turn in range(5):
        steps += [*tell(way), surf(chance, DOWN, f"{thing.capitalize()} makers", 9 * (turn + 1))]
    return steps, None


def one_question_for_each_expert(chance: Random) -> Found:
    """All of them are asked before the first one answers, and all find something."""
    experts = [f"{thing}-expert" for thing in chance.sample(THINGS, chance.randrange(4, 7))]
    steps: list[Step] = [
        act(
            "planner",
            f"Query the database with the recommended statement to look for {page(chance, 2)} and judge whether "
            f"{page(chance, 2)} may be the root cause.",
            f"-> {expert}",
        )
        for expert in experts
    ]
    return [*steps, *(act(expert, page(chance, 30)) for expert in experts)], None


TEAMS_ORDINARY: tuple[Family, ...] = (
    one_film_after_another,
    list_that_gets_shorter,
    goal_said_again_on_the_way,
    ledger_that_admits_it_once,
    each_request_leads_a_page_on,
    reading_on_through_one_page,
    one_question_for_each_expert,
)
