"""What libraries write by themselves does not reach the terminal; what we write does."""

import logging
import os
import sys

import pytest

from multimodal_assistant.cli.chatter import silent_libraries


def test_only_libraries_are_silenced(capfd: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(handler)
    try:
        with silent_libraries():
            os.write(2, b"ALSA lib pcm.c: underrun occurred\n")
            sys.stderr.write("ours\n")
            logging.getLogger("multimodal_assistant").warning("a warning")
        os.write(2, b"after\n")
        logging.getLogger("multimodal_assistant").warning("another")
    finally:
        logging.getLogger().removeHandler(handler)
    assert capfd.readouterr().err == "ours\na warning\nafter\nanother\n"


def test_also_when_it_ends_in_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.stderr
    with pytest.raises(KeyboardInterrupt), silent_libraries():
        raise KeyboardInterrupt
    assert sys.stderr is before
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
