"""Makes the pictures of the documentation anew: `python -m tests.modeler.pictures`.

Each shows a template as it is when it is applied; of closed groups only the titles. They are kept in `docs/`, and no
test compares them: fonts differ from machine to machine.
"""

from __future__ import annotations

from tests.modeler import HERE, Panel, templates

DIRECTORY = HERE.parents[1] / "docs" / "operations" / "pictures"


def main() -> None:
    """Write one picture for each template, and remove those of others."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for old in DIRECTORY.glob("*.png"):
        old.unlink()
    with Panel() as panel:
        for name in templates():
            panel.apply(name)
            panel.call("picture", str(DIRECTORY / f"{name}.png"))


if __name__ == "__main__":
    main()
