"""How fast the engine is here: ours beside a plain reference of the published algorithm, equality checked first."""
