"""Compiled templates, which are kept beside the compiled modules of the package, as Python keeps those.

Whoever may write there may replace the runner itself. Where nothing can be written, each run compiles anew.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source, source_hash
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.project.template_limits import CODE

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from jinja2.bccache import FileSystemBytecodeCache

_RULES = ("templates.py", "template_tokens.py")
"""The modules that change how Jinja compiles."""


class Kept(NamedTuple):
    """Where compiled templates are, and a hash of what compiles them."""

    cache: FileSystemBytecodeCache
    compiler: str


def compiled(environment: Environment, path: str, text: str) -> Template:
    """Return a template, ready to be rendered. Raise TemplateSyntaxError."""
    from pickle import UnpicklingError

    from jinja2.bccache import Bucket

    kept = kept_templates()
    checksum = kept.cache.get_source_checksum(kept.compiler + text)
    bucket = Bucket(environment, kept.cache.get_cache_key(path), checksum)
    with suppress(OSError, EOFError, UnpicklingError):  # a file that cannot be read is written anew
        kept.cache.load_bytecode(bucket)
    if bucket.code is None:
        bucket.code = environment.compile(text, path, CODE)
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(kept.cache.directory).mkdir(parents=True, exist_ok=True)
                kept.cache.dump_bytecode(bucket)
    return environment.template_class.from_code(environment, bucket.code, environment.make_globals(None))


@cache
def kept_templates() -> Kept:
    """Return where compiled templates are, which depends on where Python keeps compiled modules."""
    import jinja2
    from jinja2.bccache import FileSystemBytecodeCache

    folder = Path(cache_from_source(__file__)).parent
    sources = [*(Path(__file__).with_name(name) for name in _RULES), *sorted(Path(jinja2.__file__).parent.glob("*.py"))]
    compiler = b"".join(source_hash(source.read_bytes()) for source in sources).hex()
    return Kept(FileSystemBytecodeCache(str(folder), "template-%s.cache"), compiler)
