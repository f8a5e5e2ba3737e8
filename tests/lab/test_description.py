from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.description import read_description
from tests.lab.support import CHECKOUT, toy_shop, write_shop


def changed(folder: Path, old: str, new: str) -> Path:
    path = write_shop(folder)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_description_is_read_with_its_defaults(tmp_path: Path) -> None:
    """Paths are absolute, services keep their order, and what is left out has a default."""
    shop = toy_shop(tmp_path)
    assert [(service.name, service.service) for service in shop.services] == [("edge", ""), ("payment", "pay")]
    assert (shop.entry, shop.replication_link, shop.mutable_tables) == ("users-edge", "replica-primary", ("orders",))
    assert shop.links_path == tmp_path / "links.json"
    assert shop.root.is_absolute()


def test_the_shop_of_this_checkout_is_described_well() -> None:
    """The committed description passes its own checks."""
    assert read_description(CHECKOUT / "services" / "lab.toml", CHECKOUT).database == "shop"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("database =", "database", r"is not TOML: .*line 4.*; correct that line"),
        ("database =", "data_base =", r"unknown field `data_base`; correct that key"),
        ('database = "shop"', "database = 5", r"Expected `str`, got `int` - at `\$\.database`; correct that key"),
        ('database = "shop"', 'database = "a; DROP"', "`a; DROP` is no plain SQL name"),
        ('["orders"]', '["orders, pg_class"]', "`orders, pg_class` is no plain SQL name"),
        ('name = "payment"', 'name = "edge"', "the name `edge` is taken already"),
        ('name = "payment"', 'name = "primary"', "the name `primary` is taken already"),
        ('name = "payment"', 'name = "pay/ment"', "service name `pay/ment` is no host name"),
        ("tests.lab.toy:app", "tests/lab/toy.py", '`tests/lab/toy.py` is not of the form "module:function"'),
        ("schema.sql", "other.sql", "there is no file .*other.sql; correct the path"),
        ("schema =", 'root = "/"\nschema =', "unknown key `root`; remove it"),
        ("schema =", f"x = {'[' * 5000}\nschema =", "is not TOML: maximum recursion depth exceeded"),
        ("schema =", f"x = {'9' * 5000}\nschema =", "is not TOML: Exceeds the limit"),
        ("schema =", '"a\\nb" = 1\nschema =', "unknown field `a b`; correct that key"),
        ("schema.sql", f"{'x' * 3000}.sql", "there is no file .*; correct the path"),
        ("schema.sql", "a\\u0000b.sql", "there is no file .*; correct the path"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Every kind of mistake in lab.toml."""
    path = changed(tmp_path, old, new)
    with pytest.raises(UsageProblem, match=message) as told:
        read_description(path, CHECKOUT)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_description_says_where_to_run(tmp_path: Path) -> None:
    """The usual reason is the wrong folder."""
    with pytest.raises(UsageProblem, match=r"lab\.toml cannot be read .*; run from the root of the checkout"):
        read_description(tmp_path / "lab.toml", tmp_path)
