"""Made-up runs in which it matters what a model is told: refusals, questions asked again, results of actions written as text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from tests.incident.ordinary_runs import CITIES, THINGS, page
from tests.incident.run_steps import Family, Step, act, ask, call

Found = tuple[Sequence[Step], int | None]
Message = Mapping[str, object]

REFUSAL = "Could not parse the answer. Every answer must hold exactly one tool call in the form shown above."


def _message(role: str, text: str) -> Message:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def answer(heard: Sequence[Message], text: str, *, failed: bool = False, read: int | None = None) -> Step:
    """A model call that answers in words, with the messages it was given and the number of tokens it ``read``."""
    values: dict[str, object] = {"gen_ai.operation.name": "chat", "gen_ai.agent.name": "worker"}
    values["gen_ai.input.messages"] = json.dumps(heard)
    values["gen_ai.output.messages"] = json.dumps([_message("assistant", text)])
    if read is not None:
        values["gen_ai.usage.input_tokens"] = read
    return (("chat", values, failed),)


def conversation(turns: Sequence[tuple[str, str]], *, whole: bool) -> Iterator[Step]:
    """Answers to messages, each given the ``whole`` conversation before it, or only what is new."""
    history: list[Message] = [_message("system", "You are a helpful agent with tools.")]
    for heard, said in turns:
        new = _message("user", heard)
        given = [*history, new] if whole else [*history[:1], new][-1 if len(history) > 1 else 0 :]
        yield answer(given, said, read=len(json.dumps([*history, new])) // 4)
        history += [new, _message("assistant", said)]


def _refused(chance: Random, *, whole: bool) -> Found:
    begun = (f"Write down all that is known about {chance.choice(THINGS)}.", page(chance, 20))
    turns = [begun, *((REFUSAL, page(chance, 14)) for _ in range(chance.randrange(3, 8)))]
    return list(conversation(turns, whole=whole)), 3


def refused_in_the_same_words(chance: Random) -> Found:
    return _refused(chance, whole=False)


def refused_in_the_same_words_with_history(chance: Random) -> Found:
    return _refused(chance, whole=True)


def _mended(chance: Random, refusals: int) -> Sequence[Step]:
    """An answer that is refused so often before the call that was meant comes at last."""
    turns = [page(chance, 20), *(page(chance, 14) for _ in range(refusals - 1)), f"Action: search[{page(chance, 2)}]"]
    wish = f"Write down all that is known about {chance.choice(THINGS)}."
    heard = [wish, *(REFUSAL for _ in range(refusals))]
    return list(conversation(list(zip(heard, turns, strict=True)), whole=chance.random() < 0.5))


def refused_three_times_before_a_call(chance: Random) -> Found:
    return _mended(chance, 3), 3


def refused_twice_before_a_call(chance: Random) -> Found:
    return _mended(chance, 2), None


def nobody_helps_who_asks_again(chance: Random) -> Found:
    question = f"Where is my parcel with the {chance.choice(THINGS)} that I ordered last week?"
    turns = [("Hello there", "Hello, what can I do?"), *((question, page(chance, 12)) for _ in range(4))]
    return list(conversation(turns, whole=chance.random() < 0.5)), 3


def _react(turns: Sequence[tuple[str, str, str, str]]) -> list[Step]:
    spoken, heard = [], "Find out what there is to know."
    for thought, tool, given, observed in turns:
        spoken.append((heard, f"Thought: {thought}\nAction: {tool}\nAction Input: {given}"))
        heard = f"Observation: {observed}"
    return list(conversation([*spoken, (heard, "Thought: I give up.")], whole=True))


def a_job_asked_for_in_text_gets_on(chance: Random) -> Found:
    """As CrewAI writes it: what came of an action stands in the answer that asked for it."""
    job = f"render the {chance.choice(THINGS)}"
    history = [_message("system", "You have tools."), _message("user", "See the job through, please.")]
    steps: list[Step] = []
    for done in range(10, 90, 13):
        asked = f"Thought: {page(chance, 9)}\nAction: job_progress\nAction Input: {job}"
        steps.append(answer(history, asked))
        history = [*history, _message("assistant", f"{asked}\nObservation: {done}% of the pictures are drawn")]
    return [*steps, answer(history, "Final Answer: it gets on.")], None


def one_search_written_as_text(chance: Random) -> Found:
    thing, found = chance.choice(THINGS), page(chance, 30)
    return _react([(page(chance, 12), "search", f"price of {thing}", found) for _ in range(chance.randrange(3, 7))]), 2


def a_list_worked_through_in_text(chance: Random) -> Found:
    saved = "The record was saved, and its page was made anew."
    cities = chance.sample(CITIES, 5)
    return _react(
        [
            turn
            for city in cities
            for turn in (
                (page(chance, 10), "search", f"people living in {city}", f"{city}: {page(chance, 20)}"),
                (page(chance, 10), "save", json.dumps({"city": city, "people": page(chance, 3)}), saved),
            )
        ]
    ), None


def long_files_written_in_text(chance: Random) -> Found:
    """They begin and end alike; what differs stands where a long text is cut."""
    begins, ends, saved = page(chance, 30), page(chance, 40), "The file was saved to the disk."
    bodies = [f"{begins} {page(chance, 60)} {ends}" for _ in range(6)]
    return _react([(page(chance, 8), "write_file", body, saved) for body in bodies]), None


def one_long_file_written_in_text_again(chance: Random) -> Found:
    body, full = page(chance, 150), "Nothing was written, for the disk is full."
    return _react([(page(chance, 8), "write_file", body, full) for _ in range(chance.randrange(4, 7))]), 2


def calls_of_one_line_with_much_in_them(chance: Random) -> Found:
    saved = "The file was saved to the disk, and it can be opened now."
    turns = [(f"Observation: {saved}", f"{page(chance, 8)}\nwrite_file[{page(chance, 60)}]") for _ in range(6)]
    return list(conversation([("Write the files, please.", "I shall."), *turns], whole=True)), None


def an_instruction_that_reads_like_an_action(chance: Random) -> Found:
    """Its orchestrator has just heard of a tool; the calls of others are recorded, and the instruction is no call."""
    told = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": page(chance, 9)}]}
    thing, found = chance.choice(THINGS), page(chance, 30)
    steps: list[Step] = []
    for _ in range(chance.randrange(4, 7)):
        ask_for = (
            f"{page(chance, 4)}\nNext action: look up the price of {thing} in the list of the exchange and report it."
        )
        ((name, values, failed),) = answer([told], ask_for)
        steps.append(((name, {**values, "gen_ai.agent.name": "Orchestrator"}, failed),))
        steps.append(
            call("look_up", {"of": thing, "note": page(chance, 3)}, f"{found} {page(chance, 9)}", agent="Broker")
        )
    return steps, 4


def several_calls_for_each_request(chance: Random) -> Found:
    """A router, a guard and the agent itself hear each request, with the conversation or without it."""
    history: list[Message] = []
    steps = []
    for _ in range(4):
        new = _message("user", f"Please tell me at length about {chance.choice(THINGS)} in {chance.choice(CITIES)}.")
        said = page(chance, 30)
        for role in ("You route requests.", "You check requests.", "You answer requests."):
            frame = [_message("system", role)] if chance.random() < 0.5 else []
            steps.append(answer([*frame, *history, new], said if role.startswith("You answer") else page(chance, 9)))
        history += [new, _message("assistant", said)]
    return steps, None


def samples_of_one_request(chance: Random) -> Found:
    """After a plan, which is another request; whether the number of tokens is told or not."""
    plan = [_message("user", f"Plan in three steps how to write about {chance.choice(THINGS)}.")]
    request = [_message("user", f"Name ten uses of {chance.choice(THINGS)} that nobody has thought of yet.")]
    read = chance.choice((None, 90))
    return [answer(plan, page(chance, 25)), *(answer(request, page(chance, 25), read=read) for _ in range(7))], None


def one_verdict_on_many_texts(chance: Random) -> Found:
    """Each text is a conversation of its own; some verdicts read like actions."""
    frame = _message("system", "Judge the text.")
    verdict = chance.choice(
        (
            "No breach of the rules was found in this text, and it can be published as it stands.",
            "Category: billing\nPriority: high\nAction: escalate",
            "I am passing this on to my colleagues.\n\nKind regards,\nAcme (Support)",
        )
    )
    return [answer([frame, _message("user", page(chance, 20))], verdict) for _ in range(7)], None


def a_daily_question_whose_answers_are_remembered(chance: Random) -> Found:
    """One call of today, with all the days before it."""
    question = "Look into the inbox and tell me whether there is anything that I have to know."
    days = [
        _message(role, text) for _ in range(6) for role, text in (("user", question), ("assistant", page(chance, 9)))
    ]
    return [answer([*days, _message("user", question)], page(chance, 12))], None


def a_question_answered_with_tools_that_are_not_remembered(chance: Random) -> Found:
    question = "Look into the shop and tell me whether there is anything that has to be ordered."
    history: list[Message] = []
    steps: list[Step] = []
    for day in range(5):
        new, said = _message("user", question), page(chance, 9)
        steps += [call("list_stock", {"day": day}, page(chance, 20)), answer([*history, new], said)]
        history += [new, _message("assistant", said)]
    return steps, None


def moves_written_as_json(chance: Random) -> Found:
    done = "The action was carried out, and the page of the shop was loaded anew."
    moves = [json.dumps({"why": page(chance, 6), "action": "click", "at": turn * 7}) for turn in range(7)]
    return list(conversation([(done, move) for move in moves], whole=True)), None


def the_provider_is_asked_again(chance: Random) -> Found:
    begun = _message("user", f"Write down all that is known about {chance.choice(THINGS)}.")
    again = _message("user", "And now the same once more as a table with three columns.")
    tries = [answer([again], "", failed=True) for _ in range(5)]
    return [answer([begun], page(chance, 20)), *tries, answer([again], page(chance, 20))], None


def moves_of_a_game(chance: Random) -> Found:
    steps: list[Step] = []
    for _ in range(9):
        board = "\n".join("".join(chance.choice("♜♞♝♛♚♟⭘") for _ in range(8)) for _ in range(8))
        steps += [
            act(
                "Manager",
                "It is your turn now: look at the board, choose one of the legal moves and make it.",
                "-> Black",
            ),
            call("get_board", {}, board, agent="Black"),
            call(
                "make_move", {"move": f"{chance.choice('abcdefgh')}{chance.randrange(1, 9)}"}, "Moved.", agent="Black"
            ),
        ]
    return steps, None


def one_payload_after_another(chance: Random) -> Found:
    program = "import requests\nurl = 'http://127.0.0.1:8080/'\ndata = {{'query': '{payload}'}}\nanswer = requests.post(url, data=data)\nprint(answer.text)"
    form = f"<html><body>{page(chance, 30)}</body></html>"
    return [
        call("python", {"code": program.format(payload=f"{chance.choice(THINGS)} {turn}")}, f"{form} {page(chance, 4)}")
        for turn in range(6)
    ], None


def a_switch_that_is_asked_for(chance: Random) -> Found:
    """The results are pictures; only the thoughts tell that each click did something."""
    spot = {"x": chance.randrange(900), "y": chance.randrange(2000)}
    thoughts = (
        "已进入详情页。将点击按钮完成点赞。",
        "当前已点赞。将点击按钮取消点赞。",
        "已取消点赞。将重新点击按钮。",
        "已点赞。完成。",
    )
    return [ask("click", spot, thought) for thought in thoughts], None


HEARD_LOOPING: Sequence[Family] = (
    refused_three_times_before_a_call,
    refused_in_the_same_words,
    refused_in_the_same_words_with_history,
    nobody_helps_who_asks_again,
    one_search_written_as_text,
    one_long_file_written_in_text_again,
    an_instruction_that_reads_like_an_action,
)
HEARD_ORDINARY: Sequence[Family] = (
    refused_twice_before_a_call,
    a_list_worked_through_in_text,
    a_job_asked_for_in_text_gets_on,
    long_files_written_in_text,
    calls_of_one_line_with_much_in_them,
    several_calls_for_each_request,
    samples_of_one_request,
    one_verdict_on_many_texts,
    a_daily_question_whose_answers_are_remembered,
    a_question_answered_with_tools_that_are_not_remembered,
    moves_written_as_json,
    the_provider_is_asked_again,
    moves_of_a_game,
    one_payload_after_another,
    a_switch_that_is_asked_for,
)
