"""Results as text, JSON, log events, Markdown and HTML. Nothing below this package prints."""
