from secapi_operator.objects import ScanKey
from secapi_operator.reconcile.quota import QuotaLine

A, B, C = (ScanKey("team", name, f"uid-{name}") for name in "abc")


def test_a_newcomer_is_first_only_while_nobody_waits() -> None:
    line = QuotaLine(lambda key: None)
    assert line.is_first(A)
    line.join(A)
    assert line.is_first(A)
    assert not line.is_first(B)
    assert line.is_first(ScanKey("other", "b", "uid"))


def test_joining_again_keeps_the_place() -> None:
    line = QuotaLine(lambda key: None)
    for key in (A, B, A):
        line.join(key)
    assert line.is_first(A)


def test_leaving_wakes_the_next_and_an_empty_line_is_forgotten() -> None:
    woken: list[ScanKey] = []
    line = QuotaLine(woken.append)
    for key in (A, B):
        line.join(key)
    line.leave(A)
    line.leave(C)
    assert woken == [B]
    line.leave(B)
    assert woken == [B]
    assert line.is_first(C)


def test_room_in_a_namespace_wakes_only_the_first_of_its_line() -> None:
    woken: list[ScanKey] = []
    line = QuotaLine(woken.append)
    line.join(A)
    line.join(B)
    line.wake_first("team")
    line.wake_first("other")
    assert woken == [A]
