"""The colours of pages and pictures by name, for light and dark: at least 4.5 to 1 against their background."""

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "page": "#ffffff", "ink": "#1b1f24", "faint": "#59636e", "grid": "#e2e6ea", "panel": "#f5f7f9", "edge": "#cfd6dd",
    "fault": "#a8521a", "good": "#12703f", "bad": "#b3261e", "link": "#0b57a4",
    "series-1": "#0b5cad", "series-2": "#b4500b", "series-3": "#107a52", "series-4": "#7b3fc4",
    "series-5": "#b3261e", "series-6": "#56606b", "series-7": "#0b7285", "series-8": "#a61e6a",
}  # fmt: skip

DARK: Mapping[str, str] = {
    "page": "#14171a", "ink": "#e6e9ec", "faint": "#a0a9b2", "grid": "#2c3237", "panel": "#1d2125", "edge": "#3a4148",
    "fault": "#e0955a", "good": "#5fd38d", "bad": "#ff8a80", "link": "#82bcf5",
    "series-1": "#6cb2f5", "series-2": "#f0a35e", "series-3": "#56cf9f", "series-4": "#bd9bf7",
    "series-5": "#ff8a80", "series-6": "#aab2ba", "series-7": "#5fd0de", "series-8": "#f190c4",
}  # fmt: skip
