"""Made-up runs of agents that walk through rooms and click on screens, in the shapes of recorded ones."""

from collections.abc import Iterator, Sequence
from random import Random

from tests.incident.ordinary_runs import THINGS, page
from tests.incident.run_steps import Family, Step, bare, call, say

Found = tuple[Sequence[Step], int | None]

_ROOMS = ("pantry", "garden", "cellar", "attic", "hall", "porch", "study", "stable")
_OPENS = "    lamp.begin(color);\n" + "\n".join(
    f"    lamp.circle(width / {at}, height / {at}, {at}); // part {at}" for at in range(2, 12)
)


def _turns(chance: Random, fewest: int) -> range:
    return range(chance.randrange(fewest, fewest + 6))


def _done(deed: str) -> Step:
    return call("act", deed, "{'message': 'Success'}")


def door_that_does_not_open(chance: Random) -> Found:
    thing, steps = chance.choice(THINGS), []
    for _ in range(chance.randrange(3, 5)):
        seen = f"Seen ({chance.randrange(9, 99)}): {', '.join(chance.sample(THINGS, 9))}"
        steps.append(call("act", f"[open] <{thing}> (171)", f"Impossible to execute the script\n{seen}", failed=True))
        steps.append(_done(f"[switchon] <{thing}> (171)"))
    return [*steps[:-1], _done("[walk] <attic> (12)")], 4


def box_clicked_in_vain(chance: Random) -> Found:
    thing, steps = chance.choice(THINGS), []
    for turn in _turns(chance, 3):
        wide, high = chance.randrange(40, 90), chance.randrange(8, 20)
        left = f"<box>{150 - high},{506 - wide},{150 + high},{506 + wide}</box>"
        seen = "My last action was incorrect, the page has not changed." if turn else "I am on the form."
        steps.append(
            call("agentClick", {"box": left}, ..., thought=f"{seen} I should click the '{thing}' tab above it.")
        )
    return steps, 2


def _moves(deeds: Sequence[tuple[str, str]], first: int = 1) -> list[Step]:
    """Deeds in a game that tells with each answer how many moves were made."""
    return [call("act", deed, f"{answer}\n> Score: 0/10 Moves: {at}") for at, (deed, answer) in enumerate(deeds, first)]


def to_and_fro_while_moves_are_counted(chance: Random) -> Found:
    (here, there), thing = chance.sample(_ROOMS, 2), chance.choice(THINGS)
    way = [
        ("go north", f"You are in the {here}. A door leads south."),
        ("go south", f"You are in the {there}. A door leads north."),
    ]
    look = [(f"examine {thing}", f"The {thing} is of no use to you.")]
    rounds = [*way, *look] * (2 + len(_turns(chance, 1)))
    return _moves([*_walk(chance, 3), *rounds]), 3 + 6


def _walk(chance: Random, rooms: int) -> list[tuple[str, str]]:
    return [(f"enter the {room}", f"The {room}: {page(chance, 12)}") for room in chance.sample(_ROOMS, rooms)]


def searches_that_find_the_same_profile(chance: Random) -> Found:
    profile, thing = page(chance, 30), chance.choice(THINGS)
    queries = (
        f"{thing} price today",
        f"cost of one {thing} now",
        f"how much to pay for a {thing}",
        f"{thing} shop list",
    )
    wish = "The last search did not return the price, only a profile of the firm. I search for it in other words."
    return [
        call("web_search", {"query": query}, profile, thought=wish if turn else "I search for it.")
        for turn, query in enumerate(queries[: chance.randrange(3, 5)])
    ], 2


def long_edit_that_did_not_take(chance: Random) -> Found:
    sorry = (
        "I understand that the previous attempts to change the lamp were unsuccessful. I will try once more.",
        "My last edit was rejected, it seems. Here is the same drawing again, with the exact lines around it.",
        "I apologize for the repeated error. I will now replace the whole block in the file at once.",
    )
    thoughts = ("I draw the lamp as you wish.", *(sorry[turn % 3] for turn in _turns(chance, 3)))
    return [call("edit", f"{_OPENS}\n// {page(chance, 5)}", ..., thought=thought) for thought in thoughts], 2


def handed_in_again_and_again(chance: Random) -> Found:
    read = [call("read", {"path": f"{thing}.md"}, page(chance, 20)) for thing in chance.sample(THINGS, 3)]
    return [*read, *(bare("finish", {}, ...) for _ in _turns(chance, 6))], 3 + 2


ROOM_AND_SCREEN_LOOPING: tuple[Family, ...] = (
    door_that_does_not_open,
    box_clicked_in_vain,
    to_and_fro_while_moves_are_counted,
    searches_that_find_the_same_profile,
    long_edit_that_did_not_take,
    handed_in_again_and_again,
)


def plan_begun_again_after_a_failure(chance: Random) -> Found:
    here, there, thing = chance.sample(THINGS, 3)
    plan = [f"[{deed}] <{here}> (162)" for deed in ("walk", "open", "close")]
    plan[2:2] = [f"[grab] <{thing}> (176)"]
    plan += [f"[{deed}] <{there}> (171)" for deed in ("walk", "open", "close")]
    failed = call("act", "[switchon] <stand> (157)", "Failed: the stand has no switch.", failed=True)
    again = plan[: chance.randrange(1, 4)]
    return [*map(_done, plan), failed, say(f"I plan anew: {page(chance, 12)}"), *map(_done, again)], None


