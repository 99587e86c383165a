import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bot.incident.statistics import (
    evidence,
    mix_evidence,
    newcombe,
    poisson_evidence,
    quantile,
    quantile_difference,
    quantile_interval,
    wilson,
)

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_wilson_agrees_with_scipy(count: tuple[int, int]) -> None:
    k, n = count
    theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
    ours = wilson(k, n)
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


def test_an_empty_sample_could_be_anything() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    assert newcombe(0, 0, 3, 10).low == -1.0


def test_newcombe_gives_the_published_example() -> None:
    difference = newcombe(41, 50, 940, 1000)
    assert difference.low == pytest.approx(-0.249, abs=0.001)
    assert difference.high == pytest.approx(-0.036, abs=0.001)


@given(counts, counts)
def test_newcombe_holds_the_difference_it_is_about(now: tuple[int, int], before: tuple[int, int]) -> None:
    difference = newcombe(*now, *before)
    assert difference.low - 1e-12 <= now[0] / now[1] - before[0] / before[1] <= difference.high + 1e-12


@given(counts, counts)
def test_evidence_is_half_of_scipys_g_statistic(now: tuple[int, int], before: tuple[int, int]) -> None:
    (k, n), (k0, n0) = now, before
    if 0 < k + k0 < n + n0:
        table = [[k, n - k], [k0, n0 - k0]]
        g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        assert abs(evidence(k, n, k0, n0)) == pytest.approx(g / 2, abs=1e-6)
    else:
        assert evidence(k, n, k0, n0) == pytest.approx(0.0, abs=1e-9)


def test_evidence_has_the_sign_of_the_change() -> None:
    assert evidence(10, 20, 5, 100) > 0 > evidence(0, 20, 50, 100)
    assert evidence(1, 0, 5, 100) == 0.0


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 900), st.integers(1, 900))
def test_poisson_evidence_is_the_binomial_one_of_where_events_fall(k: int, k0: int, here: int, there: int) -> None:
    nats = poisson_evidence(k, here, k0, there)
    if k + k0:
        share = here / (here + there)
        best = stats.binom.logpmf(k, k + k0, k / (k + k0)) - stats.binom.logpmf(k, k + k0, share)
        assert abs(nats) == pytest.approx(best, abs=1e-6)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.floats(0, 1))
def test_quantiles_agree_with_scipy(values: list[float], q: float) -> None:
    assert quantile(values, q) == pytest.approx(
        float(stats.mstats.mquantiles(values, [q], 1, 1)[0]), rel=1e-9, abs=1e-9
    )


def test_a_quantile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        quantile([], 0.5)


def test_the_interval_of_a_median_covers_as_scipy_says() -> None:
    values = [float(value) for value in range(100)]
    theirs = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    ours = quantile_interval(values, 0.5)
    assert ours.low <= theirs.low
    assert ours.high >= theirs.high
    assert ours.high - ours.low < 25


def test_the_difference_of_two_p95_excludes_zero_only_when_they_differ() -> None:
    usual = [float(value % 10) for value in range(300)]
    assert quantile_difference([value * 3 for value in usual[:80]], usual, 0.95).low > 0
    same = quantile_difference(usual[:80], usual, 0.95)
    assert same.low <= 0 <= same.high


def test_a_mix_that_stays_is_no_evidence_and_one_that_shifts_names_what_grew() -> None:
    assert mix_evidence({"a": 10, "b": 10}, {"a": 100, "b": 100})[0] == 0.0
    nats, grown = mix_evidence({"a": 2, "b": 30}, {"a": 100, "b": 20})
    assert grown == "b"
    assert nats > 10
    assert math.isclose(mix_evidence({}, {"a": 1})[0], 0.0)
