"""The copy buttons of the documentation, in a headless browser."""

from pathlib import Path

import pytest

from .browser import Browser
from .test_docs_pages import DOCS

pytestmark = pytest.mark.once

# Sphinx renders a block like this.
BLOCK = '<div class="highlight-{} notranslate"><div class="highlight"><pre>{}</pre></div></div>'
BLOCKS = {
    "console": "$ rds-backup-replication list\nSTATUS\n$ pip install \\\n    '.[all]'\nDone\n",
    "python": "for x in y:\n    <b>print</b>(x)\n",
    "yaml": "rules: []\n",
    "text": "the output of a program\n",
}


@pytest.fixture
def page(running_browser: Browser, tmp_path: Path) -> Browser:
    """Open a page that has a block of each kind, and a clipboard that can be read."""
    blocks = "".join(BLOCK.format(language, text) for language, text in BLOCKS.items())
    script = (DOCS / "_static/copy.js").read_text(encoding="utf-8")
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><script>{script}</script>{blocks}", encoding="utf-8")
    running_browser.open(path)
    running_browser.evaluate(
        "Object.defineProperty(navigator, 'clipboard', {value:"
        " {writeText: async (text) => { window.copied = text; }}})"
    )
    return running_browser


@pytest.mark.parametrize(
    ("language", "copied"),
    [
        ("console", "rds-backup-replication list\npip install \\\n    '.[all]'"),
        ("python", "for x in y:\n    print(x)\n\n"),
        ("yaml", "rules: []\n"),
    ],
)
def test_copy_button(page: Browser, language: str, copied: str) -> None:
    page.click(f".highlight-{language} button.copy")
    assert page.evaluate("window.copied") == copied
    assert page.evaluate(f"document.querySelector('.highlight-{language} button').textContent") == (
        "Copied"
    )


def test_output_has_no_copy_button(page: Browser) -> None:
    assert page.evaluate("document.querySelectorAll('button.copy').length") == len(BLOCKS) - 1
    assert page.evaluate("document.querySelector('.highlight-text button')") is None
