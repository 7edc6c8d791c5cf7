"""The error tree: what its docstring draws is what there is."""

import inspect
import re
from collections.abc import Iterator

import pytest

from multimodal_assistant.core import errors
from multimodal_assistant.core.errors import AssistantError, EngineFailed, EngineTimeout, NoSpeech, leaf

_LINE = re.compile(r"^(?P<indent>[│ ]*)(?:[├└]── )?(?P<name>[A-Z]\w+)\s{2,}(?P<meaning>.*?)(?:\s+\(exit (?P<code>\d+)\))?$")


def drawn() -> Iterator[tuple[str, str | None, str, int | None]]:
    """(class, its parent, its meaning, its exit code) of every line of the tree."""
    above: list[str] = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        depth = len(match["indent"]) // 4 + ("── " in line)
        above[depth:] = [match["name"]]
        yield match["name"], above[depth - 1] if depth else None, match["meaning"], int(match["code"]) if match["code"] else None


def classes() -> dict[str, type[AssistantError]]:
    return {name: member for name, member in vars(errors).items() if inspect.isclass(member) and issubclass(member, AssistantError)}


def test_every_class_is_drawn_under_its_parent_and_nothing_else_is() -> None:
    tree = {name: parent for name, parent, _, _ in drawn()}
    assert tree == {
        name: (made.__base__.__name__ if made is not AssistantError and made.__base__ else None) for name, made in classes().items()
    }


def test_every_class_has_a_meaning_in_the_tree_and_a_docstring() -> None:
    for name, _, meaning, _ in drawn():
        assert meaning, name
        assert classes()[name].__doc__, name


@pytest.mark.parametrize("name", sorted(classes()))
def test_exit_codes_are_those_of_the_tree(name: str) -> None:
    codes = {name: code for name, _, _, code in drawn() if code is not None}
    made = classes()[name]
    family = [parent.__name__ for parent in made.__mro__ if parent.__name__ in codes]
    assert made.exit_code == (codes[family[0]] if family else 3)


@pytest.mark.parametrize("made", classes().values(), ids=lambda made: made.__name__)
def test_an_error_reads_as_problem_and_remedy(made: type[AssistantError]) -> None:
    error = made("It broke.", "Mend it.")
    assert (error.problem, error.remedy, str(error)) == ("It broke.", "Mend it.", "It broke. Mend it.")
    assert str(made("It broke.")) == "It broke."


def test_leaf_prefers_ours_however_deep() -> None:
    ours = EngineFailed("The model broke.")
    group = BaseExceptionGroup("", [ValueError("first"), ExceptionGroup("", [KeyError("second"), ExceptionGroup("", [ours])])])
    assert leaf(group) is ours


def test_leaf_takes_the_first_of_several_of_ours() -> None:
    first, second = EngineTimeout("late"), NoSpeech("quiet")
    assert leaf(ExceptionGroup("", [OSError(), first, second])) is first


def test_leaf_takes_the_first_where_none_is_ours() -> None:
    first = ValueError("first")
    assert leaf(BaseExceptionGroup("", [ExceptionGroup("", [first]), KeyboardInterrupt()])) is first
