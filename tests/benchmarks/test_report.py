"""The page of results is updated section by section."""

from benchmarks.report import updated

PAGE = "# Benchmarks\n\nWhat it is.\n\n## One\n\nfirst\n\n### Detail\n\nmore\n\n## Two\n\nsecond\n"


def test_a_section_is_replaced_with_all_that_belongs_to_it() -> None:
    assert updated(PAGE, "One", "new\n") == "# Benchmarks\n\nWhat it is.\n\n## One\n\nnew\n\n## Two\n\nsecond\n"


def test_a_new_section_goes_to_the_end() -> None:
    assert updated(PAGE, "Three", "third") == PAGE + "\n## Three\n\nthird\n"


def test_an_empty_page_gets_its_first_section() -> None:
    assert updated("# Benchmarks\n", "One", "first") == "# Benchmarks\n\n## One\n\nfirst\n"


def test_the_same_again_changes_nothing() -> None:
    assert updated(PAGE, "Two", "second") == PAGE
