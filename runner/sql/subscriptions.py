"""Subscriptions: their definitions, and what changes them. The connection is no part of it; it may hold a password.

A subscription is `to news with (binary 'true')`: options that have their default are not there. Whether it is enabled,
and what CREATE SUBSCRIPTION does at once, is no part of it either. How rows are streamed has another default with each
version; it is a part where a statement says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from runner.sql.inventory import Inventory
from runner.sql.objects import PRESENT, SUBSCRIPTION, Effect
from runner.sql.option_list import STREAMING, changed, listed_options, options_in

_NAME = r'(?:"(?:[^"]|"")*"|[^\s",]+)'
_DEFINITION = re.compile(rf"to (?P<publications>{_NAME}(?:, {_NAME})*)?(?: with \((?P<options>.*)\))?", re.DOTALL)
_PUBLICATION = re.compile(_NAME)
DEFAULTS = {
    "binary": "false", "two_phase": "false", "disable_on_error": "false", "password_required": "true",
    "run_as_owner": "false", "failover": "false", "synchronous_commit": "off", "origin": "any",
}  # fmt: skip
_OTHERS = (STREAMING, "slot_name")
_WORDS = {"on": "true", "1": "true", "yes": "true", "0": "false", "no": "false"}


def subscription_definition(name: str, publications: Iterable[str], options: Mapping[str, str]) -> str:
    """Return the definition of a subscription to publications, whose names are as SQL writes them."""
    kept: dict[str, str] = {}
    for option, value in options.items():
        text = option_text(option, value)
        if option in DEFAULTS or option in _OTHERS:
            is_default = text == (name if option == "slot_name" else DEFAULTS.get(option))
            kept |= {} if is_default else {option: text}
    return listed_options(f"to {', '.join(sorted(publications))}", "with", kept)


def option_text(option: str, value: str) -> str:
    """Return the value of an option as the facts of a database have it."""
    if option == "slot_name":
        return value
    text = _WORDS.get(value.lower(), value.lower())
    if option == "synchronous_commit":
        return {"true": "on", "false": "off"}.get(text, text)
    return "false" if text == "off" else text


def subscription_parts(definition: str) -> tuple[list[str], dict[str, str]]:
    """Return the publications of a definition, and its options."""
    match = _DEFINITION.fullmatch(definition)
    if not match:
        return [], {}
    return _PUBLICATION.findall(match["publications"] or ""), options_in(match["options"] or "")


def follow(effect: Effect, state: Inventory) -> Effect:
    """Return the effect of a statement that changes a subscription with the definition that it has then.

    What no statement makes is known by its name alone.
    """
    item = effect.object
    if item.kind != SUBSCRIPTION or effect.action != "change":
        return effect
    before = state.get(item, PRESENT)
    if before == PRESENT:
        return effect._replace(value=PRESENT)
    publications, options = subscription_parts(before)
    word, _, more = effect.value.partition(" ")
    if word == "with":
        options = changed(options, more)
    else:
        named = _PUBLICATION.findall(more)
        kept = [] if word == "to" else [name for name in publications if name not in named]
        publications = kept if word == "drop" else [*kept, *named]
    return effect._replace(action="set", value=subscription_definition(item.name, publications, options))
