"""Articles and model cards, from the files that runs and adapters leave. Runs no model and asks no server.

article = report.article_of("runs/lora-default-1", stem="lora")
article.write("lora.md")                    # Markdown, its pictures in assets/
page = article.html()                       # the same as one page
report.card_of("runs/lora-default-1").write("README.md")
"""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.report.article import Article
    from astrarium.report.cards import card_of
    from astrarium.report.citations import Source, read_sources
    from astrarium.report.run_article import article_of
    from astrarium.report.terminal import Recording, read_recording, write_recording

__all__ = [
    "Article", "Recording", "Source", "article_of", "card_of", "read_recording", "read_sources", "write_recording",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Article": ".article",
        "article_of": ".run_article",
        "card_of": ".cards",
        **dict.fromkeys(["Source", "read_sources"], ".citations"),
        **dict.fromkeys(["Recording", "read_recording", "write_recording"], ".terminal"),
    },
)
