"""Write this repository's own workflows from the templates that `promptvc init --ci github` uses."""  # noqa: INP001 - a script

from pathlib import Path

from promptvc.workflows.start_ci import OWN, rendered

for path, text in rendered("github", OWN).items():
    place = Path(__file__).resolve().parents[1] / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
