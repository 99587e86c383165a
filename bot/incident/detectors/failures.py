"""Failures that nobody flagged: many tools tell their errors in what they answer."""

import re

_FAILURES = ("traceback", "failed", "failure", "fatal", "invalid", "denied", "cannot", "unable", "unknown")
_ENDS_OF_FAILURES = ("error", "errors", "exception")  # of words: KeyError, MCP_SERVER_ERROR
_NEGATED = frozenset(["found", "exist", "valid", "allowed", "permitted"])  # after "not"
_SIGNS_OF_FAILURE = ("error", "exception", "not ", "fail", *_FAILURES)  # without any of them there is none
_FIRST_WORDS, _VERY_FIRST_WORDS = 7, 4
_OPENING = 120  # characters
_WORD = re.compile(r"\w+")
_NO_ERROR = re.compile(
    r"\b\w*(?:error|exception|fail(?:ed|ure))s?\W{1,4}(?:null|none|false|0|nil|\[\]|\{\}|\"\")(?=\s*(?:[,;}\])\n]|\Z))"
)
NONE_FAILED = re.compile(
    r"\b(?:0|no|without) (?:failed|failures?|errors?)\b|\b(?:failed|failures?|errors?)\W{1,3}0\b(?!\.)", re.IGNORECASE
)
_EXIT_CODE = re.compile(r"\W*(?:return|exit)[ _-]?(?:code|status)\W{1,4}-?[1-9]", re.IGNORECASE)

_ABOUT_A_THING = re.compile(
    r"\b(?:not|nothing|none|never|no \w+|cannot be) (?:be )?(?:found|match\w*|available|exist\w*|listed|known)\b"
    r"|\b(?:doesn|don|isn|wasn|couldn)'t (?:exist|find|match)"
    r"|\bno (?:such|results?|records?|data|match\w*|entr\w+|rows?|items?)\b|\bunknown \w+\b|\balready\b|\b404\b"
    r"|\b(?:nicht|niet) (?:\w+ )?(?:gefunden|vorhanden|gevonden)|\b(?:existiert nicht|bestaat niet|keine? \w+ gefunden)"
    r"|\b(?:introuvable|n'existe pas|non trouvée?s?|aucune? \w+ (?:ne|n'|trouv))|\bno (?:se|fue|ha sido|existe)\b(?: \w+)? ?(?:encontr\w+)?"
    r"|\bnão (?:foi |existe|encontr)|\bnon (?:è stat\w )?(?:trovat|esiste)|\bnie (?:znaleziono|istnieje)|\bbulunamad\w"
    r"|не найден|не существует|找不到|没有找到|沒有找到|未找到|不存在|見つかりません|見つからない|存在しません|찾을 수 없|존재하지",
    re.IGNORECASE,
)


def reads_as_failure(result: str, *, cut: bool) -> bool:
    """The result says so in its first words: fewer where it was ``cut``, for a long page may be about errors."""
    if _EXIT_CODE.match(result):
        return True
    opening = result[:_OPENING].lower()
    if not any(sign in opening for sign in _SIGNS_OF_FAILURE):
        return False
    opening = _NO_ERROR.sub(" ", opening)
    first = _WORD.findall(opening)[: _VERY_FIRST_WORDS if cut else _FIRST_WORDS]
    said = any(
        word in _FAILURES
        or word.endswith(_ENDS_OF_FAILURES)
        or (word in _NEGATED and "not" in first[max(0, place - 2) : place])
        for place, word in enumerate(first)
    )
    return said and not NONE_FAILED.search(result)


def about_a_thing(answer: str) -> bool:
    """The answer says that the thing asked for is not there, which may be another thing each time."""
    return _ABOUT_A_THING.search(answer) is not None
