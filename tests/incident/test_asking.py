"""Which questions are put to people: no more than decide, in the tree's order, starting where somebody left off."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.incident.asking import before, path, to_ask, unanswered
from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.facts.classifying import QuestionAnswered
from bot.incident.state import Replied
from bot.incident.taxonomy import IncidentClass
from bot.incident.tree import classify
from tests.incident import stories
from tests.incident.stories import ANA, BEN, DECLARED_AT, WHOLE, bundle, classification, told
from tests.taxonomies import QUESTIONS, TAXONOMY

REPLIES = st.fixed_dictionaries({question: st.sampled_from(Reply) for question in QUESTIONS})
FRESH = Answer(Question.FRESH, Reply.YES, "the newest span came 4 s ago")


def tree(fresh: Reply = Reply.YES, **replies: Reply) -> Classification:
    said = tuple(Answer(one, replies.get(one.value, Reply.NO), "as measured") for one in QUESTIONS)
    return replace(
        classification(IncidentClass.UNKN, "unclear"),
        answers=(replace(FRESH, reply=fresh), *(one for one in said if one.question is not Question.FRESH)),
    )


def by_ana(reply: Reply, telemetry: Reply | None = None) -> Replied:
    return Replied(reply, ANA, DECLARED_AT, telemetry)


@given(REPLIES, st.sampled_from(QUESTIONS), st.sampled_from(Reply))
def test_questions_off_the_path_do_not_change_the_class(
    replies: dict[Question, Reply], other: Question, reply: Reply
) -> None:
    if other in {*path(replies, TAXONOMY), Question.FRESH}:
        return
    said = {one: Answer(one, answer, "said", by="U01ANA") for one, answer in replies.items()}
    changed = {**said, other: replace(said[other], reply=reply)}
    assert classify(bundle(), TAXONOMY, said).incident_class is classify(bundle(), TAXONOMY, changed).incident_class


def test_a_yes_that_settles_the_class_ends_the_questions() -> None:
    assert path({Question.SECURITY: Reply.YES}, TAXONOMY) == (Question.HARM_NOW, Question.SECURITY)
    assert path({Question.LOUD: Reply.YES, Question.PROVIDER: Reply.YES}, TAXONOMY)[-1] is Question.PROVIDER
    assert path({Question.LOUD: Reply.YES}, TAXONOMY)[-2:] == (Question.PROVIDER, Question.ONE_TOOL)
    assert path({Question.LOOPING: Reply.YES}, TAXONOMY)[-1] is Question.LOOP_BY_TOOL
    assert path({}, TAXONOMY)[-1] is Question.QUALITY


def test_what_telemetry_denies_is_not_asked() -> None:
    assert to_ask(tree(looping=Reply.YES), {}, TAXONOMY) == (Question.HARM_NOW, Question.LOOPING)


def test_without_telemetry_everything_that_may_decide_is_asked() -> None:
    nothing = dict.fromkeys((one.value for one in QUESTIONS if one is not Question.FRESH), Reply.CANT_TELL)
    asked = to_ask(tree(Reply.NO, **nothing), {}, TAXONOMY)
    assert asked == path({}, TAXONOMY)
    assert len(asked) == 7


def test_fresh_telemetry_asks_three_questions_at_most_until_somebody_disagrees() -> None:
    doubtful = tree(security=Reply.CANT_TELL, action=Reply.CANT_TELL, behaviour=Reply.CANT_TELL, looping=Reply.YES)
    assert to_ask(doubtful, {}, TAXONOMY) == (Question.HARM_NOW, Question.SECURITY, Question.LOOPING)
    disagreed = {Question.SECURITY: by_ana(Reply.NO, Reply.CANT_TELL)}
    assert set(to_ask(doubtful, disagreed, TAXONOMY)) >= {Question.ACTION, Question.BEHAVIOUR}


def test_a_later_open_starts_at_the_first_question_nobody_answered() -> None:
    asked = (Question.HARM_NOW, Question.ACTION, Question.LOOPING)
    state = stories.state(told((WHOLE[0], (BEN, QuestionAnswered(Question.HARM_NOW, Reply.NO)))))
    assert unanswered(asked, state, TAXONOMY) is Question.ACTION
    assert unanswered(asked, state, TAXONOMY, Question.ACTION) is Question.LOOPING
    assert unanswered(asked, state, TAXONOMY, Question.LOOPING) is Question.ACTION  # skipped ones are not forgotten
    assert unanswered((Question.HARM_NOW,), state, TAXONOMY) is None


def test_back_leads_to_the_screen_in_front() -> None:
    asked = (Question.HARM_NOW, Question.ACTION, Question.LOOPING)
    assert before(asked, Question.LOOPING, TAXONOMY) is Question.ACTION
    assert before(asked, Question.HARM_NOW, TAXONOMY) is None
    assert before(asked, None, TAXONOMY) is Question.LOOPING
    assert before(asked, Question.LOUD, TAXONOMY) is Question.ACTION  # answered meanwhile, and not asked any more
