"""ST-MEM (bakqui/ST-MEM): the released encoder, alone or within the file that also holds its decoder."""

from __future__ import annotations

from engine.zoo.architectures.st_mem import StMemEncoder
from engine.zoo.published.importer import Dropped, RenamedImporter, Renaming
from engine.zoo.published.vit_names import BLOCK_NAMES

NAMES: Renaming = (
    *BLOCK_NAMES,
    (r"^patch_norm\.", "to_patch_embedding.1."),
    (r"^patch\.", "to_patch_embedding.2."),
    (r"^token_norm\.", "to_patch_embedding.3."),
    (r"^places$", "pos_embedding"),
    (r"^separator$", "sep_embedding"),
    (r"^leads\.", "lead_embeddings."),
)

DROPPED = (
    Dropped(r"to_decoder_embedding\..+|mask_embedding|decoder_.+", "the decoder that reconstructed hidden patches"),
    Dropped(r"to_patch_embedding\..+", "the encoder's own patch embedding, which the full file holds twice"),
)

IMPORTERS = {
    "encoder": RenamedImporter({"encoder": StMemEncoder}, NAMES),
    "full": RenamedImporter({"full": StMemEncoder}, (*NAMES, (r"^", "encoder.")), DROPPED),
}
