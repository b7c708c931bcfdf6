"""Who is asked, as OpenTelemetry's conventions for generative AI name it."""

from dataclasses import dataclass

import httpx2

PROVIDERS = {
    ".openai.azure.com": "azure.ai.openai",
    ".cognitiveservices.azure.com": "azure.ai.openai",
    ".api.deepseek.com": "deepseek",
    ".api.groq.com": "groq",
    ".api.mistral.ai": "mistral_ai",
    ".api.perplexity.ai": "perplexity",
    ".api.x.ai": "x_ai",
    ".generativelanguage.googleapis.com": "gcp.gemini",
}
"""Names of OpenTelemetry's conventions by the ends of hosts."""


@dataclass(frozen=True)
class Peer:
    """A provider, by its well-known name, and where it is."""

    provider: str
    address: str
    port: int

    @classmethod
    def at(cls, url: httpx2.URL) -> "Peer":
        """Return who is behind an address; `openai` is also who only speaks its protocol."""
        known = (name for end, name in PROVIDERS.items() if f".{url.host}".endswith(end))
        port = url.port or (443 if url.scheme == "https" else 80)
        return cls(next(known, "openai"), url.host, port)
