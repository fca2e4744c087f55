"""The science of Isoline: reads ECGs, pretrains and loads models, probes them. Knows no window and no database."""
