#!/usr/bin/env bash
# Writes the article on Astraios's usage script again, as Markdown and as a page, into the folder named (this one).
set -euo pipefail
cd "$(dirname "$0")/../.."
shared="${ASTRARIUM_SHARED:-../shared}/data/brief"
into="${1:-docs/articles}"
for way in astraios-usage.md "astraios-usage.html --html"; do
  # shellcheck disable=SC2086 # the option is a word of its own
  "${ASTRARIUM:-.venv/bin/astrarium}" explain "$shared/astraios_usage.py" --article "$into"/$way \
    --sources "$shared/peft-article-brief.txt" --base-config docs/articles/starcoderbase-7b.config.json \
    --recording docs/articles/astraios-usage.cast
done
