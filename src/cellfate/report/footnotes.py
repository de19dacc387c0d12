"""Why a value of a table of the summary page has no interval: a number beside it, the reasons below the table, each once."""

from markupsafe import Markup

NONE = "no interval: "


class Footnotes:
    """Of one table. Called with an interval, or with "no interval: " and the reason, it gives what stands beside the value."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self, limits: str) -> Markup:
        """HTML of an interval or of the mark of its reason; nothing for an empty text."""
        if not limits.startswith(NONE):
            return Markup("<small>{}</small>").format(limits) if limits else Markup("")
        reason = limits.removeprefix(NONE)
        if reason not in self.reasons:
            self.reasons.append(reason)
        return Markup("<small>no interval<sup>{}</sup></small>").format(self.reasons.index(reason) + 1)

    def below(self) -> Markup:
        """HTML of the reasons that were named since the table began."""
        if not self.reasons:
            return Markup("")
        listed = Markup("; ").join(Markup("<sup>{}</sup> {}").format(n, reason) for n, reason in enumerate(self.reasons, 1))
        return Markup('<p class="under">No interval: {}.</p>').format(listed)
