"""What is read from an orchestrator's ledger, whole or cut."""

import json

from bot.incident.detectors.ledger import admits_loop, brief, instruction_in, is_ledger

KEPT = {
    "is_request_satisfied": {"reason": "Not yet: the {year} is missing.", "answer": False},
    "is_in_loop": {"reason": 'The same page was opened "again".', "answer": True},
    "instruction_or_question": {
        "reason": "It is needed.",
        "answer": "Please open the 'Prices' page,\nthen \"report\".",
    },
}


def test_the_verdict_and_the_instruction_are_read_from_the_whole_ledger_and_from_its_brief() -> None:
    whole = f"Updated Ledger:\n{json.dumps(KEPT, indent=2)}"
    for text in (whole, brief(whole), f"{brief(whole)} Updated Led"):
        assert is_ledger(text)
        assert admits_loop(text)
        assert instruction_in(text) == "Please open the 'Prices' page,\nthen \"report\"."


def test_a_plain_verdict_will_do_and_other_words_are_no_ledger() -> None:
    assert admits_loop('{"is_in_loop": true}')
    assert not admits_loop('{"is_in_loop": {"reason": "no", "answer": false}}')
    assert instruction_in('{"is_in_loop": false}') == ""
    assert not is_ledger("We are in a loop")
    assert brief("We are in a loop") == ""
