"""What is told of an error outside of the process."""

from secapi_core.errors import describe, frames


def test_an_error_is_described_in_one_bounded_line() -> None:
    assert describe(ValueError("first\nSELECT secret")) == "ValueError: first"
    assert len(describe(ValueError("x" * 10_000))) < 400


def test_frames_say_where_an_error_came_from_and_not_what_it_says() -> None:
    try:
        raise ValueError("hunter2".upper())
    except ValueError as error:
        told = frames(error)
    assert "test_frames_say_where" in told
    assert "HUNTER2" not in told