def fields_with_choices_at_the_same_place(chance: Random) -> Found:
    steps: list[Step] = []
    for field in chance.sample(THINGS, 6):
        for part in ("list", "choice"):
            box = f"<box>{chance.randrange(770, 784)},364,813,967</box>"
            wish = (
                f"My last action was successful. The {part} of '{field}' is next, which I need to click for the form."
            )
            steps.append(call("agentClick", {"box": box}, ..., thought=wish))
    return steps, None


def walk_while_moves_are_counted(chance: Random) -> Found:
    deeds = [deed for part in (_walk(chance, 4), _walk(chance, 4)) for deed in (*part, ("look", page(chance, 9)))]
    return _moves(deeds, chance.randrange(1, 9)), None


def boxes_packed_while_they_are_counted(chance: Random) -> Found:
    """The number is all there is to answer, so it tells how far the work is."""
    things = chance.sample(THINGS, 4)
    packed = [f"pack a {thing}" for _ in range(chance.randrange(3, 6)) for thing in things]
    return [call("act", deed, f"Done. Boxes on the pallet: {at}") for at, deed in enumerate(packed, 1)], None


def jobs_handed_out_in_turn(chance: Random) -> Found:
    workers = chance.sample(THINGS, 4) * chance.randrange(3, 6)
    told = f"of {len(workers)} was sent to"
    return [
        call("dispatch", {"to": worker}, f"Job {at} {told} {worker}.") for at, worker in enumerate(workers, 1)
    ], None


def chest_filled_coin_by_coin(chance: Random) -> Found:
    def coins() -> Iterator[tuple[str, str]]:
        for held in range(1, 1 + len(_turns(chance, 5))):
            yield "drop a coin into the chest", f"The chest holds {held} coins now."
            yield "look into the chest", f"There are {held} coins."

    return [call("act", deed, answer) for deed, answer in coins()], None


def files_under_one_licence(chance: Random) -> Found:
    steps: list[Step] = []
    for turn in _turns(chance, 4):
        thought = (
            "The file was written successfully, so I go on with the next one." if turn else "I begin with the files."
        )
        steps.append(call("write", f"{_OPENS}\n{page(chance, 40)}", ..., thought=thought))
    return steps, None


def one_profile_read_for_three_facts(chance: Random) -> Found:
    profile, thing = page(chance, 30), chance.choice(THINGS)
    wishes = ("who makes it", "since when it is made", "in which town it is made")
    return [
        call("web_search", f"{thing}: {wish}", profile, thought=f"That was told. Next I look up {wish}.")
        for wish in wishes
    ], None


def one_profile_read_although_it_lacks_a_fact(chance: Random) -> Found:
    profile, thing = page(chance, 30), chance.choice(THINGS)
    facts = ("who makes it", "since when it is made", "in which town it is made", "how much one costs")
    return [
        call(
            "web_search",
            f"{thing}: {fact}",
            profile,
            thought=f"That was told. It does not mention {fact}: I look it up.",
        )
        for fact in facts
    ], None


def one_button_for_each_post(chance: Random) -> Found:
    """Each post comes to stand where the one before it was."""
    steps = []
    for at, thing in enumerate(chance.sample(THINGS, 6)):
        box = f"<box>{chance.randrange(300, 306)},312,{328 + at},370</box>"
        steps.append(call("agentClick", {"box": box}, ..., thought=f"Next post, on {thing}. I tap the 'Like' button."))
    return steps, None


def nothing_found_for_any_of_them(chance: Random) -> Found:
    told = "No results were found that match your search. Please check the spelling, or try it again with fewer words."
    wish = "The search did not return anything for this one either. I go on with the next on the list."
    things = chance.sample(THINGS, 4)
    return [call("web_search", {"query": f"maker of the {thing}"}, told, thought=wish) for thing in things], None


def field_by_field_with_an_answer_for_each(chance: Random) -> Found:
    steps: list[Step] = []
    for at, field in enumerate(chance.sample(THINGS, 6)):
        given = {"text": field, "box": f"<box>{300 + 40 * at},312,{328 + 40 * at},1270</box>"}
        steps += [bare("agentType", given, ...), bare("return", {}, ...), bare("return", {"value": "true"}, ...)]
    return steps, None


def waits_while_the_page_loads(chance: Random) -> Found:
    wish = "The page has not changed since my last action, for it is still loading. I wait for it."
    waits = [call("wait", {"seconds": 2}, ..., thought=wish) for _ in range(chance.randrange(2, 6))]
    return [*waits, call("click", {"element": 7}, ..., thought="Now it is there.")], None


ROOM_AND_SCREEN_ORDINARY: tuple[Family, ...] = (
    plan_begun_again_after_a_failure,
    fields_with_choices_at_the_same_place,
    walk_while_moves_are_counted,
    boxes_packed_while_they_are_counted,
    jobs_handed_out_in_turn,
    chest_filled_coin_by_coin,
    files_under_one_licence,
    one_profile_read_for_three_facts,
    one_profile_read_although_it_lacks_a_fact,
    one_button_for_each_post,
    nothing_found_for_any_of_them,
    field_by_field_with_an_answer_for_each,
    waits_while_the_page_loads,
)
