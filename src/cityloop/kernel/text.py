"""A phrase in both languages of the house."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """One phrase, Chinese first, English second; both are mandatory.

    Raises:
        ValueError: if either is blank.
    """

    zh: str
    en: str

    def __post_init__(self) -> None:
        """Refuse a phrase that lacks one of the languages."""
        if not self.zh.strip() or not self.en.strip():
            message = f"a text needs both languages: {self!r}"
            raise ValueError(message)

    def in_language(self, code: str) -> str:
        """Return the phrase for a language code such as `zh-hans` or `en`."""
        return self.en if code.lower().startswith("en") else self.zh
