"""Invents people, places and words from short lists and a seeded random source.

Names are common given and family names put together by chance; addresses, numbers and words are made up. Social
security numbers use an area that was given to nobody while areas still meant something.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

GIVEN = {
    "F": ("Ana", "Zoë", "Grace", "Chloé", "Maria", "Aaliyah", "Renée", "Keisha", "Linh", "Sofia", "Hannah", "Inés",
          "Dorothy", "Marisol", "Jasmine", "Ruth", "Noémi", "Tamika", "Elena", "Joan"),
    "M": ("José", "Liam", "André", "Marcus", "Søren", "Luis", "DeShawn", "Peter", "Ángel", "Noah", "Minh", "Raúl",
          "Walter", "Isaiah", "Jürgen", "Tyrone", "Samuel", "Hugo", "Elias", "Frank"),
}  # fmt: skip
FAMILY = (
    "Núñez", "Rivera", "O'Brien", "D\u2019Angelo", "Müller", "Washington", "Peña", "Nguyen", "Šimek",
    "Begay", "Okafor", "Smith-Jones", "García", "Kowalski", "Freeman", "Tran", "Lindström", "Baptiste", "van der Berg",
    "Johnson", "McCarthy", "Hernández", "Whitehorse", "Brown", "Desrosiers", "Ochoa", "Fitzgerald", "Yilmaz",
)  # fmt: skip
STREETS = ("Maple Street", "Elm Court", "Second Avenue", "Río Grande Road", "Church Lane", "Mill Road", "Lake Drive")
CITIES = ("Cedar Falls", "Northport", "Millbrook", "Ashland", "Fairview")
COUNTIES = ("01", "02", "03", "04", "06", "07", "09")
WORDS = (
    "family", "visit", "school", "worker", "agreed", "plan", "home", "support", "meeting", "transport", "kinship",
    "caregiver", "child", "safe", "appointment", "clinic", "teacher", "housing", "budget", "food", "schedule",
    "court", "review", "contact", "phone", "weekly", "progress",
)  # fmt: skip


class Invention:
    """A seeded source of made-up facts."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)  # noqa: S311 - the data must be the same each time

    def family_name(self) -> str:
        """A family name."""
        return self.random.choice(FAMILY)

    def given_name(self, sex: str) -> str:
        """A given name for the legacy sex code F or M."""
        return self.random.choice(GIVEN[sex])

    def day(self, first: int, last: int) -> date:
        """A day between the beginning of one year and the end of another."""
        start = date(first, 1, 1)
        return start + timedelta(days=self.random.randrange((date(last + 1, 1, 1) - start).days))

    def after(self, day: date, most: int) -> date:
        """A day up to ``most`` days after another."""
        return day + timedelta(days=self.random.randint(1, most))

    def ssn(self) -> str:
        """A number of possible structure that was never given out by area."""
        return f"899-{self.random.randint(1, 99):02d}-{self.random.randint(1, 9999):04d}"

    def street(self) -> str:
        """A house number and a street."""
        return f"{self.random.randint(1, 990)} {self.random.choice(STREETS)}"

    def city(self) -> str:
        """A town."""
        return self.random.choice(CITIES)

    def zip_code(self) -> str:
        """A ZIP code; one in four begins with a zero."""
        return f"{self.random.choice(('0', '4', '4', '4'))}{self.random.randint(1000, 9999)}"

    def county(self) -> str:
        """A legacy county code with its leading zero."""
        return self.random.choice(COUNTIES)

    def sentence(self, least: int = 6, most: int = 16) -> str:
        """A sentence without sense."""
        words = self.random.choices(WORDS, k=self.random.randint(least, most))
        return f"{' '.join(words).capitalize()}."

    def guid(self) -> str:
        """A technical identifier."""
        return f"{self.random.getrandbits(64):016x}"

    def chance(self, share: float) -> bool:
        """Whether something with this probability happens."""
        return self.random.random() < share


def us(day: date) -> str:
    """A day as the legacy screens show it."""
    return day.strftime("%m/%d/%Y")
