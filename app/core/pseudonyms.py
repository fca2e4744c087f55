"""Pseudonyms of the app are those of the engine: a patient has one, wherever it is made."""

from engine.signal.pseudonyms import lone_pseudonym as lone_pseudonym
from engine.signal.pseudonyms import pseudonym as pseudonym
